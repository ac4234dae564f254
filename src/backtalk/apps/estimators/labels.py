"""y of an estimator of tables: its classes, and the cells from which the target is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ...errors import InputError, InputTypeError, quoted
from ..tables.cells.kinds import NUMBER, tell
from ..tables.cells.numbers import are_infinite
from ..tables.cells.words import without_missing
from ..tables.labels import Labels


def values_of(y: Any) -> np.ndarray:
    """y as an array (rows,); refuses what is missing in it."""
    if y is None:
        raise InputError("y is missing: this estimator requires y to be passed, but the target y is None.")
    if isinstance(y, np.ma.MaskedArray):  # scikit-learn takes what stands under the mask
        y = without_masked(y)
    if np.asarray(y).dtype.kind == "c":
        raise InputError("Complex data not supported: y holds complex numbers.")
    if isinstance(y, pl.Series) or hasattr(y, "__arrow_c_stream__") or hasattr(y, "__arrow_c_array__"):
        y = y if hasattr(y, "iloc") else pl.Series(y).to_numpy()
    values = column_or_1d(y, warn=True)
    if values.dtype.kind == "f":
        assert_all_finite(values, input_name="y")
    if values.dtype.kind in "OM":
        gone = np.flatnonzero([is_missing(value) for value in values])
        if len(gone):
            raise InputError(
                f"y is missing in {len(gone)} of {len(values)} rows, the first of them y[{gone[0]}]: leave these rows "
                "out."
            )
    return values


def without_masked(array: np.ma.MaskedArray) -> np.ndarray:
    """The array, with None where it is masked."""
    mask = np.ma.getmaskarray(array)
    if not mask.any():
        return array.data
    found = array.data.astype(object)
    found[mask] = None
    return found


def is_missing(value: Any) -> bool:
    """Whether it is None, NaN, NaT or pandas' NA."""
    try:
        return value is None or not bool(value == value)
    except TypeError:  # pandas' NA is neither
        return True


def numbers_of(y: np.ndarray) -> np.ndarray:
    """y of a regression in float64."""
    try:
        numbers = y.astype(np.float64)
    except (TypeError, ValueError):
        wrong = next(value for value in y.tolist() if not _is_number(value))
        raise InputError(f"y holds {quoted(wrong)}, expected numbers; for classes use TableClassifier.") from None
    assert_all_finite(numbers, input_name="y")
    if len(numbers) and (numbers == numbers[0]).all():
        raise InputError(f"y is {numbers[0]:g} in every row: there is nothing to learn.")
    return numbers


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def classes_of(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes, in order, and the place of each row's class among them."""
    check_classification_targets(y)
    try:
        classes, places = np.unique(y, return_inverse=True)
    except TypeError:
        kinds = sorted({type(value).__name__ for value in y})
        raise InputTypeError(f"y holds values of several kinds ({', '.join(kinds)}), expected one.") from None
    if len(classes) < 2:
        raise InputError(
            f"y has one class, {quoted(classes[:1].tolist()[0])}, expected two or more: there is nothing to learn."
        )
    return classes, places


def group_names(groups: Any) -> list[str]:
    """A text for each row's group, none of which a table takes for missing; refuses what is missing.

    >>> group_names([2020, 2021]), group_names(["NA", "US"])
    (['2020', '2021'], ['group 0', 'group 1'])
    """
    if isinstance(groups, str) or np.ndim(groups) == 0:
        raise InputTypeError(f"groups is {quoted(groups)}, expected the group of each row.")
    values = list(groups)
    gone = [row for row, value in enumerate(values) if np.ndim(value) == 0 and is_missing(value)]
    if gone:
        raise InputError(
            f"groups is missing in {len(gone)} of {len(values)} rows, the first of them groups[{gone[0]}]: give each "
            "row a group, or leave these rows out."
        )
    names = [str(value) for value in values]
    if without_missing(pl.Series(names, dtype=pl.String)).null_count() == 0:
        return names
    return [f"group {place}" for place in np.unique(names, return_inverse=True)[1]]


def names_of(classes: np.ndarray, missing: tuple[str, ...]) -> list[str]:
    """A name for each class: as it is written if that tells all apart in a table; else numbered.

    >>> import numpy as np
    >>> names_of(np.array(["no", "yes"]), ()), names_of(np.array(["a", " a"]), ())
    (['no', 'yes'], ['class 0', 'class 1'])
    """
    names = [str(value) for value in classes]
    cells, words = pl.Series(names, dtype=pl.String), {word.lower() for word in missing}
    plain = all(name and name == name.strip() and name.lower() not in words for name in names)
    if plain and not are_infinite(cells).any():
        reading = tell(cells)
        forms = [None, reading.form] if reading.kind == NUMBER else [None]
        if all(len({*Labels.of(names, form).read(cells).values()}) == len(names) for form in forms):
            return names
    return [f"class {k}" for k in range(len(classes))]
