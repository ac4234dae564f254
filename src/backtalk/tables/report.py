"""``report.html``: one page without anything from elsewhere, with the curves, the scores and the columns of a run."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..network import Network
from . import plots
from .columns import NUMBER
from .preprocessing import Preprocessing
from .target import Target

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --quiet: #667085; --line: #e3e6eb; --paper: #fff; --card: #f7f8fa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --quiet: #98a1b0; --line: #343b47; --paper: #15191f; --card: #1c222b } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 1180px; padding: 28px 24px 60px }
h1 { font-size: 24px; margin: 0 0 2px } h2 { font-size: 16px; margin: 0 0 8px }
.quiet { color: var(--quiet); margin: 0 } .card .quiet { font-size: 13px; margin-bottom: 8px }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 16px;
  margin-top: 18px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px;
  overflow-x: auto }
.numbers { display: flex; flex-wrap: wrap; gap: 10px 34px; margin: 20px 0 4px }
.numbers b { display: block; font-size: 26px; font-weight: 600; color: var(--ink); font-variant-numeric: tabular-nums }
.numbers span { color: var(--quiet); font-size: 13px }
svg { width: 100%; display: block }
svg text { font-size: 11.5px; fill: var(--quiet); font-variant-numeric: tabular-nums }
svg text.name { fill: var(--ink) } svg text.on { fill: #fff } svg polyline { fill: none; stroke-width: 1.8 }
svg .grid { stroke: var(--line) } svg .mark { stroke: var(--quiet); stroke-dasharray: 4 4; stroke-width: 1.2 }
.legend span { margin-right: 16px; font-size: 13px } .legend i { display: inline-block; width: 18px; height: 3px;
  border-radius: 2px; margin-right: 6px; vertical-align: middle }
.settings { margin-top: 12px; font-size: 13px; color: var(--quiet) }
.settings span { display: inline-block; margin-right: 18px } .settings b { font-weight: 500; color: var(--ink) }
details summary { cursor: pointer; color: var(--quiet) } ul { margin: 0; padding-left: 18px }
table { border-collapse: collapse; width: 100%; font-size: 14px } td, th { text-align: left; padding: 5px 14px 5px 0;
  border-bottom: 1px solid var(--line); vertical-align: top } th { color: var(--quiet); font-weight: 500 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
pre { margin: 0; font-size: 13px; overflow-x: auto }
.wide { grid-column: 1 / -1 }
"""
MOST_CLASSES = 25  # of a confusion matrix
MOST_COLUMNS = 60  # that are shown without asking
NAMES = {
    "accuracy": "accuracy",
    "accuracy_of_the_most_frequent_class": "always the most frequent class",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "F1, mean over classes",
    "log_loss": "log loss",
    "roc_auc": "area under the ROC curve",
    "r2": "R²",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
    "root_mean_squared_error_of_the_mean": "always the mean (RMSE)",
    "largest_error": "largest error",
    "rows": "rows",
}


def write_report(
    title: str,
    summary: str,
    network: Network,
    preprocessing: Preprocessing,
    target: Target,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    judged: tuple[str, np.ndarray, np.ndarray],
    *,
    said: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """The page.

    ``judged``: which rows the last pictures show, their encoded targets and the network's output; ``said``: what there
    is to say about the table; ``settings``: of the run.
    """
    part, truth, output = judged
    cards = [
        *_training(network, target, metrics, history),
        *_judged(target, part, truth, output),
        _card("Scores", _scores(metrics["scores"])),
        _card("Network", f"<pre>{html.escape(repr(network))}</pre>{_settings(settings or {})}", wide=True),
        *([_card("Notes", _list(said), wide=True)] if said else []),
        _card("Columns", _columns(preprocessing, target), wide=True),
    ]
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}</style><body>"
        f"<h1>{html.escape(title)}</h1><p class='quiet'>{html.escape(summary)}</p>"
        f"{_headline(metrics, part)}<div class='cards'>{''.join(cards)}</div></body></html>\n"
    )


