"""How a table, its training and its scores look in a terminal."""

from __future__ import annotations

import sys
from typing import Any

from rich.progress import BarColumn, Progress, Task, TextColumn
from rich.table import Table
from rich.text import Text

from .. import train
from ..tables.report import NAMES
from ..tables.run import Prepared, Result
from ..terminal import make_console

MOST_COLUMNS = 40  # that are listed one by one


class TrainingView:
    """Shows the table as it was understood, and then how far training is; the latter on stderr, in a terminal."""

    def __init__(self, quiet: bool) -> None:
        self.console, self.errors = make_console(quiet=quiet), make_console(stderr=True)
        columns = (
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(20),
            TextColumn("loss {task.fields[loss]}"),
            _Pace(),
        )
        shown = self.errors.is_terminal and not quiet
        self.progress = Progress(*columns, console=self.errors, disable=not shown, transient=True)
        self.task = None

    def __enter__(self) -> TrainingView:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the line away."""
        self.progress.stop()

    def show_table(self, ready: Prepared) -> None:
        """The target, the columns and the network."""
        target, counts = ready.target, {part: len(X) for part, (X, _) in ready.parts.items()}
        self.console.print(
            Text.assemble(
                (target.name, "bold"),
                f": {target.task}, since it holds {target.reason}"
                if target.reason != "as asked for"
                else f": {target.task}, as asked for",
            )
        )
        if target.classifies:
            shown = ", ".join(target.classes[:12]) + (", …" if len(target.classes) > 12 else "")
            self.console.print(Text(f"classes {shown}"))
        self.console.print()
        self.console.print(_columns(ready), soft_wrap=False)
        for sentence in ready.said:
            self.console.print(Text(sentence, "yellow"))
        parts = ", ".join(f"{count} for {part}" for part, count in counts.items())
        sizes = " → ".join(map(str, ready.network.sizes))
        self.console.print(Text(f"\nrows: {parts}"))
        self.console.print(Text(f"network {sizes}, {ready.network.parameter_count} parameters, {ready.network.loss}\n"))

    def show_progress(self, progress: train.Progress) -> None:
        """One more chunk of steps."""
        done = (progress.epoch - 1) * progress.count + progress.examples
        facts = {"epoch": progress.epoch, "epochs": progress.epochs, "loss": f"{progress.loss:.4f}"}
        if self.task is None:
            self.progress.start()
            total = progress.epochs * progress.count
            self.task = self.progress.add_task("", total=total, completed=done, **facts)
        self.progress.update(self.task, completed=done, **facts)


class _Pace(TextColumn):
    """Examples in a second, and the time left if training goes to its last epoch."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        if not task.speed or task.time_remaining is None:
            return Text("")
        minutes, seconds = divmod(int(task.time_remaining), 60)
        hours, minutes = divmod(minutes, 60)
        left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        return Text(f"{task.speed:,.0f} examples/s  at most {left} left")


def show_notes(notes: list[str]) -> None:
    """What there is to say about a table, on stderr."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def show_scores(parts: dict[str, dict[str, Any]]) -> None:
    """The scores of one or more parts, side by side."""
    table = _plain_table()
    table.add_column("")
    for part in parts:
        table.add_column(part, justify="right")
    for name in NAMES:
        values = [scores.get(name) for scores in parts.values()]
        if any(value is not None for value in values):
            cells = ["" if v is None else str(v) if isinstance(v, int) else f"{v:.4g}" for v in values]
            table.add_row(NAMES[name], *cells)
    make_console().print(table, soft_wrap=False)


def show_end(result: Result) -> None:
    """Why training ended, the scores, and what was written."""
    metrics, console = result.metrics, make_console()
    best = metrics["best_epoch"]
    why = {
        "patience": f"stopped after {metrics['epochs']} epochs, since the loss no longer fell; best was epoch {best}",
        "epochs": f"{metrics['epochs']} epochs; best was epoch {best}",
    }.get(metrics["reason"], f"{metrics['epochs']} epochs, {metrics['reason']}")
    console.print(Text(why + "\n"))
    show_scores(dict(reversed(metrics["scores"].items())))
    console.print(Text(f"\nwrote {result.folder}/: look at report.html; predict with"))
    console.print(Text(f"  backtalk predict {result.folder} FILE"), soft_wrap=True)


def _columns(ready: Prepared) -> Table:
    table = _plain_table()
    for name in ("column", "what it is", "remark"):
        table.add_column(name)
    plain = [column for column in ready.preprocessing.columns if column.used and not column.remark]
    listed = ready.preprocessing.columns
    if len(listed) > MOST_COLUMNS:
        listed = [column for column in listed if column not in plain]
    for column in listed[:MOST_COLUMNS]:
        style = "" if column.used else "dim"
        words = [column.remark, _few(column.categories)]
        table.add_row(Text(column.name, style), Text(column.kind, style), Text("; ".join(filter(None, words)), style))
    if len(listed) > MOST_COLUMNS:
        table.add_row(f"… {len(listed) - MOST_COLUMNS} more", "", "see report.html")
    if len(ready.preprocessing.columns) > MOST_COLUMNS and plain:
        table.add_row(f"{plain[0].name} … {plain[-1].name}", "", f"{len(plain)} columns as they are")
    return table


def _few(words: list[str]) -> str:
    return ", ".join(words[:6]) + (", …" if len(words) > 6 else "")


def _plain_table() -> Table:
    from rich import box

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
