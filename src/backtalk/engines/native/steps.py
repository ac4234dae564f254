"""Steps of training by the native kernels: many steps in one call, Python in between.

The kernels update W in place. So that the last good network is there when training diverges, they keep a copy of
the parameters and the optimizer's state from time to time; the steps since then are taken again from it, to the bit.
"""

from __future__ import annotations

import math
import time
from dataclasses import fields
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...core.batch import Batch, diverged
from ...core.network import Network
from ...core.noise import grid_of
from ...core.optimizers import (
    OPTIMIZERS,
    SGD,
    AdamEpsilonHat,
    AdamUncorrected,
    AdamW,
    GradientDescent,
    Optimizer,
    RMSprop,
)
from ...data.sources import Order, Samples
from ...errors import DivergedError
from ..steps import ENDLESS, FIRST_MEASURED, SECONDS, LayerMeasures, Measured, StepSettings, StepState, Taken
from . import passes as native
from .kernels import threads

# The kernels' names of the update: those of the optimizers, but where another one has the same rule
RENAMED: dict[type[Optimizer], str] = {
    GradientDescent: "sgd",
    SGD: "momentum",
    AdamEpsilonHat: "adam",
    AdamUncorrected: "adam",
    AdamW: "adam",
}
RULES: dict[type[Optimizer], str] = {kind: RENAMED.get(kind, name) for name, kind in OPTIMIZERS.items()}
SHARE_OF_COPIES = 0.01  # of the time that goes into copies of the parameters, at the most


def serves(network: Network, optimizer: Optimizer) -> bool:
    """Whether the kernels take these steps."""
    return native.serves(network) and type(optimizer) in RULES


def _rule(optimizer: Optimizer) -> str:
    """The kernels' name of the update; some have one of their own for what is not needed."""
    rule = RULES[type(optimizer)]
    if isinstance(optimizer, SGD) and optimizer.momentum == 0:
        return "sgd"
    if isinstance(optimizer, RMSprop):
        return "_".join(["rmsprop", *["centered"] * optimizer.centered, *["momentum"] * (optimizer.momentum > 0)])
    return rule


class _StepRecord(NamedTuple):
    """Steps that follow one another: what it takes to take them again."""

    batch: Batch
    order: Order
    place: int
    batch_size: int
    rates: np.ndarray
    steps: int


def update_of(settings: StepSettings) -> dict[str, Any]:
    """The update of a step as the kernels are told of it."""
    optimizer = settings.optimizer
    names = {"momentum", "beta_1", "epsilon", "momentum_decay"} & {each.name for each in fields(optimizer)}
    numbers = dict.fromkeys(("momentum", "beta_1", "epsilon", "momentum_decay"), 0.0)
    return {
        "rule": _rule(optimizer),
        **numbers | {name: float(getattr(optimizer, name)) for name in names},
        "beta_2": float(getattr(optimizer, "rho" if hasattr(optimizer, "rho") else "beta_2", 0.0)),
        "epsilon_hat": isinstance(optimizer, AdamEpsilonHat),
        "corrects": not isinstance(optimizer, AdamUncorrected),
        "l2_penalty": settings.l2_penalty,
        "l2_per_weight": settings.l2_per_weight,
        "weight_decay": optimizer.weight_decay,
        "clip_norm": settings.clip_norm or 0.0,
        "loss_by_count": settings.loss_by_count,
    }


def in_training(network: Network, settings: StepSettings) -> Any:
    """The network in the kernels' memory, with the arrays of its optimizer and all that a step must know."""
    dropout = settings.dropout
    net = native.prepare(network, trains=True, states=len(settings.optimizer.families))
    net.set_update(**update_of(settings))
    if (private := settings.private) is not None:
        net.set_privacy(
            private.clipping,
            private.max_norm,
            private.noise,
            private.batch_size,
            private.key,
            grid_of(private.noise),
        )
    if dropout is not None:
        net.set_dropout(dropout.levels(network.depth - 1), dropout.seed)
    return net


def _rows_and_ends(order: Order) -> tuple[np.ndarray, np.ndarray | None]:
    return (order.rows, order.ends) if isinstance(order, Samples) else (order, None)


