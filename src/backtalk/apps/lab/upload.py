"""A file that the page sends, read into examples.

The bytes go into a temporary file under a name of ours: the name that the page gives is a label, whose suffix says how
to read them, and no path.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ...core.losses import as_loss
from ...errors import BacktalkError, FileFormatError, InputError, cut, first_line
from .datasets import LEAST_TO_HOLD_OUT, LabData, hold_out, short_names

if TYPE_CHECKING:
    import polars as pl

    from ..tables.target import Target

MOST_BYTES = 32 * 2**20
MOST_CELLS = 20_000_000  # numbers that the inputs may be
MOST_UNPACKED = 2**28  # bytes of a Parquet file
MOST_INPUTS = 4096
MOST_COLUMNS = 1000  # of a table: each takes some milliseconds to be understood
MOST_OUTPUTS = 1000
LEAST_ROWS = 2  # of a table, for the target must vary
LARGEST = 1e30  # of a number, so that squares and distances stay finite
SUFFIXES = (".csv", ".parquet", ".npz")
LONGEST = 80  # characters of a label


def label_of(name: str) -> str:
    """What the page calls the file: its last part, without what cannot be shown.

    >>> label_of("../../etc/passwd.csv"), label_of("C:\\\\data\\\\a.csv")
    ('passwd.csv', 'a.csv')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable())[-LONGEST:] or "file"


def suffix_of(label: str) -> str:
    """How to read the file, by its label; refuses what cannot be read."""
    suffix = PurePosixPath(label).suffix.lower()
    if suffix not in SUFFIXES:
        raise FileFormatError(f"{label} is no .csv, .parquet or .npz file, expected one of them by its name.")
    return suffix


def read_upload(path: Path, label: str, target: str | None) -> tuple[LabData, list[str], str]:
    """The examples in a file of ours, its columns, and the one that is the target; errors call it by its label."""
    try:
        with np.errstate(all="ignore"):
            return _read_npz(path, label, target) if path.suffix == ".npz" else _read_table(path, label, target)
    except BacktalkError as error:
        if error.file:
            error.file = label
        raise
    except MemoryError:
        raise InputError("does not fit in memory: take a part of it.", file=label) from None
    except Exception as error:  # a file can hold anything, and the libraries that read it raise nearly anything
        why = _shown(first_line(error).replace(str(path), label))
        raise FileFormatError(f"could not be read as a {path.suffix} file ({why}).", file=label) from None


def place_for(suffix: str) -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """A folder of our own for one file, which only this user can enter."""
    folder = tempfile.TemporaryDirectory(prefix="backtalk-lab-")
    return folder, Path(folder.name) / f"upload{suffix}"


def _read_table(path: Path, label: str, target: str | None) -> tuple[LabData, list[str], str]:
    """A table, with its columns as inputs as ``backtalk train`` understands them."""
    from ..tables.preprocessing import Preprocessing
    from ..tables.reading.tables import read_table
    from ..tables.rows import rows_text
    from ..tables.target import Target
    from ..tables.target_rows import require_any, require_columns, with_target

    if path.suffix == ".parquet":
        _require_few_cells(path, label)
    else:
        _require_few_columns(label, _separators(path))
    read = read_table(path, MOST_UNPACKED)
    frame = read.frame
    columns = frame.columns
    _require_few_columns(label, len(columns) - 1)
    _require_few_inputs(label, frame.height, len(columns) - 1)
    name = target or columns[-1]
    if name not in columns:
        name = _shown(name)  # the error repeats it
    require_columns(columns, name, label)
    given = frame[name].is_not_null()
    require_any(given, name, label)
    if (count := int(given.sum())) < LEAST_ROWS:
        raise InputError(f"{label} has {rows_text(count)} with a target, expected {LEAST_ROWS} or more.")
    learned = Target.learn(
        frame[name], "classification" if count < LEAST_TO_HOLD_OUT and _is_binary(frame[name]) else "auto"
    )
    frame, rows, remarks = with_target(frame, learned, label)
    _require_few_outputs(label, frame.height, learned.outputs)
    held_out = hold_out(frame.height)
    training = np.setdiff1d(np.arange(frame.height), held_out)
    y = learned.encode(frame[name])
    if not learned.classifies:
        y = learned.numbers(frame[name])[:, None]
        require_moderate(label, y=y)
        learned = learned.scaled_by(y[training])
        y = (y - learned.mean) / learned.scale  # not in float32, which would show in the numbers of the page
    inputs = frame.drop(name)
    preprocessing = Preprocessing.learn(inputs, training, decimal_comma=read.decimal_comma).plain
    _require_few_inputs(label, frame.height, len(preprocessing.inputs))
    X, more = preprocessing.transform(inputs, rows)
    require_moderate(label, X)
    unused = [f"not used, {cut(column.name)}: {column.remark}" for column in preprocessing.columns if not column.used]
    names = tuple(preprocessing.inputs)
    return (
        _examples(label, X, y, names, learned, learned.outputs, held_out, [*read.said, *remarks, *more, *unused]),
        columns,
        name,
    )


def _is_binary(cells: pl.Series) -> bool:
    """Whether a target is 0 and 1 alone: of a few rows, such as the four of XOR, these are classes and no amounts."""
    return {str(each).strip() for each in cells.drop_nulls().unique()} == {"0", "1"}


