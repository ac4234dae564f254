"""The sheets of a class: the same questions with other numbers for everybody, told apart by their numbers."""

from __future__ import annotations

import csv
import inspect
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileFormatError, InputError, InputTypeError
from .paper import SUFFIXES, write_papers
from .sheet import Exercise, exercise

FACTS, ANSWERS = "class.json", "answers.csv"
FORMAT = 1
COLUMNS = "sheet", "name", "question", "answer"
MOST = 1000  # sheets
# Those of the sheets stand in the folder with the others: it stays the same class when a later version has others
DEFAULTS = {name: each.default for name, each in inspect.signature(exercise).parameters.items() if name != "seed"}
SPARE = 20  # seeds beyond the sheets that are asked for: some give no sheet, or one that is there


@dataclass(frozen=True, slots=True, eq=False)
class ClassSheets:
    """The sheets of a class by their numbers, which are their seeds; ``settings``: those that they have in common.

    >>> sheets = make_class(2, seed=1, settings={"sizes": (2, 2)})
    >>> sheets.numbers, sheets.exercises[1].seed
    ((1, 2), 1)
    """

    settings: Mapping[str, Any]
    exercises: Mapping[int, Exercise] = field(repr=False)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the sheets, as they stand on them."""
        return tuple(self.exercises)

    def files(self, form: str) -> dict[str, str]:
        """What goes into the folder, by name: each sheet and key, all of them together, and what marking needs."""
        suffix, width = SUFFIXES[form], len(str(max(self.numbers)))
        made = self.exercises
        written = {
            f"{kind}-{number:0{width}}{suffix}": write_papers([getattr(each, kind)], form)
            for kind in ("sheet", "key")
            for number, each in made.items()
        }
        together = {
            f"all-{kind}s{suffix}": write_papers([getattr(each, kind) for each in made.values()], form)
            for kind in ("sheet", "key")
        }
        facts = {"format": FORMAT, "numbers": self.numbers, "settings": dict(self.settings)}
        return {**written, **together, ANSWERS: self.empty_answers(), FACTS: json.dumps(facts, indent=1) + "\n"}

    def empty_answers(self) -> str:
        """The table of answers, with a row for each question of each sheet."""
        file = io.StringIO()
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for number, made in self.exercises.items():
            table.writerows([number, "", name, ""] for name in made.answers)
        return file.getvalue()


def make_class(count: int, seed: int = 1, settings: Mapping[str, Any] | None = None) -> ClassSheets:
    """``count`` different sheets, from ``seed`` on; ``settings``: what :func:`~backtalk.exercise` takes beside a seed.

    Raises :class:`~backtalk.errors.InputError` for fewer sheets than 1 or more than 1000, for what makes no exercise,
    and if there are not so many different ones.
    """
    if isinstance(count, bool) or not isinstance(count, int | np.integer):
        raise InputTypeError(f"count is {count!r}, expected a whole number of sheets.")
    if not 1 <= count <= MOST:
        raise InputError(f"count is {count}, expected 1 to {MOST} sheets.")
    settings = DEFAULTS | dict(settings or {})
    made = {seed: exercise(seed, **settings)}
    seen = {_numbers(made[seed])}
    for number in range(seed + 1, seed + count + SPARE):
        if len(made) == count:
            break
        try:
            each = exercise(number, **settings)
        except InputError:  # no numbers without a 0, as it may be for one seed
            continue
        if _numbers(each) not in seen:
            seen.add(_numbers(each))
            made[number] = each
    if len(made) < count:
        raise InputError(
            f"count is {count}, but only {len(made)} different sheets were found: take a larger network, or less."
        )
    return ClassSheets(settings, made)


def read_class(folder: Path) -> ClassSheets:
    """The sheets that a folder holds, made anew from their numbers and settings.

    Raises :class:`~backtalk.errors.FileFormatError` if it holds no such sheets.
    """
    place = folder / FACTS
    if not place.is_file():
        raise FileFormatError(
            f"has no {FACTS}: give a folder that 'backtalk exercise --class' wrote.", file=str(folder)
        )
    try:
        facts = json.loads(place.read_text(encoding="utf-8"))
        version = facts["format"]
        if type(version) is int and version > FORMAT:
            raise FileFormatError(
                f"is of format {version}, this backtalk reads up to {FORMAT}: update backtalk.", file=str(place)
            )
        numbers, settings = facts["numbers"], facts["settings"]
        whole = isinstance(numbers, list) and all(type(number) is int for number in numbers)
        each_once = whole and len(set(numbers)) == len(numbers)
        if version != FORMAT or not each_once or not 1 <= len(numbers) <= MOST or not isinstance(settings, dict):
            raise ValueError(version)
        return ClassSheets(settings, {number: exercise(number, **settings) for number in numbers})
    except FileFormatError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise FileFormatError(
            f"does not describe the sheets of a class in format {FORMAT}: make them anew with 'backtalk exercise "
            "--class'.",
            file=str(place),
        ) from error


def _numbers(made: Exercise) -> str:
    """What tells one sheet from another."""
    network = made.network
    arrays = [*network.W.values(), *network.b.values(), made.x, made.Y]
    return str([array.round(9).tolist() for array in arrays])
