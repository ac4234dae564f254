"""The numbers of the symbols: from the library's forward and backward pass of one example, in float64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...core.arrays import is_array, to_numpy
from ...core.backward import Gradients
from ...core.forward import Trace
from ...core.inputs import as_input, as_target, require_network
from ...core.network import Network
from ...core.outputs import ElementWise
from ...engines.passes import backward, forward
from ...errors import InputError, InputTypeError
from .expressions import EVERY, NO_ROWS, Derivative, Leaf, Partial, Rows, Symbol
from .loss_formulas import yhat_divides
from .quantity import Quantity

STEP = 1e-40  # of the complex step: its square is no number any more beside 1


class NoValues:
    """What stands for the values in a derivation in symbols alone: the network's shape, and no number."""

    rows: Rows = NO_ROWS
    clear = True
    target = None
    yhat = None
    loss = None

    def __init__(self, network: Network) -> None:
        self.network = network

    def __getitem__(self, leaf: Leaf) -> Any:
        raise TypeError(f"{leaf!r} has no value: this derivation is without numbers")


class ExampleValues:
    """What each symbol of the formulas is for one example: scalars as floats, vectors as columns (n, 1).

    Gradients are those that :func:`backtalk.gradients` gives; the slopes ∂ŷ/∂a_L and ∂a_{i+1}/∂h_i are measured by
    complex steps, and those of g are g′.

    Raises :class:`~backtalk.errors.InputError` if x is not one example, or a value is not finite.
    """

    rows: Rows = NO_ROWS  # the units that sums show of large layers
    network: Network
    target: np.ndarray
    trace: Trace
    yhat: np.ndarray
    grads: Gradients
    loss: float

    def __init__(self, network: Network, x: Any, y: Any) -> None:
        require_network(network)
        self.network = network = network.to(np, dtype="float64")
        X = as_input(network, _one_row(_array(x, "x"), network.sizes[0]))
        y = _one_target(network, _array(y, "y"))
        self.target = as_target(network, y, 1)[0]
        with np.errstate(all="ignore"):
            self.trace = forward(network, X)
            self.yhat = self.trace.output[0]
            self.grads = backward(network, self.trace, y)
        self.loss = float(self.grads.loss)
        self._require_finite()

    def __getitem__(self, leaf: Leaf) -> Any:
        match leaf:
            case Symbol("unit", _, (j,)):
                return np.eye(len(self.target))[:, [int(j) - 1]]
            case Symbol("W", i, (first, k)) if first == EVERY:
                return self.network.W[int(i or 0)][:, [int(k) - 1]]
            case Symbol(_, _, indices):
                return _entry(self._array(leaf), indices)
            case Derivative(of):
                return _entry(self._gradient(of), of.indices)
            case Partial(above, below):
                return self._slope(above, below)

    def _array(self, symbol: Symbol) -> Any:
        i = int(symbol.layer or 0)
        match symbol.letter:
            case "loss":
                return self.loss
            case "target":
                return self.target[:, None]
            case "yhat":
                return self.trace.output.T
            case "complement":
                return self._rest()[:, None]
            case "W":
                return self.network.W[i]
            case "b":
                return self.network.b[i][:, None]
            case letter:
                return getattr(self.trace, letter)[i].T

    def _rest(self) -> np.ndarray:
        """1 − ŷ, shape (k,); for the sigmoid σ(−a), which keeps the digits that ŷ near 1 has rounded away."""
        a = self.trace.a[self.network.depth]
        return self.network.output.value(-a)[0] if self.network.output.name == "sigmoid" else 1 - self.trace.output[0]

    @property
    def clear(self) -> bool:
        """Whether the way through ŷ can be told: it cannot if ŷ has rounded to an end of its range."""
        return yhat_divides(self.network.loss, self.trace.output[0], self._rest(), self.target)

    def require_clear(self, asked: Quantity) -> None:
        """Refuse to tell of ∂ℒ/∂ŷ if it is no number."""
        if asked.family == "h" and asked.layer == self.network.depth and not self.clear:
            raise InputError(
                "quantity is an output, but ŷ has rounded to an end of its range, where ∂ℒ/∂ŷ is no number: "
                f"take a[{self.network.depth}] instead."
            )

    def _gradient(self, of: Symbol) -> Any:
        if of.letter == "yhat":
            return self.grads.h[self.network.depth].T
        array = getattr(self.grads, of.letter)[int(of.layer or 0)]
        return array if of.letter == "W" else array[:, None] if of.letter == "b" else array.T

    def _slope(self, above: Symbol, below: Symbol) -> Any:
        """∂above/∂below: a column for the letter j, and a number, a column, a row or a Jacobian else."""
        L = self.network.depth
        if above.letter == "loss":
            return self._gradient(replace(below, indices=())).T
        if above.letter == "a":
            return self._affine_slope(int(above.layer or 0), above.indices, below)
        if above.letter == "h":
            slopes = self._g_prime(int(above.layer or 0))
            if not above.indices:
                columns = np.diagflat(slopes)
                return columns[:, [int(below.indices[0]) - 1]] if below.indices else columns
            return slopes if isinstance(above.indices[0], str) else _entry(slopes, above.indices)
        a = self.trace.a[L]
        k = a.shape[1]
        if above.indices and isinstance(above.indices[0], str):
            return np.diagonal(self._jacobian(range(k)))[:, None]
        columns = range(k) if not below.indices else [int(below.indices[0]) - 1]
        jacobian = self._jacobian(columns)
        return jacobian if not above.indices else float(jacobian[int(above.indices[0]) - 1, 0])

    def _affine_slope(self, i: int, row: tuple[Any, ...], below: Symbol) -> Any:
        """∂a_i/∂h_{i-1}, or by a weight or a bias of layer i: Im a_i/s after a step of i·s."""
        given = {"W": self.network.W[i], "b": self.network.b[i], "h": self.trace.h[i - 1][0]}
        base = given[below.letter]
        places = [tuple(int(k) - 1 for k in below.indices)] if below.indices else list(np.ndindex(base.shape))
        columns = []
        for place in places:
            moved = base.astype(np.complex128)
            moved[place] += 1j * STEP
            W, b, h = {**given, below.letter: moved}.values()
            columns.append(np.imag(W @ h + b) / STEP)
        slopes = np.column_stack(columns)
        return float(slopes[int(row[0]) - 1, 0]) if row else slopes

    def _g_prime(self, i: int) -> np.ndarray:
        a = self.trace.a[i]
        return np.broadcast_to(self.network.activations[i - 1].g_prime(a), a.shape).T

    def _jacobian(self, columns: range | list[int]) -> np.ndarray:
        """The chosen columns of ∂ŷ/∂a_L: diag(O′(a)), or for softmax Im O(a + i·s·e_j)/s."""
        a, output = self.trace.a[self.network.depth], self.network.output
        if isinstance(output, ElementWise):
            return np.diagflat(np.broadcast_to(output.activation.g_prime(a), a.shape))[:, list(columns)]
        moved = np.repeat(a.astype(np.complex128), len(columns), axis=0)
        moved[np.arange(len(columns)), list(columns)] += 1j * STEP
        with np.errstate(all="ignore"):
            return np.imag(output.value(moved)).T / STEP

    def _require_finite(self) -> None:
        for i in range(1, self.network.depth + 1):
            for family in (self.trace.a, self.trace.h):
                if not np.isfinite(family[i]).all():
                    letter = "a" if family is self.trace.a else "h"
                    place = int(np.argmin(np.isfinite(family[i][0]))) + 1
                    raise InputError(
                        f"{letter}[{i},{place}] is {family[i][0, place - 1]} for this example, expected finite values "
                        "to explain: scale x or the weights; 'backtalk diagnose' looks for the cause."
                    )
        if not np.isfinite(self.loss):
            raise InputError(f"the loss is {self.loss} for this example, expected a finite one to explain.")


