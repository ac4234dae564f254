"""The target column: which task, which classes, and what becomes of the rows that have none."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from backtalk.apps.tables import evaluate, predict, train
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.target import Target
from backtalk.errors import InputError
from one_network import Options


def learned(cells, task="auto", name="y"):
    return Target.learn(cells if isinstance(cells, pl.Series) else pl.Series(name, cells), task)


def encoded(target, cells):
    return target.encode(cells if isinstance(cells, pl.Series) else pl.Series("y", cells)).ravel().tolist()


# Classes


LARGE = 2**53


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series("y", [LARGE, LARGE + 1, LARGE + 2] * 5),
        pl.Series("y", [LARGE, LARGE + 1, LARGE + 2] * 5, dtype=pl.UInt64),
        pl.Series("y", [str(LARGE + k) for k in range(3)] * 5),
        pl.Series("y", [f"{LARGE + k:,}" for k in range(3)] * 5),
        pl.Series("y", [Decimal(LARGE + k) for k in range(3)] * 5),
        pl.Series("y", [f"{LARGE + k}.0" for k in range(3)] * 5),
    ],
    ids=lambda cells: f"{cells.dtype} {cells[0]}",
)
def test_whole_numbers_beyond_those_of_float64_are_classes_of_their_own(cells):
    target = learned(cells, "classification")
    assert target.classes == [str(LARGE + k) for k in range(3)]
    assert encoded(target, cells) == [0, 1, 2] * 5
    assert encoded(target, [str(LARGE + 1)]) == [1]


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        ([0.0, -0.0, 1.0] * 5, ["0", "1"]),
        (["0", "-0", "1"] * 5, ["0", "1"]),
        (["1", "1.0", "2", "2.00", "+2"] * 5, ["1", "2"]),
        (["1", "1.0", "2", "x", "x"] * 5, ["1", "2", "x"]),
        (["1", "1e0", "10", "1e1"] * 5, ["1", "10"]),
        (["yes", "Yes", "NO", "no"] * 5, ["NO", "Yes"]),
        (["true", "True", "FALSE", "false", "false"] * 5, ["false", "True"]),
        ([True, False] * 5, ["false", "true"]),
        (["A", "a", "b"] * 5, ["A", "a", "b"]),
        (["T", "F"] * 5, ["F", "T"]),
        (["01", "1"] * 5, ["01", "1"]),
        (["1.10", "1.1", "1.1.2"] * 5, ["1.1", "1.1.2", "1.10"]),
        (["None", "NA", "nan", "null"] * 5, ["NA", "None", "nan", "null"]),
        (["None", "low", None] * 5, ["None", "low"]),
        (["0"] * 40 + ["1"] * 40 + ["refused"] * 3, ["0", "1", "refused"]),
        (["0"] * 40 + ["1"] * 40 + ["NA"] * 3, ["0", "1", "NA"]),
        (["$0.10", "$0.20"] * 5, None),
    ],
    ids=str,
)
def test_one_class_has_one_label_however_it_is_written(cells, classes):
    target = learned(cells, "classification" if classes is None else "auto")
    present = [cell for cell in cells if cell is not None]
    if classes is None:
        assert target.classes == ["0.1", "0.2"]
    else:
        assert sorted(target.classes) == sorted(classes)
    assert {target.classes[k] for k in encoded(target, present)} == set(target.classes)


def test_numbers_come_in_order_and_words_after_them():
    assert learned(["10", "9", "other", "2"] * 5).classes == ["2", "9", "10", "other"]


def test_several_spellings_and_words_among_numbers_are_said():
    assert learned(["yes", "Yes", "NO", "no"] * 5).reason == "2 different truth values, written in 4 ways"
    reason = learned(["0"] * 40 + ["1"] * 40 + ["refused"] * 3).reason
    assert reason == (
        "2 different whole numbers, and 'refused'; 'refused' is a class: if it stands for what is missing, give "
        "--missing refused"
    )
    assert learned(["a", "b", "NA"] * 9).reason.endswith(
        "'NA' is a class: if it stands for what is missing, give --missing NA"
    )
    assert "bounds in 1 cell, such as <0.5" in learned([*[f"{k / 4 + 1:.2f}" for k in range(60)], "<0.5"]).reason


@pytest.mark.parametrize(
    ("cells", "others"),
    [
        ([True, False] * 5, [["True", "False"], ["TRUE", "FALSE"], ["true", "false"], [True, False]]),
        (["TRUE", "FALSE"] * 5, [["True", "False"], [True, False]]),
        ([2, 1] * 5, [["2", "1"], ["2.0", "1.0"], [2.0, 1.0], ["+2", "01e0"]]),
        ([2.0, 1.0] * 5, [["2", "1"], ["2.0", "1.0"], [2, 1]]),
        (["2,000", "1,000"] * 5, [["2,000", "1000"], [2000, 1000], [2000.0, 1000.0]]),
        (["2,5", "1,5", "1"] * 5, [[2.5, 1.5], ["2,50", "1,5"]]),
        (["2", "1", "x"] * 5, [["2.0", "1.0"], [2, 1]]),
    ],
)
def test_later_files_may_write_a_class_in_another_way(cells, others):
    target = learned(cells, "classification")
    expected = encoded(target, cells[:2])
    for other in others:
        assert encoded(target, other) == expected
    again = Target.from_json(target.to_json(), "file")
    assert encoded(again, others[0]) == expected


def test_a_class_in_one_row_is_trained_on_and_not_scored(tmp_path):
    frame = pl.DataFrame({"a": range(100), "b": range(50, 150), "y": ["x", "z"] * 49 + ["once", "x"]})
    for seed in range(3):
        ready = prepare(frame, Options("y", seed=seed))
        assert ready.said == ["'y' has the class 'once' in one row only: its row is trained on, and not scored."]
        place = ready.target.classes.index("once")
        assert {part: int((y == place).sum()) for part, y in ready.truth.items()} == {
            "training": 1, "validation": 0, "test": 0,
        }  # fmt: skip
    train(frame, tmp_path / "run", Options("y", epochs=2))


# The task


def counts_of(*rows, first=0):
    return [first + k for k, times in enumerate(rows) for _ in range(times)]


@pytest.mark.parametrize(
    ("name", "cells", "task"),
    [
        ("y", counts_of(50, 50), "classification"),
        ("y", counts_of(20, 30, 40, first=1), "classification"),
        ("age", counts_of(50, 50), "classification"),
        ("digit", counts_of(*[10] * 10), "classification"),
        ("y", counts_of(*[10] * 10), "classification"),
        ("quality", counts_of(10, 53, 681, 638, 199, 18, first=3), "classification"),
        ("Cover_Type", counts_of(2000, 2800, 350, 30, 90, 170, 200, first=1), "classification"),
        ("y", counts_of(258, 24, 53, 9, 7), "classification"),
        ("code", [10, 20, 30, 70] * 20, "classification"),
        ("y", [4, 6, 8] * 12, "classification"),
        ("killed", counts_of(900, 90, 9, 1), "regression"),
        ("y", counts_of(370, 360, 180, 60, 15, 3), "regression"),
        ("y", counts_of(200, 100, 50, 0, 3, 1), "regression"),
        ("age", counts_of(*[20] * 12, first=18), "regression"),
        ("Age", counts_of(*[20] * 5, first=1), "regression"),
        ("patientAge", counts_of(*[20] * 5, first=1), "regression"),
        ("number_of_doors", counts_of(*[20] * 4, first=2), "regression"),
        ("num_kids", counts_of(30, 30, 20, 20), "regression"),
        ("model year", counts_of(*[20] * 9, first=2000), "regression"),
        ("y", counts_of(*[20] * 9, first=2000), "regression"),
        ("y", list(range(30)) * 10, "regression"),
        ("y", [0.5, 1.5] * 50, "regression"),
    ],
)
def test_numbers_are_classes_or_amounts_by_their_name_and_their_frequencies(name, cells, task):
    for given in (cells, [str(cell) for cell in cells], [float(cell) for cell in cells]):
        target = learned(given, name=name)
        assert target.task == task, target.reason


def test_the_reason_names_the_option_where_it_may_be_wrong():
    assert learned(counts_of(900, 90, 9, 1)).reason == (
        "4 different whole numbers, taken for amounts; if they are classes, --task classification"
    )
    assert learned([4, 6, 8] * 12).reason == "3 different whole numbers; if they are amounts, --task regression"


def test_the_task_that_is_asked_for_always_holds():
    assert learned(counts_of(900, 90, 9, 1), "classification").classes == ["0", "1", "2", "3"]
    assert learned(list(range(30)) * 2, "classification").outputs == 30
    assert learned(["2024-01-01", "2024-01-02"] * 5, "classification").classes == ["2024-01-01", "2024-01-02"]
    for cells in ([True, False] * 5, ["yes", "no"] * 5, ["True", "FALSE"] * 5):
        target = learned(cells, "regression")
        assert encoded(target, cells[:2]) == [1, 0]
    target = learned(["007", "010"] * 5, "regression")
    assert encoded(target, ["007", "010"]) == [7, 10]
    with pytest.raises(InputError, match=r"has 30 classes in 30 rows: give --task regression if it is a number"):
        learned(range(30), "classification")
    with pytest.raises(InputError, match="--task classification if each date is a class"):
        learned(["2024-01-01", "2024-01-02"] * 5)


def test_words_for_what_is_missing_leave_rows_out_if_numbers_are_predicted():
    numbers = [f"{k / 7:.3f}" for k in range(40)]
    frame = pl.DataFrame({"a": range(44), "b": [1.5, 2.5] * 22, "y": [*numbers, "NA", "None", None, "n/a"]})
    ready = prepare(frame, Options("y"))
    assert ready.said == ["left out: 4 rows without a value of 'y'."]
    assert sum(len(y) for y in ready.truth.values()) == 40
    with pytest.raises(InputError, match="is '5' in every row"):
        learned(["5"] * 20 + ["NA"] * 3, "regression")


# Another table


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "age": rng.integers(20, 60, 120),
            "port": rng.choice(["C", "Q", "S"], 120),
            "when": [f"2024-01-{1 + k % 28:02d}" for k in range(120)],
            "y": rng.choice([True, False], 120),
        }
    )
    frame.write_parquet(folder / "t.parquet")
    train(folder / "t.parquet", folder / "run", Options("y", epochs=2, hidden=(4,)))
    return folder / "run", frame.head(12)


def test_a_run_on_truth_values_of_parquet_is_evaluated_on_csv(run):
    folder, frame = run
    expected = evaluate(folder, frame)[0]
    for words in (["True", "False"], ["TRUE", "FALSE"], ["true", "false"]):
        cells = [words[0] if cell else words[1] for cell in frame["y"]]
        scores, said = evaluate(folder, frame.with_columns(y=pl.Series(cells)))
        assert (scores, said) == (expected, [])


def test_rows_of_other_classes_are_counted_and_not_scored(run):
    folder, frame = run
    cells = [*frame["y"].cast(pl.String).head(9), "maybe", "maybe", None]
    scores, said = evaluate(folder, frame.with_columns(y=pl.Series(cells)))
    assert scores["rows"] == 9
    assert said == [
        "left out: 1 row without a value of 'y'.",
        "left out: 2 rows in which 'y' is no class of the training (such as 'maybe').",
    ]


def test_a_cell_that_cannot_be_read_counts_as_missing_and_is_named(run):
    folder, frame = run
    cells = [*frame["age"].cast(pl.String).head(10), "Hammett", "Chandler"]
    changed = frame.with_columns(age=pl.Series(cells))
    predictions, said = predict(folder, changed)
    (sentence,) = said
    assert "column 'age' holds 'Hammett' in row 11, but was a number in training, and 1 row more has" in sentence
    assert "they count as missing, so as the median" in sentence
    gaps, told = predict(folder, frame.with_columns(age=pl.Series([*frame["age"].head(10), None, None])))
    assert predictions.equals(gaps)
    assert told == [
        f"column 'age' has missing values, and had none in training: they count as {sentence.split('as ')[-1]}"
    ]
    with pytest.raises(
        InputError, match="column 'age' holds 'Hammett' in row 11, but was a number in training: correct"
    ):
        predict(folder, changed, strict=True)


@pytest.mark.parametrize(
    ("name", "cell", "words"),
    [
        ("age", "1e400", "beyond any number that can be computed with"),
        ("age", "-inf", "beyond any number that can be computed with"),
        ("age", "1e300", "too far from the numbers of the training to be scaled"),
        ("when", "soon", "but was a date in training"),
    ],
)
def test_each_kind_of_strange_cell_is_said(run, name, cell, words):
    folder, frame = run
    cells = [*frame[name].cast(pl.String).head(11), cell]
    _, said = predict(folder, frame.with_columns(pl.Series(name, cells)))
    assert [f"column '{name}' holds '{cell}' in row 12, {words}: it counts as missing" in each for each in said] == [
        True
    ]


@pytest.mark.parametrize("name", ["age", "when"])
def test_a_column_that_holds_nothing_of_its_kind_is_another_one(run, name):
    folder, frame = run
    with pytest.raises(InputError, match=f"column '{name}' holds 'x' in row 1, but was .*: is it another column"):
        predict(folder, frame.with_columns(pl.lit("x").alias(name)))
    assert len(predict(folder, frame.head(1).with_columns(pl.lit("x").alias(name)))[1]) == 1  # nobody can tell


def test_what_is_missing_only_at_prediction_is_said():
    frame = pl.DataFrame({"n": [1.0, 2, 4] * 4, "w": ["x", "y", "y"] * 4, "b": [True, True, False] * 4})
    preprocessing = Preprocessing.learn(frame, np.arange(12))
    X, said = preprocessing.transform(pl.DataFrame({"n": [None], "w": [None], "b": [None]}, schema=frame.schema))
    assert said == [
        "column 'n' has missing values, and had none in training: they count as the median 2.",
        "column 'b' has missing values, and had none in training: they count as the median.",
        "column 'w' has missing values, and had none in training: they count for nothing.",
    ]
    expected, _ = preprocessing.transform(pl.DataFrame({"n": [2.0], "w": ["x"], "b": [True]}))
    assert X[0, :2].tolist() == expected[0, :2].tolist()
    assert X[0, 2:].tolist() == [0, 0]


def test_among_rare_categories_a_missing_one_counts_for_nothing():
    frame = pl.DataFrame({"w": ["x", "y"] * 5 + ["rare"]})
    preprocessing = Preprocessing.learn(frame, np.arange(11))
    assert preprocessing.inputs == ["w = x", "w = y", "w = (other)"]
    X, said = preprocessing.transform(pl.DataFrame({"w": ["new", None]}))
    assert X.tolist() == [[0, 0, 1], [0, 0, 0]]
    assert said == ["column 'w' has missing values, and had none in training: they count for nothing."]
