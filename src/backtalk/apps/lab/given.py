"""The network and the data that the command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...core.inputs import as_input, as_target
from ...core.losses import CrossEntropy
from ...data.built_in import load_data
from ...interop import load
from .datasets import LabData, short_names
from .upload import require_moderate

# The network may have been trained on any of the rows: a score on some of them would promise too much
NONE_HELD_OUT = np.empty(0, np.int64)


def read_given(model: Path, data: str, target: Sequence[str]) -> LabData:
    """A network in a file with its data, or a run of ``backtalk train`` with a table.

    No row is held out, since nobody can say which rows the network was trained on. Raises
    :class:`~backtalk.errors.InputError` where they do not fit one another.
    """
    title = f"{model.name} on {Path(data).name}"
    return _of_run(model, Path(data), target, title) if model.is_dir() else _of_file(model, data, target, title)


def _of_file(model: Path, data: str, target: Sequence[str], title: str) -> LabData:
    network = load(model)
    examples = load_data(data, target)
    X = np.asarray(as_input(network, examples.X))
    y = examples.y
    require_moderate(Path(data).name, X, y)
    as_target(network, y, len(X))
    labels = isinstance(network.loss, CrossEntropy) and y.ndim == 1
    outputs = network.sizes[-1]
    image = (8, 8) if data == "digits" else None
    return LabData(
        title=title,
        X=X,
        y=y.astype(np.int64) if labels else np.asarray(y, np.float64),
        columns=examples.columns,
        classes=tuple(map(str, range(outputs))) if isinstance(network.loss, CrossEntropy) else (),
        loss=network.loss,
        outputs=outputs,
        held_out=NONE_HELD_OUT,
        image=image,
        network=network,
    )


def _of_run(folder: Path, table: Path, target: Sequence[str], title: str) -> LabData:
    from ..tables.use import examples_of, refuse_target

    refuse_target(folder, target)
    network, preprocessing, learned, (X, y), remarks = examples_of(folder, table)
    require_moderate(table.name, X)
    return LabData(
        title=title,
        X=X,
        y=y,
        columns=tuple(preprocessing.inputs),
        classes=short_names(learned.classes),
        loss=network.loss,
        outputs=network.sizes[-1],
        held_out=NONE_HELD_OUT,
        mean=learned.mean,
        scale=learned.scale,
        network=network,
        remarks=remarks,
    )
