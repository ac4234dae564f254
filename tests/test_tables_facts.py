"""The JSON files of a run, edited by hand: each error names the file and the field, and nothing else happens."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from backtalk.apps.tables import diagnose, evaluate, predict, resume, train
from backtalk.apps.tables.folder import HISTORY, METRICS, MODEL, PREPROCESSING, RUN
from backtalk.core.checked import as_kind, read_json
from backtalk.errors import FileFormatError
from one_network import Options

USES = {
    RUN: lambda place, _: resume(place),
    PREPROCESSING: predict,
    HISTORY: lambda place, _: resume(place),
    METRICS: diagnose,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A table with columns of each kind, and the folder of a run on it."""
    folder = tmp_path_factory.mktemp("facts")
    rng = np.random.default_rng(0)
    a, far = rng.normal(size=(2, 120)).round(3)
    far[3] = 1e9
    pl.DataFrame(
        {
            "a": a,
            "far": far,
            "word": rng.choice(["p", "q"], 120),
            "day": [f"2024-01-{1 + k % 28:02}" for k in range(120)],
            "gift": rng.choice(["yes", "no"], 120),
            "one": ["x"] * 120,
            "y": np.where(a > 0, "more", "less"),
        }
    ).write_csv(folder / "t.csv")
    train(folder / "t.csv", folder / "run", Options("y", hidden=(3,), epochs=2))
    return folder


def changed(facts, place, value):
    """The facts with a value at a place such as ``columns.0.kind``; ``...`` for one that is left out."""
    *before, last = [int(name) if name.isdigit() else name for name in place.split(".")]
    holder = facts
    for name in before:
        holder = holder[name]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return facts


@pytest.mark.parametrize(
    ("name", "place", "value", "words"),
    [
        (RUN, "version", 2, "is of version 2, this backtalk reads up to 1: update backtalk"),
        (PREPROCESSING, "version", -1, "is of version -1, which does not exist: the file was edited or is damaged"),
        (RUN, "version", "1", "'version' is \"1\", expected a whole number"),
        (RUN, "epochs", "many", "'epochs' is \"many\", expected a whole number"),
        (RUN, "epochs", 10**400, "'epochs' is a number of many digits, expected a whole number"),
        (RUN, "hidden", [3, None], r"'hidden\[1\]' is null, expected a whole number"),
        (RUN, "hidden", [0], r"holds an option that cannot be used: hidden is \[0\]"),
        (RUN, "optimizer", "adm", "holds an option that cannot be used: optimizer is 'adm'.* did you mean 'adam'"),
        (RUN, "test", float("nan"), "holds an option that cannot be used: test is nan"),
        (RUN, "seed", -1, "holds an option that cannot be used: seed is -1"),
        (RUN, "epochs", 10_000, "was edited: its options, 'sha256' and 'backtalk' are not those of the run"),
        (RUN, "sha256", "0", "was edited"),
        (RUN, "target", ..., "lacks the field 'target'"),
        (RUN, "sha256", 5, "'sha256' is 5, expected text"),
        (RUN, "target", "\ud800", "'target' is .*ud800\", expected text in Unicode"),
        (RUN, "run", [], "'run' is a list of 0, expected text"),
        (PREPROCESSING, "columns", {}, "'columns' is an object of 0, expected a list"),
        (PREPROCESSING, "columns.0", 1, r"'columns\[0\]' is 1, expected an object"),
        (PREPROCESSING, "columns.0.kind", "noise", r"'columns\[0\]' \('a'\) is 'noise', which is no kind of column"),
        (PREPROCESSING, "columns.0.mean", [1, "x"], r"'columns\[0\].mean\[1\]' is \"x\", expected a number"),
        (PREPROCESSING, "columns.0.mean", [], r"has {'median': 1, 'mean': 0, 'scale': 1}, expected 1 of each"),
        (PREPROCESSING, "columns.0.scale", [0.0], "a scale that is not above 0"),
        (PREPROCESSING, "columns.0.median", [float("inf")], "that is not finite"),
        (PREPROCESSING, "columns.0.form", "roman", "a form that such cells have"),
        (PREPROCESSING, "columns.1.quantiles", [2.0, 1.0], "quantiles that are too few, or not in order"),
        (PREPROCESSING, "columns.2.categories", ["p", "p"], "has a category twice"),
        (PREPROCESSING, "columns.2.categories", [], "expected categories of it"),
        (PREPROCESSING, "columns.3.numbers", ["day", "day: time of year, sine"], "expected those of its name"),
        (PREPROCESSING, "columns.5.has_missing", True, "expected neither categories nor numbers of it"),
        (PREPROCESSING, "columns.0.name", ..., r"'columns\[0\]' lacks the field 'name'"),
        (PREPROCESSING, "columns.1.name", "a", "expected those of its name"),
        (PREPROCESSING, "target.task", "auto", "'target' has the task 'auto'"),
        (PREPROCESSING, "target.classes", ["one"], "'target' has classes that are fewer than two"),
        (PREPROCESSING, "target.scale", -1, "a scale above 0"),
        (PREPROCESSING, "target.form", "roman", "'target' has the form 'roman'"),
        (PREPROCESSING, "inputs.0", "b", "'inputs' are not those of the columns"),
        (METRICS, "scores.training.rows", 0, "'scores.training.rows' is 0, expected 1 or more"),
        (METRICS, "scores.training", None, "'scores.training' is null, expected an object"),
        (METRICS, "scores", ..., "'scores' is null, expected an object"),
    ],
)
def test_a_field_that_is_wrong_is_named(run, tmp_path, name, place, value, words):
    shutil.copytree(run / "run", tmp_path / "run")
    facts = changed(json.loads((tmp_path / "run" / name).read_text()), place, value)
    (tmp_path / "run" / name).write_text(json.dumps(facts))
    with pytest.raises(FileFormatError, match=f"{name}.*{words}"):
        USES[name](tmp_path / "run", run / "t.csv")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("epoch", "line 2 is damaged .*, expected what 'backtalk train' wrote"),
        ("[]", "line 2, holds a list of 0, expected a JSON object"),
        ('{"epoch": 2}', "line 2 lacks the field 'loss'"),
        ("[" * 10_000, "line 2, is damaged .it is nested too deep"),
        ({"epoch": 3}, "line 2: 'epoch' is 3, expected 2: remove the file"),
        ({"loss": "low"}, "line 2: 'loss' is \"low\", expected a number"),
        ({"loss": 0.5}, "line 2: 'loss' is 0.5, and .* in the checkpoint: remove the file"),
        ({"layers": []}, None),
        ({"layers": [{}]}, r"line 2: 'layers\[0\]' lacks the field 'layer'"),
        ({"run": "0123456789abcdef"}, "line 2 is of another run"),
        ({"version": 7}, "line 2 is of version 7"),
    ],
)
def test_a_line_of_the_history_that_is_wrong_is_named(run, tmp_path, line, words):
    shutil.copytree(run / "run", tmp_path / "run")
    lines = (tmp_path / "run" / HISTORY).read_text().splitlines()
    lines[1] = line if isinstance(line, str) else json.dumps(json.loads(lines[1]) | line)
    (tmp_path / "run" / HISTORY).write_text("\n".join([*lines, ""]))
    if words is None:
        resume(tmp_path / "run")
        return
    with pytest.raises(FileFormatError, match=f"{HISTORY}, {words}".replace("line 2 is damaged", "line 2, is damaged")):
        resume(tmp_path / "run")


