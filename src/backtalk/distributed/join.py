"""This process joins the others: by what it was told, or by what SLURM, Open MPI or Kubernetes say."""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from threading import Thread
from typing import Any

from ..errors import BacktalkError, InputError, MissingLibraryError, ProcessLostError
from .address import Address
from .launchers import LAUNCHERS, Launched, launched
from .meet import Tell, meet, versions
from .processes import agree, gather

HEARTBEAT = 20  # seconds without one after which a process counts as lost
STARTING = 60  # seconds in which JAX starts in all processes, once they have met
ENDING = 300  # seconds that one which is done waits for the others


def join(
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    *,
    wait: float = 300.0,
    tell: Tell = None,
) -> None:
    """Join the processes that train together; before anything in this process computes by JAX.

    ``coordinator``: HOST:PORT, the machine of process 0 and a free port there. ``processes``: how many there are.
    ``process``: which of them this is, from 0. What is not given is taken from SLURM, Open MPI or an indexed job of
    Kubernetes, where one of them started this process; where none did, and nothing is given, nothing is joined.
    ``wait``: seconds for the others to come. ``tell``: called with a sentence where they take long.

    From then on an error that nobody catches ends the process without waiting for the others, which hear of it.

    Raises :class:`~backtalk.InputError` where the processes do not fit together, or did not come, and
    :class:`~backtalk.errors.ProcessLostError` where one ended meanwhile; each in all processes that are there.
    """
    found = launched()
    given = [coordinator, processes, process] != [None, None, None]
    if found is not None and coordinator is None:
        coordinator = found.coordinator
    if processes == 1 or not (given or found):
        _require_numbers(1, process or 0)
        return
    if find_spec("jax") is None:
        raise MissingLibraryError(
            "processes train together by JAX, which is not installed: pip install 'backtalk[jax]'."
        )
    import jax

    if given or coordinator is not None:
        address, processes, process = _told(coordinator, processes, process, found)
        if not jax.distributed.is_initialized():
            met = meet(address, processes, process, wait=wait, tell=tell)
            # where SLURM or Open MPI started it, JAX asks them which GPU of the machine is this process' own
            method = "deactivate" if found is None or found.by == "Kubernetes" else None
            try:
                _start(
                    coordinator_address=str(address),
                    num_processes=processes,
                    process_id=process,
                    cluster_detection_method=method,
                    coordinator_bind_address=met.listened or None,
                    initialization_timeout=STARTING,
                )
            except RuntimeError as error:
                raise ProcessLostError(f"JAX could not start in all processes: {_first_line(error)}.") from error
            if met.unreachable and jax.default_backend() == "cpu":
                raise InputError(met.unreachable)
        _require_joined(jax, processes, process)
    elif found is not None and not jax.distributed.is_initialized():
        _start_by(found, wait)
        agree(versions(), "install the same versions everywhere")


def _told(
    coordinator: str | None, processes: int | None, process: int | None, found: Launched | None
) -> tuple[Address, int, int]:
    """The three of them, as given or as what started this process says."""
    if found is not None:
        processes = found.processes if processes is None else processes
        process = found.process if process is None else process
    for name, value in (("coordinator", coordinator), ("processes", processes), ("process", process)):
        if value is None:
            raise InputError(
                f"{name} is missing: coordinator, processes and process belong together; give all three, or none."
            )
    assert coordinator is not None
    assert processes is not None
    assert process is not None
    address = Address.parse(coordinator)
    _require_numbers(processes, process)
    return address, processes, process


def _require_numbers(processes: int, process: int) -> None:
    if processes < 1:
        raise InputError(f"processes is {processes}, expected 1 or more, all that train together.")
    if not 0 <= process < processes:
        which = f"a number from 0 to {processes - 1}" if processes > 1 else "0"
        raise InputError(f"process is {process}, expected {which}, as there are {processes} processes.")


def _start_by(found: Launched, wait: float) -> None:
    """Start JAX by what it finds out itself."""
    try:
        with warnings.catch_warnings(action="ignore"):  # what they say is in the error
            _start(initialization_timeout=max(1, round(wait)))
    except BacktalkError:
        raise
    except Exception as error:  # of JAX, or of a library that it asks
        many = found.processes or "N"
        raise InputError(
            f"{found.by} started this as process {found.process} of {many}, but JAX cannot find process 0 by that "
            f"({_first_line(error)}): give --coordinator HOST:PORT --processes {many} --process "
            f"${LAUNCHERS[found.by][1]}, or --processes 1 to train alone."
        ) from None


def _start(**settings: Any) -> None:
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM for itself

    def start() -> None:
        _yield_to_others()
        with _without_proxies():
            jax.distributed.initialize(heartbeat_timeout_seconds=HEARTBEAT, shutdown_timeout_seconds=ENDING, **settings)
        jax.process_count()  # which makes the devices of all known to all
        with _without_output():
            gather(None)  # at the first message Gloo's C++ says on stdout that it is connected

    try:
        _beside(start)
    except RuntimeError as error:
        if "before any JAX" not in str(error):
            raise
        raise InputError("JAX has computed in this process already: join the others before anything else.") from None
    _end_at_errors()


@contextmanager
def _without_proxies() -> Iterator[None]:
    """The processes reach one another themselves, also where http_proxy says how to reach the world."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if "_proxy" in name.lower()}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextmanager
def _without_output() -> Iterator[None]:
    """What C++ writes to stdout meanwhile is not seen."""
    try:
        libc = ctypes.CDLL(None)  # which has what is not yet written
        if sys.stdout is not None:
            sys.stdout.flush()
        kept = os.dup(1)
    except (OSError, TypeError):  # stdout is closed, or this is Windows
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        libc.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _end_at_errors() -> None:
    """From now on an error that nobody catches ends this process at once, so that the others hear of it.

    JAX would first wait for them to come to an end, and they would wait for this one.
    """
    shown = sys.excepthook

    def end(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        shown(kind, error, trace)
        if not (hasattr(sys, "ps1") or sys.flags.interactive):  # at a prompt the process goes on
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(130 if issubclass(kind, KeyboardInterrupt) else 1)

    sys.excepthook = end


def _yield_to_others() -> None:
    """The threads that begin here wake without interrupting others.

    Gloo's own thread spins, for milliseconds, where it has interrupted the one that holds the lock that it needs.
    """
    with suppress(OSError, AttributeError):  # Linux alone has it
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _beside(work: Callable[[], None]) -> None:
    """Do it in a thread, so that Ctrl-C is heard while C++ waits for others."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
    if raised:
        raise raised[0]


def _require_joined(jax: Any, processes: int, process: int) -> None:
    if (jax.process_count(), jax.process_index()) != (processes, process):
        raise InputError(
            f"process is {process} of {processes}, but this is process {jax.process_index()} of {jax.process_count()} "
            "already: join once only."
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")[:200] or type(error).__name__
