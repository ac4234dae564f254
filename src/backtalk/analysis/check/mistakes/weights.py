"""Mistakes of the third talk, to the weights and biases; and zeros, which may stand anywhere."""

from __future__ import annotations

import numpy as np

from .known import Change, Known, Variant, by_gradient, on
from .talks import FAMILY, HIDDEN, OUTPUT, WEIGHTS

WEIGHTS_FORMULA = "∇_{W_i}ℒ = ∇_{a_i}ℒ h_{i-1}ᵀ, summed over the batch"
BIAS_FORMULA = "∇_{b_i}ℒ = Σ_n ∇_{a_i}ℒ, summed over the batch"
DECAYED: dict[str, Change] = {
    "weights": lambda talk, i, link, rate: link(talk, i) + rate * talk.network.W[i],
    "biases": lambda talk, i, link, rate: link(talk, i) + rate * talk.network.b[i],
}
FROM_H = by_gradient(lambda talk, i: talk.h(i))

MISTAKES = (
    Known(
        "W_gradient_transposed",
        "the gradient of the weights is transposed: h_{i-1} ∇_{a_i}ᵀ",
        WEIGHTS_FORMULA,
        "row: the unit talked to; column: the unit it hears. With one example a row, that is grad_a.T @ h",
        on(lambda talk, i, link: link(talk, i).T, "weights"),
    ),
    Known(
        "a_for_h",
        "the pre-activation a_{i-1} stands instead of h_{i-1}",
        WEIGHTS_FORMULA,
        "multiply by what the weights heard in the forward pass, h_{i-1} = g(a_{i-1})",
        on(lambda talk, i, link: talk.a(i).T @ talk.trace.a[i - 1], "weights"),
    ),
    Known(
        "h_of_other_layer",
        "the activations are those of another layer: h_i, h_{i-2} or the input instead of h_{i-1}",
        WEIGHTS_FORMULA,
        "multiply by what the weights heard in the forward pass, h_{i-1}",
        (
            *on(lambda talk, i, link: talk.a(i).T @ talk.trace.h[i], "weights"),
            *on(lambda talk, i, link: talk.a(i).T @ talk.trace.h[i - 2], "weights"),
            *on(lambda talk, i, link: talk.a(i).T @ talk.trace.h[0], "weights"),
        ),
    ),
    Known(
        "weights_from_h",
        "the gradients of weights and biases are computed from ∇_{h_i} instead of ∇_{a_i}",
        WEIGHTS_FORMULA + "; " + BIAS_FORMULA,
        "take the gradient at the pre-activation, with g′ in it",
        FROM_H[:2],  # the biases alone have an entry of their own
        hidden_by=("no_g_prime", "jacobian_left_out", "closed_form_of_other_loss"),
    ),
    Known(
        "bias_from_h",
        "the gradient of the bias is computed from ∇_{h_i} instead of ∇_{a_i}",
        BIAS_FORMULA,
        "take the gradient at the pre-activation, with g′ in it",
        FROM_H[2:],
    ),
    Known(
        "weights_of_other_layer",
        "∇_{a_{i+1}} or ∇_{a_{i-1}} stands instead of ∇_{a_i}: off by one layer",
        WEIGHTS_FORMULA + "; " + BIAS_FORMULA,
        "take the gradient at the units that these weights talk to",
        by_gradient(lambda talk, i: talk.a(i + 1)) + by_gradient(lambda talk, i: talk.a(i - 1)),
    ),
    Known(
        "product_of_sums",
        "the batch is summed before the product: (Σ_n ∇_{a_i}) (Σ_n h_{i-1})ᵀ",
        WEIGHTS_FORMULA,
        "multiply row by row and sum then: grad_a.T @ h does both",
        (
            *on(lambda talk, i, link: np.outer(talk.a(i).sum(axis=0), talk.trace.h[i - 1].sum(axis=0)), "weights"),
            *on(lambda talk, i, link: np.outer(talk.a(i).sum(axis=0), talk.trace.h[i - 1].mean(axis=0)), "weights"),
        ),
    ),
    Known(
        "bias_over_wrong_axis",
        "the gradient of the bias is summed over the units, not over the batch",
        BIAS_FORMULA,
        "sum over the examples: grad_a.sum(axis=0)",
        on(lambda talk, i, link: talk.a(i).sum(axis=1), "biases"),
    ),
    Known(
        "bias_mean",
        "the gradient of the bias is the mean over the batch instead of the sum",
        BIAS_FORMULA,
        "sum over the batch: ∇_{a_i} holds 1/B already",
        on(lambda talk, i, link: link(talk, i) / talk.B, "biases"),
    ),
    Known(
        "weight_decay",
        "a weight decay is added, FACTOR times the weights",
        "ℒ is the loss of the batch alone, without a penalty on the weights",
        "add the decay in the step that changes the weights, not in the gradient",
        (
            Variant({"weights": DECAYED["weights"]}, fit=True),
            Variant(DECAYED, fit=True),
            *on(lambda talk, i, link, rate: link(talk, i) + rate * np.sign(talk.network.W[i]), "weights", fit=True),
        ),
    ),
    Known(
        "negated",
        "the whole gradient is negated: the direction of descent is given, −∇ℒ",
        "∇ℒ points to where ℒ grows",
        "return ∇ℒ itself; the minus belongs into the step",
        on(lambda talk, i, link: -link(talk, i), OUTPUT, WEIGHTS, "weights", "biases"),
        scales=True,
    ),
    Known(
        "left_at_zero",
        "the gradient is 0 everywhere, as if it was never filled in",
        "each gradient follows from the one above it, by the formulas of the three talks",
        "fill it in",
        on(lambda talk, i, link: np.zeros_like(link(talk, i)), tuple(FAMILY), OUTPUT, HIDDEN, WEIGHTS, *FAMILY),
    ),
)
