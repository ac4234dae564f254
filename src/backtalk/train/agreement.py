"""What the processes of a group must have alike before they train together; alone, nothing is looked at."""

from __future__ import annotations

import os
import zlib
from importlib.metadata import version
from typing import Any

import numpy as np

from ..core.arrays import to_numpy
from ..core.network import Network
from ..data.shards import Shard
from ..data.sources import Stream, fingerprint
from ..distributed import Group
from ..engines.steps import StepState
from .checkpoint import Checkpoint
from .settings import DataSettings, TrainSettings
from .state import plain
from .validation import AnyValidation, ValidationInFile

EXPECTED = "call it alike in all of them"


def require_equal_calls(
    group: Group,
    settings: TrainSettings,
    data: DataSettings,
    given: dict[str, Any],
    checkpoint: Checkpoint | None,
) -> None:
    """Refuse processes whose calls differ, before any of them looks at its data: X, y, … as ``given``."""
    if group.count == 1:
        return
    for name, label in (("X", "the Shard"), ("validation", "the validation Shard")):
        if isinstance(given[name], Shard):
            given = given | {f"sample_weight of {label}": given[name].sample_weight}
    every = None if checkpoint is None else [checkpoint.every_steps, checkpoint.every_seconds]
    asked = settings.to_dict() | data.to_dict()
    group.require_equal(
        {
            "the versions of backtalk, JAX and NumPy": [version(name) for name in ("backtalk", "jax", "numpy")],
            **{f"the setting {name}": repr(value) for name, value in asked.items()},
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


def share_generator(group: Group, generator: np.random.Generator) -> None:
    """Put the generator of every process in the state of that of process 0."""
    if group.count > 1:
        generator.bit_generator.state = group.all_gather(plain(generator.bit_generator.state))[0]


def require_equal_runs(group: Group, network: Network, data: str | None, validation: AnyValidation | None) -> None:
    """Refuse processes that would not train the same network on the same data, whose fingerprint is given."""
    if group.count == 1:
        return
    activations = ", ".join(map(repr, network.activations))
    group.require_equal(
        {
            "the sizes of the layers": list(network.sizes),
            "the network": f"{activations}, {network.loss!r}, {network.spec.dtype_name}",
            "the data": data,
            "the validation set": _facts_of(validation),
            "the weights of the network (check sums)": _sums([*network.W.values(), *network.b.values()]),
        },
        EXPECTED,
    )


def require_equal_states(group: Group, state: StepState) -> None:
    """Refuse processes that would go on from different states of the optimizer."""
    if group.count > 1:
        parts = [part for family in state.arrays.values() for part in family]
        group.require_equal({"the number of steps": state.step, "the state (check sums)": _sums(parts)}, EXPECTED)


def _sums(parts: list[Any]) -> list[int]:
    return [zlib.crc32(np.ascontiguousarray(to_numpy(part)).tobytes()) for part in parts]


def _facts_of(validation: AnyValidation | None) -> str | None:
    """What is the same of a validation set in all processes."""
    if isinstance(validation, ValidationInFile):
        return validation.fingerprint()
    if validation is None or validation.shared:
        return None if validation is None else "shards"
    X, target, _, weight = validation.batch.arrays
    return " ".join("-" if each is None else fingerprint(each) for each in (X, target, weight))
