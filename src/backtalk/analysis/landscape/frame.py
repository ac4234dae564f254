"""Where a plane lies in the space of parameters: its origin, its directions, and how far it goes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ...core.sizes import row_norms
from ...errors import InputError, unknown_name
from ...train.objective import Objective
from .directions import KINDS, own_pair, principal_pair, random_pair
from .function import as_interval

ROOM = 0.2  # beside the paths, as a share of their extent
FLATTEST = 0.4  # of a plane along paths: its height by its width, at least


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The ``origin`` (P,) and the ``pair`` of directions (2, P); ``center``: where the network lies, (2,)."""

    kind: str
    origin: np.ndarray
    pair: np.ndarray
    center: np.ndarray
    axes: tuple[str, str] = ("x", "y")
    explained: tuple[float, float] | None = None


def frame_of(loss: Objective, along: dict[str, np.ndarray], directions: Any, generator: np.random.Generator) -> Frame:
    """The plane that ``directions`` asks for, or the first kind that can be had."""
    network, at_0 = loss.start, np.zeros(2)
    origin = loss.flat(network)
    if directions is None:
        directions = "exact" if network.parameter_count == 2 else "path" if along else "random"
    if not isinstance(directions, str):
        return Frame("own", origin, own_pair(network, directions), at_0)
    if directions not in KINDS:
        raise unknown_name("directions", directions, KINDS)
    if directions == "random":
        return Frame("random", origin, random_pair(network, generator), at_0)
    if directions == "exact":
        if network.parameter_count != 2:
            raise InputError(
                f"directions is 'exact', but the network has {network.parameter_count} parameters, expected two, those "
                "of sizes [1, 1]: use 'random' or 'path'."
            )
        return Frame("exact", np.zeros(2), np.eye(2), origin, ("W[1,1,1]", "b[1,1]"))
    if not along:
        raise InputError("directions is 'path', but paths is empty: give paths, or use directions='random'.")
    moves = np.concatenate(list(along.values())) - origin
    size = float(row_norms(origin[None])[0]) + float(np.abs(moves).max())
    noise = 8 * math.sqrt(len(moves)) * float(np.finfo(network.spec.dtype_name).eps) * size
    pair, shares = principal_pair(moves, noise)
    return Frame("path", origin, pair, at_0, explained=(float(shares[0]), float(shares[1])))


def spans_of(span: Any, frame: Frame, paths: list[np.ndarray]) -> tuple[tuple[float, float], tuple[float, float]]:
    """From where to where x and y go."""
    if isinstance(span, Real) and not isinstance(span, bool):
        both = as_interval((-float(span), float(span)), "span")
        return both, both
    if span is not None:
        try:
            across, up = span
        except (TypeError, ValueError):
            raise InputError(
                f"span is {span!r}, expected a number, or a pair of pairs ((x_low, x_high), (y_low, y_high))."
            ) from None
        return as_interval(across, "span[0]"), as_interval(up, "span[1]")
    center = frame.center
    inside = np.concatenate([*paths, center[None]])
    if frame.kind != "path":
        reach = np.maximum(1.0, np.abs(center))
        inside = np.concatenate([inside, [center - reach, center + reach]])
    low, high = inside.min(axis=0), inside.max(axis=0)
    if paths:
        extent = np.maximum(high - low, FLATTEST * (high - low).max()) * (1 + 2 * ROOM)
        low, high = (low + high - extent) / 2, (low + high + extent) / 2
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def project(moves: np.ndarray, pair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates (T, 2) of the points of the plane that are nearest, and how far they are, (T,)."""
    xy = np.linalg.lstsq(pair.T, moves.T, rcond=None)[0].T
    return xy, row_norms(moves - xy @ pair)
