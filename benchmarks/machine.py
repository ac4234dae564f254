"""What the figures of a run depend on: the processor, its caches, the kernels that ran, and versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .turns import CORES

LIBRARIES = (
    "backtalk", "numpy", "jax", "torch", "scikit-learn", "onnxruntime", "backpack-for-pytorch", "opacus"
)  # fmt: skip


def describe_machine() -> dict[str, Any]:
    """The processor's name, family and model, cores that this process may use, caches, memory, and kernels."""
    from backtalk.engines.native.kernels import describe

    return {
        "processor": _of_cpuinfo("model name") or platform.processor() or platform.machine(),
        "family": _of_cpuinfo("cpu family"),
        "model": _of_cpuinfo("model"),
        "cores": CORES,
        "caches": _caches(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "kernels": describe(),
        "blas": _blas(),
    }


def versions(libraries: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Of Python and of the libraries that are installed."""
    found = {"python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _of_cpuinfo(field: str) -> str | None:
    """A field of the first processor, on Linux."""
    try:
        found = re.search(rf"^{field}\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None


def _caches() -> dict[str, str]:
    """The size of each cache of the first core for data, such as {'L1': '32K'}."""
    sizes = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (folder / "type").read_text().strip() != "Instruction":
            sizes[f"L{(folder / 'level').read_text().strip()}"] = (folder / "size").read_text().strip()
    return sizes


def _blas() -> str:
    """NumPy's."""
    import numpy as np  # noqa: F401  (whose BLAS is to be found)
    from threadpoolctl import threadpool_info

    found = next((each for each in threadpool_info() if each["user_api"] == "blas"), None)
    return f"{found['internal_api']} {found['version']}, {found.get('architecture')}" if found else "none found"
