"""Whatever multiplies or cuts a gradient and has no other name: a constant factor, and values that are clipped."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .known import Known, on
from .mistake import Mistake
from .quantity_factors import group_by_factor, name_gradients
from .talks import OUTPUT, WEIGHTS, Link, Pass, Quantity


def _times(talk: Pass, i: int, link: Link, factor: float) -> np.ndarray:
    return link(talk, i) * factor


def _tell_factor(talk: Pass, factor: float | None, quantities: list[Quantity]) -> str:
    assert factor is not None
    return f"every gradient is {factor:.4g} times what it should be{_because(talk, factor)}"


def _tell_factor_here(talk: Pass, factor: float | None, quantities: list[Quantity]) -> str:
    assert factor is not None
    named, verb = name_gradients(quantities, talk.given)
    right = "it should be" if verb == "is" else "they should be"
    return f"{named} {verb} {factor:.4g} times what {right}{_because(talk, factor)}"


def _because(talk: Pass, factor: float) -> str:
    """What such a factor comes from, if a number of the network or of the batch says so."""
    sizes, size = talk.network.sizes, abs(factor)
    names = {sizes[0]: "the number of inputs (features)", sizes[-1]: "the number of outputs"}
    names |= {n: "a number of hidden units" for n in sizes[1:-1] if n not in names}
    names[talk.network.parameter_count] = "the number of parameters"
    turned = ", and its sign is turned" if factor < 0 else ""
    for n, name in names.items():
        if n > 1 and n != talk.B and math.isclose(size, talk.B / n, rel_tol=1e-6):
            return f": it is divided by {n}, {name}, instead of B = {talk.B}{turned}"
        if n > 1 and math.isclose(size, 1 / n, rel_tol=1e-6):
            return f": it is divided by {n}, {name}{turned}"
        if n > 1 and math.isclose(size, n, rel_tol=1e-6):
            return f": it is multiplied by {n}, {name}{turned}"
    if math.isclose(size, talk.B, rel_tol=1e-6):
        return f": it is multiplied by B = {talk.B}{turned}"
    norm = math.sqrt(sum(float((array**2).sum()) for array in talk.given.values()))
    if _is_round(norm) and size < 1:
        return f": the norm of all that was given is clipped to {norm:.4g}{turned}"
    if size <= 0.3 and _is_round(size):
        return f": as with a learning rate, which belongs to the step{turned}"
    return turned


def _is_round(value: float) -> bool:
    return math.isclose(value, float(f"{value:.1g}"), rel_tol=1e-6) or math.isclose(value, round(value), rel_tol=1e-9)


def _clipped(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    """Cut at the largest number that was given for this array, if that was cut twice, or is a round number."""
    right = link(talk, i)
    family = "W" if right.shape == talk.network.W[i].shape else "b"
    given = talk.given.get((family, i))
    if given is None or given.shape != right.shape:
        return None
    limit = float(np.abs(given).max())
    cut = np.abs(right) > limit
    if limit == 0 or not cut.any() or not (np.count_nonzero(cut) > 1 or _is_round(limit)):
        return None
    return np.clip(right, -limit, limit)


def _tell_clipped(talk: Pass, factor: float | None, quantities: list[Quantity]) -> str:
    limit = max(float(np.abs(array).max()) for (family, i), array in talk.given.items() if family in "Wb")
    return f"values are clipped: none is beyond ±{limit:.4g}"


CONSTANT_FACTOR = Known(
    "constant_factor",
    "every gradient is r times what it should be",
    "∇ℒ is the derivative of the mean loss itself",
    "leave the factor out",
    on(_times, OUTPUT, "output", fit=True),
    is_last_resort=True,
    tell=_tell_factor,
)
CONSTANT_FACTOR_OF_LAYER = Known(
    "constant_factor_of_layer",
    "the gradient of layer i is r times what it should be",
    "∇ℒ is the derivative of the mean loss itself",
    "leave the factor out",
    on(_times, WEIGHTS, "hidden", "through", "weights", "biases", fit=True),
    hidden_by=("constant_factor",),
    is_last_resort=True,
    tell=_tell_factor_here,
)
MISTAKES = (
    Known(
        "clipped_values",
        "values are clipped: none is beyond ±c",
        "∇ℒ is the derivative, however large it is",
        "clip in the step that changes the weights, not in the gradient",
        on(_clipped, WEIGHTS, "weights", "biases"),
        is_last_resort=True,
        tell=_tell_clipped,
    ),
    CONSTANT_FACTOR,
    CONSTANT_FACTOR_OF_LAYER,
)


def tell_factors_apart(
    found: list[Mistake], talk: Pass, fits: Callable[[Quantity, np.ndarray, np.ndarray], bool]
) -> list[Mistake]:
    """The mistakes; if all are factors of gradients of weights and biases, each factor with the gradients that it
    explains.

    ``talk``: the formulas, of which ``talk.given`` differs.
    """
    factors = {known.name for known in (CONSTANT_FACTOR, CONSTANT_FACTOR_OF_LAYER)}
    if any(mistake.name not in factors for mistake in found):
        return [replace(mistake, said=f"apart from that, {mistake.said}") if mistake.name in factors else mistake
                for mistake in found]  # fmt: skip
    if not found or any(family in "ah" for family, _ in talk.given):
        return found
    groups = group_by_factor(talk.given, {quantity: talk.says(*quantity) for quantity in talk.given}, fits)
    apart = []
    for factor, quantities in groups:
        known = CONSTANT_FACTOR if len(quantities) == len(talk.given) else CONSTANT_FACTOR_OF_LAYER
        layers = tuple(sorted({i for _, i in quantities}))
        assert known.tell is not None
        mistake = replace(known.mistake(layers), said=known.tell(talk, factor, quantities))
        apart.append(mistake)
    if not apart:
        return found
    others = [other for mistake in found for other in mistake.others if other.name not in factors]
    return [replace(apart[0], others=tuple(others)), *apart[1:]]
