"""Mistakes of the loss: one number, so it is asked for on several batches, and a name must explain them all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....core.network import Network
from .mistake import Mistake


@dataclass(frozen=True, slots=True, eq=False)
class LossCase:
    """A batch, the loss that was returned for it, and all that a wrong loss may be made of.

    ``a``, ``yhat``, ``target``: shape (B, k). ``weight``: w with sum 1. ``total``: Σ sample_weight, or B.
    """

    network: Network
    given: float
    a: np.ndarray
    yhat: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    total: float

    @property
    def value(self) -> float:
        """ℒ as it is, of ``yhat``."""
        return self.mean(self.network.loss.value(self.yhat, self.target))

    def mean(self, each: np.ndarray) -> float:
        """The weighted mean over the examples."""
        return float((each * self.weight).sum())


Value = Callable[[LossCase], float | None]
ValueWith = Callable[[LossCase, float], float]


@dataclass(frozen=True, slots=True, eq=False)
class KnownLoss:
    """A mistake that has a name, and what the loss is under it. FACTOR in ``said`` is a number that is found.

    ``unknowns``: what the loss is as a function of such a number, ε or a factor, at 0 the value that it has else.
    """

    name: str
    said: str
    formula: str
    advice: str
    values: tuple[Value, ...] = ()
    unknowns: tuple[ValueWith, ...] = ()

    def mistake(self, factor: float | None = None) -> Mistake:
        """The mistake, with the number that was found for it."""
        said = self.said if factor is None else self.said.replace("FACTOR", f"{factor:.4g}")
        return Mistake(self.name, said, self.formula, self.advice, ())


def _categorical(case: LossCase, yhat: np.ndarray) -> np.ndarray:
    """−Σ_j t_j log ŷ_j for each example, with 0 log 0 = 0."""
    return -np.where(case.target == 0, 0.0, case.target * np.log(yhat)).sum(axis=1)


def _complement(case: LossCase, yhat: np.ndarray) -> np.ndarray:
    """−Σ_j (1 − t_j) log(1 − ŷ_j) for each example."""
    return -np.where(case.target == 1, 0.0, (1 - case.target) * np.log(1 - yhat)).sum(axis=1)


def _name(case: LossCase) -> str:
    return case.network.loss.name


def _in_logarithm(case: LossCase, change: Callable[[np.ndarray], np.ndarray]) -> float:
    """The loss with something done to each number before its logarithm is taken."""
    losses = {
        "cross_entropy": lambda: _categorical(case, change(case.yhat)),
        "binary_cross_entropy": lambda: (
            -(case.target * np.log(change(case.yhat)) + (1 - case.target) * np.log(change(1 - case.yhat))).sum(axis=1)
        ),
    }
    return case.mean(losses[_name(case)]()) if _name(case) in losses else math.nan


def _if_entropy(change: Value) -> Value:
    return lambda case: change(case) if "cross_entropy" in _name(case) else None


def _squares(case: LossCase) -> np.ndarray:
    return ((case.yhat - case.target) ** 2).sum(axis=1)


def _other_losses(case: LossCase) -> tuple[float, ...]:
    r, k = case.yhat - case.target, case.yhat.shape[1]
    each = {
        "squared_error": (r**2).sum(axis=1) / 2,
        "squared_error ": (r**2).sum(axis=1),
        "squared_error  ": (r**2).mean(axis=1),
        "absolute_error": np.abs(r).sum(axis=1),
        "absolute_error ": np.abs(r).sum(axis=1) / k,
        "cross_entropy": _categorical(case, case.yhat),
        "binary_cross_entropy": _categorical(case, case.yhat) + _complement(case, case.yhat),
        "binary_cross_entropy ": (_categorical(case, case.yhat) + _complement(case, case.yhat)) / k,
        "poisson": (case.yhat - case.target * np.log(case.yhat)).sum(axis=1),
    }
    return tuple(math.nan if name.strip() == _name(case) else case.mean(values) for name, values in each.items())


def _penalty(case: LossCase, power: int) -> float:
    return sum(float((np.abs(W) ** power).sum()) for W in case.network.W.values())


MEAN = "ℒ = Σ_n w_n ℓ_n with w_n = 1/B, or sample_weight / Σ sample_weight"
LOGARITHM = "cross-entropy: ℓ = −Σ_j t_j log ŷ_j, log the natural logarithm"
OUTPUTS = 9  # how many other losses there are

LOSS: tuple[KnownLoss, ...] = (
    KnownLoss("loss_sign", "the sign of the loss is turned", LOGARITHM, "write the minus before the sum",
              (lambda case: -case.value,)),
    KnownLoss("loss_summed", "the loss is summed over the batch instead of averaged: 1/B is missing", MEAN,
              "divide by the number of examples B",
              (lambda case: case.value * case.total,)),
    KnownLoss("loss_mean_twice", "the loss is divided by B twice", MEAN, "divide by B once",
              (lambda case: case.value / case.total,)),
    KnownLoss("loss_base_2", "the logarithm is that of base 2", LOGARITHM, "use the natural logarithm, np.log",
              (_if_entropy(lambda case: case.value / math.log(2)),)),
    KnownLoss("loss_base_10", "the logarithm is that of base 10", LOGARITHM, "use the natural logarithm, np.log",
              (_if_entropy(lambda case: case.value / math.log(10)),)),
    KnownLoss("loss_weights_ignored", "sample_weight is ignored: each example has the same share", MEAN,
              "multiply the loss of example n by its weight, and divide by their sum",
              (lambda case: float(case.network.loss.value(case.yhat, case.target).mean()),)),
    KnownLoss("loss_mean_over_outputs", "the loss is averaged over the outputs as well, by a mean over the whole array",
              "ℓ is summed over the k outputs of an example, never averaged",
              "sum over the outputs, and take the mean over the examples",
              (lambda case: case.value / case.yhat.shape[1],
               lambda case: 2 * case.value / case.yhat.shape[1] if _name(case) == "squared_error" else None)),
    KnownLoss("loss_one_term", "one of the two terms is missing: t log ŷ and (1 − t) log(1 − ŷ)",
              "binary cross-entropy: ℓ = −Σ_j [t_j log ŷ_j + (1 − t_j) log(1 − ŷ_j)]", "write both terms",
              tuple(lambda case, term=term: case.mean(term(case, case.yhat))
                    if _name(case) == "binary_cross_entropy" else None for term in (_categorical, _complement))),
    KnownLoss("loss_factor_two", "a factor 2 is amiss in the loss", "squared error: ℓ = ½ Σ_j (ŷ_j − t_j)²; "
              "cross-entropy has no factor; Poisson's deviance has a 2",
              "write the factor that the loss has",
              (lambda case: 2 * case.value, lambda case: case.value / 2)),
    KnownLoss("loss_root", "the root of the loss is taken", "ℓ = ½ Σ_j (ŷ_j − t_j)², without a root",
              "leave the root out",
              (lambda case: math.sqrt(abs(case.value)), lambda case: math.sqrt(2 * abs(case.value)),
               lambda case: math.sqrt(2 * abs(case.value) / case.yhat.shape[1]),
               lambda case: case.mean(np.sqrt(_squares(case))))),
    KnownLoss("loss_logarithm_of_mean", "the logarithm is taken of the mean, not the mean of the logarithms", LOGARITHM,
              "take the logarithm of each example's ŷ first",
              (lambda case: -math.log((case.target * case.yhat).sum(axis=1).mean())
               if _name(case) == "cross_entropy" else None,)),
    KnownLoss("loss_without_logarithm", "the logarithm is left out", LOGARITHM, "take the logarithm of ŷ",
              (_if_entropy(lambda case: -case.mean((case.target * case.yhat).sum(axis=1))),
               _if_entropy(lambda case: case.mean(1 - (case.target * case.yhat).sum(axis=1))))),
    KnownLoss("loss_at_a", "the logarithm is taken of a_L instead of ŷ", LOGARITHM,
              "put a_L through the output function",
              (_if_entropy(lambda case: case.mean(_categorical(case, case.a))),)),
    KnownLoss("loss_of_other_kind", "it is the value of another loss than the network's",
              "the loss that is differentiated is the one that the network names", "compute the loss of the network",
              tuple(lambda case, k=k: _other_losses(case)[k] for k in range(OUTPUTS))),
    KnownLoss("loss_one_example", "the loss is that of one example alone, the first or the last", MEAN,
              "take the mean over every example of the batch",
              tuple(lambda case, n=n: float(case.network.loss.value(case.yhat, case.target)[n])
                    for n in (0, -1))),
    KnownLoss("loss_penalty", "a penalty on the weights is added, FACTOR times their squares (or absolute values)",
              "ℒ is the loss of the batch alone, without a penalty on the weights", "leave the penalty out here",
              unknowns=(lambda case, rate: case.value + rate * _penalty(case, 2),
                        lambda case, rate: case.value + rate * _penalty(case, 1),
                        lambda case, rate: case.value + rate * _penalty(case, 2) / case.total)),
    KnownLoss("loss_epsilon", "a number of about FACTOR is added in the logarithm, or ŷ is held away from 0 by it",
              LOGARITHM, "leave it out: it changes the loss, and its gradient is another one",
              unknowns=(lambda case, e: _in_logarithm(case, lambda value: value + abs(e)),
                        lambda case, e: _in_logarithm(case, lambda value: np.clip(value, abs(e), 1 - abs(e))),
                        lambda case, e: _in_logarithm(case, lambda value: np.maximum(value, abs(e))))),
    KnownLoss("loss_factor", "the loss is multiplied by FACTOR", MEAN, "leave the factor out",
              unknowns=(lambda case, factor: case.value * (1 + factor),)),
)  # fmt: skip
