"""Mistakes of the forward pass: in a_i, in h_i, and in ŷ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....core.activations import ACTIVATIONS, Activation
from ....core.forward import unit_output
from ....core.network import Network
from .mistake import Mistake


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A link at layer ``i``: what it hears (h_{i-1} or a_i), a_{i-1}, and what the student gave for it, or None."""

    network: Network
    i: int
    heard: np.ndarray
    below: np.ndarray | None
    given: np.ndarray | None

    @property
    def W(self) -> np.ndarray:
        """W_i."""
        return self.network.W[self.i]

    @property
    def b(self) -> np.ndarray:
        """b_i."""
        return self.network.b[self.i]

    @property
    def h(self) -> np.ndarray:
        """g(a_i), or O(a_L)."""
        return unit_output(self.network, self.i, self.heard)


Change = Callable[[Place], np.ndarray | None]  # what a link says under a mistake

PRE, UNIT, OUTPUT = "pre-activation", "unit", "output"
PRE_FORMULA = "a_i = W_i h_{i-1} + b_i"
UNIT_FORMULA = "h_i = g(a_i)"
OUTPUT_FORMULA = "ŷ = O(a_L), where O is the output function of the network"
SOFTMAX_FORMULA = "softmax: ŷ_j = e^{a_j} / Σ_m e^{a_m}, the sum over the units of one example"


@dataclass(frozen=True, slots=True, eq=False)
class KnownForward:
    """A mistake that has a name: the ``kind`` of link that it changes, and what that link says then."""

    name: str
    said: str
    formula: str
    advice: str
    kind: str
    changes: tuple[Change, ...]

    def mistake(self, layers: tuple[int, ...]) -> Mistake:
        """The mistake in these layers."""
        return Mistake(self.name, self.said, self.formula, self.advice, layers)


def is_softmax(network: Network) -> bool:
    """Whether the output function is softmax."""
    return network.output.name == "softmax"


