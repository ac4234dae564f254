"""What the doctor measures of a network and its data; the rules read it, and the reports plot it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import cut, quoted
from .telemetry import Telemetry


@dataclass(frozen=True, slots=True, eq=False)
class LayerMeasurement:
    """Layer i of 1 … L over all examples, each counted once, whatever its weight.

    ``function``: g_i, or the output function. ``a_mean``, ``a_std``, ``h_mean``, ``h_std``: over examples and units;
    ``zero``: the share of h_i that is exactly 0. ``grad_a``: the median over examples of ‖∇_{a_i}ℓ_n‖, of each
    example's own loss; ``grad_a_rms``: the root of the mean of their squares. ``grad_W``: ‖∇_{W_i}ℒ‖, ``W``: ‖W_i‖,
    ``ratio``: the first over the second, None if W_i is 0. ``update``: the update-to-weight ratio in the last
    epoch that measured it. ``dead``, ``saturated``: the shares of units that are (None for the output layer).

    For each unit, shape (n_i,): ``unit_mean`` and ``unit_std`` of h_ij; ``unit_largest``, the largest ``|h_ij|``;
    ``unit_slope``, the largest ``|g′(a_ij)|`` over the examples; ``unit_flat``, the share of examples for which it is
    at an end of a bounded g (0 for other g). ``dead_units``, ``saturated_units``: columns of h_i, from 0. A unit of
    the output layer is dead if its output is wrong, but ∂ℓ/∂a_Lj exactly 0, for every example.

    >>> from backtalk import Network, diagnose
    >>> network = Network([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, -9.0], [0.0]], "relu", "squared_error")
    >>> layer = diagnose(network, [[1.0], [2.0]], [1.0, 2.0]).measurements.layer(1)
    >>> layer.dead, layer.dead_units, layer.unit_slope
    (0.5, (1,), array([1., 0.]))
    """

    layer: int
    units: int
    function: str
    a_mean: float
    a_std: float
    h_mean: float
    h_std: float
    zero: float
    grad_a: float
    grad_a_rms: float
    grad_W: float
    W: float
    ratio: float | None
    update: float | None
    dead: float | None
    saturated: float | None
    unit_mean: np.ndarray
    unit_std: np.ndarray
    unit_largest: np.ndarray
    unit_slope: np.ndarray
    unit_flat: np.ndarray
    dead_units: tuple[int, ...] = ()
    saturated_units: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The input columns, each array of shape (n_0,): ``mean``, ``std``, ``least``, ``most``, over all rows.

    A column with a value that is not finite has such statistics; ``non_finite`` counts those values. ``names`` is
    empty if nobody named the columns.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray
    least: np.ndarray
    most: np.ndarray
    non_finite: np.ndarray

    def name(self, column: int) -> str:
        """Its name in a sentence, or 'column 4', counted from 1."""
        return cut(self.names[column]) if self.names else f"column {column + 1}"


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The loss's targets t, each array of shape (k,): ``mean``, ``std``, ``least``, ``most``.

    ``hard``: whether each row is one class of several, or yes or no. Then ``counts`` (examples of each class),
    ``shares`` (of the weight), ``recall`` (of each class: the share of its examples that the network gets right; NaN
    for a class without examples) and, for each example, ``given`` and ``predicted``, its classes, ``confidence``, ŷ of
    the predicted one, and ``of_given``, ŷ of the given one. All of these are None if targets are not classes.
    ``names``: of the classes, empty if nobody named them.
    """

    mean: np.ndarray
    std: np.ndarray
    least: np.ndarray
    most: np.ndarray
    whole: bool  # each t is a whole number
    levels: int | None  # how many different values t has, None for more than 100
    one_hot: bool  # k > 1, and each row has one 1 and else 0
    hard: bool = False
    counts: np.ndarray | None = None
    shares: np.ndarray | None = None
    recall: np.ndarray | None = None
    given: np.ndarray | None = None
    predicted: np.ndarray | None = None
    confidence: np.ndarray | None = None
    of_given: np.ndarray | None = None
    names: tuple[str, ...] = ()

    def called(self, k: int) -> str:
        """A class in a sentence: its name in quotation marks, or its number."""
        return quoted(self.names[k]) if k < len(self.names) else str(k)


@dataclass(frozen=True, slots=True)
class NonFinite:
    """Where a value is not finite: ``quantity`` X, y, W, b, a, h, loss, 'gradient of a', …; ``layer``, None for X, y.

    ``example`` is a row of X and ``unit`` a column, both from 0, None if there is none: a weight W[layer][unit, …]
    has no example. ``value``: 'nan', 'inf' or '-inf'. ``examples``: how many have such a value in this quantity, and
    ``columns``: in which columns, with ``rows``, the first of the examples.
    """

    quantity: str
    layer: int | None
    example: int | None
    unit: int | None
    value: str
    examples: int
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """All that was measured. Arrays over examples have shape (N,), in the order of X.

    ``rows``: the numbers of the examples, in ``Finding.examples``: 0, 1, … unless others were given; ``counted_from``:
    1 if sentences call them 1, 2, …, and 0 if by the numbers that were given. ``weights``: w_n, of sum 1. ``losses``:
    ℓ_n; ``norms``: ‖∇ℓ_n‖ of each example's own loss, over all W_i and b_i. ``loss``: ℒ = Σ_n w_n ℓ_n; ``baseline``:
    the least ℒ of an output that is the same for all x (None for a loss of the user's own); ``gradient``: ‖∇ℒ‖;
    ``noise_scale``: tr Σ / ‖∇ℒ‖², the batch size at which noise and gradient of a step are equally strong (McCandlish
    et al. 2018), None if it cannot be told. ``residuals``: the largest ``|ŷ_j − t_j|`` of each example.
    ``validation_loss``: of this network. ``telemetry``: the run, as far as it was told.

    >>> from backtalk import Network, diagnose
    >>> network = Network.create([2, 3, 2], rng=0)
    >>> measured = diagnose(network, [[0.0, 1.0], [1.0, 0.0]], [0, 1]).measurements
    >>> measured.examples, measured.norms.shape, measured.layer(1).function
    (2, (2,), 'relu')
    """

    examples: int
    rows: np.ndarray
    columns: Columns
    targets: Targets
    layers: tuple[LayerMeasurement, ...]
    weights: np.ndarray
    losses: np.ndarray
    norms: np.ndarray
    residuals: np.ndarray
    loss: float
    baseline: float | None
    gradient: float
    noise_scale: float | None
    validation_loss: float | None
    validation_examples: int | None
    telemetry: Telemetry
    non_finite: tuple[NonFinite, ...] = ()
    counted_from: int = 1

    def number(self, example: int) -> int:
        """By which sentences call an example, a row of X from 0."""
        return int(self.rows[example]) + self.counted_from

    @property
    def share_of_baseline(self) -> float | None:
        """ℒ over the loss of the best constant output: 1 if nothing was learned."""
        if self.baseline is None or not self.baseline > 0:
            return None
        return self.loss / self.baseline

    def layer(self, i: int) -> LayerMeasurement:
        """That of layer i."""
        return self.layers[i - 1]


def finite_or_none(value: Any) -> Any:
    """The value for JSON: numbers of Python, and None for one that is not finite, also within lists and mappings."""
    if isinstance(value, np.ndarray):
        return finite_or_none(value.tolist())
    if isinstance(value, np.generic):
        return finite_or_none(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [finite_or_none(part) for part in value]
    if hasattr(value, "items"):
        return {str(name): finite_or_none(part) for name, part in value.items()}
    return value
