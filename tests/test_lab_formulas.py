"""The page puts the numbers into formulas by itself: what it writes is what Python writes, letter for letter."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np

from backtalk import Network, explain
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.losses import LOSSES
from backtalk.errors import InputError
from backtalk.teaching.derivations import Derivation
from backtalk.teaching.derivations.records import derivation_record
from backtalk.teaching.derivations.steps import TALKS

# Reads each derivation as soon as it is shown
COLLECT = """() => {
  window.shown = [];
  const text = (element) => element.textContent;
  const read = (step) => [
    text(step.firstElementChild),
    text(step.querySelector(".reason")),
    ...[...step.querySelectorAll(".formulas > .formula:not(.plain)")].map((formula) => formula.dataset.latex),
  ];
  window.observer?.disconnect();
  window.observer = new MutationObserver(() => {
    const box = document.getElementById("derivation");
    window.shown.push([box.dataset.quantity, [...box.querySelectorAll(".steps > li")].map(read)]);
  });
  window.observer.observe(document.getElementById("derivation"), { childList: true });
}"""


def derivations():
    """For every activation, for every loss with its own output function and with others, and of large layers."""
    for talks, derivation in all_derivations():
        yield replace(derivation, steps=tuple(step for step in derivation.steps if step.talk in talks))


def all_derivations():
    """With the talks of each that no other one has."""
    rng = np.random.default_rng(0)
    for name in ACTIVATIONS:
        yield ("hidden",), explain(Network.create([3, 2, 2], name, rng=1), rng.normal(size=3), 1, "a[1,2]")
    silent = Network([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0]]], [[0.0, -2.0], [0.0]], "relu", "squared_error")
    yield ("hidden",), explain(silent, [0.0, 1.0], [1.0], "h[0,2]")  # at the kink, and below it
    yield ("hidden", "weights"), explain(silent, [0.0, 1.0], [1.0], "b[1,2]")
    own = [(name, None, quantity) for name in LOSSES for quantity in ("a[1,2]", "h[1,4]")]
    other = [(name, output, "a[1]") for name in LOSSES for output in ("softmax", "softplus")]
    slopes = [("squared_error", output, "a[1,2]") for output in ("softmax", "sigmoid", "tanh", "exp", "softplus")]
    for name, output, quantity in (*own, *other, *slopes):
        net = Network.create([2, 4], "tanh", name, output=output, rng=2)
        x, y = rng.normal(size=2), net.loss.draw_target(rng, 1, 4)[0]
        try:
            yield ("forward", "output"), explain(net, x, y, quantity)
        except InputError:  # a loss that is infinite for what this output gave
            continue
    large = Network.create([20, 32, 12, 10], "relu", rng=0)
    for quantity in ("W[1,2,1]", "h[0]", "b[3,3]"):
        yield tuple(TALKS), explain(large, rng.normal(size=20), 3, quantity)
    yield tuple(TALKS), explain(Network.create([200, 120, 120], "tanh", rng=0), rng.normal(size=200), 3, "W[1,7,9]")


def with_subscripts(text: str) -> str:
    """h[2,j] as the letters of an h with a subscript."""
    return re.sub(r"(?<=\b[Wabhx])\[([\d·jkm,]+)\]", r"\1", text)


def written(derivation: Derivation) -> list[list[str]]:
    """What stands on the page of each step, by Python's own writer."""
    return [
        [with_subscripts(step["title"]), with_subscripts(step["reason"]), step["formula"]["latex"]]
        + [f"{{}}= {step[part]['latex']}" for part in ("numbers", "value") if step[part]]
        for step in derivation.to_dict()["steps"]
    ]


def test_the_page_writes_every_formula_as_python_does(tab):
    sockets = []

    def pass_on(socket) -> None:
        server = socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(socket.send)
        sockets.append(socket)

    opened = tab(pass_on=pass_on)
    opened.explain("W[1,1,1]")
    with np.errstate(all="ignore"):
        cases = list(derivations())
    assert len(cases) > 70
    opened.page.evaluate(COLLECT)
    for derivation in cases:
        record = derivation_record(derivation)
        message = {"type": "derivation", "quantity": "W[1,1,1]", "row": 0, "derivation": record, "paths": None}
        sockets[-1].send(json.dumps(message))
    opened.page.wait_for_function("count => window.shown.length === count", arg=len(cases), timeout=60_000)
    for derivation, (_, shown) in zip(cases, opened.page.evaluate("window.shown"), strict=True):
        assert shown == written(derivation)