def _read_npz(path: Path, label: str, target: str | None) -> tuple[LabData, list[str], str]:
    """X as it is, and y: labels if it is whole numbers or text, else numbers, which are scaled."""
    import polars as pl

    from ...data.built_in import load_data
    from ..tables.target import Target

    if target:
        raise InputError(f"target is {target!r}, but {label} has no columns to choose from: leave it out.")
    _require_unpacked_small(path, label)
    found = load_data(path)
    X, y = found.X, found.y
    if X.ndim != 2 or X.dtype.kind not in "fiub":
        raise InputError(f"{label} has X of shape {X.shape} and kind {X.dtype}, expected numbers (examples, columns).")
    if y.ndim != 1 and not (y.ndim == 2 and y.shape[1] > 0 and y.dtype.kind in "fiu"):
        raise InputError(f"{label} has y of shape {y.shape}, expected one label or number for each row of X.")
    if len(X) != len(y) or not len(X):
        raise InputError(f"{label} has {len(X)} rows of X and {len(y)} of y, expected as many, and at least one.")
    _require_few_inputs(label, *X.shape)
    X, held_out = X.astype(np.float64), hold_out(len(X))
    if not np.isfinite(X).all():
        row, column = (int(each) for each in np.argwhere(~np.isfinite(X))[0])
        raise InputError(f"{label} has X[{row}, {column}] = {X[row, column]}, expected finite numbers.")
    require_moderate(label, X)
    if y.dtype.kind not in "fiubU":
        raise InputError(f"{label} has y of kind {y.dtype}, expected numbers or text.")
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise InputError(f"{label} has values of y that are not finite, expected finite numbers.")
        require_moderate(label, y=y)
        y = y.astype(np.float64)
    if y.ndim == 2:
        _require_few_outputs(label, *y.shape)
        return _examples(label, X, y.astype(np.float64), found.columns, None, y.shape[1], held_out), [], "y"
    cells = pl.Series("y", y)
    learned = Target.learn(cells, "auto")
    _require_few_outputs(label, len(X), learned.outputs)
    encoded = learned.encode(cells)
    if not learned.classifies:
        numbers = learned.numbers(cells)
        learned = learned.scaled_by(numbers)  # not in float32, as above
        encoded = (numbers[:, None] - learned.mean) / learned.scale
    return _examples(label, X, encoded, found.columns, learned, learned.outputs, held_out), [], "y"


def _examples(
    label: str, X: np.ndarray, y: np.ndarray, columns: tuple[str, ...], target: Target | None, outputs: int,
    held_out: np.ndarray, remarks: Sequence[str] = (),
) -> LabData:  # fmt: skip
    """``target``: what was learned of y, None for several numbers a row."""
    return LabData(
        title=label,
        X=X.astype(np.float64),
        y=y,
        columns=columns,
        classes=short_names(target.classes) if target else (),
        loss=as_loss("cross_entropy" if target and target.classifies else "squared_error"),
        outputs=outputs,
        held_out=held_out,
        mean=target.mean if target else 0.0,
        scale=target.scale if target else 1.0,
        remarks=list(remarks),
    )


def _require_few(label: str, rows: int, count: int, most: int, what: str, numbers: str) -> None:
    """Refuse more columns, or more numbers in them, than a page and a step can take."""
    if count > most:
        raise InputError(f"{label} gives {count} {what}, more than the {most} that the lab takes.")
    if rows * count > MOST_CELLS:
        raise InputError(f"{label} gives {rows} × {count} {numbers}, too many for the lab: take some of its rows.")


def _require_few_inputs(label: str, rows: int, inputs: int) -> None:
    _require_few(label, rows, inputs, MOST_INPUTS, "inputs", "numbers")


def _require_few_outputs(label: str, rows: int, outputs: int) -> None:
    _require_few(label, rows, outputs, MOST_OUTPUTS, "outputs or classes", "outputs")


def require_moderate(label: str, X: np.ndarray | None = None, y: np.ndarray | None = None) -> None:
    """Refuse numbers whose squares or distances could overflow."""
    for name, values in (("X", X), ("y", y)):
        if values is None or values.dtype.kind != "f" or not values.size:
            continue
        largest = max(values.max(), -values.min())
        if largest > LARGEST:
            raise InputError(
                f"{label} has numbers of {name} as large as {largest:.3g}, expected {LARGEST:g} at the most: "
                "divide them first."
            )


def _require_few_columns(label: str, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise InputError(
            f"{label} has more than {MOST_COLUMNS} columns besides the target, which is the most that the lab takes of "
            "a table: take some of them, or an .npz file with X and y."
        )


def _separators(path: Path) -> int:
    """Of the first line that holds something; counted before the table is understood."""
    first = re.split(rb"[\r\n]", path.read_bytes().lstrip(), maxsplit=1)[0]
    return max(map(first.count, (b",", b";", b"\t", b"|")))


def _shown(text: str) -> str:
    """Short enough for a sentence, without what cannot be shown."""
    text = "".join(letter for letter in text if letter.isprintable())
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _require_few_cells(path: Path, label: str) -> None:
    """Refuse a Parquet file that is small only while it is packed."""
    from ..tables.reading.parquet import ParquetTable

    table = ParquetTable(path, MOST_UNPACKED)
    rows, width = table.height, len(table.schema)
    if rows * width > MOST_CELLS:
        raise InputError(f"{label} has {rows} × {width} cells, too many for the lab: take some of its rows.")


def _require_unpacked_small(path: Path, label: str) -> None:
    """The same for an .npz file."""
    try:
        with zipfile.ZipFile(path) as file:
            unpacked = sum(part.file_size for part in file.infolist())
    except (zipfile.BadZipFile, OSError):
        raise FileFormatError(f"{label} is not an .npz file, or is damaged.") from None
    if unpacked > 8 * MOST_CELLS:
        raise InputError(f"{label} holds {unpacked / 2**20:.0f} MB unpacked, too much for the lab: take some rows.")
