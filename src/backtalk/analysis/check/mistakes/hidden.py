"""Mistakes of the second talk, to the hidden units: through W, and through g′."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....core.activations import Activation, LeakyReLU, ReLU, Sigmoid, Tanh
from .known import Known, Variant, on
from .talks import Link, Links, Pass


def _of_layer(by: int) -> tuple[Variant, ...]:
    """g′, a, or both are those of layer i + by."""
    slopes = (
        lambda talk, i: talk.g_prime(i + by, talk.trace.a[i + by]),
        lambda talk, i: talk.g_prime(i, talk.trace.a[i + by] if i + by else talk.trace.h[0]),
        lambda talk, i: talk.g_prime(i + by, talk.trace.a[i]),
    )
    return tuple(Variant({"through": lambda talk, i, link, of=of: talk.h(i) * of(talk, i)}) for of in slopes)


# The derivatives of common functions, as they are written with h = g(a), and one with its square forgotten
IN_H: dict[type[Activation] | None, Callable[[np.ndarray], np.ndarray]] = {
    Sigmoid: lambda h: h * (1 - h),
    Tanh: lambda h: 1 - h**2,
    ReLU: lambda h: (h > 0).astype(h.dtype),
    None: lambda h: 1 - h,
}


def _formula_in_h_at_a(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    kind = type(talk.network.activations[i - 1])
    return talk.h(i) * IN_H[kind](talk.trace.a[i]) if kind in (Sigmoid, Tanh) else None


def _by_formula_of(talk: Pass, i: int, kind: type | None) -> np.ndarray | None:
    if kind is not None and isinstance(talk.network.activations[i - 1], kind):
        return None
    slope = IN_H[kind](talk.trace.h[i])
    return None if (slope == 1).all() else talk.h(i) * slope  # as of a sigmoid's h, all above 0: no factor at all


def slopes_in_h(links: Links) -> Links:
    """The links with g′ written in h_i, as 1 − h² and h(1 − h): the same, unless h_i is not g(a_i)."""

    def through(talk: Pass, i: int) -> np.ndarray:
        kind = type(talk.network.activations[i - 1])
        return talk.h(i) * IN_H[kind](talk.trace.h[i]) if kind in IN_H else link_of[i](talk, i)

    link_of = {i: link for (family, i), link in links.items() if family == "a"}
    top = max(link_of)
    return links | {("a", i): through for i in link_of if i < top}


def _by_slope_of(talk: Pass, i: int, kind: type[Activation]) -> np.ndarray | None:
    if isinstance(talk.network.activations[i - 1], kind):
        return None
    return talk.h(i) * kind().g_prime(talk.trace.a[i])


def _by_updated_W(talk: Pass, i: int, link: Link, rate: float) -> np.ndarray:
    W = talk.network.W[i + 1] - rate * (talk.a(i + 1).T @ talk.trace.h[i])
    return talk.a(i + 1) @ W


THROUGH = "∇_{a_i}ℒ = ∇_{h_i}ℒ ⊙ g′(a_i)"
HIDDEN = "∇_{h_i}ℒ = W_{i+1}ᵀ ∇_{a_{i+1}}ℒ"

MISTAKES = (
    Known(
        "no_g_prime",
        "g′ is left out: ∇_{h_i} is taken for ∇_{a_i}",
        THROUGH,
        "multiply ∇_{h_i} by g′(a_i), element by element",
        on(lambda talk, i, link: talk.h(i), "through"),
    ),
    Known(
        "g_prime_at_h",
        "g′ is taken at h_i instead of a_i",
        THROUGH,
        "put the pre-activation a_i into g′, not the output h_i = g(a_i)",
        on(lambda talk, i, link: talk.h(i) * talk.g_prime(i, talk.trace.h[i]), "through"),
    ),
    Known(
        "formula_in_h_at_a",
        "a formula for g′ that wants h_i is given a_i",
        "tanh′(a) = 1 − h² and σ′(a) = h(1 − h), where h = g(a)",
        "put h_i into that formula",
        on(_formula_in_h_at_a, "through"),
    ),
    Known(
        "g_for_g_prime",
        "g stands instead of g′: ∇_{h_i} is multiplied by h_i",
        THROUGH,
        "multiply by the derivative of g",
        on(lambda talk, i, link: talk.h(i) * talk.trace.h[i], "through"),
    ),
    Known(
        "a_for_g_prime",
        "a_i stands instead of g′(a_i): ∇_{h_i} is multiplied by the pre-activation",
        THROUGH,
        "multiply by the derivative of g at a_i",
        on(lambda talk, i, link: talk.h(i) * talk.trace.a[i], "through"),
    ),
    Known(
        "g_prime_twice",
        "g′ is applied twice",
        THROUGH,
        "multiply by g′(a_i) once for each layer",
        on(lambda talk, i, link: talk.h(i) * talk.g_prime(i, talk.trace.a[i]) ** 2, "through"),
    ),
    Known(
        "g_prime_at_gradient",
        "g′ is taken at the gradient ∇_{h_i} instead of a_i",
        THROUGH,
        "put the pre-activation a_i of the forward pass into g′",
        on(lambda talk, i, link: talk.h(i) * talk.g_prime(i, talk.h(i)), "through"),
    ),
    Known(
        "g_prime_of_layer_above",
        "g′ is that of the layer above: off by one layer",
        THROUGH,
        "take g′ and a of the same layer as ∇_{h_i}",
        _of_layer(1),
    ),
    Known(
        "g_prime_of_layer_below",
        "g′ is that of the layer below: off by one layer",
        THROUGH,
        "take g′ and a of the same layer as ∇_{h_i}",
        _of_layer(-1),
    ),
    Known(
        "g_prime_of_other_function",
        "g′ is that of another function, such as h(1 − h), 1 − h², h² or 1 where h > 0",
        "σ′(a) = h(1 − h), tanh′(a) = 1 − h², relu′(a) = 1 where a > 0, with h = g(a)",
        "take the derivative of the g that this layer has",
        (*(Variant({"through": lambda talk, i, link, kind=kind: _by_formula_of(talk, i, kind)}) for kind in IN_H),
         *(Variant({"through": lambda talk, i, link, kind=kind: _by_slope_of(talk, i, kind)})
           for kind in (Sigmoid, Tanh, ReLU, LeakyReLU)),
         *on(lambda talk, i, link: talk.h(i) * talk.trace.h[i] ** 2, "through"),
         *on(lambda talk, i, link: talk.h(i) * (1 + talk.trace.h[i] ** 2), "through"),
         *on(lambda talk, i, link: talk.h(i) * (1 - talk.trace.h[i]) ** 2, "through"),
         *on(lambda talk, i, link: talk.h(i) * (talk.trace.a[i] <= 0), "through")),
    ),
    Known(
        "W_not_transposed",
        "W_{i+1} is not transposed",
        HIDDEN,
        "sum over the units of layer i + 1: with one example a row, that is grad_a @ W[i + 1]",
        on(lambda talk, i, link: talk.a(i + 1) @ talk.network.W[i + 1].T, "hidden"),
    ),
    Known(
        "W_of_other_layer",
        "the weights of another layer are used: off by one layer",
        HIDDEN,
        "talk back through the weights between layer i and layer i + 1, which are W_{i+1}",
        tuple(
            Variant({"hidden": lambda talk, i, link, by=by, turn=turn: talk.a(i + 1) @ turn(talk.network.W[i + by])})
            for turn in (np.asarray, np.transpose)
            for by in (0, 2)
        ),
    ),
    Known(
        "W_left_out",
        "the weights are left out: ∇_{a_{i+1}} is taken for ∇_{h_i}",
        HIDDEN,
        "talk back through W_{i+1}",
        on(lambda talk, i, link: talk.a(i + 1), "hidden"),
    ),
    Known(
        "hidden_from_h",
        "∇_{h_i} is computed from ∇_{h_{i+1}} instead of ∇_{a_{i+1}}",
        HIDDEN,
        "pass on the gradient at the pre-activations, with g′ in it",
        on(lambda talk, i, link: talk.h(i + 1) @ talk.network.W[i + 1], "hidden"),
    ),
    Known(
        "hidden_from_layer_above",
        "∇_{h_i} is computed from ∇_{a_{i+2}} instead of ∇_{a_{i+1}}: off by one layer",
        HIDDEN,
        "pass on the gradient of the layer just above",
        on(lambda talk, i, link: talk.a(i + 2) @ talk.network.W[i + 1], "hidden"),
    ),
    Known(
        "updated_weights",
        "W_{i+1} was updated before it was used, by a step of rate FACTOR",
        HIDDEN,
        "compute every gradient first, and change the weights after that",
        on(_by_updated_W, "hidden", fit=True),
    ),
)  # fmt: skip