def test_a_history_that_was_removed_is_made_anew_with_the_losses_of_the_checkpoint(run, tmp_path):
    shutil.copytree(run / "run", tmp_path / "run")
    (tmp_path / "run" / HISTORY).unlink()
    resume(tmp_path / "run")
    found, whole = ([json.loads(line) for line in (place / HISTORY).read_text().splitlines()] for place in
                    (tmp_path / "run", run / "run"))  # fmt: skip
    assert [line["loss"] for line in found] == [line["loss"] for line in whole]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"\0" * 100, b'{"a":' * 5000, b"9" * 5000])
@pytest.mark.parametrize("name", [RUN, PREPROCESSING, METRICS])
def test_what_is_no_json_object_is_named(run, tmp_path, name, content):
    shutil.copytree(run / "run", tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=f"{name} (is damaged|holds)"):
        USES[name](tmp_path / "run", run / "t.csv")


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
def test_a_pipe_a_device_and_a_folder_are_refused_without_waiting(run, tmp_path):
    shutil.copytree(run / "run", tmp_path / "run")
    path = tmp_path / "run" / PREPROCESSING
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileFormatError, match="no ordinary file"):
        predict(tmp_path / "run", run / "t.csv")
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(FileFormatError, match="no ordinary file"):
        predict(tmp_path / "run", run / "t.csv")
    path.unlink()
    path.mkdir()
    with pytest.raises(FileFormatError, match=rf"^{path} is a folder, expected a file"):
        predict(tmp_path / "run", run / "t.csv")


def test_a_model_that_does_not_fit_what_was_learned_is_refused(run, tmp_path):
    from backtalk import Network, save

    for sizes, loss in (([3, 2], "cross_entropy"), ([9, 3], "cross_entropy"), ([9, 2], "squared_error")):
        shutil.copytree(run / "run", tmp_path / "run", dirs_exist_ok=True)
        save(Network.create(sizes, loss=loss, rng=0), tmp_path / "run" / MODEL)  # without the id of a run
        with pytest.raises(FileFormatError, match=r"model.safetensors has"):
            evaluate(tmp_path / "run", run / "t.csv")


@dataclass
class Inner:
    number: float
    words: list[str] | None = None


def test_values_of_json_become_values_of_types():
    assert as_kind({"number": 1, "words": ["é"]}, Inner, "f", "p") == Inner(1, ["é"])
    assert as_kind([{"number": 0.5}], list[Inner], "f", "p") == [Inner(0.5)]
    assert as_kind([1, 2], tuple[int, ...], "f", "p") == (1, 2)
    assert as_kind(0.5, float | tuple[float, ...], "f", "p") == 0.5
    assert as_kind([0.5, 0], float | tuple[float, ...], "f", "p") == (0.5, 0)
    assert as_kind(None, int | None, "f", "p") is None
    for value, kind in ((True, int), (True, float), (1.0, int), (1, str), (None, bool), ("x", Inner), (2**63, int)):
        with pytest.raises(FileFormatError, match=r"^f: 'p' is"):
            as_kind(value, kind, "f", "p")


def test_a_long_value_is_shortened_in_an_error(tmp_path):
    with pytest.raises(FileFormatError) as refused:
        as_kind("x" * 10_000, int, tmp_path / "f", "p")
    assert len(str(refused.value)) < 300
    (tmp_path / "f").write_text(json.dumps("y" * 10_000))
    with pytest.raises(FileFormatError) as refused:
        read_json(tmp_path / "f")
    assert len(str(refused.value)) < 300
