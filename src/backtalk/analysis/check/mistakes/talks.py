"""The three talks link by link, each of which can be exchanged for a wrong one.

A link computes one gradient from those that it hears. If a student gave the gradient that a link hears, it hears
theirs, so that each link is judged by itself and no consequence is taken for a mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from ....core.backward import talk_to_hidden, talk_to_output, talk_to_weights
from ....core.forward import Trace
from ....core.network import Network
from ..substitute import Scene

Quantity: TypeAlias = tuple[str, int]  # family and layer
FirstTalk: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]

OUTPUT, HIDDEN, WEIGHTS = ("yhat", "output"), ("hidden", "through"), ("weights", "biases")
FAMILY = {"yhat": "h", "output": "a", "hidden": "h", "through": "a", "weights": "W", "biases": "b"}


class Pass:
    """One backward pass: what each link says, and what the links below hear: the student's own if they gave it.

    ``first``: what the first talk of this scene says without a mistake, if it is known already.
    """

    first: FirstTalk | None
    scene: Scene
    network: Network
    trace: Trace
    links: Links
    given: dict[Quantity, np.ndarray]
    L: int
    B: int
    sample_weight: np.ndarray
    said: dict[Quantity, np.ndarray]

    def __init__(
        self,
        scene: Scene,
        links: Links,
        given: dict[Quantity, np.ndarray],
        sample_weight: np.ndarray | None = None,
        first: FirstTalk | None = None,
    ) -> None:
        self.first = first
        self.scene, self.network, self.trace, self.links, self.given = scene, scene.network, scene.trace, links, given
        self.L, self.B = scene.network.depth, len(scene.weight)
        self.sample_weight = np.ones(self.B) if sample_weight is None else sample_weight
        self.said = {}
        self._lowest = self.L + 1

    def a(self, i: int) -> np.ndarray:
        """∇_{a_i} as the links below hear it."""
        return self._heard("a", i)

    def h(self, i: int) -> np.ndarray:
        """∇_{h_i} as the links below hear it."""
        return self._heard("h", i)

    def g_prime(self, i: int, a: np.ndarray) -> np.ndarray:
        """g_i′ at a."""
        if i < 1:
            raise IndexError(i)
        return self.network.activations[i - 1].g_prime(a)

    def on(self, **changes: np.ndarray) -> Pass:
        """The same pass for another ``target`` t (B, k), or with another ``weight`` w (B,) of the examples."""
        return Pass(replace(self.scene, **changes), self.links, self.given, self.sample_weight)

    def says(self, family: str, i: int) -> np.ndarray:
        """What the link itself computes, whatever the student gave for it."""
        if family in "Wb":
            return self.links[family, i](self, i)
        self._go_down_to(i)
        return self.said[family, i]

    def _heard(self, family: str, i: int) -> np.ndarray:
        given = self.given.get((family, i))
        return self.says(family, i) if given is None else given

    def _go_down_to(self, i: int) -> None:
        # a loop, not a recursion: networks may be deeper than Python's stack
        while self._lowest > i:
            j = self._lowest = self._lowest - 1
            for family in "ha" if j > 0 else "h":
                self.said[family, j] = self.links[family, j](self, j)


Link: TypeAlias = Callable[[Pass, int], np.ndarray]
Links: TypeAlias = dict[Quantity, Link]  # each by the gradient that it computes


def first_talk(scene: Scene) -> FirstTalk:
    """ℒ, ∇_ŷℒ and ∇_{a_L}ℒ."""
    return talk_to_output(scene.network, scene.trace, scene.target, scene.weight)


def _to_output(talk: Pass) -> FirstTalk:
    if talk.first is None:
        talk.first = first_talk(talk.scene)
    return talk.first


# The links of the formulas, by their kind
RIGHT: dict[str, Link] = {
    "yhat": lambda talk, i: _to_output(talk)[1],
    "output": lambda talk, i: _to_output(talk)[2],
    "hidden": lambda talk, i: talk_to_hidden(talk.network, i, talk.a(i + 1)),
    "through": lambda talk, i: talk.h(i) * talk.g_prime(i, talk.trace.a[i]),
    "weights": lambda talk, i: talk_to_weights(talk.a(i), talk.trace.h[i - 1])[0],
    "biases": lambda talk, i: talk_to_weights(talk.a(i), talk.trace.h[i - 1])[1],
}


def right_links(depth: int) -> Links:
    """The links of the formulas, in every layer."""
    return {(FAMILY[kind], i): link for kind, link in RIGHT.items() for i in layers_of(kind, depth)}


def kind_of(quantity: Quantity, depth: int) -> str:
    """The kind of the link that computes this gradient."""
    family, i = quantity
    kinds = (*WEIGHTS, *(OUTPUT if i == depth else HIDDEN))
    return kinds["Wbha".index(family)]


def layers_of(kind: str, depth: int) -> range:
    """The layers that have a link of this kind."""
    first = {"yhat": depth, "output": depth, "hidden": 0}.get(kind, 1)
    return range(first, depth if kind in HIDDEN else depth + 1)


def order_of(depth: int) -> list[Quantity]:
    """Every gradient in the order of the talks: to the output units, to the hidden units, to the weights."""
    down = [(family, i) for i in range(depth, -1, -1) for family in ("h", "a") if (family, i) != ("a", 0)]
    return [*down, *((family, i) for i in range(depth, 0, -1) for family in ("W", "b"))]
