"""``backtalk info``."""

from __future__ import annotations

import os
from typing import Any

from ..visible import put_json, say
from .common import AsJson, app, version


@app.command(short_help="Versions, engine, array libraries.")
def info(as_json: AsJson = False) -> None:
    """Say which version this is, what computes, and which array libraries are here."""
    import importlib.metadata
    import platform

    from ...engines.native.kernels import available, describe, kernels, ready_threads

    serves = kernels()
    facts: dict[str, Any] = {
        "backtalk": version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "engine": "formula" if serves is None else "native",
        "kernels": serves,
        "kernels_available": available(),
        "threads": None if serves is None else ready_threads(),
        "why_no_kernels": describe() if serves is None else None,
    }
    for library in ("numpy", "scipy", "scikit-learn", "torch", "jax", "cupy"):
        try:
            facts[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            facts[library] = None
    if as_json:
        put_json(facts)
        return
    others = "formula for arrays of any other library"
    facts["engine"] = "formula for all arrays" if serves is None else f"native for NumPy arrays, {others}"
    facts["kernels"] = describe()
    for name in ("kernels_available", "threads", "why_no_kernels"):
        del facts[name]
    for name, fact in facts.items():
        say(f"{name:<15} {'not installed' if fact is None else fact}")
