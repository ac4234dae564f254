"""``Privacy``: what a user asks of private training, checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Any

from ...core.clipping import CLIPPINGS
from ...errors import InputError, InputTypeError, unknown_name
from .accounting import ACCOUNTANTS, as_delta
from .noise import as_seed

LEAST, MOST = 1e-12, 1e12  # of C and σ: their product and the grid of the noise are normal numbers of float32 too


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """Private training (DP-SGD), given to :func:`~backtalk.fit`: no example changes the result by much.

    Every step takes each example with probability q = batch_size/N, clips the gradient of each to the norm C, and
    divides their sum, with normal noise of standard deviation σC, by the batch size. All steps together are
    (ε, δ)-private: one example more or less changes the probability of any result by at most the factor e^ε, apart
    from δ. `docs/privacy.md` says what that covers, and what it does not.

    ``delta``: δ, below 1/N. Exactly one of ``noise_multiplier``, σ, and ``target_epsilon``, the ε that all epochs
    together are to have, for which σ is then found. ``max_norm``: C. ``clipping``: 'flat', the whole gradient of an
    example; 'per_layer', that of each of L layers to C/√L; 'automatic', every gradient is scaled to nearly C, so that
    C and the learning rate need no tuning against each other. ``accountant``: 'pld', tight, or 'rdp', faster and some
    10 % larger. ``seed``: None for noise and mini-batches that nobody can repeat; with a whole number a run can be
    repeated, and whoever knows it can take the noise away: for tests alone. A checkpoint holds the seed.

    Needs dp-accounting and cryptography, ``pip install 'backtalk[privacy]'``. Raises
    :class:`~backtalk.errors.InputError` for a number out of its range. Sources: Abadi et al. 2016, "Deep learning with
    differential privacy"; Bu et al. 2022, "Automatic clipping".

    >>> import numpy as np
    >>> from backtalk import Network, Privacy, fit
    >>> X = np.random.default_rng(0).normal(size=(500, 4))
    >>> net, privacy = Network.create([4, 2], rng=0), Privacy(target_epsilon=3.0, delta=1e-4, accountant="rdp")
    >>> training = fit(net, X, X[:, 0] > 0, epochs=5, batch_size=50, privacy=privacy)
    >>> training.privacy.steps, training.privacy.epsilon <= 3.0, round(training.privacy.noise_multiplier, 2)
    (50, True, 1.32)
    """

    delta: float
    noise_multiplier: float | None = None
    target_epsilon: float | None = None
    max_norm: float = 1.0
    clipping: str = "flat"
    accountant: str = "pld"
    seed: int | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        as_delta(self.delta)
        asked = {name: getattr(self, name) for name in ("noise_multiplier", "target_epsilon")}
        given = [name for name, value in asked.items() if value is not None]
        if len(given) != 1:
            raise InputError(
                f"{'both' if given else 'neither'} of noise_multiplier and target_epsilon {'are' if given else 'is'} "
                "given, expected one of them: how much noise there is, or the ε that is to come of it."
            )
        for name in (given[0], "max_norm"):
            _require_in_range(name, getattr(self, name))
        if self.clipping not in CLIPPINGS:
            raise unknown_name("clipping", self.clipping, CLIPPINGS)
        if self.accountant not in ACCOUNTANTS:
            raise unknown_name("accountant", self.accountant, ACCOUNTANTS)
        as_seed(self.seed)

    def to_dict(self) -> dict[str, Any]:
        """By name, as numbers and texts."""
        return asdict(self)


def _require_in_range(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"is {value!r}, expected a number above 0.", argument=name)
    if not LEAST <= float(value) <= MOST:
        raise InputError(f"is {value!r}, expected a number above 0, from {LEAST:g} to {MOST:g}.", argument=name)
