"""The group of processes that train together, and what they tell one another."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np

from .. import errors
from ..errors import BacktalkError, InputError, InputTypeError, MissingLibraryError, ProcessLostError

Result = TypeVar("Result")
LONGEST = 60  # letters of a value, in an error


@dataclass(frozen=True, slots=True)
class Group:
    """``count`` processes, of which this one is number ``index``, from 0.

    Every process calls the same methods in the same order. With one process each of them returns at once, with what it
    was given; so no caller asks how many there are.

    >>> ALONE.all_gather({"rows": 3}), ALONE.any_of([True, False])
    ([{'rows': 3}], [True, False])
    """

    index: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and speaks for all."""
        return self.index == 0

    def share(self, rows: int) -> slice:
        """The rows, of so many, of this process: the same number in each, or one more, in the order of the processes.

        >>> [Group(index, 3).share(10) for index in range(3)]
        [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
        """
        return slice(rows * self.index // self.count, rows * (self.index + 1) // self.count)

    # Values

    def all_gather(self, value: Any) -> list[Any]:
        """A value of each process that JSON can hold, in their order; the same list in every process."""
        if self.count == 1:
            return [value]
        text = np.frombuffer(json.dumps(value).encode(), np.uint8)
        lengths = self._all_gather_array(np.array([len(text)], np.int32))[:, 0]
        padded = np.zeros(1 << int(lengths.max()).bit_length(), np.uint8)  # few lengths: each is compiled anew
        padded[: len(text)] = text
        lines = self._all_gather_array(padded)
        return [json.loads(line[:length].tobytes()) for line, length in zip(lines, lengths.tolist(), strict=True)]

    def concatenate(self, array: np.ndarray) -> np.ndarray:
        """The rows of the arrays of all processes, one below the other in their order; in every process.

        >>> ALONE.concatenate(np.array([[1, 2], [3, 4]])).tolist()
        [[1, 2], [3, 4]]
        """
        if self.count == 1:
            return array
        counts = [int(rows) for rows in self.all_gather(len(array))]
        width = array.dtype.itemsize * int(np.prod(array.shape[1:]))
        padded = np.zeros((max(counts), width), np.uint8)  # as bytes, which JAX does not round
        padded[: len(array)] = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8).reshape(len(array), width)
        parts = [part[:rows] for part, rows in zip(self._all_gather_array(padded), counts, strict=True)]
        return np.frombuffer(np.concatenate(parts).tobytes(), array.dtype).reshape(sum(counts), *array.shape[1:])

    def any_of(self, flags: Sequence[bool]) -> list[bool]:
        """Of each flag, whether it is set in any process."""
        if self.count == 1:
            return [bool(flag) for flag in flags]
        return [bool(column.any()) for column in self._all_gather_array(np.array(flags, np.uint8)).T]

    def require_equal(self, facts: dict[str, Any], expected: str = "start all of them alike") -> None:
        """Refuse to go on if a fact differs between the processes.

        Raises :class:`~backtalk.errors.InputError`, in every process, with the first fact that differs and both values.
        """
        every = self.all_gather(facts)
        for name, value in every[0].items():
            for number, other in enumerate(every):
                if not _are_equal(other.get(name), value):
                    raise InputError(
                        f"the processes differ in {name}: {_short(value)} in process 0, {_short(other.get(name))} in "
                        f"process {number}; {expected}."
                    )

    # Work that each process does on its own

    def run(self, work: Callable[[], Result]) -> Result:
        """Each process does the work, which asks nothing of others; its own result, or an error of any process."""
        own: list[Result] = []
        self.run_and_gather(lambda: own.append(work()))
        return own[0]

    def run_and_gather(self, work: Callable[[], Any]) -> list[Any]:
        """The same, with the results of all processes, which JSON can hold, in their order."""
        if self.count == 1:
            return [work()]
        failed, result = None, None
        try:
            result = work()
        except Exception as error:
            failed = error
        own = _facts(failed)
        every = self.all_gather({"error": own, "result": result})
        for number, each in enumerate(every):
            if failed is not None and each["error"] == own:
                raise failed
            if each["error"] is not None:
                raise self._error(number, **each["error"])
        return [each["result"] for each in every]

    def broadcast(self, work: Callable[[], Any]) -> Any:
        """Process 0 does the work; its result, which JSON can hold, in all."""
        return self.run_and_gather(work if self.is_first else lambda: None)[0]

    def _error(
        self, process: int, kind: str, message: str, number: int | None = None, reason: str = "", file: str = ""
    ) -> Exception:
        """The error that was raised in another process, which is named."""
        if number is not None:
            return OSError(number, f"{reason} in process {process}", file or None)
        found = getattr(errors, kind, None)
        if isinstance(found, type) and issubclass(found, InputError | InputTypeError | MissingLibraryError):
            return found(f"process {process}: {message}")
        return ProcessLostError(f"process {process} of {self.count} stopped: {kind}: {message.rstrip('.')}")

    # By JAX

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within it, a process that is lost raises :class:`~backtalk.errors.ProcessLostError`."""
        if self.count == 1:
            yield
            return
        import jax

        try:
            yield
        except (jax.errors.JaxRuntimeError, ValueError) as error:  # NumPy turns the first into the second
            if not any(word in str(error) for word in ("Gloo ", "NCCL", "coordination service")):
                raise
            lost = f"process {1 - self.index}" if self.count == 2 else "another process"
            reason = f"{lost} no longer answers: see what it said, and whether its machine is up"
            raise ProcessLostError(reason, process=self.index, processes=self.count) from error

    def _all_gather_array(self, array: np.ndarray) -> np.ndarray:
        """An array of the same shape from each process, (processes, …)."""
        from jax.experimental.multihost_utils import process_allgather

        with self.answering():
            return np.asarray(process_allgather(array))

    def shift(self, block: np.ndarray, by: int) -> np.ndarray:
        """The block of the process that comes so many before this one, for one of the same size."""
        import jax

        sharding, shifted = _compiled_shift(by)
        with self.answering():
            blocks = jax.make_array_from_process_local_data(sharding, block)
            return np.asarray(shifted(blocks).addressable_data(0))


ALONE = Group()


def joined_group() -> Group:
    """The group that this process has joined by JAX's distributed runtime; ``ALONE`` if none.

    >>> joined_group() == ALONE
    True
    """
    jax = sys.modules.get("jax")
    if jax is None or not jax.distributed.is_initialized():
        return ALONE
    return Group(jax.process_index(), jax.process_count())


def _facts(error: Exception | None) -> dict[str, Any] | None:
    """An error, in JSON."""
    if error is None:
        return None
    facts: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, OSError) and not isinstance(error, BacktalkError) and error.errno is not None:
        facts |= {"number": error.errno, "reason": error.strerror, "file": str(error.filename or "")}
    return facts


def _are_equal(one: Any, other: Any) -> bool:
    return one == other or (one != one and other != other)  # NaN is not equal to itself


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


@cache
def _compiled_shift(by: int) -> tuple[Any, Callable[[Any], Any]]:
    """The sharding over one device of each process, and the exchange among them.

    One message to each other process; ``all_to_all`` takes five times as long over Gloo.
    """
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    processes = jax.process_count()
    first = {device.process_index: device for device in reversed(jax.devices())}
    mesh = Mesh(np.array([first[process] for process in range(processes)]), ("processes",))
    spec = PartitionSpec("processes")
    pairs = [(process, (process + by) % processes) for process in range(processes)]

    def blocks(own: Any) -> Any:
        return jax.lax.ppermute(own, "processes", pairs)

    return NamedSharding(mesh, spec), jax.jit(jax.shard_map(blocks, mesh=mesh, in_specs=spec, out_specs=spec))
