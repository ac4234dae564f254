"""``JsonLines``: a file with one JSON object for each epoch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from ...core.files import write_atomically
from ...errors import InputTypeError
from .. import Epoch, Training
from .logger import Logger, numbers


class JsonLines(Logger):
    """Writes a file with one line for each epoch, which is there as soon as the epoch is over.

    A line is a JSON object: ``epoch``, its number, and its numbers by name: ``loss``, ``validation_loss``,
    ``learning_rate``, and with ``measure_every`` each layer's measures, such as ``grad_W/layer_1``
    (:class:`~backtalk.LayerMeasures`). A number that is not finite is null. A new run overwrites the file; a resumed
    run continues in it, and its epochs replace those that were lost.

    Raises ``OSError``, before the first step, if the file cannot be written.

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

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike):
            raise InputTypeError(f"path is {path!r}, expected the name of a file.")
        self.path = Path(path)
        self._begun = False

    def __repr__(self) -> str:
        return f"JsonLines({str(self.path)!r})"

    def begin(self, settings: Mapping[str, Any]) -> None:
        self._begun = False
        with self.path.open("a", encoding="utf-8"):  # an error now, rather than a warning after each epoch
            pass

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


def _epoch_of(line: bytes) -> int:
    """The epoch that a line tells of; 0 for a line that a crash cut short."""
    try:
        return int(json.loads(line)["epoch"]) if line.endswith(b"\n") else 0
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return 0
