"""backtalk train, resume, predict, evaluate, as a user calls them: answers, folders, exit codes, Ctrl-C."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtalk import Network, load, load_members
from backtalk.apps.cli.watch import _end
from backtalk.apps.tables import Options
from limits import LIMIT
from one_network import ALONE_IN_WORDS
from test_cli import run, run_in_terminal

FILES = ["checkpoint.safetensors", "history.jsonl", "metrics.json", "model.safetensors", "preprocessing.json"]
FILES += ["report.html", "run.json"]
SURVIVED = ("--target", "survived", *ALONE_IN_WORDS)


@pytest.fixture
def refuse(call, tmp_path):
    """Calls what must be refused: exit code 2, one sentence, and nothing written."""

    def refused(*arguments) -> str:
        before = sorted(tmp_path.rglob("*"))
        code, out, err = call(*arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), (out, err)
        assert "internal error" not in err
        assert sorted(tmp_path.rglob("*")) == before
        return err.removeprefix("backtalk: ").strip()

    return refused


def passengers(rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """A table such as people have: numbers and words, with gaps, a date, identifiers, and columns of no use."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["male", "female"], rows)
    fare, age = rng.exponential(30, rows).round(2), rng.normal(35, 12, rows).round(1)
    survived = (sex == "female") ^ (rng.random(rows) < 0.15)
    days = rng.integers(10, 28, rows)
    return pl.DataFrame(
        {
            "passenger_id": np.arange(rows),
            "survived": np.where(survived, "yes", "no"),
            "sex": sex,
            "age": [None if rng.random() < 0.2 else value for value in age],
            "fare": fare,
            "port": [None if rng.random() < 0.05 else port for port in rng.choice(["S", "C", "Q"], rows)],
            "boarded": [f"1912-04-{day}" for day in days],
            "name": [f"Passenger, {k}" for k in range(rows)],
            "ship": ["Titanic"] * rows,
            "empty": [None] * rows,
        }
    )


