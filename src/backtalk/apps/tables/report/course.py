"""How it was trained: losses and scores over the epochs, what each layer heard, the networks, and the settings."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....pages import plots
from ....pages.page import card, number_text, table
from .facts import Facts
from .names import NAMES

REFIT = "refit"
Lines = Mapping[str, Sequence[float | None]]
Epochs = Sequence[Mapping[str, Any]]


def cards(facts: Facts) -> list[str]:
    """Of the network that predicts, or of the first of several; the others beside it."""
    trainings = facts.metrics["trainings"]
    shown = len(trainings) - 1 if trainings[-1]["reason"] == REFIT else 0
    several = facts.metrics["members"] > 1
    which = "the first network: " if several else ""
    made = _Cards(facts.histories[shown], trainings[shown]["kept_epoch"], which)
    made.add_losses(facts.loss)
    metric = facts.metrics.get("metric")
    made.add_score(NAMES[metric] if metric else "accuracy" if facts.classifies else "R²")
    beside = _beside(facts) if len(trainings) > 1 else []
    made.add_layers()
    made.add_learning_rate()
    name = "Networks" if several else "Network"
    told = f"<p>the mean of {facts.metrics['members']} networks predicts</p>" if several else ""
    kinds = [
        (f"<p class='quiet after'>{count} like this one</p>" if several else "") + f"<pre>{html.escape(text)}</pre>"
        for text, count in facts.networks.items()
    ]
    inside = f"{told}{''.join(kinds)}{_settings(facts.settings)}"
    return [*made.cards[:2], *beside, *made.cards[2:], card(f"{name} and settings", inside, wide=True)]


class _Cards:
    """Curves over the epochs of one training."""

    def __init__(self, epochs: Epochs, kept: int, which: str) -> None:
        self.epochs, self.kept, self.which = epochs, kept, which
        self.cards: list[str] = []

    def _of(self, quantity: str) -> list[Any]:
        return [epoch[quantity] for epoch in self.epochs]

    def _add(self, title: str, note: str, lines: Lines, label: str, **scale: Any) -> None:
        self.cards.append(card(title, plots.curves(lines, label=label, mark=self.kept, **scale), self.which + note))

    def add_losses(self, loss: str) -> None:
        lines = {"training": self._of("loss"), "held out": self._of("validation_loss")}
        if all(value is None for value in lines["held out"]):
            del lines["held out"]
        positive = all(value is None or value > 0 for line in lines.values() for value in line)
        note = f"the dashed line is epoch {self.kept}, whose weights were kept"
        self._add("Loss", note, lines, loss, logarithmic=positive)

    def add_score(self, name: str) -> None:
        values = self._of("validation_score")
        if any(value is not None for value in values):
            self._add("Score", "of the rows held out", {name: values}, name)

    def add_layers(self) -> None:
        layers = self._of("layers")
        if not any(layers):
            return

        def lines(value: Callable[[Mapping[str, Any]], float | None], count: int) -> Lines:
            return {f"layer {i + 1}": [value(each[i]) if each else None for each in layers] for i in range(count)}

        depth = max(map(len, layers))
        heard = "how loud each layer hears the loss"
        gradients = lines(lambda layer: layer["grad_W"], depth)
        self._add("Gradient of each layer's weights", heard, gradients, "‖∇W‖", logarithmic=True)
        updates = lines(lambda layer: layer["update"] / layer["W"] if layer["W"] else None, depth)
        usual = "between 0.0001 and 0.01 is usual"
        self._add("Size of the updates", usual, updates, "‖update‖ / ‖W‖", logarithmic=True)
        if depth > 1:
            silent = "the share of units that pass on almost nothing, whatever the row: dead or saturated"
            units = lines(lambda layer: layer["silent"], depth - 1)
            self._add("Silent units", silent, units, "share", share=True)

    def add_learning_rate(self) -> None:
        rates = self._of("learning_rate")
        if len(set(rates)) > 1:
            self._add("Learning rate", "", {"learning rate": rates}, "learning rate")


def _beside(facts: Facts) -> list[str]:
    """The trainings beside each other: the loss of the rows that each did not see, and where each ended."""
    trainings, shown = facts.metrics["trainings"], []
    lines = {str(k + 1): each["validation_losses"] for k, each in enumerate(trainings) if each["validation_losses"]}
    if len(lines) > 1:
        positive = all(value is None or value > 0 for line in lines.values() for value in line)
        picture = plots.curves(lines, label=facts.loss, logarithmic=positive)
        shown.append(card("The networks beside each other", picture, "loss of the rows that each did not see"))
    rows = []
    for k, each in enumerate(trainings):
        name = "all rows" if each["reason"] == REFIT else str(k + 1)
        hidden = "\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}".join(map(str, each["sizes"][1:-1])) or "none"
        losses = each["validation_losses"]
        kept = number_text(losses[each["kept_epoch"] - 1]) if losses and each["kept_epoch"] else ""
        counts = f"{each['weight']:.2f}" if each["weight"] else "not used"
        rows.append([name, hidden, f"{each['epochs']:,}", f"{each['kept_epoch']:,}", kept, counts])
    heads = ["network", "hidden units", "epochs", "weights of epoch", "loss held out", "share in the mean"]
    return [*shown, card("Where each ended", table(heads, rows, numbers=True))]


def _settings(settings: Mapping[str, Any]) -> str:
    """Settings by name; one that is None says nothing."""
    pairs = {name.replace("_", " "): value for name, value in settings.items() if value is not None}
    each = "".join(
        f"<span>{html.escape(name)} <b>{html.escape(_setting(value))}</b></span>" for name, value in pairs.items()
    )
    return f"<div class='settings'>{each}</div>"


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{name}={each}" for name, each in value.items()]
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
