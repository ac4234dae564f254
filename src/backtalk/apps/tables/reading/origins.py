"""Where a table comes from: a file, a folder of files, standard input, or a data frame."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from ....core.files import naming, require_ordinary
from ....errors import InputError
from .frames import as_frame, frame_digest
from .kinds import STANDARD_INPUT
from .typed import plain_columns, require_flat, with_text

BLOCK = 2**20  # bytes that are read at a time for a digest


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """A file or a folder has a ``path``, standard input its ``content``, and a data frame is a ``frame``.

    ``str`` gives its name for a sentence. ``said``: what there is to say of a frame.
    ``no_header``: whether the first line of delimited text is a row, instead of the names of the columns.
    """

    name: str
    path: Path | None = None
    content: bytes | None = None
    frame: pl.DataFrame | None = None
    said: list[str] = field(default_factory=list)
    no_header: bool = False

    @classmethod
    def of(cls, table: Any, no_header: bool = False) -> Origin:
        """From what a person gave: the name of a file or a folder, ``-`` for standard input, or a data frame.

        Standard input is read to its end. ``no_header``: the first line of a file is a row.

        Raises :class:`~backtalk.errors.InputTypeError` for anything else.
        """
        if no_header:
            return replace(cls.of(table), no_header=True)
        if isinstance(table, Origin):
            return table
        if isinstance(table, str | os.PathLike):
            path = Path(table)
            if str(path) != STANDARD_INPUT:
                return cls(str(path), path)
            stdin = getattr(sys.stdin, "buffer", None)  # None where there is none, as after <&- in a shell
            if stdin is None or sys.stdin.isatty():
                raise InputError(
                    "is '-', but nothing is sent to standard input: give a file, or pipe one in.", argument="table"
                )
            return cls("standard input", content=stdin.read())
        frame, said = as_frame(table)
        require_flat(frame.schema)
        return cls("table", frame=with_text(frame.select(plain_columns(frame.schema))), said=said)

    def __str__(self) -> str:
        return self.name

    @property
    def file_name(self) -> str:
        """The last part of its name."""
        return self.name if self.path is None else self.path.name

    @property
    def files(self) -> list[Path]:
        """The file, or all .parquet files of the folder. Refuses pipes and devices."""
        return [] if self.path is None else files_of(self.path)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        if self.frame is not None:
            return int(self.frame.estimated_size())
        return len(self.content) if self.content is not None else sum(file.stat().st_size for file in self.files)

    def digest(self) -> str:
        """SHA-256 of the content."""
        if self.frame is not None:
            return frame_digest(self.frame)
        sums = hashlib.sha256(self.content or b"")
        for file in self.files:
            with naming(file), file.open("rb") as content:
                while block := content.read(BLOCK):
                    sums.update(block)
        return sums.hexdigest()


def files_of(path: Path) -> list[Path]:
    """The file; of a folder, all .parquet files in it. Refuses pipes and devices."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    for file in files:
        require_ordinary(file)
    return files
