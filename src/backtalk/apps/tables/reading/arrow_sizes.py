"""What the messages of an Arrow file say of its size once it is unpacked, read before anything is unpacked.

A message is a table of Flatbuffers, and a body of buffers behind it. Each compressed buffer begins with its length
before compression. Source: the specifications of both, at https://arrow.apache.org/docs/format/Columnar.html (with
Message.fbs, File.fbs) and https://flatbuffers.dev/internals.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

MAGIC = b"ARROW1"
CONTINUED = 0xFFFFFFFF  # before the length of a message
BLOCK, BUFFER, LENGTH = 24, 16, 8  # bytes of a block in the footer, of a buffer in a message, of a length
DICTIONARIES, BATCHES = 2, 3  # fields of the footer
HEADER_TYPE, HEADER, BODY_LENGTH = 1, 2, 3  # fields of a message
DICTIONARY, BATCH = 2, 3  # types of a header
DATA = 1  # field of a dictionary
BUFFERS, COMPRESSION = 2, 3  # fields of a batch
MOST_BUFFERS = 10**6  # that are looked at; what has more is no small file


def unpacked_bytes(content: bytes) -> int:
    """The bytes of all buffers before compression; 0 if the messages cannot be read, as a reader will say."""
    try:
        places = _places_of_file(content) if content.startswith(MAGIC) else _places_of_stream(content)
        return sum(islice(chain.from_iterable(_lengths(content, place) for place in places), MOST_BUFFERS))
    except (struct.error, OverflowError):
        return 0


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of Flatbuffers: where each of its fields lies stands in another table, before it."""

    content: bytes
    place: int

    def field(self, number: int) -> int:
        """The place of a field; 0 if the table does not have it."""
        offsets = self.place - _read("<i", self.content, self.place)
        entry = 4 + 2 * number
        if entry >= _read("<H", self.content, offsets):
            return 0
        offset = _read("<H", self.content, offsets + entry)
        return self.place + offset if offset else 0

    def table(self, number: int) -> _Table | None:
        """A field that is a table."""
        place = self.field(number)
        return _Table(self.content, place + _read("<I", self.content, place)) if place else None

    def items(self, number: int, size: int) -> Iterator[int]:
        """The places of the items, of so many bytes each, in a field that is a list."""
        if place := self.field(number):
            start = place + _read("<I", self.content, place)
            count = min(_read("<I", self.content, start), len(self.content) // size)
            yield from range(start + 4, start + 4 + count * size, size)


def _places_of_file(content: bytes) -> Iterator[int]:
    """Of its messages, by its footer."""
    length = _read("<i", content, len(content) - len(MAGIC) - 4)
    start = len(content) - len(MAGIC) - 4 - length
    footer = _Table(content, start + _read("<I", content, start))
    for field in (DICTIONARIES, BATCHES):
        for block in footer.items(field, BLOCK):
            yield _read("<q", content, block)


def _places_of_stream(content: bytes) -> Iterator[int]:
    """Of its messages, one behind the other."""
    place = 0
    while place + LENGTH < len(content):
        yield place
        start, length = _message(content, place)
        if not length:
            return
        body = _Table(content, start + _read("<I", content, start)).field(BODY_LENGTH)
        place = start + length + (max(0, _read("<q", content, body)) if body else 0)


def _message(content: bytes, place: int) -> tuple[int, int]:
    """Where a message starts, and its length."""
    first = _read("<I", content, place)
    return (place + 8, _read("<i", content, place + 4)) if first == CONTINUED else (place + 4, first)


def _lengths(content: bytes, place: int) -> Iterator[int]:
    """The bytes of each buffer of a message."""
    start, length = _message(content, place)
    if not length:
        return
    message = _Table(content, start + _read("<I", content, start))
    kind, header = message.field(HEADER_TYPE), message.table(HEADER)
    if kind and header and content[kind] == DICTIONARY:
        header = header.table(DATA)
    if not (kind and header and content[kind] in (DICTIONARY, BATCH)):
        return
    is_compressed = header.field(COMPRESSION)
    for buffer in header.items(BUFFERS, BUFFER):
        offset, packed = _read("<q", content, buffer), _read("<q", content, buffer + 8)
        if is_compressed and packed >= LENGTH:
            whole = _read("<q", content, start + length + offset)
            packed = packed if whole < 0 else whole  # -1: it was not worth compressing
        yield max(0, packed)


def _read(form: str, content: bytes, place: int) -> int:
    if place < 0:
        raise struct.error
    return struct.unpack_from(form, content, place)[0]
