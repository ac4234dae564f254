"""How results look in a terminal, in a pipe, and in a terminal without Unicode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ..analysis.check import CheckReport, CheckRow
from ..analysis.diagnose.words import is_healthy, verdict, where
from ..core.norms import LayerNorms
from .visible import discard, visible

if TYPE_CHECKING:
    from ..analysis.diagnose import Diagnosis, Finding, Fixed
    from ..analysis.diagnose.measure import Measurements
    from ..teaching.derivations import Derivation, Paths, StepDerivation

STYLES = {"severe": "bold red", "warning": "bold yellow", "note": "bold cyan"}
FORMULA_STYLES = {"title": "bold", "reason": "dim", "formula": "", "picture": "cyan"}
INDENT = 10  # of what stands beside a severity
MOST_LETTERS = 100  # of a line of text, however wide the terminal
MOST_LISTED = 24  # of units, or of examples


def make_console(patient: bool = False, **options: Any) -> Console:
    """A console that breaks lines between words in a terminal, and leaves them whole in a pipe.

    ``patient``: the program goes on if nobody reads what is printed.
    """
    console = (_PatientConsole if patient else _Console)(highlight=False, **options)
    console.soft_wrap = not console.is_terminal
    return console


class _Console(Console):
    """One that sends the terminal its own escape sequences alone, and those of no name and no cell."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class _PatientConsole(_Console):
    """One that falls silent when nobody reads it any more, instead of ending the program."""

    def on_broken_pipe(self) -> None:
        """Nothing more is written."""
        self.quiet = True
        discard(self.file.fileno())


def show_norms(console: Console, rows: list[LayerNorms]) -> None:
    """The norms as a table, in the order of the talk: output layer first, input last."""
    norm = "|grad {}|" if console.options.ascii_only else "‖∇{}‖"
    table = _table("layer", "units", "function", *(norm.format(family) for family in "ahWb"))
    for row in reversed(rows):
        numbers = ["" if norm is None else f"{norm:.4e}" for norm in (row.a, row.h, row.W, row.b)]
        table.add_row(str(row.layer), str(row.units), row.function, *numbers)
    show_table(console, table)


def show_check(console: Console, report: CheckReport) -> None:
    """The rows of a check as a table, and the verdict."""
    table = _table("quantity", "compared", "undecided", "largest error", "verdict")
    for row in report.rows:
        error = f"{row.largest_error:.1e}" if row.compared else ""
        verdict = Text(row.verdict, _style(row))
        table.add_row(row.quantity, str(row.compared), str(row.undecided), error, verdict)
    if not report.passed:
        table.columns[-1].no_wrap, table.columns[-1].min_width = False, 28
    show_table(console, table)
    console.print()
    for mistake in report.mistakes:
        for line in mistake.lines:
            indent = len(line) - len(line.lstrip())
            _print_beside(console, Text(line.lstrip(), "" if indent else "bold"), Text(" " * indent), indent=0)
        console.print()
    show_verdict(console, report)


def show_verdict(console: Console, report: CheckReport) -> None:
    """The verdict in one line."""
    console.print(Text("check ", "bold"), Text(report.verdict, _style(report)), sep="")


def show_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """The findings, the worst first; what was measured of each layer; the verdict."""
    measured = diagnosis.measurements
    for finding in diagnosis.findings:
        show_finding(console, finding, measured.columns.names, measured.counted_from)
        console.print()
    if diagnosis.counting:
        console.print(Text(diagnosis.counting, "dim"))
        console.print()
    _show_layers(console, measured)
    console.print()
    findings = diagnosis.findings
    style = "green" if is_healthy(findings) else STYLES[findings[0].severity]
    console.print(Text("diagnosis ", "bold"), Text(verdict(findings), style), sep="")


def show_fixed(console: Console, fixed: Fixed) -> None:
    """The rounds of fixing, the scores side by side, and the verdict."""
    for k, each in enumerate(fixed.rounds, start=1):
        console.print(Text(f"{f'round {k}':<{INDENT}}", "bold"), Text(each.finding.title), sep="")
        _print_beside(console, Text(each.said), Text("→ ", "bold"))
    if fixed.rounds:
        names, rows = fixed.table()
        table = _table(*names)
        table.columns[0].justify = "left"
        for row in rows:
            table.add_row(*row)
        console.print()
        show_table(console, table)
        console.print()
        _print_beside(console, Text(fixed.heading), indent=0)
    console.print(Text("fix ", "bold"), Text(fixed.verdict, "green" if fixed.is_better else "yellow"), sep="")


