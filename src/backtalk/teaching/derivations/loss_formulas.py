"""Each loss as formulas of ŷ and t: ℒ and ∂ℒ/∂ŷ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ...core.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Loss, PoissonDeviance, SquaredError
from ...core.losses.classes import CategoricalHinge, Focal, KLDivergence
from ...core.losses.numeric import GaussianNLL, Quantile, Quantiles
from .expressions import (
    Apply,
    Elementwise,
    Expression,
    Grid,
    Index,
    Indicator,
    Larger,
    Listed,
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
SLOPES = "each of the two lines has its factor as slope"
SLOPE = "ℓ′"  # ∂ℓ/∂ŷ of a loss that a user registered


@dataclass(frozen=True, slots=True, eq=False)
class LossFormulas:
    """``value`` is ℒ; ``grad`` is ∂ℒ/∂ŷ_j for j, or ∇_ŷℒ for None; ``slope_of``: why, for an output that is ŷ = a."""

    value: Expression
    grad: OfUnit
    slope_of: str


def loss_formulas(loss: Loss, k: int, target: np.ndarray | None, yhat: np.ndarray | None = None) -> LossFormulas:
    """The formulas of a loss for k outputs and one example with target t and ŷ, shape (k,), or for any if None."""
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
        case Focal(gamma):
            return _focal(gamma, k, target)
        case CategoricalHinge():
            return _categorical_hinge(target, yhat)
        case Quantile(level):
            return _quantile(level, k)
        case Quantiles(levels):
            return _quantiles(np.repeat(levels, k // len(levels)).tolist())
        case GaussianNLL():
            return _gaussian(k)
    return _own(loss, k)


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


def _focal(gamma: float, k: int, target: np.ndarray | None) -> LossFormulas:
    """−Σ t (1 − ŷ)^γ log ŷ."""
    if gamma == 0:
        return LossFormulas(_cross_entropy(k, target), _over_yhat, "−t log ŷ has the derivative −t/ŷ")

    def term(j: Index) -> Expression:
        return Product((target_of(j), _power(rest_of(j), gamma), _log(yhat_of(j))))

    def grad(j: Index | None) -> Expression:
        t, rest, yhat = target_of(j), rest_of(j), yhat_of(j)
        pull = _each(j, t, *([] if gamma == 1 else [_power(rest, gamma - 1)]), _log(yhat))
        pull = pull if gamma == 1 else Product((Number(gamma), pull))
        return Sum((pull, Negative(Elementwise(_each(j, t, _power(rest, gamma)), yhat, divide=True))))

    value = Negative(SumOver("j", k, term, "yhat"))
    if (one := _one_hot(target)) is not None:
        value = Negative(Product((_power(rest_of(one), gamma), _log(yhat_of(one)))))
    return LossFormulas(value, grad, "the product of the power and the logarithm has two terms as derivative")


def _categorical_hinge(target: np.ndarray | None, yhat: np.ndarray | None) -> LossFormulas:
    """max(0, 1 + ŷ_r − ŷ_y) with the label's output y and r, the first of the largest others."""
    label: Index = "y"
    rival: Index = "r"
    if target is not None and yhat is not None:
        label = int(target.argmax()) + 1
        rival = int(np.where(target == 1, -np.inf, yhat).argmax()) + 1
    margin = Sum((ONE, yhat_of(rival), Negative(yhat_of(label))))

    def grad(j: Index | None) -> Expression:
        ends = (unit_of(rival), unit_of(label)) if j is None else (Indicator(j, rival), Indicator(j, label))
        return Product((_positive(margin), Sum((ends[0], Negative(ends[1])))))

    return LossFormulas(
        Larger(Number(0.0), margin), grad, "the margin has the slope 1 by one output, and −1 by another"
    )


def _quantile(level: float, k: int) -> LossFormulas:
    """Σ max(q·r, (q − 1)·r) with r = t − ŷ."""
    total = SumOver("j", k, lambda j: _cost(level, j), "yhat")
    return LossFormulas(total, lambda j: _slope_of_cost(level, j), SLOPES)


