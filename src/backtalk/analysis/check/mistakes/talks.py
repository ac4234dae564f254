"""The three talks link by link, each of which can be exchanged for a wrong one.

A link computes one gradient from those that it hears. Where a student gave the gradient that a link hears, it hears
theirs, so that each link is judged by itself and no consequence is taken for a mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ....core.backward import talk_to_output, talk_to_weights
from ..substitute import Scene

Quantity: TypeAlias = tuple[str, int]  # family and layer
LinkPlace: TypeAlias = tuple[str, int]  # kind of link and layer

OUTPUT, HIDDEN, WEIGHTS = ("yhat", "output"), ("hidden", "through"), ("weights", "biases")
FAMILY = {"yhat": "h", "output": "a", "hidden": "h", "through": "a", "weights": "W", "biases": "b"}


class Pass:
    """One backward pass: what each link says, and what the links below hear, the student's own where they gave it."""

    def __init__(
        self, scene: Scene, links: Links, given: dict[Quantity, np.ndarray], sample_weight: np.ndarray | None = None
    ) -> None:
        self.scene, self.network, self.trace, self.links, self.given = scene, scene.network, scene.trace, links, given
        self.L, self.B = scene.network.depth, len(scene.weight)
        self.sample_weight = np.ones(self.B) if sample_weight is None else sample_weight
        self.said: dict[Quantity, np.ndarray] = {}
        self._lowest = self.L + 1

    def a(self, i: int) -> np.ndarray:
        """∇_{a_i} as the links below hear it."""
        return self._heard("a", i)

    def h(self, i: int) -> np.ndarray:
        """∇_{h_i} as the links below hear it."""
        return self._heard("h", i)

    def on(self, *, target: np.ndarray | None = None, weight: np.ndarray | None = None) -> Pass:
        """The same pass for another target t (B, k), or with other weights w (B,) of the examples."""
        scene = self.scene
        target, weight = scene.target if target is None else target, scene.weight if weight is None else weight
        other = Scene(scene.network, scene.trace, target, weight)
        return Pass(other, self.links, self.given, self.sample_weight)

    def says(self, family: str, i: int) -> np.ndarray:
        """What the link itself computes, whatever the student gave for it."""
        if family in "Wb":
            kind = "weights" if family == "W" else "biases"
            return self.links[kind, i](self, i)
        self._go_down_to(i)
        return self.said[family, i]

    def _heard(self, family: str, i: int) -> np.ndarray:
        given = self.given.get((family, i))
        return self.says(family, i) if given is None else given

    def _go_down_to(self, i: int) -> None:
        # a loop, not a recursion: networks may be deeper than Python's stack
        while self._lowest > i:
            j = self._lowest = self._lowest - 1
            upper, lower = ("yhat", "output") if j == self.L else ("hidden", "through")
            self.said["h", j] = self.links[upper, j](self, j)
            if j > 0:
                self.said["a", j] = self.links[lower, j](self, j)


Link: TypeAlias = Callable[[Pass, int], np.ndarray]
Links: TypeAlias = dict[LinkPlace, Link]


def right_links(depth: int) -> Links:
    """The links of the formulas, as :mod:`backtalk.backward` has them."""
    links: Links = {("yhat", depth): _to_yhat, ("output", depth): _to_output}
    for i in range(depth):
        links["hidden", i] = _to_hidden
    for i in range(1, depth):
        links["through", i] = _through
    for i in range(1, depth + 1):
        links["weights", i], links["biases", i] = _to_weights, _to_biases
    return links


def layers_of(kind: str, depth: int) -> range:
    """The layers that have a link of this kind."""
    first = {"yhat": depth, "output": depth, "hidden": 0}.get(kind, 1)
    last = depth - 1 if kind in HIDDEN else depth
    return range(first, last + 1)


def order_of(depth: int) -> list[Quantity]:
    """Every gradient in the order of the talks: to the output units, to the hidden units, to the weights."""
    down = [(family, i) for i in range(depth, -1, -1) for family in ("h", "a") if (family, i) != ("a", 0)]
    return [*down, *((family, i) for i in range(depth, 0, -1) for family in ("W", "b"))]


def _to_yhat(talk: Pass, i: int) -> np.ndarray:
    return talk_to_output(talk.network, talk.trace, talk.scene.target, talk.scene.weight)[1]


def _to_output(talk: Pass, i: int) -> np.ndarray:
    return talk_to_output(talk.network, talk.trace, talk.scene.target, talk.scene.weight)[2]


def _to_hidden(talk: Pass, i: int) -> np.ndarray:
    return talk.a(i + 1) @ talk.network.W[i + 1]


def _through(talk: Pass, i: int) -> np.ndarray:
    return talk.h(i) * talk.network.activations[i - 1].g_prime(talk.trace.a[i])


def _to_weights(talk: Pass, i: int) -> np.ndarray:
    return talk_to_weights(talk.a(i), talk.trace.h[i - 1])[0]


def _to_biases(talk: Pass, i: int) -> np.ndarray:
    return talk_to_weights(talk.a(i), talk.trace.h[i - 1])[1]
