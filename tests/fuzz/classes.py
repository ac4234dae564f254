"""The sheets of a class, as a folder describes them, and the table of its answers."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from backtalk.teaching.exercises import ClassSheets, make_class, mark_class, read_class

from .mutations import change_json, damage_text
from .target import Target


@cache
def sheets() -> ClassSheets:
    """Two small ones."""
    return make_class(2, settings={"activation": "leaky_relu", "also": ["step"]})


def answered() -> bytes:
    """A table with a row for each question, right, wrong or empty."""
    head, *rows = sheets().files("html")["answers.csv"].splitlines()
    answers = ("1/2", "0.5; -3", "2 log 3", "", "a; b; c; d")
    return "\n".join([head, *(row + answers[k % len(answers)] for k, row in enumerate(rows))]).encode()


def _read(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "class.json").write_bytes(path.read_bytes())
        read_class(Path(folder))


TARGETS = [
    Target(
        "class_sheets",
        ".json",
        lambda: [sheets().files("html")["class.json"].encode()],
        _read,
        damage_text,
        change_json,
    ),
    Target("class_answers", ".csv", lambda: [answered()], lambda path: mark_class(sheets(), path), damage_text),
]
