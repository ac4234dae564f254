"""What is noted after each epoch: one line of JSON, so that a run that is cut short loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..interop.files import write_atomically
from ..network import Network
from ..train import Callback, Epoch


class History(Callback):
    """Writes a line for each epoch: losses, score, learning rate, and the norms of each layer.

    ``kept``: epochs of the file that stay, where a run goes on; those after its checkpoint are made again.
    """

    def __init__(self, path: Path, score: Callable[[Network], float] | None, kept: int = 0) -> None:
        self.path, self.score = path, score
        self.epochs = read_history(path)[:kept]
        lines = "".join(json.dumps(epoch) + "\n" for epoch in self.epochs)
        write_atomically(path, lines.encode())

    def on_epoch(self, epoch: Epoch) -> None:
        line: dict[str, Any] = {
            "epoch": epoch.number,
            "loss": epoch.loss,
            "validation_loss": epoch.validation_loss,
            "validation_score": None if self.score is None else self.score(epoch.network),
            "learning_rate": epoch.learning_rate,
            "layers": [
                {
                    "grad_a": layer.grad_a,
                    "grad_W": layer.grad_W,
                    "W": layer.W,
                    "update": layer.update,
                    "silent": layer.silent,
                }
                for layer in epoch.measures
            ],
        }
        self.epochs.append(line)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read_history(path: Path) -> list[dict[str, Any]]:
    """The epochs in a file; a last line that was cut off is left out."""
    if not path.exists():
        return []
    epochs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            epochs.append(json.loads(line))
        except ValueError:
            break
    return epochs
