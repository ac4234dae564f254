"""What a page asks for of two networks, checked; what is configured, and what a frame of both holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ....analysis.diagnose.measure import finite_or_none
from ....errors import BacktalkError, InputError, InputTypeError
from ..payloads import Drawn, over_inputs, pack, setup
from ..settings import Settings, read_settings, shown
from .pair import NAMES, Pair, Side

SHARED = ("data", "noise", "batch", "seed")  # of both sides, so that they learn from the same mini-batches


def compared_settings(message: dict[str, Any], start: Settings, data: Iterable[str]) -> tuple[Settings, Settings]:
    """The settings of the ``left`` and the ``right`` side of a message; ``start`` stands in for what they leave out.

    Raises :class:`~backtalk.errors.InputError`, with the side, if one is refused, or if their rows or batches differ.

    >>> sides = {"left": {"layers": [4]}, "right": {"layers": [4], "optimizer": "sgd"}}
    >>> [each.optimizer for each in compared_settings(sides, Settings(), ["moons"])]
    ['adam', 'sgd']
    """
    known = list(data)
    left, right = (_side(message, name, start, known) for name in NAMES)
    for name in SHARED:
        one, other = getattr(left, name), getattr(right, name)
        if one != other:
            raise InputError(
                f"{name} is {shown(one)} on the left and {shown(other)} on the right, expected the same: both sides "
                "learn from the same mini-batches."
            )
    return left, right


def _side(message: dict[str, Any], name: str, start: Settings, data: list[str]) -> Settings:
    if not isinstance(message.get(name), dict):
        raise InputTypeError(f"{name} is {shown(message.get(name))}, expected an object of settings.")
    try:
        return read_settings(message[name], start, data)
    except BacktalkError as error:
        raise InputError(f"on the {name}, {error}") from None


def pair_setup(pair: Pair) -> dict[str, Any]:
    """What is configured on both sides, for the page."""
    return {"type": "pair", "sides": [setup(side.trainer, _drawn(side)) for side in pair.sides]}


def pair_frame(pair: Pair, *, running: bool, points: np.ndarray | None) -> bytes:
    """Both networks as they stand; ``points``: the grid to compute ŷ and the hidden units on.

    Arrays are named by their side: ``left.surface``, ``left.map.1``, ``right.surface``, …; for images ``left.W.1``.
    """
    arrays: list[tuple[str, np.ndarray]] = []
    with np.errstate(all="ignore"):
        facts = {
            "type": "pair_frame",
            "step": pair.step,
            "running": running,
            "sides": [_facts(side) for side in pair.sides],
        }
        for name, side in zip(NAMES, pair.sides, strict=True):
            arrays += [(f"{name}.{kind}", array) for kind, array in _pictures(side, points)]
        return pack(finite_or_none(facts), arrays)


def _facts(side: Side) -> dict[str, Any]:
    trainer = side.trainer
    return {
        "step": trainer.step,
        "epoch": trainer.epoch,
        "rate": trainer.rate_now(),
        "loss": side.loss(),
        "validation_loss": trainer.validation_loss(),
        "score": trainer.score(),
        "training_score": trainer.training_score(),
        "flow": side.flow(),
        "units": side.units(),
        "stopped": side.stopped,
    }


def _pictures(side: Side, points: np.ndarray | None) -> Iterable[tuple[str, np.ndarray]]:
    """What the network says over all inputs, or if they are an image, the rows of W_1 of the units that are drawn."""
    trainer, drawn = side.trainer, _drawn(side)
    if points is not None:
        yield from over_inputs(trainer, drawn, points, with_maps=True)
    elif trainer.data.image and drawn.units[0].size == trainer.X.shape[1]:
        yield "W.1", trainer.network.W[1][drawn.units[1]]


def _drawn(side: Side) -> Drawn:
    return Drawn.of(side.trainer.network.sizes)
