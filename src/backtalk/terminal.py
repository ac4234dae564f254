"""How results look in a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .check import CheckReport, CheckRow
from .norms import LayerNorms


def show_norms(console: Console, rows: list[LayerNorms]) -> None:
    """The norms as a table, in the order of the talk: output layer first, input last."""
    table = _table("layer", "units", "function", "‖∇a‖", "‖∇h‖", "‖∇W‖", "‖∇b‖")
    for row in reversed(rows):
        numbers = ["" if norm is None else f"{norm:.4e}" for norm in (row.a, row.h, row.W, row.b)]
        table.add_row(str(row.layer), str(row.units), row.function, *numbers)
    console.print(table)


def show_check(console: Console, report: CheckReport) -> None:
    """The rows of a check as a table, and the verdict."""
    table = _table("quantity", "compared", "undecided", "largest error", "verdict")
    for row in report.rows:
        error = f"{row.largest_error:.1e}" if row.compared else ""
        verdict = Text(row.verdict, _style(row))
        table.add_row(row.quantity, str(row.compared), str(row.undecided), error, verdict)
    console.print(table)
    show_verdict(console, report)


def show_verdict(console: Console, report: CheckReport) -> None:
    """The verdict in one line."""
    console.print(Text("check ", "bold"), Text(report.verdict, _style(report)), sep="", soft_wrap=True)


def _style(judged: CheckReport | CheckRow) -> str:
    if not judged.passed:
        return "bold red"
    return "green" if judged.compared else "yellow"


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, justify="left" if name in ("function", "quantity", "verdict") else "right")
    return table
