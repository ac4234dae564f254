"""What was learned of a table, as ``preprocessing.json`` holds it, for predictions."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from ...core.checked import as_kind, field_of
from ...core.network import Network
from ...errors import FileFormatError, quoted
from .folder import PREPROCESSING, Folder, run_of
from .metric_names import METRICS
from .preprocessing import Preprocessing
from .target import Target

ROLES = ["id", "weight"]  # options that name columns which predictions and scores use


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of a table, from its file; the file's SHA-256, and the id of the run.

    ``id``, ``weight``: the columns that name and weigh the rows, if they were asked for. ``no_header``: whether the
    first line of a table is a row. ``metric``: that which comes first, if one was asked for. ``mean_input``: the mean
    of the encoded training rows, None of earlier runs.
    """

    preprocessing: Preprocessing
    target: Target
    sha256: str
    run: str | None
    id: str | None = None
    weight: str | None = None
    no_header: bool = False
    metric: str | None = None
    mean_input: list[float] | None = None


def read_learned(place: Folder) -> Learned:
    """What ``preprocessing.json`` holds, checked."""
    facts, path = place.read(PREPROCESSING), place / PREPROCESSING
    target = Target.from_json(facts.get("target"), path)
    preprocessing = Preprocessing.from_json(facts.get("columns"), path)
    names = {column.name for column in preprocessing.columns}
    if target.name in names:
        raise FileFormatError(
            f"{path}: 'columns' has the target {quoted(target.name)}, expected the other columns only."
        )
    roles = {name: as_kind(facts.get(name), str | None, path, name) for name in ROLES}
    for role, name in roles.items():
        if name is not None and name not in names:
            raise FileFormatError(f"{path}: {role!r} is {quoted(name)}, expected the name of a column.")
    no_header = as_kind(facts.get("no_header", False), bool, path, "no_header")
    inputs = field_of(facts, "inputs", list[str], path)
    if inputs != preprocessing.inputs:
        raise FileFormatError(f"{path}: 'inputs' are not those of the columns, expected the names of their inputs.")
    mean_input = as_kind(facts.get("mean_input"), list[float] | None, path, "mean_input")
    if mean_input is not None and not (len(mean_input) == len(inputs) and all(map(math.isfinite, mean_input))):
        raise FileFormatError(f"{path}: 'mean_input' is not {len(inputs)} finite numbers, expected one of each input.")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    metric = as_kind(facts.get("metric"), str | None, path, "metric")
    if metric is not None and metric not in METRICS:
        raise FileFormatError(f"{path}: 'metric' is {quoted(metric)}, expected one of {', '.join(METRICS)}.")
    return Learned(
        preprocessing,
        target,
        sha256,
        run_of(facts, path),
        **roles,
        no_header=no_header,
        metric=metric,
        mean_input=mean_input,
    )


def require_fit(network: Network, learned: Learned, model: Path, file: Path) -> None:
    """Refuse a network of other inputs or outputs than the columns and the target have."""
    inputs, outputs = len(learned.preprocessing.inputs), network.loss.outputs_for(learned.target.outputs)
    if network.sizes[0] != inputs or network.sizes[-1] != outputs:
        raise FileFormatError(
            f"{model} has {network.sizes[0]} inputs and {network.sizes[-1]} outputs, but {file} is of {inputs} and "
            f"{outputs}: put the right file back, or train anew."
        )
    if learned.target.point >= network.sizes[-1]:
        raise FileFormatError(
            f"{file}: 'target' has the point {learned.target.point}, but {model} has {outputs} outputs."
        )
    if learned.target.classifies != network.head.takes_labels:
        raise FileFormatError(f"{model} has the loss {network.loss}, which does not suit 'target' of {file}.")
