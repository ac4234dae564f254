"""``python -m benchmarks.faults``: train every program of the suite, and count what the doctor says of them.

``--half``: development, held-out or both. ``--only``: programs whose name contains one of these words. ``--library``:
backtalk or PyTorch. ``--fix``: also let the doctor repair the networks of backtalk, and see whether they are better on
held-out rows. ``--scores``: only train, without a doctor, and show the scores of both twins on held-out rows: the
repaired one must be better. ``--say``: show every finding. ``--json``: a file for all findings. It ends with one line
of JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .program import DEVELOPMENT, HELD_OUT, Healthy, Program
from .run import FAULTY, HEALTHY, REPAIRED, Outcome, run
from .score import summarize, verdict_of
from .suite import FOLDERS, Suite, library, suite

HALVES = {"development": (DEVELOPMENT,), "held-out": (HELD_OUT,), "both": (DEVELOPMENT, HELD_OUT)}
WORKERS = 2
Outcomes = dict[tuple[str, str], Outcome]


def main(given: Sequence[str] | None = None) -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--half", choices=HALVES, default="development", help="which programs")
    parser.add_argument("--only", nargs="+", default=(), help="programs whose name contains one of these words")
    parser.add_argument("--library", choices=("backtalk", "PyTorch"), help="programs of one library")
    parser.add_argument("--fix", action="store_true", help="let the doctor repair the networks of backtalk")
    parser.add_argument("--scores", action="store_true", help="without a doctor: the held-out scores of both twins")
    parser.add_argument("--say", action="store_true", help="every finding")
    parser.add_argument("--json", type=Path, help="file that all findings are written to")
    arguments = parser.parse_args(given)
    console, summary, kept = Console(width=150), {}, {}
    for half in HALVES[arguments.half]:
        found = suite(half)
        if found is None:
            console.print(f"{half}: there is no benchmarks/faults/{FOLDERS[half]}, so nothing of it is run.")
            continue
        chosen = choose(found, arguments.only, arguments.library)
        outcomes = run_all(half, chosen, watched=not arguments.scores, fix=arguments.fix)
        console.rule(half)
        if arguments.scores:
            tell_scores(chosen, outcomes, console)
            continue
        tell(chosen, outcomes, console, say=arguments.say)
        summary[half] = summarize(*chosen, outcomes)
        kept[half] = {f"{name}, {twin}": outcome.to_dict() for (name, twin), outcome in outcomes.items()}
    if arguments.json:
        arguments.json.write_text(json.dumps({"summary": summary, "outcomes": kept}, indent=1) + "\n")
    print(json.dumps(summary))


def choose(found: Suite, only: Sequence[str], of: str | None) -> Suite:
    """The programs that were asked for."""

    def wanted(each: Program | Healthy) -> bool:
        return (of is None or library(each) == of) and (not only or any(word in each.name for word in only))

    return Suite(tuple(filter(wanted, found.programs)), tuple(filter(wanted, found.healthy)))


def run_all(half: str, chosen: Suite, *, watched: bool, fix: bool) -> Outcomes:
    """Every training, in two processes with one thread each."""
    tasks = [(each.name, twin) for each in chosen.programs for twin in (FAULTY, REPAIRED)]
    tasks += [(each.name, HEALTHY) for each in chosen.healthy]
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # the processes begin with it
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {task: pool.submit(_run_one, half, *task, watched, fix) for task in tasks}
        return {task: _result(each) for task, each in waiting.items()}


def _result(waiting: Any) -> Outcome:
    try:
        return waiting.result()
    except Exception as error:  # the process is gone
        return Outcome(problem=f"{type(error).__name__}: {error}")


def _run_one(half: str, name: str, twin: str, watched: bool, fix: bool) -> Outcome:
    """In a worker: programs are functions within functions, which do not travel, so they go by name."""
    if twin == HEALTHY:
        return run(_by_name(half)[1][name].run, watched=watched)
    program = _by_name(half)[0][name]
    return run(getattr(program, twin), watched=watched, fix=fix and twin == FAULTY)


@cache
def _by_name(half: str) -> tuple[dict[str, Program], dict[str, Healthy]]:
    found = suite(half)
    assert found is not None
    return {each.name: each for each in found.programs}, {each.name: each for each in found.healthy}


def tell(chosen: Suite, outcomes: Outcomes, console: Console, *, say: bool) -> None:
    """The table of the programs, and what was said of those without a fault."""
    rows = Table("program", "causes", "first finding", "detected", "cause first", "fix named", "twin silent")
    for program in chosen.programs:
        verdict, found = verdict_of(program, outcomes), outcomes[program.name, FAULTY].findings
        first = f"{found[0].kind} ({found[0].severity})" if found else outcomes[program.name, FAULTY].problem[:60]
        first_or_named = "yes" if verdict.first else "later" if verdict.named else "no"
        marks = (_mark(verdict.detected), first_or_named, _mark(verdict.fix), _mark(verdict.silent))
        rows.add_row(program.name, ", ".join(program.causes), first, *marks)
    console.print(rows)
    for (name, twin), outcome in outcomes.items():
        if outcome.problem:
            console.print(f"{name}, {twin}: crashed: {outcome.problem}", style="bold", highlight=False, markup=False)
        elif twin != FAULTY and outcome.loud:
            said = "; ".join(f"{each.severity} {each.kind}" for each in outcome.findings if each.severity != "note")
            console.print(f"{name}, {twin}: false alarm: {said}", highlight=False, markup=False)
        if outcome.repairs:
            step = f"{_number(outcome.before)} → {_number(outcome.after)}"
            text = f"{name}, {twin}: repaired, held out {step}: {'; '.join(outcome.repairs)}"
            console.print(text, highlight=False, markup=False)
        if say:
            for each in outcome.findings:
                text = f"{name}, {twin}: {each.severity} {each.kind}: {each.said} → {each.advice}"
                console.print(text, highlight=False, markup=False)
    _tell_sums(summarize(*chosen, outcomes), console)


def tell_scores(chosen: Suite, outcomes: Mapping[Any, Outcome], console: Console) -> None:
    """What both twins are worth on held-out rows."""
    rows = Table("program", "faulty", "repaired", "seconds")
    for program in chosen.programs:
        twins = [outcomes[program.name, twin] for twin in (FAULTY, REPAIRED)]
        seconds = " ".join(f"{each.seconds:.1f}" for each in twins)
        rows.add_row(program.name, *(each.problem[:60] or _number(each.score) for each in twins), seconds)
    for each in chosen.healthy:
        outcome = outcomes[each.name, HEALTHY]
        rows.add_row(each.name, "", outcome.problem[:60] or _number(outcome.score), f"{outcome.seconds:.1f}")
    console.print(rows)


def _tell_sums(summary: Mapping[str, Any], console: Console) -> None:
    for name in ("all", "backtalk", "PyTorch"):
        if (sums := summary.get(name)) is not None:
            parts = [f"{word} {_share(sums[key], sums['programs'])}" for key, word in WORDS.items()]
            alarms = f"false alarms {_share(sums['false_alarms'], sums['without_fault'])}"
            console.print(f"{name}: {', '.join([*parts, alarms])}", highlight=False)
    if summary["mistakes"]:
        missed = f"; not {', '.join(summary['mistakes_missed'])}" if summary["mistakes_missed"] else ""
        console.print(
            f"mistakes that only PyTorch can make: {summary['mistakes_named']} of {summary['mistakes']} named{missed}",
            highlight=False,
        )
    if summary["fixes"]:
        share = _share(summary["fixes_better"], summary["fixes"])
        console.print(f"repaired by the doctor, and better on held-out rows: {share}", highlight=False)


WORDS = {"detected": "detected", "named": "cause named", "first": "cause first", "fix": "fix named"}


def _share(count: int, of: int) -> str:
    return f"{count} of {of} ({count / of:.0%})".replace("%", " %") if of else "none"


def _mark(value: bool) -> str:
    return "yes" if value else "no"


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3f}"
