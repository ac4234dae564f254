"""Text in any common encoding to UTF-8."""

from __future__ import annotations

import codecs
import re

from ....errors import FileFormatError, quoted

# A byte order mark, and the encoding that it is of; that of UTF-32 begins as that of UTF-16
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
NAMES = {"utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32"}
WINDOWS = "cp1252"  # what programs on Windows in Western Europe and America write
LONGEST = 20  # letters of a word on each side
LOOKED_AT = 1000  # bytes, to see whether every other one is zero
PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "ZIP or Excel", b"PAR1": "Parquet", b"ARROW1": "Arrow", b"%PDF": "PDF"}


def as_utf8(content: bytes, file: str, before: int = 0) -> tuple[bytes, list[str]]:
    """The same text in UTF-8, without a byte order mark, each line ended by a line feed; and what there is to say.

    ``before``: physical lines of the file above it.
    """
    encoding, mark = next(((name, mark) for mark, name in MARKS.items() if content.startswith(mark)), ("", b""))
    encoding = encoding or _without_mark(content)
    content, said = content.removeprefix(mark), []
    if encoding in NAMES:
        try:
            content = content.decode(encoding).encode()
        except UnicodeDecodeError:
            raise FileFormatError(f"is damaged {NAMES[encoding]}: save it as UTF-8.", file=file) from None
        said = [f"read as text in {NAMES[encoding]}."]
    if b"\0" in content:
        kind = next((f" ({name}?)" for start, name in PACKED.items() if content.startswith(start)), "")
        raise FileFormatError(f"holds binary data{kind}, expected text.", file=file)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if content.isascii():
        return content, said
    content, more = _checked(content, file, before)
    return content, [*said, *more]


def _without_mark(content: bytes) -> str:
    """UTF-16, if every other byte of the beginning is zero, as of Latin letters; '' if it is not."""
    start = content[:LOOKED_AT]
    if len(start) >= 4 and start[1::2].count(0) * 2 > len(start[1::2]) and not start[::2].count(0):
        return "utf-16-le"
    if len(start) >= 4 and start[::2].count(0) * 2 > len(start[::2]) and not start[1::2].count(0):
        return "utf-16-be"
    return ""


def _checked(content: bytes, file: str, before: int) -> tuple[bytes, list[str]]:
    """UTF-8 as it is; what is none, but may be Windows-1252, from that."""
    try:
        content.decode()
        return content, []
    except UnicodeDecodeError as error:
        line = before + content[: error.start].count(b"\n") + 1
        start = error.start
    try:
        text = content.decode(WINDOWS)
    except UnicodeDecodeError:
        text = None
    # Letters in UTF-8 are hardly ever letters in another encoding: with some of both kinds, a part of it is damaged
    if text is None or not content.decode(errors="ignore").isascii():
        raise FileFormatError(f"is not text in UTF-8 (line {line}): save it as UTF-8.", file=file) from None
    return text.encode(), [f"read as text in Windows-1252, since it is not UTF-8 (line {line}: {_word(text, start)})."]


def _word(text: str, place: int) -> str:
    """The word around a letter, to be seen whether it was read right."""
    before, after = re.search(r"\w*$", text[:place][-LONGEST:]), re.match(r"\w*", text[place + 1 :][:LONGEST])
    return quoted((before[0] if before else "") + text[place] + (after[0] if after else ""))
