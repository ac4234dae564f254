"""A run of private steps: which rows each of them takes, how much noise it adds, and the ε of all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from ....errors import InputError, InputTypeError, a_kind
from ....train.privacy import (
    NoiseSource,
    Privacy,
    PrivacySpent,
    noise_multiplier_for,
    require_accounting,
    require_delta,
)


class PrivateSteps:
    """What :meth:`Heard.private_step` needs to know of all steps together: it draws their rows, and counts them.

    ``privacy``: the noise, the norm and the clipping, as for :func:`~backtalk.fit`. ``examples``: N, how many rows
    there are. ``batch_size``: B, how many of them a step takes on average: each row with probability B/N, independently
    (Poisson sampling), so a step may take more, fewer or none. ``steps``: how many are to come, of which a
    ``target_epsilon`` asks; more are refused then.

    ``noise_multiplier``: σ, as given or as the target needs it. ``steps``: how many were taken. Raises
    :class:`~backtalk.errors.InputError` if a number is out of its range or the target cannot be reached,
    :class:`~backtalk.errors.MissingLibraryError` without the extra ``privacy``. Source: Abadi et al. 2016, "Deep
    learning with differential privacy".

    >>> from backtalk import Privacy, PrivateSteps
    >>> private = PrivateSteps(Privacy(delta=1e-5, noise_multiplier=1.0, seed=0), examples=1000, batch_size=5)
    >>> [len(rows) for rows in private.batches(4)]
    [6, 3, 4, 6]
    >>> private.sampling_rate, private.steps, private.spent.epsilon
    (0.005, 0, 0.0)
    """

    privacy: Privacy
    examples: int
    batch_size: float
    steps: int
    noise_multiplier: float

    def __init__(self, privacy: Privacy, *, examples: int, batch_size: float, steps: int | None = None) -> None:
        if not isinstance(privacy, Privacy):
            raise InputTypeError(f"privacy is {a_kind(privacy)}, expected a Privacy.")
        for name, value in (("examples", examples), ("steps", steps)):
            if name == "steps" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise InputTypeError(f"{name} is {value!r}, expected a whole number.")
            if value < 1:
                raise InputError(f"{name} is {value}, expected 1 or more.")
        if isinstance(batch_size, bool) or not isinstance(batch_size, Real):
            raise InputTypeError(f"batch_size is {batch_size!r}, expected a number above 0.")
        if not 0 < float(batch_size) <= examples:
            raise InputError(f"batch_size is {batch_size!r}, expected a number above 0, up to the {examples} examples.")
        require_accounting()
        require_delta(privacy.delta, examples)
        self.privacy, self.examples, self.batch_size = privacy, int(examples), float(batch_size)
        self.steps, self._most_steps = 0, None
        noise = privacy.noise_multiplier
        if noise is None:
            if steps is None:
                raise InputError("steps is None, but target_epsilon is for all steps together: say how many will come.")
            target, self._most_steps = privacy.target_epsilon, steps
            assert target is not None
            noise = noise_multiplier_for(target, privacy.delta, self.sampling_rate, steps, privacy.accountant)
        self.noise_multiplier = float(noise)
        self._noise = NoiseSource(privacy.seed)
        self._drawn: deque[int] = deque()  # the sizes of the batches that were drawn, and not yet stepped

    @property
    def sampling_rate(self) -> float:
        """B/N, the probability with which a step takes each example."""
        return self.batch_size / self.examples

    @property
    def spent(self) -> PrivacySpent:
        """What the steps so far have cost: ``spent.epsilon`` and more."""
        asked = self.privacy
        return PrivacySpent(
            asked.delta, self.noise_multiplier, self.sampling_rate, self.steps, asked.max_norm, asked.clipping,
            asked.accountant,
        )  # fmt: skip

    def sample(self) -> np.ndarray:
        """The rows of the next step, int64; there may be none. Each batch is to be heard whole, once, in its order."""
        rows = self._noise.sample(self.examples, self.sampling_rate)
        self._drawn.append(len(rows))
        return rows

    def batches(self, steps: int) -> PoissonBatches:
        """The rows of so many steps, each as a list: to iterate over, or as the ``batch_sampler`` of a DataLoader."""
        return PoissonBatches(self, steps)

    def state(self) -> dict[str, Any]:
        """Numbers for a checkpoint; take it when each batch that was drawn has had its step."""
        return {"steps": self.steps, "noise_multiplier": self.noise_multiplier, "noise": self._noise.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken; without a seed, with new randomness."""
        if not isinstance(state, Mapping) or not {"steps", "noise_multiplier", "noise"} <= set(state):
            raise InputError("state is not what state() of PrivateSteps gave.")
        if state["noise_multiplier"] != self.noise_multiplier:
            raise InputError(
                f"state is of steps with a noise_multiplier of {state['noise_multiplier']!r}, expected "
                f"{self.noise_multiplier!r}: begin with the same settings."
            )
        self._noise.restore(state["noise"])
        self.steps = state["steps"]
        self._drawn.clear()

    def require_drawn(self) -> int:
        """How many examples the next step is to have heard."""
        if not self._drawn:
            raise InputError(
                "no batch was drawn for this step: take its rows from private.batches(…) or private.sample(), since ε "
                "holds for batches that are drawn like this alone."
            )
        if self._most_steps is not None and self.steps >= self._most_steps:
            raise InputError(
                f"all {self._most_steps} steps are taken, and one more would go beyond target_epsilon: stop here, or "
                "ask for more steps at the beginning."
            )
        return self._drawn[0]

    def count_step(self) -> None:
        """The batch that was drawn first has its step now."""
        self.steps += 1
        self._drawn.popleft()

    def add_noise(self, total: np.ndarray) -> None:
        """The noise of a step, to one parameter's sum of clipped gradients, (n,), in place."""
        self._noise.add(total, self.noise_multiplier * self.privacy.max_norm)

    def __repr__(self) -> str:
        return f"PrivateSteps of {self.batch_size:g} out of {self.examples} examples, {self.steps} taken"


class PoissonBatches:
    """Lists of row numbers, drawn when they are asked for."""

    def __init__(self, private: PrivateSteps, steps: int) -> None:
        if isinstance(steps, bool) or not isinstance(steps, Integral):
            raise InputTypeError(f"steps is {steps!r}, expected a whole number.")
        if steps < 0:
            raise InputError(f"steps is {steps}, expected 0 or more.")
        self._private, self._steps = private, int(steps)

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[list[int]]:
        return (self._private.sample().tolist() for _ in range(self._steps))
