"""X of an estimator of tables: data frames of any library, and arrays, as one frame of polars with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from sklearn.utils.validation import _check_feature_names, validate_data

from ...errors import InputError, InputTypeError, quoted
from ..tables.reading.origins import Origin
from .labels import without_masked


def is_frame(X: Any) -> bool:
    """Whether it is a data frame of polars, pandas or pyarrow, or of what else gives Arrow's stream."""
    return isinstance(X, pl.DataFrame | pl.LazyFrame) or hasattr(X, "__arrow_c_stream__") or hasattr(X, "iloc")


def fitted_frame(model: Any, X: Any) -> pl.DataFrame:
    """X of ``fit``; sets ``n_features_in_``, and ``feature_names_in_`` if the columns of X have names."""
    if not is_frame(X):
        X = validate_data(model, _unmasked(X), dtype=None, ensure_all_finite=False)
        return _of_array(X, [f"x{k}" for k in range(X.shape[1])])
    frame = _read(X)
    if 0 in frame.shape:
        raise InputError(f"X has {frame.height} rows and {frame.width} columns, expected some of both.")
    _check_feature_names(model, X, reset=True)
    model.n_features_in_ = frame.width
    return frame


def later_frame(model: Any, X: Any, names: Sequence[str]) -> pl.DataFrame:
    """X of ``predict`` by a model that was fitted on columns of these names.

    Columns of a data frame are found by their names, in any order, those of an array by their places. So are those of a
    data frame if the model was fitted on an array.
    """
    if not is_frame(X):
        X = validate_data(model, _unmasked(X), dtype=None, ensure_all_finite=False, reset=False)
        return _of_array(X, names)
    frame = _read(X)
    if hasattr(model, "feature_names_in_") or {*names} <= {*frame.columns}:
        return frame
    _check_feature_names(model, X, reset=False)  # warns
    if frame.width != len(names):
        raise InputError(
            f"X has {frame.width} features, but {type(model).__name__} is expecting {len(names)} features as input."
        )
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def _read(X: Any) -> pl.DataFrame:
    frame = Origin.of(X).frame
    assert frame is not None
    return frame


def _of_array(X: np.ndarray, names: Sequence[str]) -> pl.DataFrame:
    return _read(pl.DataFrame([_column(name, X[:, place]) for place, name in enumerate(names)]))


def _unmasked(X: Any) -> Any:
    """X; of a masked array with None where the mask is: scikit-learn takes what stands under it."""
    return without_masked(X) if isinstance(X, np.ma.MaskedArray) else X


def _column(name: str, cells: np.ndarray) -> pl.Series:
    """A column of an array; cells of several kinds as text."""
    if cells.dtype.kind in "mM":
        cells = cells.astype(f"{cells.dtype.kind}8[us]")  # polars has no seconds, and of days no durations
    if cells.dtype.kind in "biufmM":
        return pl.Series(name, cells.astype(np.float64) if cells.dtype == np.longdouble else cells)
    missing = [cell is None or cell != cell for cell in cells]
    known = [type(cell) for cell, gone in zip(cells, missing, strict=True) if not gone]
    if known and all(issubclass(kind, float | int | np.number) and kind is not bool for kind in known):
        values = [None if gone else float(cell) for cell, gone in zip(cells, missing, strict=True)]
        return pl.Series(name, values, dtype=pl.Float64)
    values = [None if gone else str(cell) for cell, gone in zip(cells, missing, strict=True)]
    return pl.Series(name, values, dtype=pl.String)


def free_name(name: str, taken: Sequence[str]) -> str:
    """A name that no column has.

    >>> free_name("y", ["x", "y"])
    'y_'
    """
    while name in taken:
        name += "_"
    return name


def beside(frame: pl.DataFrame, values: Any, name: str) -> pl.Series:
    """A column for as many rows as the frame has; refuses another number."""
    cells = pl.Series(name, values)
    if len(cells) != frame.height:
        raise InputError(
            f"{name} has {len(cells)} entries, but X has {frame.height} rows: expected as many (inconsistent numbers)."
        )
    return cells


def words_in(argument: str, given: Any) -> tuple[str, ...]:
    """Several words, or one."""
    if isinstance(given, str):
        return (given,)
    try:
        found = tuple(given)
    except TypeError:
        found = (given,)
    if not all(isinstance(word, str) for word in found):
        raise InputTypeError(f"{argument} is {quoted(given)}, expected texts.")
    return found
