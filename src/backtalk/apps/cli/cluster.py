"""A command in several processes: it joins the others, process 0 alone speaks, and all come to an end together."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ..visible import say
from .common import StoppedError

if TYPE_CHECKING:
    from ...distributed import Group

GROUP = "Several processes"  # of the options, in the help
LOST = 75  # the exit code if another process is lost: EX_TEMPFAIL, to be tried again
CLOCKS = 10.0  # seconds by which the clock of a machine and that of its files may differ
UNREAD = 5.0  # seconds in which the others come to an end, if they do, when nobody reads what this one prints
CLEAR = "\r\x1b[2K\x1b[?25h"  # the line of progress goes, the cursor is there again

_group: Group | None = None  # the one that this command has joined; JAX must not be asked while it is being started

Coordinator = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Train in several processes, which meet there: process 0's machine, a free port. [default: as SLURM, MPI "
        "or Kubernetes say]",
        show_default=False,
        rich_help_panel=GROUP,
    ),
]
Processes = Annotated[
    int | None, typer.Option(metavar="N", help="How many processes train together.", rich_help_panel=GROUP)
]
Process = Annotated[int | None, typer.Option(metavar="I", help="Which of them this is, from 0.", rich_help_panel=GROUP)]


@contextmanager
def joined(
    coordinator: str | None, processes: int | None, process: int | None, *, engine: str, folder: Path, anew: bool
) -> Iterator[Group]:
    """Within it this process is one of the group that trains together; ``ALONE`` if nothing says so.

    ``anew``: what lies in the folder of the run now is of an earlier one.
    """
    global _group
    from ...distributed import ALONE
    from ...distributed.join import join, launched
    from ...engines.choose import COMPILED
    from ...errors import InputError, ProcessLostError

    given = [coordinator, processes, process] != [None, None, None]
    if given and processes != 1 and engine not in COMPILED:
        raise InputError(
            f"is {engine!r}, but processes train together only by {' or '.join(map(repr, COMPILED))}: "
            "give --engine compiled.",
            argument="engine",
        )
    started = launched()
    if started and started.processes and processes is None and engine not in COMPILED:
        raise InputError(
            f"is {engine!r}, but {started.by} started {started.processes} processes, each of which would train "
            "alone: give --engine compiled, or --processes 1 if they should.",
            argument="engine",
        )
    if processes == 1:
        yield join(coordinator, processes, process)  # which looks at the numbers
        return
    if not (given or (engine in COMPILED and started)):
        yield ALONE
        return
    since = time.time() - CLOCKS if anew else 0.0
    if not os.environ.get("BACKTALK_TRACEBACK"):
        from ...distributed.aborts import NOT_ALL_CAME, speak_for_aborts

        def end_at_once(reason: str) -> None:
            code = 2 if reason == NOT_ALL_CAME else LOST
            _end_at_once(f"{reason}; {_how_to_go_on(folder, since)}.", stderr, code)

        speak_for_aborts(end_at_once)
        stderr = sys.stderr  # while progress is shown, sys.stderr is a part of it
    _stop_at_sigterm()
    try:
        _group = join(coordinator, processes, process, report=_report)
        yield _group
    except ProcessLostError as error:
        raise ProcessLostError(f"{error.reason}; {_how_to_go_on(folder, since)}") from error
    except StoppedError:
        if is_first():
            raise
        raise StoppedError from None  # process 0 says it


def is_first() -> bool:
    """Whether this process is the one that speaks."""
    return _group is None or _group.is_first


def speaker() -> str:
    """Who says a sentence on stderr."""
    return "backtalk" if _group is None or _group.is_first else f"backtalk, process {_group.index}"


def end(code: int, read: bool = True) -> None:
    """Leave the others in good order, or at once if something went wrong.

    If nobody read what was printed, such as ``head`` that had enough, the others may be done or still at work.
    """
    jax = sys.modules.get("jax")
    if jax is None or not jax.distributed.is_initialized():
        return
    if not read:
        done = Thread(target=jax.distributed.shutdown, daemon=True)
        done.start()
        done.join(UNREAD)
        os._exit(code)
    if code != 0:
        _flush(sys.stdout, sys.stderr)
        os._exit(code)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_DFL)  # Python would not notice them while JAX waits for the others
    jax.distributed.shutdown()


def _report(sentence: str) -> None:
    say(f"backtalk: {sentence}", on=sys.stderr, flush=True)


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


def _end_at_once(sentence: str, stderr: TextIO, code: int) -> None:
    """From a thread of C++, while Python does anything."""
    clear = CLEAR if stderr.isatty() else ""
    stderr.write(clear)
    say(f"{speaker()}: {sentence}", on=stderr)
    _flush(sys.stdout, stderr)
    os._exit(code)


def _flush(*streams: TextIO | None) -> None:
    for stream in streams:
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()


def _stop_at_sigterm() -> None:
    """SIGTERM, by which SLURM and Kubernetes end a process, is what Ctrl-C is; so is the end of the terminal."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as if a shell script has put it behind itself
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
