"""The derivations of every quantity of a network without their numbers, for a page that puts in those of any step.

Titles, reasons and formulas depend on the network, the target and what is asked, and hardly on the numbers: a sentence
that does is a remark, and a ŷ that has rounded to an end of its range makes another kind of example.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...core.network import Network
from ...errors import InputError
from .brief import brief_steps, talk_of
from .quantity import Quantity, shapes_of
from .records import step_records
from .values import ExampleValues, NoValues

OPEN = ("{0}", "{1}")  # stand for the indices of a quantity, in formulas and sentences alike


class Shape(NoValues):
    """What the formulas of an example depend on: its target, and of ŷ what they ask of it, but for no other number."""

    target: np.ndarray
    yhat: np.ndarray
    clear: bool
    loss: float | None

    def __init__(self, values: ExampleValues) -> None:
        super().__init__(values.network)
        self.target, self.yhat, self.clear = values.target, values.yhat, values.clear
        self.loss = None if values.clear else values.loss

    def steps(self, family: str, layer: int, indices: tuple[Any, ...]) -> list[dict[str, Any]]:
        """The steps to a quantity, whose indices may be open."""
        return step_records(brief_steps(self, Quantity(family, layer, indices)))


def kind_of(values: ExampleValues) -> str:
    """Of two examples of the same kind, and the same network but for its weights, the formulas are the same."""
    return json.dumps(Shape(values).steps("a", values.network.depth, ()))


class Templates:
    """``steps``, each once, and for each kind of example the steps of every quantity, by their places.

    A quantity is named as it is written, with {0} and {1} for indices that may be any: 'W[2,{0},{1}]'. Those of the
    output layer stand for themselves, since the formulas of outputs may differ. If the way to a quantity cannot be
    told, a sentence that says why stands there.
    """

    def __init__(self) -> None:
        self.steps: dict[str, int] = {}
        self.kinds: dict[str, int] = {}
        self.quantities: list[dict[str, list[int] | str]] = []

    def add(self, values: ExampleValues) -> int:
        """The place of the kind of an example, which is written down the first time."""
        kind = kind_of(values)
        if kind not in self.kinds:
            self.kinds[kind] = len(self.quantities)
            self.quantities.append(self._quantities(values))
        return self.kinds[kind]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"steps": [json.loads(step) for step in self.steps], "kinds": self.quantities}

    def _quantities(self, values: ExampleValues) -> dict[str, list[int] | str]:
        shape = Shape(values)
        no_way = not shape.clear and talk_of(shape).collapsed is None
        found: dict[str, list[int] | str] = {}
        for asked in _quantities_of(values.network):
            try:
                values.require_clear(asked)
            except InputError as error:
                found[str(asked)] = str(error)
                continue
            if no_way:
                found[str(asked)] = "ŷ has rounded to an end of its range, where ∂ℒ/∂ŷ is no number."
                continue
            steps = shape.steps(asked.family, asked.layer, asked.indices)
            found[str(asked)] = [self.steps.setdefault(json.dumps(step), len(self.steps)) for step in steps]
        return found


def _quantities_of(network: Network) -> list[Quantity]:
    """Every vector and matrix as a whole, and its numbers with open indices."""
    found: list[Quantity] = []
    for family in "haWb":
        for layer, shape in shapes_of(network, family).items():
            found.append(Quantity(family, layer))
            units: Any = range(1, shape[0] + 1) if layer == network.depth else OPEN[:1]
            others: Any = OPEN[1 : len(shape)]
            found += [Quantity(family, layer, (unit, *others)) for unit in units]
    return found
