"""What starts processes, and what it tells each of them: SLURM, Open MPI, Kubernetes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Launched:
    """This process as one of several: started by ``by``; ``processes`` is None where that says no number."""

    by: str
    process: int
    processes: int | None


# what says so, which must all be there; the number of this process; how many there are
LAUNCHERS = {
    "SLURM": (("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_LOCALID"), "SLURM_PROCID", "SLURM_NTASKS"),
    "Open MPI": ((), "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    "Kubernetes": (("KUBERNETES_SERVICE_HOST",), "JOB_COMPLETION_INDEX", None),
}


def launched(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """What started this process as one of several, or None where nothing says so.

    >>> launched({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"})
    Launched(by='Open MPI', process=1, processes=4)
    >>> launched({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"})
    """
    for by, (signs, number, many) in LAUNCHERS.items():
        told = [environment.get(name, "") for name in (number, many) if name is not None]
        if all(environment.get(sign) for sign in signs) and all(text.isdecimal() for text in told):
            process, processes = int(told[0]), int(told[1]) if many else None
            if processes != 1:
                return Launched(by, process, processes)
    return None
