"""Options of a run with one network, which is trained, validated and tested on shares of the rows: cheap to train."""

from __future__ import annotations

from typing import Any

from backtalk.apps import tables

ALONE = {"members": 1, "validation": 0.1, "test": 0.2}
ALONE_IN_WORDS = ["--members", "1", "--validation", "0.1", "--test", "0.2"]


def Options(target: str, **asked: Any) -> tables.Options:
    """The options, with what makes it one network unless something else is asked for."""
    return tables.Options(target, **ALONE | asked)
