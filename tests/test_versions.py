"""Files of every version that was released load and give what they gave; one that is newer is refused in a sentence."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import backtalk
from backtalk import FileFormatError, load, resume
from backtalk.apps.lab.lesson import page as lesson
from backtalk.apps.tables import folder as run_folder
from backtalk.apps.tables import predict
from backtalk.interop import structure
from backtalk.teaching.exercises import classes
from backtalk.train import checkpoint, recording
from backtalk.train.loggers import JsonLines
from files.make import EXACT_X, EXACT_Y, X, Y, outputs

ROOT, FILES = Path(__file__).parents[1], Path(__file__).parent / "files"
RELEASED = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
VERSIONS = [version for version, _ in RELEASED]
NEWEST = {  # by the kinds of the table in docs/versions.md
    "network, `.safetensors`": structure.VERSION,
    "network, `.onnx`": structure.VERSION,
    "checkpoint": checkpoint.VERSION,
    "recording": recording.VERSION,
    "folder of a run": run_folder.VERSION,
    "folder of a class": classes.FORMAT,
    "lesson, `.html`": lesson.FORMAT,
}


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    cited = (ROOT / "CITATION.cff").read_text("utf-8")
    assert (project, RELEASED[0]) == (
        VERSIONS[0],
        tuple(re.findall(r"^(?:version|date-released): \"?([\d.-]+)", cited, re.M)),
    )


def test_the_table_of_the_documentation_names_every_kind_of_file_and_its_version():
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| (\d+) \|", (ROOT / "docs/versions.md").read_text("utf-8"), re.M
    )
    assert {kind: int(newest) for kind, newest in rows} == NEWEST


@pytest.fixture(params=VERSIONS)
def kept(request, tmp_path) -> tuple[Path, dict[str, Any]]:
    """A copy of the files of a version, and what they gave."""
    place = Path(shutil.copytree(FILES / request.param, tmp_path / "kept"))
    return place, json.loads((place / "values.json").read_text("utf-8"))


def test_networks_give_what_they_gave(kept):
    place, values = kept
    for name in ("network", "network-with-output", "ensemble"):
        close(outputs(load(place / f"{name}.safetensors")), values[f"{name}.safetensors"])
    pytest.importorskip("onnx")
    close(outputs(load(place / "network.onnx")), values["network.onnx"])


def test_training_goes_on_from_a_checkpoint_as_it_did(kept):
    place, values = kept
    log = JsonLines(place / "log.jsonl")
    training = resume(place / "checkpoint.safetensors", X, Y, callbacks=[log])
    close(outputs(training.network), values["checkpoint.safetensors"]["outputs"])
    close(training.losses, values["checkpoint.safetensors"]["losses"])
    close(outputs(load(place / "checkpoint.safetensors")), values["checkpoint.safetensors"]["outputs"])
    epochs = [json.loads(line)["epoch"] for line in log.path.read_text("utf-8").splitlines()]
    assert epochs == list(range(1, len(training.losses) + 1))


def test_a_recording_takes_its_steps_again(kept):
    place, values = kept
    found = backtalk.Recording.load(place / "recording.safetensors", EXACT_X, EXACT_Y)
    assert {"steps": found.steps, "W": found.end.W[1].tolist()} == values["recording.safetensors"]


def test_a_run_predicts_what_it_predicted(kept):
    place, values = kept
    rows = predict(place / "run", place / "table.csv")[0].to_dicts()
    for found, expected in zip(rows[:5], values["run"]["predicted"], strict=True):
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert found[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-5))


def test_the_sheets_of_a_class_are_the_same_again(kept):
    place, values = kept
    found = classes.read_class(place / "class").exercises
    assert [str(number) for number in found] == list(values["class"])
    for number, made in found.items():
        expected = values["class"][str(number)]
        assert list(made.answers) == list(expected)
        for question, answer in made.answers.items():
            close(answer, expected[question])


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found, float), expected, rtol=1e-6, atol=1e-9)


# What a later version may write


def with_json(path: Path, change: Any) -> None:
    facts = json.loads(path.read_text("utf-8"))
    change(facts)
    path.write_text(json.dumps(facts), "utf-8")


def with_metadata(path: Path, change: Any) -> None:
    """The file with another text in its metadata, and the check sum that goes with it."""
    from backtalk.interop.files import _check_sum

    with safetensors.safe_open(path, "numpy") as file:
        facts = json.loads(file.metadata()[structure.KEY])
    content = safetensors.numpy.load_file(path)
    change(facts)
    del facts["check_sum"]
    facts["check_sum"] = _check_sum(facts, content)
    safetensors.numpy.save_file(content, path, {structure.KEY: json.dumps(facts)})


def newer_network(place: Path) -> Any:
    with_metadata(place / "network.safetensors", lambda facts: facts.update(version=99))
    return lambda: load(place / "network.safetensors")


def newer_onnx(place: Path) -> Any:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(place / "network.onnx")
    for each in model.metadata_props:
        if each.key == structure.KEY:
            each.value = json.dumps(json.loads(each.value) | {"version": 99})
    onnx.save(model, place / "network.onnx")
    return lambda: load(place / "network.onnx")


def newer_checkpoint(place: Path) -> Any:
    with_metadata(place / "checkpoint.safetensors", lambda facts: facts["training"].update(version=99))
    return lambda: resume(place / "checkpoint.safetensors", X, Y)


def newer_recording(place: Path) -> Any:
    with_metadata(place / "recording.safetensors", lambda facts: facts["training"].update(version=99))
    return lambda: backtalk.Recording.load(place / "recording.safetensors", EXACT_X, EXACT_Y)


def newer_run(place: Path) -> Any:
    with_json(place / "run" / "preprocessing.json", lambda facts: facts.update(version=99))
    return lambda: predict(place / "run", place / "table.csv")


def newer_class(place: Path) -> Any:
    with_json(place / "class" / "class.json", lambda facts: facts.update(format=99))
    return lambda: classes.read_class(place / "class")


NEWER = newer_network, newer_onnx, newer_checkpoint, newer_recording, newer_run, newer_class


@pytest.mark.parametrize("make_newer", NEWER, ids=lambda each: each.__name__)
def test_a_file_of_a_newer_version_is_refused(make_newer, tmp_path):
    read = make_newer(Path(shutil.copytree(FILES / VERSIONS[0], tmp_path / "kept")))
    with pytest.raises(FileFormatError, match=r"99\b.* reads up to \d+: update backtalk"):
        read()


def test_the_page_of_a_lesson_refuses_a_newer_recording():
    reader = (ROOT / "web/src/recorded.ts").read_text("utf-8")
    assert f"const FORMAT = {lesson.FORMAT};" in reader
    assert "this page reads formats up to" in reader
