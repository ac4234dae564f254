"""Files of every kind, as this version of backtalk writes them: python tests/files/make.py, once for each release.

They go into a folder beside this script, named by the version, and stay there: ``tests/test_versions.py`` reads those
of every version, and expects what ``values.json`` says of them. A folder that is there is left alone.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import backtalk
from backtalk import Checkpoint, Network, fit, forward, save
from backtalk.apps.tables import Options, predict, train
from backtalk.teaching.exercises import make_class
from backtalk.train.loggers import JsonLines

X = np.array([[i * 0.25 - 1, i % 3 - 1.0] for i in range(8)])
Y = np.array([0, 1, 1, 0, 1, 0, 0, 1])
# Sums of a few whole numbers, halves and quarters: every machine takes the recorded steps to the same bits
EXACT_X, EXACT_Y = np.array([[1.0, -1.0], [2.0, 1.0]]), np.array([[1.0], [-1.0]])
ROWS = [(i, i % 4, "abc"[i % 3], "yes" if i * (i % 4) > 20 else "no") for i in range(40)]


def write(folder: Path) -> dict[str, Any]:
    """All files; gives what each of them must give to whoever reads it."""
    values: dict[str, Any] = {}
    plain = Network.create([2, 3, 2], "tanh", rng=0)
    own_output = Network.create([2, 3, 2], "relu", loss="squared_error", output="sigmoid", rng=1)
    ensemble = [Network.create([2, 3, 2], "gelu", rng=seed, dtype="float32") for seed in range(2)]
    for name, networks in {
        "network.safetensors": plain,
        "network-with-output.safetensors": own_output,
        "ensemble.safetensors": ensemble,
        "network.onnx": plain,
    }.items():
        save(networks, folder / name)
        values[name] = outputs(backtalk.load(folder / name))

    options: dict[str, Any] = {"epochs": 4, "batch_size": 3, "rng": 0, "engine": "formula", "dropout": 0.25}
    place = Checkpoint(folder / "checkpoint.safetensors", every_steps=1)
    fit(plain, X, Y, checkpoint=place, progress=lambda progress: progress.step >= 5, **options)
    whole = fit(plain, X, Y, callbacks=[JsonLines(folder / "log.jsonl")], **options)
    values["checkpoint.safetensors"] = {"outputs": outputs(whole.network), "losses": list(whole.losses)}

    exact = Network([np.array([[0.5, -0.25]])], [np.array([0.25])], loss="squared_error")
    exact_options: dict[str, Any] = {"optimizer": "sgd(learning_rate=0.5, momentum=0)", "batch_size": 1, "rng": 0}
    fit(exact, EXACT_X, EXACT_Y, epochs=1, engine="formula", record=folder / "recording.safetensors", **exact_options)
    recorded = backtalk.Recording.load(folder / "recording.safetensors", EXACT_X, EXACT_Y)
    values["recording.safetensors"] = {"steps": recorded.steps, "W": recorded.end.W[1].tolist()}

    table = folder / "table.csv"
    table.write_text("a,b,c,y\n" + "".join(",".join(map(str, row)) + "\n" for row in ROWS), "utf-8", newline="\n")
    train(table, folder / "run", Options("y", hidden=(4,), epochs=3, members=1, validation=0.1, test=0.2))
    for name in ("report.html", "diagnosis.html"):  # for people: nothing reads them
        (folder / "run" / name).unlink(missing_ok=True)
    values["run"] = {"predicted": predict(folder / "run", table)[0].to_dicts()[:5]}

    sheets = make_class(2, seed=3, settings={"sizes": [2, 2, 2]})
    (folder / "class").mkdir()
    for name, text in sheets.files("markdown").items():
        if name in ("class.json", "answers.csv"):
            (folder / "class" / name).write_text(text, "utf-8", newline="\n")
    values["class"] = {str(number): made.answers for number, made in sheets.exercises.items()}
    return values


def outputs(network: Network) -> list[list[float]]:
    """ŷ for X."""
    return np.asarray(forward(network, X.astype(network.W[1].dtype)).output, np.float64).round(12).tolist()


def main() -> None:
    place = Path(__file__).parent / backtalk.__version__
    if place.exists():
        sys.exit(f"{place} is there, and the files of a version never change")
    with tempfile.TemporaryDirectory() as folder:
        values = write(Path(folder))
        text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
        (Path(folder) / "values.json").write_text(text, "utf-8", newline="\n")
        shutil.copytree(folder, place)


if __name__ == "__main__":
    main()
