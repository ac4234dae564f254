"""Which of the gradients of weights and biases are a constant times what they should be, each with its own factor."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from .talks import Quantity

SAME = 1e-6  # factors that differ by less, relative, are one


def group_by_factor(
    given: dict[Quantity, np.ndarray],
    right: dict[Quantity, np.ndarray],
    fits: Callable[[Quantity, np.ndarray, np.ndarray], bool],
) -> list[tuple[float, list[Quantity]]]:
    """Each factor other than 1, and the quantities that it explains.

    ``fits``: whether an array is what was given for this quantity. A quantity of a single number takes part only with
    the factor of another: alone, some factor explains any number.
    """
    groups: list[tuple[float, list[Quantity]]] = []
    for quantity in sorted(given, key=lambda each: given[each].size < 2):
        theirs, ours = given[quantity], right[quantity]
        if fits(quantity, theirs, ours):
            continue
        factor = float((theirs * ours).sum() / (ours * ours).sum())
        if not np.isfinite(factor) or not fits(quantity, theirs, factor * ours):
            continue
        group = next((group for group in groups if abs(group[0] - factor) <= SAME * abs(factor)), None)
        if group is not None:
            group[1].append(quantity)
        elif np.count_nonzero(ours) > 1:
            groups.append((factor, [quantity]))
    return [(factor, [each for each in given if each in quantities]) for factor, quantities in groups]


def name_gradients(quantities: Iterable[Quantity], given: Iterable[Quantity]) -> tuple[str, str]:
    """The gradients of these quantities in words, with 'is' or 'are'; whole layers as such.

    >>> name_gradients([("W", 1), ("b", 1)], [("W", 1), ("b", 1), ("b", 2)])
    ('the gradient of layer i', 'is')
    >>> name_gradients([("W", 1), ("b", 2)], [("W", 1), ("b", 1), ("b", 2)])
    ('the gradients of W[1] and b[2]', 'are')
    """
    chosen, layers = sorted(quantities), {i for _, i in quantities}
    theirs = sorted((family, i) for family, i in given if family in "Wb")
    if chosen == theirs and len(theirs) > 1:
        return "every gradient", "is"
    if any(family in "ah" for family, _ in chosen) or (
        len(chosen) > 1 and chosen == [quantity for quantity in theirs if quantity[1] in layers]
    ):
        return "the gradient of layer i", "is"
    names = [f"{family}[{i}]" for family, i in chosen]
    told = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return (f"the gradient of {told}", "is") if len(names) == 1 else (f"the gradients of {told}", "are")
