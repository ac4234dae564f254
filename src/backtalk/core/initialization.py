"""Initial weights: schemes by the number of inputs (fan in) and outputs (fan out) of a layer."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..errors import InputError, unknown_name

# The variance of a weight. Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998.
VARIANCES: dict[str, Callable[[int, int], float]] = {
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}
SCHEMES = [f"{scheme}_{shape}" for scheme in VARIANCES for shape in ("uniform", "normal")]


def as_generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """A generator from itself, from a seed, or (None) a new one that no other run has."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise InputError(
            f"rng is {rng!r}, expected a numpy.random.Generator, a whole number of 0 or more as seed, or None."
        ) from None


def initial_weights(scheme: str, fan_out: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
    """W of one layer, shape (fan out, fan in), float64, with the variance of the scheme and mean 0.

    Uniform on ±√(3·variance), or normal.

    >>> W = initial_weights("he_normal", 300, 200, np.random.default_rng(0))
    >>> W.shape, round(float(W.var() * 200), 1)
    ((300, 200), 2.0)
    """
    if scheme not in SCHEMES:
        raise unknown_name("initialization", scheme, SCHEMES)
    name, shape = scheme.split("_")
    variance = VARIANCES[name](fan_in, fan_out)
    if shape == "uniform":
        limit = math.sqrt(3 * variance)
        return rng.uniform(-limit, limit, (fan_out, fan_in))
    return rng.normal(0.0, math.sqrt(variance), (fan_out, fan_in))
