"""What each cell of a table does to the loss: the derivatives by the columns, in their own units."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ...engines import passes
from .opened import Opened
from .use import examples_and_cells


def column_gradients(run: Opened, table: Any, member: int | None = None) -> tuple[pl.DataFrame, list[str]]:
    """∂ℒ/∂v of each cell v of a table with the target, rows × columns; and the messages about the table.

    As :meth:`~.loaded.Run.column_gradients` has it.
    """
    model = run.model
    (X, y, *weight), said, cells, rows = examples_and_cells(run, table)
    network = model.network if member is None else model.member(member)
    grads = passes.gradients(network, X.astype(network.spec.dtype_name, copy=False), y, *weight)
    return model.preprocessing.to_columns(np.asarray(grads.h[0], np.float64), cells, rows), said
