"""The mean of several networks, which is one network again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .arrays import Array, to_numpy
from .network import Network


def mean_network(networks: Sequence[Network], weights: Sequence[float] | None = None) -> Network:
    """The network whose a_L is the mean of those of k networks, so that ŷ = O(v_1 a_L¹ + … + v_k a_Lᵏ).

    ``weights``: v_1 … v_k, 0 or more, of which only the ratios count, since they are divided by their sum; by default
    all are 1/k. Its hidden layers hold all their units beside each other: W_1 has their rows one below the other, each
    further W_i has their matrices along its diagonal and 0 elsewhere, and W_L has their matrices side by side, each
    times its v; b_L is the mean. So all that can be done with a network can be done with the mean of an ensemble: its
    gradients are exact. For softmax the mean of a_L is the geometric mean of the members' probabilities, scaled to the
    sum 1; if O is the identity, it is the mean of ŷ.

    Raises :class:`~backtalk.errors.InputError` for no network, for networks of other inputs, outputs, depths,
    activations, losses or output functions than the first, and for weights that are no such numbers.

    >>> first = Network([[[1.0]], [[2.0]]], [[0.0], [1.0]], "relu", "squared_error")
    >>> second = Network([[[3.0]], [[4.0]]], [[0.0], [3.0]], "relu", "squared_error")
    >>> mean = mean_network([first, second])
    >>> mean.W[1].tolist(), mean.W[2].tolist(), mean.b[2].tolist()
    ([[1.0], [3.0]], [[1.0, 2.0]], [2.0])
    >>> mean_network([first, second], [3, 1]).W[2].tolist()
    [[1.5, 1.0]]
    """
    members = list(networks)
    v = require_mean(members, weights)
    first = members[0]
    if len(members) == 1:
        return first
    W = [_joined([to_numpy(each.W[i]) for each in members], v, i, first.depth) for i in range(1, first.depth + 1)]
    b = [np.concatenate([to_numpy(each.b[i]) for each in members]) for i in range(1, first.depth)]
    b.append(_weighed([to_numpy(each.b[first.depth]) for each in members], v))
    spec = first.spec
    arrays = ([spec.xp.asarray(array, device=spec.device) for array in family] for family in (W, b))
    return first.replace(*arrays)


def require_mean(networks: Sequence[Network], weights: Sequence[float] | None = None) -> np.ndarray:
    """The shares of the networks in their mean; refuses what has no mean, as :func:`mean_network` says."""
    if not networks:
        raise InputError("networks is empty, expected one network at the least.")
    require_alike(
        networks,
        {
            "inputs": lambda each: each.sizes[0],
            "outputs": lambda each: each.sizes[-1],
            "layers": lambda each: each.depth,
            "the activations": lambda each: list(map(repr, each.activations)),
            "the loss": lambda each: repr(each.loss),
            "the output function": lambda each: repr(each.output),
            "arrays of": lambda each: str(each.spec),
        },
    )
    return shares_of(weights, len(networks))


def require_alike(networks: Sequence[Network], facts: Mapping[str, Callable[[Network], Any]]) -> None:
    """Refuse networks of which one differs from the first in a fact, by its name."""
    for number, each in enumerate(networks):
        for what, of in facts.items():
            found, expected = of(each), of(networks[0])
            if found != expected:
                raise InputError(
                    f"networks[{number}] has {what} {found}, but networks[0] has {expected}: expected the same in all."
                )


def shares_of(weights: Sequence[float] | None, count: int) -> np.ndarray:
    """The weights of so many networks, divided by their sum."""
    if weights is None:
        return np.full(count, 1 / count)
    given = np.asarray(weights, np.float64)
    if given.shape != (count,) or not (np.isfinite(given) & (given >= 0)).all() or not given.any():
        raise InputError(f"weights is {weights}, expected {count} numbers of 0 or more, one for each network.")
    return given / given.sum()


def _weighed(arrays: list[np.ndarray], v: np.ndarray) -> np.ndarray:
    return np.tensordot(v, np.stack(arrays).astype(np.float64), 1).astype(arrays[0].dtype)


def _joined(blocks: list[np.ndarray], v: np.ndarray, layer: int, depth: int) -> Array:
    """W of a layer from those of the members."""
    if depth == 1:
        return _weighed(blocks, v)
    if layer == 1:
        return np.concatenate(blocks)
    if layer == depth:
        return np.concatenate([_weighed([block], v[k : k + 1]) for k, block in enumerate(blocks)], axis=1)
    rows, columns = (np.cumsum([0, *(block.shape[axis] for block in blocks)]) for axis in (0, 1))
    W = np.zeros((rows[-1], columns[-1]), blocks[0].dtype)
    for k, block in enumerate(blocks):
        W[rows[k] : rows[k + 1], columns[k] : columns[k + 1]] = block
    return W
