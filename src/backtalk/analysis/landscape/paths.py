"""The networks along the path of a training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...core.network import Network
from ...errors import InputError, InputTypeError
from ...train.objective import Objective
from ...train.recording import Recording
from .directions import as_vector

MOST_OF_RECORDING = 300  # points of a path
EXPECTED = "expected networks, epochs as callbacks are told of them, or the record of fit(…, record=True)"


def read_paths(loss: Objective, paths: Any) -> dict[str, np.ndarray]:
    """The parameters along each path, (T, P), by the name of the path; checked."""
    if isinstance(paths, Recording | Network) or (not isinstance(paths, Mapping) and _is_one(paths)):
        raise InputTypeError(
            "paths is one path, expected a list of paths, or a mapping of a name to each: paths=[path]."
        )
    if isinstance(paths, Mapping):
        named = {str(name): path for name, path in paths.items()}
    elif isinstance(paths, Iterable) and not isinstance(paths, str):
        several = list(paths)
        named = {f"path {k}" if len(several) > 1 else "path": path for k, path in enumerate(several, start=1)}
    else:
        raise InputTypeError(f"paths is a {type(paths).__name__}, expected a list of paths, or a mapping of names.")
    return {name: _points(loss, path, f"paths[{name!r}]") for name, path in named.items()}


def _is_one(paths: Any) -> bool:
    return isinstance(paths, list | tuple) and any(_network_of(each) is not None for each in paths)


def _network_of(value: Any) -> Network | None:
    """A network, or that of an epoch or a training."""
    network = getattr(value, "network", value)
    return network if isinstance(network, Network) else None


def _points(loss: Objective, path: Any, name: str) -> np.ndarray:
    if isinstance(path, Recording):
        path.require_unchanged()
        path = path.networks(every=math.ceil(path.steps / MOST_OF_RECORDING) or 1)
    elif isinstance(path, Network | str) or not isinstance(path, Iterable):
        raise InputTypeError(f"{name} is a {type(path).__name__}, {EXPECTED}.")
    points = []
    for k, each in enumerate(path):
        network = _network_of(each)
        if network is None:
            raise InputTypeError(f"{name} holds a {type(each).__name__}, {EXPECTED}.")
        points.append(point_of(network, loss.start, f"{name}[{k}]"))
    if not points:
        raise InputError(f"{name} is empty, {EXPECTED}.")
    return np.stack(points)


def point_of(network: Network, like: Network, name: str) -> np.ndarray:
    """The parameters of a network of the same sizes and activations as another; checked."""
    if not isinstance(network, Network):
        raise InputTypeError(f"{name} is a {type(network).__name__}, expected a backtalk.Network.")
    if network.sizes != like.sizes:
        raise InputError(
            f"{name} is a network of {list(network.sizes)} units, but the plane is one of {list(like.sizes)}: expected "
            "the same."
        )
    if (network.activations, network.output) != (like.activations, like.output):
        names = [", ".join(str(g) for g in (*each.activations, each.output)) for each in (network, like)]
        raise InputError(
            f"{name} is a network with the activations {names[0]}, but the plane is one with {names[1]}: expected the "
            "same."
        )
    point = as_vector(network)
    if not np.isfinite(point).all():
        raise InputError(f"{name} holds parameters that are not finite: expected the path before that.")
    return point
