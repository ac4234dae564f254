"""``report.html``: one page without anything from elsewhere, with the curves, the scores and the columns of a run."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...core.network import Network
from ...pages import plots
from ...pages.page import bullets, card, number_text, numbers, page, table
from .columns import NUMBER
from .members import REFIT
from .preprocessing import Preprocessing
from .target import Target
from .verdict.compare import words_of
from .verdict.page import STYLE, verdict_html

MOST_CLASSES = 25  # of a confusion matrix
MOST_COLUMNS = 60  # that are shown without asking
NAMES = {
    "accuracy": "accuracy",
    "accuracy_of_the_most_frequent_class": "share of the most frequent class",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "F1, mean over classes",
    "log_loss": "log loss",
    "roc_auc": "area under the ROC curve",
    "r2": "R²",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
    "root_mean_squared_error_of_the_mean": "RMSE of these rows' own mean",
    "largest_error": "largest error",
    "share_below": "share at or below the prediction",
    "share_within": "share within one standard deviation",
    "rows": "rows",
}


def write_report(
    title: str,
    summary: str,
    members: Sequence[Network],
    preprocessing: Preprocessing,
    target: Target,
    metrics: Mapping[str, Any],
    histories: Sequence[Sequence[Mapping[str, Any]]],
    judged: tuple[str, np.ndarray, np.ndarray],
    *,
    said: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """The page.

    ``judged``: which rows the last pictures show, their encoded targets and the network's output; ``said``: the
    messages about the table; ``settings``: of the run.
    """
    part, truth, output = judged
    network, several = members[0], f"<p>{len(members)} like this one; their mean predicts.</p>" * (len(members) > 1)
    cards = [
        *_training(members[0], target, metrics["trainings"][-1 if len(members) == 1 else 0], histories),
        *_judged(target, part, truth, output),
        card("Scores", _scores(metrics["scores"])),
        card(
            "Networks" if len(members) > 1 else "Network",
            f"{several}<pre>{html.escape(repr(network))}</pre>{_settings(settings or {})}",
            wide=True,
        ),
        *([card("Notes", bullets(said), wide=True)] if said else []),
        card("Columns", _columns(preprocessing, target), wide=True),
    ]
    above = verdict_html(metrics["verdict"]) + _headline(metrics, part)
    return page(title, summary, cards, above=above, style=STYLE)


def _training(
    network: Network, target: Target, training: Mapping[str, Any], histories: Sequence[Sequence[Mapping[str, Any]]]
) -> list[str]:
    """Losses, score, and what each layer heard, over the epochs of one training."""
    best, history = training["kept_epoch"], histories[-1 if training["reason"] == REFIT else 0]
    depth, cards = network.depth, []

    def add(title: str, note: str, lines: Mapping[str, Sequence[Any]], label: str, **scale: Any) -> None:
        cards.append(card(title, plots.curves(lines, label=label, mark=best, **scale), note))

    def of_epochs(quantity: str) -> list[Any]:
        return [epoch[quantity] for epoch in history]

    def of_layers(count: int, value: Callable[[Mapping[str, Any]], float | None]) -> dict[str, list[float | None]]:
        layers = of_epochs("layers")
        return {f"layer {i + 1}": [value(each[i]) if each else None for each in layers] for i in range(count)}

    losses = {"training": of_epochs("loss"), "validation": of_epochs("validation_loss")}
    validated = any(loss is not None for loss in losses["validation"])
    if not validated:
        del losses["validation"]
    positive = all(value is None or value > 0 for line in losses.values() for value in line)
    kept = f"the dashed line is epoch {best}, whose network was kept"
    add("Loss", kept, losses, str(network.loss), logarithmic=positive)
    if validated:
        name = "accuracy" if target.classifies else "R²"
        add("Score", "of the validation rows", {name: of_epochs("validation_score")}, name)
    if any(of_epochs("layers")):
        heard = "how loud each layer hears the loss"
        gradients = of_layers(depth, lambda layer: layer["grad_W"])
        add("Gradient of each layer's weights", heard, gradients, "‖∇W‖", logarithmic=True)
        usual = "between 0.0001 and 0.01 is usual"
        updates = of_layers(depth, lambda layer: layer["update"] / layer["W"] if layer["W"] else None)
        add("Size of the updates", usual, updates, "‖update‖ / ‖W‖", logarithmic=True)
        if depth > 1:
            silent = "the share of units that pass on almost nothing, whatever the row: dead or saturated"
            add("Silent units", silent, of_layers(depth - 1, lambda layer: layer["silent"]), "share", share=True)
    if len(set(of_epochs("learning_rate"))) > 1:
        add("Learning rate", "", {"learning rate": of_epochs("learning_rate")}, "learning rate")
    return cards


def _headline(metrics: Mapping[str, Any], part: str) -> str:
    found = metrics["scores"][part]
    shown = [(NAMES[name], number_text(found[name])) for name in NAMES if name in found and name != "rows"]
    shown = [(f"{shown[0][0]} ({words_of(part)} rows)", shown[0][1]), *shown[1:], ("networks", str(metrics["members"]))]
    return numbers(dict(shown))


def _judged(target: Target, part: str, truth: np.ndarray, output: np.ndarray) -> list[str]:
    """What was predicted beside the truth."""
    if not target.classifies:
        y, predicted = target.decode(truth), target.decode(output)
        across = f"{target.name}, in the table"
        picture = plots.points(y.tolist(), predicted.tolist(), x_label=across, y_label="predicted")
        with np.errstate(invalid="ignore"):  # infinite ones, which are not drawn
            residuals = plots.bars((predicted - y).tolist(), label="predicted − true")
        note = f"{words_of(part)} rows; on the dashed line both are equal"
        return [card("Predicted and true", picture, note), card("Residuals", residuals, f"{words_of(part)} rows")]
    counts = np.zeros((target.outputs, target.outputs), dtype=int)
    np.add.at(counts, (truth, output.argmax(axis=1)), 1)
    if target.outputs <= MOST_CLASSES:
        note = f"rows: the truth; columns: predicted; {words_of(part)} rows"
        return [card("Confusion matrix", plots.matrix(counts.tolist(), target.classes), note)]
    wrong = [(int(counts[i, j]), i, j) for i, j in np.argwhere(counts) if i != j]
    pairs = sorted(wrong, key=lambda each: (-each[0], each[1:]))[:MOST_CLASSES]
    rows = [[target.classes[i], target.classes[j], str(count)] for count, i, j in pairs]
    return [card("Most frequent confusions", table(["truth", "predicted", "rows"], rows), f"{words_of(part)} rows")]


def _scores(scores: Mapping[str, Mapping[str, Any]]) -> str:
    names = [name for name in NAMES if any(name in part for part in scores.values())]
    rows = [[NAMES[name], *(number_text(part.get(name)) for part in scores.values())] for name in names]
    return table(["", *map(words_of, scores)], rows, numbers=True)


def _columns(preprocessing: Preprocessing, target: Target) -> str:
    rows = [[target.name, f"target, {target.task}", ", ".join(target.examples), target.reason]]
    for column in preprocessing.columns:
        shown = ", ".join(column.categories[:12]) + (", …" if len(column.categories) > 12 else "")
        if column.kind == NUMBER and not column.quantiles:
            shown = f"mean {number_text(column.mean[0])}, standard deviation {number_text(column.scale[0])}"
        rows.append(
            [column.name, column.kind, ", ".join(column.examples), "; ".join(filter(None, [shown, column.remark]))]
        )
    listed = table(["column", "what it is", "for example", "what was found"], rows)
    if len(rows) <= MOST_COLUMNS:
        return listed
    return f"<details><summary>all {len(rows)} columns</summary>{listed}</details>"


def _settings(settings: Mapping[str, Any]) -> str:
    """Settings by name; one that is None says nothing."""
    pairs = {name.replace("_", " "): value for name, value in settings.items() if value is not None}
    texts = {name: _setting(value) for name, value in pairs.items()}
    return "<div class='settings'>" + "".join(
        f"<span>{html.escape(name)} <b>{html.escape(text)}</b></span>" for name, text in texts.items()
    ) + "</div>"  # fmt: skip


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{name}={each}" for name, each in value.items()]
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
