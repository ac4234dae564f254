"""The files of a run's folder, each changed beside the others, which stay as they were; and a log of JSON lines."""

from __future__ import annotations

import shutil
import zlib
from functools import partial
from pathlib import Path

from backtalk import Epoch, Network
from backtalk.apps import tables
from backtalk.train.loggers import JsonLines

from .containers import forge_safetensors
from .mutations import change_json, change_json_lines, damage, damage_text
from .tables import run_folder
from .target import Mutation, Target

# What reads each file; what is faster is called more often
USES = {
    "run.json": ["diagnose", "diagnose", "diagnose", "resume"],
    "preprocessing.json": ["predict", "predict", "predict", "predict", "evaluate", "diagnose"],
    "metrics.json": ["diagnose"],
    "history.jsonl": ["diagnose", "diagnose", "diagnose", "resume"],
    "model.safetensors": ["predict", "predict", "predict", "evaluate"],
    "checkpoint.safetensors": ["resume"],
}
CHANGES: dict[str, tuple[Mutation, Mutation]] = {
    "json": (damage_text, change_json),
    "jsonl": (damage_text, change_json_lines),
    "safetensors": (damage, forge_safetensors),
}


def _target(file: str) -> Target:
    name, suffix = file.split(".")
    change, forge = CHANGES[suffix]
    return Target(f"run_{name}", f".{suffix}", partial(_seeds, file), partial(_use, file), change, forge)


def _seeds(file: str) -> list[bytes]:
    return [(run_folder() / file).read_bytes()]


def _use(file: str, path: Path) -> None:
    """Predict, evaluate, diagnose or resume: one of them, by the content."""
    content = path.read_bytes()
    table, folder = run_folder().parent / "table.csv", path.parent / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(run_folder(), folder)
    (folder / file).write_bytes(content)
    use = USES[file][zlib.crc32(content) % len(USES[file])]
    if use == "resume":
        tables.resume(folder, table, progress=lambda _: True)
    else:
        getattr(tables, use)(folder, table)


def _go_on_logging(path: Path) -> None:
    JsonLines(path).open({}).write(Epoch(3, 0.1, Network.create([1, 1], loss="squared_error", rng=0)))


TARGETS = [
    *map(_target, USES),
    Target(
        "json_lines",
        ".jsonl",
        lambda: [b'{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "loss": 0.25}\n'],
        _go_on_logging,
        damage_text,
        change_json_lines,
    ),
]
