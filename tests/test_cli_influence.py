"""``backtalk influence``: what it answers, writes and refuses; and that the run is trained again to the bit."""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import polars as pl
import pytest

from backtalk import InputError, influence, retrain
from backtalk.apps import tables
from backtalk.apps.tables.again import train_again
from backtalk.apps.tables.influence import influences_on, rows_to_ask, self_influences
from one_network import Options


def flowers(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    length, width = rng.normal(size=(2, rows)).round(3)
    kind = np.where(length + width > 0, "rose", "lily")
    return pl.DataFrame({"name": [f"f{k}" for k in range(rows)], "length": length, "width": width, "kind": kind})


TRAINED, NEW = flowers(60, 0), flowers(8, 1)
WRONG = 17  # its label, counted from 0; and it lies far from the other class
TRAINED[WRONG, "length"], TRAINED[WRONG, "width"], TRAINED[WRONG, "kind"] = 1.5, 1.0, "lily"
SMALL: dict[str, Any] = {"hidden": (8,), "activation": "tanh", "id": "name", "epochs": 12, "patience": 4}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A table, a run with folds and early stopping, and new rows."""
    folder = tmp_path_factory.mktemp("flowers")
    TRAINED.write_csv(folder / "table.csv")
    NEW.write_csv(folder / "new.csv")
    NEW.drop("kind").write_csv(folder / "bare.csv")
    tables.train(folder / "table.csv", folder / "run", tables.Options("kind", **SMALL))
    return folder


@pytest.fixture
def ask(call, place, monkeypatch):
    monkeypatch.chdir(place)
    return lambda *arguments: call("influence", *arguments)


def test_proponents_and_opponents_of_new_rows(ask):
    code, out, err = ask("run", "new.csv", "--top", 3, "--agreement", 3)
    assert (code, err) == (0, "")
    assert "row 1 of new.csv: 'rose' is predicted, as in the table" in out or "row 1 of new.csv: 'lily'" in out
    assert out.count("lowered its loss") == out.count("raised its loss") == len(NEW)
    assert "trained again 3 times without 30 rows each" in out


def test_a_table_without_the_target_is_asked_about_its_predictions(ask):
    code, out, err = ask("run", "bare.csv", "--agreement", 0, "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert facts["agreement"] is None
    assert facts["rows"][0]["truth"] is None
    assert any("the loss is that of the prediction" in each for each in facts["said"])


def test_the_row_with_the_wrong_label_is_the_most_suspicious(ask):
    code, out, _ = ask("run", "--out", "suspects.csv")
    assert code == 0
    first = pl.read_csv("suspects.csv").row(0, named=True)
    assert (first["training_row"], first["training_target"], first["prediction"]) == (WRONG + 1, "lily", "rose")
    assert f"row {WRONG + 1} " in out


def test_all_of_it_in_files(ask, place):
    code, _, _ = ask("run", "new.csv", "--agreement", 0, "--top", 2, "--out", "all.csv", "--full-matrix", "all.npz")
    assert code == 0
    rows, kept = pl.read_csv("all.csv"), np.load("all.npz")
    assert kept["influence"].shape == (len(NEW), len(TRAINED))
    best = rows.filter(kind="proponent", rank=1).sort("row")
    places = kept["influence"].argmax(axis=1)
    assert best["training_row"].to_list() == kept["training_rows"][places].tolist()
    assert best["name"].to_list() == TRAINED["name"].gather(places).to_list()
    np.testing.assert_allclose(best["influence"], kept["influence"].max(axis=1))
    assert ask("run", "new.csv", "--agreement", 3, "--top", 2, "--out", "all.html")[0] == 0
    page = (place / "all.html").read_text()
    assert page.count("Lowered its loss") == len(NEW)
    assert "Checked" in page


def test_the_run_is_trained_again_to_the_bit(place):
    again = train_again(place / "run")
    assert len(again.recordings) == 5
    ends = [retrain(each, [[]])[0] for each in again.recordings]
    assert all(np.array_equal(end.W[1], each.W[1]) for end, each in zip(ends, again.run.members, strict=True))
    X, y = again.run.inputs(NEW)
    found = influences_on(again, rows_to_ask(again.run, NEW), "ekfac", k=4, agreement=0)
    expected = influence(again.recordings, again.ready.parts["training"], (X, y), method="ekfac", k=4, agreement=0)
    assert np.array_equal(found.found.proponents, expected.proponents)


def test_one_network_of_numbers_without_folds(tmp_path):
    table = TRAINED.drop("kind").with_columns(price=pl.col("length") * 3 + pl.col("width"))
    table.write_csv(tmp_path / "t.csv")
    tables.train(tmp_path / "t.csv", tmp_path / "run", Options("price", **SMALL))
    again = train_again(tmp_path / "run")
    assert len(again.recordings) == 1
    found = self_influences(again)
    assert len(found.scores) == len(again.ready.training_rows) == 42
    assert found.training.numbers.tolist() == (again.ready.training_rows + 1).tolist()
    with pytest.raises(InputError, match="has no column 'price', the target of the run"):
        rows_to_ask(again.run, table.drop("price"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "nothing.csv"], "nothing.csv: No such file"),
        (["nowhere", "new.csv"], "nowhere does not exist, expected the folder of a run"),
        (["run", "new.csv", "--method", "magic"], "method is 'magic', which is not known"),
        (["run", "new.csv", "--agreement", 1], "agreement is 1, expected 3 trainings or more, or 0"),
        (["run", "new.csv", "--out", "x.txt"], "expected FILE.csv or FILE.html"),
        (["run", "new.csv", "--out", "new.csv"], "out is new.csv, the table itself"),
        (["run", "--full-matrix", "all.npz"], "full-matrix is given without FILE"),
        (["run", "new.csv", "--training", "new.csv"], "new.csv is not what it was when this run began"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(ask, arguments, sentence):
    code, out, err = ask(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_run_that_is_another_when_trained_again_is_refused(place, tmp_path, monkeypatch):
    import backtalk.apps.tables.again as module

    shutil.copytree(place / "run", tmp_path / "run")
    monkeypatch.setattr(module, "tempered_members", lambda members, _: members[:-1])
    with pytest.raises(InputError, match=r"trained again, gives other networks than it holds: it was made by backtalk"):
        train_again(tmp_path / "run")
    monkeypatch.undo()
    TRAINED.write_csv(tmp_path / "moved.csv")
    assert len(train_again(tmp_path / "run", tmp_path / "moved.csv").recordings) == 5


def test_a_run_whose_steps_cannot_be_taken_again_is_refused(tmp_path):
    TRAINED.write_csv(tmp_path / "t.csv")
    tables.train(tmp_path / "t.csv", tmp_path / "run", Options("kind", **SMALL, optimizer="lbfgs"))
    with pytest.raises(InputError, match="whose search cannot be taken again step by step"):
        train_again(tmp_path / "run")
