"""Training rows that taught a run, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...errors import cut, quoted
from ..terminal import show_table
from .contribution_views import signed

if TYPE_CHECKING:
    from ..tables.influence import RowInfluences, SelfInfluences, TrainingRows

MOST_ROWS = 10  # of a table, that are shown
SUSPECTS = 15  # training rows, at least
CELL = 24  # letters


def show_influences(console: Console, found: RowInfluences, table: str) -> None:
    """Row by row: what is predicted, and the training rows that speak for what stands there and against it."""
    from ..tables.influence import words_of

    for n in range(min(len(found.rows), MOST_ROWS)):
        console.print(_heading(found, n, table), markup=False)
        for title, rows, scores in (
            ("lowered its loss", found.found.proponents[n], found.found.proponent_scores[n]),
            ("raised its loss", found.found.opponents[n], found.found.opponent_scores[n]),
        ):
            shown = _table(title, "influence", found.target, found.training)
            for row, score in zip(rows, scores, strict=True):
                shown.add_row(*_cells(found.training, int(row), signed(float(score))))
            console.print()
            show_table(console, shown)
        console.print()
    left = len(found.rows) - MOST_ROWS
    if left > 0:
        console.print(f"{left} more row{'s' * (left > 1)}: --out FILE.csv or FILE.html has them all\n", markup=False)
    if found.found.agreement is not None:
        console.print(words_of(found.found.agreement), markup=False)


def show_suspects(console: Console, found: SelfInfluences, top: int, folder: Path) -> None:
    """The training rows that the others explain least."""
    count = min(max(top, SUSPECTS), len(found.order))
    console.print(
        f"the {count} of {len(found.order):,} training rows of {folder} that the others explain least: look whether "
        f"{quoted(found.target)} is right",
        markup=False,
    )
    console.print()
    shown = _table("training row", "self-influence", found.target, found.training, predicted=True)
    for row in found.order[:count]:
        score = f"{found.scores[row]:.4g}"
        shown.add_row(*_cells(found.training, int(row), score, found.training.predicted[row]))
    show_table(console, shown)


def _heading(found: RowInfluences, n: int, table: str) -> str:
    truth, predicted = found.truth[n], found.predicted[n]
    says = "" if truth is None else f", {quoted(truth)} is in the table" if truth != predicted else ", as in the table"
    return f"row {found.rows[n]} of {table}: {quoted(predicted)} is predicted{says}; loss {found.losses[n]:.4g}"


def _table(title: str, score: str, target: str, training: TrainingRows, predicted: bool = False) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    names = [title, score, target, *(["predicted without it"] * predicted), *training.cells.columns]
    for k, name in enumerate(names):
        number = k == 1 or (k >= 3 + predicted and _are_numbers(training.cells.columns[k - 3 - predicted], training))
        shown.add_column(Text(cut(name, CELL)), justify="right" if number else "left", no_wrap=True)
    return shown


def _are_numbers(name: str, training: TrainingRows) -> bool:
    cells = [cell for cell in training.cells[name] if cell][:50]
    return bool(cells) and all(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _cells(training: TrainingRows, row: int, score: str, *more: str) -> Sequence[Text]:
    cells = [f"row {training.numbers[row]}", score, training.target[row], *more, *training.cells.row(row)]
    return [Text(cut(str(cell), CELL)) for cell in cells]
