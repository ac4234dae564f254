"""The network and the data that the command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...core.inputs import as_input, as_target
from ...data.built_in import load_data
from ...interop import load
from .datasets import LabData, short_names
from .upload import require_moderate

# The network may have been trained on any of the rows: a score on some of them would promise too much
NONE_HELD_OUT = np.empty(0, np.int64)


def read_given(model: Path, data: str, target: Sequence[str]) -> LabData:
    """A network in a file with its data, or a run of ``backtalk train`` with a table.

    No row is held out, since nobody can say which rows the network was trained on. Raises
    :class:`~backtalk.errors.InputError` if they do not fit one another.
    """
    if model.is_dir():
        from ..tables.use import examples_of, refuse_target

        refuse_target(model, target)
        of_run, (X, y, *_), remarks, _ = examples_of(model, Path(data))
        network, preprocessing, learned = of_run.network, of_run.preprocessing, of_run.target
        require_moderate(Path(data).name, X)
        columns, classes = tuple(preprocessing.inputs), short_names(learned.classes)
        mean, scale = learned.mean, learned.scale
    else:
        network, found = load(model), load_data(data, target)
        X, y, columns, classes = np.asarray(as_input(network, found.X)), found.y, found.columns, ()
        require_moderate(Path(data).name, X, y)
        as_target(network, y, len(X))
        if network.loss.takes_classes or (network.head.takes_labels and np.ndim(y) == 1):
            classes = tuple(map(str, range(network.sizes[-1])))
        y = y.astype(np.int64 if classes and y.ndim == 1 else np.float64)
        mean, scale, remarks = 0.0, 1.0, []
    return LabData(
        title=f"{model.name} on {Path(data).name}",
        X=X,
        y=y,
        columns=columns,
        classes=classes,
        loss=network.loss,
        outputs=network.sizes[-1] // network.loss.outputs_for(1),
        held_out=NONE_HELD_OUT,
        image=(8, 8) if data == "digits" else None,
        mean=mean,
        scale=scale,
        network=network,
        remarks=remarks,
    )
