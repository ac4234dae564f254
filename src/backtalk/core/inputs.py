"""X, y and the example weights, checked against a network before anything is computed."""

from __future__ import annotations

from typing import Any

from ..errors import InputError, InputTypeError
from .arrays import Array, is_concrete, refuse_non_finite
from .network import Network


def require_network(network: Any) -> None:
    """Refuse what is not a network."""
    if not isinstance(network, Network):
        raise InputTypeError(f"is a {type(network).__name__}, expected a backtalk.Network.", argument="network")


def as_input(network: Network, X: Any) -> Array:
    """X as an array (B, n_0) of the network's library, dtype and device."""
    require_network(network)
    spec, inputs = network.spec, network.W[1].shape[1]
    X = spec.receive(X, "X")
    if X.ndim != 2:
        hint = "; for one example use X[None, :]" if X.ndim == 1 else ""
        raise InputError(f"has shape {tuple(X.shape)}, expected (examples, {inputs}){hint}.", argument="X")
    if X.shape[1] != inputs:
        raise InputError(
            f"has {X.shape[1]} columns, but the network has {inputs} inputs: expected one column each.", argument="X"
        )
    if X.shape[0] == 0:
        raise InputError("has no rows, expected at least one example.", argument="X")
    return spec.cast_finite(X, "X")


def as_target(network: Network, y: Any, count: int) -> Array:
    """The loss's target t of shape (B, k), from what the user calls y."""
    return network.head.target(y, count, network.sizes[-1], network.spec)


def as_labels(network: Network, y: Any, count: int) -> Array | None:
    """y as labels 0 … k−1, shape (B,), where the target is just their one-hot form; None where it is not."""
    if not network.head.is_softmax_of_labels:
        return None
    return network.head.labels(y, count, network.sizes[-1], network.spec)


def as_weight(network: Network, sample_weight: Any, count: int) -> Array:
    """w of shape (B,), with sum 1: each example's share of the weighted mean ℒ (1/B without weights)."""
    spec = network.spec
    if sample_weight is None:
        return spec.xp.full((count,), 1 / count, dtype=spec.dtype, device=spec.device)
    weight = spec.receive(sample_weight, "sample_weight")
    if tuple(weight.shape) != (count,):
        raise InputError(
            f"has shape {tuple(weight.shape)}, expected ({count},): one for each row of X.", argument="sample_weight"
        )
    refuse_non_finite(weight, "sample_weight")
    if not spec.xp.isdtype(weight.dtype, "real floating"):
        weight = spec.cast(weight)
    largest = spec.xp.max(weight)
    if is_concrete(weight):
        if bool(spec.xp.any(weight < 0)):
            raise InputError(
                f"holds {float(spec.xp.min(weight))}, expected weights of 0 or more.", argument="sample_weight"
            )
        if not bool(largest > 0):
            raise InputError("is 0 for every example, expected at least one above 0.", argument="sample_weight")
    weight = spec.cast(weight / largest)  # between 0 and 1, so that no dtype overflows and their sum does not
    return weight / spec.xp.sum(weight)
