"""What is noted after each epoch: one line of JSON, so that a run that is cut short loses nothing."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...analysis.diagnose.telemetry import Telemetry
from ...core.checked import field_of, read_json, require_version
from ...core.files import append, require_ordinary, write_atomically
from ...core.network import Network
from ...errors import FileFormatError
from ...train import Callback, Epoch, LayerMeasures
from .folder import VERSION, run_of

LINE: dict[str, Any] = {  # the types of its fields
    "epoch": int,
    "loss": float,
    "validation_loss": float | None,
    "validation_score": float | None,
    "learning_rate": float | None,
    "layers": list[LayerMeasures],
}
ANEW = "remove the file, and 'backtalk resume' makes it anew"


class History(Callback):
    """Writes a line for each epoch: losses, score, learning rate, and the norms of each layer.

    ``run``: the id of the run, which stands in each line. ``losses``, ``validation_losses``: of the epochs that a
    checkpoint has, where a run goes on; ``depth``: the number of layers. Their lines stay, and those after them are
    made again. One that is missing, since the run was cut short just before it was written, has the losses only. A line
    that cannot be written is a warning, the first time, and is written with the next one; ``is_written`` says whether
    all are. In a cluster process 0 alone has the file, and the others, whose ``path`` is None, count the score with it.
    """

    path: Path | None
    score: Callable[[Network], float | None] | None
    run: str | None
    is_written: bool
    epochs: list[dict[str, Any]]

    def __init__(
        self,
        path: Path | None,
        score: Callable[[Network], float | None] | None,
        run: str | None = None,
        losses: Sequence[float] = (),
        validation_losses: Sequence[float] = (),
        depth: int | None = None,
    ) -> None:
        self.path, self.score, self.run, self.is_written, self._warned = path, score, run, True, False
        self.epochs = [] if path is None else read_history(path, run, depth)[: len(losses)]
        _require_losses(path, self.epochs, losses)
        for number in range(len(self.epochs) + 1, len(losses) + 1):
            validation_loss = validation_losses[number - 1] if validation_losses else None
            self.epochs.append(_line(number, losses[number - 1], validation_loss))
        self.write()

    def on_epoch(self, epoch: Epoch) -> None:
        score = epoch.validation_metric  # if the score is the metric that decides, it is known
        if score is None and self.score is not None:
            score = self.score(epoch.network)
        line = _line(
            epoch.number,
            epoch.loss,
            epoch.validation_loss,
            score,
            epoch.learning_rate,
            epoch.measures,
        )
        self.epochs.append(line)
        if self.path is not None and self.is_written:
            self._try(lambda path: append(path, self._text(line).encode()))
        else:
            self.write()

    def write(self) -> None:
        """All lines anew."""
        content = "".join(map(self._text, self.epochs)).encode()
        self._try(lambda path: write_atomically(path, content))

    def _text(self, line: Mapping[str, Any]) -> str:
        own = {} if self.run is None else {"version": VERSION, "run": self.run}
        return json.dumps({**own, **line}) + "\n"

    def _try(self, write: Callable[[Path], None]) -> None:
        if self.path is None:
            return
        try:
            write(self.path)
            self.is_written = True
        except OSError as error:
            self.is_written = False
            if not self._warned:
                self._warned = True
                reason = error.strerror or str(error)
                warnings.warn(f"{self.path} was not written ({reason}); training goes on.", stacklevel=4)


def _line(
    number: int,
    loss: float,
    validation_loss: float | None,
    score: float | None = None,
    rate: float | None = None,
    measures: Sequence[LayerMeasures] = (),
) -> dict[str, Any]:
    return {
        "epoch": number,
        "loss": loss,
        "validation_loss": validation_loss,
        "validation_score": score,
        "learning_rate": rate,
        "layers": [asdict(layer) for layer in measures],
    }


def _require_losses(path: Path | None, epochs: Sequence[Mapping[str, Any]], losses: Sequence[float]) -> None:
    """Refuse lines of other epochs than a checkpoint has."""
    for line, loss in zip(epochs, losses, strict=False):
        if repr(float(line["loss"])) != repr(float(loss)):
            raise FileFormatError(
                f"{path}, line {line['epoch']}: 'loss' is {line['loss']}, and {loss} in the checkpoint: {ANEW}."
            )


def read_history(path: Path, run: str | None = None, depth: int | None = None) -> list[dict[str, Any]]:
    """The epochs in a file; a last line that was cut off is left out.

    ``run``: the id of the run, ``depth``: the number of layers, if they are known. Raises
    :class:`~backtalk.errors.FileFormatError` with the line and the field that is wrong.
    """
    if not path.exists():
        return []
    require_ordinary(path)
    *lines, rest = path.read_bytes().split(b"\n")
    try:
        texts = [line.decode() for line in lines]
    except UnicodeDecodeError:
        raise FileFormatError(f"{path} is damaged (it is no text in UTF-8): {ANEW}.") from None
    epochs = [_read_line(path, number, text, run, depth) for number, text in enumerate(texts, start=1)]
    try:
        last = rest.decode()
        json.loads(last)
    except (ValueError, RecursionError):  # cut off, or empty as after a whole line
        return epochs
    return [*epochs, _read_line(path, len(epochs) + 1, last, run, depth)]


def _read_line(path: Path, number: int, text: str, run: str | None, depth: int | None) -> dict[str, Any]:
    where = f"{path}, line {number}"
    facts = read_json(path, text, number)
    if "version" in facts:
        require_version(facts, VERSION, where)
    own = run_of(facts, where)
    if None not in (own, run) and own != run:
        raise FileFormatError(f"{where} is of another run ({own}, and not {run}): {ANEW}.")
    epoch = {name: field_of(facts, name, kind, where) for name, kind in LINE.items()}
    if epoch["epoch"] != number:
        raise FileFormatError(f"{where}: 'epoch' is {epoch['epoch']}, expected {number}: {ANEW}.")
    layers, expected = [layer.layer for layer in epoch["layers"]], len(epoch["layers"]) if depth is None else depth
    if layers and layers != list(range(1, expected + 1)):
        raise FileFormatError(f"{where}: 'layers' are {layers[:20]}, expected the layers 1 to {expected}: {ANEW}.")
    return epoch | {"layers": [asdict(layer) for layer in epoch["layers"]]}


def telemetry_of(epochs: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Telemetry:
    """What the doctor reads of a run, from its lines."""
    return Telemetry(
        losses=tuple(epoch["loss"] for epoch in epochs),
        validation_losses=tuple(epoch["validation_loss"] for epoch in epochs),
        learning_rates=tuple(epoch["learning_rate"] for epoch in epochs),
        measures=tuple(tuple(LayerMeasures(**layer) for layer in epoch["layers"]) for epoch in epochs),
        moved=((),) * len(epochs),
        sizes=tuple(tuple(layer["W"] for layer in epoch["layers"]) for epoch in epochs),
        settings=settings,
    )
