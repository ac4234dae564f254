"""``TensorBoard``: a folder that TensorBoard shows."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from ...errors import InputTypeError, MissingLibraryError
from .. import Epoch, Training
from .logger import Logger, numbers

EVENTS = "events.out.tfevents."  # how TensorBoard knows its files, which it reads in the order of their names


class TensorBoard(Logger):
    """Writes a folder that ``tensorboard --logdir FOLDER`` shows, with an epoch as a step.

    The scalars are ``loss``, ``validation_loss``, ``validation_metric``, ``learning_rate``, and with ``measure_every``
    each layer's measures (:class:`~backtalk.LayerMeasures`): ``grad_W/layer_1``, ``grad_W/layer_2``, … side by side.
    The settings of the run appear under HPARAMS. Give each run its own folder below the one that is shown; a resumed
    run continues in its folder. A copy, such as scikit-learn makes of an estimator for each fit of a search, shares no
    folder: if there are events in ``FOLDER``, it writes into ``FOLDER/2``, and so on.

    ``written``: the folder, once training has begun; None before. Needs the library tensorboard, without TensorFlow.
    Raises :class:`~backtalk.errors.MissingLibraryError` without it, and ``OSError``, before the first step, if the
    folder cannot be written.
    """

    folder: Path
    place: str | None

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise InputTypeError(f"folder is {folder!r}, expected the name of a folder.")
        _Library()  # an error now, rather than when training begins
        self.folder = Path(folder)
        self.place = os.path.realpath(folder)

    def __repr__(self) -> str:
        return f"TensorBoard({str(self.folder)!r})"

    @property
    def written(self) -> Path | None:
        """The folder, once training has begun; None before."""
        return None if self._writer is None else self._writer.path.parent

    def open(self, settings: Mapping[str, Any]) -> _Events:
        library, folder = _Library(), self.written or (self.folder if self.place else None)
        return _Events(library, _claim(self.folder) if folder is None else _new(folder), settings)


class _Events:
    """A file of events that is being written."""

    def __init__(self, library: _Library, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        self._library, self._begun = library, False
        self._file = library.open(path)
        # where an error ends training, nobody is told: then the file is closed when this goes
        self._closed = weakref.finalize(self, self._file.close)
        self._write(library.version(), library.settings(settings))

    def _write(self, *events: Any) -> None:
        for event in events:
            self._file.write(event.SerializeToString())
        self._file.flush()

    def write(self, epoch: Epoch) -> None:
        if not self._begun:
            self._write(self._library.start(epoch.number))
            self._begun = True
        self._write(self._library.scalars(epoch.number, numbers(epoch)))

    def end(self, training: Training) -> None:
        self._closed()


def _claim(folder: Path) -> Path:
    """A file in the first of FOLDER, FOLDER/2, … without events; it is there now, so that no other copy takes it."""
    for number in count(1):
        own = folder if number == 1 else folder / str(number)
        own.mkdir(parents=True, exist_ok=True)
        if not any(EVENTS in each.name for each in own.iterdir()):
            path = own / f"{EVENTS}0"
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                continue
            return path
    raise AssertionError  # count does not end


def _new(folder: Path) -> Path:
    """A file in the folder, after those that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{EVENTS}{time.time_ns()}.{os.getpid()}"


class _Library:
    """What is used of tensorboard: its events, and how they are written to a file."""

    def __init__(self) -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.plugins.hparams import summary_v2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError:
            raise MissingLibraryError(
                "TensorBoard's files are written by tensorboard, which is not installed: "
                "pip install 'backtalk[tensorboard]'."
            ) from None
        # the classes of protocol buffers are made at run time
        self._events: Any = event_pb2
        self._summaries: Any = summary_pb2
        self._hparams, self._writer = summary_v2, RecordWriter

    def open(self, path: Path) -> Any:
        return self._writer(path.open("ab"))

    def version(self) -> Any:
        """The event that a file begins with."""
        return self._events.Event(wall_time=time.time(), file_version="brain.Event:2")

    def settings(self, settings: Mapping[str, Any]) -> Any:
        """The event that holds the settings: numbers and texts."""
        values = {
            name: value if isinstance(value, bool | int | float | str) else str(value)
            for name, value in settings.items()
        }
        return self._events.Event(wall_time=time.time(), summary=self._hparams.hparams_pb(values))

    def start(self, step: int) -> Any:
        """The event that tells the reader to forget what an earlier file holds from this step on."""
        log = self._events.SessionLog(status=self._events.SessionLog.START)
        return self._events.Event(wall_time=time.time(), step=step, session_log=log)

    def scalars(self, step: int, values: Mapping[str, float]) -> Any:
        """The event that holds numbers by name."""
        value = self._summaries.Summary.Value
        summary = self._summaries.Summary(value=[value(tag=name, simple_value=each) for name, each in values.items()])
        return self._events.Event(wall_time=time.time(), step=step, summary=summary)
