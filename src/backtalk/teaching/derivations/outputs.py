"""The first talk of each loss, as formulas: ŷ = O(a_L), ℒ, ∂ℒ/∂ŷ, ∂ŷ/∂a_L, and what they collapse to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.activations import sigmoid
from ...core.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Loss, PoissonDeviance, SquaredError
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
    SumOver,
    Symbol,
    Transposed,
)

OfUnit = Callable[[Index | None], Expression]  # for output unit j; None: for all of them, as a column
ONE = Number(1.0)
SMALLEST = 1e-300  # of what is divided by: below, quotients overflow, and digits are lost


@dataclass(frozen=True, slots=True, eq=False)
class OutputTalk:
    """The formulas of one loss. Each function of j gives the formula of unit j, or that of the whole for None.

    ``coupled``: every ŷ_m depends on every a_{Lj}, as with softmax; else ŷ_j on a_{Lj} alone. ``slope`` is ∂ŷ/∂a_{Lj}
    as a column, or the Jacobian, if coupled; else ∂ŷ_j/∂a_{Lj}. It is None for the identity, where ŷ is a_L.
    """

    loss: Expression
    grad_yhat: OfUnit
    slope: OfUnit | None
    coupled: bool
    collapsed: OfUnit
    why: str


def output_talk(loss: Loss, target: np.ndarray) -> OutputTalk:
    """The formulas of a loss for one example with target t, shape (k,)."""
    k = len(target)
    match loss:
        case CrossEntropy():
            return OutputTalk(
                _cross_entropy(target), _over_yhat, _softmax_slope, True, _residual,
                "The factors 1/ŷ and ŷ cancel, and the sum of t is 1: what is left is ŷ less the target.",
            )  # fmt: skip
        case BinaryCrossEntropy():
            return OutputTalk(
                Negative(SumOver("j", k, _binary_term)), _binary_grad, _sigmoid_slope, False, _residual,
                "The factors ŷ and 1 − ŷ cancel: what is left is ŷ less the target.",
            )  # fmt: skip
        case PoissonDeviance():
            return OutputTalk(
                Product((Number(2.0), SumOver("j", k, _poisson_term))), _poisson_grad, _yhat, False,
                lambda j: Product((Number(2.0), _residual(j))), "The factors 1/ŷ and ŷ cancel.",
            )  # fmt: skip
        case SquaredError():
            total = SumOver("j", k, lambda j: Apply("square", _residual(j), np.square))
            return _of_identity(Product((Number(0.5), total)), _residual, "½r² has the derivative r")
        case AbsoluteError():
            total = SumOver("j", k, lambda j: Apply("absolute", _residual(j), np.abs))
            return _of_identity(
                total, lambda j: Apply("sign", _residual(j), np.sign), "|r| has the derivative sign(r), and 0 at r = 0"
            )
        case Huber(delta):

            def rho(r: Any) -> Any:
                return np.where(np.abs(r) <= delta, np.square(r) / 2, delta * (np.abs(r) - delta / 2))

            total = SumOver("j", k, lambda j: Apply("rho", _residual(j), rho, detail=repr(float(delta))))

            def clipped(j: Index | None) -> Expression:
                return Apply("clip", _residual(j), lambda r: np.clip(r, -delta, delta), detail=repr(float(delta)))

            return _of_identity(total, clipped, "ρ(r) has the derivative r, clipped to −δ and δ")
    raise TypeError(f"no derivation of {loss}")


def yhat_divides(loss: Loss, yhat: np.ndarray, rest: np.ndarray, target: np.ndarray) -> bool:
    """Whether 1/ŷ, and 1/(1 − ŷ) if the loss has it, are numbers where the target makes them count; shapes (k,)."""
    match loss:
        case CrossEntropy() | PoissonDeviance():
            return bool((yhat[target > 0] >= SMALLEST).all())
        case BinaryCrossEntropy():
            return bool((yhat[target > 0] >= SMALLEST).all() and (rest[target < 1] >= SMALLEST).all())
    return True


def output_function(loss: Loss) -> Apply | None:
    """ŷ = O(a_L), or None for the identity; L is put in by the caller, through the symbol."""
    functions = {"softmax": _softmax, "sigmoid": sigmoid, "exp": np.exp}
    if loss.natural_output not in functions:
        return None
    return Apply(loss.natural_output, Symbol("a"), functions[loss.natural_output])


def _of_identity(loss: Expression, grad: OfUnit, derivative: str) -> OutputTalk:
    why = f"The output function is the identity, so that ŷ is a; {derivative}."
    return OutputTalk(loss, grad, None, False, grad, why)


def _yhat(j: Index | None) -> Symbol:
    return Symbol("yhat", None, () if j is None else (j,))


def _target(j: Index | None) -> Symbol:
    return Symbol("target", None, () if j is None else (j,))


def _residual(j: Index | None) -> Expression:
    return Sum((_yhat(j), Negative(_target(j))))


def _complement(of: Expression) -> Expression:
    return Sum((ONE, Negative(of)))


def _rest(j: Index | None) -> Symbol:
    return Symbol("complement", None, () if j is None else (j,))


def _log(of: Expression) -> Apply:
    return Apply("log", of, _safe_log)


def _safe_log(value: Any) -> Any:
    """log, with 0 for log 0: in a loss it stands beside a factor 0."""
    return np.log(np.where(np.asarray(value) > 0, value, 1.0))


def _softmax(a: Any) -> Any:
    powers = np.exp(a - np.max(a))
    return powers / powers.sum()


def _cross_entropy(target: np.ndarray) -> Expression:
    if np.count_nonzero(target) == 1 and target.max() == 1:
        return Negative(_log(_yhat(int(target.argmax()) + 1)))
    return Negative(SumOver("j", len(target), lambda j: Product((_target(j), _log(_yhat(j))))))


def _over_yhat(j: Index | None) -> Expression:
    return Negative(Elementwise(_target(j), _yhat(j), divide=True))


def _softmax_slope(j: Index | None) -> Expression:
    yhat = _yhat(None)
    if j is None:
        return Sum((Diagonal(yhat), Negative(Product((yhat, Transposed(yhat))))))
    return Product((_yhat(j), Sum((Symbol("unit", None, (j,)), Negative(yhat)))))


def _binary_term(j: Index) -> Expression:
    told = Product((_target(j), _log(_yhat(j))))
    return Sum((told, Product((_complement(_target(j)), _log(_rest(j))))))


def _binary_grad(j: Index | None) -> Expression:
    above = Elementwise(_complement(_target(j)), _rest(j), divide=True)
    return Sum((above, Negative(Elementwise(_target(j), _yhat(j), divide=True))))


def _sigmoid_slope(j: Index | None) -> Expression:
    yhat, rest = _yhat(j), _rest(j)
    return Elementwise(yhat, rest) if j is None else Product((yhat, rest))


def _poisson_term(j: Index) -> Expression:
    log = Product((_target(j), _log(Elementwise(_target(j), _yhat(j), divide=True))))
    return Sum((log, Negative(_target(j)), _yhat(j)))


def _poisson_grad(j: Index | None) -> Expression:
    return Product((Number(2.0), _complement(Elementwise(_target(j), _yhat(j), divide=True))))
