"""This process joins the others: by what it was told, or by what SLURM, Open MPI or Kubernetes say to JAX."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from threading import Thread
from typing import Any

from ..errors import BacktalkError, InputError, MissingLibraryError, ProcessLostError
from .group import ALONE, Group, joined_group
from .rendezvous import Report, rendezvous

HEARTBEAT = 20  # seconds without one after which a process counts as lost
STARTING = 60  # seconds in which JAX starts in all processes, once they have found one another
ENDING = 300  # seconds that one which is done waits for the others

# variables: the number of this process; how many there are, if said; what else must be there
LAUNCHERS: dict[str, tuple[str, ...]] = {
    "SLURM": ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_LOCALID"),
    "Open MPI": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    "Kubernetes": ("JOB_COMPLETION_INDEX", "", "KUBERNETES_SERVICE_HOST"),
}


@dataclass(frozen=True, slots=True)
class Launched:
    """This process as one of several, started by ``by``; ``processes`` is None if that does not say how many."""

    by: str
    process: int
    processes: int | None


def launched(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """What started this process as one of several, or None if nothing says so; without JAX."""
    for by, (number, many, *signs) in LAUNCHERS.items():
        numbers = [environment.get(name, "") for name in (number, many) if name]
        if all(environment.get(sign) for sign in signs) and all(re.fullmatch("[0-9]{1,9}", text) for text in numbers):
            process, *processes = map(int, numbers)
            if processes != [1]:
                return Launched(by, process, processes[0] if processes else None)
    return None


def join(
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    *,
    timeout: float = 300.0,
    report: Report = None,
) -> Group:
    """Join the processes that train together; before anything in this process computes by JAX.

    ``coordinator``: HOST:PORT, the machine of process 0 and a free port there. ``processes``: how many there are.
    ``process``: which of them this is, from 0. What is not given is taken from SLURM, Open MPI or an indexed job of
    Kubernetes, if one of them started this process; if none did, and nothing is given, nothing is joined.
    ``timeout``: seconds for the others to come. ``report``: called with a sentence if they take long.

    From then on an error that nobody catches ends the process without waiting for the others, which notice it.

    Raises :class:`~backtalk.InputError` if the processes do not fit together or did not come, and
    :class:`~backtalk.ProcessLostError` if one ended meanwhile; each in all processes that are there.
    """
    found = launched()
    is_given = [coordinator, processes, process] != [None, None, None]
    if processes == 1 or not (is_given or found):
        _require_numbers(1, process or 0)
        return ALONE
    if find_spec("jax") is None:
        raise MissingLibraryError(
            "processes train together by JAX, which is not installed: pip install 'backtalk[jax]'."
        )
    if is_given:
        processes = found.processes if found and processes is None else processes
        process = found.process if found and process is None else process
        if coordinator is None or processes is None or process is None:
            missing = "coordinator" if coordinator is None else "processes" if processes is None else "process"
            raise InputError(
                f"{missing} is missing: coordinator, processes and process belong together; give all three, or none."
            )
        _require_numbers(processes, process)
    import jax

    if not jax.distributed.is_initialized():
        if coordinator is None or processes is None or process is None:
            _start(found, initialization_timeout=max(1, round(timeout)))
        else:
            _start(
                None,
                coordinator_bind_address=rendezvous(coordinator, processes, process, timeout=timeout, report=report),
                coordinator_address=coordinator.strip(),
                num_processes=processes,
                process_id=process,
                # if SLURM or Open MPI started it, JAX asks them which GPU of the machine is this process' own
                cluster_detection_method=None if found and found.by != "Kubernetes" else "deactivate",
                initialization_timeout=STARTING,
            )
        _end_at_errors()
    group = joined_group()
    if is_given and (group.count, group.index) != (processes, process):
        raise InputError(
            f"process is {process} of {processes}, but this is process {group.index} of {group.count} already: join "
            "once only."
        )
    return group


def versions() -> dict[str, str]:
    """The versions that must be the same in all processes."""
    packages = {f"the version of {name}": version(name) for name in ("backtalk", "jax", "jaxlib")}
    return {"the version of Python": "{}.{}".format(*sys.version_info), **packages}


def _require_numbers(processes: int, process: int) -> None:
    if processes < 1:
        raise InputError(f"processes is {processes}, expected 1 or more, all that train together.")
    if not 0 <= process < processes:
        which = f"a number from 0 to {processes - 1}" if processes > 1 else "0"
        raise InputError(f"process is {process}, expected {which}, as there are {processes} processes.")


def _start(found: Launched | None, **settings: Any) -> None:
    """Start JAX, in a thread, so that Ctrl-C is noticed while C++ waits; ``found``: JAX asks this who is there."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM for itself
    raised: list[BaseException] = []

    def start() -> None:
        with suppress(OSError, AttributeError):  # Linux alone has it
            # The threads that begin here wake without interrupting others. Gloo's own thread spins, for milliseconds,
            # if it has interrupted the one that holds the lock that it needs.
            if os.sched_getscheduler(0) == os.SCHED_OTHER:
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        # The processes reach one another themselves, also if http_proxy says how to reach the world
        proxies = {name: os.environ.pop(name) for name in list(os.environ) if "_proxy" in name.lower()}
        try:
            jax.distributed.initialize(heartbeat_timeout_seconds=HEARTBEAT, shutdown_timeout_seconds=ENDING, **settings)
            joined_group().require_equal(versions(), "install the same versions everywhere")  # the first message
        except BaseException as error:
            raised.append(error)
        finally:
            os.environ.update(proxies)

    thread = Thread(target=start, daemon=True)
    with warnings.catch_warnings(action="ignore"):  # what they say is in the error
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
    if raised:
        raise _explained(raised[0], found) from raised[0].__cause__


def _explained(error: BaseException, found: Launched | None) -> BaseException:
    """Why JAX did not start, as an error of ours if there is something to say."""
    first_line = str(error).strip().partition("\n")[0].rstrip(".")[:200] or type(error).__name__
    if hidden := re.search(r"remote=\[(127\.[\d.]+)", str(error.__cause__)):
        return InputError(
            f"another process says that it is at {hidden[1]}, which only its own machine can reach: the machine's name "
            "has that address there ('getent hosts $(hostname)'); give it one that all can reach, in /etc/hosts there."
        )
    if "before any JAX" in str(error):
        return InputError("JAX has computed in this process already: join the others before anything else.")
    if isinstance(error, BacktalkError) or not isinstance(error, Exception):
        return error
    if found is None:
        return ProcessLostError(f"JAX could not start in all processes: {first_line}")
    many = found.processes or "N"
    return InputError(
        f"{found.by} started this as process {found.process} of {many}, but JAX cannot find process 0 by that "
        f"({first_line}): give --coordinator HOST:PORT --processes {many} --process ${LAUNCHERS[found.by][0]}, or "
        "--processes 1 to train alone."
    )


def _end_at_errors() -> None:
    """From now on an error that nobody catches ends this process at once, so that the others notice it.

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
