"""How many processes there are, and values that every process gives and all get."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import InputError, ProcessLostError

LONGEST = 60  # letters of a value, in an error


def count() -> int:
    """The number of processes that train together; 1 where none was joined."""
    jax = sys.modules.get("jax")
    return jax.process_count() if jax is not None and jax.distributed.is_initialized() else 1


def index() -> int:
    """This process' number, from 0."""
    return sys.modules["jax"].process_index() if count() > 1 else 0


@contextmanager
def answering() -> Iterator[None]:
    """Within it, a process that is lost raises :class:`~backtalk.errors.ProcessLostError`."""
    if count() == 1:
        yield
        return
    import jax

    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:  # NumPy turns the first into the second
        if not any(word in str(error) for word in ("Gloo ", "NCCL", "coordination service")):
            raise
        lost = f"process {1 - index()}" if count() == 2 else "another process"
        raise ProcessLostError(
            f"{lost} no longer answers: see what it said, and whether its machine is up (this is process {index()} of "
            f"{count()})."
        ) from error


def gather(value: Any) -> list[Any]:
    """A value of each process that JSON can hold, in their order; the same list in every process.

    >>> gather({"rows": 3})
    [{'rows': 3}]
    """
    if count() == 1:
        return [value]
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    lengths = _gathered(np.array([len(text)], np.int32))[:, 0]
    padded = np.zeros(1 << int(lengths.max()).bit_length(), np.uint8)  # few lengths: each is compiled anew
    padded[: len(text)] = text
    return [
        json.loads(line[:length].tobytes()) for line, length in zip(_gathered(padded), lengths.tolist(), strict=True)
    ]


def concatenate(array: np.ndarray) -> np.ndarray:
    """The rows of the arrays of all processes, one below the other in their order; in every process.

    >>> concatenate(np.array([[1, 2], [3, 4]])).tolist()
    [[1, 2], [3, 4]]
    """
    if count() == 1:
        return array
    counts = [int(rows) for rows in gather(len(array))]
    width = array.dtype.itemsize * int(np.prod(array.shape[1:]))
    padded = np.zeros((max(counts), width), np.uint8)  # as bytes, which JAX does not round
    padded[: len(array)] = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8).reshape(len(array), width)
    parts = [part[:rows] for part, rows in zip(_gathered(padded), counts, strict=True)]
    return np.frombuffer(np.concatenate(parts).tobytes(), array.dtype).reshape(sum(counts), *array.shape[1:])


def any_of(flags: Sequence[bool]) -> list[bool]:
    """Of each flag, whether any process has it.

    >>> any_of([True, False])
    [True, False]
    """
    if count() == 1:
        return [bool(flag) for flag in flags]
    every = _gathered(np.array(flags, np.uint8))
    return [bool(column.any()) for column in every.T]


def agree(facts: dict[str, Any], expected: str = "start all of them alike") -> None:
    """Refuse to go on where a fact differs between the processes.

    Raises :class:`~backtalk.errors.InputError`, in every process, with the first fact that differs and both values.
    """
    every = gather(facts)
    for name, value in every[0].items():
        for number, other in enumerate(every):
            if other.get(name) != value:
                raise InputError(
                    f"the processes differ in {name}: {_short(value)} in process 0, {_short(other.get(name))} in "
                    f"process {number}; {expected}."
                )


def _gathered(array: np.ndarray) -> np.ndarray:
    """An array of the same shape from each process, (processes, …)."""
    from jax.experimental.multihost_utils import process_allgather

    with answering():
        return np.asarray(process_allgather(array))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
