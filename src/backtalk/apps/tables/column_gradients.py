"""What each cell of a table does to the loss: the derivatives by the columns, in their own units."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ...engines import passes
from .model import Model
from .reading.origins import Origin
from .reading.tables import read_table
from .target_rows import with_target


def column_gradients(model: Model, table: Any, member: int | None = None) -> pl.DataFrame:
    """∂ℒ/∂v of each cell v of a table with the target: rows × columns.

    ℒ is the mean over these rows of the loss that was trained, of the encoded target; the gradient by the inputs,
    ∇_X ℒ, is carried on to the columns by the derivatives of what encodes them
    (:meth:`~.preprocessing.Preprocessing.to_columns`): ∂ℒ/∂age = Σ_j ∂ℒ/∂x_j · ∂x_j/∂age, per year if that is the
    column's unit; per day, of dates and times. Missing cells have 0. Categories have no derivative, and are not there.
    At a kink, such as the edge of a piece, the derivative is that from the right.

    ``table``: the name of a file, or a data frame; rows without a target, or with one that the training does not know,
    are left out. ``member``: of one member, counted from 1, instead of the mean of all. Raises
    :class:`~backtalk.errors.InputError` for a table that does not fit.

    >>> import numpy as np, polars as pl
    >>> from backtalk import Network
    >>> from backtalk.apps.tables.model import Model
    >>> from backtalk.apps.tables.preprocessing import Preprocessing
    >>> from backtalk.apps.tables.target import Target
    >>> frame = pl.DataFrame({"size": [30.5, 50.5, 70.5], "price": [1.5, 2.5, 4.5]})
    >>> preprocessing = Preprocessing.learn(frame.drop("price"), np.arange(3))
    >>> target = Target.learn(frame["price"], "regression")
    >>> model = Model((Network([[[1.0]]], [[0.0]], loss="squared_error"),), preprocessing, target)
    >>> column_gradients(model, frame)["size"].round(4).to_list()  # (ŷ − y) / 3, and 1 / 16.33 of the deviation
    [-0.0556, -0.051, -0.0669]
    """
    origin, target = Origin.of(table), model.target
    frame, rows, _ = with_target(read_table(origin).frame, target, origin)
    columns = frame.drop(target.name)
    X, _ = model.preprocessing.transform(columns, rows)
    network = model.network if member is None else model.member(member)
    grads = passes.gradients(network, X.astype(network.spec.dtype_name), target.encode(frame[target.name]))
    return model.preprocessing.to_columns(np.asarray(grads.h[0], np.float64), columns, rows)