def _quantiles(levels: list[float]) -> LossFormulas:
    """The same with a level for each output."""

    def grad(j: Index | None) -> Expression:
        if j is None:
            return Grid(lambda row, _: grad(row), (len(levels), 1), ("yhat", None))
        return _slope_of_cost(levels[int(j) - 1], j)

    costs = [_cost(level, j) for j, level in enumerate(levels, start=1)]
    return LossFormulas(Sum(tuple(costs)) if len(costs) > 1 else costs[0], grad, SLOPES)


def _cost(level: float, j: Index) -> Expression:
    return Larger(Product((Number(level), _lack_of(j))), Product((Number(level - 1), _lack_of(j))))


def _slope_of_cost(level: float, j: Index | None) -> Expression:
    above = Product((Number(1 - level), _positive(residual_of(j))))
    return Sum((above, Negative(Product((Number(level), _positive(_lack_of(j)))))))


def _gaussian(k: int) -> LossFormulas:
    """½ Σ [s + (t − μ)²/exp(s) + log 2π], with μ in the first half of ŷ and s = log σ² in the second."""
    half = k // 2

    def log_variance(j: Index) -> Symbol:
        return yhat_of(j + half if isinstance(j, int) else f"{half}+{j}")

    def distance(j: Index) -> Expression:
        square = Apply("square", _lack_of(j), np.square)
        return Elementwise(square, Apply("exp", log_variance(j), np.exp), divide=True)

    def term(j: Index) -> Expression:
        return Sum((log_variance(j), distance(j), _log(Number(2 * np.pi))))

    def grad(j: Index | None) -> Expression:
        if j is None:
            return Grid(lambda row, _: grad(row), (k, 1), ("yhat", None))
        if int(j) <= half:
            return Elementwise(residual_of(j), Apply("exp", log_variance(int(j)), np.exp), divide=True)
        return Product((Number(0.5), Sum((ONE, Negative(distance(int(j) - half))))))

    total = SumOver("j", half, term)
    return LossFormulas(Product((Number(0.5), total)), grad, "each pair of outputs has its two derivatives")


def _own(loss: Loss, k: int) -> LossFormulas:
    """A loss that a user registered: ℓ(ŷ, t), and its slopes ℓ′(ŷ, t)."""
    both = Listed((yhat_of(None), target_of(None)))

    def value(given: Any) -> float:
        return float(loss.value(*(np.reshape(each, (1, k)) for each in given))[0])

    def grad(j: Index | None) -> Expression:
        def slope(given: Any) -> Any:
            found = loss.gradient(*(np.reshape(each, (1, k)) for each in given))
            slopes = np.broadcast_to(found, (1, k)).T
            return slopes if j is None else float(slopes[int(j) - 1, 0])

        return Apply(SLOPE, both, slope, None if j is None else int(j))

    return LossFormulas(Apply("ℓ", both, value), grad, "∂ℒ/∂ŷ is ℓ′(ŷ, t)")


def _each(j: Index | None, *factors: Expression) -> Expression:
    """A product of numbers, or of columns element by element."""
    if len(factors) == 1:
        return factors[0]
    return Product(factors) if j is not None else reduce(Elementwise, factors)


def _power(of: Expression, exponent: float) -> Expression:
    if exponent == 1:
        return of
    return Apply("power", of, lambda base: np.maximum(base, 0.0) ** exponent, detail=f"{exponent:g}")


def _positive(of: Expression) -> Apply:
    """H: 1 where a number is above 0, else 0."""
    return Apply("H", of, lambda value: np.where(np.asarray(value) > 0, 1.0, 0.0))


def _lack_of(j: Index | None) -> Expression:
    """t − ŷ."""
    return Sum((target_of(j), Negative(yhat_of(j))))


def unit_of(j: Index) -> Symbol:
    return Symbol("unit", None, (j,))


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


def _one_hot(target: np.ndarray | None) -> int | None:
    """The output at which t is 1, if it is 0 at all others."""
    if target is None or np.count_nonzero(target) != 1 or target.max() != 1:
        return None
    return int(target.argmax()) + 1


def _cross_entropy(k: int, target: np.ndarray | None) -> Expression:
    if (one := _one_hot(target)) is not None:
        return Negative(_log(yhat_of(one)))
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
