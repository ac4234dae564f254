"""The influences of training rows as a page."""

from __future__ import annotations

import numpy as np

from ...errors import cut, quoted
from ...pages.page import card, page, table
from .influence import RowInfluences, SelfInfluences, TrainingRows, words_of

MOST_CARDS, MOST_SUSPECTS = 200, 200  # rows
LONGEST = 32  # letters of a cell


def influence_page(found: RowInfluences | SelfInfluences, run: str, asked: str | None) -> str:
    """A card for each row, with the training rows that lowered its loss and that raised it; or the suspicious rows."""
    if isinstance(found, SelfInfluences):
        return _suspects(found, run)
    cards = [_row(found, n) for n in range(min(len(found.rows), MOST_CARDS))]
    left = len(found.rows) - len(cards)
    agreed = "" if found.found.agreement is None else f" {words_of(found.found.agreement)}"
    more = f" The first {MOST_CARDS} of {len(found.rows):,} rows." if left > 0 else ""
    summary = (
        f"Which training rows of {run} lowered the loss of each row, and which raised it, by {found.found.method}: the "
        f"influence is how much the loss would rise without the training row.{agreed}{more}"
    )
    return page(f"Influence on the rows of {asked}", summary, cards)


def _row(found: RowInfluences, n: int) -> str:
    truth, predicted = found.truth[n], found.predicted[n]
    says = "" if truth is None else ", as in the table" if truth == predicted else f", {quoted(truth)} is in the table"
    inside = "".join(
        f"<h3>{title}</h3>"
        + _table(found.training, found.target, rows, [f"{score:+.3g}" for score in scores], "influence")
        for title, rows, scores in (
            ("Lowered its loss", found.found.proponents[n], found.found.proponent_scores[n]),
            ("Raised its loss", found.found.opponents[n], found.found.opponent_scores[n]),
        )
    )
    note = f"{quoted(predicted)} is predicted{says}; loss {found.losses[n]:.4g}"
    return card(f"Row {found.rows[n]}", inside, note)


def _suspects(found: SelfInfluences, run: str) -> str:
    rows = found.order[:MOST_SUSPECTS]
    inside = _table(
        found.training, found.target, rows, [f"{score:.4g}" for score in found.scores[rows]], "self-influence", True
    )
    title = f"The {len(rows)} of {len(found.order):,} training rows that the others explain least"
    return page(
        f"Training rows of {run}",
        f"Rows with a wrong {found.target} are often among the first; so are rare rows, and rows between two classes.",
        [card(title, inside, wide=True)],
    )


def _table(
    training: TrainingRows, target: str, rows: np.ndarray, scores: list[str], name: str, predicted: bool = False
) -> str:
    names = ["row", name, target, *(["predicted without it"] * predicted), *training.cells.columns]
    body = [
        [str(training.numbers[row]), score, training.target[row], *([training.predicted[row]] * predicted),
         *(cut(cell, LONGEST) for cell in training.cells.row(row))]
        for row, score in zip(rows, scores, strict=True)
    ]  # fmt: skip
    return table([cut(each, LONGEST) for each in names], body, numbers={0, 1}, one_line=True)
