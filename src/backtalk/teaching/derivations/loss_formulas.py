"""Each loss as formulas of ŷ and t: ℒ and ∂ℒ/∂ŷ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Loss, PoissonDeviance, SquaredError
from ...core.losses.classes import CategoricalHinge, Focal, KLDivergence
from ...core.losses.numeric import GaussianNLL, Quantile
from .expressions import (
    Apply,
    Elementwise,
    Expression,
    Index,
    Negative,
    Number,
    Product,
    Sum,
    SumOver,
    Symbol,
)

OfUnit = Callable[[Index | None], Expression]  # for output unit j; None: for all of them, as a column
ONE = Number(1.0)
SMALLEST = 1e-300  # of what is divided by: below, quotients overflow, and digits are lost
SLOPE = "ℓ′"  # ∂ℓ/∂ŷ of a loss that is said in words
IN_WORDS: dict[type[Loss], str] = {
    Focal: "Each term of cross-entropy, −t_j · log ŷ[j], is multiplied by (1 − ŷ[j]) to the power γ.",
    CategoricalHinge: "It is 0 if ŷ of the label leads every other by 1 or more, else what it lacks; so ∂ℒ/∂ŷ is −1 at "
    "the label, 1 at the largest other and 0 elsewhere, or 0 everywhere.",
    Quantile: "A residual r = ŷ − t costs (1 − q) · r where r > 0, and −q · r elsewhere; these factors are the slopes.",
    GaussianNLL: "The first half of ŷ are means μ, the second half s = log σ². Each pair costs "
    "½(s + (t − μ)²/exp(s)) and a constant; the slopes are (μ − t)/exp(s) by μ, and ½(1 − (t − μ)²/exp(s)) by s.",
}


@dataclass(frozen=True, slots=True, eq=False)
class LossFormulas:
    """``value`` is ℒ; ``grad`` is ∂ℒ/∂ŷ_j for j, or ∇_ŷℒ for None; ``slope_of``: why, for an output that is ŷ = a."""

    value: Expression
    grad: OfUnit
    slope_of: str


def loss_formulas(loss: Loss, k: int, target: np.ndarray | None) -> LossFormulas:
    """The formulas of a loss for k outputs and one example with target t, shape (k,), or for any target if None."""
    match loss:
        case CrossEntropy():
            return LossFormulas(_cross_entropy(k, target), _over_yhat, "−t log ŷ has the derivative −t/ŷ")
        case KLDivergence():
            return LossFormulas(SumOver("j", k, _divergence, "yhat"), _over_yhat, "−t log ŷ has the derivative −t/ŷ")
        case BinaryCrossEntropy():
            total = Negative(SumOver("j", k, _binary_term, "yhat"))
            return LossFormulas(
                total, _binary_grad, "each of the two logarithms has the derivative 1 over what it is of"
            )
        case PoissonDeviance():
            total = Product((Number(2.0), SumOver("j", k, _poisson_term, "yhat")))
            return LossFormulas(total, _poisson_grad, "−t log ŷ + ŷ has the derivative 1 − t/ŷ")
        case SquaredError():
            total = SumOver("j", k, lambda j: Apply("square", residual_of(j), np.square), "yhat")
            return LossFormulas(Product((Number(0.5), total)), residual_of, "½r² has the derivative r")
        case AbsoluteError():
            total = SumOver("j", k, lambda j: Apply("absolute", residual_of(j), np.abs), "yhat")
            return LossFormulas(
                total,
                lambda j: Apply("sign", residual_of(j), np.sign),
                "|r| has the derivative sign(r), and 0 at r = 0",
            )
        case Huber(delta):
            return _huber(delta, k)
    return _in_words(loss, k, target)


def yhat_divides(loss: Loss, yhat: np.ndarray, rest: np.ndarray, target: np.ndarray) -> bool:
    """Whether 1/ŷ, and 1/(1 − ŷ) if the loss has it, are numbers where the target makes them count; shapes (k,)."""
    match loss:
        case CrossEntropy() | PoissonDeviance() | KLDivergence() | Focal():
            return bool((yhat[target > 0] >= SMALLEST).all())
        case BinaryCrossEntropy():
            return bool((yhat[target > 0] >= SMALLEST).all() and (rest[target < 1] >= SMALLEST).all())
    return True


def _huber(delta: float, k: int) -> LossFormulas:
    def rho(r: Any) -> Any:
        return np.where(np.abs(r) <= delta, np.square(r) / 2, delta * (np.abs(r) - delta / 2))

    def clipped(j: Index | None) -> Expression:
        return Apply("clip", residual_of(j), lambda r: np.clip(r, -delta, delta), detail=repr(float(delta)))

    total = SumOver("j", k, lambda j: Apply("rho", residual_of(j), rho, detail=repr(float(delta))), "yhat")
    return LossFormulas(total, clipped, "ρ(r) has the derivative r, clipped to −δ and δ")


def _in_words(loss: Loss, k: int, target: np.ndarray | None) -> LossFormulas:
    """A loss whose formula is said in the sentence: ℓ(ŷ), and its slopes ℓ′(ŷ)."""

    t = np.zeros((1, k)) if target is None else target[None, :]  # without a target, no number is computed

    def value(yhat: Any) -> float:
        return float(loss.value(np.reshape(yhat, (1, k)), t)[0])

    def grad(j: Index | None) -> Expression:
        def slope(yhat: Any) -> Any:
            slopes = np.broadcast_to(loss.gradient(np.reshape(yhat, (1, k)), t), (1, k)).T
            return slopes if j is None else float(slopes[int(j) - 1, 0])

        return Apply(SLOPE, yhat_of(None), slope, None if j is None else int(j))

    return LossFormulas(Apply("ℓ", yhat_of(None), value), grad, "∂ℒ/∂ŷ is ℓ′(ŷ)")


def yhat_of(j: Index | None) -> Symbol:
    return Symbol("yhat", None, () if j is None else (j,))


def target_of(j: Index | None) -> Symbol:
    return Symbol("target", None, () if j is None else (j,))


def residual_of(j: Index | None) -> Expression:
    return Sum((yhat_of(j), Negative(target_of(j))))


def _complement(of: Expression) -> Expression:
    return Sum((ONE, Negative(of)))


def rest_of(j: Index | None) -> Symbol:
    return Symbol("complement", None, () if j is None else (j,))


def _log(of: Expression) -> Apply:
    return Apply("log", of, _safe_log)


def _safe_log(value: Any) -> Any:
    """log, with 0 for log 0: in a loss it stands beside a factor 0."""
    return np.log(np.where(np.asarray(value) > 0, value, 1.0))


def _cross_entropy(k: int, target: np.ndarray | None) -> Expression:
    if target is not None and np.count_nonzero(target) == 1 and target.max() == 1:
        return Negative(_log(yhat_of(int(target.argmax()) + 1)))
    return Negative(SumOver("j", k, lambda j: Product((target_of(j), _log(yhat_of(j)))), "yhat"))


def _over_yhat(j: Index | None) -> Expression:
    return Negative(Elementwise(target_of(j), yhat_of(j), divide=True))


def _binary_term(j: Index) -> Expression:
    told = Product((target_of(j), _log(yhat_of(j))))
    return Sum((told, Product((_complement(target_of(j)), _log(rest_of(j))))))


def _binary_grad(j: Index | None) -> Expression:
    above = Elementwise(_complement(target_of(j)), rest_of(j), divide=True)
    return Sum((above, Negative(Elementwise(target_of(j), yhat_of(j), divide=True))))


def _divergence(j: Index) -> Expression:
    return Product((target_of(j), _log(Elementwise(target_of(j), yhat_of(j), divide=True))))


def _poisson_term(j: Index) -> Expression:
    log = Product((target_of(j), _log(Elementwise(target_of(j), yhat_of(j), divide=True))))
    return Sum((log, Negative(target_of(j)), yhat_of(j)))


def _poisson_grad(j: Index | None) -> Expression:
    return Product((Number(2.0), _complement(Elementwise(target_of(j), yhat_of(j), divide=True))))
