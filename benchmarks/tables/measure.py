"""Each model on each fold of each table; every result is a line of a file, and what stands there is not done again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .folds import folds_of
from .lists import Table
from .scores import scores

Predict = Callable[[Table, pd.DataFrame, pd.DataFrame, np.ndarray], np.ndarray]  # train, test, classes
Key = tuple[str, int, str]


class Cache:
    """Results by table, fold and model, in a file of a line of JSON each."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.results: dict[Key, dict[str, Any]] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                found = json.loads(line)
                self.results[found["table"], found["fold"], found["model"]] = found

    def add(self, result: dict[str, Any]) -> None:
        """In the file at once, so that a run that was ended goes on where it was."""
        self.results[result["table"], result["fold"], result["model"]] = result
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(result) + "\n")


def measure(
    table: Table, frame: pd.DataFrame, models: dict[str, Predict], cache: Cache, folds: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """The results of a table that were not there yet: loss, error and seconds, or the problem instead."""
    classes, y = classes_of(table, frame)
    for fold, (train, test) in enumerate(folds_of(table.task, y)):
        for name, predict in models.items():
            known = cache.results.get((table.name, fold, name))
            if fold not in folds or (known is not None and "problem" not in known):
                continue
            began = time.process_time()
            result: dict[str, Any] = {"table": table.name, "fold": fold, "model": name, "task": table.task}
            try:
                predicted = predict(table, frame.iloc[train], frame.iloc[test].drop(columns=table.target), classes)
                result |= scores(table.task, y[test], predicted)
            except Exception as problem:  # of any library: the others are to be measured all the same
                result["problem"] = f"{type(problem).__name__}: {problem}"[:300]
            result["seconds"] = time.process_time() - began  # of the processor: others may use the machine
            cache.add(result)
            yield result


def classes_of(table: Table, frame: pd.DataFrame, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The classes in order, by default those of the frame, and its target as their numbers; in regression no classes,
    and the target itself."""
    target = frame[table.target]
    if table.task == "regression":
        return np.array([]), target.to_numpy(dtype=np.float64)
    labels = target.astype(str).to_numpy(dtype=str)
    classes = np.unique(labels) if classes is None else classes
    return classes, np.searchsorted(classes, labels)
