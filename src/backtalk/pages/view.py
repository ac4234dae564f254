"""A result as a notebook shows it: a title, sentences, tables with bars, plots, in the colours of the notebook.

The text has the notebook's own colour, light or dark, and lines and quiet words are a mixture of it, so that no theme
is asked for; good and bad have a third of it, so that they can be read on both. The style is scoped to the view, and
nothing is loaded and no script runs.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from .page import PARTS
from .plots import COLOURS

MOST_ROWS = 40  # of a table
NUMBERS = " class='n'"  # of the cells of a column
STYLE = f"""
.backtalk-view {{ --ink: currentColor; --line: #8883; --quiet: color-mix(in srgb, currentColor 68%, transparent);
  max-width: 860px; font-size: 14px; line-height: 1.5; overflow-x: auto;
{PARTS}
  .title {{ font-weight: 600; margin: 0 0 2px }} p {{ margin: 0 0 6px }} .quiet {{ color: var(--quiet) }}
  .good {{ color: color-mix(in srgb, currentColor 34%, {COLOURS[2]}) }}
  .bad {{ color: color-mix(in srgb, currentColor 34%, {COLOURS[1]}) }} .plot {{ max-width: 620px }}
  h2 {{ font-size: 15px }} h3 {{ font-size: 14px }}
  table {{ width: auto; margin: 4px 0 6px; font-size: 13px; border: 0; color: inherit }}
  td, th {{ padding: 3px 18px 4px 0; text-align: left }} td.n, th.n {{ text-align: right }}
  td:first-child, th:first-child {{ padding-left: 6px }}
  .bar {{ display: block; height: 4px; min-width: 1px; margin-top: 2px; border-radius: 2px;
    background: {COLOURS[0]} }}
  td:has(.bar) {{ min-width: 96px }}
}}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A cell with a bar below its text, ``share`` of the cell long."""

    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cell in the colour of good or of bad."""

    text: str
    good: bool


Cell = str | Bar | Verdict


def view(title: str, *inside: str) -> str:
    """A result below its title, which is text; ``inside`` is HTML.

    >>> view("a < b", sentence("so it is")).endswith("a &lt; b</p><p class='quiet'>so it is</p></div>")
    True
    """
    return (
        f"<div class='backtalk-view'><style>{STYLE}</style><p class='title'>{html.escape(title)}</p>"
        f"{''.join(inside)}</div>"
    )


def sentence(text: str, *, kind: str = "quiet") -> str:
    """A paragraph of text; ``kind``: quiet, good or bad."""
    return f"<p class='{kind}'>{html.escape(text)}</p>"


def rows_table(names: Sequence[str], rows: Sequence[Sequence[Cell]], *, words: int = 1) -> str:
    """A table, of many rows the first; the first ``words`` cells of a row are words, and the others numbers.

    >>> rows_table(["layer", "norm"], [["1", Bar("0.5", 1.0)]]).count("<td")
    2
    """
    right = [k >= words and all(isinstance(row[k], str) for row in rows) for k in range(len(names))]
    head = "".join(
        f"<th{NUMBERS * of_numbers}>{html.escape(name)}</th>" for name, of_numbers in zip(names, right, strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_cell, row, right))}</tr>" for row in rows[:MOST_ROWS])
    left = len(rows) - MOST_ROWS
    more = f"<tr><td class='quiet' colspan='{len(names)}'>… and {left} more</td></tr>" if left > 0 else ""
    return f"<table><tr>{head}</tr>{body}{more}</table>"


def bars(values: Sequence[float | None]) -> list[Cell]:
    """A column of numbers, each with a bar that is its share of the largest; nothing for None.

    >>> bars([0.5, None, 1.0])
    [Bar(text='0.5', share=0.5), '', Bar(text='1', share=1.0)]
    """
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return [
        "" if value is None else Bar(f"{value:.4g}", abs(value) / largest if largest and math.isfinite(value) else 0.0)
        for value in values
    ]


def _cell(cell: Cell, right: bool) -> str:
    match cell:
        case Bar(text, share):
            bar = f"<i class='bar' style='width:{100 * min(1.0, share):.1f}%'></i>"
            return f"<td>{html.escape(text)}{bar}</td>"
        case Verdict(text, good):
            return f"<td class='{'good' if good else 'bad'}'>{html.escape(text)}</td>"
    return f"<td{NUMBERS * right}>{html.escape(cell)}</td>"
