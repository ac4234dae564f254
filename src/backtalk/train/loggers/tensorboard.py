"""``TensorBoard``: a folder that TensorBoard shows."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputTypeError, MissingLibraryError
from .. import Epoch, Training
from .logger import Logger, numbers


class TensorBoard(Logger):
    """Writes a folder that ``tensorboard --logdir FOLDER`` shows, with an epoch as a step.

    The scalars are ``loss``, ``validation_loss``, ``learning_rate``, and with ``measure_every`` each layer's measures
    (:class:`~backtalk.LayerMeasures`): ``grad_W/layer_1``, ``grad_W/layer_2``, … side by side. The settings of the run
    appear under HPARAMS. Give each run its own folder below the one that is shown; a resumed run continues in its
    folder.

    Needs the library tensorboard, without TensorFlow. Raises :class:`~backtalk.errors.MissingLibraryError` without
    it, and ``OSError``, before the first step, if the folder cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise InputTypeError(f"folder is {folder!r}, expected the name of a folder.")
        self.folder = Path(folder)
        self._library = _Library()
        self._begun = False

    def __repr__(self) -> str:
        return f"TensorBoard({str(self.folder)!r})"

    def begin(self, settings: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._writer = self._library.writer(self.folder)
        # where an error ends training, nobody is told: then the file is closed when this logger goes
        self._closed = weakref.finalize(self, self._writer.close)
        self._begun = False
        self._writer.add_event(self._library.settings(settings))
        self._writer.flush()

    def write(self, epoch: Epoch) -> None:
        if not self._begun:
            self._writer.add_event(self._library.start(epoch.number))
            self._begun = True
        self._writer.add_event(self._library.scalars(epoch.number, numbers(epoch)))
        self._writer.flush()

    def end(self, training: Training) -> None:
        self._closed()


class _Library:
    """What is used of tensorboard: its own writer of event files, which PyTorch uses as well."""

    def __init__(self) -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.plugins.hparams import summary_v2
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise MissingLibraryError(
                "TensorBoard's files are written by tensorboard, which is not installed: "
                "pip install 'backtalk[tensorboard]'."
            ) from None
        # the classes of protocol buffers are made at run time
        self._events: Any = event_pb2
        self._summaries: Any = summary_pb2
        self._hparams, self._writer = summary_v2, EventFileWriter

    def writer(self, folder: Path) -> Any:
        return self._writer(str(folder))

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
