"""What the cells of a column hold that the training does not know, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import InputError, cut, quoted
from .cells.kinds import CATEGORY, YES_NO
from .rows import rows_text

if TYPE_CHECKING:
    from .columns import Column

UNSEEN, UNREADABLE, INFINITE, FAR = "unseen", "unreadable", "infinite", "far"  # why a cell is strange
TOO_LARGE = {
    INFINITE: "beyond any number that can be computed with",
    FAR: "too far from the numbers of the training to be scaled",
}


@dataclass(frozen=True, slots=True)
class Unknown:
    """What the cells of a column hold that the training does not know.

    How many cells are ``present``, and how many of them are ``strange``: a category that was never seen, or, ``why``,
    no number (or date, or yes/no), infinite, or too far from the training's to be scaled. What the ``first`` of them
    holds, and its ``row``, counted from 1; and whether all are ``numbers``. How many cells are ``missing``, if none was
    in training. How many numbers are ``outliers``: further from the training's mean than any number there may be; the
    first ``outlier`` and its ``outlier_row``. What else is ``said`` of the cells.
    """

    present: int
    strange: int = 0
    why: str = ""
    first: str | float | None = None
    row: int | None = None
    numbers: bool = False
    missing: int = 0
    outliers: int = 0
    outlier: float | str | None = None
    outlier_row: int | None = None
    said: tuple[str, ...] = ()

    @classmethod
    def together(cls, parts: Sequence[Unknown]) -> Unknown:
        """Of rows that follow each other."""
        first = next((part for part in parts if part.strange), cls(0))
        outlying = next((part for part in parts if part.outliers), cls(0))
        return cls(
            present=sum(part.present for part in parts),
            strange=sum(part.strange for part in parts),
            why=first.why,
            first=first.first,
            row=first.row,
            numbers=all(part.numbers for part in parts if part.present),
            missing=sum(part.missing for part in parts),
            outliers=sum(part.outliers for part in parts),
            outlier=outlying.outlier,
            outlier_row=outlying.outlier_row,
            said=next((part.said for part in parts if part.said), ()),
        )


def say_of(column: Column, unknown: Unknown, strict: bool = False) -> list[str]:
    """The messages about what is unknown in a column; refuses one that is plainly another.

    With ``strict``, every cell is refused that is no number, no date or no yes/no, as the column was in training.
    """
    called = f"column {quoted(column.name)}"
    said = [f"{called} {each}." for each in unknown.said]
    if unknown.strange and column.kind == CATEGORY:
        if unknown.strange == unknown.present > 1 and unknown.numbers:
            raise InputError(f"{called} holds numbers such as {cut(str(unknown.first))}, but was text in training.")
        if not column.takes_others:
            rows = rows_text(unknown.strange)
            said.append(
                f"{called} holds {quoted(unknown.first)}, never seen in training, in {rows}: it counts for nothing."
            )
    elif unknown.strange:
        said.append(_say_of_cell(column, unknown, strict))
    if unknown.outliers:
        others = unknown.outliers - 1
        more = f", and so {'does' if others == 1 else 'do'} {rows_text(others)} more" if others else ""
        said.append(
            f"{called} holds {quoted(unknown.outlier)} in row {unknown.outlier_row}, far from all numbers of the "
            f"training{more}: taken as it is; if that means missing, empty the cell."
        )
    if unknown.missing:
        become = "count for nothing" if column.kind == CATEGORY else f"count as {column.filler}"
        said.append(f"{called} has missing values, and had none in training: they {become}.")
    return said


def _say_of_cell(column: Column, unknown: Unknown, strict: bool) -> str:
    """The message about cells that are no number, date or yes/no; refuses them if ``strict``, and if all are so."""
    what = column.kind if column.kind == YES_NO else f"a {column.kind}"
    held = f"column {quoted(column.name)} holds {quoted(unknown.first)} in row {unknown.row}"
    in_all = unknown.strange == unknown.present > 1
    if unknown.why == UNREADABLE and in_all:
        raise InputError(f"{held}, but was {what} in training, and no row has {what}: is it another column?")
    why = {UNREADABLE: f"but was {what} in training", **TOO_LARGE}[unknown.why]
    if strict or in_all:
        raise InputError(f"{held}, {why}: correct or empty the cell.")
    missing = "missing" if column.has_missing else f"missing, so as {column.filler}"
    if unknown.strange == 1:
        return f"{held}, {why}: it counts as {missing}."
    more = f"{rows_text(unknown.strange - 1)} more {'has' if unknown.strange == 2 else 'have'} such cells"
    return f"{held}, {why}, and {more}: they count as {missing}."
