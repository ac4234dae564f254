"""A finished run in Python: load_run."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from backtalk import FileFormatError, InputError, InputTypeError, Network, from_onnx, gradients, load_run, to_onnx
from backtalk.apps.tables import Options, evaluate, predict, train

RNG = np.random.default_rng(0)
ROWS = 80
NUMBER = RNG.normal(size=ROWS)
TABLE = pl.DataFrame({"a": NUMBER, "word": RNG.choice(["x", "y"], ROWS), "kind": np.where(NUMBER > 0, "up", "down")})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "run"
    train(TABLE, place, Options("kind", hidden=(4,), epochs=5, members=2))
    return place


def test_a_run_predicts_and_evaluates_as_its_folder_does(folder):
    run = load_run(folder)
    for rows in (TABLE, TABLE.head(1), TABLE.to_pandas()):
        assert run.predict(rows).equals(predict(folder, rows)[0])
    assert run.evaluate(TABLE) == evaluate(folder, TABLE)[0]


def test_a_run_says_what_it_is(folder):
    run = load_run(folder)
    assert repr(run).startswith("Run: kind from 2 columns, classification, learned from 80 rows in ")
    assert (run.target, run.task, run.classes) == ("kind", "classification", ["down", "up"])
    assert [column["name"] for column in run.columns] == ["a", "word"]
    assert run.metrics == json.loads((folder / "metrics.json").read_text())
    assert len(run.members) == 2
    X, y = run.inputs(TABLE)
    assert gradients(run.network, X, y).h[0].shape == X.shape


def test_what_there_is_to_say_of_a_table_is_a_warning(folder):
    run = load_run(folder)
    with pytest.warns(UserWarning, match="'z', never seen in training"):
        run.predict(TABLE.with_columns(word=pl.lit("z")))
    with pytest.raises(InputError, match="lacks the column 'word'"):
        run.predict(TABLE.select("a"))


def test_a_run_explains_rows(folder):
    found = load_run(folder).explain(TABLE, rows=[1, 3])
    assert found.contributions.shape == (2, 2)
    assert load_run(folder).explain(TABLE.drop("kind"), [1]).contributions.shape == (1, 2)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist, expected the folder of a run"):
        load_run(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no preprocessing\.json"):
        load_run(tmp_path)
    (tmp_path / "preprocessing.json").write_text("{")
    with pytest.raises(FileFormatError):
        load_run(tmp_path)


def test_a_run_in_onnx_takes_the_columns(folder, tmp_path):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    for name, given in {"run": load_run(folder), "folder": folder, "text": str(folder)}.items():
        path = tmp_path / f"{name}.onnx"
        to_onnx(given, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        fed = {"a": TABLE["a"].to_numpy()[:, None], "word": TABLE["word"].to_numpy().astype(object)[:, None]}
        label, probabilities = session.run(["label", "probabilities"], fed)
        expected = predict(folder, TABLE)[0]
        assert label.tolist() == expected["prediction"].to_list()
        assert abs(probabilities - expected[:, 1:].to_numpy()).max() < 1e-6
    with pytest.raises(FileFormatError, match="cannot be read"):
        from_onnx(tmp_path / "run.onnx")


def test_what_is_neither_a_network_nor_a_run_is_refused(tmp_path):
    with pytest.raises(InputTypeError, match=r"network is a list, expected a backtalk\.Network, a run or its folder"):
        to_onnx([Network.create([2, 1], rng=0)], tmp_path / "n.onnx")


def test_a_row_alone_is_read_as_among_others(folder):
    run = load_run(folder)
    odd = pl.DataFrame(
        {
            "a": [0.5, None, np.nan, np.inf, 1e300, -2.0] * 20,
            "word": ["x", "y", None, "X ", "unknown", "z"] * 20,
        }
    )
    encode = run.model.preprocessing.inputs_of
    together, unknown = encode(odd, np.arange(120))
    for row in range(6):
        alone, found = encode(odd[[row]], np.arange(row, row + 1))
        assert (alone == together[row]).all()
        assert [each.strange for each in found] == [int(row in (3, 4)), int(row in (3, 5))]
    assert [each.present for each in unknown] == [80, 80]


def test_rows_to_explain_are_a_list_of_numbers(folder):
    for rows in (3, None, [[3]]):
        with pytest.raises(InputTypeError, match=r"^rows is .*, expected the numbers of rows, such as \[12\]"):
            load_run(folder).explain(TABLE, rows)


def test_a_table_whose_weights_are_all_zero_is_refused(tmp_path):
    table = TABLE.with_columns(weight=pl.lit(2.0))
    train(table, tmp_path / "run", Options("kind", hidden=(4,), epochs=1, members=2, weight="weight"))
    run, nothing = load_run(tmp_path / "run"), table.with_columns(weight=pl.lit(0.0))
    for judge in (run.evaluate, run.inputs, run.column_gradients):
        with pytest.raises(InputError, match="weight 'weight' is 0 in all of its rows"):
            judge(nothing)


def test_numbers_that_are_all_the_same_have_no_r2(tmp_path):
    table = TABLE.select("a", y=pl.col("a") * 3 + 10, weight=pl.Series([1.0, 3.0] * 40))
    for weight in (None, "weight"):
        place = tmp_path / f"{weight}"
        train(table, place, Options("y", hidden=(4,), epochs=1, members=2, weight=weight))
        assert load_run(place).evaluate(table.with_columns(y=pl.lit(3.3)))["r2"] == 0


def test_scores_of_another_run_are_refused(tmp_path):
    for name, seed in (("run", 1), ("other", 2)):
        train(TABLE, tmp_path / name, Options("kind", hidden=(4,), epochs=1, members=2, seed=seed))
    (tmp_path / "other" / "metrics.json").replace(tmp_path / "run" / "metrics.json")
    with pytest.raises(FileFormatError, match=r"metrics\.json is of another run than .*preprocessing\.json"):
        load_run(tmp_path / "run")
