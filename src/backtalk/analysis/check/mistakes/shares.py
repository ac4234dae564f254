"""Mistakes with the share w that each example has in ℒ: 1/B, or sample_weight / Σ sample_weight."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .known import Change, Known, Variant, by_gradient, on
from .talks import OUTPUT, WEIGHTS, Link, Pass

SCOPES = (OUTPUT, "output", WEIGHTS, "weights", "biases")


def _total(talk: Pass) -> float:
    """By how much the sum Σ s_n ℓ_n is larger than the weighted mean ℒ; B if no weights were given."""
    return float(talk.sample_weight.sum())


def _are_equal(talk: Pass) -> bool:
    return bool((talk.sample_weight == talk.sample_weight[0]).all())


def _divided_by_count(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    return None if _are_equal(talk) else link(talk, i) * (_total(talk) / talk.B)


def _weighted_equally(share: Callable[[int], float]) -> tuple[Variant, ...]:
    """Every example has the same share of a batch of B, although weights were given."""

    def change(talk: Pass, i: int, link: Link) -> np.ndarray | None:
        return None if _are_equal(talk) else link(talk.on(weight=np.full(talk.B, share(talk.B))), i)

    return on(change, OUTPUT, "output")


def _example(n: int) -> tuple[Variant, ...]:
    """Example n alone is used at the output."""
    return on(lambda talk, i, link: link(talk.on(weight=np.eye(talk.B)[n]), i), OUTPUT, "output")


def _row(n: int, *, own: bool) -> tuple[Variant, ...]:
    """The third talk from row n alone, as it is or as that example's own gradient."""

    def row(talk: Pass, i: int) -> np.ndarray:
        return talk.a(i) * np.eye(talk.B)[n][:, None] * (1 / talk.scene.weight[n] if own else 1.0)

    return by_gradient(row)


def _own_rows(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk.on(weight=np.ones(talk.B)), i)


OWN_ROWS: dict[str, Change] = {
    "output": _own_rows,
    **by_gradient(lambda talk, i: talk.a(i) * talk.scene.weight[:, None])[0].changes,
}

MISTAKES = (
    Known(
        "sum_for_mean",
        "the sum over the batch stands instead of the mean: 1/B is missing",
        "ℒ = Σ_n w_n ℓ_n with w_n = 1/B, or sample_weight / Σ sample_weight",
        "divide by B (by Σ sample_weight if there are weights), once, at the output",
        on(lambda talk, i, link: link(talk, i) * _total(talk), *SCOPES),
        scales=True,
    ),
    Known(
        "mean_twice",
        "1/B stands there twice",
        "∇_{a_L}ℒ holds 1/B already, and every gradient below is a sum over the batch",
        "divide by B once, at the output",
        on(lambda talk, i, link: link(talk, i) / talk.B, OUTPUT, "output", WEIGHTS, "weights"),
        scales=True,
    ),
    Known(
        "weights_ignored",
        "sample_weight is ignored: each example has the same share",
        "ℒ = Σ_n w_n ℓ_n with w_n = sample_weight_n / Σ sample_weight",
        "multiply row n of ∇_{a_L} by w_n",
        _weighted_equally(lambda B: 1 / B) + _weighted_equally(lambda B: 1.0),
    ),
    Known(
        "weights_divided_by_count",
        "the weighted sum is divided by B and not by the sum of sample_weight",
        "ℒ = Σ_n w_n ℓ_n with w_n = sample_weight_n / Σ sample_weight",
        "divide sample_weight by its sum",
        on(_divided_by_count, *SCOPES),
        scales=True,
    ),
    Known(
        "one_example_only",
        "one example alone is used, the first or the last of the batch",
        "∇_{W_i}ℒ = Σ_n ∇_{a_i}ℒ_n h_{i-1,n}ᵀ, a sum over all rows n",
        "sum over every row of the batch",
        (*_example(0), *_example(-1), *_row(0, own=False), *_row(0, own=True), *_row(-1, own=False),
         *_row(-1, own=True)),
    ),
    Known(
        "own_rows",
        "each row of ∇_a and ∇_h is the example's own gradient, and 1/B comes only with the weights",
        "ℒ is the mean over the batch, so row n of ∇_{a_i}ℒ holds w_n (1/B) times the example's own gradient",
        "divide ∇_{a_L} by B, and sum over the batch without dividing: the weights' gradients stay as they are",
        (Variant({"yhat": _own_rows, **OWN_ROWS}), Variant(OWN_ROWS)),
        hidden_by=("sum_for_mean",),
    ),
)  # fmt: skip
