"""backtalk diagnose and backtalk train --diagnose, as a user calls them: answers, files, exit codes, refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtalk import Diagnosis, Doctor, Network, fit, load, save
from backtalk.analysis.diagnose import NETWORK_RULES, RULES
from backtalk.apps.cli import advice as of_files
from backtalk.apps.lab import advice as of_the_page
from backtalk.apps.lab.settings import Settings
from backtalk.apps.tables import advice as of_tables
from one_network import ALONE_IN_WORDS
from test_cli import run, run_in_terminal


@pytest.fixture
def refuse(call, tmp_path):
    """Calls what must be refused: exit code 2, one sentence, and nothing written or changed."""

    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def refused(*arguments) -> str:
        before = state()
        code, out, err = call(*arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), (out, err)
        assert "internal error" not in err
        assert state() == before
        return err.removeprefix("backtalk: ").strip()

    return refused


def points(rows: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(seed).normal(size=(rows, 3))
    return X, (X @ [1, -2, 1] > 0).astype(int)


@pytest.fixture
def healthy(tmp_path):
    X, y = points()
    training = fit(Network.create([3, 8, 2], "tanh", rng=0), X, y, epochs=60, rng=0)
    save(training.network, tmp_path / "healthy.safetensors")
    write(tmp_path / "data.csv", X, y)
    return "healthy.safetensors", "data.csv"


def write(path: Path, X: np.ndarray, y: np.ndarray) -> None:
    cells = ["" if np.isnan(value) else repr(float(value)) for value in X.ravel()]
    rows = zip(np.array(cells).reshape(X.shape), y, strict=True)
    path.write_text("\n".join(["a,b,salary,bought", *(",".join([*row, str(label)]) for row, label in rows)]) + "\n")


def test_a_healthy_network_has_exit_code_0(call, healthy):
    code, out, err = call("diagnose", *healthy)
    assert (code, err) == (0, "")
    assert out.startswith("healthy.safetensors on data.csv: loss 0.")
    assert out.endswith("\ndiagnosis healthy: no finding above a note\n")


def test_a_finding_has_exit_code_1_and_names_the_column(call, tmp_path):
    X, y = points()
    save(Network.create([3, 8, 2], "tanh", rng=0), tmp_path / "m.safetensors")
    write(tmp_path / "data.csv", X * [1, 1, 1e5], y)
    code, out, _ = call("diagnose", "m.safetensors", "data.csv")
    assert code == 1
    assert "severe    inputs are not scaled" in out
    assert "salary" in out


def test_json_holds_what_was_found_and_measured(call, healthy):
    code, out, _ = call("diagnose", *healthy, "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert code == 0
    assert found["healthy"] is True
    assert {"backtalk", "network", "said", "findings", "measurements"} <= set(found)
    assert found["measurements"]["columns"]["names"] == ["a", "b", "salary"]


def test_nan_in_the_data_is_found(call, healthy, tmp_path):
    X, y = points()
    X[7, 2] = np.nan
    write(tmp_path / "gaps.csv", X, y)
    np.savez(tmp_path / "gaps.npz", X=X, y=y)
    for data in ("gaps.csv", "gaps.npz"):
        code, out, _ = call("diagnose", healthy[0], data, "--json")
        found = json.loads(out, parse_constant=pytest.fail)
        assert code == 1
        assert (found["findings"][0]["kind"], found["findings"][0]["examples"]) == ("non_finite_data", [7])
    assert "salary" in call("diagnose", healthy[0], "gaps.csv")[1]


def test_target_chooses_the_column(call, healthy, tmp_path):
    text = (tmp_path / "data.csv").read_text().splitlines()
    moved = [",".join([line.split(",")[3], *line.split(",")[:3]]) for line in text]
    (tmp_path / "moved.csv").write_text("\n".join(moved))
    there, here = (
        call("diagnose", *healthy, "--json"),
        call("diagnose", healthy[0], "moved.csv", "--target", "bought", "--json"),
    )
    assert json.loads(there[1]) == json.loads(here[1])


def test_the_page_is_written_and_says_the_same(call, healthy, tmp_path):
    code, out, _ = call("diagnose", *healthy, "--html", "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert code == 0
    assert out.endswith("wrote page.html\n")
    assert "healthy: no finding above a note" in page
    assert "<title>healthy.safetensors on data.csv</title>" in page
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []  # no temporary file


def test_the_page_takes_the_place_of_an_earlier_one_only_when_it_is_whole(call, healthy, tmp_path, monkeypatch):
    (tmp_path / "page.html").write_text("before")
    monkeypatch.setattr(Diagnosis, "to_html", lambda *_, **__: 1 / 0)
    code, _, err = call("diagnose", *healthy, "--html", "page.html")
    assert code == 2
    assert "ZeroDivisionError" in err
    assert (tmp_path / "page.html").read_text() == "before"


def test_what_cannot_be_diagnosed_is_refused(refuse, healthy, tmp_path):
    model, data = healthy
    X, y = points()
    write(tmp_path / "text.csv", X, np.array(["x"] * len(y)))
    np.savez(tmp_path / "wide.npz", X=np.ones((9, 5)), y=np.zeros(9, int))
    np.savez(tmp_path / "labels.npz", X=X, y=y + 5)
    assert "none.safetensors" in refuse("diagnose", "none.safetensors", data)
    assert "none.csv" in refuse("diagnose", model, "none.csv")
    assert "did you mean" in refuse("diagnose", model, "digit")
    assert "--target is 'price', which is not known" in refuse("diagnose", model, data, "--target", "price")
    assert "DATA has 5 columns, but the network has 3 inputs" in refuse("diagnose", model, "wide.npz")
    assert "holds 'x' in line 2, column 4 (bought), expected a number" in refuse("diagnose", model, "text.csv")
    assert "y" in refuse("diagnose", model, "labels.npz")
    assert "html is data.csv, the data itself" in refuse("diagnose", model, data, "--html", "data.csv")
    (tmp_path / "folder").mkdir()
    around = "folder/../healthy.safetensors"
    assert f"html is {around}, the model itself" in refuse("diagnose", model, data, "--html", around)
    assert "Is a directory" in refuse("diagnose", model, data, "--html", tmp_path)
    assert "No such file or directory" in refuse("diagnose", model, data, "--html", "nowhere/page.html")


def unscaled(tmp_path: Path) -> tuple[str, str]:
    X, y = points()
    save(Network.create([3, 8, 2], "tanh", rng=0), tmp_path / "m.safetensors")
    write(tmp_path / "data.csv", X * [1, 1, 1e5], y)
    return "m.safetensors", "data.csv"


def test_fix_writes_a_new_model_and_shows_both_side_by_side(call, tmp_path):
    given = unscaled(tmp_path)
    before = (tmp_path / given[0]).read_bytes()
    code, out, err = call("diagnose", *given, "--fix")
    assert (code, err) == (0, "")
    assert "round 1   inputs are not scaled" in out
    assert "held-out rows   before   round 1" in out
    assert out.endswith("\nwrote m-fixed.safetensors\n")
    assert (tmp_path / given[0]).read_bytes() == before
    code, out, _ = call("diagnose", "m-fixed.safetensors", given[1], "--json")
    assert "inputs_not_scaled" not in {each["kind"] for each in json.loads(out)["findings"]}


def test_json_of_fix_has_the_rounds_and_the_file(call, tmp_path):
    given = unscaled(tmp_path)
    code, out, err = call("diagnose", *given, "--fix", "--out", "new.safetensors", "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert (code, err) == (0, "")
    assert found["fix"]["output"] == "new.safetensors"
    assert found["fix"]["rounds"][0]["finding"]["kind"] == "inputs_not_scaled"
    assert found["fix"]["after"]["accuracy"] > found["fix"]["before"]["accuracy"]
    assert load(tmp_path / "new.safetensors").sizes == (3, 8, 2)


def test_fix_overwrites_nothing(refuse, healthy, tmp_path):
    (tmp_path / "healthy-fixed.safetensors").write_text("mine")
    assert "healthy-fixed.safetensors exists, and is not overwritten" in refuse("diagnose", *healthy, "--fix")
    assert "data.csv exists" in refuse("diagnose", *healthy, "--fix", "--out", "data.csv")
    assert "there is no folder nowhere" in refuse("diagnose", *healthy, "--fix", "--out", "nowhere/m.safetensors")
    assert "nothing is written there without --fix" in refuse("diagnose", *healthy, "--out", "new.safetensors")


def test_where_there_is_nothing_to_fix_nothing_is_written(call, healthy, tmp_path):
    code, out, _ = call("diagnose", *healthy, "--fix")
    assert code == 0
    assert "nothing was trained" in out
    assert not (tmp_path / "healthy-fixed.safetensors").exists()


def test_fix_of_a_run_trains_it_anew_with_other_options(call, tmp_path):
    table(tmp_path)
    steps = ("--optimizer", "sgd", "--learning-rate", "3", "--patience", "0")
    assert call("train", "table.csv", "--target", "bought", *SMALL, *steps)[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "table-run").iterdir()}
    code, out, err = call("diagnose", "table-run", "table.csv", "--fix")
    assert code == 0, out
    assert "the learning rate is too high → --learning-rate" in err
    assert "→ --learning-rate 0." in out
    assert "rows of each run" in out
    assert out.endswith("\nwrote table-run-fixed\n")
    assert {path: path.read_bytes() for path in (tmp_path / "table-run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    options = json.loads((tmp_path / "table-run-fixed" / "run.json").read_text())
    assert options["optimizer"] != json.loads((tmp_path / "table-run" / "run.json").read_text())["optimizer"]
    assert options["hidden"] == [8]
    assert call("predict", "table-run-fixed", "table.csv")[0] == 0


@pytest.mark.parametrize("place", [of_tables, of_files, of_the_page], ids=["tables", "files", "lab"])
def test_every_kind_has_its_advice_in_each_place(place):
    assert set(place.ADVICE) == set(NETWORK_RULES)


def test_advice_names_nothing_that_its_reader_has_not():
    python = re.compile(r"\w+=|diagnose\(|StandardScaler|Network|_norm|_penalty|DivergedError")
    for kind, said in of_files.ADVICE.items():
        assert not python.search(said), kind
        assert set(re.findall(r"--[\w-]+", said)) <= {"--fix", "--target"}, kind
    for kind, said in of_the_page.ADVICE.items():
        text = said if isinstance(said, str) else said(Settings())
        assert not python.search(text), kind
        assert "--" not in text, kind


def table(tmp_path: Path, scale: float = 1.0, rows: int = 200) -> pl.DataFrame:
    X, y = points(rows)
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "salary": X[:, 2] * scale, "bought": np.where(y, "yes", "no")})
    frame.write_csv(tmp_path / "table.csv")
    return frame


SMALL = ("--hidden", "8", "--activation", "tanh", "--epochs", "30", *ALONE_IN_WORDS)


def test_train_diagnose_shows_and_writes_the_findings(call, tmp_path):
    table(tmp_path)
    code, out, err = call("train", "table.csv", "--target", "bought", "--diagnose", *SMALL)
    assert (code, err) == (0, "")
    assert "diagnosis healthy: no finding above a note" in out
    assert "open report.html and diagnosis.html there" in out
    folder = tmp_path / "table-run"
    found = json.loads((folder / "diagnosis.json").read_text(), parse_constant=pytest.fail)
    assert found["healthy"] is True
    losses = found["measurements"]["telemetry"]["losses"]
    assert losses == json.loads((folder / "metrics.json").read_text())["trainings"][0]["losses"]
    page = (folder / "diagnosis.html").read_text(encoding="utf-8")
    assert "Size of the updates" in page
    assert "yes" in page  # the class by its name
    again = call("train", "table.csv", "--target", "bought", "--overwrite", *SMALL)
    assert again[0] == 0
    assert not (folder / "diagnosis.json").exists()


def test_a_diagnosis_changes_nothing_of_what_is_learned(call, tmp_path):
    table(tmp_path)
    for out, more in (("plain", []), ("watched", ["--diagnose"])):
        assert call("train", "table.csv", "--target", "bought", "--out", out, *more, *SMALL)[0] == 0
    for name in ("model.safetensors", "history.jsonl", "metrics.json"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "watched" / name).read_bytes()


WILD = ("--optimizer", "sgd", "--learning-rate", "30", "--patience", "0", *SMALL)


def test_findings_are_told_while_training_runs_and_at_its_end(call, tmp_path):
    table(tmp_path)
    code, out, err = call("train", "table.csv", "--target", "bought", "--diagnose", *WILD)
    assert code == 0  # the training did what was asked of it
    told = [line for line in err.splitlines() if line.startswith("doctor: epoch ")]
    assert any("the learning rate is too high" in line for line in told)
    assert len(told) == len(err.splitlines())
    assert "the learning rate is too high" in out


def test_json_of_a_training_has_the_findings_and_nothing_is_told(call, tmp_path):
    table(tmp_path)
    code, out, err = call("train", "table.csv", "--target", "bought", "--diagnose", "--json", *WILD)
    found = json.loads(out, parse_constant=pytest.fail)
    assert (code, err, found["healthy"]) == (0, "", False)
    assert {finding["kind"] for finding in found["findings"]} <= set(RULES)
    assert "findings" not in json.loads(
        call("train", "table.csv", "--target", "bought", "--out", "p", "--json", *SMALL)[1]
    )


def test_where_training_diverges_the_findings_come_before_the_error(call, tmp_path):
    table(tmp_path)
    steps = ("--optimizer", "sgd", "--learning-rate", "1e30", *SMALL)
    code, _, err = call("train", "table.csv", "--target", "bought", "--diagnose", *steps)
    lines = err.splitlines()
    assert code == 2
    assert lines[-1].startswith("backtalk: training diverged at step ")
    assert lines[:-1]
    assert all(line.startswith("doctor: ") for line in lines[:-1])
    assert not (tmp_path / "table-run").exists()


def test_a_run_is_diagnosed_on_a_table_with_its_history_and_names(call, tmp_path):
    frame = table(tmp_path)
    assert call("train", "table.csv", "--target", "bought", *SMALL)[0] == 0
    frame.with_columns(pl.Series("bought", ["yes", None, *frame["bought"][2:]])).write_csv(tmp_path / "other.csv")
    code, out, err = call("diagnose", "table-run", "other.csv", "--html", "page.html")
    assert code == 0
    assert out.startswith("table-run on other.csv: loss ")
    assert err == "backtalk: left out: 1 row without a value of 'bought'.\n"
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Size of the updates" in page
    found = json.loads(call("diagnose", "table-run", "other.csv", "--json")[1])
    assert len(found["measurements"]["telemetry"]["losses"]) > 5
    assert found["measurements"]["columns"]["names"][:3] == ["a", "b", "salary"]
    assert found["said"] == ["left out: 1 row without a value of 'bought'."]


def test_of_several_networks_the_one_that_is_named_is_diagnosed(call, tmp_path):
    table(tmp_path)
    assert call("train", "table.csv", "--target", "bought", "--hidden", "8", "--epochs", "6", "--members", "2")[0] == 0
    trainings = json.loads((tmp_path / "table-run" / "metrics.json").read_text())["trainings"]
    for more, training in (([], trainings[0]), (["--member", "2"], trainings[1])):
        found = json.loads(call("diagnose", "table-run", "table.csv", "--json", *more)[1])
        assert found["measurements"]["telemetry"]["losses"] == training["losses"]
    code, _, err = call("diagnose", "table-run", "table.csv", "--member", "3")
    assert (code, err.startswith("backtalk: --member is 3, but the run has 2 networks: expected 1 to 2.")) == (2, True)
    save([load("table-run", member=k) for k in (1, 2)], "both.safetensors")
    np.savez("data.npz", X=np.zeros((9, load("table-run").sizes[0])), y=np.arange(9) % 2)
    losses = [json.loads(call("diagnose", "both.safetensors", "data.npz", "--json", "--member", k)[1]) for k in (1, 2)]
    assert losses[0] != losses[1]
    code, _, err = call("diagnose", "both.safetensors", "data.npz", "--member", 3)
    assert (code, "member is 3, but both.safetensors has 2: expected 1 to 2." in err) == (2, True)


def test_a_run_or_table_that_does_not_fit_is_refused(refuse, call, tmp_path):
    frame = table(tmp_path)
    assert call("train", "table.csv", "--target", "bought", *SMALL)[0] == 0
    frame.drop("salary").write_csv(tmp_path / "narrow.csv")
    frame.drop("bought").write_csv(tmp_path / "blind.csv")
    (tmp_path / "empty").mkdir()
    assert "the table lacks the column 'salary'" in refuse("diagnose", "table-run", "narrow.csv")
    assert "target is 'bought', which is not known" in refuse("diagnose", "table-run", "blind.csv")
    assert "holds no preprocessing.json" in refuse("diagnose", "empty", "table.csv")
    assert "nothing.csv" in refuse("diagnose", "table-run", "nothing.csv")
    assert "is a run, which has its target" in refuse("diagnose", "table-run", "table.csv", "--target", "bought")
    said = refuse("diagnose", "table-run", "table.csv", "--html", "table-run/report.html")
    assert "lies in the folder of the run" in said
    (tmp_path / "table-run" / "history.jsonl").write_text('{"epoch": 1}\n')
    assert "history.jsonl, line 1 lacks the field 'loss'" in refuse("diagnose", "table-run", "table.csv")


def test_resume_of_a_diagnosed_run_goes_on_diagnosing(call, tmp_path, monkeypatch):
    table(tmp_path)
    arguments = ("train", "table.csv", "--target", "bought", "--diagnose", "--patience", "0", *SMALL)
    assert call(*arguments, "--out", "whole")[0] == 0

    def stop(_, epoch):
        if epoch.number == 12:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Doctor, "on_epoch", stop)
        code, _, err = call(*arguments, "--out", "cut")
    assert (code, "'backtalk resume cut' goes on" in err) == (130, True)
    assert not (tmp_path / "cut" / "diagnosis.json").exists()
    code, out, _ = call("resume", "cut")
    assert code == 0
    assert "diagnosis healthy" in out
    for name in ("model.safetensors", "diagnosis.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_of_an_earlier_backtalk_is_resumed_without_a_diagnosis(call, tmp_path):
    table(tmp_path)
    assert call("train", "table.csv", "--target", "bought", *SMALL)[0] == 0
    facts = json.loads((tmp_path / "table-run" / "run.json").read_text())
    assert facts.pop("diagnose") is False
    (tmp_path / "table-run" / "run.json").write_text(json.dumps(facts))
    code, out, _ = call("resume", "table-run")
    assert code == 0
    assert "diagnosis" not in out
    assert call("diagnose", "table-run", "table.csv")[0] == 0


def test_balanced_classes_count_as_in_training(call, tmp_path):
    X, y = points(400)
    kept = np.flatnonzero((y == 0) | (np.arange(400) % 25 == 0))
    frame = pl.DataFrame({"a": X[kept, 0], "b": X[kept, 1], "bought": np.where(y[kept], "yes", "no")})
    frame.write_csv(tmp_path / "rare.csv")
    for more, expected in (((), True), (("--class-weight", "balanced"), False)):
        arguments = ("train", "rare.csv", "--target", "bought", "--diagnose", "--overwrite", "--json", *SMALL, *more)
        found = json.loads(call(*arguments)[1])
        assert any(finding["kind"] == "class_imbalance" for finding in found["findings"]) is expected


def test_a_regression_is_diagnosed(call, tmp_path):
    X, _ = points()
    pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": X[:, 0] * 3000}).write_csv(tmp_path / "t.csv")
    code, out, _ = call("train", "t.csv", "--target", "y", "--diagnose", *SMALL)
    assert code == 0
    assert "diagnosis " in out
    assert "Classes" not in (tmp_path / "t-run" / "diagnosis.html").read_text(encoding="utf-8")
    assert load(tmp_path / "t-run" / "model.safetensors").sizes[1:] == (8, 1)


def test_a_terminal_shows_colours_unless_it_must_not(healthy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = run_in_terminal(80, "diagnose", *healthy)
    assert "\x1b[32mhealthy: no finding above a note" in shown
    assert "\x1b[32m" not in run_in_terminal(80, "diagnose", *healthy, NO_COLOR="1")


def test_without_unicode_letters_are_spelled(tmp_path):
    save(Network.create([3, 8, 2], "tanh", rng=0), tmp_path / "m.safetensors")
    X, y = points()
    write(tmp_path / "data.csv", X * [1, 1, 1e5], y)
    paths = tmp_path / "m.safetensors", tmp_path / "data.csv"
    result = run("diagnose", *paths, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert result.returncode == 1
    assert result.stdout.isascii()
    assert "-> --fix trains anew with scaled columns" in result.stdout
    assert "?" not in result.stdout


def test_with_too_few_rows_to_fix_the_diagnosis_is_shown_all_the_same(call, healthy, tmp_path):
    (tmp_path / "one.csv").write_text("".join((tmp_path / "data.csv").read_text().splitlines(keepends=True)[:2]))
    plain, fixed = (call("diagnose", healthy[0], "one.csv", *more) for more in ((), ("--fix",)))
    said = "one.csv has 1 row that is finite, expected 10 or more, so the model cannot be fixed with it."
    assert fixed == (plain[0], f"{plain[1]}\n{said}\n", plain[2])
    code, out, _ = call("diagnose", healthy[0], "one.csv", "--fix", "--json")
    assert (code, json.loads(out)["said"]) == (plain[0], [said])


def test_a_network_that_hardly_learned_is_trained_anew(call, tmp_path):
    X, y = points()
    write(tmp_path / "data.csv", X, y)
    save(Network.create([3, 8, 2], "tanh", rng=0), tmp_path / "new.safetensors")
    code, out, _ = call("diagnose", "new.safetensors", "data.csv", "--fix")
    assert code == 0
    assert "diagnosis healthy" in out
    assert "→ trained from new random weights, for " in out
    assert out.endswith("\nwrote new-fixed.safetensors\n")
