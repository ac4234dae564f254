"""A command in several processes: it joins the others, process 0 alone speaks, and all come to an end together."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, TextIO

import typer

from .common import StoppedError

LOST = 2  # the exit code where another process is lost
CLOCKS = 10.0  # seconds by which the clock of a machine and that of its files may differ
CLEAR = "\r\x1b[2K\x1b[?25h"  # the line of progress goes, the cursor is there again

_number = 0  # JAX must not be asked while it is being started

Coordinator = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Train in several processes, which meet there: process 0's machine, a free port. [default: as SLURM, MPI "
        "or Kubernetes say]",
        show_default=False,
    ),
]
Processes = Annotated[int | None, typer.Option(metavar="N", help="How many processes train together.")]
Process = Annotated[int | None, typer.Option(metavar="I", help="Which of them this is, from 0.")]


@contextmanager
def together(
    coordinator: str | None, processes: int | None, process: int | None, *, engine: str, folder: Path, anew: bool
) -> Iterator[None]:
    """Within it this process is one of those that train together, where there are several.

    ``anew``: what lies in the folder of the run now is of an earlier one.
    """
    global _number
    from ..cluster import index
    from ..cluster.launchers import launched
    from ..errors import InputError
    from ..train.plan import COMPILED

    given = [coordinator, processes, process] != [None, None, None]
    if given and engine not in COMPILED:
        raise InputError(
            f"engine is {engine!r}, but processes train together only by {' or '.join(map(repr, COMPILED))}: "
            "give --engine compiled."
        )
    if processes == 1:
        _join(coordinator, processes, process)  # which looks at the numbers
    if processes == 1 or not (given or (engine in COMPILED and launched())):
        yield
        return
    since = time.time() - CLOCKS if anew else 0.0
    if not os.environ.get("BACKTALK_TRACEBACK"):
        from ..cluster.aborts import speak_for_aborts

        speak_for_aborts(lambda why: _end_at_once(f"{why}; {_how_to_go_on(folder, since)}.", stderr))
        stderr = sys.stderr  # while progress is shown, sys.stderr is a part of it
    _hear_sigterm()
    _join(coordinator, processes, process)
    _number = index()
    yield from _within(folder, since)


def _join(coordinator: str | None, processes: int | None, process: int | None) -> None:
    from ..cluster.join import join

    join(coordinator, processes, process, tell=_tell)


def _within(folder: Path, since: float) -> Iterator[None]:
    from ..cluster import count
    from ..errors import ProcessLostError

    try:
        yield
    except ProcessLostError as error:
        lost = f"process {1 - number()}" if count() == 2 else "another process"
        advice = f"see what it said, and whether its machine is up; {_how_to_go_on(folder, since)}"
        raise ProcessLostError(f"{lost} no longer answers: {advice}.") from error
    except StoppedError:
        if is_first():
            raise
        raise StoppedError from None  # process 0 says it


def is_first() -> bool:
    """Whether this process is the one that speaks."""
    return number() == 0


def number() -> int:
    """The number of this process among those that train together; 0 as long as it has not joined them."""
    return _number


def speaker() -> str:
    """Who says a sentence on stderr."""
    return f"backtalk, process {number()}" if number() else "backtalk"


def end(code: int) -> None:
    """Leave the others in good order, or at once where something went wrong."""
    jax = sys.modules.get("jax")
    if jax is None or not jax.distributed.is_initialized():
        return
    if code != 0:
        _flush(sys.stdout, sys.stderr)
        os._exit(code)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_DFL)  # Python would not hear them while JAX waits for the others
    jax.distributed.shutdown()


def _tell(sentence: str) -> None:
    print(f"backtalk: {sentence}", file=sys.stderr, flush=True)


def _how_to_go_on(folder: Path, since: float) -> str:
    from ..tables.folder import CHECKPOINT, MODEL

    if _written(folder / MODEL) > since:
        return f"the run in {folder} is whole all the same"
    if (written := _written(folder / CHECKPOINT)) > since:
        at = time.strftime("%H:%M:%S", time.localtime(written))
        return f"'backtalk resume {folder}' goes on from the checkpoint of {at}, with any number of processes"
    return "no checkpoint was written yet, so start it again"


def _written(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:
        return -1.0


def _end_at_once(sentence: str, stderr: TextIO) -> None:
    """From a thread of C++, while Python does anything."""
    clear = CLEAR if stderr.isatty() else ""
    print(f"{clear}{speaker()}: {sentence}", file=stderr)
    _flush(sys.stdout, stderr)
    os._exit(LOST)


def _flush(*streams: TextIO | None) -> None:
    for stream in streams:
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()


def _hear_sigterm() -> None:
    """SIGTERM, by which SLURM and Kubernetes end a process, is what Ctrl-C is."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as where a shell script has put it behind itself
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
