"""JSON that we wrote, read and checked: whatever is wrong is one sentence that names the file and the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from ..errors import FileFormatError
from .files import naming, require_ordinary

LARGEST = 2**63  # of a whole number, in either direction
LONGEST = 60  # letters of a value, in an error
NAMES: dict[type, str] = {
    dict: "an object",
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    NoneType: "null",
}


def read_json(path: Path, text: str | None = None, line: int | None = None) -> dict[str, Any]:
    """The JSON object in a file, or in one line of it.

    Raises ``OSError``, and :class:`~backtalk.errors.FileFormatError` if it is no JSON object.
    """
    where = str(path) if line is None else f"{path}, line {line},"
    content: str | bytes | None = text
    if content is None:
        require_ordinary(path)
        with naming(path):
            content = path.read_bytes()
    try:
        facts = json.loads(content if isinstance(content, str) else content.decode())
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError):
            reason = f"{error.msg} in line {error.lineno}" if line is None else error.msg
        else:
            reason = "it is nested too deep" if isinstance(error, RecursionError) else "it is no text in UTF-8"
        raise FileFormatError(f"{where} is damaged ({reason}), expected what 'backtalk train' wrote.") from None
    if not isinstance(facts, dict):
        raise FileFormatError(f"{where} holds {_short(facts)}, expected a JSON object as 'backtalk train' writes it.")
    return facts


def field_of(facts: Mapping[str, Any], name: str, kind: Any, path: Path | str) -> Any:
    """A field of an object, checked; ``path`` is that of its file.

    >>> field_of({"rows": 3}, "rows", int, "metrics.json")
    3
    >>> field_of({"rows": "3"}, "rows", int, "metrics.json")
    Traceback (most recent call last):
        ...
    backtalk.errors.FileFormatError: metrics.json: 'rows' is "3", expected a whole number.
    """
    if name not in facts:
        raise FileFormatError(f"{path} lacks the field {name!r}, expected what 'backtalk train' wrote.")
    return as_kind(facts[name], kind, path, name)


def require_version(facts: Mapping[str, Any], newest: int, path: Path | str) -> None:
    """Refuse facts in a form that a newer backtalk writes, or none.

    >>> require_version({"version": 2}, 1, "run.json")
    Traceback (most recent call last):
        ...
    backtalk.errors.FileFormatError: run.json is of version 2, this backtalk reads up to 1: update backtalk.
    """
    version = field_of(facts, "version", int, path)
    if version > newest:
        raise FileFormatError(f"{path} is of version {version}, this backtalk reads up to {newest}: update backtalk.")
    if version < 1:
        raise FileFormatError(
            f"{path} is of version {version}, which does not exist: the file was edited or is damaged."
        )


def as_kind(value: Any, kind: Any, path: Path | str, place: str) -> Any:
    """A value of JSON as one of this type: a dataclass, a list or tuple, a mapping, ``X | None``, or a plain one.

    A field of a dataclass that is missing takes its default. Raises :class:`~backtalk.errors.FileFormatError` with the
    file and the ``place`` in it.
    """
    if kind in NAMES:
        return _as_plain(value, kind, path, place)
    if is_dataclass(kind):
        return _as_dataclass(value, kind, path, place)
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(value, "an object", path, place)
        return {name: as_kind(each, inner[1], path, f"{place}.{name}") for name, each in value.items()}
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise _wrong(value, "a list", path, place)
        return origin(as_kind(each, inner[0], path, f"{place}[{i}]") for i, each in enumerate(value))
    if value is None and NoneType in inner:  # X | None, or X | Y
        return None
    return as_kind(value, min(inner, key=partial(_unlike, value)), path, place)


def _unlike(value: Any, kind: Any) -> tuple[bool, bool, bool]:
    """How unlike a kind is to a value, among those that it may be: the least unlike names what was expected."""
    is_list, is_text = get_origin(kind) is not None, kind is str
    return kind is NoneType, is_list != isinstance(value, list), is_text != isinstance(value, str)


def _as_plain(value: Any, kind: Any, path: Path | str, place: str) -> Any:
    if kind is float and type(value) is int and abs(value) < LARGEST:
        return value
    if type(value) is not kind or (kind is int and abs(value) >= LARGEST):
        raise _wrong(value, NAMES[kind], path, place)
    if isinstance(value, str):
        _require_letters(value, path, place)
    return value


def _as_dataclass(value: Any, kind: Any, path: Path | str, place: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(value, "an object", path, place)
    kinds, needed = _fields_of(kind)
    for name in value:
        if name not in kinds:
            name = _short(name)
            raise FileFormatError(f"{path}: {place!r} cannot be read: this backtalk does not know the field {name}.")
    for name in needed:
        if name not in value:
            raise FileFormatError(f"{path}: {place!r} lacks the field {name!r}.")
    return kind(**{name: as_kind(each, kinds[name], path, f"{place}.{name}") for name, each in value.items()})


@cache  # a table may have many columns
def _fields_of(kind: Any) -> tuple[dict[str, Any], list[str]]:
    """The types of the fields of a dataclass, and the names of those without a default."""
    needed = [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]
    return get_type_hints(kind), needed


def _require_letters(text: str, path: Path | str, place: str) -> None:
    """Refuse half a letter (a lone surrogate), which JSON can write and no file or terminal can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _wrong(text, "text in Unicode", path, place) from None


def _wrong(value: Any, expected: str, path: Path | str, place: str) -> FileFormatError:
    return FileFormatError(f"{path}: {place!r} is {_short(value)}, expected {expected}.")


def _short(value: Any) -> str:
    """The beginning of a value, as JSON writes it."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = json.dumps(value) if not isinstance(value, int) or abs(value) < LARGEST else "a number of many digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