def _show_layers(console: Console, measured: Measurements) -> None:
    grad, change = ("grad ", "d") if console.options.ascii_only else ("∇", "Δ")
    names = ["layer", "units", "function", "std a", f"{grad}a", f"{grad}W/W", f"{change}W/W", "dead", "satur."]
    rows = []
    for layer in reversed(measured.layers):
        numbers = [layer.a_std, layer.grad_a, layer.ratio, layer.update]
        texts = ["" if number is None else f"{number:.2g}" for number in numbers]
        shares = ["" if part is None else f"{part:.0%}" for part in (layer.dead, layer.saturated)]
        row = [str(layer.layer), str(layer.units), layer.function, *texts, *shares]
        rows.append(dict(zip(names, row, strict=True)))
    used = [name for name in names if any(row[name] for row in rows)]  # no updates are known without a history
    table = _table(*used)
    for row in rows:
        table.add_row(*(row[name] for name in used))
    show_table(console, table)


def show_derivation(console: Console, derivation: Derivation | StepDerivation, paths: Paths | None = None) -> None:
    """The steps of a derivation, in the order of the talks, and the strongest paths below."""
    from ..teaching.derivations.plain import tell

    room = min(console.width, MOST_LETTERS) if console.is_terminal else 10**6
    before = ""
    for line in tell(derivation.document(paths), room=room, spell=lambda text: _as_shown(console, text)):
        if line.kind == "talk":
            rule = "─" * max(0, min(room, MOST_LETTERS) - len(line.text) - 4)
            console.print(Text(f"\n── {line.text} {rule}", "bold cyan"), soft_wrap=True)
        else:
            apart = "\n" if line.kind == "title" and before != "title" else ""
            console.print(Text(apart + line.text, FORMULA_STYLES[line.kind]), soft_wrap=True)
        before = line.kind


def _as_shown(console: Console, text: str) -> str:
    """What a terminal without Unicode shows for a text, so that columns stand below one another there as well."""
    errors = getattr(console.file, "errors", None)
    return text.encode(console.encoding, errors or "replace").decode(console.encoding) if text else text


def show_finding(console: Console, finding: Finding, columns: Sequence[str] = (), counted_from: int = 1) -> None:
    """What was found, where, and what to do about it; ``columns``, ``counted_from``: as :func:`where` takes them."""
    console.print(Text(f"{finding.severity:<{INDENT}}", STYLES[finding.severity]), Text(finding.title, "bold"), sep="")
    _print_beside(console, Text(finding.said))
    if more := where(finding, columns, MOST_LISTED, counted_from):
        _print_beside(console, Text(more, "dim"))
    _print_beside(console, Text(finding.advice), Text("→ ", STYLES[finding.severity]))


def show_remark(console: Console, remark: Mapping[str, Any], well: bool) -> None:
    """One remark of a verdict on a run, and what to do; ``well``: it is no fault."""
    style = "green" if well else STYLES["warning"]
    _print_beside(console, Text(remark["sentence"]), Text(f"{'verdict':<{INDENT}}", style), indent=0)
    if remark["advice"]:
        _print_beside(console, Text(remark["advice"]), Text("→ ", style))


def _print_beside(console: Console, text: Text, mark: Text | None = None, indent: int = INDENT) -> None:
    """Lines beside a severity, the first with a mark; in a pipe one line, whole."""
    mark = mark or Text()
    before, indent = Text(" " * indent), indent + len(mark)
    width = max(20, min(MOST_LETTERS, console.width) - indent) if console.is_terminal else 10**6
    for k, line in enumerate(text.wrap(console, width)):
        line.rstrip()
        console.print(before, mark if k == 0 else Text(" " * len(mark)), line, sep="")


def _style(judged: CheckReport | CheckRow) -> str:
    if not judged.passed:
        return "bold red"
    return "green" if judged.compared else "yellow"


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        justify = "left" if name in ("function", "quantity", "verdict") else "right"
        table.add_column(name, justify=justify, no_wrap=True)
    return table


def show_table(console: Console, table: Table) -> None:
    """Print a table with every number whole, even if that is wider than the terminal."""
    size = Measurement.get(console, console.options.update(max_width=1000), table)
    given = console.width
    console.width = max(given, size.minimum) if console.is_terminal else size.maximum
    console.print(table, soft_wrap=False)
    console.width = given
