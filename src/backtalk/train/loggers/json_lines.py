"""``JsonLines``: a file with one JSON object for each epoch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from ...core.files import write_atomically
from ...errors import InputTypeError
from .. import Epoch, Training
from .logger import Logger, numbers


class JsonLines(Logger):
    """Writes a file with one line for each epoch, which is there as soon as the epoch is over.

    A line is a JSON object: ``epoch``, its number, and its numbers by name: ``loss``, ``validation_loss``,
    ``validation_metric``, ``learning_rate``, with ``privacy`` ``epsilon``, and with ``measure_every`` each layer's
    measures, such as ``grad_W/layer_1`` (:class:`~backtalk.LayerMeasures`). A number that is not finite is null. A new
    run overwrites the file; a resumed run continues in it, and its epochs replace those that were lost. A copy, such as
    scikit-learn makes of an estimator for each fit of a search, overwrites nothing: if there is a ``log.jsonl``, it
    writes ``log-2.jsonl``, and so on.

    ``written``: the file, once training has begun; None before. Raises ``OSError``, before the first step, if the file
    cannot be written.

    >>> import tempfile
    >>> import numpy as np
    >>> from backtalk import Network, fit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = JsonLines(folder + "/log.jsonl")
    ...     training = fit(Network.create([4, 2], rng=0), np.eye(4), [0, 1, 0, 1], epochs=2, rng=0, callbacks=[log])
    ...     print(log.path.read_text(), end="")
    {"epoch": 1, "loss": 0.68..., "learning_rate": 0.001}
    {"epoch": 2, "loss": 0.68..., "learning_rate": 0.001}
    """

    path: Path
    place: str | None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike):
            raise InputTypeError(f"path is {path!r}, expected the name of a file.")
        self.path = Path(path)
        self.place = os.path.realpath(path)

    def __repr__(self) -> str:
        return f"JsonLines({str(self.path)!r})"

    @property
    def written(self) -> Path | None:
        """The file, once training has begun; None before."""
        return None if self._writer is None else self._writer.path

    def open(self, settings: Mapping[str, Any]) -> _Lines:
        path = self.written or (self.path if self.place else _claim(self.path))
        with path.open("a", encoding="utf-8"):  # an error now, rather than a warning after each epoch
            pass
        return _Lines(path)


class _Lines:
    """A file that is being written, by a run that may go on from a checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun = False

    def write(self, epoch: Epoch) -> None:
        if not self._begun:
            write_atomically(self.path, self._before(epoch.number))
            self._begun = True
        values = {name: value if math.isfinite(value) else None for name, value in numbers(epoch).items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"epoch": epoch.number, **values}, ensure_ascii=False) + "\n")

    def _before(self, number: int) -> bytes:
        """The lines of the epochs before this one, where the run goes on from a checkpoint."""
        lines = self.path.read_bytes().splitlines(keepends=True) if number > 1 else []
        before = list(takewhile(lambda line: 0 < _epoch_of(line) < number, lines))
        return b"".join(before)

    def end(self, training: Training) -> None:
        pass  # each epoch is in the file already


def _claim(path: Path) -> Path:
    """The first of ``log.jsonl``, ``log-2.jsonl``, … that was not there; now it is, so that no other copy takes it."""
    for number in count(1):
        own = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            own.touch(exist_ok=False)
        except FileExistsError:
            continue
        return own
    raise AssertionError  # count does not end


def _epoch_of(line: bytes) -> int:
    """The epoch that a line tells of; 0 for a line that a crash cut short."""
    try:
        return int(json.loads(line)["epoch"]) if line.endswith(b"\n") else 0
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return 0