def softmax(a: np.ndarray, axis: int | None = 1) -> np.ndarray:
    """e^a / Σ e^a over an axis, or over everything."""
    powers = np.exp(a - a.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _divided(a: np.ndarray, axis: int | None) -> np.ndarray:
    """As softmax over an axis, but after the largest a of each example was subtracted."""
    powers = np.exp(a - a.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _of_weights(by: int, turn: bool) -> Change:
    def change(at: Place) -> np.ndarray:
        W = at.network.W[at.i + by]
        return at.heard @ (W if turn else W.T) + at.b

    return change


def _by(activation: Activation) -> Change:
    def change(at: Place) -> np.ndarray | None:
        network = at.network
        own = network.activations[at.i - 1].name if at.i < network.depth else network.output.name
        if activation.name in ("identity", own):
            return None
        return activation.g(at.heard)

    return change


def _dropped(at: Place) -> np.ndarray | None:
    """Some units are 0, and the others are larger by one and the same factor, or as they are."""
    if at.given is None:
        return None
    off = (at.given == 0) & (at.h != 0)
    kept = (at.given != 0) & (at.h != 0)
    if not off.any() or not kept.any():
        return None
    return np.where(off, 0.0, at.h * np.median(at.given[kept] / at.h[kept]))


def _times(at: Place) -> np.ndarray | None:
    if at.given is None or at.given.size < 3:
        return None
    return at.h * ((at.given * at.h).sum() / (at.h * at.h).sum())


def _times_heard(at: Place) -> np.ndarray | None:
    if at.given is None or at.given.size < 3:
        return None
    through = at.heard @ at.W.T
    return through * (((at.given - at.b) * through).sum() / (through * through).sum()) + at.b


def _if_softmax(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda at: change(at.heard) if is_softmax(at.network) else None


def _last_activation(network: Network) -> Activation:
    return network.activations[-1]  # IndexError without hidden layers: nobody did that


FORWARD: tuple[KnownForward, ...] = (
    KnownForward(
        "bias_forgotten", "the bias b_i is forgotten", PRE_FORMULA, "add b_i to W_i h_{i-1}", PRE,
        (lambda at: at.heard @ at.W.T,),
    ),
    KnownForward(
        "bias_subtracted", "the bias b_i is subtracted", PRE_FORMULA, "add b_i", PRE,
        (lambda at: at.heard @ at.W.T - at.b,),
    ),
    KnownForward(
        "bias_twice", "the bias b_i is added twice", PRE_FORMULA, "add b_i once", PRE,
        (lambda at: at.heard @ at.W.T + 2 * at.b,),
    ),
    KnownForward(
        "bias_of_other_layer", "the bias is that of another layer", PRE_FORMULA, "add the b_i of this layer", PRE,
        (lambda at: at.heard @ at.W.T + at.network.b[at.i - 1],
         lambda at: at.heard @ at.W.T + at.network.b[at.i + 1]),
    ),
    KnownForward(
        "forward_W_transposed", "W_i is transposed", PRE_FORMULA,
        "row: the unit talked to; column: the unit it hears. With one example a row, that is h @ W_iᵀ", PRE,
        (_of_weights(0, turn=True),),
    ),
    KnownForward(
        "forward_W_of_other_layer", "the weights are those of another layer", PRE_FORMULA, "use W_i", PRE,
        tuple(_of_weights(by, turn) for by in (-1, 1) for turn in (False, True)),
    ),
    KnownForward(
        "forward_a_for_h", "the pre-activation a_{i-1} is given to W_i instead of h_{i-1}", PRE_FORMULA,
        "give it h_{i-1} = g(a_{i-1})", PRE,
        (lambda at: None if at.below is None else at.below @ at.W.T + at.b,),
    ),
    KnownForward(
        "input_scaled", "what the layer hears is multiplied by a number", PRE_FORMULA,
        "give h_{i-1} as it is, for i = 1 the X that the function was given", PRE,
        (_times_heard,),
    ),
    KnownForward(
        "activation_left_out", "g is left out: a_i is taken for h_i", UNIT_FORMULA,
        "put a_i through the activation function", UNIT,
        (lambda at: at.heard,),
    ),
    KnownForward(
        "activation_twice", "g is applied twice", UNIT_FORMULA, "apply g once", UNIT,
        (lambda at: unit_output(at.network, at.i, at.h),),
    ),
    KnownForward(
        "g_prime_for_g", "g′ stands instead of g", UNIT_FORMULA,
        "use g in the forward pass, g′ in the backward pass", UNIT,
        (lambda at: at.network.activations[at.i - 1].g_prime(at.heard),),
    ),
    KnownForward(
        "activation_of_other_function", "another activation function is used", UNIT_FORMULA,
        "use the g that this layer has", UNIT,
        (*(_by(kind()) for kind in ACTIVATIONS.values()), lambda at: softmax(at.heard)),
    ),
    KnownForward(
        "own_dropout", "units are dropped: h_i is 0 at some places, as by dropout", UNIT_FORMULA,
        "leave dropout out where gradients are checked: ℒ here has none", UNIT,
        (_dropped,),
    ),
    KnownForward(
        "units_scaled", "h_i is multiplied by a number", UNIT_FORMULA, "leave the factor out", UNIT,
        (_times,),
    ),
    KnownForward(
        "softmax_over_examples", "softmax is taken over the examples and not over the units: the wrong axis",
        SOFTMAX_FORMULA, "sum over the units of each example: axis 1 if examples are rows, axis 0 if they are columns",
        OUTPUT,
        (_if_softmax(lambda a: softmax(a, 0)), _if_softmax(lambda a: _divided(a, 0))),
    ),
    KnownForward(
        "softmax_over_everything", "softmax is taken over the whole batch: the sum has no axis", SOFTMAX_FORMULA,
        "sum over the units of each example, with keepdims=True", OUTPUT,
        (_if_softmax(lambda a: softmax(a, None)), _if_softmax(lambda a: _divided(a, None))),
    ),
    KnownForward(
        "softmax_not_normalized", "e^{a_L} is not divided by its sum", SOFTMAX_FORMULA,
        "divide by the sum over the units of each example", OUTPUT,
        (_if_softmax(np.exp), _if_softmax(lambda a: np.exp(a - a.max(axis=1, keepdims=True)))),
    ),
    KnownForward(
        "softmax_without_exponential", "the exponential is left out: a_L is divided by its sum", SOFTMAX_FORMULA,
        "take e^{a_L} first", OUTPUT,
        (_if_softmax(lambda a: a / a.sum(axis=1, keepdims=True)),),
    ),
    KnownForward(
        "softmax_twice", "softmax is applied twice", SOFTMAX_FORMULA,
        "apply it once; a loss that has softmax in it wants a_L", OUTPUT,
        (_if_softmax(lambda a: softmax(softmax(a))),),
    ),
    KnownForward(
        "softmax_logarithm", "the logarithm of softmax stands instead of softmax", SOFTMAX_FORMULA,
        "take the logarithm in the loss", OUTPUT,
        (_if_softmax(lambda a: a - a.max(axis=1, keepdims=True) - np.log(
            np.exp(a - a.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))),),
    ),
    KnownForward(
        "output_function_left_out", "the output function is left out: a_L is taken for ŷ", OUTPUT_FORMULA,
        "put a_L through the output function", OUTPUT,
        (lambda at: at.heard,),
    ),
    KnownForward(
        "activation_at_output", "the activation of the hidden layers is used at the output", OUTPUT_FORMULA,
        "leave g out at the last layer", OUTPUT,
        (lambda at: _last_activation(at.network).g(at.heard),
         lambda at: unit_output(at.network, at.i, _last_activation(at.network).g(at.heard))),
    ),
    KnownForward(
        "output_of_other_function", "another output function is used", OUTPUT_FORMULA,
        "use the output function of the network", OUTPUT,
        (lambda at: softmax(at.heard), *(_by(kind()) for kind in ACTIVATIONS.values()),
         lambda at: np.exp(at.heard), lambda at: np.eye(at.heard.shape[1])[at.heard.argmax(axis=1)]),
    ),
    KnownForward(
        "output_scaled", "ŷ is multiplied by a number", OUTPUT_FORMULA, "leave the factor out", OUTPUT,
        (_times,),
    ),
)  # fmt: skip
MAXIMUM_NOT_SUBTRACTED = Mistake(
    "maximum_not_subtracted",
    "the largest a is not subtracted before e^a, so that e^a overflows where a is large",
    "e^{a_j} / Σ_m e^{a_m} = e^{a_j − c} / Σ_m e^{a_m − c} for any c, so c = max_m a_m costs nothing",
    "subtract the largest a of each example: the powers are then at most 1",
    (),
)
