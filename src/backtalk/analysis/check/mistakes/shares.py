"""Mistakes with the share w that each example has in ℒ: 1/B, or sample_weight / Σ sample_weight."""

from __future__ import annotations

import numpy as np

from .known import Known, Variant, on
from .talks import OUTPUT, WEIGHTS, Link, Pass

TOP = "output"
SCOPES = (OUTPUT, TOP, WEIGHTS, "weights", "biases")


def _total(talk: Pass) -> float:
    """By how much the sum Σ s_n ℓ_n is larger than the weighted mean ℒ; B where no weights were given."""
    return float(talk.sample_weight.sum())


def _are_equal(talk: Pass) -> bool:
    return bool((talk.sample_weight == talk.sample_weight[0]).all())


def _summed(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk, i) * _total(talk)


def _averaged_twice(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk, i) / talk.B


def _divided_by_count(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    if _are_equal(talk):
        return None
    return link(talk, i) * (_total(talk) / talk.B)


def _unweighted(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    if _are_equal(talk):
        return None
    return link(talk.on(weight=np.full(talk.B, 1 / talk.B)), i)


def _unweighted_sum(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    if _are_equal(talk):
        return None
    return link(talk.on(weight=np.ones(talk.B)), i)


def _first_example(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk.on(weight=np.eye(talk.B)[0]), i)


def _last_example(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk.on(weight=np.eye(talk.B)[-1]), i)


def _own_rows(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk.on(weight=np.ones(talk.B)), i)


def _weights_from_own_rows(talk: Pass, i: int, link: Link) -> np.ndarray:
    return (talk.a(i) * talk.scene.weight[:, None]).T @ talk.trace.h[i - 1]


def _biases_from_own_rows(talk: Pass, i: int, link: Link) -> np.ndarray:
    return (talk.a(i) * talk.scene.weight[:, None]).sum(axis=0)


def _weights_of_row(talk: Pass, i: int, n: int, factor: float) -> np.ndarray:
    return factor * np.outer(talk.a(i)[n], talk.trace.h[i - 1][n])


def _biases_of_row(talk: Pass, i: int, n: int, factor: float) -> np.ndarray:
    return factor * talk.a(i)[n]


def _rows() -> tuple[Variant, ...]:
    """The weights' talk from the first or last row, as it is or as that example's own gradient."""
    variants = []
    for n in (0, -1):
        for own in (False, True):
            changes = {}
            for kind, of_row in (("weights", _weights_of_row), ("biases", _biases_of_row)):
                changes[kind] = lambda talk, i, link, n=n, own=own, of_row=of_row: of_row(
                    talk, i, n, 1 / talk.scene.weight[n] if own else 1.0
                )
            variants += [Variant(changes), *(Variant({kind: change}) for kind, change in changes.items())]
    return tuple(variants)


MISTAKES = (
    Known(
        "sum_for_mean",
        "the sum over the batch stands instead of the mean: 1/B is missing",
        "ℒ = Σ_n w_n ℓ_n with w_n = 1/B, or sample_weight / Σ sample_weight",
        "divide by B (by Σ sample_weight where there are weights), once, at the output",
        tuple(on(kinds, _summed) for kinds in SCOPES),
        scales=True,
    ),
    Known(
        "mean_twice",
        "1/B stands there twice",
        "∇_{a_L}ℒ holds 1/B already, and every gradient below is a sum over the batch",
        "divide by B once, at the output",
        tuple(on(kinds, _averaged_twice) for kinds in (OUTPUT, TOP, WEIGHTS, "weights")),
        scales=True,
    ),
    Known(
        "weights_ignored",
        "sample_weight is ignored: each example has the same share",
        "ℒ = Σ_n w_n ℓ_n with w_n = sample_weight_n / Σ sample_weight",
        "multiply row n of ∇_{a_L} by w_n",
        (on(OUTPUT, _unweighted), on(TOP, _unweighted), on(OUTPUT, _unweighted_sum),
         on(TOP, _unweighted_sum)),
    ),
    Known(
        "weights_divided_by_count",
        "the weighted sum is divided by B and not by the sum of sample_weight",
        "ℒ = Σ_n w_n ℓ_n with w_n = sample_weight_n / Σ sample_weight",
        "divide sample_weight by its sum",
        tuple(on(kinds, _divided_by_count) for kinds in SCOPES),
        scales=True,
    ),
    Known(
        "one_example_only",
        "one example alone is used, the first or the last of the batch",
        "∇_{W_i}ℒ = Σ_n ∇_{a_i}ℒ_n h_{i-1,n}ᵀ, a sum over all rows n",
        "sum over every row of the batch",
        (on(OUTPUT, _first_example), on(TOP, _first_example), on(OUTPUT, _last_example),
         on(TOP, _last_example), *_rows()),
    ),
    Known(
        "own_rows",
        "each row of ∇_a and ∇_h is the example's own gradient, and 1/B comes only with the weights",
        "ℒ is the mean over the batch, so row n of ∇_{a_i}ℒ holds w_n (1/B) times the example's own gradient",
        "divide ∇_{a_L} by B, and sum over the batch without dividing: the weights' gradients stay as they are",
        (Variant({"yhat": _own_rows, "output": _own_rows, "weights": _weights_from_own_rows,
                  "biases": _biases_from_own_rows}),
         Variant({"output": _own_rows, "weights": _weights_from_own_rows, "biases": _biases_from_own_rows})),
        hidden_by=("sum_for_mean",),
    ),
)  # fmt: skip
