"""Work that each process of a cluster does on its own; an error of one is raised in all, so that none waits for it.

With one process each function just does the work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .. import errors
from ..errors import BacktalkError, InputError, InputTypeError, MissingLibraryError, ProcessLostError
from . import processes

Result = TypeVar("Result")


def share(count: int, index: int, processes: int) -> slice:
    """The rows, of so many, of one process: the same number in each, or one more, in the order of the processes.

    >>> [share(10, index, 3) for index in range(3)]
    [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """
    return slice(count * index // processes, count * (index + 1) // processes)


def together(work: Callable[[], Result]) -> Result:
    """Each process does the work, and goes on with what it gave there; where it fails in one, all raise its error.

    The work asks nothing of other processes.
    """
    return _shared(work, tells=False)[0]


def gather_from(work: Callable[[], Any]) -> list[Any]:
    """Each process does the work; what it gave in each, which JSON can hold, in their order."""
    return _shared(work, tells=True)[1]


def from_first(work: Callable[[], Any]) -> Any:
    """Process 0 does the work; what it gave, which JSON can hold, in all."""
    return gather_from(work if processes.index() == 0 else lambda: None)[0]


def _shared(work: Callable[[], Result], tells: bool) -> tuple[Result, list[Any]]:
    """What the work gave here, and what it gave in each process where that is told."""
    if processes.count() == 1:
        result = work()
        return result, [result]
    failed, result = None, None
    try:
        result = work()
    except Exception as error:
        failed = error
    own = _facts(failed)
    every = processes.gather({"error": own, "result": result if tells else None})
    for number, each in enumerate(every):
        if failed is not None and each["error"] == own:
            raise failed
        if each["error"] is not None:
            raise _error(number, **each["error"])
    return result, [each["result"] for each in every]  # pyright: ignore[reportReturnType]


def _facts(error: Exception | None) -> dict[str, Any] | None:
    """An error, in JSON."""
    if error is None:
        return None
    facts: dict[str, Any] = {"kind": type(error).__name__, "said": str(error)}
    if isinstance(error, OSError) and not isinstance(error, BacktalkError) and error.errno is not None:
        facts |= {"number": error.errno, "reason": error.strerror, "file": str(error.filename or "")}
    return facts


def _error(
    process: int, kind: str, said: str, number: int | None = None, reason: str = "", file: str = ""
) -> Exception:
    """The error that was raised in another process, which is named."""
    if number is not None:
        return OSError(number, f"{reason} in process {process}", file or None)
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, InputError | InputTypeError | MissingLibraryError):
        return found(f"process {process}: {said}")
    return ProcessLostError(f"process {process} of {processes.count()} stopped: {kind}: {said}")
