"""The benchmark of tables, without other libraries and without training: its tables, folds, scores and sums."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.tables import command, peers
from benchmarks.tables.folds import folds_of
from benchmarks.tables.lists import TABLES, Table, rank
from benchmarks.tables.measure import Cache, measure
from benchmarks.tables.scores import scores
from benchmarks.tables.summary import FLOOR, against, mean_ranks, means_of, summarize


def result(
    table: str, model: str, loss: float, fold: int = 0, error: float = 0.1, seconds: float = 1.0
) -> dict[str, Any]:
    return {"table": table, "model": model, "fold": fold, "loss": loss, "error": error, "seconds": seconds}


def test_tables_have_names_of_their_own_and_five_neighbours_by_rows_have_the_ranks_1_to_5():
    assert len({table.name for table in TABLES}) == len(TABLES)
    ranks = rank((f"table {rows}", rows) for rows in range(100, 108))
    assert sorted(ranks[f"table {rows}"] for rows in range(100, 105)) == [1, 2, 3, 4, 5]
    assert sorted(ranks[f"table {rows}"] for rows in range(105, 108)) == [1, 2, 3]
    assert ranks == rank((f"table {rows}", rows) for rows in reversed(range(100, 108)))


def test_folds_hold_each_row_once_and_the_classes_by_their_shares():
    y = np.repeat([0, 1], [80, 20])
    tests = [test for _, test in folds_of("classification", y)]
    assert sorted(np.concatenate(tests)) == list(range(100))
    assert [y[test].sum() for test in tests] == [4] * 5


def test_scores_are_log_loss_and_error_or_the_root_of_the_mean_squared_error():
    found = scores("classification", np.array([0, 1]), np.array([[0.5, 0.5], [1.0, 0.0]]))
    assert found["loss"] == pytest.approx((np.log(2) - np.log(1e-7)) / 2)
    assert found["error"] == 0.5
    assert scores("regression", np.array([1.0, 2.0]), np.array([1.0, 4.0])) == pytest.approx(
        {"loss": 2**0.5, "error": 2**0.5}
    )


def test_a_run_is_continued_and_a_model_that_fails_is_said(tmp_path: Path):
    frame = pd.DataFrame({"x": np.arange(50.0), "y": np.arange(50.0)})
    table, file = Table("line", "", "", "y", "regression"), tmp_path / "results.jsonl"

    def right(_table: Table, _train: pd.DataFrame, test: pd.DataFrame, _classes: np.ndarray) -> np.ndarray:
        return test["x"].to_numpy()

    def broken(*_arguments: object) -> np.ndarray:
        raise ValueError("no such column")

    first = list(measure(table, frame, {"right": right}, Cache(file), [0]))
    again = list(measure(table, frame, {"right": right, "broken": broken}, Cache(file), [0, 1]))
    assert [(each["fold"], each["model"]) for each in again] == [(0, "broken"), (1, "right"), (1, "broken")]
    assert first[0]["loss"] == 0
    assert again[0]["problem"] == "ValueError: no such column"
    assert len(file.read_text().splitlines()) == 4


def test_words_are_levels_of_the_training_and_others_are_missing():
    train, test = peers.as_categories(pd.DataFrame({"c": ["a", None, "b"]}), pd.DataFrame({"c": ["b", "z"]}))
    assert list(train["c"].cat.codes) == [0, -1, 1]
    assert list(test["c"].cat.codes) == [1, -1]


def test_wins_count_ties_as_halves_and_ratios_have_a_floor():
    rows = [result(table, "backtalk", ours) for table, ours in (("a", 1.0), ("b", 2.0), ("c", 0.0))]
    rows += [result(table, "catboost", theirs) for table, theirs in (("a", 2.0), ("b", 2.0), ("c", FLOOR))]
    found = against(means_of(rows), "catboost")
    assert found is not None
    assert found.won["loss"] == pytest.approx(1 / 3 * (1 + 0.5 + 1))
    assert found.ratio["loss"] == pytest.approx(0.5 ** (1 / 3))


def test_only_folds_that_all_models_of_a_table_have_count():
    rows = [result("a", "backtalk", 1.0, fold) for fold in (0, 1)] + [result("a", "catboost", 3.0, 1, seconds=4.0)]
    rows += [result("b", "backtalk", 1.0), {**result("b", "catboost", 0.0), "problem": "none"}]
    means = means_of(rows)
    assert means["a"]["catboost"].seconds == 4.0
    assert set(means["b"]) == {"backtalk"}
    found = against(means, "catboost")
    assert found is not None
    assert (found.tables, found.won["loss"]) == (1, 1.0)


def test_ranks_are_of_tables_that_all_have_single_and_bagged_apart():
    rows = [result("a", name, loss) for name, loss in (("backtalk", 1.0), ("catboost", 2.0), ("catboost-bagged", 0.5))]
    found = summarize(rows, ["backtalk", "catboost", "catboost-bagged"])
    assert found["ranks"]["single"]["loss"] == {"backtalk": 1.0, "catboost": 2.0}
    assert found["ranks"]["bagged"]["loss"] == {"catboost-bagged": 1.0, "backtalk": 2.0}
    assert found["goals"] == {"catboost": False, "catboost-bagged": False}  # by error neither is better
    assert found["losses"] == [(2.0, "a", "catboost-bagged")]
    assert mean_ranks(means_of(rows), ["backtalk", "missing"], "loss") == {}


def test_the_command_sums_up_what_the_cache_holds_and_ends_with_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    table, cache = TABLES[0], Cache(tmp_path / "results.jsonl")
    frame = pd.DataFrame({"x": range(50), table.target: ["a", "b"] * 25})
    for model, loss in (("backtalk", 1.0), ("linear", 2.0)):
        for fold in range(5):
            cache.add(result(table.name, model, loss, fold))
    monkeypatch.setattr(command, "read", lambda table: frame)
    options = ["--tables", table.name, "--models", "backtalk,linear", "--cache", str(cache.path)]
    monkeypatch.setattr(sys, "argv", ["tables", *options])
    command.main()
    said = capsys.readouterr().out
    assert "largest losses" in said
    assert json.loads(said.splitlines()[-1])["against"][0]["won"]["loss"] == 1.0


def test_what_no_table_or_model_is_called_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["tables", "--tables", "nowhere", "--models", "backtalk"])
    with pytest.raises(SystemExit, match="tables holds"):
        command.main()
    monkeypatch.setattr(sys, "argv", ["tables", "--models", "nobody"])
    with pytest.raises(SystemExit, match="models holds"):
        command.main()
