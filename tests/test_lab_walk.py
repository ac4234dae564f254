"""One step of the lab, slide by slide: what a slide lights and shows is what its formula says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backtalk import Network
from backtalk.apps.lab.datasets import named_data
from backtalk.apps.lab.payloads import Drawn, frame, unpack
from backtalk.apps.lab.settings import OFFERED, Settings
from backtalk.apps.lab.slide_message import named, slide_message
from backtalk.apps.lab.slides import walk_through
from backtalk.apps.lab.trainer import Trainer
from backtalk.teaching.derivations.document import Equation
from backtalk.teaching.derivations.evaluation import evaluate, leaves_of
from backtalk.teaching.derivations.expressions import Number, Partial, Symbol


class Payload:
    """What the page gets: the numbers of the symbols, from a frame and the arrays of a slide."""

    def __init__(self, loss: float, arrays: dict[str, Any], depth: int, letters: dict[Any, int]) -> None:
        self.loss, self.arrays, self.depth, self.letters = loss, arrays, depth, letters

    def __getitem__(self, leaf: Any) -> Any:
        match leaf:
            case Symbol("loss"):
                return self.loss
            case Partial(Symbol("yhat", _, ()), Symbol("a", _, ())):
                return np.asarray(self.arrays["jacobian"])
            case Partial(Symbol("a", i, (m,)), Symbol("h", _, (j,))):
                return self[Symbol("W", i, (m, j))]
        found = named(leaf, self.depth)
        if found is None:
            raise KeyError(leaf)
        array = np.asarray(self.arrays[found.array], dtype=float)
        array = array if array.ndim == 2 else array[:, None]
        if not found.indices:
            return array
        places: list[Any] = [self.letters.get(index, index) for index in (*found.indices, 1)]
        unit, heard = places[:2]
        return array[:, [heard - 1]] if unit == "·" else array[unit - 1, heard - 1]


def compared(equation: Equation, payload: Payload) -> int:
    """How many right sides are compared with the left one; those of symbols that no message holds are not."""
    rights = [right for right in equation.rights if not isinstance(right, Number)]
    try:
        left = payload[equation.left]
    except KeyError:
        left = next((right.value for right in equation.rights if isinstance(right, Number)), None)
    if left is None:  # a rule for any functions
        return 0
    values = [(evaluate(each, payload), evaluate(each, payload, absolute=True)) for each in rights]
    for value, scale in values:
        assert (np.abs(left - value) <= 1e-5 * np.max(scale) + 1e-30).all(), (equation.left, left, value)
    return len(values)


@pytest.mark.parametrize(
    "settings",
    [
        Settings("moons"),
        Settings("digits", (5, 4), ("tanh", "relu"), rate=0.01),
        Settings("wine", (4, 3), ("relu", "relu"), loss="squared_error"),
        Settings("wine", (4,), ("sigmoid",), loss="squared_error", output="softmax"),
        Settings("moons", (), ()),
    ],
    ids=lambda settings: f"{settings.data} {settings.layers} {settings.loss}",
)
def test_every_number_that_a_slide_lights_is_that_of_its_formula(settings):
    run = Trainer(settings, named_data(settings.data, 0.1))
    run.advance(3)
    network, drawn = run.network, Drawn.of(run.network.sizes)
    depth = network.depth
    facts, arrays = unpack(frame(run, drawn, 7, running=False, surface=None))
    loss, walk = facts["example"]["loss"], walk_through(run, 7)
    known = {f"W.{i}" for i in range(1, depth + 1)} | {"h.0"}
    for at, slide in enumerate(walk.slides):
        message = json.loads(json.dumps(slide_message(walk, at, drawn)))
        numbers = {**arrays, **message["arrays"]}
        lit = [f"{light['quantity']}.{light['layer']}" for light in message["light"]]
        faint = [f"{light['quantity']}.{light['layer']}" for light in message["faint"]]
        assert len(lit) == len({(name[-1], "W" in name) for name in lit}), "a unit shows one number"
        assert set(faint) <= known, "what is not computed yet is blank"
        known |= set(lit)
        assert set(message["known"]) == known
        assert {each["array"] for each in message["shown"]} <= set(numbers)
        if slide.talk == "update":
            continue
        equations = [statement.equation for statement in slide.statements]
        speaks_of = {found.array for each in equations for part in (each.left, *each.rights) for leaf in leaves_of(part)
                     if (found := named(leaf, depth))}  # fmt: skip
        count = sum(compared(each, Payload(loss, numbers, depth, {"j": 1, "k": 1, "m": 1})) for each in equations)
        if slide.each is not None:
            left = arrays[message["each"]["left"]["array"]]
            for place in np.ndindex(left.shape):
                letters = dict(zip("jk", (k + 1 for k in place), strict=False))
                count += compared(slide.each, Payload(loss, numbers, depth, letters))
            assert count >= left.size
        if speaks_of:  # all but the rule for any functions
            assert set(lit) <= speaks_of | {f"W.{depth}"}
            assert count


def test_the_slides_come_layer_by_layer():
    run = Trainer(Settings("digits", (5, 4), ("tanh", "relu")), named_data("digits"))
    slides = walk_through(run, 3).slides
    lit = [(slide.talk, *(f"{quantity}.{i}" for quantity, i in slide.light)) for slide in slides]
    of_lecture = {"The chain rule along multiple paths", "In our case: h[2,j]", "The sum over every path from h[2,j]",
                  "Two vectors, side by side", "Row by row, the whole layer"}  # fmt: skip
    assert of_lecture <= {slide.title for slide in slides}
    assert [each for each, slide in zip(lit, slides, strict=True) if slide.title not in of_lecture] == [
        ("forward", "a.1", "W.1", "h.0"), ("forward", "h.1"), ("forward", "a.2", "W.2", "h.1"), ("forward", "h.2"),
        ("forward", "a.3", "W.3", "h.2"), ("forward", "h.3"), ("forward", "h.3"),
        ("output", "grad_h.3"), ("output", "h.3"), ("output", "grad_a.3"), ("output", "grad_a.3"),
        ("hidden", "grad_h.2", "W.3", "grad_a.3"), ("hidden", "grad_a.2"),
        ("hidden", "grad_h.1", "W.2", "grad_a.2"), ("hidden", "grad_a.1"),
        ("weights", "grad_W.3", "grad_a.3", "h.2"), ("weights", "grad_W.2", "grad_a.2", "h.1"),
        ("weights", "grad_W.1", "grad_a.1", "h.0"), *[("update", "W.1", "W.2", "W.3")] * 3,
    ]  # fmt: skip


def test_a_walk_without_finite_numbers_is_in_symbols():
    run = Trainer(Settings("wine", (3,), ("relu",)), named_data("wine"))
    run.network = Network([1e200 * W for W in run.network.W.values()], list(run.network.b.values()), "relu")
    walk = walk_through(run, 0)
    messages = [slide_message(walk, at, Drawn.of(run.network.sizes)) for at in range(len(walk.slides))]
    assert {message["talk"] for message in messages} == {"forward", "output", "hidden", "weights", "update"}
    assert not any(message["arrays"] for message in messages)


@pytest.mark.parametrize(
    "settings",
    [*(Settings(optimizer=name) for name in OFFERED), Settings(l2_penalty=0.1, schedule="cosine", epochs=2)],
    ids=lambda settings: f"{settings.optimizer} {settings.schedule}",
)
def test_the_update_that_a_walk_tells_of_is_the_one_that_is_taken(settings):
    run = Trainer(settings, named_data("moons", 0.1))
    run.advance(2)
    last = walk_through(run, 0).slides[-1]
    assert last.about is not None
    i, (unit, heard) = last.about.layer, last.about.indices
    before = run.network.W[i][unit - 1, heard - 1]  # pyright: ignore
    run.advance(1)
    after = run.network.W[i][unit - 1, heard - 1]  # pyright: ignore
    assert last.statements[0].equation.rights[-1].value == pytest.approx(after, rel=1e-9)  # pyright: ignore
    assert after != before


def test_an_update_with_dropout_is_told_without_numbers():
    run = Trainer(Settings(dropout=0.5), named_data("moons", 0.1))
    (last,) = (slide for slide in walk_through(run, 0).slides if slide.talk == "update")
    assert "dropout" in last.statements[0].reason
    assert not last.statements[0].equation.rights
