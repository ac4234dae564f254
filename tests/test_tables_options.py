"""What a user asks for of single columns and rows: types, ignored ones, weights, names, and how rows are held out."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtalk.apps.cli.table_options import share_or_file, types_of
from backtalk.apps.tables import evaluate, predict, resume, train
from backtalk.apps.tables.asked import read_as
from backtalk.apps.tables.division import split_by_group, split_by_time
from backtalk.apps.tables.facts import RunFacts
from backtalk.apps.tables.folder import METRICS, PREPROCESSING, RUN
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.reading.origins import Origin
from backtalk.errors import FileFormatError, InputError, UnknownNameError
from groups import call
from one_network import Options

SMALL = {"hidden": (3,), "epochs": 2}


def orders(count=120):
    """Whole orders of some customers, day after day."""
    rng = np.random.default_rng(3)
    a = rng.normal(size=count).round(3)
    return pl.DataFrame(
        {
            "order": [f"o{k}" for k in range(count)],
            "day": [f"{1 + k // 4 % 28:02}/{1 + k // 112:02}/24" for k in range(count)],
            "year": 2000 + np.arange(count) // 12,
            "customer": [f"c{k % 15}" for k in range(count)],
            "zip": rng.choice([10115, 20095, 80331], count),
            "counted": rng.integers(0, 4, count),
            "a": a,
            "sweet, or not": rng.choice(["p", "q"], count),
            "paid": np.where(a + 0.3 * rng.normal(size=count) > 0, "yes", "no"),
            "price": (100 + 10 * a).round(2),
        }
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("orders") / "t.csv"
    orders().write_csv(path)
    return path


def prepared(table, target="paid", **asked):
    return prepare(table, Options(target, **asked))


def column_of(ready, name):
    return next(column for column in ready.preprocessing.columns if column.name == name)


# Types


@pytest.mark.parametrize(
    ("cells", "asked", "kind", "form"),
    [
        (["10115", "20095"], "category", "category", "plain"),
        ([10115, 20095], "category", "category", "plain"),
        (["1,000", "2"], "number", "number", "with separators"),
        (["1", "2", "many"], "number", "number", "plain"),
        (["31/12/24", "01/02/25"], "date(%d/%m/%y)", "date", "%d/%m/%y of 1950-2049"),
        ([24121, 24122], "date(%y%m%d)", "date", "%y%m%d of 1950-2049"),
        (["2024.12", "2025.01"], "date(%Y.%m)", "date", "%Y.%m"),
        (["14:32", "9:05"], "time", "time", "plain"),
        (["31.12.2024", "01.02.2025", "soon"], "date", "date", "%d.%m.%Y"),
        (["1", "0", "yes"], "yes/no", "yes/no", "plain"),
    ],
)
def test_a_column_is_read_as_what_was_asked_for(cells, asked, kind, form):
    reading = read_as(pl.Series("x", cells), asked)
    assert (reading.kind, reading.form) == (kind, form)


@pytest.mark.parametrize(
    ("cells", "asked", "words"),
    [
        (["1", "two", None, "three"], "number", "as number, but 2 of 3 cells are none, the first 'two' in row 2"),
        (["soon", "2024-01-01", "later"], "date", "as date, but 2 of 3 cells are none, the first 'soon' in row 1"),
        (["31 Dec"] * 3, "date(%d/%m/%y)", "3 of 3 cells are none, the first '31 Dec' in row 1"),
        (["perhaps", "1"] * 3 + ["no way"], "yes/no", "4 of 7 cells are none, the first 'perhaps' in row 1"),
    ],
)
def test_a_type_that_most_cells_cannot_have_is_refused_with_the_first_of_them(cells, asked, words):
    with pytest.raises(InputError, match=re.escape(words)):
        read_as(pl.Series("x", cells), asked)


def test_types_reach_the_inputs(table):
    plain, ready = prepared(table), prepared(table, types={"counted": "category", "day": "date(%d/%m/%y)"})
    assert column_of(plain, "counted").kind == "number"
    assert column_of(ready, "counted").categories == ["0", "1", "2", "3"]
    day = column_of(ready, "day")
    assert day.form == "%d/%m/%y of 1950-2049"
    assert day.values(pl.Series(["31/12/24", "02/01/70"]))[:, 0].tolist() == [20088, 1]


def test_a_column_that_looks_like_an_identifier_is_a_number_if_it_was_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    pl.DataFrame({"id": rng.permutation(60), "y": ["u", "v"] * 30}).write_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match="no column to learn from"):
        prepared(tmp_path / "t.csv", "y")
    assert prepared(tmp_path / "t.csv", "y", types={"id": "number"}).preprocessing.plain.inputs == ["id"]
    with pytest.raises(InputError, match="'id' is to be read as category, but none of its 42 values"):
        prepared(tmp_path / "t.csv", "y", types={"id": "category"})


@pytest.mark.parametrize(("asked", "task"), [("number", "regression"), ("category", "classification")])
def test_the_type_of_the_target_sets_the_task(table, asked, task):
    assert prepared(table, "counted", types={"counted": asked}).target.task == task


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"types": {"agee": "number"}}, "types is 'agee', which is not known"),
        ({"types": {"a": "numbr"}}, "the type of column 'a' is 'numbr'.*did you mean 'number'"),
        ({"types": {"a": "number(%d)"}}, "expected number, or date with the form of its cells"),
        ({"types": {"day": "date(d)"}}, "such as date"),
        ({"types": {"paid": "date"}}, "the type of the target 'paid' is 'date', expected number or category"),
        ({"types": {"paid": "category"}, "task": "regression"}, "task is regression, but the type of the target"),
        ({"types": {"a": "number"}, "ignore": ("a",)}, "column 'a' has a type, but is to be ignored"),
        ({"ignore": ("custommer",)}, "ignore is 'custommer'.*did you mean 'customer'"),
        ({"ignore": ("a, paid",)}, "ignore is 'paid', which is the target"),
        ({"weight": "paid"}, "weight is 'paid', which is the target"),
        ({"id": "paid"}, "id is 'paid', which is the target"),
        ({"split": "time=paid"}, "split is 'paid', which is the target"),
        ({"split": "day"}, "expected time=COLUMN or group=COLUMN"),
        ({"split": "time="}, "expected time=COLUMN or group=COLUMN"),
        ({"split": "time=day", "test": 0.0, "validation": 0.0}, "no share of the rows is held out"),
        ({"split": "time=order"}, "'order', which holds no dates and no numbers, such as 'o0'"),
        ({"weight": "order"}, "weight 'order' holds 'o0' in row 1, expected a number of 0 or more"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(table, asked, words):
    with pytest.raises((InputError, UnknownNameError), match=words):
        prepared(table, **asked)


# Columns that are no inputs


def test_ignored_columns_are_no_inputs_and_may_have_commas_in_their_names(table):
    ready = prepared(table, ignore=("sweet, or not", "zip,a", "year"))
    for name in ("sweet, or not", "zip", "a", "year"):
        column = column_of(ready, name)
        assert (column.kind, column.remark, len(column.examples) > 1) == ("left out", "as asked for", True)
    assert not any(name.startswith(("sweet", "zip", "a", "year")) for name in ready.preprocessing.inputs)


def test_the_names_of_rows_stand_before_their_predictions(table, tmp_path):
    train(table, tmp_path / "run", Options("paid", id="order", **SMALL))
    predictions, said = predict(tmp_path / "run", table)
    assert predictions.columns == ["order", "prediction", "probability of no", "probability of yes"]
    assert predictions["order"].to_list() == orders()["order"].to_list()
    assert said == []
    assert "order" not in json.loads((tmp_path / "run" / PREPROCESSING).read_text())["inputs"]
    orders().drop("order").write_csv(tmp_path / "unnamed.csv")
    predictions, said = predict(tmp_path / "run", tmp_path / "unnamed.csv")
    assert predictions.columns[0] == "prediction"
    assert said == ["the table lacks the column 'order', which names the rows: the predictions have no names."]


def test_a_column_of_names_called_prediction_stays_apart(tmp_path):
    orders().rename({"order": "prediction"}).write_csv(tmp_path / "t.csv")
    train(tmp_path / "t.csv", tmp_path / "run", Options("paid", id="prediction", **SMALL))
    assert predict(tmp_path / "run", tmp_path / "t.csv")[0].columns[:2] == ["prediction (id)", "prediction"]


# Weights


@pytest.mark.parametrize(
    ("cell", "words"), [(-1, "holds '-1' in row 6"), (None, "is empty in row 6"), ("x", "holds 'x' in row 6")]
)
def test_a_weight_that_is_none_is_refused_with_its_row(tmp_path, cell, words):
    weights = [str(k % 3) for k in range(120)]
    weights[5] = None if cell is None else str(cell)
    orders().with_columns(w=pl.Series(weights, dtype=pl.String)).write_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match=f"weight 'w' {words}, expected a number of 0 or more"):
        prepared(tmp_path / "t.csv", weight="w")


def test_weights_of_0_in_a_part_are_refused(tmp_path):
    orders().with_columns(w=pl.lit(0)).write_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match="weight 'w' is 0 in all training rows, expected one above 0"):
        prepared(tmp_path / "t.csv", weight="w")


@pytest.mark.parametrize(("target", "class_weight"), [("paid", None), ("paid", "balanced"), ("price", None)])
def test_a_row_of_weight_2_counts_as_two_rows_in_the_scores(tmp_path, target, class_weight):
    once = orders().with_columns(w=pl.Series(np.arange(120) % 3))
    once.write_csv(tmp_path / "t.csv")
    asked = Options(target, weight="w", class_weight=class_weight, **SMALL)
    result = train(tmp_path / "t.csv", tmp_path / "run", asked)
    metrics = json.loads((tmp_path / "run" / METRICS).read_text())
    assert metrics["weight"] == "w"
    assert "rows count by their weights, 'w', in the loss and in the scores." in result.said
    assert [part["rows"] for part in result.metrics["scores"].values()] == [84, 12, 24]
    found, said = evaluate(tmp_path / "run", tmp_path / "t.csv")
    assert said == []
    rows = [k for k in range(120) for _ in range(k % 3)]
    once[rows].with_columns(w=pl.lit(1)).write_csv(tmp_path / "twice.csv")
    expected, _ = evaluate(tmp_path / "run", tmp_path / "twice.csv")
    for name in set(expected) - {"rows", "confusion_matrix", "recall", "largest_error", "verdict"}:
        assert found[name] == pytest.approx(expected[name], rel=1e-6), name
    once.drop("w").write_csv(tmp_path / "without.csv")
    _, said = evaluate(tmp_path / "run", tmp_path / "without.csv")
    assert said == ["the table lacks the column 'w' of the weights: every row counts alike."]


def test_weights_count_in_training(tmp_path):
    """Rows of weight 0 might as well say anything."""
    frame = orders().with_columns(w=pl.Series(np.arange(120) % 2))
    lies = frame.with_columns(price=pl.when(pl.col("w") == 0).then(200 - pl.col("price")).otherwise("price"))
    losses = []
    for name, each in (("t", frame), ("lies", lies)):
        each.write_csv(tmp_path / f"{name}.csv")
        asked = Options("price", weight="w", split="time=year", patience=0, hidden=(), epochs=60)
        result = train(tmp_path / f"{name}.csv", tmp_path / name, asked)
        losses.append(result.metrics["scores"]["training"]["r2"])
    assert losses[0] == pytest.approx(losses[1], abs=0.01)


# How rows are held out


def test_the_last_rows_by_time_are_for_test_and_those_before_for_validation(table):
    ready = prepared(table, split="time=day", types={"day": "date(%d/%m/%y)"})
    assert [len(y) for y in ready.truth.values()] == [84, 12, 24]
    assert ready.said == [
        "split by time, 'day': training before (84 rows), validation from 2024-01-22 on (12 rows), "
        "test from 2024-01-25 on (24 rows)."
    ]


def test_rows_of_the_same_time_are_in_one_part():
    years = pl.Series("year", [2001] * 5 + [2003] * 4 + [2002] * 3)
    rows, said = split_by_time(years, {"validation": 0.1, "test": 0.2})
    assert {part: sorted(set(years.gather(chosen))) for part, chosen in rows.items()} == {
        "training": [2001], "validation": [2002], "test": [2003],
    }  # fmt: skip
    assert "test from 2003 on (4 rows)" in said[0]
    with pytest.raises(
        InputError, match="'year', which has 2 different times, expected 3 or more, for training, validation and test"
    ):
        split_by_time(years.replace(2003, 2002), {"validation": 0.1, "test": 0.2})


def test_no_group_is_in_two_parts(table):
    ready = prepared(table, split="group=customer")
    assert sum(len(y) for y in ready.truth.values()) == 120
    assert column_of(ready, "customer").remark == "the groups by which rows are held out"
    assert ready.said == [
        "split by groups of 'customer': 11 for training (88 rows), 1 for validation (8 rows), 3 for test (24 rows)."
    ]


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_any_size_stay_whole_and_each_part_has_some(seed):
    sizes = np.random.default_rng(seed).integers(1, 40, 8)
    groups = pl.Series("g", np.repeat(np.arange(8), sizes).astype(str))
    rows, _ = split_by_group(groups, {"validation": 0.2, "test": 0.2}, seed)
    found = {part: set(groups.gather(chosen)) for part, chosen in rows.items()}
    assert list(found) == ["training", "validation", "test"]
    assert all(found.values())
    assert sum(map(len, found.values())) == len(set().union(*found.values())) == 8
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(groups)))


def test_rows_without_a_time_are_left_out_and_told(tmp_path):
    frame = orders().with_columns(year=pl.when(pl.col("order") == "o5").then(None).otherwise("year"))
    frame.write_csv(tmp_path / "t.csv")
    ready = prepared(tmp_path / "t.csv", split="time=year")
    assert sum(len(y) for y in ready.truth.values()) == 119
    assert ready.said[0] == "left out: 1 row without a value of 'year', by which rows are held out."


def test_a_class_that_no_training_row_has_is_told(tmp_path):
    frame = orders().with_columns(paid=pl.when(pl.col("year") > 2008).then(pl.lit("later")).otherwise("paid"))
    frame.write_csv(tmp_path / "t.csv")
    said = prepared(tmp_path / "t.csv", split="time=year").said
    assert "training rows: none is of the class 'later': it cannot be learned." in said


# Tables of their own


@pytest.fixture
def three(tmp_path):
    """Tables for training, validation and test, with 70, 20 and 30 rows."""
    frame = orders()
    for name, rows in (("t", slice(70)), ("v", slice(70, 90)), ("h", slice(90, 120))):
        frame[rows].write_csv(tmp_path / f"{name}.csv")
    return tmp_path


def test_validation_and_test_may_have_tables_of_their_own(three):
    files = {"validation": three / "v.csv", "test": str(three / "h.csv")}
    ready = prepared(three / "t.csv", weight="counted", **files)
    assert {part: len(y) for part, y in ready.truth.items()} == {"training": 70, "validation": 20, "test": 30}
    assert {part: len(weight) for part, weight in ready.weights.items()} == {
        "training": 70,
        "validation": 20,
        "test": 30,
    }
    result = train(three / "t.csv", three / "run", Options("paid", weight="counted", **files, **SMALL))
    expected, _ = evaluate(three / "run", three / "h.csv")
    assert result.metrics["scores"]["test"].items() <= expected.items()
    facts = json.loads((three / "run" / RUN).read_text())
    assert facts["test"] == str(three / "h.csv")
    assert set(facts["files"]) == {"validation", "test"}


def test_a_share_and_a_table_of_its_own_go_together(three):
    ready = prepared(three / "t.csv", split="time=year", test=three / "h.csv")
    assert {part: len(y) for part, y in ready.truth.items()} == {"training": 60, "validation": 10, "test": 30}


def test_a_table_for_test_that_lacks_a_column_is_refused(three):
    orders().drop("a").write_csv(three / "h.csv")
    with pytest.raises(InputError, match=r"h\.csv, the table for test: the table lacks the column 'a' of the training"):
        prepared(three / "t.csv", test=three / "h.csv")
    orders().drop("counted").write_csv(three / "h.csv")
    with pytest.raises(InputError, match=r"h\.csv, the table for test: weight is 'counted', which is not known"):
        prepared(three / "t.csv", test=three / "h.csv", weight="counted")


def test_a_run_goes_on_with_its_tables_and_refuses_others(three):
    asked = Options("paid", test=three / "h.csv", types={"zip": "category"}, ignore=("year",), id="order", **SMALL)
    first = train(three / "t.csv", three / "run", asked)
    assert resume(three / "run").metrics == first.metrics
    (three / "h.csv").rename(three / "moved.csv")
    moved = train(three / "t.csv", three / "other", Options(**{**_plain(asked), "test": three / "moved.csv"}))
    assert moved.metrics["run"] == first.metrics["run"]  # what counts is its content
    with pytest.raises(InputError, match=r"h\.csv, the table for test of this run, is no longer there: put it back"):
        resume(three / "run")
    orders()[80:120].write_csv(three / "h.csv")
    with pytest.raises(InputError, match=r"h\.csv is not what it was when this run began"):
        resume(three / "run")
    other = train(three / "t.csv", three / "third", asked)
    assert other.metrics["run"] != first.metrics["run"]


def _plain(options):
    return {each.name: getattr(options, each.name) for each in fields(options)}


def test_a_run_of_an_earlier_version_lacks_the_later_options_and_has_its_id():
    facts = {
        "version": 1, "backtalk": "0.1.0", "run": "731d63801b49ba7c", "table": "/t.csv",
        "sha256": "0bd9597d5dc30f532419eb8926ab79d295b053445942fc59a63fe4cc9c55417b", "target": "y", "task": "auto",
        "hidden": [2], "activation": "tanh", "loss": None, "output": None, "epochs": 1, "batch_size": None,
        "optimizer": "adam", "schedule": "constant", "dropout": 0.0, "l2_penalty": None, "clip_norm": None,
        "class_weight": None, "validation": 0.1, "patience": 20, "test": 0.2, "seed": 0, "checkpoint_seconds": 10.0,
        "diagnose": False, "engine": "auto",
    }  # fmt: skip
    assert RunFacts.from_json(facts, Path("run.json")).options == Options(
        "y", hidden=(2,), epochs=1, activation="tanh", optimizer="adam", schedule="constant", patience=20, interval=0.0
    )
    with pytest.raises(FileFormatError, match=r"run\.json was edited"):
        RunFacts.from_json(facts | {"ignore": ["a"]}, Path("run.json"))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("test", [], "'test' is a list of 0, expected a number"),
        ("test", "h.csv", "'files' has none, expected those of the options"),
        ("files", {"test": 3}, r"'files.test' is 3, expected text"),
        ("types", {"a": "nothing"}, "holds an option that cannot be used: the type of column 'a'"),
        ("split", "time", "holds an option that cannot be used: split is 'time'"),
    ],
)
def test_an_option_in_run_json_that_is_wrong_is_named(table, place, value, words):
    facts = json.loads(json.dumps(RunFacts.of(Origin.of(table), "0", Options("paid"), {}).to_json())) | {place: value}
    with pytest.raises(FileFormatError, match=words):
        RunFacts.from_json(facts, Path("run.json"))


# On the command line


@pytest.mark.parametrize(
    ("texts", "types"),
    [
        (["age=number,code=category", "when=date"], {"age": "number", "code": "category", "when": "date"}),
        (["sweet, or not=yes/no , a=b=number"], {"sweet, or not": "yes/no", "a=b": "number"}),
        (["when=date(%d,%m,%y),a=number"], {"when": "date(%d,%m,%y)", "a": "number"}),
    ],
)
def test_types_are_read_from_text(texts, types):
    assert types_of(texts) == types


@pytest.mark.parametrize("text", ["age", "age=", "=number", "age=numeric", "age=number,code"])
def test_a_type_that_cannot_be_read_is_refused(text):
    with pytest.raises(InputError, match="expected COLUMN=TYPE with commas between"):
        types_of([text])


def test_a_share_or_a_file_is_read_from_text(table):
    assert share_or_file("test", "0.3") == 0.3
    assert share_or_file("test", str(table)) == str(table)
    with pytest.raises(InputError, match="expected a share of the rows, such as"):
        share_or_file("test", "h.csv")


def of_new_customers(frame):
    return frame.with_columns(customer=pl.format("new-{}", "customer"))


def test_in_two_processes_each_has_its_rows_of_all_that_was_asked_for(three):
    of_new_customers(orders()[90:]).write_csv(three / "h.csv")
    asked = Options(
        "paid", engine="compiled", weight="counted", split="group=customer", test=str(three / "h.csv"),
        types={"zip": "number", "day": "date(%d/%m/%y)"}, ignore=("year",), id="order",
    )  # fmt: skip
    alone = prepare(three / "t.csv", asked)
    both = call(2, lambda group: prepare(three / "t.csv", asked, group))
    for ready in both:
        assert (ready.preprocessing, ready.said) == (alone.preprocessing, alone.said)
    assert list(alone.parts) == ["training", "validation", "test"]
    for part, (X, y) in alone.parts.items():
        np.testing.assert_array_equal(np.concatenate([ready.parts[part][0] for ready in both]), X)
        np.testing.assert_array_equal(np.concatenate([ready.parts[part][1] for ready in both]), y)
        weights = np.concatenate([ready.weights[part] for ready in both])
        np.testing.assert_array_equal(weights, alone.weights[part])


def test_a_column_shows_its_cells_as_they_stand_and_what_became_of_them(tmp_path):
    frame = orders().with_columns(much=pl.Series([f"${1000 + k:,}.50" if k % 9 else "n/a" for k in range(120)]))
    frame.write_csv(tmp_path / "t.csv")
    result = train(tmp_path / "t.csv", tmp_path / "run", Options("paid", **SMALL))
    much = next(column for column in result.columns if column["name"] == "much")
    assert much["kind"] == "number"
    assert much["examples"] == ["$1,001.50", "$1,002.50", "$1,003.50"]
    assert "n/a, which counts as missing" in much["remark"]
    assert result.columns[0] | {"remark": ""} == {
        "name": "paid", "kind": "target, classification", "form": "plain", "examples": ["yes", "no"], "remark": "",
    }  # fmt: skip
    facts = json.loads((tmp_path / "run" / PREPROCESSING).read_text())
    assert facts["columns"][-1]["examples"] == much["examples"]
    assert "$1,001.50, $1,002.50, $1,003.50" in (tmp_path / "run" / "report.html").read_text()


def test_names_of_columns_may_have_blanks_around_them(tmp_path):
    orders().rename({"customer": " customer", "order": "order "}).write_parquet(tmp_path / "t.parquet")
    asked = Options("paid", id="order", split="group=customer", types={"zip ": "category"}, **SMALL)
    train(tmp_path / "t.parquet", tmp_path / "run", asked)
    assert predict(tmp_path / "run", tmp_path / "t.parquet")[0].columns[0] == "order "


def test_a_run_of_a_table_without_names_predicts_tables_without_names(tmp_path):
    rows = [f"{k % 7}.5,{'ab'[k % 2]},same,{'yn'[k % 3 == 0]}" for k in range(60)]
    table, new, run = tmp_path / "t.data", tmp_path / "new.csv", tmp_path / "run"
    table.write_text("\n".join(rows))
    train(table, run, Options("column 4", no_header=True, **SMALL))
    new.write_text("\n".join(row[:-2] for row in rows))
    predictions, _ = predict(run, table)
    assert predictions.height == 60
    assert predict(run, new)[0].equals(predictions)
    assert evaluate(run, table)[0]["rows"] == 60
    new.write_text("\n".join(row.replace(",same", "")[:-2] for row in rows))
    with pytest.raises(InputError, match="expected 4, or 3 if the target is the last"):
        predict(run, new)
    with pytest.raises(InputError, match="is no delimited text"):
        prepare(pl.DataFrame({"column 1": [1.0] * 12, "y": [0, 1] * 6}), Options("y", no_header=True))


def test_a_table_for_test_that_is_the_training_table_is_refused(three):
    (three / "copy.csv").write_bytes((three / "t.csv").read_bytes())
    for part in ("validation", "test"):
        with pytest.raises(InputError, match=f"copy.csv, the table for {part}, is the same as"):
            prepared(three / "t.csv", **{part: str(three / "copy.csv")})


def test_a_table_for_test_with_groups_of_the_training_table_is_refused_if_split_is_by_groups(three):
    asked = {"split": "group=customer", "test": str(three / "h.csv")}
    with pytest.raises(InputError, match=r"30 rows of a group in 'customer' .* the first 'c0' in row 1"):
        prepared(three / "t.csv", **asked)
    held_out = of_new_customers(orders()[90:])
    held_out.write_csv(three / "h.csv")
    assert len(prepared(three / "t.csv", **asked).truth["test"]) == 30
    held_out.drop("customer").write_csv(three / "h.csv")
    assert any(
        "lacks the column 'customer': whether" in sentence for sentence in prepared(three / "t.csv", **asked).said
    )


def test_rows_for_test_that_are_not_later_than_those_for_training_are_said(three):
    asked = {"split": "time=year", "test": str(three / "h.csv")}
    assert not any("not later" in sentence for sentence in prepared(three / "t.csv", **asked).said)
    orders()[:5].write_csv(three / "h.csv")
    said = prepared(three / "t.csv", **asked).said
    assert any(
        "5 rows of" in sentence and "not later than the last training row by 'year'" in sentence for sentence in said
    )


def test_categories_that_are_numbers_or_dates_may_hold_others_at_prediction(tmp_path):
    frame = orders().with_columns(when=pl.date(2024, 1, 1 + pl.int_range(pl.len()) % 3))
    frame.write_parquet(tmp_path / "t.parquet")
    ready = prepared(tmp_path / "t.parquet", types={"zip": "category", "when": "category"})
    column = column_of(ready, "zip")
    _, unknown = column.places(pl.Series("zip", [99999, 88888]), np.arange(2))
    assert (unknown.strange, unknown.numbers) == (2, False)
    assert column_of(ready, "when").categories == ["2024-01-01", "2024-01-02", "2024-01-03"]


def test_weights_that_are_together_beyond_float32_are_refused(tmp_path):
    orders().with_columns(w=pl.lit("1e308")).write_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match="weight 'w' has numbers that are together inf, expected below 1e"):
        prepared(tmp_path / "t.csv", weight="w")


def test_a_share_that_is_no_number_is_refused_as_such(table):
    with pytest.raises(InputError, match="test is nan, expected a fraction"):
        prepared(table, test=float("nan"))


def test_two_types_of_one_column_are_refused():
    with pytest.raises(InputError, match="types names column 'a' twice"):
        types_of(["a=number,a=category"])


def test_a_word_among_numbers_to_predict_is_named_with_the_option_that_helps(tmp_path):
    cells = ["n/k" if k % 9 == 0 else f"{k * 1.7:.1f}" for k in range(120)]
    orders().with_columns(price=pl.Series(cells)).write_csv(tmp_path / "t.csv")
    for asked in ({}, {"task": "regression"}):
        with pytest.raises(InputError, match="--missing 'n/k'"):
            prepared(tmp_path / "t.csv", "price", **asked)
    assert not prepared(tmp_path / "t.csv", "price", missing=("n/k",)).target.classifies
