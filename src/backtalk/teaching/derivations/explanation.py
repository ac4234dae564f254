"""``explain``: one gradient, derived by the chain rule in the order of the three talks, in brief or as a lecture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.activations import Activation
from ...core.inputs import require_network
from ...core.losses import Loss
from ...core.network import Network
from ...core.outputs import Output
from ...errors import InputError, InputTypeError, unknown_name
from .brief import brief_steps, talk_of
from .derivation import Derivation
from .expressions import Derivative
from .lecture import lecture_steps
from .numbers import DIGITS
from .quantity import Quantity, as_quantity, symbol_of
from .rows import rows_that_matter
from .values import AnyValues, ExampleValues, NoValues
from .view import ON_SLIDES, View

DETAILS = {"brief": DIGITS, "lecture": 4}  # digits of their numbers
MOST_DIGITS = 15
MOST_LAYERS, MOST_WEIGHTS = 50, 10_000_000  # of a network in symbols


def explain(
    network: Network | Sequence[int],
    x: Any = None,
    y: Any = None,
    quantity: str | Quantity | None = None,
    *,
    detail: str | None = None,
    digits: int | None = None,
    activation: str | Activation | Sequence[str | Activation] | None = None,
    loss: str | Loss | None = None,
    output: str | Output | Activation | None = None,
) -> Derivation:
    """Derive one gradient by the chain rule, step by step, with the numbers of one example or in symbols alone.

    It follows the talk of back-propagation: from the loss to the output units (∂ℒ/∂ŷ, the derivative of the output
    function, and what both collapse to), to each hidden layer on the way (∇_{h_i}ℒ = W_{i+1}ᵀ ∇_{a_{i+1}}ℒ, the sum
    over every path; ∇_{a_i}ℒ = ∇_{h_i}ℒ ⊙ g′(a_i)), and to the weight or bias. ℒ is the loss of this one example.

    ``x``: one example, shape (n_0,). ``y``: its label, or its target of shape (k,). ``quantity``: what ℒ is
    differentiated by, as in the formulas and numbered from 1: a weight 'W[1,2,3]' (layer, unit, unit it hears), a bias
    'b[1,2]', a unit 'h[1,2]' or 'a[1,2]', an input 'h[0,3]' or 'x[3]', an output 'h[L,1]' or 'yhat[1]'; or the whole
    'h[1]', 'a[1]', 'W[1]', 'b[1]'. The network may have arrays of any library: it is computed in float64 with NumPy.

    ``detail``: 'brief' has one equation for each step. 'lecture' derives each of them as on a blackboard: the roadmap,
    the chain with all its factors, the chain rule along multiple paths, the sum for one unit as a dot product, and how
    these sums, stacked, become a product with Wᵀ; each page shows the network with the path in question lit.
    ``digits`` of each number: 6 in brief, 4 in a lecture and 3 on slides, unless you say how many.

    Without ``x`` and ``y`` the derivation is in symbols alone, and ``detail`` is 'lecture' unless you say 'brief'. Then
    ``network`` may also be a list of layer sizes, with ``activation`` (relu), ``loss`` (cross_entropy) and ``output``
    as for :meth:`Network.create <backtalk.Network.create>`.

    Raises :class:`~backtalk.errors.InputError` for a quantity that the network does not have, for more than one
    example, and if a value is not finite. Source: section 2 of the notation, ``docs/notation.md``.

    >>> net = Network([[[0.5, -1.0], [1.0, 0.5]], [[1.0, -1.0], [0.0, 2.0]]], [[0.0, 0.5], [0.0, 0.0]], "relu")
    >>> derivation = explain(net, [2.0, 1.0], 1, "W[1,2,1]")
    >>> round(derivation.value, 4), [step.talk for step in derivation.steps][-3:]
    (-0.0007, ['hidden', 'hidden', 'weights'])
    >>> explain([2, 3, 2], quantity="h[1]", activation="sigmoid").steps[-1].title
    'Row by row, the whole layer'
    """
    known = x is not None or y is not None
    network = _as_network(network, x, known, activation, loss, output)
    detail = ("brief" if known else "lecture") if detail is None else detail
    if not isinstance(detail, str) or detail not in DETAILS:
        raise unknown_name("detail", detail, DETAILS)
    if quantity is None:
        raise InputError("quantity is missing, expected what to differentiate by, such as 'W[1,1,1]' or 'h[1]'.")
    asked = as_quantity(network, quantity)
    values = _values(network, x, y) if known else NoValues(network)
    if isinstance(values, ExampleValues):
        values.require_clear(asked)
        _require_a_way(values)
    with np.errstate(all="ignore"):
        values.rows = rows_that_matter(values, asked)
        shown = _digits(digits, detail)
        view = View(shown, ON_SLIDES if digits is None else shown, values.rows)
        steps = tuple(brief_steps(values, asked) if detail == "brief" else lecture_steps(values, asked, view))
    if not isinstance(values, ExampleValues):
        return Derivation(values.network, asked, None, None, steps, detail, view)
    for step in steps:
        if step.value is not None and not np.isfinite(np.asarray(step.value)).all():
            raise InputError(
                f"a derivative in layer {step.layer} is not finite for this example, expected finite values to "
                "explain: scale x or the weights."
            )
    value = values[Derivative(symbol_of(values.network, asked))]
    if not asked.is_scalar and asked.family != "W":
        value = value[:, 0]
    return Derivation(values.network, asked, values.loss, value, steps, detail, view)


def _as_network(given: Any, x: Any, known: bool, activation: Any, loss: Any, output: Any) -> Network:
    """The network, or one of the sizes that were given, whose weights are 0 and are not looked at."""
    if isinstance(given, list | tuple):
        if isinstance(x, str):
            raise InputTypeError(
                f"x is {x!r}, but the quantity goes by name, and sizes have no example: write quantity={x!r}."
            )
        if known:
            raise InputTypeError(
                "network is a list of layer sizes, but x and y are given, expected a Network to compute with: without "
                "x and y the derivation is in symbols."
            )
        whole = all(isinstance(size, int) for size in given)
        if whole and (len(given) > MOST_LAYERS or sum(m * n for m, n in itertools.pairwise(given)) > MOST_WEIGHTS):
            raise InputError(
                f"sizes is a list of {len(given)} layers with up to {max(given)} units, expected at most {MOST_LAYERS} "
                f"layers and {MOST_WEIGHTS:,} weights: a derivation in symbols is the same for fewer."
            )
        made = Network.create(given, activation or "relu", loss or "cross_entropy", output=output, rng=0)
        W = [0 * weights for weights in made.W.values()]
        return Network(W, list(made.b.values()), made.activations, made.loss, output=made.output)
    require_network(given)
    own = {"activation": activation, "loss": loss, "output": output}
    for name in (name for name, value in own.items() if value is not None):
        raise InputError(f"{name} is given, but network has its own: give it only with a list of layer sizes.")
    return given


def _values(network: Network, x: Any, y: Any) -> AnyValues:
    for name, given in (("x", x), ("y", y)):
        if given is None:
            raise InputError(f"{name} is missing: give x and y of one example, or neither for a derivation in symbols.")
    return ExampleValues(network, x, y)


def _require_a_way(values: ExampleValues) -> None:
    """Refuse a derivation that would lead through a ŷ which has rounded, if the pair has no closed form."""
    if not values.clear and talk_of(values).collapsed is None:
        head = values.network.head
        raise InputError(
            f"ŷ has rounded to an end of its range, where ∂ℒ/∂ŷ of {head.loss} is no number, and the derivation with "
            f"{head.output} leads through ŷ: scale x or the weights."
        )


def _digits(digits: int | None, detail: str) -> int:
    if digits is None:
        return DETAILS[detail]
    if isinstance(digits, bool) or not isinstance(digits, int | np.integer):
        raise InputTypeError(f"digits is {digits!r}, expected a whole number from 1 to {MOST_DIGITS}.")
    if not 1 <= digits <= MOST_DIGITS:
        raise InputError(f"digits is {digits}, expected 1 to {MOST_DIGITS}.")
    return int(digits)
