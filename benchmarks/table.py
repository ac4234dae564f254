"""``python -m benchmarks.table FILES``: docs/performance.md from the results of several machines, one table for each.

The text of the page is written by hand; what stands between its two marks is replaced.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from .goals import SHARES, judge, say
from .results import OURS, Results, Row
from .turns import DISTURBED

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- tables: python -m benchmarks.table -->\n", "<!-- end of the tables -->\n"
TITLES = {
    "training": "One training step, by Adam",
    "gradients": "One call of `gradients`, with every hidden gradient and that of the input",
    "per_example": "4096 examples one by one, [784, 256, 128, 10]",
    "target": "Training until a test accuracy is reached",
    "inference": "Prediction: a network and the rows of a call, forward alone",
}
LIBRARIES = {"jax": "JAX", "torch": "PyTorch", "sklearn": "scikit-learn", "compiled": "the compiled engine"}
MEASURED = "measured"


class Lines(NamedTuple):
    """A table: a title, the columns, a line of cells for each row, and sentences below it."""

    title: str
    columns: list[str]
    cells: list[list[str]]
    notes: list[str]


def tables(results: Results) -> list[Lines]:
    """One for each kind of work and dtype."""
    return [_table(list(rows)) for _, rows in groupby(results.rows, key=lambda row: (row.kind, row.dtype))]


def _table(rows: list[Row]) -> Lines:
    kind, dtype = rows[0].kind, rows[0].dtype
    shares = [(words, measure) for words, measure in SHARES if any(measure(row) is not None for row in rows)]
    names = list(dict.fromkeys(name for row in rows for name in row.seconds if name not in (OURS, MEASURED)))
    measured = any(MEASURED in row.seconds for row in rows)
    columns = ["", *([] if kind == "training" else ["time"]), *(["GFLOP/s"] if shares else [])]
    columns += [*(words for words, _ in shares), *(f"× {LIBRARIES.get(name, name)}" for name in names)]
    columns += ["measuring every step"] * measured
    cells = []
    for row in rows:
        line = [row.work.replace("_", " ") + ("~" if row.missing > DISTURBED else "")]
        if kind != "training":
            line.append(_time(row.seconds[OURS][row.threads]))
        if shares:
            line.append(f"{row.rate(row.threads):.3g}" if row.operations else "")
        for _, measure in shares:
            share = measure(row)
            line.append("" if share is None else f"{share:.0%}".replace("%", " %"))
        line += [_ratio(row, name) if name in row.seconds else "" for name in names]
        if measured:
            cost = row.seconds[MEASURED][row.threads] / row.seconds[OURS][row.threads] - 1
            line.append(f"{cost:+.1%}".replace("%", " %"))
        cells.append(line)
    return Lines(f"{TITLES.get(kind, kind)}, {dtype}", columns, cells, _notes(rows, names))


def _ratio(row: Row, name: str) -> str:
    """Bold below 1, which is a row that loses; with a mark where the library had one thread."""
    times, (_, threads) = row.times(name), row.best(name)
    text = f"{times:.0f}" if times >= 99.5 else f"{times:.3g}"
    return (f"**{text}**" if times < 1 else text) + ("¹" if threads < row.threads else "")


def _notes(rows: list[Row], names: list[str]) -> list[str]:
    notes = []
    lost = [
        f"{row.work.replace('_', ' ')} to {LIBRARIES.get(name, name)} ({row.times(name):.2f})"
        for row in rows for name in names if name in row.seconds and row.times(name) < 1
    ]  # fmt: skip
    if lost:
        notes.append(f"Slower than another: {', '.join(lost)}.")
    disturbed = [
        f"{row.work} ({row.missing:.0%} in {row.tries} {'try' if row.tries == 1 else 'tries'})".replace("%", " %")
        for row in rows if row.missing > DISTURBED
    ]  # fmt: skip
    if disturbed:
        notes.append(
            f"~ The machine's peak was disturbed in every try, by so much at the worst: {', '.join(disturbed)}."
        )
    if any(row.memory for row in rows):
        memory = {name: mib for row in rows for name, mib in row.memory.items()}
        notes.append(f"MiB of a first call: {', '.join(f'{name} {mib:.0f}' for name, mib in memory.items())}.")
    judged = [(goal, value) for row in rows for goal, value in judge(row)]
    missed = [say(goal, value) for goal, value in judged if value < goal.least]
    if judged:
        notes.append(
            f"Goals: {len(judged) - len(missed)} of {len(judged)} met"
            + (f"; missed, with the goal in brackets: {', '.join(missed)}." if missed else ".")
        )
    return notes


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def machine_lines(results: Results) -> list[str]:
    """The machine, its peak, and what ran on it."""
    machine = results.machine
    family = f", family {machine['family']}, model {machine['model']}" if machine["family"] else ""
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    peaks = [
        f"{dtype} {', '.join(f'{rate:.0f} with {_threads(n)}' for n, rate in each.items())}"
        for dtype, each in results.peak.items()
    ]
    return [
        f"{machine['processor']}{family}: {machine['cores']} cores, {caches}, {machine['memory_gib']} GiB; "
        f"{machine['system']}.",
        f"Kernels: {machine['kernels']}. NumPy's BLAS: {machine['blas']}.",
        f"Peak, GFLOP/s: {'; '.join(peaks)}.",
        f"{'`make bench-quick`' if results.quick else '`make bench`'} on {results.date}, with "
        f"{', '.join(f'{name} {version}' for name, version in results.versions.items())}.",
    ]


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def print_tables(results: Results, console: Console) -> None:
    """On a terminal."""
    for line in machine_lines(results):
        console.print(line, highlight=False)
    for title, columns, cells, notes in tables(results):
        table = Table(title=title)
        for column in columns:
            table.add_column(column, justify="right" if column else "left")
        for line in cells:
            table.add_row(*(cell.replace("**", "") for cell in line))
        console.print(table)
        for note in notes:
            console.print(note, highlight=False)


def as_markdown(every: Iterable[Results]) -> str:
    """The tables of all machines."""
    parts = []
    for results in every:
        machine = results.machine
        heading = f"## {machine['processor']}, kernels {machine['kernels'].split(',')[0]}"
        parts += [heading, "\n".join(f"- {line}" for line in machine_lines(results))]
        for title, columns, cells, notes in tables(results):
            rule = ["---", *["---:"] * (len(columns) - 1)]
            parts += [f"### {title}", "\n".join(f"| {' | '.join(line)} |" for line in [columns, rule, *cells])]
            parts += notes
    return "\n\n".join(parts) + "\n"


def replace_tables(page: str, tables: str) -> str:
    """The page with these tables between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{PAGE} has lost its marks, expected the lines {BEGIN.strip()!r} and {END.strip()!r}.")
    return f"{before}{BEGIN}\n{tables.strip()}\n\n{END}{after}" if tables.strip() else f"{before}{BEGIN}\n{END}{after}"


def main() -> None:
    """Read, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="what `python -m benchmarks --json` wrote")
    files = parser.parse_args().files
    tables = as_markdown(Results.read(path) for path in files)
    PAGE.write_text(replace_tables(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
