"""A table as it was understood, and scores, in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...errors import cut
from ...pages.page import number_text
from ..tables.columns import MISSING, OTHER
from ..tables.importance.words import sentences_of
from ..tables.report.names import NAMES, apart, compared_in, names_of, scores_beside
from ..tables.verdict import WELL
from ..tables.verdict.compare import words_of
from ..terminal import show_remark, show_table

if TYPE_CHECKING:
    from ..tables.columns import Column
    from ..tables.run import Prepared

MOST_COLUMNS = 24  # that are listed
MOST_CLASSES = 12  # of a confusion matrix
LONGEST, SHOWN = 24, 28  # letters of a name, and of some cells


def show_understood(console: Console, ready: Prepared) -> None:
    """The target, the columns, and what is trained on them."""
    target, columns = ready.target, ready.preprocessing.columns
    console.print(f"target {cut(target.name)}: {target.task} ({target.reason})\n", markup=False)
    listed = columns if len(columns) <= MOST_COLUMNS else [column for column in columns if column.remark][:MOST_COLUMNS]
    if listed:
        table = _table("column", "is", "for example", "found", numbers=False)
        table.columns[2].no_wrap = True
        for column in listed:
            dim = "" if column.used else "dim"
            cells = _plain(column.name, LONGEST), column.kind, _plain(", ".join(column.examples), SHOWN)
            table.add_row(*cells, _plain(_words(column)), style=dim)
        show_table(console, table)
    if len(listed) < len(columns):
        rest = Counter(column.kind for column in columns if not any(column is each for each in listed))
        others = ", ".join(f"{count} × {kind}" for kind, count in rest.items())
        console.print(f"{'and ' if listed else ''}{len(columns) - len(listed)} columns: {others}", markup=False)
    parts = ", ".join(f"{len(truth):,} {part}" for part, truth in ready.truth.items())
    console.print(f"\nrows: {parts}", markup=False)
    plan = ready.plan
    for network in ready.networks[:: plan.alike]:
        sizes = " → ".join(map(str, network.sizes))
        kinds = ", ".join(dict.fromkeys(map(repr, network.activations)))
        end = repr(network.loss) if network.head.is_natural else f"{network.output!r} with {network.loss!r}"
        kinds = ", ".join(filter(None, [kinds, end]))
        several = "network" if plan.alike == 1 else f"{plan.alike} networks"
        console.print(f"{several} {sizes}, {kinds}, {network.parameter_count:,} parameters", markup=False)
    if plan.folds:
        last = "one of the better kind" if len(plan.recipes) > 1 else "one"
        then = f", and then {last} with all rows" if plan.is_refitted else ""
        console.print(f"each trained without one of {plan.folds} folds of the rows{then}", markup=False)
    console.print()
    for sentence in ready.said:
        console.print(f"note: {sentence}", markup=False)
    if ready.said:
        console.print()


def show_verdict(console: Console, verdict: Sequence[Mapping[str, Any]]) -> None:
    """What the run is worth, remark by remark."""
    for remark in verdict:
        show_remark(console, remark, well=remark["name"] == WELL)


def show_quality(console: Console, metrics: Mapping[str, Any]) -> None:
    """The scores of the run beside those of others on the rows that judge it, and on its other rows.

    One table, if the only other rows are those that it learned.
    """
    found, scores = scores_beside(metrics), metrics["scores"]
    if len(found) == 1:
        show_scores(console, scores, metrics["metric"])
        return
    alone = len(scores) == 2 and "training" in scores
    shown = found | ({"training": scores["training"]} if alone else {})
    table = _table(f"{words_of(metrics['judged'])} rows", *(_plain(name, SHOWN) for name in shown))
    for name in compared_in(metrics):
        table.add_row(NAMES[name], *(number_text(of_rows.get(name)) for of_rows in shown.values()))
    show_table(console, table)
    if not alone:
        console.print()
        show_scores(console, scores, metrics["metric"])


def show_reasons(console: Console, metrics: Mapping[str, Any]) -> None:
    """The columns that matter most."""
    sentences = sentences_of(metrics)
    if sentences:
        console.print()
    for sentence in sentences:
        console.print(sentence, markup=False)


def show_scores(console: Console, scores: Mapping[str, Mapping[str, Any]], metric: str | None = None) -> None:
    """One column for each set of rows; the metric comes first, if there is one."""
    table = _table("", *map(_plain, map(words_of, scores)))
    for name, shown in names_of(metric).items():
        if any(name in part for part in scores.values()):
            table.add_row(shown, *(number_text(part.get(name)) for part in scores.values()))
    show_table(console, table)


def show_confusion(console: Console, scores: Mapping[str, Any], rows: str = "rows") -> None:
    """The confusion matrix, if there are not too many classes."""
    matrix: Sequence[Sequence[int]] = scores.get("confusion_matrix", [])
    if not 0 < len(matrix) <= MOST_CLASSES:
        return
    names = list(scores["recall"])
    console.print(f"\nclass of the {rows} (down) and what was predicted (across):", markup=False)
    table = _table("", *map(Text, apart(names, 12)), "found")
    for name, shown, counts in zip(names, map(Text, apart(names, 30)), matrix, strict=True):
        share = f"{scores['recall'][name]:.0%}" if sum(counts) else ""
        table.add_row(shown, *map(number_text, counts), share)
    show_table(console, table)


def _words(column: Column) -> str:
    """What was found in a column: how many categories, and what became of what is odd."""
    known = [category for category in column.categories if category not in (OTHER, MISSING)]
    return "; ".join(filter(None, [f"{len(known):,} values" if known else "", column.remark]))


def _plain(text: str, most: int = 1000) -> Text:
    return Text(cut(text, most))  # a name with brackets is no markup


def _table(*names: Any, numbers: bool = True) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for k, name in enumerate(names):
        number = numbers and k > 0
        table.add_column(
            name, justify="right" if number else "left", no_wrap=number or not (k or numbers), overflow="fold"
        )
    return table
