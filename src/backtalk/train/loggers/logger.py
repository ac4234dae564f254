"""What the loggers share: when they open, the numbers of an epoch by name; a log that fails does not end training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Protocol

from ...errors import first_line
from .. import Callback, Epoch, LayerMeasures, Training

MEASURES = [field.name for field in fields(LayerMeasures) if field.name != "layer"]


class Writer(Protocol):
    """What a logger has open while training runs."""

    def write(self, epoch: Epoch) -> None:
        """Write an epoch."""
        raise NotImplementedError

    def end(self, training: Training) -> None:
        """Write the result, and close."""
        raise NotImplementedError


class Logger(Callback):
    """A callback that writes. A failure before the first step is an error, and a later one is a warning.

    It holds its arguments alone until training begins, and so does every copy of it: those that ``copy``, pickle and
    scikit-learn's ``clone`` make. Copies may train at the same time, also in several processes: so each finds a place
    of its own when training begins.
    """

    of_one_run = True
    _writer: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_writer": None, "place": None}

    def on_start(self, settings: Mapping[str, Any]) -> None:
        self._writer = self.open(settings)

    def on_epoch(self, epoch: Epoch) -> None:
        self._attempt(self._writer.write, epoch, f"epoch {epoch.number}")

    def on_end(self, training: Training) -> None:
        self._attempt(self._writer.end, training, "the end of training")

    def open(self, settings: Mapping[str, Any]) -> Writer:
        """Begin the log of a run with these settings."""
        raise NotImplementedError

    def _attempt(self, method: Callable[[Any], None], value: Any, what: str) -> None:
        try:
            method(value)
        except Exception as error:  # of whatever kind the library has: a log is not worth the training that it tells of
            why = first_line(error)
            warnings.warn(f"{self!r} did not write {what} ({why}); training goes on.", stacklevel=3)


def numbers(epoch: Epoch) -> dict[str, float]:
    """The numbers of an epoch by name: ``loss``, ``validation_loss``, ``grad_W/layer_1``, ….

    >>> numbers(Epoch(1, 0.5, None, (LayerMeasures(1, None, None, 2.0, 3.0, 0.1, None),)))
    {'loss': 0.5, 'grad_W/layer_1': 2.0, 'W/layer_1': 3.0, 'update/layer_1': 0.1}
    """
    found = {name: getattr(epoch, name) for name in ("loss", "validation_loss", "validation_metric", "learning_rate")}
    if epoch.privacy is not None:
        found["epsilon"] = epoch.privacy.epsilon
    found |= {f"{name}/layer_{each.layer}": getattr(each, name) for name in MEASURES for each in epoch.measures}
    return {name: float(value) for name, value in found.items() if value is not None}
