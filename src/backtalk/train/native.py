"""Steps of training by the native kernels: many steps in one call, Python in between.

The kernels update W in place. So that the last good network is there when training diverges, they keep a copy of
the parameters and the optimizer's state from time to time; the steps since then are taken again from it, to the bit.
"""

from __future__ import annotations

import math
import time

import numpy as np

from ..engines import native
from ..engines.kernels import threads
from ..network import Network
from .batch import Examples, diverged
from .optimizers import SGD, Adam, AdamW, Nesterov, Optimizer
from .records import LayerMeasures

RULES: dict[type[Optimizer], int] = {SGD: 2, Nesterov: 3, Adam: 4, AdamW: 4}  # as in native/types.h
PLAIN_SGD = 1
SECONDS = 0.08  # of a call, after which Python gets control: Ctrl-C is heard, callbacks and progress go on
SHARE_OF_COPIES = 0.01  # of the time that goes into copies of the parameters, at the most
ENDLESS = 2**62


def serves(network: Network, optimizer: Optimizer) -> bool:
    """Whether the kernels take these steps."""
    return native.serves(network) and type(optimizer) in RULES


class NativeSteps:
    """A network in training: ``epoch`` takes a step for each mini-batch, and ``network`` is where it stands."""

    def __init__(
        self, network: Network, examples: Examples, optimizer: Optimizer, *, l2_penalty: float, measure_every: int
    ) -> None:
        self._start, self.examples = network, examples
        self.measure_every = measure_every
        self.step = 0
        self._read: Network | None = network  # the network as it stands, until a step is taken
        self._net = native.prepare(network, trains=True)
        self._X = native.readable(examples.X)
        self._labels = None if examples.labels is None else native.readable(examples.labels, np.int64)
        self._target = None if examples.labels is not None else native.readable(examples.target)
        self._weight = None if examples.weight is None else native.readable(examples.weight)
        momentum = float(getattr(optimizer, "momentum", 0.0))
        rule = RULES[type(optimizer)]
        self._net.set_update(
            PLAIN_SGD if rule != 4 and momentum == 0 else rule,
            optimizer.learning_rate,
            momentum,
            *(float(getattr(optimizer, name, 0.0)) for name in ("beta_1", "beta_2", "epsilon")),
            l2_penalty,
            optimizer.weight_decay,
        )
        self._since_copy: list[tuple[np.ndarray, int, int, int]] = []  # (order, first example, batch size, steps)
        self._steps_since_copy = 0
        self._next_copy = 0.0

    @property
    def network(self) -> Network:
        """The network as it stands."""
        if self._read is None:
            self._read = self._unpack()
        return self._read

    def _unpack(self) -> Network:
        W = [np.empty_like(W) for W in self._start.W.values()]
        b = [np.empty_like(b) for b in self._start.b.values()]
        for i, arrays in enumerate(zip(W, b, strict=True)):
            self._net.unpack(i, *arrays)
        return self._start.replace(W, b)

    def epoch(self, order: np.ndarray, batch_size: int) -> float:
        """A step for each mini-batch of ``order``; gives the mean loss while it ran."""
        total, example = 0.0, 0
        while example < len(order):
            began = time.monotonic()
            copy = began >= self._next_copy
            first = example
            with np.errstate(over="ignore", invalid="ignore"):  # of a user's own activation; said in full by the error
                example, steps, loss, has_diverged, copied = self._run(order, first, batch_size, copy=copy)
            if copied:
                self._since_copy, self._steps_since_copy = [], 0
                self._next_copy = began + self._net.seconds_of_copy() / SHARE_OF_COPIES
            self._since_copy.append((order, first, batch_size, steps))
            self._steps_since_copy += steps
            self.step += steps
            total += loss if self._weight is not None else loss / self.examples.count
            if has_diverged:
                self.step += 1
                bad, X = self._unpack(), self._X[order[example : example + batch_size]]
                raise diverged(bad, X, self._before_last_step(), self.step)
        if not self._net.finite():
            raise diverged(self._unpack(), None, self._before_last_step(), self.step)
        return total

    def _run(
        self, order: np.ndarray, first: int, batch_size: int, *, most: int = ENDLESS, copy: bool = False
    ) -> tuple[int, int, float, bool, bool]:
        self._read = None  # also where Ctrl-C comes before the counts are back
        return self._net.train(
            self._X,
            self._labels,
            self._target,
            self._weight,
            order,
            first,
            batch_size,
            most,
            SECONDS if most == ENDLESS else math.inf,
            threads(),
            copy,
            self.measure_every if most == ENDLESS else 0,
        )

    def _before_last_step(self) -> Network:
        """The network before the last update: the last one whose loss was finite."""
        left = self._steps_since_copy - 1
        self._net.restore()
        for order, first, batch_size, steps in self._since_copy:
            if (again := min(left, steps)) > 0:
                self._run(order, first, batch_size, most=again)
                left -= again
        return self._unpack()

    def measures(self) -> tuple[LayerMeasures, ...]:
        """The means over the measured steps since the last call."""
        return tuple(LayerMeasures(i, **row) for i, row in enumerate(self._net.measures(), start=1))
