"""The first talk of any pair of output function and loss: ŷ = O(a_L), ∂ŷ/∂a_L = J, and ∇_{a_L}ℒ = Jᵀ ∇_ŷℒ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.activations import Identity, sigmoid
from ...core.head import Head
from ...core.losses import BinaryCrossEntropy, CrossEntropy, PoissonDeviance
from ...core.losses.classes import KLDivergence
from ...core.outputs import ElementWise, Softmax
from .expressions import (
    Apply,
    Diagonal,
    Elementwise,
    Expression,
    Index,
    Negative,
    Number,
    Product,
    Sum,
    Symbol,
    Transposed,
)
from .loss_formulas import OfUnit, loss_formulas, residual_of, rest_of, target_of, yhat_of


@dataclass(frozen=True, slots=True, eq=False)
class OutputTalk:
    """The formulas of one pair. Each function of j gives the formula of unit j, or that of the whole for None.

    ``coupled``: every ŷ_m depends on every a_{Lj}, as with softmax; else ŷ_j on a_{Lj} alone. ``slope`` is ∂ŷ/∂a_{Lj}
    as a column, or the Jacobian, if coupled; else ∂ŷ_j/∂a_{Lj}. It is None for the identity, where ŷ is a_L.
    ``collapsed`` is the closed form of ∂ℒ/∂a_L, and ``why`` says how it follows; None for a pair that has none.
    """

    loss: Expression
    grad_yhat: OfUnit
    slope: OfUnit | None
    coupled: bool
    collapsed: OfUnit | None
    why: str


def output_talk(head: Head, k: int, target: np.ndarray | None, yhat: np.ndarray | None = None) -> OutputTalk:
    """The formulas of a pair for k outputs and one example with target t and ŷ, shape (k,), or for any if None."""
    formulas = loss_formulas(head.loss, k, target, yhat)
    if isinstance(head.output, ElementWise) and isinstance(head.output.activation, Identity):
        why = f"The output function is the identity, so that ŷ is a; {formulas.slope_of}."
        return OutputTalk(formulas.value, formulas.grad, None, False, formulas.grad, why)
    collapsed, why = _closed_form(head)
    slope = _slope_of(head)
    return OutputTalk(formulas.value, formulas.grad, slope, isinstance(head.output, Softmax), collapsed, why)


def _closed_form(head: Head) -> tuple[OfUnit | None, str]:
    """What ∂ℒ/∂a_L collapses to, and why."""
    match head.output.name, head.loss:
        case "softmax", CrossEntropy() | KLDivergence():
            return (
                residual_of,
                "The factors 1/ŷ and ŷ cancel, and the sum of t is 1: what is left is ŷ less the target.",
            )
        case "sigmoid", BinaryCrossEntropy():
            return residual_of, "The factors ŷ and 1 − ŷ cancel: what is left is ŷ less the target."
        case "sigmoid", CrossEntropy():
            return _unheard, "The factors 1/ŷ and ŷ cancel: what is left of the slope is 1 − ŷ."
        case "exp", PoissonDeviance():
            return lambda j: Product((Number(2.0), residual_of(j))), "The factors 1/ŷ and ŷ cancel."
    return None, ""


def _slope_of(head: Head) -> OfUnit:
    if isinstance(head.output, Softmax):
        return _softmax_slope
    if head.output.name == "sigmoid":
        return _sigmoid_slope
    if head.output.name == "tanh":
        return lambda j: Sum((Number(1.0), Negative(Apply("square", yhat_of(j), np.square))))
    return yhat_of if head.output.name == "exp" else Placed(head)


@dataclass(frozen=True, slots=True)
class Placed:
    """O′(a_L), for output unit j or for all of them; the layer is put in by :meth:`at`."""

    head: Head
    layer: int | None = None

    def at(self, layer: int) -> Placed:
        """Of the pre-activations of a layer."""
        return Placed(self.head, layer)

    def __call__(self, j: Index | None) -> Expression:
        output = self.head.output
        assert isinstance(output, ElementWise)

        def slope(a: Any) -> Any:
            given = np.atleast_2d(np.asarray(a, dtype=np.float64))
            found = np.broadcast_to(np.asarray(output.activation.g_prime(given)), given.shape)
            return float(found[0, 0]) if np.ndim(a) == 0 else found

        return Apply("O′", Symbol("a", self.layer, () if j is None else (j,)), slope)


def output_function(head: Head) -> Apply | None:
    """ŷ = O(a_L), or None for the identity; L is put in by the caller, through the symbol."""
    output = head.output
    if isinstance(output, ElementWise) and isinstance(output.activation, Identity):
        return None
    known = {"softmax": _softmax, "sigmoid": sigmoid, "exp": np.exp}
    if output.name in known:
        return Apply(output.name, Symbol("a"), known[output.name])
    return Apply("O", Symbol("a"), lambda a: np.asarray(output.value(np.asarray(a).T)).T)


def _softmax(a: Any) -> Any:
    powers = np.exp(a - np.max(a))
    return powers / powers.sum()


def _softmax_slope(j: Index | None) -> Expression:
    yhat = yhat_of(None)
    if j is None:
        return Sum((Diagonal(yhat), Negative(Product((yhat, Transposed(yhat))))))
    return Product((yhat_of(j), Sum((Symbol("unit", None, (j,)), Negative(yhat)))))


def _sigmoid_slope(j: Index | None) -> Expression:
    yhat, rest = yhat_of(j), rest_of(j)
    return Elementwise(yhat, rest) if j is None else Product((yhat, rest))


def _unheard(j: Index | None) -> Expression:
    """−t (1 − ŷ)."""
    target, rest = target_of(j), rest_of(j)
    return Negative(Elementwise(target, rest) if j is None else Product((target, rest)))
