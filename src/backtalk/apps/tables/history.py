"""What is noted after each epoch: one line of JSON, so that a run that is cut short loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...analysis.diagnose.telemetry import Telemetry
from ...core.files import write_atomically
from ...core.network import Network
from ...train import Callback, Epoch, LayerMeasures


class History(Callback):
    """Writes a line for each epoch: losses, score, learning rate, and the norms of each layer.

    ``losses``, ``validation_losses``: of the epochs that a checkpoint has, where a run goes on. Their lines stay, and
    those after them are made again. One that is missing, since the run was cut short just before it was written, has
    the losses only. In a cluster process 0 alone has the file, and the others, whose ``path`` is None, count the score
    with it.
    """

    def __init__(
        self,
        path: Path | None,
        score: Callable[[Network], float] | None,
        losses: Sequence[float] = (),
        validation_losses: Sequence[float] = (),
    ) -> None:
        self.path, self.score = path, score
        self.epochs = [] if path is None else read_history(path)[: len(losses)]
        for number in range(len(self.epochs) + 1, len(losses) + 1):
            validation_loss = validation_losses[number - 1] if validation_losses else None
            self.epochs.append(_line(number, losses[number - 1], validation_loss))
        if path is not None:
            lines = "".join(json.dumps(epoch) + "\n" for epoch in self.epochs)
            write_atomically(path, lines.encode())

    def on_epoch(self, epoch: Epoch) -> None:
        line = _line(
            epoch.number,
            epoch.loss,
            epoch.validation_loss,
            None if self.score is None else self.score(epoch.network),
            epoch.learning_rate,
            epoch.measures,
        )
        self.epochs.append(line)
        if self.path is None:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


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


def read_history(path: Path) -> list[dict[str, Any]]:
    """The epochs in a file; a last line that was cut off is left out."""
    if not path.exists():
        return []
    epochs = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            epochs.append(json.loads(line))
        except ValueError:
            break
    return epochs


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
