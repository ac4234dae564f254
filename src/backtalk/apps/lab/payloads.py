"""What a frame holds, as bytes: JSON in front, then float32 arrays one after another."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...analysis.diagnose.measure import finite_or_none
from ...core.network import Network
from ...engines.passes import backward, forward
from .datasets import MOST_POINTS, REGRESSION, LabData, short_names
from .pictures import PLAIN, Looks, histograms, maps
from .trainer import Trainer

MOST_UNITS = 64  # of a layer in a drawing
MOST_WEIGHTS = 6000  # in a drawing
GRID = 40  # points of the surface in each direction
ALONG = 121  # points of the curve over one input
MARGIN = 0.15  # around the points, of their extent


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """The units of each layer 0 … L that frames hold, as indices from 0; and what there is to say of it."""

    units: tuple[np.ndarray, ...]
    whole: bool
    note: str = ""

    @classmethod
    def of(cls, sizes: tuple[int, ...]) -> Drawn:
        """All units, or of each large layer some at even distances, so that a drawing has at most 6000 weights.

        >>> Drawn.of((784, 10)).note
        'The network is drawn in part: 64 of the 784 units of layer 0.'
        """
        kept = [min(size, MOST_UNITS) for size in sizes]
        for most in range(MOST_UNITS, 0, -1):  # of a hidden layer: an input that is a picture should stay one
            kept[1:-1] = [min(size, most) for size in sizes[1:-1]]
            if sum(m * n for m, n in pairwise(kept)) <= MOST_WEIGHTS:
                break
        units = tuple(
            np.linspace(0, size - 1, count).round().astype(np.int64) for size, count in zip(sizes, kept, strict=True)
        )
        parts = [
            f"{len(chosen)} of the {size} units of layer {i}"
            for i, (chosen, size) in enumerate(zip(units, sizes, strict=True))
            if len(chosen) < size
        ]
        if not parts:
            return cls(units, True)
        listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
        return cls(units, False, f"The network is drawn in part: {listed}.")

    def to_json(self) -> dict[str, Any]:
        """Units numbered from 1, as in the formulas."""
        units = {str(i): (chosen + 1).tolist() for i, chosen in enumerate(self.units)}
        return {"whole": self.whole, "units": units, "note": self.note}


def frame(
    trainer: Trainer,
    drawn: Drawn,
    row: int,
    *,
    running: bool,
    surface: np.ndarray | None,
    looks: Looks = PLAIN,
) -> bytes:
    """The network as it stands, and what the example of a row does in it; ``surface``: the grid to compute ŷ on."""
    network, data = trainer.network, trainer.data
    x, y = trainer.example(row), data.y[row : row + 1]
    with np.errstate(all="ignore"):
        trace = forward(network, x)
        grads = backward(network, trace, y)
        facts = {
            "type": "frame",
            "step": trainer.step,
            "epoch": trainer.epoch,
            "running": running,
            "rate": trainer.rate_now(),
            "loss": trainer.loss_now(),
            "batch": {
                "rows": len(trainer.batch_rows),
                "before": trainer.loss_before,
                "after": trainer.loss_after(),
            },
            "validation_loss": trainer.validation_loss(),
            "score": trainer.score(),
            "training_score": trainer.training_score(),
            "edits": trainer.edits,
            "before_by_hand": trainer.before_by_hand(row),
            "flow": trainer.flow(),
            "example": {
                "row": row,
                "label": data.label(row),
                "prediction": data.prediction(trace.output[0]),
                "loss": float(grads.loss),
                "edited": trainer.edited is not None and trainer.edited[0] == row,
            },
        }
        if x.shape[1] <= 2:
            facts["example"]["x"] = x[0].tolist()
        if is_curve(data):
            facts["example"]["y"] = float(data.y[row, 0] * data.scale + data.mean)
        arrays = list(_arrays(network, trace, grads, drawn))
        if looks.histograms:
            facts["histograms"], counts = histograms(*trainer.passes())
            arrays += counts
        if surface is not None:
            arrays += over_inputs(trainer, drawn, surface, with_maps=looks.maps)
        return pack(finite_or_none(facts), arrays)  # NaN and inf are null in JSON


def over_inputs(
    trainer: Trainer, drawn: Drawn, points: np.ndarray, *, with_maps: bool
) -> Iterable[tuple[str, np.ndarray]]:
    """What the network says at the points of :func:`grid`: ``surface``, with ``map.0`` …; or ``curve``."""
    network, data = trainer.network, trainer.data
    over = forward(network, points)
    yhat = network.loss.prediction(over.output)
    if points.shape[1] == 2:
        yield "surface", yhat.reshape(GRID, GRID, -1)
        yield from maps(over, drawn.units, GRID) if with_maps else ()
    else:
        yield "curve", yhat[:, 0] * data.scale + data.mean


def _arrays(network: Network, trace: Any, grads: Any, drawn: Drawn) -> Iterable[tuple[str, np.ndarray]]:
    for i in range(network.depth + 1):
        kept = slice(None) if drawn.whole else drawn.units[i]
        yield f"h.{i}", trace.h[i][0][kept]
        yield f"grad_h.{i}", grads.h[i][0][kept]
        if i > 0:
            block = (slice(None), slice(None)) if drawn.whole else np.ix_(drawn.units[i], drawn.units[i - 1])
            yield f"a.{i}", trace.a[i][0][kept]
            yield f"grad_a.{i}", grads.a[i][0][kept]
            yield f"W.{i}", network.W[i][block]
            yield f"grad_W.{i}", grads.W[i][block]
            yield f"b.{i}", network.b[i][kept]
            yield f"grad_b.{i}", grads.b[i][kept]


def pack(facts: dict[str, Any], arrays: Iterable[tuple[str, np.ndarray]]) -> bytes:
    """uint32 n, n bytes of JSON (4 + n a multiple of 4), then the arrays as float32, little-endian.

    >>> message = pack({"type": "frame"}, [("W.1", np.ones((1, 2)))])
    >>> len(message) % 4, message[-8:].hex()
    (0, '0000803f0000803f')
    """
    arrays = list(arrays)
    listed = [{"name": name, "shape": list(array.shape)} for name, array in arrays]
    text = json.dumps({**facts, "arrays": listed}, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    numbers = [np.ascontiguousarray(array, "<f4").tobytes() for _, array in arrays]
    return b"".join([struct.pack("<I", len(text)), text, *numbers])


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What :func:`pack` has packed: the facts, and the arrays by their names.

    >>> facts, arrays = unpack(pack({"step": 3}, [("b.1", np.ones(2))]))
    >>> facts["step"], arrays["b.1"].tolist()
    (3, [1.0, 1.0])
    """
    (length,) = struct.unpack_from("<I", message)
    place, arrays = 4 + length, {}
    facts = json.loads(message[4:place])
    for each in facts["arrays"]:
        size = math.prod(each["shape"])
        arrays[each["name"]] = np.frombuffer(message, "<f4", size, place).reshape(each["shape"])
        place += 4 * size
    return facts, arrays


