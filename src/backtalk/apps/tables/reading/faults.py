"""What another library says of a file that it cannot read, as an error that names the file."""

from __future__ import annotations

import os

import polars as pl

from ....errors import FileFormatError, first_line, is_no_memory

# What polars raises; PanicException is no Exception
POLARS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, MemoryError)


def unreadable(error: BaseException, file: str | os.PathLike[str]) -> FileFormatError:
    """For a file whose own words say how long its parts are: if they are damaged, memory runs out as well."""
    reason = first_line(error)
    if is_no_memory(error):
        return FileFormatError(
            f"cannot be read: it is damaged, or needs more memory than there is ({reason}): give fewer rows or "
            "columns.",
            file=file,
        )
    damaged = ": it is damaged" if isinstance(error, pl.exceptions.PanicException) else ""
    return FileFormatError(f"cannot be read{damaged} ({reason}).", file=file)


def unreadable_text(error: BaseException, file: str | os.PathLike[str]) -> BaseException:
    """For text, which memory runs out over only if it is too much."""
    return MemoryError(first_line(error)) if is_no_memory(error) else unreadable(error, file)
