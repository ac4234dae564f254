"""Data by name or from a file: X, y and the names of their columns."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np

from ..core.decimals import is_decimal
from ..core.files import as_path, require_ordinary
from ..errors import FileFormatError, InputError, cut, first_line, quoted, unknown_name
from .names import first_repeated, require_names
from .npy import read_arrays

# Each set of scikit-learn's, and by what its columns are divided (None: by their standard deviation, centred)
BUILT_IN: dict[str, float | None] = {
    "digits": 16.0,
    "iris": None,
    "wine": None,
    "breast_cancer": None,
    "diabetes": None,
}


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """X of shape (examples, columns), y of shape (examples,) or (examples, targets), and the columns' names.

    >>> iris = load_data("iris")
    >>> iris.name, iris.X.shape, iris.y.shape, iris.columns[0]
    ('iris', (150, 4), (150,), 'sepal length (cm)')
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    columns: tuple[str, ...]


def load_data(source: str | os.PathLike[str], target: Sequence[str] = (), *, finite: bool = True) -> Data:
    """Data from a built-in set, a .csv file or an .npz file.

    Built in, with scikit-learn: digits (pixels from 0 to 1), and iris, wine, breast_cancer and diabetes (each column
    with mean 0 and standard deviation 1). A .csv file has a line of names, then finite decimal numbers in ASCII, such
    as 1000, -0.5 or 1e-3, without separators such as in 1_000; ``target`` names the column or columns that are y, by
    default the last. An .npz file has the arrays X and y. With ``finite=False`` a .csv file may hold nan, inf and empty
    cells, which are read as nan.

    Raises :class:`~backtalk.errors.InputError` or ``OSError``, naming the file and what is wrong with it.

    >>> digits = load_data("digits")
    >>> digits.X.shape, float(digits.X.max()), digits.columns[9]
    ((1797, 64), 1.0, 'pixel_1_1')
    """
    path = as_path(source, "source")
    suffix = path.suffix.lower()
    if suffix in (".csv", ".npz"):
        require_ordinary(path)
    if suffix == ".csv":
        return _read_csv(path, target, finite)
    if target:
        raise InputError(
            f"is {quoted(list(target))}, but only a .csv file has columns to choose from, not {source}.",
            argument="target",
        )
    if suffix == ".npz":
        return _read_npz(path)
    if path.name != str(source) or path.suffix or path.exists():
        raise InputError(
            f"is {quoted(str(source))}, expected a .csv or .npz file, or one of {', '.join(BUILT_IN)}.", argument="data"
        )
    return _built_in(str(source))


def _built_in(name: str) -> Data:
    if name not in BUILT_IN:
        raise unknown_name("data", name, [*BUILT_IN, "FILE.csv", "FILE.npz"])
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    X = np.asarray(bunch.data, dtype=np.float64)
    scale = BUILT_IN[name]
    X = X / scale if scale is not None else (X - X.mean(axis=0)) / X.std(axis=0)
    return Data(name, X, np.asarray(bunch.target), tuple(map(str, bunch.feature_names)))


def _read_csv(path: Path, target: Sequence[str], finite: bool) -> Data:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names = [name.strip() for name in next(csv.reader(file), [])]
            require_names(names, path)
            if len(names) == 1 and ";" in names[0]:
                raise InputError("has semicolons between its columns, expected commas.", file=path)
            table = _numbers(path, file, names, finite)
    except UnicodeDecodeError:
        raise FileFormatError("is not text in UTF-8, expected a .csv file.", file=path) from None
    except csv.Error as error:
        raise FileFormatError(f"cannot be read as a .csv file: {first_line(error)}.", file=path) from None
    if len(table) == 0:
        raise InputError("has a line of names but no examples below it.", file=path)
    places = {name: place for place, name in enumerate(names)}
    for name in target:
        if name not in places:
            raise unknown_name("target", name, names)
    if (twice := first_repeated(target)) is not None:
        raise InputError(f"has {quoted(twice)} twice.", argument="target")
    chosen = [places[name] for name in target] or [len(names) - 1]
    targets = set(chosen)
    kept = [place for place in range(len(names)) if place not in targets]
    if not kept:
        raise InputError("has no column besides the target, expected at least one input column.", file=path)
    y = table[:, chosen]
    return Data(path.name, table[:, kept], y[:, 0] if len(chosen) == 1 else y, tuple(names[i] for i in kept))


def _numbers(path: Path, file: object, names: list[str], finite: bool) -> np.ndarray:
    rows, width = [], len(names)
    for number, row in enumerate(csv.reader(file), start=2):  # pyright: ignore[reportArgumentType]
        if not row:
            continue
        if len(row) != width:
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            raise InputError(f"has {cells} in line {number}, expected {width}, as in its first line.", file=path)
        if not finite:
            row = [cell if cell.strip() else "nan" for cell in row]
        try:
            values = np.array(row, dtype=np.float64)
        except ValueError:
            values = None
        if values is None or not _is_plain("".join(row)) or (finite and not np.isfinite(values).all()):
            _require_numbers(row, finite, names, number, path)
        rows.append(values)
    return np.array(rows).reshape(len(rows), width)


def _require_numbers(row: list[str], finite: bool, names: list[str], number: int, path: Path) -> None:
    """Refuse a row with a cell that is no number, by its place."""
    for place, cell in enumerate(row):
        if is_decimal(cell) and (not finite or isfinite(float(cell))):
            continue
        found = quoted(cell) if cell.strip() else "nothing"
        where = f"line {number}, column {place + 1} ({cut(names[place])})"
        how = "" if _is_plain(cell) else ", in the digits 0 to 9 and without separators"
        raise InputError(f"holds {found} in {where}, expected a {'finite ' * finite}number{how}.", file=path)


def _is_plain(text: str) -> bool:
    """Whether Python reads this as a number only if it is a decimal number; it also reads 1_000 and other digits."""
    return text.isascii() and "_" not in text and "\0" not in text


def _read_npz(path: Path) -> Data:
    X, y = read_arrays(path, "X", "y")
    if X.ndim == 2 and not X.size:  # its width costs a file nothing, and every column gets a name
        raise InputError(f"has X of shape {X.shape} and kind {X.dtype}, expected at least one number.", file=path)
    width = X.shape[1] if X.ndim == 2 else 0
    return Data(path.name, X, y, tuple(f"x_{i}" for i in range(1, width + 1)))