def bounds(data: LabData) -> list[float] | None:
    """[x0, x1, y0, y1] of the picture, for two inputs."""
    if data.X.shape[1] != 2:
        return None
    (x0, y0), (x1, y1) = _edges(data)
    return [float(x0), float(x1), float(y0), float(y1)]


def _edges(data: LabData) -> tuple[np.ndarray, np.ndarray]:
    low, high = data.X.min(axis=0), data.X.max(axis=0)
    room = MARGIN * np.where(high > low, high - low, 1.0)
    return low - room, high + room


def is_curve(data: LabData) -> bool:
    """Whether what is learned is a number over one input."""
    return data.X.shape[1] == 1 and data.task == REGRESSION and data.y.ndim == 2 and data.y.shape[1] == 1


def grid(data: LabData) -> np.ndarray | None:
    """The points at which ŷ is shown: of the surface, row by row from the lowest x_2, (1600, 2); or of a curve."""
    if is_curve(data):
        (x0,), (x1,) = _edges(data)
        return np.linspace(x0, x1, ALONG)[:, None]
    edges = bounds(data)
    if edges is None:
        return None
    x, y = np.linspace(edges[0], edges[1], GRID), np.linspace(edges[2], edges[3], GRID)
    return np.column_stack([np.tile(x, GRID), np.repeat(y, GRID)])


def setup(trainer: Trainer, drawn: Drawn) -> dict[str, Any]:
    """What is configured, for the page."""
    data, network = trainer.data, trainer.network
    points = curve = None
    rows = np.unique(np.linspace(0, len(data.X) - 1, MOST_POINTS).round().astype(np.int64))
    if is_curve(data):
        (x0,), (x1,) = _edges(data)
        y = data.y[rows, 0] * data.scale + data.mean
        curve = {"from": x0, "to": x1, "x": data.X[rows, 0].tolist(), "y": y.tolist(), "row": rows.tolist()}
    if data.X.shape[1] == 2:
        y = data.y[rows]
        y = y if y.ndim == 1 else y.argmax(axis=1) if data.classes else y[:, 0]
        points = {"x": data.X[rows].tolist(), "y": y.tolist(), "row": rows.tolist()}
    return {
        "type": "setup",
        "configuration": asdict(trainer.settings),
        "task": data.task,
        "rows": len(data.X),
        "held_out": len(data.held_out),
        "columns": short_names(data.columns),
        "classes": list(data.classes),
        "image": list(data.image) if data.image else None,
        "said": data.remarks,
        "network": {
            "sizes": list(network.sizes),
            "activations": [repr(g) for g in network.activations],
            "output": repr(network.output),
            "loss": repr(network.loss),
            "auto": {"loss": repr(trainer.auto.loss), "output": repr(trainer.auto.output)},
            "parameters": network.parameter_count,
        },
        "drawn": drawn.to_json(),
        "points": points,
        "bounds": bounds(data),
        "curve": curve,
    }
