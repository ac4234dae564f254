"""What the processes of a cluster must have alike before they train together."""

from __future__ import annotations

import os
import zlib
from importlib.metadata import version
from typing import Any

import numpy as np

from .. import distributed as cluster
from ..core.arrays import to_numpy
from ..core.network import Network
from ..data.shards import Shard
from ..data.sources import Stream, fingerprint
from ..engines.steps import StepState
from .checkpoint import Checkpoint
from .settings import Plan
from .validation import ValidationSet

EXPECTED = "call it alike in all of them"


def agree_on_call(
    plan: Plan, X: Any, y: Any, sample_weight: Any, validation: Any, checkpoint: Checkpoint | None
) -> None:
    """Refuse processes whose calls differ, before any of them looks at its data."""
    given = {"X": X, "y": y, "sample_weight": sample_weight, "validation": validation}
    if isinstance(X, Shard):
        given["sample_weight of the Shard"] = X.sample_weight
    if isinstance(validation, Shard):
        given["sample_weight of the validation Shard"] = validation.sample_weight
    every = None if checkpoint is None else [checkpoint.every_steps, checkpoint.every_seconds]
    cluster.agree(
        {
            "the versions of backtalk, JAX and NumPy": [version(name) for name in ("backtalk", "jax", "numpy")],
            **{f"the setting {name}": repr(value) for name, value in plan.to_dict().items()},
            "the checkpoint": None if checkpoint is None else os.fspath(checkpoint.path),
            "the time between checkpoints": every,
            **{f"the kind of {name}": _kind(value) for name, value in given.items()},
        },
        EXPECTED,
    )


def _kind(value: Any) -> str:
    if value is None or isinstance(value, Stream):
        return "none" if value is None else type(value).__name__
    return (
        f"{len(value)} arrays" if isinstance(value, tuple) else "a fraction" if isinstance(value, float) else "arrays"
    )


def agree_on(network: Network, data: str | None, validation: ValidationSet | None) -> None:
    """Refuse processes that would not train the same network on the same data, whose fingerprint is given."""
    cluster.agree(
        {
            "the sizes of the layers": list(network.sizes),
            "the network": f"{', '.join(map(repr, network.activations))}, {network.loss!r}, {network.spec.dtype_name}",
            "the data": data,
            "the validation set": _told(validation),
            "the weights of the network (check sums)": _sums([*network.W.values(), *network.b.values()]),
        },
        EXPECTED,
    )


def agree_on_state(state: StepState) -> None:
    """Refuse processes that would go on from different states of the optimizer."""
    parts = [part for family in state.arrays.values() for part in family]
    cluster.agree({"the number of steps": state.step, "the state (check sums)": _sums(parts)}, EXPECTED)


def _sums(parts: list[Any]) -> list[int]:
    return [zlib.crc32(np.ascontiguousarray(to_numpy(part)).tobytes()) for part in parts]


def _told(validation: ValidationSet | None) -> str | None:
    """What is the same of a validation set in all processes."""
    if validation is None or validation.shared:
        return None if validation is None else "shards"
    return " ".join(map(fingerprint, (validation.X, validation.target, validation.weight)))
