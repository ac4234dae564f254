"""Columns, target, training in a folder, predictions: from a table to its scores."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from backtalk import DivergedError, TrainingInterrupted, load
from backtalk.apps.tables import evaluate, predict, resume, train
from backtalk.apps.tables.columns import CYCLES, LEFT_OUT
from backtalk.apps.tables.folder import CHECKPOINT, HISTORY, METRICS, MODEL, PREPROCESSING, REPORT, RUN
from backtalk.apps.tables.learning import learn
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.target import Target
from backtalk.apps.tables.unknown import say_of
from backtalk.errors import FileFormatError, InputError, UnknownNameError
from limits import LIMIT
from one_network import Options

FILES = {RUN, MODEL, CHECKPOINT, PREPROCESSING, HISTORY, METRICS, REPORT}


def passengers(count=300):
    """A table with all kinds of columns; who survives follows from sex, class and age."""
    rng = np.random.default_rng(1)
    sex, cabin_class, age = rng.choice(["male", "female"], count), rng.integers(1, 4, count), rng.gamma(6, 5, count)
    chance = 1 / (1 + np.exp(-2.5 * (sex == "female") + 0.9 * cabin_class + 0.02 * age - 1.2))
    return pl.DataFrame(
        {
            "PassengerId": np.arange(1, count + 1),
            "name": [f"Person {i}" for i in range(count)],
            "survived": np.where(rng.random(count) < chance, "yes", "no"),
            "class": cabin_class,
            "sex": sex,
            "age": [None if rng.random() < 0.2 else float(a) for a in age.round(1)],
            "fare": [f"{x:,.2f}" for x in [*np.exp(rng.normal(7, 1, count - 1)), 1e9]],
            "port": [None if rng.random() < 0.1 else str(p) for p in rng.choice(["S", "C", "Q"], count)],
            "booked": [dt.date(1912, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 90, count)],
            "line": ["White Star"] * count,
            "crew": [None] * count,
            "alone": rng.choice(["yes", "no"], count),
        },
        schema_overrides={"crew": pl.String},
    )


@pytest.fixture(scope="module")
def titanic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("titanic")
    passengers().write_csv(folder / "t.csv")
    passengers().write_parquet(folder / "t.parquet")
    return folder


@pytest.fixture(scope="module")
def run(titanic):
    result = train(titanic / "t.csv", titanic / "run", Options("survived", epochs=30))
    return titanic / "run", result


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    data = load_iris()
    path = tmp_path_factory.mktemp("iris") / "iris.csv"
    frame = pl.DataFrame(data.data, schema=list("abcd")).with_columns(kind=data.target_names[data.target])
    frame.write_csv(path)
    return path


# Columns


def learned(cells, name="a"):
    return learn(pl.Series(name, cells), np.arange(len(cells)))


def test_each_column_of_a_table_is_what_it_looks_like(titanic):
    ready = prepare(titanic / "t.csv", Options("survived"))
    kinds = {column.name: column.kind for column in ready.preprocessing.columns}
    assert kinds == {
        "PassengerId": LEFT_OUT, "name": LEFT_OUT, "class": "number", "sex": "category", "age": "number",
        "fare": "number", "port": "category", "booked": "date", "line": LEFT_OUT, "crew": LEFT_OUT, "alone": "yes/no",
    }  # fmt: skip
    remarks = {column.name: column.remark for column in ready.preprocessing.columns}
    assert "an identifier" in remarks["PassengerId"]
    assert "different texts" in remarks["name"]
    assert remarks["line"] == "one value only: White Star"
    assert remarks["crew"] == "every value is missing"
    assert "missing" in remarks["age"]
    assert "with separators" in remarks["fare"]
    assert "by ranks" in remarks["fare"]


def test_csv_and_parquet_of_the_same_table_give_the_same_inputs(titanic):
    of_csv, of_parquet = (prepare(titanic / name, Options("survived")) for name in ("t.csv", "t.parquet"))
    assert of_csv.preprocessing.inputs == of_parquet.preprocessing.inputs
    np.testing.assert_array_equal(of_csv.parts["test"][0], of_parquet.parts["test"][0])


def test_the_inputs_are_those_of_scikit_learns_transformers():
    rng = np.random.default_rng(0)
    far = np.concatenate([rng.normal(size=399), [1e6]])
    numbers = rng.normal(3, 2, size=(400, 2))
    numbers[rng.random((400, 2)) < 0.1] = np.nan
    words = rng.choice(["x", "y", "z"], 400).astype(object)
    columns = {"p": numbers[:, 0], "q": numbers[:, 1], "far": far, "word": words}
    frame = pl.DataFrame(columns).with_columns(pl.col("p", "q").fill_nan(None))
    X, said = Preprocessing.learn(frame, np.arange(400)).plain.transform(frame)
    table = np.column_stack([numbers, far, words]).astype(object)
    ranks = QuantileTransformer(n_quantiles=101, output_distribution="normal", subsample=2**62)
    reference = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [0, 1]),
        (ranks, [2]),
        ("passthrough", []),
        (OneHotEncoder(sparse_output=False), [3]),
    ).fit_transform(table)
    reference = np.insert(reference.astype(float), [3, 3], np.isnan(numbers), axis=1)
    np.testing.assert_allclose(X, reference, rtol=1e-6, atol=1e-6)
    assert said == []


def test_every_input_is_of_one_column():
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=9 * k) for k in range(40)]
    numbers = [None if k == 3 else k % 11 + 0.5 for k in range(40)]
    frame = pl.DataFrame({"word": ["x", "y"] * 20, "n": numbers, "one": [1] * 40, "when": days})
    preprocessing = Preprocessing.learn(frame, np.arange(40))
    groups, inputs = preprocessing.groups, preprocessing.inputs
    assert list(groups) == preprocessing.used == ["word", "n", "when"]
    assert sorted(place for places in groups.values() for place in places) == list(range(len(inputs)))
    assert all(inputs[place].startswith(name) for name, places in groups.items() for place in places)


def test_what_was_learned_comes_back_from_json_to_the_bit(titanic):
    ready = prepare(titanic / "t.csv", Options("survived"))
    inputs = passengers().drop("survived")
    again = Preprocessing.from_json(json.loads(json.dumps(ready.preprocessing.to_json())), "file")
    np.testing.assert_array_equal(again.transform(inputs)[0], ready.preprocessing.transform(inputs)[0])
    with pytest.raises(FileFormatError, match="cannot be read"):
        Preprocessing.from_json([{"colour": "red"}], "file")


def test_dates_become_days_and_waves():
    column = learned(["2024-01-01", "2024-07-01", "2024-12-31"] * 2)
    assert column.numbers == [
        "a", "a: time of year, sine", "a: time of year, cosine", "a: day of week, sine", "a: day of week, cosine",
    ]  # fmt: skip
    values = column.values(pl.Series("a", ["1970-01-02", None]))
    assert values[0, 0] == 1
    assert np.isnan(values[1]).all()
    assert "a: time of day, sine" in learned(["2024-01-01 10:00", "2024-07-01 11:00"]).numbers


@pytest.mark.parametrize(
    ("dates", "cycles", "said"),
    [
        (["2024-01-01 06:30", "2024-03-05 06:30", "2024-07-11 06:30"], "year week", "year and of the week"),
        (["2024-01-01", "2024-01-08", "2024-03-04", "2024-07-01"], "year", "year"),
        ([f"{year}-01-01" for year in range(1950, 2030)], "week", "week"),
        (["2024-01-01 06:30", "2024-01-08 06:30", "2024-07-01 07:30"], "year week day", "year, of the week and of"),
        (["2023-12-31", "2023-12-31", "2024-01-01"], "week", "week"),
        (["1999-01-04", "2010-01-04", None], "", ""),
    ],
)
def test_a_cycle_in_which_all_dates_are_at_one_time_is_none(dates, cycles, said):
    column = learned(dates * 2)
    names = [f"a: {of}, {wave}" for of in CYCLES if of.split()[-1] in cycles.split() for wave in ("sine", "cosine")]
    assert column.numbers == ["a", *names]
    assert column.remark.startswith(f"as days, and as the time of the {said}" if said else "as days")
    assert column.fault == ""
    X = (column.values(pl.Series("a", dates)) - column.mean) / column.scale
    assert np.nanmax(np.abs(X)) < 100


@pytest.mark.parametrize("name", ["id", "row_id", "customerID", "Index", "column 1"])
def test_whole_numbers_that_are_all_distinct_are_identifiers_by_their_name(name):
    assert learned([3, 1, 2], name).kind == LEFT_OUT
    assert learned([3, 1, 1], name).kind == "number"
    assert learned([3, 1, 2], "paid").kind == "number"


def test_dates_with_the_year_first_are_read_however_they_are_written():
    times = [dt.datetime(2024, 1, 1, 8) + dt.timedelta(hours=7 * k) for k in range(30)]
    forms = ["%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M:%SZ"]
    cells = [pl.Series("when", times), *(pl.Series("when", [time.strftime(form) for time in times]) for form in forms)]
    columns = [learn(each, np.arange(30)) for each in cells]
    expected = columns[0].values(cells[0])
    for column in columns:
        assert all(np.array_equal(column.values(each), expected) for each in cells)


@pytest.mark.parametrize("center", [0.0, 1e15])
def test_numbers_too_large_to_be_scaled_are_taken_by_ranks(center):
    frame = pl.DataFrame({"x": center + np.random.default_rng(0).normal(size=100) * (4 if center else 1e300)})
    preprocessing = Preprocessing.learn(frame, np.arange(100))
    assert "taken by ranks" in preprocessing.columns[0].remark
    X, _ = preprocessing.transform(frame)
    assert np.isfinite(X).all()
    assert 0.5 < X.std() < 2
    tiny = learn(pl.Series("x", np.random.default_rng(0).normal(size=100) * 1e-300), np.arange(100))
    assert (tiny.kind, "too close to one another" in tiny.remark) == (LEFT_OUT, True)


def test_a_number_too_far_from_those_of_the_training_is_refused_with_its_place():
    preprocessing = Preprocessing.learn(pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 4.0]}), np.arange(3))
    with pytest.raises(InputError, match=r"column 'b' holds 1e\+300 in row 2, too far from the numbers"):
        preprocessing.transform(pl.DataFrame({"a": [1.0, 2.0], "b": [1.0, 1e300]}), strict=True)


def test_rare_categories_are_taken_together_and_missing_is_one_of_its_own():
    column = learned(["x"] * 5 + ["y"] * 5 + ["z", "w", None])
    assert column.categories == ["x", "y", "(other)", "(missing)"]
    places, unknown = column.places(pl.Series("a", ["z", "never", None, "x"]), np.arange(4))
    assert [column.categories[place] for place in places] == ["(other)", "(other)", "(missing)", "x"]
    assert say_of(column, unknown) == []


def test_unseen_categories_count_for_nothing_and_are_told():
    preprocessing = Preprocessing.learn(pl.DataFrame({"a": ["x", "y"] * 5}), np.arange(10))
    X, said = preprocessing.transform(pl.DataFrame({"a": ["x", "new"]}))
    assert X.tolist() == [[1, 0], [0, 0]]
    assert said == ["column 'a' holds 'new', never seen in training, in 1 row: it counts for nothing."]


def test_a_column_that_is_missing_or_of_another_kind_is_refused():
    frame = pl.DataFrame({"n": ["1", "2", "3"] * 5, "d": ["2024-01-01", "2024-01-02", "2024-01-03"] * 5})
    preprocessing = Preprocessing.learn(frame, np.arange(15))
    with pytest.raises(InputError, match="lacks the column 'n'"):
        preprocessing.transform(frame.drop("n"))
    with pytest.raises(InputError, match="column 'n' holds 'many' in row 2, but was a number in training"):
        preprocessing.transform(pl.DataFrame({"n": ["1", "many"], "d": ["2024-01-01"] * 2}), strict=True)
    with pytest.raises(InputError, match="column 'd' holds '5' in row 1, but was a date in training"):
        preprocessing.transform(pl.DataFrame({"n": ["1", "2"], "d": ["5", "6"]}))
    words = Preprocessing.learn(pl.DataFrame({"a": ["x", "y"] * 5}), np.arange(10))
    with pytest.raises(InputError, match=r"column 'a' holds numbers such as 1.*but was text"):
        words.transform(pl.DataFrame({"a": [1, 2]}))
    with pytest.raises(InputError, match="holds the date"):
        words.transform(pl.DataFrame({"a": [dt.date(2024, 1, 1)]}))


def test_infinite_cells_count_as_missing_in_training_and_are_told():
    frame = pl.DataFrame({"n": ["inf", "-inf", *map(str, range(8))]})
    preprocessing = Preprocessing.learn(frame, np.arange(10))
    assert preprocessing.inputs == ["n", "n is missing"]
    remark = "2 cells are infinite and count as missing; 2 of 10 missing, filled with the median 3.5"
    assert preprocessing.columns[0].remark == remark
    mixed = Preprocessing.learn(pl.DataFrame({"n": ["inf", "w", *map(str, range(30))]}), np.arange(32))
    assert mixed.columns[0].remark.startswith(
        "1 cell is infinite and counts as missing; 1 cell is no number and counts as missing: w; 2 of 32"
    )


@pytest.mark.parametrize("cell", ["1e400", "-inf", np.inf])
def test_a_number_that_cannot_be_computed_with_is_refused_as_that(cell):
    preprocessing = Preprocessing.learn(pl.DataFrame({"n": range(9)}), np.arange(9))
    held = f"column 'n' holds {cell!r} in row 2, beyond any number that can be computed with"
    with pytest.raises(InputError, match=held):
        preprocessing.transform(pl.DataFrame({"n": [type(cell)(1), cell]}), strict=True)


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e400"])
def test_an_infinite_target_is_refused_with_its_row(tmp_path, cell):
    numbers = [None, cell, *(f"{k / 7:.4f}" for k in range(20))]
    pl.DataFrame({"y": numbers, "a": range(22)}).write_csv(tmp_path / "t.csv")
    words = f"target 'y' holds '{cell}' in row 2, which is no number to learn: remove the row"
    for task in ("auto", "regression"):
        with pytest.raises(InputError, match=words):
            train(tmp_path / "t.csv", tmp_path / "run", Options("y", task=task))


def test_more_columns_than_in_training_are_told_and_not_used():
    preprocessing = Preprocessing.learn(pl.DataFrame({"a": [1, 2, 3]}), np.arange(3))
    X, said = preprocessing.transform(pl.DataFrame({"b": [5], "a": [2]}))
    assert X.tolist() == [[0]]
    assert said == ["not used, since the model does not know them: b."]


def test_a_table_without_a_column_to_learn_from_is_refused():
    frame = pl.DataFrame({"a": ["x"] * 3, "b": [None] * 3})
    with pytest.raises(InputError, match="no column to learn from"):
        Preprocessing.learn(frame, np.arange(3))


# Target


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        (["b", "a"] * 5, "classification", ["a", "b"]),
        (["10", "9"] * 5, "classification", ["9", "10"]),
        ([1.0, 2.0] * 5, "classification", ["1", "2"]),
        ([True, False] * 5, "classification", ["false", "true"]),
        (["1.5", "2.5"] * 5, "regression", []),
        (list(range(30)), "regression", []),
        ([1, 2, 3, 4], "regression", []),
        (["1,200", "3,400"] * 5, "classification", ["1200", "3400"]),
    ],
)
def test_the_task_is_told_from_the_target(cells, task, classes):
    target = Target.learn(pl.Series("y", cells), "auto")
    assert (target.task, target.classes) == (task, classes)


def test_the_task_can_be_asked_for():
    assert Target.learn(pl.Series("y", [0, 1] * 5), "regression").task == "regression"
    assert Target.learn(pl.Series("y", [0.5, 1.5] * 5), "classification").classes == ["0.5", "1.5"]
    with pytest.raises(UnknownNameError, match="classification"):
        Target.learn(pl.Series("y", [0, 1] * 5), "clasification")


@pytest.mark.parametrize(
    ("cells", "task", "words"),
    [
        ([5] * 20, "auto", "is 5 in every row"),
        (
            ["x"] * 4 + list("abcdefg"),
            "auto",
            "has 8 classes in 11 rows: if these are names, choose another target; if",
        ),
        (["2024-01-01", "2024-01-02"], "auto", "holds dates"),
        ([f"2:{minute:02}:30" for minute in range(60)], "auto", "write times as numbers, such as hours"),
        (["x", "y"] * 5, "regression", "expected numbers"),
        ([str(i) for i in range(99)] + ["abc"], "auto", "holds 'abc', expected finite numbers"),
        ([f"name {i // 2 * (i % 3)}" for i in range(400)], "auto", "if these are names, choose another target"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(cells, task, words):
    with pytest.raises(InputError, match=words):
        Target.learn(pl.Series("y", cells), task)


# Runs


def test_a_run_writes_its_folder_and_beats_the_most_frequent_class(run):
    folder, result = run
    assert {path.name for path in folder.iterdir()} == FILES
    scores = result.metrics["scores"]["test"]
    assert scores["accuracy"] > scores["accuracy_of_the_most_frequent_class"] + 0.05
    assert json.loads((folder / METRICS).read_text())["scores"]["test"] == scores
    assert load(folder / MODEL).sizes[-1] == 2
    assert "<svg" in (folder / REPORT).read_text()


def test_the_same_seed_gives_the_same_bytes(run, titanic, tmp_path):
    train(titanic / "t.csv", tmp_path / "run", Options("survived", epochs=30))
    for name in FILES - {RUN, CHECKPOINT}:
        assert (tmp_path / "run" / name).read_bytes() == (run[0] / name).read_bytes(), name


def test_a_regression_is_scored_in_the_units_of_the_target(tmp_path):
    data = load_diabetes()
    frame = pl.DataFrame(data.data, schema=list(data.feature_names)).with_columns(y=data.target)
    frame.write_parquet(tmp_path / "d.parquet")
    result = train(tmp_path / "d.parquet", tmp_path / "run", Options("y"))
    scores = result.metrics["scores"]["test"]
    assert scores["r2"] > 0.2
    assert 40 < scores["root_mean_squared_error"] < 70
    predictions, _ = predict(tmp_path / "run", tmp_path / "d.parquet")
    assert predictions.columns == ["prediction", "lower 0.9", "upper 0.9"]
    assert 100 < predictions["prediction"].mean() < 200
    everything, _ = evaluate(tmp_path / "run", tmp_path / "d.parquet")
    residual = predictions["prediction"].to_numpy() - data.target
    assert everything["mean_absolute_error"] == pytest.approx(np.abs(residual).mean())


def test_predictions_have_a_row_each_and_probabilities_that_sum_to_one(run, tmp_path):
    passengers(20).drop("survived", "PassengerId", "line").write_csv(tmp_path / "new.csv")
    predictions, said = predict(run[0], tmp_path / "new.csv")
    assert predictions.columns == ["prediction", "probability of no", "probability of yes"]
    assert said == []
    probabilities = predictions.select(pl.selectors.starts_with("probability")).to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert predictions["prediction"].to_list() == [["no", "yes"][k] for k in probabilities.argmax(axis=1)]


def test_evaluate_agrees_with_the_scores_of_training(run, titanic):
    scores, said = evaluate(run[0], titanic / "t.parquet")
    assert said == []
    parts = run[1].metrics["scores"].values()
    expected = sum(part["accuracy"] * part["rows"] for part in parts) / sum(part["rows"] for part in parts)
    assert scores["accuracy"] == pytest.approx(expected)


def test_evaluate_refuses_a_class_that_was_not_learned_and_a_table_without_target(run, tmp_path):
    passengers(20).drop("survived").write_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match="survived"):
        evaluate(run[0], tmp_path / "a.csv")
    frame = passengers(20).with_columns(survived=pl.lit("maybe"))
    frame.write_csv(tmp_path / "b.csv")
    with pytest.raises(InputError, match="'maybe', which is no class of the training"):
        evaluate(run[0], tmp_path / "b.csv")


def test_rows_without_a_target_are_left_out_and_told(tmp_path, flowers):
    lines = flowers.read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0] + ","
    (tmp_path / "t.csv").write_text("\n".join(lines))
    ready = prepare(tmp_path / "t.csv", Options("kind"))
    assert ready.said == ["left out: 1 row without a value of 'kind'."]
    assert sum(len(X) for X, _ in ready.parts.values()) == 149


def test_the_parts_are_disjoint_and_hold_each_class_by_its_share(flowers):
    ready = prepare(flowers, Options("kind"))
    assert {part: np.bincount(y).tolist() for part, (_, y) in ready.parts.items()} == {
        "training": [35] * 3, "validation": [5] * 3, "test": [10] * 3,
    }  # fmt: skip


def test_the_parts_of_a_regression_have_small_and_large_numbers(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(1000) ** 2)
    pl.DataFrame({"x": rng.normal(size=1000), "y": y}).write_csv(tmp_path / "t.csv")
    ready = prepare(tmp_path / "t.csv", Options("y"))
    tenths = np.quantile(y, np.linspace(0, 1, 11))
    tenths[[0, -1]] += [-1, 1]  # the ends may round
    in_units = ready.parts["test"][1][:, 0].astype(float) * ready.target.scale + ready.target.mean
    assert np.histogram(in_units, tenths)[0].tolist() == [20] * 10


def test_the_error_for_a_target_in_a_wide_table_names_a_few_columns(tmp_path):
    (tmp_path / "t.csv").write_text(",".join(f"column_{i}" for i in range(500)) + "\n" + ",".join("1" * 500) + "\n")
    with pytest.raises(UnknownNameError, match="did you mean") as error:
        prepare(tmp_path / "t.csv", Options("colum_7"))
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "changed",
    [
        {"optimizer": "lbfgs", "epochs": 20},
        {"class_weight": "balanced", "epochs": 5},
        {"validation": 0.0, "test": 0.0, "epochs": 3},
        {"hidden": (), "epochs": 3},
        {"schedule": "cosine", "dropout": 0.2, "clip_norm": 1.0, "epochs": 3, "batch_size": 10},
        {"loss": "cross_entropy(label_smoothing=0.1)", "activation": "gelu", "epochs": 3},
    ],
    ids=str,
)
def test_options_reach_the_training(flowers, tmp_path, changed):
    result = train(flowers, tmp_path / "run", Options("kind", **changed))
    assert (
        len(result.metrics["trainings"][0]["losses"]) == result.metrics["trainings"][0]["epochs"] <= changed["epochs"]
    )
    assert (tmp_path / "run" / REPORT).exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"target": "knd"}, "did you mean 'kind'"),
        ({"loss": "squared_error"}, "expected cross_entropy"),
        ({"test": 0.6, "validation": 0.5}, "leave no rows"),
        ({"test": -0.1}, "fraction"),
        ({"optimizer": "adamm"}, "did you mean"),
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"class_weight": "heavy"}, "class_weight"),
        ({"checkpoint_seconds": -1.0}, "every_seconds"),
    ],
)
def test_wrong_options_are_refused_and_leave_nothing(flowers, tmp_path, changed, words):
    with pytest.raises((InputError, TypeError), match=words):
        train(flowers, tmp_path / "run", Options(**{"target": "kind", **changed}))
    assert list(tmp_path.iterdir()) == []


def test_options_are_refused_before_the_table_is_read(tmp_path):
    with pytest.raises(UnknownNameError, match="schedule"):
        prepare(tmp_path / "none.csv", Options("y", schedule="cosin"))


@pytest.mark.parametrize("seed", [0, 2])
def test_a_number_that_float32_does_not_hold_gives_no_scores_among_the_test_rows_and_is_refused_elsewhere(
    tmp_path, seed
):
    a = np.random.default_rng(0).normal(size=(300, 2))
    y = a[:, 0].copy()
    y[7] = 1e40
    pl.DataFrame({"a": a[:, 0], "b": a[:, 1], "y": y}).write_csv(tmp_path / "t.csv")
    options = Options("y", hidden=(4,), epochs=1, seed=seed)
    if seed == 2:  # a training row
        with pytest.raises(InputError, match=r"beyond 3\.4e38, the largest of float32: divide them first"):
            train(tmp_path / "t.csv", tmp_path / "run", options)
        return
    result = train(tmp_path / "t.csv", tmp_path / "run", options)
    assert result.said == ["test rows: 1 row of 'y' too far from the others for float32: no scores."]
    metrics = json.loads((tmp_path / "run" / METRICS).read_text(), parse_constant=pytest.fail)
    assert metrics["scores"]["test"]["r2"] is None
    assert metrics["scores"]["training"]["r2"] is not None
    assert (tmp_path / "run" / REPORT).read_text().count("<svg") > 2


def test_a_poisson_regression_predicts_above_zero(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = rng.poisson(np.exp(1 + x))
    pl.DataFrame({"x": x, "y": y}).write_csv(tmp_path / "t.csv")
    result = train(tmp_path / "t.csv", tmp_path / "run", Options("y", task="regression", loss="poisson_deviance"))
    assert result.metrics["scores"]["test"]["r2"] > 0.5
    assert predict(tmp_path / "run", tmp_path / "t.csv")[0]["prediction"].min() > 0


@pytest.mark.parametrize(
    ("loss", "output", "what"),
    [("focal", None, "probability"), ("squared_error", "softmax", "probability"), ("categorical_hinge", None, "score")],
)
def test_classes_are_learned_by_any_loss_of_classes_and_with_softmax_by_any_loss(flowers, tmp_path, loss, output, what):
    result = train(flowers, tmp_path / "run", Options("kind", loss=loss, output=output, epochs=40))
    scores = result.metrics["scores"]["test"]
    assert scores["accuracy"] > 0.8
    assert ("log_loss" in scores) == (what == "probability")  # of outputs that are a distribution
    columns = predict(tmp_path / "run", flowers)[0].columns
    assert all(name.startswith(what) for name in columns[1:])
    assert (
        load(tmp_path / "run" / MODEL).head == prepare(flowers, Options("kind", loss=loss, output=output)).network.head
    )


def test_a_gaussian_likelihood_predicts_means_and_deviations_in_units_of_the_table(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 600)
    pl.DataFrame({"x": x, "y": 100 + 50 * x + 5 * rng.normal(size=600)}).write_csv(tmp_path / "t.csv")
    result = train(tmp_path / "t.csv", tmp_path / "run", Options("y", loss="gaussian_nll", l2_penalty=0.0))
    scores = result.metrics["scores"]["test"]
    assert scores["r2"] > 0.8
    assert 0.5 < scores["share_within"] < 0.85  # 0.68 of a normal distribution
    found = predict(tmp_path / "run", tmp_path / "t.csv")[0]
    assert 4 < found["standard deviation"].mean() < 6.5
    assert evaluate(tmp_path / "run", tmp_path / "t.csv")[0]["share_within"] == pytest.approx(0.68, abs=0.1)


def test_the_target_is_scaled_as_the_output_can_reach_it(tmp_path):
    x = np.linspace(1, 2, 200)
    pl.DataFrame({"x": x, "y": 1000 * x}).write_csv(tmp_path / "t.csv")
    scaled = prepare(tmp_path / "t.csv", Options("y", output="softplus")).target
    assert (scaled.mean, scaled.scale > 100) == (0, True)
    ready = prepare(tmp_path / "t.csv", Options("y", output="sigmoid"))
    assert (ready.target.mean, ready.target.scale) == (0, 1)
    assert any("cannot be reached: the output sigmoid gives 0 to 1" in sentence for sentence in ready.said)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"loss": "squared_error"},
            "^loss is 'squared_error', but the task is classification: expected cross_entropy, ",
        ),
        ({"loss": "gaussian_nll"}, "^loss is 'gaussian_nll', but the task is classification"),
        ({"output": "sofmax"}, "did you mean 'softmax'"),
        ({"target": "a", "loss": "focal"}, "^loss is 'focal', but the task is regression: expected squared_error, "),
        ({"target": "a", "output": "softmax"}, "^output is 'softmax', which is always 1 for a single number"),
    ],
)
def test_a_loss_or_an_output_function_that_does_not_suit_the_task_is_refused(flowers, changed, words):
    with pytest.raises((InputError, UnknownNameError), match=words):
        prepare(flowers, Options(**{"target": "kind", **changed}))


def test_a_folder_that_holds_something_is_refused(flowers, tmp_path):
    options = Options("kind", epochs=1)
    train(flowers, tmp_path / "run", options)
    with pytest.raises(InputError, match="already holds a run: give --overwrite"):
        train(flowers, tmp_path / "run", options)
    train(flowers, tmp_path / "run", options, overwrite=True)
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"also holds notes.txt"):
        train(flowers, tmp_path / "run", options, overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        train(flowers, tmp_path / "other", options, overwrite=True)
    with pytest.raises(InputError, match="is a file"):
        train(flowers, tmp_path / "other" / "notes.txt", options)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_training_that_diverges_leaves_the_earlier_run_as_it_was(flowers, tmp_path):
    train(flowers, tmp_path / "run", Options("kind", epochs=2))
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(DivergedError):
        train(
            flowers,
            tmp_path / "run",
            Options("kind", optimizer="sgd(learning_rate=1e30)", activation="identity"),
            overwrite=True,
        )
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


# Stop and go on


def same_results(one, other):
    for name in (MODEL, METRICS):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_run_that_is_interrupted_goes_on_to_the_same_bits(run, titanic, tmp_path):
    def interrupt(progress):
        if progress.epoch == 7:
            raise KeyboardInterrupt

    options = Options("survived", epochs=30)
    with pytest.raises(TrainingInterrupted):
        train(titanic / "t.csv", tmp_path / "run", options, progress=interrupt)
    assert not (tmp_path / "run" / MODEL).exists()
    with pytest.raises(InputError, match="resume"):
        predict(tmp_path / "run", titanic / "t.csv")
    result = resume(tmp_path / "run")
    assert result.metrics == run[1].metrics
    same_results(tmp_path / "run", run[0])
    epochs = [json.loads(line)["epoch"] for line in (tmp_path / "run" / HISTORY).read_text().splitlines()]
    assert epochs == list(range(1, result.metrics["trainings"][0]["epochs"] + 1))


def test_an_epoch_whose_line_was_never_written_is_filled_in_from_the_checkpoint(run, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for path in run[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    lines = (folder / HISTORY).read_text().splitlines(keepends=True)
    (folder / HISTORY).write_text("".join(lines[:-1]) + lines[-1][:10])
    resume(folder)
    last = json.loads((folder / HISTORY).read_text().splitlines()[-1])
    whole = json.loads(lines[-1])
    nothing = {"validation_score": None, "learning_rate": None, "layers": []}
    assert last == whole | nothing
    same_results(folder, run[0])


def test_a_run_that_had_ended_gives_its_result_again(run):
    before = {name: (run[0] / name).read_bytes() for name in (MODEL, METRICS, REPORT, HISTORY)}
    assert resume(run[0]).metrics == run[1].metrics
    assert {name: (run[0] / name).read_bytes() for name in before} == before


def test_a_run_without_a_checkpoint_yet_begins_again(run, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (RUN, PREPROCESSING):
        (folder / name).write_bytes((run[0] / name).read_bytes())
    resume(folder)
    same_results(folder, run[0])


def test_a_table_that_changed_is_refused_and_one_that_moved_is_named(run, titanic, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for path in run[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    facts = json.loads((folder / RUN).read_text())
    (folder / RUN).write_text(json.dumps(facts | {"table": str(tmp_path / "gone.csv")}))
    with pytest.raises(InputError, match="no longer there"):
        resume(folder)
    with pytest.raises(InputError, match="not what it was"):
        resume(folder, titanic / "t.parquet")
    assert resume(folder, titanic / "t.csv").metrics == run[1].metrics


def test_a_run_that_is_killed_goes_on_to_the_same_bits(run, titanic, tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from backtalk.apps.tables import train;"
        "sys.path.insert(0, sys.argv[3]); from one_network import Options;"
        "train(Path(sys.argv[1]), Path(sys.argv[2]), Options('survived', epochs=30, checkpoint_seconds=0.001),"
        " progress=lambda progress: time.sleep(0.02))"
    )
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", code, titanic / "t.csv", folder, os.path.dirname(__file__)])
    deadline = time.monotonic() + LIMIT
    while not (folder / CHECKPOINT).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / MODEL).exists()
    resume(folder)
    same_results(folder, run[0])


@pytest.mark.parametrize("name", [RUN, PREPROCESSING])
def test_a_folder_that_is_no_run_or_is_damaged_is_refused(flowers, tmp_path, name):
    use = resume if name == RUN else lambda folder: predict(folder, flowers)
    with pytest.raises(InputError, match="does not exist"):
        use(tmp_path / "none")
    with pytest.raises(InputError, match="not the folder of a run"):
        use(tmp_path)
    train(flowers, tmp_path / "run", Options("kind", epochs=1))
    for content in ("", "[]", "{", '{"version": 99}', '{"version": 1}'):
        (tmp_path / "run" / name).write_text(content)
        with pytest.raises(FileFormatError):
            use(tmp_path / "run")
