"""What the table of mistakes holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .mistake import Mistake
from .talks import FAMILY, Link, Links, Pass, Quantity

# What a link says under a mistake, from the pass, the layer and the link that it replaces (``talk, i, link``); None, or
# an error of shapes or layers that are not there, if nobody can have made the mistake in this place
Change: TypeAlias = Callable[..., np.ndarray | None]


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One form of a mistake: the kinds of links that it changes, and what each says then.

    ``fit``: the mistake has a number in it that nobody knows, such as the rate of a weight decay; the changes take it
    as their last argument, and it is found from the first gradient that shows it.
    """

    changes: Mapping[str, Change]
    fit: bool = False


def on(change: Change, *scopes: str | tuple[str, ...], fit: bool = False) -> tuple[Variant, ...]:
    """The same change in each of these scopes: a kind of link, or several kinds that are changed together."""
    kinds = [(scope,) if isinstance(scope, str) else scope for scope in scopes]
    return tuple(Variant(dict.fromkeys(each, change), fit) for each in kinds)


def by_gradient(gradient: Callable[[Pass, int], np.ndarray]) -> tuple[Variant, Variant, Variant]:
    """The third talk from another gradient than ∇_{a_i}: to both, to the weights alone, and to the biases alone."""
    changes: dict[str, Change] = {
        "weights": lambda talk, i, link: gradient(talk, i).T @ talk.trace.h[i - 1],
        "biases": lambda talk, i, link: gradient(talk, i).sum(axis=0),
    }
    weights, biases = (Variant({kind: change}) for kind, change in changes.items())
    return Variant(changes), weights, biases


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A mistake that has a name: a :class:`Mistake` without its layers, and the variants that show it.

    ``hidden_by``: mistakes that are the same deed if nobody saw what lies between, and that are named first.
    ``scales``: it only multiplies, so that it can come together with another one at the same link.
    ``is_last_resort``: it is named only if none of the others explains as much. ``tell``: the sentence with what was
    found, from the pass, the number that was found and the quantities whose gradients the mistake changes.
    """

    name: str
    said: str
    formula: str
    advice: str
    variants: tuple[Variant, ...] = ()
    hidden_by: tuple[str, ...] = ()
    scales: bool = False
    is_last_resort: bool = False
    tell: Callable[[Pass, float | None, list[Quantity]], str] | None = None

    def mistake(self, layers: tuple[int, ...] = (), factor: float | None = None) -> Mistake:
        """The mistake in these layers, with the number that was found for it."""
        said = self.said if factor is None else self.said.replace("FACTOR", f"{factor:.4g}")
        return Mistake(self.name, said, self.formula, self.advice, layers)


def exchange(links: Links, variant: Variant, layers: Mapping[str, list[int]], factor: float | None = None) -> Links:
    """The links, with those of a mistake in these layers."""
    changed = {
        (FAMILY[kind], i): _exchanged(links[FAMILY[kind], i], change, FAMILY[kind], factor)
        for kind, change in variant.changes.items()
        for i in layers.get(kind, [])
    }
    return links | changed


def _exchanged(link: Link, change: Change, family: str, factor: float | None) -> Link:
    def say(talk: Pass, i: int) -> np.ndarray:
        arguments = (talk, i, link) if factor is None else (talk, i, link, factor)
        try:
            said = change(*arguments)
        except (ValueError, KeyError, IndexError):  # shapes that do not fit, a layer that is not there: nobody did that
            said = None
        shape = talk.scene.value(family, i).shape
        return link(talk, i) if said is None or said.shape != shape else said

    return say
