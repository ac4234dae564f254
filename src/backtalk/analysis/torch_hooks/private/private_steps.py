"""A run of private steps: which rows each of them takes, how much noise it adds, and the ε of all of them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from ....errors import InputError, InputTypeError, unknown_name
from ....train.privacy import Accountant, NoiseSource, noise_multiplier_for

CLIPPINGS = ("flat", "per_layer", "automatic")


class PrivateSteps:
    """What :meth:`Heard.private_step` needs to know of all steps together. It draws their rows and counts their ε.

    ``examples``: N, how many rows there are. ``batch_size``: B, how many of them a step takes on average: each row with
    probability B/N, independently (Poisson sampling), so a step may take more, fewer or none. ``max_norm``: C, the norm
    to which each example's gradient is clipped. ``noise_multiplier``: σ; each entry of the sum gets noise of standard
    deviation σ·C. Instead of it ``target_epsilon``, with ``delta`` and ``steps``: σ is then the least with which so
    many steps keep to it, and more are refused.

    ``clipping``: 'flat', by min(1, C/‖∇ℓ_n‖); 'per_layer', each of L layers to C/√L by itself; 'automatic', by
    C/(‖∇ℓ_n‖ + 0.01), so that small gradients count as much as large ones (Bu et al. 2022). ``accountant``: 'pld',
    which is tight, or 'rdp'. ``seed``: for a run that can be repeated; whoever knows it can take the noise away. None,
    the default, for noise and samples that nobody can predict.

    Raises :class:`~backtalk.errors.InputError` if a number is out of its range or the target cannot be reached,
    :class:`~backtalk.errors.MissingLibraryError` without the extra ``privacy``. Source: Abadi et al. 2016, "Deep
    learning with differential privacy".

    >>> from backtalk import PrivateSteps
    >>> private = PrivateSteps(1000, batch_size=5, noise_multiplier=1.0, seed=0)
    >>> [len(rows) for rows in private.batches(4)]
    [6, 3, 4, 6]
    >>> private.sampling_rate, private.steps, private.epsilon(delta=1e-5)
    (0.005, 0, 0.0)
    """

    def __init__(
        self,
        examples: int,
        batch_size: float,
        *,
        max_norm: float = 1.0,
        noise_multiplier: float | None = None,
        target_epsilon: float | None = None,
        delta: float | None = None,
        steps: int | None = None,
        clipping: str = "flat",
        accountant: str = "pld",
        seed: int | None = None,
    ) -> None:
        if isinstance(examples, bool) or not isinstance(examples, Integral):
            raise InputTypeError(f"examples is {examples!r}, expected a whole number: how many rows there are.")
        if examples < 1:
            raise InputError(f"examples is {examples}, expected 1 or more.")
        batch_size = _positive("batch_size", batch_size)
        if batch_size > examples:
            raise InputError(f"batch_size is {batch_size:g}, expected at most the {examples} examples.")
        if clipping not in CLIPPINGS:
            raise unknown_name("clipping", clipping, CLIPPINGS)
        self.examples, self.batch_size, self.clipping = int(examples), batch_size, clipping
        self.max_norm, self.delta = _positive("max_norm", max_norm), delta
        self._accountant, self._noise = Accountant(accountant), NoiseSource(seed)
        self._drawn: deque[int] = deque()  # the sizes of the batches that were drawn, and not yet stepped
        self.most_steps = None
        if target_epsilon is not None:
            if noise_multiplier is not None:
                raise InputError("noise_multiplier and target_epsilon are both given, expected one of them.")
            if delta is None or steps is None:
                missing = "delta" if delta is None else "steps"
                raise InputError(f"target_epsilon is given without {missing}, on which the noise depends: give it too.")
            noise_multiplier = noise_multiplier_for(target_epsilon, delta, self.sampling_rate, steps, accountant)
            self.most_steps = steps
        elif noise_multiplier is None:
            raise InputError("noise_multiplier is None, expected a number, or target_epsilon with delta and steps.")
        self._accountant.step(noise_multiplier, self.sampling_rate, 0)  # checks it
        self.noise_multiplier = float(noise_multiplier)

    @property
    def sampling_rate(self) -> float:
        """B/N, the probability with which a step takes each example."""
        return self.batch_size / self.examples

    @property
    def steps(self) -> int:
        """How many were taken."""
        return self._accountant.steps

    def epsilon(self, delta: float | None = None) -> float:
        """ε of all steps so far; ``delta``: by default the one that was given."""
        delta = self.delta if delta is None else delta
        if delta is None:
            raise InputError("delta is None, expected a number above 0, less than 1 over the number of examples.")
        return self._accountant.epsilon(delta)

    def sample(self) -> np.ndarray:
        """The rows of the next step, int64; there may be none. Each batch is to be heard whole, once, in its order."""
        rows = self._noise.sample(self.examples, self.sampling_rate)
        self._drawn.append(len(rows))
        return rows

    def batches(self, steps: int) -> PoissonBatches:
        """The rows of so many steps, each as a list: to iterate over, or as the ``batch_sampler`` of a DataLoader."""
        return PoissonBatches(self, steps)

    def state(self) -> dict[str, Any]:
        """Numbers and texts for a checkpoint; take it when each batch that was drawn has had its step."""
        return {"accountant": self._accountant.state(), "noise": self._noise.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken: without a seed, with new randomness."""
        if not isinstance(state, Mapping) or not {"accountant", "noise"} <= set(state):
            raise InputError("state is not what state() of PrivateSteps gave.")
        accountant = Accountant.restore(state["accountant"])
        self._noise.restore(state["noise"])
        self._accountant = accountant
        self._drawn.clear()

    def require_drawn(self) -> int:
        """How many examples the next step is to have heard."""
        if not self._drawn:
            raise InputError(
                "no batch was drawn for this step: take its rows from private.batches(…) or private.sample(), since ε "
                "holds for batches that are drawn like this alone."
            )
        if self.most_steps is not None and self.steps >= self.most_steps:
            raise InputError(
                f"all {self.most_steps} steps are taken, and one more would go beyond target_epsilon: stop here, or "
                "ask for more steps at the beginning."
            )
        return self._drawn[0]

    def add_noise(self, total: Any) -> Any:
        """The sum of a step with its noise; counts the step."""
        self._accountant.step(self.noise_multiplier, self.sampling_rate)
        self._drawn.popleft()
        return self._noise.add(total, self.noise_multiplier * self.max_norm)

    def __repr__(self) -> str:
        return (
            f"PrivateSteps({self.examples}, batch_size={self.batch_size:g}, max_norm={self.max_norm:g}, "
            f"noise_multiplier={self.noise_multiplier:.4g}), {self.steps} steps taken"
        )


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


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} is {value!r}, expected a number above 0.")
    number = float(value)
    if not 0 < number < math.inf:
        raise InputError(f"{name} is {value!r}, expected a finite number above 0.")
    return number
