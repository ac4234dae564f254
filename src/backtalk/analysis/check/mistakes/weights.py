"""Mistakes of the third talk, to the weights and biases; and zeros, which may stand anywhere."""

from __future__ import annotations

import numpy as np

from .known import Known, Variant, on
from .talks import FAMILY, HIDDEN, OUTPUT, WEIGHTS, Link, Pass


def _transposed(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk, i).T


def _from_own_h(talk: Pass, i: int, link: Link) -> np.ndarray:
    return talk.a(i).T @ talk.trace.h[i]


def _from_h_two_below(talk: Pass, i: int, link: Link) -> np.ndarray:
    return talk.a(i).T @ talk.trace.h[i - 2]


def _from_input(talk: Pass, i: int, link: Link) -> np.ndarray:
    return talk.a(i).T @ talk.trace.h[0]


def _from_pre_activation(talk: Pass, i: int, link: Link) -> np.ndarray:
    return talk.a(i).T @ talk.trace.a[i - 1]


def _weights_by_h(talk: Pass, i: int, link: Link) -> np.ndarray:
    return talk.h(i).T @ talk.trace.h[i - 1]


def _biases_by_h(talk: Pass, i: int, link: Link) -> np.ndarray:
    return talk.h(i).sum(axis=0)


def _by_layer(talk: Pass, i: int, j: int) -> np.ndarray:
    if j == 0:
        raise IndexError(j)
    return talk.a(j).T @ talk.trace.h[i - 1]


def _biases_by_layer(talk: Pass, i: int, j: int) -> np.ndarray:
    if j == 0:
        raise IndexError(j)
    return talk.a(j).sum(axis=0)


def _product_of_sums(talk: Pass, i: int, link: Link) -> np.ndarray:
    return np.outer(talk.a(i).sum(axis=0), talk.trace.h[i - 1].sum(axis=0))


def _sum_times_mean(talk: Pass, i: int, link: Link) -> np.ndarray:
    return np.outer(talk.a(i).sum(axis=0), talk.trace.h[i - 1].mean(axis=0))


def _over_units(talk: Pass, i: int, link: Link) -> np.ndarray:
    return talk.a(i).sum(axis=1)


def _bias_mean(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk, i) / talk.B


def _negated(talk: Pass, i: int, link: Link) -> np.ndarray:
    return -link(talk, i)


def _decayed(talk: Pass, i: int, link: Link, rate: float) -> np.ndarray:
    return link(talk, i) + rate * talk.network.W[i]


def _decayed_bias(talk: Pass, i: int, link: Link, rate: float) -> np.ndarray:
    return link(talk, i) + rate * talk.network.b[i]


def _decayed_by_sign(talk: Pass, i: int, link: Link, rate: float) -> np.ndarray:
    return link(talk, i) + rate * np.sign(talk.network.W[i])


def _zero(talk: Pass, i: int, link: Link) -> np.ndarray:
    return np.zeros_like(link(talk, i))


WEIGHTS_FORMULA = "∇_{W_i}ℒ = ∇_{a_i}ℒ h_{i-1}ᵀ, summed over the batch"
BIAS_FORMULA = "∇_{b_i}ℒ = Σ_n ∇_{a_i}ℒ, summed over the batch"

MISTAKES = (
    Known(
        "W_gradient_transposed",
        "the gradient of the weights is transposed: h_{i-1} ∇_{a_i}ᵀ",
        WEIGHTS_FORMULA,
        "row: the unit talked to; column: the unit it hears. With one example a row, that is grad_a.T @ h",
        (on("weights", _transposed),),
    ),
    Known(
        "a_for_h",
        "the pre-activation a_{i-1} stands instead of h_{i-1}",
        WEIGHTS_FORMULA,
        "multiply by what the weights heard in the forward pass, h_{i-1} = g(a_{i-1})",
        (on("weights", _from_pre_activation),),
    ),
    Known(
        "h_of_other_layer",
        "the activations are those of another layer: h_i, h_{i-2} or the input instead of h_{i-1}",
        WEIGHTS_FORMULA,
        "multiply by what the weights heard in the forward pass, h_{i-1}",
        (on("weights", _from_own_h), on("weights", _from_h_two_below), on("weights", _from_input)),
    ),
    Known(
        "weights_from_h",
        "the gradients of weights and biases are computed from ∇_{h_i} instead of ∇_{a_i}",
        WEIGHTS_FORMULA + "; " + BIAS_FORMULA,
        "take the gradient at the pre-activation, with g′ in it",
        (Variant({"weights": _weights_by_h, "biases": _biases_by_h}), on("weights", _weights_by_h)),
        hidden_by=("no_g_prime", "jacobian_left_out"),
    ),
    Known(
        "bias_from_h",
        "the gradient of the bias is computed from ∇_{h_i} instead of ∇_{a_i}",
        BIAS_FORMULA,
        "take the gradient at the pre-activation, with g′ in it",
        (on("biases", _biases_by_h),),
    ),
    Known(
        "weights_of_other_layer",
        "∇_{a_{i+1}} or ∇_{a_{i-1}} stands instead of ∇_{a_i}: off by one layer",
        WEIGHTS_FORMULA + "; " + BIAS_FORMULA,
        "take the gradient at the units that these weights talk to",
        tuple(
            Variant(changes)
            for by in (1, -1)
            for weights in [lambda talk, i, link, by=by: _by_layer(talk, i, i + by)]
            for biases in [lambda talk, i, link, by=by: _biases_by_layer(talk, i, i + by)]
            for changes in ({"weights": weights, "biases": biases}, {"weights": weights}, {"biases": biases})
        ),
    ),
    Known(
        "product_of_sums",
        "the batch is summed before the product: (Σ_n ∇_{a_i}) (Σ_n h_{i-1})ᵀ",
        WEIGHTS_FORMULA,
        "multiply row by row and sum then: grad_a.T @ h does both",
        (on("weights", _product_of_sums), on("weights", _sum_times_mean)),
    ),
    Known(
        "bias_over_wrong_axis",
        "the gradient of the bias is summed over the units, not over the batch",
        BIAS_FORMULA,
        "sum over the examples: grad_a.sum(axis=0)",
        (on("biases", _over_units),),
    ),
    Known(
        "bias_mean",
        "the gradient of the bias is the mean over the batch instead of the sum",
        BIAS_FORMULA,
        "sum over the batch: ∇_{a_i} holds 1/B already",
        (on("biases", _bias_mean),),
    ),
    Known(
        "weight_decay",
        "a weight decay is added, FACTOR times the weights",
        "ℒ is the loss of the batch alone, without a penalty on the weights",
        "add the decay in the step that changes the weights, not in the gradient",
        (
            on("weights", _decayed, fit=True),
            Variant({"weights": _decayed, "biases": _decayed_bias}, fit=True),
            on("weights", _decayed_by_sign, fit=True),
        ),
    ),
    Known(
        "negated",
        "the whole gradient is negated: the direction of descent is given, −∇ℒ",
        "∇ℒ points to where ℒ grows",
        "return ∇ℒ itself; the minus belongs into the step",
        (on(OUTPUT, _negated), *(on(kinds, _negated) for kinds in (WEIGHTS, "weights", "biases"))),
        scales=True,
    ),
    Known(
        "left_at_zero",
        "the gradient is 0 everywhere, as if it was never filled in",
        "each gradient follows from the one above it, by the formulas of the three talks",
        "fill it in",
        tuple(on(kinds, _zero) for kinds in (tuple(FAMILY), OUTPUT, HIDDEN, WEIGHTS, *FAMILY)),
    ),
)
