"""What starts processes, and what it tells each of them: SLURM, Open MPI, Kubernetes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

PORTS = (65535 - 2**12 + 1, 2**12)  # the first of those, and how many, that JAX takes one of by the number of the job


@dataclass(frozen=True, slots=True)
class Launched:
    """This process as one of several, started by ``by``; None is what that does not say."""

    by: str
    process: int
    processes: int | None
    coordinator: str | None = None


# what says so, which must all be there; the number of this process; how many there are
LAUNCHERS = {
    "SLURM": (("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_LOCALID"), "SLURM_PROCID", "SLURM_NTASKS"),
    "Open MPI": ((), "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    "Kubernetes": (("KUBERNETES_SERVICE_HOST",), "JOB_COMPLETION_INDEX", None),
}


def launched(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """What started this process as one of several, or None where nothing says so.

    >>> launched({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"})
    Launched(by='Open MPI', process=1, processes=4, coordinator=None)
    >>> launched({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"})
    """
    for by, (signs, number, many) in LAUNCHERS.items():
        told = [environment.get(name, "") for name in (number, many) if name is not None]
        if all(environment.get(sign) for sign in signs) and all(text.isdecimal() for text in told):
            process, processes = int(told[0]), int(told[1]) if many else None
            if processes != 1:
                return Launched(by, process, processes, _slurm_coordinator(environment) if by == "SLURM" else None)
    return None


def _slurm_coordinator(environment: Mapping[str, str]) -> str | None:
    """The first machine of the step and a port by the number of the job, as JAX takes them.

    >>> _slurm_coordinator({"SLURM_JOB_ID": "4097", "SLURM_STEP_NODELIST": "gpu-[007-9,12],other"})
    'gpu-007:61441'
    """
    if address := environment.get("JAX_COORDINATOR_ADDRESS"):
        return address
    first = re.match(r"([^,\[]+)(?:\[([^],-]+))?", environment["SLURM_STEP_NODELIST"])
    job = environment["SLURM_JOB_ID"]
    if first is None or not job.isdecimal():
        return None
    port = environment.get("JAX_COORDINATOR_PORT") or PORTS[0] + int(job) % PORTS[1]
    return f"{first[1]}{first[2] or ''}:{port}"
