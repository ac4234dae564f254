"""What is asked of single columns besides the target: which are inputs, and what the others are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ...errors import InputError, quoted
from .asked import AS_ASKED, read_as
from .columns import LEFT_OUT, Column
from .learning import examples_of, learn
from .options import BY_GROUP, Options
from .target_rows import column_named, require_columns, require_name

WEIGHT = "the weights of the rows"
ID = "names the rows, and stands before their predictions"
GROUPS = "the groups by which rows are held out"


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns of a table: its ``target``, the ``others``, and of those what they are for.

    ``left_out``: no inputs, each with the reason. ``types``: what was asked for of some. ``of_rows``: those that say
    how each row counts, the target among them. ``missing``, ``decimal_comma``: as for :func:`~.columns.learn`.
    """

    target: str
    others: list[str]
    left_out: dict[str, str]
    types: dict[str, str]
    of_rows: list[str]
    missing: tuple[str, ...] = ()
    decimal_comma: bool = False

    @classmethod
    def of(cls, options: Options, names: Sequence[str], table: object, decimal_comma: bool = False) -> Roles:
        """From the options and the names of the columns; refuses names that the table does not have."""
        others = require_columns(names, options.target, table)
        ignored = [name for text in options.ignore for name in _names_in(text, names)]
        single = {"weight": options.weight, "id": options.id, "split": options.split_column}
        for option, name in [*(("ignore", name) for name in ignored), *single.items()]:
            if name is None:
                continue
            require_name(option, name, names)
            if name == options.target:
                raise InputError(f"is {quoted(name)}, which is the target: expected another column.", argument=option)
        for name in options.types:
            require_name("types", name, names)
            if name in ignored:
                raise InputError(f"column {quoted(name)} has a type, but is to be ignored: leave out one of them.")
        left_out = dict.fromkeys(ignored, AS_ASKED)
        if options.split is not None and options.split.startswith(BY_GROUP):
            left_out[options.split_column or ""] = GROUPS
        left_out |= {name: why for name, why in ((options.weight, WEIGHT), (options.id, ID)) if name is not None}
        of_rows = dict.fromkeys(name for name in (options.target, options.weight, options.split_column) if name)
        return cls(options.target, others, left_out, options.types, list(of_rows), options.missing, decimal_comma)

    def learn(
        self,
        cells: pl.Series,
        training: np.ndarray,
        rows: np.ndarray | None = None,
        *,
        is_index: bool = False,
        whole: pl.Series | None = None,
    ) -> Column:
        """What a column is, from its cells: as it was asked for, or as it looks.

        ``rows``, ``is_index``: as for :func:`~.columns.learn`. ``whole``: the column with the rows that do not count,
        by which an error numbers the rows.
        """
        name = cells.name
        if name in self.left_out:
            return Column(name, LEFT_OUT, self.left_out[name], examples=examples_of(cells))
        asked = None
        if name in self.types:
            asked = read_as(cells if whole is None else whole, self.types[name], self.missing)
        how = {"asked": asked, "decimal_comma": self.decimal_comma, "rows": rows, "is_index": is_index}
        return learn(cells, training, self.missing, **how)


def named_in(options: Options, names: Sequence[str]) -> Options:
    """The options with columns named as the table does, which may have blanks around their names."""

    def named(name: str | None) -> str | None:
        return None if name is None else column_named(name, names)

    way, _, column = (options.split or "").partition("=")
    return replace(
        options,
        target=column_named(options.target, names),
        weight=named(options.weight),
        id=named(options.id),
        split=None if options.split is None else f"{way}={named(column.strip())}",
        types={column_named(name, names): asked for name, asked in options.types.items()},
        ignore=tuple(column_named(text, names) for text in options.ignore),
    )


def _names_in(text: str, names: Sequence[str]) -> list[str]:
    """The columns that a text names: one, which may have commas in its name, or some with commas between."""
    if text in names:
        return [text]
    return [column_named(name.strip(), names) for name in text.split(",") if name.strip()]
