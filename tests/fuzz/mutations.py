"""Mutations: what becomes of the bytes of a file, of a text, and of a JSON value. All draw from a ``Random``."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

NUMBERS = [0, 1, 2, 7, 8, 127, 128, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]
DEEP = "deep nesting stands here"
TWICE = "a key that stands twice: "
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, 1e-320, 1e40, float("nan"), float("inf"), 2**31, 2**63, -(2**63),
    10**20, 10**400, "", "x", "nan", "1", "relu", "W.1", "../x", "a" * 3000, "\x1b[31m\x07", "\0", "\ud800", "é\u202e",
    "adam(learning_rate=1e999)", [], {}, [[]], [0], [1, 2, 3], ["a", "b"], [None], {"a": 1}, {"": None}, DEEP,
]  # fmt: skip
PIECES = [
    b"", b"\0", b'"', b'""', b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\xff", b" ",
    b"?", b"\xed\xa0\x80", b"nan", b"inf", b"-inf", b"1e999", b"1e-400", b"-0", b"1_000", b"0x10", b"\xd9\xa1\xd9\xa2",
    b"1,5", b"1.000,5", b"2024-02-30", b"2024-02-29", b"24:00:00", b"true", b"'", b"\\", b"=1+1", b"\x1b[2J",
    b"9" * 400, b"a" * 300,
]  # fmt: skip


def damage(content: bytes, draw: Random) -> bytes:
    """One to four changes of bytes, whatever they mean."""
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at = draw.randrange(len(changed) + 1) if draw.random() < 0.6 else min(draw.randrange(64), len(changed))
        upto = min(len(changed), at + draw.choice((1, 1, 2, 4, 8, 16, 64, 1000)))
        match draw.randrange(9):
            case 0 | 1 if at < len(changed):
                changed[at] ^= 1 << draw.randrange(8)
            case 2 if at < len(changed):
                changed[at] = draw.choice((0, 1, 127, 128, 255, draw.randrange(256)))
            case 3:
                size = draw.choice((1, 2, 4, 8))
                number = draw.choice(NUMBERS) % 256**size
                changed[at : at + size] = number.to_bytes(size, draw.choice(("little", "little", "big")))
            case 4:
                del changed[at:upto]
            case 5:
                changed[at:at] = changed[at:upto] * draw.choice((1, 1, 2, 50))
            case 6:
                changed[at:at] = draw.choice(PIECES) or draw.randbytes(draw.randrange(1, 9))
            case 7:
                del changed[at:]
            case _:
                other = draw.randrange(len(changed) + 1)
                changed[at:upto] = changed[other : other + upto - at]
    return bytes(changed)


def damage_text(content: bytes, draw: Random) -> bytes:
    """Changes of cells and lines of a table, or of the bytes."""
    if draw.random() < 0.3:
        return damage(content, draw)
    lines = content.split(b"\n")
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(lines))
        cells = re.split(rb"([,;\t|])", lines[at])
        cell = draw.randrange(len(cells))
        match draw.randrange(8):
            case 0:
                cells[cell] = draw.choice(PIECES)
            case 1:
                cells[cell] += draw.choice(PIECES)
            case 2:
                cells[cell] = b'"' + cells[cell] + draw.choice((b'"', b"", b'""', b'\n"'))
            case 3:
                del cells[cell]
            case 4:
                cells *= draw.choice((2, 3))
            case 5:
                lines[at:at] = [lines[at]] * draw.choice((1, 2, 100))
                continue
            case 6:
                del lines[at : at + draw.choice((1, 3, 1000))]
                lines = lines or [b""]
                continue
            case _:
                separator = draw.choice((b";", b"\t", b"|"))
                return content.replace(b",", separator)
        lines[at] = b"".join(cells)
    return b"\n".join(lines)


def change_value(value: Any, draw: Random) -> Any:
    """A JSON value with one place in it changed: another type, a huge number, a key less, a key more, …"""
    if isinstance(value, dict | list) and value and draw.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key, changed = draw.choice(keys), value.copy()
        choice = draw.random()
        if choice < 0.72:
            changed[key] = change_value(value[key], draw)
        elif choice < 0.8:
            del changed[key]
        elif choice < 0.88 and isinstance(changed, list):
            changed += changed * draw.choice((1, 1, 20))
        elif choice < 0.94 and isinstance(changed, dict):
            changed[draw.choice(("extra", "", "version", "name", TWICE + str(key)))] = draw.choice(VALUES)
        elif isinstance(changed, list):
            changed.insert(key, draw.choice(VALUES))
        else:
            changed[key] = value[draw.choice(keys)]
        return changed
    if isinstance(value, str) and value and draw.random() < 0.5:
        return damage(value.encode("utf-8", "surrogatepass"), draw).decode("utf-8", "replace")
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and draw.random() < 0.4:
        return draw.choice((-value, value + 1, value - 1, value * 1000, float(value), str(value), [value], value / 3))
    return draw.choice(VALUES)


def write_json(value: Any, draw: Random, **options: Any) -> str:
    """The text of a value, with the nesting and the keys that ``json.dumps`` does not write."""
    text = json.dumps(value, **options)
    depth = draw.choice((50, 990, 5000, 100_000))
    opened, closed = draw.choice((("[", "]"), ('{"a":', "}")))
    text = text.replace(json.dumps(DEEP), opened * depth + "0" + closed * depth)
    return text.replace(TWICE, "")


def change_json(content: bytes, draw: Random) -> bytes:
    """A text of JSON with a changed value; seldom its bytes are changed instead."""
    if draw.random() < 0.12:
        return damage_text(content, draw)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return damage(content, draw)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        value = change_value(value, draw)
    return write_json(value, draw).encode("utf-8", "surrogatepass")


def change_json_lines(content: bytes, draw: Random) -> bytes:
    """The same in a file with one value a line."""
    lines = content.split(b"\n")
    if draw.random() < 0.15:
        return damage_text(content, draw)
    for _ in range(draw.choice((1, 1, 2))):
        at = draw.randrange(len(lines))
        lines[at] = change_json(lines[at], draw)
    return b"\n".join(lines)
