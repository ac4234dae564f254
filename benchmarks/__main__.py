"""``make bench``: backtalk beside other libraries on the same work, in turns, one process for each, medians.

Each library is run with one thread and with all, and the faster one counts; backtalk counts with all, and is shown with
one as well. ``--quick`` (``make bench-quick``) takes the rows of training and inference in float32 alone, in 3 turns
instead of 5, without torch.compile, which takes a minute for each row, and without the compiled engine, which
``python -m benchmarks.compiled`` puts beside JAX's scan. Rows that were disturbed are measured again: at once, or with
``--quick`` at the end, the most disturbed one first, as long as 4 minutes allow. ``--json`` writes what
``python -m benchmarks.table`` reads; rows of the same machine that are in the file already stay in it.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from . import inference, per_example, target, training
from .machine import describe_machine, versions
from .results import Results, Row
from .table import print_tables
from .turns import DISTURBED, Session
from .work import WORKS

DTYPES = ("float32", "float64")
QUICK = 240.0  # seconds from the start of a quick run, in which rows are measured again


class Kind(NamedTuple):
    """A kind of work: what measures its rows in the session's dtype; the dtypes; whether it is quick."""

    measure: Callable[[Session], Iterator[Row]]
    dtypes: tuple[str, ...] = ("float32",)
    quick: bool = False


KINDS = {
    "training": Kind(training.training, DTYPES, quick=True),
    "inference": Kind(inference.measure_rows, quick=True),
    "gradients": Kind(training.gradients, DTYPES),
    "per_example": Kind(per_example.measure),
    "target": Kind(target.measure),
}


def measure(session: Session, kinds: list[str], dtypes: list[str], console: Console, until: float) -> Iterator[Row]:
    """All rows, each printed as it comes; in a quick run the disturbed ones again, if they are done by ``until``."""
    disturbed: list[tuple[Row, float]] = []
    for dtype in dtypes:
        session.use(dtype)
        console.print(
            f"peak in {dtype}, GFLOP/s by threads: { ({n: round(best) for n, best in session.peak.best.items()}) }"
        )
        for name in kinds:
            if dtype in KINDS[name].dtypes:
                began = time.monotonic()
                for row in KINDS[name].measure(session):
                    tell(row, console)
                    yield row
                    if session.quick and row.missing > DISTURBED:
                        disturbed.append((row, time.monotonic() - began))
                    began = time.monotonic()
    left = []
    for row, seconds in sorted(disturbed, key=lambda each: each[0].missing, reverse=True):
        if time.monotonic() + seconds > until:
            left.append(row.work)
            continue
        session.use(row.dtype)
        session.works = [row.work]
        for again in KINDS[row.kind].measure(session):
            better = replace(min(row, again, key=lambda each: each.missing), tries=2)
            tell(better, console)
            yield better
    if left:
        console.print(f"disturbed, and not measured again, since the time is up: {', '.join(left)}")


def tell(row: Row, console: Console) -> None:
    """A line that says what was measured."""
    said = f", {row.missing:.0%} of the peak missing" if row.missing > DISTURBED else ""
    ratios = ", ".join(f"× {name} {row.times(name):.2f}" for name in row.seconds if name != "backtalk")
    console.print(f"{row.kind} {row.work} {row.dtype}: {ratios}{said}", style="dim")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"which of {', '.join(WORKS)} (default: all)")
    parser.add_argument("--kind", nargs="+", choices=list(KINDS), help="kinds of work (default: all)")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, help="default: both, or float32 with --quick")
    parser.add_argument("--rounds", type=int, help="turns that each library gets (default: 5, or 3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="some 4 minutes")
    parser.add_argument("--json", type=Path, help="file that the results are written to")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(WORKS):
        raise SystemExit(f"rows holds {sorted(unknown)}, expected some of {list(WORKS)}.")
    console, began = Console(width=140), time.monotonic()
    machine, date = describe_machine(), datetime.date.today().isoformat()
    earlier = Results.read(arguments.json) if arguments.json and arguments.json.exists() else None
    results = Results(date, machine, versions(), arguments.quick, {}, [])
    if earlier:
        results.with_rows_of(earlier)  # refuses a file of another machine before anything is measured
    session = Session(arguments.rounds or (3 if arguments.quick else 5), arguments.quick, arguments.rows or list(WORKS))
    kinds = arguments.kind or [name for name, kind in KINDS.items() if kind.quick or not arguments.quick]
    dtypes = arguments.dtype or DTYPES[: 1 if arguments.quick else 2]
    for dtype in reversed(DTYPES):  # the machine's peak in each
        session.use(dtype)
    for row in measure(session, kinds, dtypes, console, began + QUICK):
        peak = {dtype: each.best for dtype, each in session.peaks.items()}
        results = replace(results, peak=peak).with_row(row)
        if arguments.json:
            (results.with_rows_of(earlier) if earlier else results).write(arguments.json)
    session.close()
    print_tables(results, console)
    console.print(f"{(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