def _training(
    network: Network, target: Target, metrics: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Losses, score, and what each layer heard, over the epochs."""
    best = metrics["best_epoch"] if metrics["reason"] == "patience" else None
    kept = f"the dashed line is epoch {best}, whose network was kept" if best else ""
    losses = {"training": [epoch["loss"] for epoch in history]}
    validated = any(epoch["validation_loss"] is not None for epoch in history)
    if validated:
        losses["validation"] = [epoch["validation_loss"] for epoch in history]
    cards = [_card("Loss", _curves(losses, str(network.loss), _positive(losses), best), kept)]
    if validated:
        name = "accuracy" if target.classifies else "R²"
        score = {name: [epoch["validation_score"] for epoch in history]}
        cards.append(_card("Score", _curves(score, name, False, best), "of the validation rows"))
    if any(epoch["layers"] for epoch in history):
        heard = "how loud each layer hears the loss"
        moved = "between 0.0001 and 0.01 is usual"
        silent = "the share of units that pass on almost nothing, whatever the row: dead or saturated"
        cards += [
            _card("Gradient of each layer's weights", _layers(network, history, "grad_W", "‖∇W‖", best), heard),
            _card("Size of the updates", _layers(network, history, "update", "‖update‖ / ‖W‖", best), moved),
        ]
        if network.depth > 1:
            cards.append(_card("Silent units", _layers(network, history, "silent", "share", best), silent))
    rates = {epoch["learning_rate"] for epoch in history}
    if len(rates) > 1:
        line = {"learning rate": [epoch["learning_rate"] for epoch in history]}
        cards.append(_card("Learning rate", _curves(line, "learning rate", False, best)))
    return cards


def _layers(network: Network, history: Sequence[Mapping[str, Any]], quantity: str, label: str, best: int | None) -> str:
    hidden = quantity == "silent"
    lines = {
        f"layer {i + 1}": [_of_layer(epoch["layers"][i], quantity) if epoch["layers"] else None for epoch in history]
        for i in range(network.depth - hidden)
    }
    return plots.curves(lines, label=label, logarithmic=not hidden, share=hidden, mark=best)


def _of_layer(layer: Mapping[str, Any], quantity: str) -> float | None:
    if quantity == "update":
        return layer["update"] / layer["W"] if layer["W"] else None
    return layer[quantity]


def _curves(lines: Mapping[str, Sequence[float | None]], label: str, logarithmic: bool, best: int | None) -> str:
    return plots.curves(lines, label=label, logarithmic=logarithmic, mark=best)


def _card(title: str, inside: str, note: str = "", wide: bool = False) -> str:
    said = f"<p class='quiet'>{html.escape(note)}</p>" if note else ""
    return f"<section class='card{' wide' if wide else ''}'><h2>{html.escape(title)}</h2>{said}{inside}</section>"


def _headline(metrics: Mapping[str, Any], part: str) -> str:
    found = metrics["scores"][part]
    shown = [(NAMES[name], number_text(found[name])) for name in NAMES if name in found and name != "rows"]
    shown = [(f"{shown[0][0]} ({part} rows)", shown[0][1]), *shown[1:], ("epochs", str(metrics["epochs"]))]
    return "<div class='numbers'>" + "".join(f"<span><b>{v}</b>{html.escape(n)}</span>" for n, v in shown) + "</div>"


def _judged(target: Target, part: str, truth: np.ndarray, output: np.ndarray) -> list[str]:
    """What was predicted beside the truth."""
    if not target.classifies:
        y, predicted = target.decode(truth), target.decode(output)
        across = f"{target.name}, in the table"
        picture = plots.points(y.tolist(), predicted.tolist(), x_label=across, y_label="predicted")
        residuals = plots.bars((predicted - y).tolist(), label="predicted − true")
        note = f"{part} rows; on the dashed line both are equal"
        return [_card("Predicted and true", picture, note), _card("Residuals", residuals, f"{part} rows")]
    counts = np.zeros((target.outputs, target.outputs), dtype=int)
    np.add.at(counts, (truth, output.argmax(axis=1)), 1)
    if target.outputs <= MOST_CLASSES:
        note = f"rows: the truth; columns: predicted; {part} rows"
        return [_card("Confusion matrix", plots.matrix(counts.tolist(), target.classes), note)]
    wrong = [(int(counts[i, j]), i, j) for i, j in np.argwhere(counts) if i != j]
    pairs = sorted(wrong, key=lambda each: (-each[0], each[1:]))[:MOST_CLASSES]
    rows = [[target.classes[i], target.classes[j], str(count)] for count, i, j in pairs]
    return [_card("Most frequent confusions", _table(["truth", "predicted", "rows"], rows), f"{part} rows")]


def _scores(scores: Mapping[str, Mapping[str, Any]]) -> str:
    names = [name for name in NAMES if any(name in part for part in scores.values())]
    rows = [[NAMES[name], *(number_text(part.get(name)) for part in scores.values())] for name in names]
    return _table(["", *scores], rows, numbers=True)


def _columns(preprocessing: Preprocessing, target: Target) -> str:
    rows = [[target.name, f"target, {target.task}", target.reason]]
    for column in preprocessing.columns:
        shown = ", ".join(column.categories[:12]) + (", …" if len(column.categories) > 12 else "")
        if column.kind == NUMBER and not column.quantiles:
            shown = f"mean {column.mean[0]:.4g}, standard deviation {column.scale[0]:.4g}"
        rows.append([column.name, column.kind, "; ".join(filter(None, [shown, column.remark]))])
    table = _table(["column", "what it is", "what was found"], rows)
    if len(rows) <= MOST_COLUMNS:
        return table
    return f"<details><summary>all {len(rows)} columns</summary>{table}</details>"


def _settings(settings: Mapping[str, Any]) -> str:
    """Settings by name; one that is None says nothing."""
    pairs = {name.replace("_", " "): value for name, value in settings.items() if value is not None}
    texts = {k: ", ".join(map(str, v)) or "none" if isinstance(v, list | tuple) else str(v) for k, v in pairs.items()}
    return "<div class='settings'>" + "".join(
        f"<span>{html.escape(name)} <b>{html.escape(text)}</b></span>" for name, text in texts.items()
    ) + "</div>"  # fmt: skip


def _list(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = False) -> str:
    """Cells as text; with ``numbers``, all but the first of a row are numbers."""

    def line(tag: str, cells: Sequence[str]) -> str:
        kind = " class='n'" if numbers else ""
        return "".join(f"<{tag}{kind if k else ''}>{html.escape(cell)}</{tag}>" for k, cell in enumerate(cells))

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><tr>{line('th', names)}</tr>{body}</table>"


def number_text(value: Any) -> str:
    """A count, or a score with four digits; nothing for None."""
    if value is None or isinstance(value, int):
        return "" if value is None else str(value)
    return f"{value:#.4g}" if abs(value) < 1000 else f"{value:.5g}"


def _positive(lines: Mapping[str, Sequence[float | None]]) -> bool:
    return all(value is None or value > 0 for line in lines.values() for value in line)
