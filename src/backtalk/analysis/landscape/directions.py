"""Directions in the space of parameters, each as one vector in the order of the objective: all W_i, then all b_i."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.arrays import to_numpy
from ...core.curvature import as_direction
from ...core.layers import Layers
from ...core.network import Network
from ...core.sizes import positive, row_norms
from ...errors import InputError, InputTypeError
from ...train.objective import Objective

KINDS = ["random", "path", "exact"]
TRIES = 100  # to draw a second direction that is not along the first
PARALLEL = 1e-10  # sin² of the angle between two directions that are one


class Direction(NamedTuple):
    """A direction v = (V_i, c_i): ``W[i]`` of the shape of W_i, ``b[i]`` of that of b_i, as gradients have them."""

    W: Layers
    b: Layers


def as_container(loss: Objective, vector: np.ndarray) -> Direction:
    """The vector in the shapes, library and dtype of the network."""
    network = loss.network(vector)
    return Direction(network.W, network.b)


def as_vector(of: Network | Direction) -> np.ndarray:
    """All W_i, then all b_i, in float64."""
    return np.concatenate([to_numpy(part).astype(np.float64).ravel() for part in (*of.W.values(), *of.b.values())])


def own_vector(network: Network, direction: Any, name: str) -> np.ndarray:
    """A direction of the user's, checked: anything with W and b, or a pair of lists."""
    vector = as_vector(Direction(*as_direction(network, direction)))
    if not vector.any():
        raise InputError(f"{name} is 0 everywhere, expected a direction with a norm above 0.")
    return vector


def filter_normalized(network: Network, generator: np.random.Generator) -> np.ndarray:
    """A Gaussian direction of which each row of V_i has the norm of that row of W_i; c_i = 0.

    So a ReLU network has the same picture if one layer is scaled up and the next one down as much.
    """
    parts = []
    for W in network.W.values():
        drawn = generator.standard_normal(W.shape)
        norms = row_norms(to_numpy(W)) / row_norms(drawn)
        parts.append((norms[:, None] * drawn).ravel())
    return np.concatenate([*parts, *(np.zeros(b.shape[0]) for b in network.b.values())])


def random_pair(network: Network, generator: np.random.Generator) -> np.ndarray:
    """Two of them that are not along one line, (2, P)."""
    for _ in range(TRIES):
        pair = np.stack([filter_normalized(network, generator), filter_normalized(network, generator)])
        if not are_parallel(pair):
            return pair
    raise InputError(
        "directions is 'random', but the rows of the network's W are 0, or all but one number is, and directions "
        "of their norms span no plane: use directions='path', or give a pair of your own."
    )


def principal_pair(moves: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """The two directions of norm 1 that leave the least of the rows' squares outside; and which share each explains.

    ``moves``: (T, P), the points of all paths less the origin. ``noise``: lengths below it are rounding. The first
    point has coordinates −, +, so that a path is read from the left to the right.
    """
    lengths, rows = np.linalg.svd(moves, full_matrices=False)[1:]
    if len(lengths) < 2 or lengths[1] <= noise:
        raise InputError(
            "directions is 'path', but the points of the paths lie on one line, which spans no plane: expected longer "
            "paths; or use directions='random', or loss_line."
        )
    pair = rows[:2]
    at = pair @ moves[0]
    pair = pair * np.where([at[0] > 0, at[1] < 0], -1.0, 1.0)[:, None]
    shares = (lengths / lengths[0]) ** 2
    return pair, shares[:2] / shares.sum()


def own_pair(network: Network, directions: Any) -> np.ndarray:
    """A pair of directions of the user's, (2, P)."""
    if not isinstance(directions, Sequence) or len(directions) != 2:
        raise InputTypeError(
            f"directions is a {type(directions).__name__}, expected one of {', '.join(KINDS)}, or a pair of "
            "directions, each with W and b, such as Gradients."
        )
    pair = np.stack([own_vector(network, each, f"directions[{k}]") for k, each in enumerate(directions)])
    if are_parallel(pair):
        raise InputError("directions holds two directions along one line, which span no plane.")
    return pair


def are_parallel(pair: np.ndarray) -> bool:
    """Whether two directions lie along one line, or one of them is 0."""
    pair = pair / positive(np.abs(pair).max(axis=1))[:, None]  # so that no square overflows or vanishes
    lengths = np.linalg.norm(pair, axis=1)
    if not lengths.all():
        return True
    first, second = pair / lengths[:, None]
    return 1 - float(first @ second) ** 2 < PARALLEL
