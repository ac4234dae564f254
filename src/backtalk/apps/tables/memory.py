"""How much memory a table may take: what was asked for, what is free, and what it would take as a whole."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ...errors import InputError, quoted
from .pieces import MOST_CELLS
from .reading.footer import row_groups
from .reading.origins import Origin
from .reading.parquet import is_parquet
from .reading.spilled import is_text

UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
LEAST = 2**29  # the libraries alone take half of it
SHARE_OF_FREE = 0.5
# What reading and encoding a whole table took at its peak, measured with tables of numbers and words
TIMES_OF_TEXT = 5.7  # the bytes of a CSV file
BYTES_OF_CELL = 45  # of Parquet, however few bytes it has there
# And the pieces of numbers besides, up to as many as there may be
TIMES_OF_PIECES = 40  # the bytes of a CSV file of short numbers
BYTES_OF_PIECES = 130  # for a cell of Parquet
TIMES_PACKED = 2  # smaller is a Parquet file of numbers and words than its text, if it does not say
LIBRARIES = 2**28


def bytes_of(text: str) -> int:
    """A size as people write it, in bytes: K, M, G and T are powers of 1024.

    >>> bytes_of("2G") == 2 * 2**30, bytes_of("1.5 GB") == 1.5 * 2**30
    (True, True)
    """
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise InputError(f"is {quoted(text)}, expected a size such as 2G or 800M.", argument="memory")
    size = int(float(found[1]) * UNITS.get(found[2].upper(), 1))
    if size < LEAST:
        raise InputError(
            f"is {quoted(text)}, expected {size_text(LEAST)} or more, which the libraries need.", argument="memory"
        )
    return size


def size_text(count: float) -> str:
    """So many bytes, as :func:`bytes_of` reads them.

    >>> size_text(2**30), size_text(1.5 * 2**30), size_text(800 * 2**20)
    ('1G', '1.5G', '800M')
    """
    if count >= UNITS["G"]:
        return f"{count / UNITS['G']:.1f}".removesuffix(".0") + "G"
    unit = "M" if count >= UNITS["M"] else "K"
    return f"{max(1, round(count / UNITS[unit]))}{unit}"


def bytes_of_whole(table: Origin) -> int:
    """What it would take at its peak to read all of a table in files and to encode it."""
    found = [_bytes_of_file(file) for file in table.files]
    return int(LIBRARIES + sum(whole for whole, _ in found) + min(sum(pieces for _, pieces in found), 4 * MOST_CELLS))


def _bytes_of_file(file: Path) -> tuple[float, float]:
    """What the cells of a file take, and the pieces of its numbers, if all are numbers."""
    size = file.stat().st_size
    if not is_parquet(file):
        return TIMES_OF_TEXT * size, TIMES_OF_PIECES * size
    groups = row_groups(file)
    if groups is None:  # a footer so large is of a large file
        return TIMES_OF_TEXT * TIMES_PACKED * size, TIMES_OF_PIECES * TIMES_PACKED * size
    cells = groups.columns * sum(groups.rows)
    return max(TIMES_OF_TEXT * max(groups.unpacked, size), BYTES_OF_CELL * cells), BYTES_OF_PIECES * cells


def bound_for(table: Origin, asked: str | None) -> int | None:
    """Within how many bytes a table is to be read in parts; None if it may be read as a whole, or is in memory.

    ``asked``: the bound that was asked for; by default half of the memory that is free, for files of a kind that can be
    read in parts.
    """
    if table.path is None or (asked is None and not (is_parquet(table.path) or is_text(table.path))):
        return None
    bound = bytes_of(asked) if asked is not None else max(LEAST, SHARE_OF_FREE * free_bytes())
    return None if bytes_of_whole(table) <= bound else int(bound)


def free_bytes() -> float:
    """The memory that this process may still take, as far as the system tells; infinite if it tells nothing."""
    return min(_free_of_machine(), _left_of_group(), _left_of_process())


def _free_of_machine() -> float:
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2  # that others have the half is a guess
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _left_of_group() -> float:
    """Of the control group of a container or a service; pages of files that nobody has read lately count as free."""
    left = float("inf")
    for folder, most, used in (
        (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            limit, taken = int((folder / most).read_bytes()), int((folder / used).read_bytes())
            stat = dict(line.split() for line in (folder / "memory.stat").read_text("ascii").splitlines())
            left = min(left, limit - taken + int(stat.get("inactive_file", 0)))
        except (OSError, ValueError):  # 'max', which is none
            continue
    return max(0.0, left)


def _left_of_process() -> float:
    """Of what ``ulimit -v`` leaves to this process."""
    try:
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except (ImportError, OSError, ValueError):
        return float("inf")
    return float("inf") if most == resource.RLIM_INFINITY else max(0, most - pages * os.sysconf("SC_PAGE_SIZE"))


def bound_of(memory: str | None, table: Origin) -> int | None:
    """The bytes within which a table is read in parts; None if it is read as a whole."""
    return None if memory is None else bound_for(table, memory)


def memory_for(memory: str | None, table: Origin) -> str | None:
    """What was asked for, or else half of the memory that is free if the table needs more."""
    if memory is not None or (bound := bound_for(table, None)) is None:
        return memory
    return size_text(bound)
