"""How much of memory a file may take once it is unpacked, so that a small one cannot take it all."""

from __future__ import annotations

import os

from ....errors import InputError

UNPACKED = 2**28, 1000  # bytes of any file, and times its size: more than this is taken for a trap
MEGABYTE = 2**20


def most_unpacked(size: int) -> int:
    """The bytes that a file of this size may have once it is unpacked."""
    return UNPACKED[0] + UNPACKED[1] * size


def require_moderate(count: int, most: int, file: str | os.PathLike[str]) -> None:
    """Refuse a file with more bytes than may be."""
    if count > most:
        megabytes, limit = (f"{each / MEGABYTE:.0f} MB" for each in (count, most))
        raise InputError(
            f"holds {megabytes} once it is unpacked, more than the {limit} that are taken of a file of its size: "
            "take some of its rows or columns.",
            file=file,
        )
