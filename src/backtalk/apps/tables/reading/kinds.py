"""What kind of table a file is, by its name or its first bytes."""

from __future__ import annotations

import os
from pathlib import PurePath

from ....errors import FileFormatError

TEXT = (".csv", ".tsv", ".tab", ".txt", ".data")
JSON_LINES = (".ndjson", ".jsonl")
SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
ARROW = (".arrow", ".feather", ".ipc")
PARQUET = (".parquet", ".pq")
COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz", ".zip")  # of text and of JSON lines
STARTS = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"BZh": ".bz2", b"\xfd7zXZ\0": ".xz", b"PK\x03\x04": ".zip"}
STANDARD_INPUT = "-"


def kind_of(path: str | os.PathLike[str]) -> tuple[str, str]:
    """The suffix of the kind, and that of the compression: '' of what the name does not say.

    Raises :class:`~backtalk.errors.FileFormatError` for a name of another kind.

    >>> kind_of("a.csv"), kind_of("a.JSONL.zst"), kind_of("cars.zip")
    (('.csv', ''), ('.jsonl', '.zst'), ('', '.zip'))
    """
    *_, before, last = ["", "", *map(str.lower, PurePath(path).suffixes)]
    if last in COMPRESSIONS:
        if before in SHEETS + ARROW + PARQUET:
            raise FileFormatError("is compressed as a whole, expected it as it was: unpack it.", file=path)
        return before if before in TEXT + JSON_LINES else "", last
    if last not in TEXT + JSON_LINES + SHEETS + ARROW + PARQUET:
        raise FileFormatError(
            f"is no .csv, .parquet, .xlsx, .ndjson or .arrow file, expected one of them by its name; a .csv file may "
            f"also be a {', '.join(f'.csv{each}' for each in COMPRESSIONS[:-1])} or {COMPRESSIONS[-1]} file.",
            file=path,
        )
    return last, ""


def compression_of(content: bytes) -> str:
    """How it is compressed, by its first bytes; '' if it is not."""
    return next((suffix for start, suffix in STARTS.items() if content.startswith(start)), "")


def kind_of_text(content: bytes) -> str:
    """Whether it is JSON lines or separated text."""
    return JSON_LINES[0] if content[:100].lstrip().startswith(b"{") else TEXT[0]


def stem_of(path: str | os.PathLike[str]) -> str:
    """A file's name without its folder and without what says how to read it.

    >>> stem_of("data/cars.csv.gz"), stem_of("v1.2.parquet"), stem_of("-")
    ('cars', 'v1.2', 'table')
    """
    place = PurePath(path)
    if place.suffix.lower() in COMPRESSIONS:
        place = place.with_suffix("")
    return place.stem if str(place) != STANDARD_INPUT else "table"
