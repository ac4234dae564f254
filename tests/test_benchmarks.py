"""The benchmark, without its times: rows that are measured again, results in files, tables."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks import __main__ as quick
from benchmarks.goals import GOALS, judge, say
from benchmarks.machine import describe_machine, versions
from benchmarks.results import Results, Row, rows_of_calls
from benchmarks.table import BEGIN, END, PAGE, as_markdown, replace_tables, tables
from benchmarks.turns import DISTURBED, TRIES, Part, Peak, answer, time_row
from benchmarks.work import WORKS
from rich.console import Console

ROOT = Path(__file__).parent.parent


class FakeTimer:
    """Answers with these seconds, one after the other, and with the last one for ever."""

    def __init__(self, *seconds: float) -> None:
        self.left = list(seconds)
        self.asked = 0

    def seconds(self, kind: str, row: str, least: float = 0.0, /) -> float:
        self.asked += 1
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


def peak_of(*seconds: float) -> Peak:
    return Peak({2: FakeTimer(*seconds)})


def test_a_quiet_row_is_measured_once_and_its_median_counts():
    timer = FakeTimer(3.0, 1.0, 2.0)
    timed = time_row({("backtalk", 2): (timer, "train")}, "tiny", peak_of(1.0), 3, pause=0)
    assert timed.seconds == {"backtalk": {2: 2.0}}
    assert (timed.tries, timed.missing, timer.asked) == (1, 0.0, 3)


def test_a_disturbed_row_is_measured_again_until_its_peak_is_quiet():
    # the peak of the first try falls to a half between its turns, and is back in the second one
    timed = time_row({("backtalk", 2): (FakeTimer(9.0, 9.0, 1.0), "train")}, "tiny", peak_of(1, 2, 1, 1), 2, pause=0)
    assert (timed.tries, timed.seconds["backtalk"][2], timed.missing) == (2, 1.0, 0.0)


def test_a_row_that_stays_disturbed_says_by_how_much_and_keeps_its_least_disturbed_try():
    peak = peak_of(1.0, 1.5, 1.25, 2.0)
    peak.measure()
    timed = time_row({("backtalk", 2): (FakeTimer(1.0, 2.0, 3.0), "train")}, "tiny", peak, 1, pause=0)
    assert timed.tries == TRIES
    assert timed.missing == pytest.approx(1 - 1 / 1.5) or timed.missing > DISTURBED
    assert timed.seconds["backtalk"][2] == 1.0


def test_the_peak_that_counts_is_the_best_of_the_run_so_far():
    peak = peak_of(2.0, 1.0, 2.0)
    slow, fast, again = peak.measure(), peak.measure(), peak.measure()
    assert fast[2] == 2 * slow[2] == 2 * again[2]
    assert peak.missing([fast]) == 0
    assert peak.missing([fast, again]) == pytest.approx(0.5)


def test_a_peer_takes_no_more_turns_with_the_threads_that_make_it_slow_but_backtalk_does():
    timers = {(name, n): FakeTimer(float(n)) for name in ("backtalk", "torch") for n in (1, 2)}
    peak = Peak({1: FakeTimer(1.0), 2: FakeTimer(1.0)})
    timed = time_row({key: (timer, "train") for key, timer in timers.items()}, "tiny", peak, 3, pause=0)
    assert {key: timer.asked for key, timer in timers.items()} == {
        ("backtalk", 1): 3, ("backtalk", 2): 3, ("torch", 1): 3, ("torch", 2): 1,
    }  # fmt: skip
    assert timed.seconds["torch"] == {1: 1.0, 2: 2.0}


def test_a_process_warms_each_work_up_once_and_answers_each_line(capsys):
    calls: list[str] = []
    answer(lambda kind, row: lambda: calls.append(f"{kind} {row}"), ["train tiny 0 wall\n"] * 2, {"memory": lambda: 7})
    answer(lambda kind, row: lambda: None, ["memory\n"], {"memory": lambda: 7})
    assert calls == ["train tiny"] * 3
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_the_time_of_a_part_is_multiplied(capsys):
    answer(lambda kind, row: Part(lambda: time.sleep(0.001), 1000.0), ["train tiny 0 wall\n"])
    assert float(capsys.readouterr().out) >= 1


def row_of(kind: str = "training", work: str = "tiny", **changes: object) -> Row:
    seconds = {"backtalk": {1: 3.0, 2: 2.0}, "jax": {1: 3.0, 2: 5.0}, "torch": {1: 1.0, 2: 9.0}}
    row = Row(kind, work, "float32", seconds, operations=2e10, peak={1: 10.0, 2: 20.0})
    return replace(row, **changes)  # pyright: ignore[reportArgumentType]


def results_of(*rows: Row) -> Results:
    peak = {"float32": {1: 10.0, 2: 20.0}}
    return Results("2026-01-01", describe_machine(), versions(), True, peak, list(rows))


def test_a_row_compares_the_peers_at_their_best_with_all_threads_of_backtalk():
    row = row_of()
    assert (row.times("jax"), row.best("jax"), row.times("torch")) == (1.5, (3.0, 1), 0.5)
    assert (row.rate(2), row.of_peak(2)) == (10.0, 0.5)
    assert row.of_peak(1) == pytest.approx(2 / 3)


def test_results_are_read_as_they_were_written(tmp_path):
    results = results_of(row_of(), row_of("per_example", "norms", bare={2: 15.0}, memory={"backtalk": 9.0}))
    results.write(tmp_path / "new" / "results.json")
    assert Results.read(tmp_path / "new" / "results.json") == results


def test_a_file_that_holds_no_results_is_refused(tmp_path):
    (tmp_path / "other.json").write_text('{"format": 0}')
    with pytest.raises(SystemExit, match="format 1"):
        Results.read(tmp_path / "other.json")


def test_rows_that_are_measured_again_replace_those_before_and_another_machine_is_refused():
    earlier = results_of(row_of(), row_of(work="small"))
    later = results_of(row_of(work="small", missing=0.1), row_of(work="wide"))
    both = later.with_rows_of(earlier)
    assert [(row.work, row.missing) for row in both.rows] == [("tiny", 0.0), ("small", 0.1), ("wide", 0.0)]
    with pytest.raises(SystemExit, match="another machine"):
        replace(later, machine=later.machine | {"cores": 99}).with_rows_of(earlier)


def test_calls_that_stand_one_by_one_become_rows():
    call = {"network": "64-32-10", "rows": 1, "peer": "predictor", "threads": 2, "seconds": 1.0}
    (row,) = rows_of_calls("inference", [call, call | {"peer": "onnxruntime", "seconds": 2.5}], "predictor")
    assert row.seconds == {"backtalk": {2: 1.0}, "onnxruntime": {2: 2.5}}
    assert [say(goal, value) for goal, value in judge(row)] == ["[64, 32, 10] @ 1 × ONNX Runtime 2.50 (2)"]


def test_the_table_marks_what_is_slower_and_what_was_disturbed():
    (table,) = tables(results_of(row_of(missing=0.2, tries=3)))
    assert table.cells == [["tiny~", "10", "50 %", "67 %", "1.5¹", "**0.5**¹"]]
    assert table.notes[0] == "Slower than another: tiny to PyTorch (0.50)."
    assert "tiny (20 % in 3 tries)" in table.notes[1]


class FakeSession:
    """A quick session on a machine whose peak is disturbed so much in the first and second measurement of each row."""

    quick = True

    def __init__(self, clock: list[float], **missing: tuple[float, float]) -> None:
        self.clock, self.left = clock, {work: list(shares) for work, shares in missing.items()}
        self.works = list(missing)
        self.peak = SimpleNamespace(best={2: 1.0})

    def use(self, dtype: str) -> None:
        pass

    def training(self) -> Iterator[Row]:
        for work in self.works:
            self.clock[0] += 10
            yield row_of(work=work, missing=self.left[work].pop(0))


def run_quick(monkeypatch, until: float) -> tuple[list[tuple[str, float, int]], str]:
    """The share that is missing and the tries of each row, and what is said; each row takes 10 seconds."""
    clock, said = [0.0], StringIO()
    session: Any = FakeSession(clock, tiny=(0.3, 0.1), small=(0.0, 9.0), mnist=(0.5, 0.6), wide=(0.2, 0.0))
    monkeypatch.setattr(quick.time, "monotonic", lambda: clock[0])
    monkeypatch.setitem(quick.KINDS, "training", quick.Kind(lambda session: session.training()))
    results = results_of()
    for row in quick.measure(session, ["training"], ["float32"], Console(file=said, width=200), until):
        results = results.with_row(row)
    return [(row.work, row.missing, row.tries) for row in results.rows], said.getvalue()


def test_a_quick_run_measures_disturbed_rows_again_while_there_is_time(monkeypatch):
    first = [("tiny", 0.3, 1), ("small", 0.0, 1), ("mnist", 0.5, 1), ("wide", 0.2, 1)]
    found, said = run_quick(monkeypatch, until=40.0)
    assert found == first
    assert "not measured again, since the time is up: mnist, tiny, wide" in said
    found, said = run_quick(monkeypatch, until=69.0)  # for two of them, the most disturbed ones
    assert found == [("tiny", 0.1, 2), first[1], ("mnist", 0.5, 2), first[3]]
    assert "the time is up: wide" in said
    found, said = run_quick(monkeypatch, until=70.0)
    assert found[3] == ("wide", 0.0, 2)
    assert "the time is up" not in said


def test_goals_are_judged_and_those_missed_are_named():
    found = {say(goal, value): value >= goal.least for goal, value in judge(row_of())}
    assert found == {
        "tiny 50 % of peak (28 %)": True,
        "tiny 67 % of peak with one thread (28 %)": True,
        "tiny × JAX 1.50 (2.5)": False,
        "tiny × PyTorch's better 0.50 (45)": False,
    }
    assert [goal.measure.__name__ for goal, _ in judge(row_of(dtype="float64"))] == ["of_peak", "of_peak_alone"]


def test_every_goal_is_of_a_row_that_there_is():
    assert {goal.work for goal in GOALS if goal.kind in ("training", "gradients")} <= set(WORKS)


def test_the_page_of_figures_is_that_of_the_files_of_results():
    files = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    page = PAGE.read_text(encoding="utf-8")
    assert page == replace_tables(page, as_markdown(map(Results.read, files)))


def test_only_what_is_between_the_marks_of_the_page_is_replaced():
    assert replace_tables(f"a\n{BEGIN}old{END}b\n", "new") == f"a\n{BEGIN}\nnew\n\n{END}b\n"
    with pytest.raises(SystemExit, match="marks"):
        replace_tables("a page without marks", "new")
