"""Steps of training by JAX's compiler: many steps in one call, Python in between.

The call takes over the buffers of the weights and of the optimizer's state. So that the last good network is there when
training diverges, a copy is made now and then, and the steps since then are taken again from it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ...core.arrays import library_name, to_numpy
from ...core.batch import Batch, diverged
from ...core.network import Network
from ...data.sources import Order
from ...errors import DivergedError, ProcessLostError
from ..devices import Devices
from ..steps import ENDLESS, SECONDS, LayerMeasures, StepSettings, StepState, Taken
from .batches import BatchBlock, BatchBlocks
from .program import (
    AT_ONCE,
    PRODUCTS,
    DeviceState,
    Form,
    StepRule,
    all_finite,
    compile_chunk,
    copy_of,
    jax_library,
    numbers_as,
)
from .records import StepRecord, StepRecords

MOST_MASKS = 2**26  # bytes of dropout's masks, which are drawn before a call
FIRST_STEPS = (1, 16)  # of the call that compiles, and of the next, which is timed
AGREED_EVERY = 16  # calls; so often the processes of a cluster agree anew on the time of a step


class CompiledSteps:
    """A network in training; what each method promises stands with :class:`~backtalk.engines.steps.Steps`.

    All processes of ``settings.group`` call the same methods in the same order.
    """

    engine: ClassVar[str] = "compiled"
    takes_labels: ClassVar[bool] = True
    products: ClassVar[str] = PRODUCTS["compiled"]

    settings: StepSettings
    jax: Any
    batch: Batch | None
    step: int

    def __init__(self, network: Network, settings: StepSettings) -> None:
        self.settings, self._start, self._group = settings, network, settings.group
        self.jax = jax_library()
        families = len(settings.optimizer.families)
        # The parameters and the optimizer's state with two copies of both, the gradient, and the message with it
        at_once = 3 * (1 + families) + 2
        size = np.dtype(network.spec.dtype_name).itemsize
        self._devices = Devices.of(self.jax, self._group, at_once * size * network.parameter_count)
        self._on_device = self._devices.count == 1 and self.jax.default_backend() != "cpu"
        self.batch = None
        self.restore(network, None)

    def _numbers(self) -> Any:
        return numbers_as(self._start.spec.dtype_name, self.products)

    def use(self, batch: Batch) -> None:
        if batch is self.batch:
            return
        self.batch = batch
        spec, by_count = self._start.spec, self.settings.loss_by_count
        with self._numbers():
            self._blocks = BatchBlocks(
                batch, self._devices, self._group, spec.dtype_name, by_count=by_count, on_device=self._on_device
            )

    @property
    def network(self) -> Network:
        """The network as it stands, with arrays of the library that it came with."""
        if self._read is None:
            self._read = self._unpacked(self._state)
        return self._read

    def _unpacked(self, state: DeviceState) -> Network:
        spec, depth = self._start.spec, self._start.depth
        with self._numbers(), self._group.answering():
            arrays = [
                self.jax.numpy.array(part)
                if library_name(spec.xp) == "jax" and self._devices.count == 1
                else spec.xp.asarray(self._devices.to_numpy(part), device=spec.device)
                for part in state.parameters
            ]
        return self._start.replace(arrays[:depth], arrays[depth:])

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
        room = self._masks_room(batch_size)
        assert isinstance(order, np.ndarray)  # private steps are refused
        with self._numbers(), self._group.answering():
            block = self._blocks.at(order, place, batch_size)
            first = block.number(place)
            wanted = min(most, len(block.counts) - first, self._in_time(batch_size), room)
            dtype = self._start.spec.dtype_name
            padded = np.zeros(AT_ONCE, dtype)
            padded[: len(rates[:wanted])] = rates[:wanted]
            # In a group always, so that a checkpoint can be written if a process is lost
            copies = self._group.count > 1 or self._records.copy_is_due()
            before = copy_of(self._state) if copies else None
            record = StepRecord(before, block, first, padded, self._masks(block, first, wanted, room), np.empty(0))
            began, self._read = time.monotonic(), None
            try:
                with self._group.answering():  # here, so that it is known now that a process was lost
                    self._state, losses = self._run(record, self._state, wanted)
            except ProcessLostError:
                assert before is not None
                self._state = before
                raise
        self._note_time(batch_size, (time.monotonic() - began) / len(losses))
        counts = block.counts[first : first + len(losses)]
        failed = not np.isfinite(losses[-1])
        good = len(losses) - failed
        self._records.add(replace(record, counts=counts[:good]))
        steps = int(np.count_nonzero(counts[:good]))
        self.step += steps
        if failed:
            self.step += 1
            place += good * batch_size
            raise self._diverged(good, min(batch_size, len(order) - place))
        for mean, count in zip(losses.tolist(), counts.tolist(), strict=True):
            loss, weight = loss + count * mean, weight + count
        place = min(place + len(losses) * batch_size, len(order))
        if place == len(order):
            self.require_finite()
        return Taken(place, steps, loss, weight)

    def _run(self, record: StepRecord, state: DeviceState, wanted: int) -> tuple[DeviceState, np.ndarray]:
        """Steps from a state, whose buffers are taken over; and the losses of the mini-batches."""
        settings, block = self.settings, record.block
        rule = StepRule(
            replace(settings.optimizer, learning_rate=1.0),  # what differs in the rate alone is one program
            bool(settings.l2_penalty), settings.l2_per_weight, settings.clip_norm, skips=not block.counts.all(),
        )  # fmt: skip
        run = compile_chunk(Form.of(self._start), rule, self._devices)
        masks = () if record.masks is None else (record.masks,)
        penalty = float(settings.l2_penalty)
        chunk = run(state, block.batches, record.first, wanted, record.rates, penalty, *masks)
        losses = self._devices.to_numpy(chunk.losses)[: int(self._devices.to_numpy(chunk.count))]
        return chunk.state, losses.astype(np.float64)

    def _in_time(self, batch_size: int) -> int:
        """Steps that take about as long as Python may wait."""
        timed = self._times.get(batch_size, [])
        if len(timed) < len(FIRST_STEPS):
            return FIRST_STEPS[len(timed)]
        return min(max(1, int(SECONDS / timed[-1])), AT_ONCE)

    def _note_time(self, batch_size: int, seconds: float) -> None:
        timed = self._times.setdefault(batch_size, [])
        self._calls += 1
        if self._group.count > 1 and len(timed) == len(FIRST_STEPS) and self._calls % AGREED_EVERY:
            return  # all must take the same number of steps, and a message for each call would cost more
        seconds = max(self._group.all_gather(seconds))
        timed[len(FIRST_STEPS) - 1 :] = [max(seconds, 1e-9)]

    def _masks_room(self, batch_size: int) -> int:
        """Steps whose masks of dropout are drawn at once."""
        if self.settings.dropout is None:
            return AT_ONCE
        size = np.dtype(self._start.spec.dtype_name).itemsize * batch_size * sum(self._start.sizes[1:-1])
        return int(min(max(1, MOST_MASKS // max(size, 1)), 64))

    def _masks(self, block: BatchBlock, first: int, wanted: int, room: int) -> list[Any] | None:
        """The masks of each hidden layer for the next steps, (room, rows, n_i); those beyond are not read."""
        dropout, sizes, devices = self.settings.dropout, self._start.sizes, self._devices
        if dropout is None or len(sizes) < 3:
            return None
        there = devices.padded(block.batch_size)
        drawn = [np.ones((room, there, n), dtype=self._start.spec.dtype_name) for n in sizes[1:-1]]
        for number in range(wanted):
            at = dropout.at(self.step + 1 + number)
            for i, masks in enumerate(drawn, start=1):
                masks[number, : block.batch_size] = at.mask(i, (block.batch_size, sizes[i]))
                if block.slots is not None:
                    masks[number] = masks[number, block.slots[first + number]]
        own = devices.columns(devices.process, there)
        return [devices.rows(masks[:, own]) for masks in drawn]

    def require_finite(self) -> None:
        with self._numbers(), self._group.answering():
            finite = all_finite(self._state.parameters, self._devices)
        if not finite:
            raise self._diverged(0, 0)

    def _diverged(self, number: int, rows: int) -> DivergedError:
        """The error for a mini-batch of the last call, whose loss is not finite; for the parameters with no rows."""
        bad, X, dropout = self.network, None, self.settings.dropout
        if rows:
            record = self._records.kept[-1]
            bad = self._unpacked(self._again(len(self._records.kept) - 1, number))
            with self._numbers():
                batch = self._devices.to_numpy(record.block.batches.X[record.first + number])
            if record.block.slots is not None:
                batch[record.block.slots[record.first + number]] = batch.copy()
            batch = batch[:rows]
            X = bad.spec.xp.asarray(batch, device=bad.spec.device)
        return diverged(bad, X, self._before_last_update(), self.step, dropout and dropout.at(self.step))

    def _before_last_update(self) -> Network:
        """The last network whose loss was finite."""
        last = self._records.last_update()
        return self._start if last is None else self._unpacked(self._again(*last))

    def _again(self, number: int, wanted: int) -> DeviceState:
        """The state after so many mini-batches of the record of this number: the same steps again, to the bit."""
        records = self._records.kept
        first = self._records.last_copy(number + 1)
        before = records[first].before
        assert before is not None
        with self._numbers(), self._group.answering():
            state = copy_of(before)
            for record in records[first:number]:
                state, _ = self._run(record, state, len(record.counts))
            return self._run(records[number], state, wanted)[0] if wanted else state

    def state(self) -> StepState:
        with self._numbers(), self._group.answering():
            arrays = {
                name: [self._devices.to_numpy(part) for part in parts] for name, parts in self._state.optimizer.items()
            }
        return StepState(self.step, arrays)

    def restore(self, network: Network, state: StepState | None) -> None:
        self._start = self._read = network
        self.step = state.step if state else 0
        self._records = StepRecords()
        self._times: dict[int, list[float]] = {}
        self._calls = 0
        lie = self._devices.parameter
        with self._numbers():
            parameters = [to_numpy(part) for part in (*network.W.values(), *network.b.values())]
            arrays = state.arrays if state else self.settings.optimizer.start(parameters)
            held = {name: [lie(to_numpy(part)) for part in arrays[name]] for name in self.settings.optimizer.families}
            step = self._devices.whole(np.int32(self.step))
            # The steps take over the buffers of a state: they must be its own, and not the network's
            self._state = copy_of(DeviceState([lie(part) for part in parameters], held, step))

    def measures(self) -> tuple[LayerMeasures, ...]:
        return ()  # refused before training: the hidden gradients do not leave the compiled steps


class CompiledBfloat16Steps(CompiledSteps):
    """The same with products of bfloat16 numbers, summed in float32, where the device has them."""

    engine: ClassVar[str] = "compiled_bfloat16"
    products: ClassVar[str] = PRODUCTS["compiled_bfloat16"]
