"""Mistakes of the forward pass: in a_i, in h_i, and in ŷ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....core.activations import ACTIVATIONS, Activation
from ....core.forward import unit_output
from ....core.network import Network
from .mistake import Mistake

# What a link says under a mistake: from the network, the layer, what it hears, and what the student gave or None
Change = Callable[[Network, int, np.ndarray, np.ndarray | None], np.ndarray | None]

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
    return network.loss.output_name == "softmax"


def softmax(a: np.ndarray, axis: int | None = 1) -> np.ndarray:
    """e^a / Σ e^a over an axis, or over everything."""
    powers = np.exp(a - a.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _divided(a: np.ndarray, axis: int | None) -> np.ndarray:
    """As softmax over an axis, but after the largest a of each example was subtracted."""
    powers = np.exp(a - a.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _of_weights(by: int, turn: bool) -> Change:
    def change(network: Network, i: int, heard: np.ndarray, given: np.ndarray | None) -> np.ndarray:
        W = network.W[i + by]
        return heard @ (W if turn else W.T) + network.b[i]

    return change


def _by(activation: Activation) -> Change:
    return lambda network, i, a, given: (
        None if i < network.depth and network.activations[i - 1].name == activation.name else activation.g(a)
    )


def _dropped(network: Network, i: int, a: np.ndarray, given: np.ndarray | None) -> np.ndarray | None:
    """Some units are 0, and the others are larger by one and the same factor, or as they are."""
    h = unit_output(network, i, a)
    if given is None:
        return None
    off = (given == 0) & (h != 0)
    kept = (given != 0) & (h != 0)
    if not off.any() or not kept.any():
        return None
    return np.where(off, 0.0, h * np.median(given[kept] / h[kept]))


def _times(network: Network, i: int, a: np.ndarray, given: np.ndarray | None) -> np.ndarray | None:
    h = unit_output(network, i, a)
    return None if given is None or given.size < 3 else h * ((given * h).sum() / (h * h).sum())


def _times_heard(network: Network, i: int, heard: np.ndarray, given: np.ndarray | None) -> np.ndarray | None:
    if given is None or given.size < 3:
        return None
    through = heard @ network.W[i].T
    return through * (((given - network.b[i]) * through).sum() / (through * through).sum()) + network.b[i]


def _if_softmax(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda network, i, a, given: change(a) if is_softmax(network) else None


def _last_activation(network: Network) -> Activation:
    return network.activations[-1]  # IndexError without hidden layers: nobody did that


FORWARD: tuple[KnownForward, ...] = (
    KnownForward(
        "bias_forgotten", "the bias b_i is forgotten", PRE_FORMULA, "add b_i to W_i h_{i-1}", PRE,
        (lambda network, i, heard, given: heard @ network.W[i].T,),
    ),
    KnownForward(
        "bias_subtracted", "the bias b_i is subtracted", PRE_FORMULA, "add b_i", PRE,
        (lambda network, i, heard, given: heard @ network.W[i].T - network.b[i],),
    ),
    KnownForward(
        "bias_twice", "the bias b_i is added twice", PRE_FORMULA, "add b_i once", PRE,
        (lambda network, i, heard, given: heard @ network.W[i].T + 2 * network.b[i],),
    ),
    KnownForward(
        "bias_of_other_layer", "the bias is that of another layer", PRE_FORMULA, "add b_i of the same layer as W_i", PRE,
        (lambda network, i, heard, given: heard @ network.W[i].T + network.b[i - 1],
         lambda network, i, heard, given: heard @ network.W[i].T + network.b[i + 1]),
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
        "input_scaled", "what the layer hears is multiplied by a number", PRE_FORMULA,
        "give h_{i-1} as it is, for i = 1 the X that the function was given", PRE,
        (_times_heard,),
    ),
    KnownForward(
        "activation_left_out", "g is left out: a_i is taken for h_i", UNIT_FORMULA,
        "put a_i through the activation function", UNIT,
        (lambda network, i, a, given: a,),
    ),
    KnownForward(
        "activation_twice", "g is applied twice", UNIT_FORMULA, "apply g once", UNIT,
        (lambda network, i, a, given: unit_output(network, i, unit_output(network, i, a)),),
    ),
    KnownForward(
        "g_prime_for_g", "g′ stands instead of g", UNIT_FORMULA, "use g in the forward pass, g′ in the backward pass", UNIT,
        (lambda network, i, a, given: network.activations[i - 1].g_prime(a),),
    ),
    KnownForward(
        "activation_of_other_function", "another activation function is used", UNIT_FORMULA,
        "use the g that this layer has", UNIT,
        (*(_by(kind()) for kind in ACTIVATIONS.values()), lambda network, i, a, given: softmax(a)),
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
        (lambda network, i, a, given: a,),
    ),
    KnownForward(
        "activation_at_output", "the activation of the hidden layers is used at the output", OUTPUT_FORMULA,
        "leave g out at the last layer", OUTPUT,
        (lambda network, i, a, given: _last_activation(network).g(a),
         lambda network, i, a, given: unit_output(network, i, _last_activation(network).g(a))),
    ),
    KnownForward(
        "output_of_other_function", "another output function is used", OUTPUT_FORMULA,
        "use the output function of the network", OUTPUT,
        (lambda network, i, a, given: softmax(a), *(_by(kind()) for kind in ACTIVATIONS.values()),
         lambda network, i, a, given: np.exp(a), lambda network, i, a, given: np.eye(a.shape[1])[a.argmax(axis=1)]),
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
