"""What the options of ``backtalk train`` say as text: sizes, an optimizer, types of columns, rows that are held out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

COLUMNS, ROWS, NETWORK, TRAINING = "Columns", "Rows for validation and test", "Network", "Training"  # in the help
JUDGED, PRIVACY = "What is judged and predicted", "Private training"
TYPE = re.compile(r"\s*(?P<name>.+?)\s*=\s*(?P<type>number|category|yes/no|time|date(?:\([^()]*\))?)\s*(?:,|$)")


class Grouped(TyperCommand):
    """A command whose help has its options in groups, each below its title."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[Any]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                options = getattr(parameter, "rich_help_panel", None) or "Options"
                title = "Arguments" if parameter.param_type_name == "argument" else options
                groups.setdefault(title, []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


def types_of(texts: Sequence[str]) -> dict[str, str]:
    """The type of each column that is named, from texts such as ``age=number,when=date(%d/%m/%y)``.

    A name may have commas, since what stands before a known type is the name.

    >>> types_of(["age=number,sweet, or not=category", "when=date(%d,%m,%y)"])
    {'age': 'number', 'sweet, or not': 'category', 'when': 'date(%d,%m,%y)'}
    """
    from ...errors import InputError, quoted

    found: dict[str, str] = {}
    for text in texts:
        place = 0
        while place < len(text):
            match = TYPE.match(text, place)
            if match is None:
                raise InputError(
                    f"is {quoted(text[place:])}, expected COLUMN=TYPE with commas between, and as TYPE number, "
                    "category, yes/no, time, date, or date with its form, such as date(%d/%m/%y).",
                    argument="types",
                )
            if found.get(match["name"], match["type"]) != match["type"]:
                raise InputError(f"names column {quoted(match['name'])} twice: give it one type.", argument="types")
            found[match["name"]] = match["type"]
            place = match.end()
    return found


def words_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The words of texts that have commas between.

    >>> words_of(["not tested, -999", "9999"])
    ('not tested', '-999', '9999')
    """
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())


def share_or_file(part: str, text: str | None) -> float | str | None:
    """None for None; or the share of the rows, or the file, that a text says; refuses what is neither."""
    from ...core.decimals import is_decimal, read_decimal
    from ...errors import InputError, quoted

    if text is None:
        return None
    if is_decimal(text):
        return read_decimal(text)
    if not Path(text).exists():
        raise InputError(
            f"is {quoted(text)}, expected a share of the rows, such as 0.2, or a file that is there.", argument=part
        )
    return text


def levels_of(text: str | None) -> tuple[float, ...]:
    """The levels of quantiles; nothing for None.

    >>> levels_of(".1, 0.9")
    (0.1, 0.9)
    """
    return () if text is None else tuple(_number("quantiles", part, "0.1,0.5,0.9") for part in text.split(","))


def threshold_of(text: str | None) -> float | str | None:
    """None for None; or a number, or ``auto``.

    >>> threshold_of("auto"), threshold_of("0.3")
    ('auto', 0.3)
    """
    return text if text in (None, "auto") else _number("threshold", text, "0.3 or auto")


def _number(option: str, text: str, example: str) -> float:
    from ...core.decimals import read_decimal
    from ...errors import InputError, quoted

    try:
        return read_decimal(text.strip())
    except ValueError:
        raise InputError(f"is {quoted(text)}, expected numbers, such as {example}.", argument=option) from None


def optimizer_of(text: str | None, learning_rate: float | None) -> str | None:
    """The optimizer with the learning rate that was asked for; None if neither was."""
    from dataclasses import replace

    from ...core.optimizers import Optimizer, as_any_optimizer
    from ...errors import InputError, quoted

    if text is None and learning_rate is None:
        return None
    text = text or "adam"
    chosen = as_any_optimizer(text)
    if learning_rate is None:
        return text
    if not isinstance(chosen, Optimizer):
        raise InputError(
            f"is {learning_rate}, but the optimizer {quoted(text)} has none: leave it out.", argument="learning_rate"
        )
    return repr(replace(chosen, learning_rate=learning_rate))


def sizes_of(text: str) -> tuple[int, ...]:
    """The units of each hidden layer."""
    from ...core.decimals import read_whole
    from ...errors import InputError, quoted

    try:
        sizes = tuple(read_whole(part) for part in text.split(",") if part.strip())
    except ValueError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise InputError(
            f"is {quoted(text)}, expected whole numbers of 1 or more with commas between, such as 64,32.",
            argument="hidden",
        )
    return sizes
