"""The weights of rows: those of a column, and those of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ...errors import InputError, quoted
from .cells.numbers import PLAIN, as_numbers, forms_of
from .cells.words import without_missing

if TYPE_CHECKING:
    from ...data.streams import MemoryMapped
    from .options import Options
    from .prepared import Prepared

SAMPLE = 1000  # cells by which a form is chosen
MOST_WEIGHT = 1e30  # of all rows together: float32 holds no more than 3e38, and sums of products are to fit


def row_weights(cells: pl.Series, rows: np.ndarray) -> np.ndarray:
    """The weights in a column, of these ``rows`` of the table; refuses what is no number of 0 or more."""
    numbers = numbers_in(cells).gather(rows)
    wrong = numbers.is_null() | (numbers < 0)
    if wrong.any():
        row = int(rows[wrong.arg_max() or 0])
        held = "is empty" if cells[row] is None else f"holds {quoted(cells[row])}"
        raise InputError(f"weight {quoted(cells.name)} {held} in row {row + 1}, expected a number of 0 or more.")
    if not numbers.sum() < MOST_WEIGHT:
        raise InputError(
            f"weight {quoted(cells.name)} has numbers that are together {numbers.sum():.3g}, expected below "
            f"{MOST_WEIGHT:g}: divide them all by the same number."
        )
    return numbers.to_numpy()


def numbers_in(cells: pl.Series) -> pl.Series:
    """Cells as numbers, in the form that most of them have; null for what is none."""
    cells = without_missing(cells)
    if cells.dtype != pl.String:
        return as_numbers(cells, PLAIN)
    some = cells.drop_nulls().head(SAMPLE)
    return as_numbers(cells, max(forms_of(some), key=lambda form: as_numbers(some, form).count()))


def require_some_weight(name: str | None, weights: Mapping[str, np.ndarray]) -> None:
    """Refuse a part none of whose rows counts."""
    for part, of_rows in weights.items():
        if not of_rows.any():
            raise InputError(f"weight {quoted(name)} is 0 in all {part} rows, expected one above 0.")


def class_weights(ready: Prepared, options: Options, y: np.ndarray) -> np.ndarray | None:
    """Weights of rows with these labels, so that the classes weigh as in training; None if nothing was asked for."""
    if options.class_weight is None:
        return None
    counts = np.bincount(ready.truth["training"], minlength=ready.target.outputs)
    return (1 / np.maximum(counts, 1))[y]


def weights_of(ready: Prepared, options: Options, part: str) -> np.ndarray | None:
    """The weights of the rows of a part, by their column and by their classes as in training; None if all are equal."""
    of_rows, of_classes = ready.weights.get(part), class_weights(ready, options, ready.parts[part][1])
    if of_rows is None or of_classes is None:
        return of_rows if of_classes is None else of_classes
    return of_rows * of_classes


def validation_of(ready: Prepared, options: Options) -> tuple[np.ndarray, ...] | MemoryMapped | None:
    """The validation set, with rows and classes weighed as in training."""
    if "validation" not in ready.parts:
        return None
    X, y = ready.parts["validation"]
    weight = weights_of(ready, options, "validation")
    if not isinstance(X, np.ndarray):
        from ...data.streams import MemoryMapped

        return MemoryMapped(X, y, weight)
    return (X, y) if weight is None else (X, y, weight)
