"""Initial weights: schemes by the number of inputs (fan in) and outputs (fan out) of a layer, and plain ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from ..errors import InputError, unknown_name
from .specification import read_specification, require_range, write_specification

# The variance of a weight. Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998.
VARIANCES: dict[str, Callable[[int, int], float]] = {
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}
LARGEST = 1e30  # of a weight, so that it fits into float32
SCHEMES = [f"{scheme}_{shape}" for scheme in VARIANCES for shape in ("uniform", "normal")]


def as_generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """A generator from itself, from a seed, or (None) a new one that no other run has."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise InputError(
            f"rng is {rng!r}, expected a numpy.random.Generator, a whole number of 0 or more as seed, or None."
        ) from None


@dataclass(frozen=True, slots=True, repr=False)
class Initialization:
    """How the weights of a layer are drawn before training."""

    name: ClassVar[str]

    def draw(self, fan_out: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
        """W of one layer, shape (fan out, fan in), float64."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return write_specification(self)


@dataclass(frozen=True, slots=True, repr=False)
class VarianceScaling(Initialization):
    """Mean 0, and the variance of the scheme: uniform on ±√(3·variance), or normal."""

    name: str  # pyright: ignore[reportIncompatibleVariableOverride]

    def draw(self, fan_out: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
        scheme, shape = self.name.split("_")
        variance = VARIANCES[scheme](fan_in, fan_out)
        if shape == "uniform":
            limit = math.sqrt(3 * variance)
            return rng.uniform(-limit, limit, (fan_out, fan_in))
        return rng.normal(0.0, math.sqrt(variance), (fan_out, fan_in))

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, repr=False)
class Zeros(Initialization):
    """All weights 0. Hidden units then stay equal to each other: it shows why one draws them."""

    name = "zeros"

    def draw(self, fan_out: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
        return np.zeros((fan_out, fan_in))


@dataclass(frozen=True, slots=True, repr=False)
class ConstantWeights(Initialization):
    """All weights equal to ``value``. Hidden units then stay equal to each other."""

    name = "constant"
    value: float

    def __post_init__(self) -> None:
        require_range(self, "value", -LARGEST, LARGEST, "()")

    def draw(self, fan_out: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
        return np.full((fan_out, fan_in), self.value)


@dataclass(frozen=True, slots=True, repr=False)
class Normal(Initialization):
    """Normal with mean 0 and standard deviation ``std``, whatever the size of the layer."""

    name = "normal"
    std: float = 0.01

    def __post_init__(self) -> None:
        require_range(self, "std", 0, LARGEST)

    def draw(self, fan_out: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(0.0, self.std, (fan_out, fan_in))


@dataclass(frozen=True, slots=True, repr=False)
class Uniform(Initialization):
    """Uniform on [−``scale``, ``scale``], whatever the size of the layer."""

    name = "uniform"
    scale: float = 0.05

    def __post_init__(self) -> None:
        require_range(self, "scale", 0, LARGEST)

    def draw(self, fan_out: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-self.scale, self.scale, (fan_out, fan_in))


INITIALIZATIONS: dict[str, Callable[..., Initialization]] = {
    **{name: partial(VarianceScaling, name) for name in SCHEMES},
    **{kind.name: kind for kind in (Zeros, ConstantWeights, Normal, Uniform)},
}


def as_initialization(value: str | Initialization) -> Initialization:
    """An initialization from itself or from its name, with parameters where it has some.

    >>> as_initialization("normal(std=0.1)"), as_initialization("xavier")
    (normal(std=0.1), glorot_uniform)
    """
    if isinstance(value, Initialization):
        return value
    if not isinstance(value, str):
        raise unknown_name("initialization", value, INITIALIZATIONS)
    return read_specification(value, INITIALIZATIONS, "initialization")


def initial_weights(scheme: str | Initialization, fan_out: int, fan_in: int, rng: np.random.Generator) -> np.ndarray:
    """W of one layer, shape (fan out, fan in), float64, drawn as an initialization says.

    >>> W = initial_weights("he_normal", 300, 200, np.random.default_rng(0))
    >>> W.shape, round(float(W.var() * 200), 1)
    ((300, 200), 2.0)
    """
    return as_initialization(scheme).draw(fan_out, fan_in, rng)