def write(path: Path, frame: pl.DataFrame) -> Path:
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A table, the folder of a run on it, and what the command said."""
    folder = tmp_path_factory.mktemp("passengers")
    table = write(folder / "passengers.csv", passengers())
    result = run("train", table, *SURVIVED, "--out", folder / "run", "--epochs", 30)
    assert (result.returncode, result.stderr) == (0, ""), result
    return table, folder / "run", result.stdout


def test_train_says_what_it_understood_and_how_good_it_is(trained):
    _, folder, text = trained
    assert "target survived: classification (2 different truth values)" in text
    assert re.search(r"passenger_id +left out", text)
    assert re.search(r"name +left out", text)
    assert re.search(r"ship +left out +\S.* +one value only", text)
    assert re.search(r"empty +left out +every value is missing", text)
    assert re.search(r"sex +category +(fe)?male, (fe)?male +2 values", text)
    assert re.search(r"age +number +\S.* \d+ of 280 missing", text)
    assert re.search(r"boarded +date", text)
    assert "rows: 280 training, 40 validation, 80 test" in text
    assert f"use it: backtalk predict {folder} FILE" in text
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["scores"]["test"]["accuracy"] > 0.75
    assert f"{metrics['scores']['test']['accuracy']:#.4g}" in text


def test_the_folder_holds_the_run_and_nothing_else(trained):
    _, folder, _ = trained
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert sorted(path.name for path in folder.parent.iterdir()) == ["passengers.csv", "run"]
    network = load(folder / "model.safetensors")
    assert isinstance(network, Network)
    assert network.sizes[1:] == (64, 32, 2)


def test_the_report_is_one_page_with_nothing_from_elsewhere(trained):
    _, folder, _ = trained
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=(?!'#)|https?://|@import|url\(|<script", page)
    for title in ("Loss", "Score", "Gradient of each layer", "Confusion matrix", "Scores", "Columns"):
        assert f"<h2>{title}" in page
    for name in re.findall(r"href='#(\w+)'", page):
        assert f"id='{name}'" in page
    assert "nan" not in page.lower().replace("nan,", "")


def test_train_twice_gives_the_same_bytes(trained, call):
    table, folder, _ = trained
    code, said, _ = call("train", table, *SURVIVED, "--out", "once again/run", "--epochs", 30)
    assert code == 0
    assert "use it: backtalk predict 'once again/run' FILE" in said
    for name in ("model.safetensors", "metrics.json", "preprocessing.json", "history.jsonl", "report.html"):
        assert Path("once again", "run", name).read_bytes() == (folder / name).read_bytes(), name


def test_json_is_one_object(trained, call):
    table, folder, _ = trained
    code, out, err = call("train", table, *SURVIVED, "--epochs", 2, "--json")
    facts = json.loads(out)
    assert (code, err, facts["folder"], facts["trainings"][0]["epochs"]) == (0, "", "passengers-run", 2)
    assert set(facts["scores"]) == {"training", "validation", "test"}
    facts = json.loads(call("predict", folder, table, "--json")[1])
    assert facts["rows"] == 400
    assert set(facts["predictions"][0]) == {"prediction", "probability of no", "probability of yes"}
    facts = json.loads(call("evaluate", folder, table, "--json")[1])
    assert facts["accuracy"] > 0.75
    facts = json.loads(call("resume", folder, "--json")[1])
    assert facts["trainings"][0]["reason"] in ("epochs", "patience")


def test_predict_gives_a_row_for_each_row_as_csv(trained, call):
    table, folder, _ = trained
    code, out, err = call("predict", folder, table)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    truth = passengers()["survived"]
    assert np.mean([row["prediction"] == true for row, true in zip(rows, truth, strict=True)]) > 0.75
    assert all(float(row["probability of no"]) + float(row["probability of yes"]) == pytest.approx(1) for row in rows)
    code, said, _ = call("predict", folder, table, "--out", "answer.csv")
    assert (code, said) == (0, "wrote answer.csv: 400 rows\n")
    assert Path("answer.csv").read_text() == out


def test_csv_and_parquet_are_understood_alike(trained, call, tmp_path):
    table, folder, _ = trained
    frame = passengers().with_columns(pl.col("boarded").str.to_date())
    write(tmp_path / "passengers.parquet", frame)
    assert call("predict", folder, "passengers.parquet")[1] == call("predict", folder, table)[1]
    parts = tmp_path / "parts"
    parts.mkdir()
    write(parts / "1.parquet", frame[:250])
    write(parts / "2.parquet", frame[250:])
    assert call("predict", folder, parts)[1] == call("predict", folder, table)[1]
    code, out, _ = call("train", parts, *SURVIVED, "--epochs", 2)
    assert (code, "wrote parts-run/" in out) == (0, True)


def test_two_kinds_and_a_threshold_are_said(trained, call):
    options = ("--epochs", 1, "--members", 1, "--threshold", 0.3)
    code, out, err = call("train", trained[0], "--target", "survived", *options)
    assert (code, err) == (0, "")
    assert "each trained without one of 5 folds of the rows, and then one of the better kind with all rows\n" in out
    assert "' is predicted if its probability is 0.3000 or more\n" in out


def test_a_kind_that_does_not_help_is_trained_and_does_not_predict():
    each = {"epochs": 3, "kept_epoch": 2, "reason": "epochs"}
    said = _end({"members": 5, "trainings": [each] * 10}, 2.0, went_on=False)
    assert said == "10 networks, 3 epochs in 2 s; each is the one after epoch 2, 5 of which predict"


def test_no_header_has_no_opposite(call):
    assert "--no-no-header" not in call("train", "--help")[1]


def test_evaluate_shows_scores_and_what_was_confused(trained, call):
    table, folder, _ = trained
    code, out, err = call("evaluate", folder, table)
    assert code == 0
    assert "passengers.csv is the table of the training: new rows will have worse scores" in err
    assert "class of the rows (down) and what was predicted (across):" in out
    assert re.search(r"accuracy +0\.", out)


def test_what_training_never_saw_is_said_on_stderr(trained, call, tmp_path):
    _, folder, _ = trained
    frame = passengers(20, seed=3).drop("survived", "ship")
    changed = frame.with_columns(port=pl.Series(["Z", *frame["port"][1:]]), sex=pl.Series([None, *frame["sex"][1:]]))
    write(tmp_path / "new.csv", changed.with_columns(more=pl.lit(1)))
    code, out, err = call("predict", folder, "new.csv")
    assert (code, len(out.splitlines())) == (0, 21)
    assert "never seen in training" in err
    assert "more" in err


def test_a_regression_is_told_from_its_target(call, tmp_path):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300))
    write(tmp_path / "t.csv", pl.DataFrame({"a": a, "b": b, "price": (1000 + 200 * a - 100 * b).round(2)}))
    code, out, err = call(
        "train", "t.csv", "--target", "price", *ALONE_IN_WORDS, "--hidden", "8", "--activation", "tanh"
    )
    assert (code, err) == (0, "")
    assert "target price: regression" in out
    assert "R²" in out
    assert json.loads(Path("t-run/metrics.json").read_text())["scores"]["test"]["r2"] > 0.9
    rows = list(csv.DictReader(io.StringIO(call("predict", "t-run", "t.csv")[1])))
    assert list(rows[0]) == ["prediction", "lower 0.9", "upper 0.9"]
    assert 700 < float(rows[0]["prediction"]) < 1700
    page = Path("t-run/report.html").read_text()
    assert "Residuals" in page
    assert "Predicted and true" in page


@pytest.mark.parametrize(
    "options",
    [
        ("--optimizer", "sgd", "--learning-rate", 0.05, "--schedule", "cosine", "--clip-norm", 1, "--dropout", 0.1),
        ("--validation", 0, "--test", 0, "--class-weight", "balanced", "--batch-size", 50, "--loss", "cross_entropy"),
        ("--hidden", "", "--optimizer", "lbfgs", "--dropout", 0, "--patience", 0),
        ("--task", "classification", "--seed", 7, "--checkpoint-seconds", 0.01, "--l2-penalty", 0, "--hidden", "5"),
    ],
)
def test_the_options_are_taken(trained, call, options):
    table, _, _ = trained
    code, out, err = call("train", table, *SURVIVED, "--epochs", 3, *options)
    assert (code, err) == (0, "")
    assert "wrote passengers-run/" in out
    assert "3 epochs in" in out


def test_without_options_five_networks_are_trained_and_judged_on_all_rows(trained, call):
    table, _, _ = trained
    code, out, err = call("train", table, "--target", "survived", "--epochs", 3, "--hidden", 8)
    assert (code, err) == (0, "")
    assert "rows: 400 training\n" in out
    assert "5 networks " in out
    assert "each trained without one of 5 folds of the rows\n" in out
    assert "5 networks, 3 epochs in " in out
    assert re.search(r"out-of-fold rows +this run", out)
    assert "class of the out-of-fold rows (down) and what was predicted (across):" in out
    metrics = json.loads(Path("passengers-run/metrics.json").read_text())
    assert (metrics["judged"], metrics["scores"]["out_of_fold"]["rows"]) == ("out_of_fold", 400)
    assert f"{metrics['scores']['out_of_fold']['accuracy']:#.4g}" in out
    assert len(load_members("passengers-run")) == metrics["members"] == metrics["folds"] == 5
    own = {f"{name}-{k}.{suffix}" for k in range(1, 6) for name, suffix in (file.split(".") for file in FILES[:2])}
    assert {path.name for path in Path("passengers-run").iterdir()} == own | set(FILES[2:])
    page = Path("passengers-run/report.html").read_text(encoding="utf-8")
    assert "out-of-fold" in page
    assert call("evaluate", "passengers-run", table)[0] == 0
    facts = json.loads(Path("passengers-run/run.json").read_text())
    plain = json.loads(json.dumps(asdict(Options(target="survived"))))
    assert {name: facts[name] for name in plain} == {**plain, "hidden": [8], "epochs": 3}


def test_a_single_network_is_trained_on_all_rows_for_as_long_as_the_folds_say(trained, call):
    table, _, _ = trained
    code, out, err = call(
        "train", table, "--target", "survived", "--epochs", 2, "--hidden", 8, "--members", 1, "--test", 0.1
    )
    assert (code, err) == (0, "")
    assert "rows: 360 training, 40 test" in out
    assert "each trained without one of 5 folds of the rows, and then one with all rows\n" in out
    assert "on all rows, as many as 5 folds took" in out
    assert re.search(r"training +test +out-of-fold\n", out)
    assert "2 epochs (0 s since it went on)" in call("resume", "passengers-run")[1]


def test_a_folder_that_holds_something_is_refused(trained, refuse, call, tmp_path):
    table, _, _ = trained
    assert call("train", table, *SURVIVED, "--epochs", 1)[0] == 0
    assert "already holds a run: give --overwrite" in refuse("train", table, *SURVIVED)
    before = Path("passengers-run/metrics.json").read_bytes()
    assert "did you mean" in refuse("train", table, "--target", "survivd", "--overwrite")
    assert Path("passengers-run/metrics.json").read_bytes() == before
    assert call("train", table, *SURVIVED, "--epochs", 2, "--overwrite")[0] == 0
    assert Path("passengers-run/metrics.json").read_bytes() != before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert "holds other files" in refuse("train", table, *SURVIVED, "--out", "mine", "--overwrite")
    assert "is a file" in refuse("train", table, *SURVIVED, "--out", "mine/letter.txt")


def test_a_run_that_diverges_leaves_the_one_before(trained, call):
    table, _, _ = trained
    assert call("train", table, *SURVIVED, "--epochs", 1)[0] == 0
    wild = ("--optimizer", "sgd", "--learning-rate", 1e30, "--overwrite")
    code, _, err = call("train", table, *SURVIVED, *wild)
    assert (code, "training diverged" in err, len(err.splitlines())) == (2, True, 1)
    assert sorted(path.name for path in Path("passengers-run").iterdir()) == FILES
    assert [path.name for path in Path().iterdir()] == ["passengers-run"]


def test_what_cannot_be_learned_is_refused_in_a_sentence(refuse, tmp_path):
    frame = pl.DataFrame({"a": range(40), "b": [1.5, 2.5] * 20, "y": ["u", "v"] * 20, "one": ["k"] * 40})

    def told(**columns) -> str:
        write(tmp_path / "t.csv", frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()}))
        return refuse("train", "t.csv", "--target", "y")

    write(tmp_path / "t.csv", frame)
    assert "--target is missing: expected the column to predict" in refuse("train", "t.csv")
    assert "did you mean 'one'" in refuse("train", "t.csv", "--target", "on")
    assert "there is nothing to learn" in refuse("train", "t.csv", "--target", "one")
    assert "missing in every row" in told(y=[None] * 40)
    assert "expected numbers" in refuse(
        "train", write(tmp_path / "t.csv", frame), "--target", "y", "--task", "regression"
    )
    for option, value, words in [
        ("--task", "guess", "task is 'guess'"),
        ("--hidden", "64,x", "hidden is '64,x'"),
        ("--hidden", "0", "hidden is '0'"),
        ("--activation", "rleu", "did you mean 'relu'"),
        ("--loss", "squared_error", "the task is classification"),
        ("--optimizer", "adan", "did you mean 'adam'"),
        ("--schedule", "cosin", "did you mean 'cosine'"),
        ("--epochs", 0, "epochs is 0"),
        ("--batch-size", 0, "--batch-size is 0"),
        ("--dropout", 1.5, "1.5"),
        ("--l2-penalty", -1, "--l2-penalty is"),
        ("--clip-norm", 0, "--clip-norm is"),
        ("--class-weight", "equal", "--class-weight is"),
        ("--validation", 1.5, "validation is 1.5"),
        ("--test", -0.1, "test is -0.1"),
        ("--patience", -1, "--patience is"),
        ("--checkpoint-seconds", 0, "--checkpoint-seconds is"),
        ("--learning-rate", -1, "--learning-rate of adam is"),
        ("--seed", -1, "--seed"),
    ]:
        assert words in refuse("train", "t.csv", "--target", "y", option, value)


def test_files_that_are_no_tables_are_refused_in_a_sentence(refuse, tmp_path):
    def told(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return refuse("train", name, "--target", "y")

    assert "No such file" in refuse("train", "none.csv", "--target", "y")
    assert "is empty" in told("t.csv", b"")
    assert "no rows" in told("t.csv", b"x,y\n")
    assert "3 cells in line 3, expected 2" in told("t.csv", b"x,y\n1,2\n1,2,3\n")
    assert "binary" in told("t.csv", b"x,y\n\0\1\2\n")
    assert "two columns named 'x'" in told("t.csv", b"x,x,y\n1,2,3\n")
    assert "cannot be read" in told("t.parquet", b"PAR1 and no more")
    assert "expected one of them by its name" in told("t.pdf", b"%PDF")
    (tmp_path / "folder").mkdir()
    assert "without .parquet files" in refuse("train", "folder", "--target", "y")


def test_a_table_that_does_not_fit_the_model_is_refused(trained, refuse, tmp_path):
    _, folder, _ = trained
    frame = passengers(20)
    write(tmp_path / "short.csv", frame.drop("age"))
    assert "'age'" in refuse("predict", folder, "short.csv")
    write(tmp_path / "other.csv", frame.with_columns(fare=pl.Series(["much"] * 20)))
    assert "column 'fare' holds 'much' in row 1, but was a number" in refuse("predict", folder, "other.csv")
    write(tmp_path / "new.csv", frame.with_columns(survived=pl.Series(["maybe"] * 20)))
    assert "'maybe'" in refuse("evaluate", folder, "new.csv")
    assert "survived" in refuse("evaluate", folder, write(tmp_path / "none.csv", frame.drop("survived")))
    assert "does not exist" in refuse("predict", "nothing", "new.csv")
    assert "not the folder of a run" in refuse("predict", tmp_path, "new.csv")


def listening(*arguments, cwd: Path) -> subprocess.Popen:
    """The command in a process of its own that hears Ctrl-C, whatever whoever began the tests ignores."""
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
        "os.execv(sys.executable, [sys.executable, '-m', 'backtalk', *sys.argv[1:]])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen, seen) -> None:
    until = time.monotonic() + LIMIT
    while not seen():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_run_that_is_cut_short_goes_on_to_the_same_bits(call, tmp_path):
    write(tmp_path / "t.csv", passengers(2000))
    command = ("train", "t.csv", *SURVIVED, "--epochs", 60, "--patience", 0, "--dropout", 0.2)
    command += ("--hidden", "200,100", "--batch-size", 20, "--class-weight", "balanced", "--checkpoint-seconds", 0.05)
    process = listening(*command, cwd=tmp_path)
    history, checkpoint = tmp_path / "t-run" / "history.jsonl", tmp_path / "t-run" / "checkpoint.safetensors"
    wait_for(process, lambda: checkpoint.exists() and history.read_text().count("\n") > 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT)
    assert not (tmp_path / "t-run" / "model.safetensors").exists()
    assert process.returncode == 130
    said = r"backtalk: interrupted after \d+ whole epochs; 'backtalk resume t-run' goes on\."
    assert re.fullmatch(said, err.strip())
    assert "holds no model yet" in call("predict", "t-run", "t.csv")[2]
    assert "already holds a run" in call(*command)[2]
    code, out, _ = call("resume", "t-run")
    assert (code, "60 epochs (" in out, "since it went on)" in out) == (0, True, True)
    assert call(*command, "--out", "whole")[0] == 0
    for name in ("model.safetensors", "metrics.json", "preprocessing.json"):
        assert Path("t-run", name).read_bytes() == Path("whole", name).read_bytes(), name
    lines = [Path(folder, "history.jsonl").read_text().splitlines() for folder in ("t-run", "whole")]
    epochs = [[json.loads(line) for line in each] for each in lines]
    judged = [[(epoch["epoch"], epoch["loss"], epoch["validation_loss"]) for epoch in each] for each in epochs]
    assert judged[0] == judged[1]
    assert sorted(path.name for path in Path("t-run").iterdir()) == FILES


def test_resume_refuses_a_table_that_changed_or_went(refuse, call, tmp_path):
    table = write(tmp_path / "t.csv", passengers(100))
    assert call("train", "t.csv", *SURVIVED, "--epochs", 2)[0] == 0
    table.rename("moved.csv")
    assert "no longer there" in refuse("resume", "t-run")
    assert call("resume", "t-run", "moved.csv")[0] == 0
    write(table, passengers(101))
    assert "is not what it was" in refuse("resume", "t-run")
    assert "does not exist" in refuse("resume", "nothing")


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_a_terminal_gets_progress_and_a_pipe_does_not(trained, tmp_path):
    table, _, _ = trained
    options = (*SURVIVED, "--epochs", "1500", "--patience", "0", "--dropout", "0")
    text = run_in_terminal(100, "train", str(table), *options, "--out", str(tmp_path / "a"))
    assert re.search(r"epoch .*\d+/1500", text)
    assert "examples/s" in text
    assert "left at most" in text


def test_completion_offers_columns_and_folders(trained):
    table, folder, _ = trained
    words = f"backtalk train {table} --target s"
    asked = {"_BACKTALK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "4"}
    assert run(**asked).stdout.split() == ["survived", "sex", "ship"]
    command = [sys.executable, "-m", "backtalk"]
    asked = {"_BACKTALK_COMPLETE": "complete_bash", "COMP_WORDS": "backtalk predict r", "COMP_CWORD": "2"}
    found = subprocess.run(
        command, cwd=folder.parent, env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["run"]


def test_a_terminal_without_unicode_gets_plain_letters(trained):
    table, folder, _ = trained
    assert "?" not in run("train", "--help", PYTHONIOENCODING="ascii").stdout
    text = run("evaluate", folder, table, PYTHONIOENCODING="ascii").stdout
    assert text.isascii()
    assert "?" not in text


def test_a_checkpoint_that_cannot_be_written_is_one_line_on_stderr(trained, call, monkeypatch):
    def refused(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backtalk.train.checkpoint.save_with", refused)
    table, _, _ = trained
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        code, _, err = call("train", table, *SURVIVED, "--epochs", 2, "--checkpoint-seconds", 1e-9)
    assert code == 0
    assert set(err.splitlines()) == {
        "backtalk: checkpoint passengers-run/checkpoint.safetensors was not written (No space left on device); "
        "training goes on."
    }


def test_an_error_after_a_checkpoint_says_how_to_go_on_and_what_to_do(trained, call, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "passengers-run/metrics.json")

    table, _, _ = trained
    command = ("train", table, *SURVIVED, "--epochs", 2)
    with monkeypatch.context() as patch:
        patch.setattr("backtalk.apps.tables.results._metrics", full)
        code, _, err = call(*command)
    assert (code, err.splitlines()) == (
        2,
        [
            "backtalk: passengers-run/metrics.json: No space left on device: make room there, and try again.",
            "backtalk: What was trained is kept: 'backtalk resume passengers-run' goes on with it.",
        ],
    )
    assert call("resume", "passengers-run")[0] == 0


def test_a_page_that_cannot_be_written_is_one_line_and_exit_code_1(trained, call, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backtalk.apps.tables.results.write_report", full)
    table, _, _ = trained
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        code, out, err = call("train", table, *SURVIVED, "--epochs", 2)
        facts = json.loads(call("resume", "passengers-run", "--json")[1])
    words = "report.html was not written (No space left on device); the run can be used without it."
    assert (code, err) == (1, f"backtalk: passengers-run/{words}\n")
    assert "wrote passengers-run/\n" in out
    assert call("predict", "passengers-run", table)[0] == 0
    assert facts["unwritten"] == [f"passengers-run/{words[:-1]}"]


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_run_that_nobody_watches_any_more_ends_whole(tmp_path):
    table = write(tmp_path / "t.csv", passengers(100))
    command = [sys.executable, "-m", "backtalk", "train", table.name, *SURVIVED, "--epochs", "3"]
    read, written = os.pipe()
    os.close(read)
    process = subprocess.run(command, cwd=tmp_path, stdout=written, stderr=written, timeout=LIMIT, check=False)
    os.close(written)
    assert process.returncode == 0
    assert sorted(path.name for path in (tmp_path / "t-run").iterdir()) == FILES


def test_predictions_are_not_written_over_the_table_or_into_the_run(trained, call):
    table, folder, _ = trained
    before = Path(table).read_bytes()
    for out, words in ((table, "the table itself"), (Path(folder) / "run.json", "in the folder of the run")):
        code, _, err = call("predict", folder, table, "--out", out)
        assert code == 2
        assert words in err
    assert Path(table).read_bytes() == before