class NativeSteps:
    """A network in training; each method promises what it does in :class:`~backtalk.engines.steps.Steps`."""

    engine: ClassVar[str] = "native"
    takes_labels: ClassVar[bool] = True
    batch: Batch | None = None
    settings: StepSettings
    step: int

    def __init__(self, network: Network, settings: StepSettings) -> None:
        self.settings, self._start = settings, network
        self._net = in_training(network, settings)
        self._begin_at(network, 0)

    def _begin_at(self, network: Network, step: int) -> None:
        self._net.begin_after(step)
        self.step = step
        self._read: Network | None = network  # the network as it stands, until a step is taken
        self._since_copy: list[_StepRecord] = []
        self._next_copy = 0.0

    def use(self, batch: Batch) -> None:
        if batch is not self.batch:
            self.batch, self._readable = batch, native.readable_batch(batch)

    @property
    def network(self) -> Network:
        """The network as it stands."""
        if self._read is None:
            self._read = self._unpack()
        return self._read

    def _unpack(self) -> Network:
        W, b = self._empty()
        for i, arrays in enumerate(zip(W, b, strict=True)):
            self._net.unpack(i, *arrays)
        return self._start.replace(W, b)

    def _empty(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return [np.empty_like(W) for W in self._start.W.values()], [np.empty_like(b) for b in self._start.b.values()]

    def take(
        self,
        order: Order,
        place: int,
        batch_size: int,
        rates: np.ndarray,
        *,
        most: int = ENDLESS,
        loss: float = 0.0,
        weight: float = 0.0,
    ) -> Taken:
        if isinstance(order, Samples):
            order = Samples(*(native.readable(part, np.int64) for part in (order.rows, order.ends)))
        else:
            order = native.readable(order, np.int64)
        rates = native.readable(rates, np.float64)
        every, first = self.settings.measure_every, FIRST_MEASURED - self.step
        taken = Taken(place, 0, loss, weight)
        if every > 1 and first > 0:  # the first steps are all measured
            taken = self._take(order, taken, batch_size, rates, min(most, first), 1)
            if taken.steps < first or taken.steps >= most or taken.place >= len(order):
                return taken
        return self._take(order, taken, batch_size, rates, most - taken.steps, every)

    def _take(self, order: Order, so_far: Taken, batch_size: int, rates: np.ndarray, most: int, every: int) -> Taken:
        """So many steps more."""
        began, place, rates = time.monotonic(), so_far.place, rates[so_far.steps :]
        self._read = None  # now, since Ctrl-C may come before the counts are back
        X, target, labels, weights = self._readable.arrays
        with np.errstate(over="ignore", invalid="ignore"):  # of a user's own activation; said in full by the error
            done, steps, loss, weight, has_diverged, copied = self._net.train(
                X, labels, target, weights, *_rows_and_ends(order), place, batch_size, rates, most, SECONDS,
                so_far.loss, so_far.weight, threads(), began >= self._next_copy, every,
            )  # fmt: skip
        if copied:
            self._since_copy = []
            self._next_copy = began + self._net.seconds_of_copy() / SHARE_OF_COPIES
        # the rates are copied: the caller may write others into the same array
        self._since_copy.append(_StepRecord(self._readable, order, place, batch_size, rates[:steps].copy(), steps))
        self.step += steps
        if has_diverged:
            self.step += 1
            raise self._diverged(X[order[done : done + batch_size]])
        if done >= len(order):
            self.require_finite()
        return Taken(done, so_far.steps + steps, loss, weight)

    @property
    def net(self) -> Any:
        """The kernels' own network."""
        return self._net

    def take_noting(self, order: np.ndarray, batch_size: int, rates: np.ndarray, points: np.ndarray) -> None:
        """All steps of an order; ``points`` (k, size) gets what was there before each of the first k.

        A point holds the parameters and the optimizer's arrays as they lie in the kernels' memory: of
        :meth:`point_size` numbers. Ends early if the run diverges.
        """
        X, target, labels, weights = self._readable.arrays
        self._read, place, steps, has_diverged = None, 0, 0, False
        while place < len(order) and not has_diverged:
            left = points[steps:]
            place, taken, _, _, has_diverged, _ = self._net.train(
                X, labels, target, weights, order, None, place, batch_size, rates[steps:], ENDLESS, SECONDS, 0.0, 0.0,
                threads(), False, 0, left if len(left) else None, len(left),
            )  # fmt: skip
            steps += taken
        self.step += steps

    def point_size(self) -> int:
        """How many numbers a point has."""
        return self._net.size()

    def go_to(self, point: np.ndarray, step: int) -> None:
        """Stand at a point again, after so many updates."""
        self._net.load_point(point, step)
        self.step, self._read = step, None

    def require_finite(self) -> None:
        if not self._net.finite():
            raise self._diverged(None)

    def _diverged(self, X: np.ndarray | None) -> DivergedError:
        """The error for what came of the mini-batch X, whose update was not made; or for the parameters."""
        bad, dropout = self._unpack(), self.settings.dropout
        return diverged(bad, X, self._before_last_step(), self.step, dropout and dropout.at(self.step))

    def _before_last_step(self) -> Network:
        """The network before the last update: the last one whose loss was finite."""
        left = sum(record.steps for record in self._since_copy) - 1
        self._read = None
        self._net.restore()
        for batch, order, place, batch_size, rates, steps in self._since_copy:
            if (again := min(left, steps)) > 0:
                X, target, labels, weights = batch.arrays
                self._net.train(
                    X, labels, target, weights, *_rows_and_ends(order), place, batch_size, rates, again, math.inf,
                    0.0, 0.0, threads(), False, 0,
                )  # fmt: skip
                left -= again
        return self._unpack()

    def state(self) -> StepState:
        families = self.settings.optimizer.families
        arrays: dict[str, list[np.ndarray]] = {}
        for which, family in enumerate(families, start=1):
            W, b = self._empty()
            for i, parts in enumerate(zip(W, b, strict=True)):
                self._net.unpack_state(i, which, *parts)
            arrays[family] = [*W, *b]
        return StepState(self._net.updates(), arrays, self._measured())

    def restore(self, network: Network, state: StepState | None) -> None:
        depth = network.depth
        for i in range(depth):
            self._net.pack(i, native.readable(network.W[i + 1]), native.readable(network.b[i + 1]))
        for which, family in enumerate(self.settings.optimizer.families, start=1):
            arrays: list[Any] = (
                state.arrays[family]
                if state
                else [np.zeros_like(part) for part in [*network.W.values(), *network.b.values()]]
            )
            arrays = [native.readable(part, network.W[1].dtype) for part in arrays]
            for i in range(depth):
                self._net.pack_state(i, which, arrays[i], arrays[depth + i])
        self._begin_at(network, state.step if state else 0)
        if state:
            self._net.begin_measuring(state.measured.steps, state.measured.sums)  # pyright: ignore

    def measures(self) -> tuple[LayerMeasures, ...]:
        """The means over the measured steps since the last call."""
        measured = self._measured()
        self._net.begin_measuring(0, ())
        return measured.means()

    def _measured(self) -> Measured:
        steps, sums = self._net.measured()
        return Measured(steps, tuple(sums)) if steps else Measured()
