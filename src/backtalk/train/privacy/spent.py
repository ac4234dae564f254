"""``PrivacySpent``: what private steps have cost so far."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .accounting import epsilon

_compute_epsilon = lru_cache(maxsize=64)(epsilon)


@dataclass(frozen=True, slots=True)
class PrivacySpent:
    """What the private steps of a run have cost so far: they are (``epsilon``, ``delta``)-private.

    ``noise_multiplier``: σ, the standard deviation of the noise in units of ``max_norm``, C. ``sampling_rate``: the
    probability q with which a step takes an example. ``steps``: how many were taken. ``clipping``, ``accountant``: as
    in :class:`~backtalk.Privacy`. It speaks of the examples that were trained on, and not of a validation set.

    >>> spent = PrivacySpent(1e-5, 1.1, 256 / 60_000, steps=1000, max_norm=1.0, clipping="flat", accountant="rdp")
    >>> spent
    ε = 0.889 at δ = 1e-05 (1000 steps, σ = 1.1, C = 1, flat, rdp)
    """

    delta: float
    noise_multiplier: float
    sampling_rate: float
    steps: int
    max_norm: float
    clipping: str
    accountant: str

    @property
    def epsilon(self) -> float:
        """ε, computed when it is asked for, which takes up to a second."""
        return _compute_epsilon(self.noise_multiplier, self.sampling_rate, self.steps, self.delta, self.accountant)

    def _repr_html_(self) -> str:
        """What a notebook shows: ε, and what it follows from."""
        from ...pages.view import rows_table, sentence, view

        steps = f"{self.steps} step{'s' * (self.steps != 1)}, each of which takes an example with probability q"
        rows = [
            ["q", f"{self.sampling_rate:.4g}", steps],
            ["σ", f"{self.noise_multiplier:.4g}", "standard deviation of the noise, in units of C"],
            ["C", f"{self.max_norm:.4g}", f"the norm to which each example's gradient is clipped, {self.clipping}"],
        ]
        title = f"ε = {self.epsilon:.3g} at δ = {self.delta:g}"
        note = f"Counted by {self.accountant}. It speaks of the examples that were trained on."
        return view(title, rows_table(["", "value", "what it is"], rows, words=3), sentence(note))

    def __repr__(self) -> str:
        return (
            f"ε = {self.epsilon:.3g} at δ = {self.delta:g} ({self.steps} steps, σ = {self.noise_multiplier:.4g}, "
            f"C = {self.max_norm:g}, {self.clipping}, {self.accountant})"
        )
