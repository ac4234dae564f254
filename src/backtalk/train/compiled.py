"""Steps of training by JAX's compiler: many steps in one call, Python in between.

The call takes over the buffers of the weights and of the optimizer's state. So that the last good network is there when
training diverges, a copy is made before each call; the steps since then are taken again from it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import library_name, to_numpy
from ..engines.compiled import (
    AT_ONCE,
    PRODUCTS,
    Batches,
    Form,
    Standing,
    StepRule,
    compile_chunk,
    copy_of,
    jax_library,
    numbers_as,
)
from ..errors import DivergedError
from ..network import Network
from .batch import Examples, diverged
from .records import LayerMeasures
from .steps import ENDLESS, SECONDS, StepSettings, StepState, Taken

MOST_IN_ORDER = 2**28  # bytes of examples that lie ready in their order
MOST_MASKS = 2**26  # bytes of dropout's masks, which are drawn before a call
FIRST_STEPS = (1, 16)  # of the call that compiles, and of the next, which is timed


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """Examples in their order: those of ``order`` from ``first`` to ``last``."""

    order: np.ndarray
    first: int
    last: int
    batches: Batches


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Steps that follow one another: what it takes to take them again, and by how much each mini-batch counted."""

    before: Standing
    window: _Window
    place: int
    batch_size: int
    rates: np.ndarray
    masks: Any
    counts: np.ndarray


