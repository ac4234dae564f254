"""``report.html``: one page without anything from elsewhere, with the curves, the scores and the columns of a run."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from ..network import Network
from . import plots
from .columns import LEFT_OUT
from .preprocessing import Preprocessing
from .target import Target

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --quiet: #667085; --line: #e3e6eb; --paper: #fff; --card: #f7f8fa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --quiet: #98a1b0; --line: #343b47; --paper: #15191f; --card: #1c222b } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 1180px; padding: 28px 24px 60px }
h1 { font-size: 24px; margin: 0 0 2px } h2 { font-size: 16px; margin: 0 0 8px }
.quiet { color: var(--quiet); margin: 0 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 16px; margin-top: 18px }
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
table { border-collapse: collapse; width: 100%; font-size: 14px } td, th { text-align: left; padding: 5px 14px 5px 0;
  border-bottom: 1px solid var(--line); vertical-align: top } th { color: var(--quiet); font-weight: 500 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
pre { margin: 0; font-size: 13px; overflow-x: auto }
.wide { grid-column: 1 / -1 }
"""
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
    metrics: dict[str, Any],
    history: list[dict[str, Any]],
    judged: tuple[str, np.ndarray, np.ndarray],
) -> str:
    """The page. ``judged``: which rows the last picture shows, their encoded targets and the network's output."""
    best = metrics["best_epoch"] or 0
    lines = {"training": [e["loss"] for e in history], "validation": [e["validation_loss"] for e in history]}
    name = "accuracy" if target.classifies else "R²"
    followed = {f"validation {name}": [e["validation_score"] for e in history]}
    layers = {
        f"layer {i + 1}": [e["layers"][i]["grad_W"] if e["layers"] else None for e in history]
        for i in range(network.depth)
    }
    steps = {
        f"layer {i + 1}": [_ratio(e["layers"][i]) if e["layers"] else None for e in history]
        for i in range(network.depth)
    }
    cards = [
        _card("Loss", plots.curves(lines, label=str(network.loss), logarithmic=_positive(lines), mark=best)),
        _card("Score", plots.curves(followed, label=name, mark=best)),
        _card("Gradient of each layer's weights", plots.curves(layers, label="‖∇W‖", logarithmic=True, mark=best)),
        _card("Size of the updates", plots.curves(steps, label="‖update‖ / ‖W‖", logarithmic=True, mark=best)),
        _card(*_judged(target, *judged)),
        _card("Scores", _scores(metrics["scores"])),
        _card("Network", f"<pre>{html.escape(repr(network))}</pre>", wide=True),
        _card("Columns", _columns(preprocessing, target), wide=True),
    ]
    head = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
    view = "<meta name='viewport' content='width=device-width'>"
    intro = f"<h1>{html.escape(title)}</h1><p class='quiet'>{html.escape(summary)}</p>"
    page = (
        f"{head}{view}<style>{STYLE}</style><body>{intro}{_numbers(metrics)}<div class='cards'>{''.join(cards)}</div>"
    )
    return page + "</body></html>\n"


def _card(title: str, inside: str, wide: bool = False) -> str:
    return f"<section class='card{' wide' if wide else ''}'><h2>{html.escape(title)}</h2>{inside}</section>"


def _numbers(metrics: dict[str, Any]) -> str:
    part = "test" if "test" in metrics["scores"] else "validation" if "validation" in metrics["scores"] else "training"
    found = metrics["scores"][part]
    shown = [
        (NAMES[name] + f" ({part})" * (k == 0), f"{found[name]:.4g}")
        for k, name in enumerate(n for n in NAMES if n in found and n != "rows")
    ]
    shown += [("epochs", str(metrics["epochs"]))]
    return "<div class='numbers'>" + "".join(f"<span><b>{v}</b>{html.escape(n)}</span>" for n, v in shown) + "</div>"


def _judged(target: Target, part: str, truth: np.ndarray, output: np.ndarray) -> tuple[str, str]:
    if target.classifies:
        counts = np.zeros((target.outputs, target.outputs), dtype=int)
        np.add.at(counts, (truth, output.argmax(axis=1)), 1)
        note = f"<p class='quiet'>rows: the truth; columns: predicted; {part} rows</p>"
        return "Confusion matrix", note + plots.matrix(counts.tolist(), target.classes)
    y, predicted = (each[:, 0].astype(float) * target.scale + target.mean for each in (truth, output))
    note = f"<p class='quiet'>{part} rows; on the dashed line both are equal</p>"
    picture = plots.points(y.tolist(), predicted.tolist(), x_label=f"{target.name}, in the table", y_label="predicted")
    return "Predicted and true", note + picture


def _scores(scores: dict[str, dict[str, Any]]) -> str:
    names = [name for name in NAMES if any(name in part for part in scores.values())]
    head = "".join(f"<th class='n'>{part}</th>" for part in scores)
    rows = []
    for name in names:
        cells = "".join(f"<td class='n'>{_number(part.get(name))}</td>" for part in scores.values())
        rows.append(f"<tr><td>{html.escape(NAMES[name])}</td>{cells}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"


def _number(value: Any) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4g}"


def _columns(preprocessing: Preprocessing, target: Target) -> str:
    what = f"<td>target, {target.task}</td><td>{html.escape(target.reason)}</td>"
    rows = [f"<tr><td>{html.escape(target.name)}</td>{what}</tr>"]
    for column in preprocessing.columns:
        words = column.remark
        if column.categories:
            shown = ", ".join(column.categories[:12]) + (", …" if len(column.categories) > 12 else "")
            words = "; ".join(filter(None, [shown, words]))
        kind = column.kind if column.kind != LEFT_OUT else "<b>left out</b>"
        rows.append(f"<tr><td>{html.escape(column.name)}</td><td>{kind}</td><td>{html.escape(words)}</td></tr>")
    return f"<table><tr><th>column</th><th>what it is</th><th></th></tr>{''.join(rows)}</table>"


def _ratio(layer: dict[str, Any]) -> float | None:
    return layer["update"] / layer["W"] if layer["W"] else None


def _positive(lines: dict[str, list[float | None]]) -> bool:
    return all(value is None or value > 0 for line in lines.values() for value in line)
