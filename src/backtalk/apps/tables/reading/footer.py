"""What the footer of a Parquet file says of its size once it is unpacked, read before anything is unpacked.

The footer is a struct in Thrift's compact protocol, whose fields Parquet numbers: FileMetaData 4 is the list of row
groups; RowGroup 1 is the list of its columns, 2 their bytes before compression, 3 its rows. Source: the specifications
of both, at https://github.com/apache/thrift (compact protocol) and https://github.com/apache/parquet-format
(parquet.thrift).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

MAGIC = b"PAR1"
LARGEST = 2**17  # bytes of a footer that is read here; what has a larger one is no small file
LARGEST_OF_ANY = 2**25  # of one that is read at all: it takes a second for each megabyte
DEEPEST = 16  # structs and lists within one another; Parquet has six
ROW_GROUPS, CHUNKS, TOTAL_BYTES, ROWS = 4, 1, 2, 3
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
WHOLE = (4, 5, 6)  # of 16, 32 and 64 bits


class RowGroups(NamedTuple):
    """Of a file: how many columns it has, the bytes of all before compression, and the rows of each row group."""

    columns: int
    unpacked: int
    rows: list[int]


def unpacked_bytes(path: Path) -> int:
    """The bytes of all columns before compression; 0 if the footer is large or cannot be read, as a reader will say."""
    found = row_groups(path, LARGEST)
    return 0 if found is None else found.unpacked


def row_groups(path: Path, largest: int = LARGEST_OF_ANY) -> RowGroups | None:
    """What the footer says of the row groups; None if it has more than ``largest`` bytes, or cannot be read."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        length, magic = int.from_bytes(file.read(4), "little"), file.read(4)
        if magic != MAGIC or not 0 < length <= min(largest, size - 8):
            return None
        file.seek(size - 8 - length)
        content = file.read(length)
    try:
        groups = _Compact(content).value(STRUCT)[ROW_GROUPS]
        unpacked = sum(max(0, group[TOTAL_BYTES]) for group in groups)
        return RowGroups(max(len(group[CHUNKS]) for group in groups), unpacked, [group[ROWS] for group in groups])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


class _Compact:
    """Values of the compact protocol, one after another: structs as dictionaries by the numbers of their fields."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def value(self, kind: int, depth: int = 0) -> Any:
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        if kind in WHOLE:
            number = self._varint()
            return number >> 1 ^ -(number & 1)
        if kind in (TRUE, FALSE, BYTE):
            return self._byte()
        if kind in (DOUBLE, BINARY):
            self._skip(8 if kind == DOUBLE else self._varint())
            return None
        if kind in (LIST, SET):
            head = self._byte()
            count = self._varint() if head >> 4 == 15 else head >> 4
            return [self.value(head & 15, depth + 1) for _ in range(self._bounded(count))]
        if kind == MAP:
            count = self._bounded(self._varint())
            kinds = self._byte() if count else 0
            return [self.value(each, depth + 1) for _ in range(count) for each in (kinds >> 4, kinds & 15)]
        if kind == STRUCT:
            return self._struct(depth)
        raise ValueError(f"kind {kind}")

    def _struct(self, depth: int) -> dict[int, Any]:
        fields, number = {}, 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self.value(WHOLE[0])
            kind = head & 15
            fields[number] = None if kind in (TRUE, FALSE) else self.value(kind, depth + 1)  # the kind is the value
        return fields

    def _byte(self) -> int:
        self.place += 1
        return self.content[self.place - 1]

    def _varint(self) -> int:
        """Seven bits a byte, the lowest first."""
        number, shift = 0, 0
        while (byte := self._byte()) & 128:
            number |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("more than 64 bits")
        return number | byte << shift

    def _skip(self, count: int) -> None:
        self.place += self._bounded(count)

    def _bounded(self, count: int) -> int:
        """Refuse a number of elements or bytes that the rest does not have."""
        if count > len(self.content) - self.place:
            raise ValueError("beyond the end")
        return count
