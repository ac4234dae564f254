"""What the table of mistakes holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .talks import FAMILY, Link, Links, Pass

# What a link says under a mistake, from the pass, the layer and the link that it replaces; None where it has no meaning
Change: TypeAlias = Callable[[Pass, int, Link], np.ndarray | None]


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One form of a mistake: the kinds of links that it changes, and what each says then.

    ``fit``: the mistake has a number in it that nobody knows, such as the rate of a weight decay; the changes take it
    as their last argument, and it is found from the first gradient that shows it.
    """

    changes: Mapping[str, Callable[..., np.ndarray | None]]
    fit: bool = False


def on(kinds: str | tuple[str, ...], change: Callable[..., np.ndarray | None], *, fit: bool = False) -> Variant:
    """The same change of all links of these kinds."""
    return Variant(dict.fromkeys((kinds,) if isinstance(kinds, str) else kinds, change), fit)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A mistake that has a name: what was done, the formula as it is, and what to change.

    ``hidden_by``: mistakes that are the same deed where nobody saw what lies between, and that are named first.
    ``scales``: it only multiplies, so that it can come together with another one at the same link.
    """

    name: str
    said: str
    formula: str
    advice: str
    variants: tuple[Variant, ...]
    hidden_by: tuple[str, ...] = ()
    scales: bool = False


def exchange(links: Links, variant: Variant, layers: dict[str, list[int]], factor: float | None = None) -> Links:
    """The links with those of a mistake in their places."""
    changed = dict(links)
    for kind, change in variant.changes.items():
        for i in layers.get(kind, []):
            changed[kind, i] = _exchanged(links[kind, i], change, kind, factor)
    return changed


def _exchanged(link: Link, change: Callable[..., np.ndarray | None], kind: str, factor: float | None) -> Link:
    def say(talk: Pass, i: int) -> np.ndarray:
        arguments = (talk, i, link) if factor is None else (talk, i, link, factor)
        try:
            said = change(*arguments)
        except (ValueError, KeyError, IndexError):  # shapes that do not fit, a layer that is not there: nobody did that
            said = None
        shape = talk.scene.value(FAMILY[kind], i).shape
        return link(talk, i) if said is None or said.shape != shape else said

    return say
