"""What :class:`Privacy` means for a run: its sampling rate, its noise, and the key of both; and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...core.activations import ACTIVATIONS
from ...core.arrays import to_numpy
from ...core.losses import LOSSES
from ...core.network import Network
from ...data.sources import InMemory, Source
from ...engines.private import PrivateSettings
from ...errors import InputError
from .accounting import noise_multiplier_for, require_accounting, require_delta
from .noise import key_of
from .poisson import PoissonSamples
from .settings import Privacy
from .spent import PrivacySpent

PROBES = 3  # examples on which a loss of the user's own is tried


@dataclass(frozen=True, slots=True)
class PrivacyPlan:
    """The private steps of a run on ``source``: ``steps_per_epoch``, of ``batch_size`` examples on average."""

    privacy: Privacy
    source: InMemory
    batch_size: int
    noise_multiplier: float
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, privacy: Privacy, network: Network, source: Source, batch_size: int, epochs: int) -> PrivacyPlan:
        """For a run of so many epochs.

        Raises :class:`~backtalk.errors.InputError` for what cannot be private, or a target that no noise reaches, and
        :class:`~backtalk.errors.MissingLibraryError` without the libraries that it needs.
        """
        require_accounting()
        examples = _require_alike(network, source)
        require_delta(privacy.delta, source.count)
        steps, noise = -(-source.count // batch_size), privacy.noise_multiplier
        if noise is None:
            rate, target = batch_size / source.count, privacy.target_epsilon
            assert target is not None
            noise = noise_multiplier_for(target, privacy.delta, rate, epochs * steps, privacy.accountant)
        return cls(privacy, examples, batch_size, noise, key_of(privacy.seed, "backtalk private steps"))

    @property
    def sampling_rate(self) -> float:
        """The probability with which a step takes an example."""
        return self.batch_size / self.source.count

    @property
    def samples(self) -> PoissonSamples:
        """The mini-batches of its steps."""
        steps = -(-self.source.count // self.batch_size)
        return PoissonSamples(self.source, self.sampling_rate, steps, self.key)

    @property
    def step_settings(self) -> PrivateSettings:
        """What the engine is told."""
        noise = self.noise_multiplier * self.privacy.max_norm / self.batch_size
        return PrivateSettings(self.privacy.clipping, self.privacy.max_norm, noise, self.batch_size, self.key)

    def with_noise(self, noise_multiplier: float) -> PrivacyPlan:
        """The same with that of the run that it goes on with."""
        return replace(self, noise_multiplier=noise_multiplier)

    def spent(self, steps: int) -> PrivacySpent:
        """What so many steps cost."""
        asked = self.privacy
        return PrivacySpent(
            asked.delta, self.noise_multiplier, self.sampling_rate, steps, asked.max_norm, asked.clipping,
            asked.accountant,
        )  # fmt: skip


def _require_alike(network: Network, source: Source) -> InMemory:
    """The examples, if each of them can be taken at random, counts alike, and knows nothing of the others."""
    if not isinstance(source, InMemory):
        raise InputError("privacy is given, but X is read as a Stream, which cannot be sampled: give arrays in memory.")
    if source.batch.weight is not None:
        raise InputError(
            "sample_weight or class_weight is given with privacy, which bounds what each example counts for: leave "
            "both out."
        )
    own = type(network.loss) not in LOSSES.values() or any(
        type(g) not in ACTIVATIONS.values() for g in network.activations
    )
    if own and not _apart(network, source):
        raise InputError(
            f"loss is {network.loss!r}, but the gradient of one example depends on the others of its batch, which "
            "cannot be private: use a loss, and activations, that take each example alone."
        )
    return source


def _apart(network: Network, source: InMemory) -> bool:
    """Whether some examples have the same gradients together and alone."""
    from ...core.backward import talk_down, talk_to_output
    from ...core.forward import propagate

    def gradients(rows: list[int]) -> np.ndarray:
        batch = InMemory(source.batch, np.array(rows)).chosen()
        ones = network.spec.xp.ones((len(rows),), dtype=network.spec.dtype, device=network.spec.device)
        trace = propagate(network, batch.X)
        *_, grad_output = talk_to_output(network, trace, batch.target(), ones)
        return np.column_stack(
            [to_numpy(part) for part in talk_down(network, trace, grad_output, lowest=1)[0].values()]
        )

    rows = list(range(min(PROBES, source.batch.count)))
    with np.errstate(all="ignore"):
        together, alone = gradients(rows), np.concatenate([gradients([row]) for row in rows])
    return bool(np.allclose(together, alone, rtol=1e-3, atol=1e-6, equal_nan=True))