AnyValues = ExampleValues | NoValues


def _entry(array: Any, indices: tuple[Any, ...]) -> Any:
    if not indices:
        return array
    place = tuple(int(index) - 1 for index in indices)
    return float(array[place if len(place) == 2 else (place[0], 0)])


def _array(value: Any, argument: str) -> np.ndarray:
    """What the user gives, as an array of NumPy."""
    try:
        return to_numpy(value) if is_array(value) else np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputTypeError(f"{argument} is a {type(value).__name__} that is no array of numbers: {error}.") from None


def _one_row(x: np.ndarray, inputs: int) -> np.ndarray:
    if x.ndim not in (1, 2) or (x.ndim == 2 and len(x) != 1):
        raise InputError(f"x has shape {x.shape}, expected one example, ({inputs},).")
    if x.shape[-1] != inputs:
        raise InputError(f"x has {x.shape[-1]} numbers, but the network has {inputs} inputs: expected one each.")
    return x.reshape(1, inputs)


def _one_target(network: Network, target: np.ndarray) -> np.ndarray:
    if target.ndim == 0:
        return target[None]
    width = network.loss.prediction(np.empty((1, network.sizes[-1]))).shape[1]  # of outputs that are means, half
    return target[None, :] if target.ndim == 1 and len(target) == width and len(target) > 1 else target
