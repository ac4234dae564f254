"""What each column contributes to a prediction, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...errors import cut, quoted
from ..terminal import show_table

if TYPE_CHECKING:
    from ..tables.importance.contributions import Contributions

MOST_LISTED = 12  # columns
NAME, CELL = 28, 16  # letters of each, at most
BARS = (7, 18)  # letters of a bar to either side, at least and at most
BESIDE = 23  # letters of what stands beside the name, the cell and the bars


def show_contributions(console: Console, found: Contributions, table: str) -> None:
    """Row by row: what is predicted, what speaks for it and against it, a bar for each column, and the checked sum."""
    for k in range(len(found.rows)):
        if k:
            console.print()
        _show_row(console, found, k, table)
    console.print("rows are counted from 1", style="dim")


def _show_row(console: Console, found: Contributions, k: int, table: str) -> None:
    order = found.order(k)
    for line in (_prediction(found, k, table), _in_words(found, k, order)):
        console.print(line, markup=False)
    console.print()
    listed = order if len(order) <= MOST_LISTED + 1 else order[:MOST_LISTED]
    names = [Text(cut(found.columns[j], NAME)) for j in listed]
    cells = [Text(cut(found.cells[k][j], CELL)) if found.cells[k][j] else Text("missing", "dim") for j in listed]
    values = [float(found.contributions[k, j]) for j in listed]
    if len(listed) < len(order):
        names.append(Text(f"{len(order) - len(listed)} others", "dim"))
        cells.append(Text())
        values.append(float(found.contributions[k, order[len(listed) :]].sum()))
    widest = max(name.cell_len for name in names) + max(cell.cell_len for cell in cells)
    room = (console.width - widest - BESIDE) // 2 if console.is_terminal else BARS[1]
    reach, largest = min(max(room, BARS[0]), BARS[1]), max(map(abs, values))
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("column", "cell", "contribution", ""):
        shown.add_column(name, justify="right" if name == "contribution" else "left", no_wrap=True)
    for name, cell, value in zip(names, cells, values, strict=True):
        shown.add_row(name, cell, signed(value), _bar(value, largest, reach, console.options.ascii_only))
    show_table(console, shown)
    console.print()
    console.print(_sum(found, k), markup=False)


def _prediction(found: Contributions, k: int, table: str) -> str:
    """What is predicted, what the table says, and what would be predicted of an average row."""
    of, truth = quoted(found.of[k]), found.truth[k]
    says = "" if truth is None else f" ({quoted(truth) if found.unit != found.of[k] else truth} in the table)"
    row = f"row {found.rows[k]} of {table}: "
    if found.unit == found.of[k]:
        numbers = f"{found.prediction[k]:.6g}{says}, and {found.baseline[k]:.6g} of an average row"
        return f"{row}the prediction of {of} is {numbers}"
    what = "probability" if found.unit == "log-odds" else found.unit
    numbers = f"{found.shown[k]:.4g}, and {found.shown_baseline[k]:.4g} of an average row"
    return f"{row}{quoted(found.predicted[k])} is predicted{says}; the {what} of {of} is {numbers}"


def _in_words(found: Contributions, k: int, order: list[int]) -> str:
    """What raises the prediction most, and what lowers it most; of a class, what speaks for it and against it."""
    is_number = found.unit == found.of[k]
    ways = ("raises it", "lowers it") if is_number else (f"speaks for {quoted(found.of[k])}", "against it")
    said = []
    for sign, way in zip((1, -1), ways, strict=True):
        own = [j for j in order if found.contributions[k, j] * sign > 0][:1]
        said += [f"{cut(found.columns[j])} = {cut(found.cells[k][j]) or 'missing'} {way} most" for j in own]
    return ", ".join(said) or "no column moves the prediction away from that of an average row"


def _sum(found: Contributions, k: int) -> str:
    """That the contributions are all, or by how much they are not."""
    total, rise = float(found.contributions[k].sum()), float(found.prediction[k] - found.baseline[k])
    unit = f" ({found.unit})" if found.unit != found.of[k] else ""
    how = f"integrated gradients at {found.gradients[k]:,} points"
    if found.exact[k]:
        error = f"{found.completeness_error[k]:.1e}"
        return (
            f"checked: together {signed(total)}{unit}, which is the prediction less that of an average row, up to "
            f"{error}; {how}"
        )
    return (
        f"together {signed(total)}{unit}, but the prediction less that of an average row is {signed(rise)}: the "
        f"network bends too often on the way for {how}"
    )


def signed(number: float) -> str:
    """A number with its sign and four digits.

    >>> signed(0.25), signed(-1234.5), signed(0.0)
    ('+0.2500', '−1,234', '0')
    """
    size = abs(number)
    if size < 5e-324:
        return "0"
    digits = f"{size:,.0f}" if 1000 <= size < 1e9 else f"{size:#.4g}" if size >= 1e-4 else f"{size:.1e}"
    return f"{'+' if number > 0 else '−'}{digits.rstrip('.')}"


def _bar(value: float, largest: float, reach: int, ascii_only: bool) -> Text:
    """To the right of a line for what raises, to the left for what lowers."""
    length = round(abs(value) / largest * reach) if largest > 0 else 0
    letter, line = ("#", "|") if ascii_only else ("█", "│")
    left, right = (letter * length, "") if value < 0 else ("", letter * length)
    return Text.assemble((f"{left:>{reach}}", "red"), line, (right, "green"))