class CompiledSteps:
    """A network in training; what each method promises stands with :class:`~backtalk.train.steps.Steps`."""

    products = PRODUCTS["compiled"]

    def __init__(self, network: Network, settings: StepSettings) -> None:
        self.settings, self._start = settings, network
        self.jax = jax_library()
        self._rule = StepRule(
            settings.optimizer, settings.l2_penalty, settings.l2_per_weight, settings.loss_by_count, settings.clip_norm
        )
        self.examples: Examples | None = None
        self.restore(network, None)

    def _numbers(self) -> Any:
        return numbers_as(self._start.home.dtype_name, self.products)

    def _on_device(self, array: Any, dtype: Any = None) -> Any:
        """An array of JAX: always a copy, since buffers are taken over, and NumPy's could change."""
        return self.jax.numpy.array(array if isinstance(array, self.jax.Array) else to_numpy(array), dtype=dtype)

    def use(self, examples: Examples) -> None:
        if examples is self.examples:
            return
        self.examples, self._window = examples, None
        target = None if examples.labels is not None else examples.target
        fields = (examples.X, examples.labels, target, examples.weight)
        if self.jax.default_backend() == "cpu":  # NumPy gathers rows many times as fast as XLA does on a CPU
            self._fields = [None if each is None else to_numpy(each) for each in fields]
        else:
            with self._numbers():
                self._fields = [None if each is None else self._on_device(each) for each in fields]

    def _window_at(self, order: np.ndarray, place: int, batch_size: int) -> _Window:
        """The examples from a place in the order on, ready on the device; the same as before where they still serve."""
        window = self._window
        if window is None or window.order is not order or not window.first <= place < window.last:
            assert self.examples is not None
            row_bytes = max(1, self.examples.X.shape[1]) * np.dtype(self._start.home.dtype_name).itemsize
            batches = min(-(-len(order) // batch_size), max(1, MOST_IN_ORDER // (row_bytes * batch_size)))
            rows = order[place : place + batches * batch_size]
            filled = np.append(rows, np.full(batches * batch_size - len(rows), order[-1]))
            self._window = window = _Window(order, place, place + len(rows), self._in_order(filled))
        return window

    def _in_order(self, rows: np.ndarray) -> Batches:
        def chosen(field: Any) -> Any:
            if field is None:
                return None
            taken = np.take(field, rows, axis=0) if isinstance(field, np.ndarray) else field[rows]
            if self.jax.numpy.issubdtype(taken.dtype, np.integer):
                taken = taken.astype("int32")
            return self.jax.device_put(taken)  # nobody else has it, so that it need not be copied

        return Batches(*[chosen(field) for field in self._fields])

    @property
    def network(self) -> Network:
        """The network as it stands, with arrays of the library that it came with."""
        if self._read is None:
            self._read = self._unpacked(self._standing)
        return self._read

    def _unpacked(self, standing: Standing) -> Network:
        home, depth = self._start.home, self._start.depth
        with self._numbers():
            arrays = [
                self._on_device(part)
                if library_name(home.xp) == "jax"
                else home.xp.asarray(np.array(part), device=home.device)
                for part in standing.parameters
            ]
        return self._start.replace(arrays[:depth], arrays[depth:])

    def take(
        self,
        order: np.ndarray,
        place: int,
        batch_size: int,
        rates: np.ndarray,
        *,
        most: int = ENDLESS,
        loss: float = 0.0,
        weight: float = 0.0,
    ) -> Taken:
        room = self._masks_room(batch_size)
        with self._numbers():
            window = self._window_at(order, place, batch_size)
            wanted = min(most, -(-(window.last - place) // batch_size), self._in_time(batch_size), room)
            stretch = _Stretch(
                copy_of(self._standing), window, place, batch_size,
                np.resize(rates[:AT_ONCE].astype(self._start.home.dtype_name), AT_ONCE),
                self._masks(batch_size, wanted, room), np.empty(0),
            )  # fmt: skip
            began, self._read = time.monotonic(), None
            self._standing, losses, counts = self._run(stretch, self._standing, wanted)
        self._note_time(batch_size, (time.monotonic() - began) / len(losses))
        failed = not np.isfinite(losses[-1])
        good = len(losses) - failed
        self._stretches = [*self._stretches[-1:], replace(stretch, counts=counts[:good])]
        steps = int(np.count_nonzero(counts[:good]))
        self.step += steps
        if failed:
            self.step += 1
            place += good * batch_size
            raise self._diverged(self._examples_at(order[place : place + batch_size]), good)
        for mean, count in zip(losses.tolist(), counts.tolist(), strict=True):
            loss, weight = loss + count * mean, weight + count
        place = min(place + len(losses) * batch_size, len(order))
        if place == len(order):
            self.require_finite()
        return Taken(place, steps, loss, weight)

    def _run(self, stretch: _Stretch, standing: Standing, wanted: int) -> tuple[Standing, np.ndarray, np.ndarray]:
        """Steps from a standing, whose buffers are taken over; the losses of the mini-batches, and how they count."""
        run = compile_chunk(Form.of(self._start), self._rule, stretch.batch_size)
        masks = () if stretch.masks is None else (stretch.masks,)
        with self._numbers():
            window = stretch.window
            place, last = stretch.place - window.first, window.last - window.first
            chunk = run(standing, window.batches, place, last, wanted, stretch.rates, *masks)
            count = int(chunk.count)
            losses, counts = (np.asarray(part)[:count].astype(np.float64) for part in (chunk.losses, chunk.counts))
        return chunk.standing, losses, counts

    def _in_time(self, batch_size: int) -> int:
        """Steps that take about as long as Python may wait."""
        timed = self._times.get(batch_size, [])
        if len(timed) < len(FIRST_STEPS):
            return FIRST_STEPS[len(timed)]
        return min(max(1, int(SECONDS / timed[-1])), AT_ONCE)

    def _note_time(self, batch_size: int, seconds: float) -> None:
        timed = self._times.setdefault(batch_size, [])
        timed[len(FIRST_STEPS) - 1 :] = [max(seconds, 1e-9)]

    def _masks_room(self, batch_size: int) -> int:
        """Steps whose masks of dropout are drawn at once."""
        if self.settings.dropout is None:
            return AT_ONCE
        size = np.dtype(self._start.home.dtype_name).itemsize * batch_size * sum(self._start.sizes[1:-1])
        return int(min(max(1, MOST_MASKS // max(size, 1)), 64))

    def _masks(self, batch_size: int, wanted: int, room: int) -> list[Any] | None:
        """The masks of each hidden layer for the next steps, (room, batch_size, n_i); those beyond are not read."""
        dropout, sizes = self.settings.dropout, self._start.sizes
        if dropout is None or len(sizes) < 3:
            return None
        drawn = [np.ones((room, batch_size, n), dtype=self._start.home.dtype_name) for n in sizes[1:-1]]
        for number in range(wanted):
            at = dropout.at(self.step + 1 + number)
            for i, masks in enumerate(drawn, start=1):
                masks[number] = at.mask(i, (batch_size, sizes[i]))
        return drawn

    def require_finite(self) -> None:
        finite = self.jax.numpy.isfinite
        if not all(bool(finite(part).all()) for part in self._standing.parameters):
            raise self._diverged(None, 0)

    def _examples_at(self, rows: np.ndarray) -> Any:
        assert self.examples is not None
        return self.examples.take(rows)[0] if self.examples.labels is None else self.examples.X[rows]

    def _diverged(self, X: Any, number: int) -> DivergedError:
        """The error for mini-batch ``number`` of the last call, X, whose loss is not finite; or for the parameters."""
        bad, dropout = self.network, self.settings.dropout
        if X is not None:
            bad = self._unpacked(self._again(self._stretches[-1], number))
        return diverged(bad, X, self._before_last_update(), self.step, dropout and dropout.at(self.step))

    def _before_last_update(self) -> Network:
        """The last network whose loss was finite."""
        for stretch in reversed(self._stretches):
            updates = np.flatnonzero(stretch.counts)
            if len(updates):
                return self._unpacked(self._again(stretch, int(updates[-1])))
        return self._start

    def _again(self, stretch: _Stretch, wanted: int) -> Standing:
        """The same steps again, to the bit, as far as wanted."""
        with self._numbers():
            standing = copy_of(stretch.before)
            return self._run(stretch, standing, wanted)[0] if wanted else standing

    def state(self) -> StepState:
        arrays = {name: [np.array(part) for part in parts] for name, parts in self._standing.state.items()}
        return StepState(self.step, arrays)

    def restore(self, network: Network, state: StepState | None) -> None:
        self._start = self._read = network
        self.step = state.step if state else 0
        self._stretches: list[_Stretch] = []
        self._times: dict[int, list[float]] = {}
        with self._numbers():
            parameters = [self._on_device(part) for part in (*network.W.values(), *network.b.values())]
            arrays = state.arrays if state else self.settings.optimizer.start(parameters)
            held = {name: [self._on_device(part) for part in arrays[name]] for name in self.settings.optimizer.families}
            self._standing = Standing(parameters, held, self.jax.numpy.int32(self.step))

    def measures(self) -> tuple[LayerMeasures, ...]:
        return ()  # refused before training: the hidden gradients do not leave the compiled steps


class CompiledBfloat16Steps(CompiledSteps):
    """The same with products of bfloat16 numbers, summed in float32, where the device has them."""

    products = PRODUCTS["compiled_bfloat16"]
