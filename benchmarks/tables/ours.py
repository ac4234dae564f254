"""backtalk, called as a user calls it: a frame in, a folder of a run, and predictions from that; default options."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from .lists import Table

OURS = "backtalk"


def backtalk(table: Table, train: pd.DataFrame, test: pd.DataFrame, classes: np.ndarray) -> np.ndarray:
    """Trained on one frame, and predictions for another; probabilities in the order of the classes."""
    from backtalk.apps import tables

    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        tables.train(train, run, tables.Options(table.target, task=table.task))
        found, _ = tables.predict(run, test)
    if table.task == "regression":
        return found["prediction"].to_numpy().astype(np.float64)
    columns = {name.removeprefix("probability of "): name for name in found.columns}
    return np.column_stack([found[columns[each]].to_numpy() for each in classes]).astype(np.float64)
