"""Why a gradient may have the wrong shape: what a student likely did, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..substitute import Scene


def reason_for_shape(family: str, i: int, shape: tuple[int, ...], scene: Scene, arrays: Mapping[int, Any]) -> str:
    """A sentence that names the likely reason for ``shape`` instead of the right one; empty if none fits.

    ``arrays``: all that was given for this family, by layer.
    """
    B = len(scene.weight)
    wanted = scene.value(family, i).shape
    if _is_reversed(family, scene, arrays):
        return "the layers stand in the wrong order, from the output down: reverse the list"
    reasons = {
        "W": [
            (wanted[::-1], "it is transposed: with one example a row it is grad_a.T @ h, not h.T @ grad_a"),
            ((B, *wanted), "it is not summed over the batch: one matrix for each example is left"),
        ],
        "b": [
            ((B, *wanted), "it is not summed over the batch: use grad_a.sum(axis=0)"),
            ((1, *wanted), "it keeps an axis of length 1: use grad_a.sum(axis=0) without keepdims"),
            ((B,), "it is summed over the units and not over the batch: use axis 0"),
            ((B, 1), "it is summed over the units and not over the batch: use axis 0"),
            ((), "it is summed over everything: sum over the batch alone, which is axis 0"),
            ((*wanted, 1), "it is a column: a bias is a vector, one number a unit"),
        ],
    }
    at_units = [
        (wanted[::-1], "it is transposed: one example a row"),
        (wanted[1:], "it is summed over the batch, or of one example: one row for each example is expected"),
    ]
    if (family, i) == ("a", scene.network.depth):
        at_units.append(((B, B), "ŷ of shape (B, 1) less a target of shape (B,) is (B, B): use y[:, None]"))
    return next((reason for likely, reason in reasons.get(family, at_units) if shape == likely), "")


def _is_reversed(family: str, scene: Scene, arrays: Mapping[int, Any]) -> bool:
    keys = sorted(arrays)
    try:
        shapes = [np.shape(arrays[i]) for i in keys]
    except ValueError:  # rows of different lengths
        return False
    wanted = [scene.value(family, i).shape for i in keys]
    return shapes != wanted and shapes == wanted[::-1]
