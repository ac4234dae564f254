"""Cells of text in ONNX: as yes or no, or as the place among categories; in the spellings that can be listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ....interop.onnx.writer import Writer
from ..cells.truth import NO, OR_EMPTY, YES
from ..cells.words import MISSING_WORDS, bare
from ..columns import MISSING, OTHER, Column
from .pieces import doubles, floats

OPERATORS, VERSION = "ai.onnx.ml", 2  # LabelEncoder from text to numbers


def truth(writer: Writer, cells: str, column: Column) -> str:
    """(N, 1), float64: 1 for yes, 0 for no, NaN for anything else."""
    words = _missing_words(column)
    if column.form.endswith(OR_EMPTY):
        found = {**dict.fromkeys(words, 0.0), **dict.fromkeys(_spellings([column.form.removesuffix(OR_EMPTY)]), 1.0)}
    else:
        found = dict.fromkeys(_spellings([*YES, "1"]), 1.0) | dict.fromkeys(_spellings(NO), 0.0)
        found = {word: value for word, value in found.items() if word not in words}
    return doubles(writer, _encoded(writer, cells, found, "float", float("nan")))


def one_of_each(writer: Writer, cells: str, column: Column) -> str:
    """(N, categories), float32: 1 for the category of the cell."""
    places = {name: place for place, name in enumerate(column.categories)}
    missing = places.get(MISSING, -1)
    known = {name: place for name, place in places.items() if name not in (MISSING, OTHER)}
    found = dict.fromkeys(_missing_words(column), missing) | _other_spellings(known) | known
    place = _encoded(writer, cells, found, "int64", places.get(OTHER, -1))
    every = writer.constant([range(len(places))], dtype=np.int64)
    return floats(writer, writer.node("Equal", place, every))


def _encoded(writer: Writer, cells: str, found: Mapping[str, float], kind: str, default: float) -> str:
    writer.domains[OPERATORS] = VERSION
    values = {f"values_{kind}s": [*found.values()], f"default_{kind}": default}
    return writer.node("LabelEncoder", cells, domain=OPERATORS, keys_strings=[*found], **values)


def _spellings(words: Iterable[str]) -> list[str]:
    """Each word as it is, in small letters, with a capital, and in capitals."""
    return [spelled for word in words for spelled in (word, word.lower(), word.capitalize(), word.upper())]


def _missing_words(column: Column) -> list[str]:
    return _spellings([*MISSING_WORDS, *column.missing])


def _other_spellings(known: Mapping[str, int]) -> dict[str, int]:
    """Truth values and whole numbers, as TRUE and 2.0, unless a word could be several of the known ones."""
    alike: dict[str, list[int]] = {}
    for word, place in known.items():
        alike.setdefault(bare(word), []).append(place)
    only = {word: places[0] for word, places in alike.items() if len(places) == 1}
    found: dict[str, int] = {}
    for word, place in only.items():
        if word in ("true", "false"):
            found |= dict.fromkeys(_spellings([word]), place)
        elif word.isdecimal():
            found |= {word: place, f"{word}.0": place}
    return found
