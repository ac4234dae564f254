"""A diagnosis as one page without anything from elsewhere: the findings, and pictures of what was measured."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...pages import plots
from ...pages.page import card, numbers, page, table
from .finding import Finding
from .measure import LayerMeasurement, Measurements
from .words import is_healthy, percent, short, verdict, where

if TYPE_CHECKING:
    from .diagnosis import Diagnosis

STYLE = """
:root { --severe: #c62f3b; --warning: #b26a00; --note: #3f6fd8; --healthy: #1f8a5b }
@media (prefers-color-scheme: dark) {
  :root { --severe: #ff7b83; --warning: #f0b24d; --note: #8db0ff; --healthy: #5fd3a0 } }
.verdict { font-size: 19px; font-weight: 600; margin: 18px 0 0 }
.finding { border-left: 4px solid var(--tone); padding-left: 16px } .finding h2 { margin-bottom: 6px }
.finding p { margin: 0 0 8px; overflow-wrap: anywhere } .finding .quiet { margin: 0 }
.finding > div { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 4px 34px }
.finding .do { margin: 0 } .finding .do::before { content: "→ "; color: var(--tone) }
.badge { font-size: 12px; font-weight: 600; color: var(--tone); border: 1px solid var(--tone); border-radius: 99px;
  padding: 1px 9px; margin-right: 9px; vertical-align: 1px }
.severe { --tone: var(--severe) } .warning { --tone: var(--warning) } .note { --tone: var(--note) }
.healthy { --tone: var(--healthy) } .verdict { color: var(--tone) }
"""
MOST_CLASSES = 30  # that are shown, the rarest first
MOST_EXAMPLES = 12
MOST_LISTED = 50  # of the units or examples of a finding


def write_report(diagnosis: Diagnosis, title: str = "Diagnosis", *, classes: Sequence[str] = ()) -> str:
    """The page. ``classes``: the names of classes 0, 1, …, if they have some."""
    m, findings = diagnosis.measurements, diagnosis.findings
    worst = "healthy" if is_healthy(findings) else findings[0].severity
    counted = f"<p class='quiet'>{diagnosis.counting}</p>" if diagnosis.counting else ""
    above = f"<p class='verdict {worst}'>{html.escape(verdict(findings))}</p>{counted}{numbers(_headline(m))}"
    cards = [
        *(_finding(each, m) for each in findings),
        _layers(m),
        *_along_layers(m),
        *_over_epochs(m),
        *_examples(m, classes),
    ]
    return page(title, _summary(m), cards, above=above, style=STYLE)


def _summary(m: Measurements) -> str:
    sizes = " → ".join(map(str, [len(m.columns.mean), *(layer.units for layer in m.layers)]))
    functions = ", ".join(dict.fromkeys(layer.function for layer in m.layers))
    return f"network {sizes}, {functions}; {m.examples} example{'s' * (m.examples != 1)}"


def _headline(m: Measurements) -> dict[str, str]:
    shown = {
        "loss": m.loss,
        "loss of the best constant output": m.baseline,
        "validation loss": m.validation_loss,
        "norm of the gradient": m.gradient,
        "gradient noise scale": m.noise_scale,
    }
    return {name: short(value) for name, value in shown.items() if value is not None}


def _finding(finding: Finding, m: Measurements) -> str:
    title = f"<h2><span class='badge'>{finding.severity}</span>{html.escape(finding.title)}</h2>"
    more = where(finding, m.columns.names, MOST_LISTED, m.counted_from)
    details = f"<p class='quiet'>{html.escape(more)}</p>" if more else ""
    said = f"<div><p>{html.escape(finding.said)}</p>{details}</div><p class='do'>{html.escape(finding.advice)}</p>"
    return f"<section class='card wide finding {finding.severity}'>{title}<div>{said}</div></section>"


def _layers(m: Measurements) -> str:
    names = ["layer", "function", "units", "mean of a", "deviation of a", "‖∇a‖", "‖∇W‖", "‖∇W‖ / ‖W‖", "update / W"]
    rows = [
        [
            f"{layer.layer}",
            layer.function,
            f"{layer.units}",
            *map(short, [layer.a_mean, layer.a_std, layer.grad_a, layer.grad_W, layer.ratio, layer.update]),
            percent(layer.dead),
            percent(layer.saturated),
        ]
        for layer in reversed(m.layers)
    ]
    note = "as the loss is heard: the output layer first; ‖∇a‖ is the median over the examples"
    return card("Layers", table([*names, "dead", "saturated"], rows, numbers=True), note, wide=True)


def _along_layers(m: Measurements) -> list[str]:
    """What grows or shrinks from layer to layer."""

    def line(value: Callable[[LayerMeasurement], float | None]) -> list[float | None]:
        return [value(layer) for layer in m.layers]

    gradients = {"‖∇a‖, median": line(lambda layer: layer.grad_a), "‖∇W‖": line(lambda layer: layer.grad_W)}
    passed = {"deviation of a": line(lambda layer: layer.a_std), "deviation of h": line(lambda layer: layer.h_std)}
    even = "where the lines are level, all layers hear the loss as well"
    on = "what each layer passes on"
    cards = [
        card("Gradient of each layer", *_over_layers(gradients, "norm", even)),
        card("Activations of each layer", *_over_layers(passed, "over examples and units", on)),
    ]
    hidden = [layer for layer in m.layers if layer.dead is not None]
    if hidden:
        shares = {kind: [getattr(layer, kind) or 0.0 for layer in hidden] for kind in ("dead", "saturated")}
        names = [f"layer {layer.layer}" for layer in hidden]
        texts = [f"{percent(layer.dead)} and {percent(layer.saturated)}" for layer in hidden]
        cards.append(card("Dead and saturated units", plots.meters(names, shares, texts, full=1.0), "of each layer"))
    return cards


def _over_layers(series: Mapping[str, Sequence[float | None]], label: str, note: str) -> tuple[str, str]:
    """The picture, and the note, which says what no scale of factors can show."""
    gone = {
        word: [f"{name} of layer {k}" for name, line in series.items() for k, v in enumerate(line, 1) if is_so(v)]
        for word, is_so in (("0", lambda v: v == 0), ("not finite", lambda v: v is not None and not math.isfinite(v)))
    }
    notes = [note, *(f"{word}, so not shown: {', '.join(places)}" for word, places in gone.items() if places)]
    return plots.curves(series, label=label, logarithmic=True, over="layer"), "; ".join(notes)


def _over_epochs(m: Measurements) -> list[str]:
    """Losses, and how far the layers moved, if a run was told."""
    run = m.telemetry
    if not run.epochs:
        return []
    losses: dict[str, Sequence[float | None]] = {"training": run.losses}
    if any(value is not None for value in run.validation_losses):
        losses["validation"] = run.validation_losses
    known = [value for line in losses.values() for value in line if value is not None]
    cards = [card("Loss", plots.curves(losses, label="loss", logarithmic=min(known) > 0), "of each epoch")]
    if run.measured():
        updates = {
            f"layer {i + 1}": [each[i].update / each[i].W if each and each[i].W else None for each in run.measures]
            for i in range(len(m.layers))
        }
        usual = "between 0.0001 and 0.01 is usual"
        cards.append(
            card("Size of the updates", plots.curves(updates, label="‖update‖ / ‖W‖", logarithmic=True), usual)
        )
    return cards


def _examples(m: Measurements, classes: Sequence[str]) -> list[str]:
    cards = [
        _histogram("Loss of the examples", "loss of one example", m.losses),
        _histogram("Gradient of the examples", "‖∇ℓ‖ of one example", m.norms),
    ]
    if m.targets.counts is not None:
        cards.append(_classes(m, m.targets.counts, classes))
    return [*cards, _worst(m, classes)]


def _histogram(title: str, label: str, values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    above = known[known > 0]
    left = [(len(values) - len(known), "not finite"), (len(known) - len(above), "at 0 or below, left of the picture")]
    by_factors = len(above) > 0.5 * len(known)
    note = "; ".join(f"{count} {words}" for count, words in left if count and (by_factors or words == "not finite"))
    shown = (above if by_factors else known).astype(np.float64).tolist()
    inside = plots.bars(shown, label=label, logarithmic=by_factors) if shown else "<p class='quiet'>none is finite</p>"
    return card(title, inside, note)


def _classes(m: Measurements, counts: np.ndarray, classes: Sequence[str]) -> str:
    recall = m.targets.recall
    order = np.argsort(counts, kind="stable")[:MOST_CLASSES] if len(counts) > MOST_CLASSES else np.arange(len(counts))
    names = [_class(k, classes) for k in order.tolist()]
    texts = [
        f"{counts[k]}" + ("" if recall is None or math.isnan(recall[k]) else f", {percent(float(recall[k]))} right")
        for k in order
    ]
    note = f"the {MOST_CLASSES} rarest of {len(counts)}" if len(counts) > MOST_CLASSES else ""
    lengths = {"examples": [float(counts[k]) for k in order]}
    return card("Classes", plots.meters(names, lengths, texts, full=float(counts.max())), note)


def _worst(m: Measurements, classes: Sequence[str]) -> str:
    """The examples with the largest loss: a NaN is larger than any."""
    order = np.argsort(-np.nan_to_num(m.losses, nan=np.inf), kind="stable")[:MOST_EXAMPLES]
    names, rows, t = ["example", "loss", "‖∇ℓ‖"], [], m.targets
    for n in order.tolist():
        rows.append([str(m.number(n)), short(float(m.losses[n])), short(float(m.norms[n]))])
        if t.given is not None and t.predicted is not None and t.confidence is not None:
            said = (_class(int(k[n]), classes) for k in (t.given, t.predicted))
            rows[-1] += [*said, short(float(t.confidence[n]))]
    more = [] if t.given is None else ["label", "the network says", "with ŷ"]
    shown = table([*names, *more], rows, numbers=True)
    return card(
        "Examples with the largest loss", shown, "rows of X, counted from 1" if m.counted_from else "", wide=True
    )


def _class(k: int, classes: Sequence[str]) -> str:
    return classes[k] if k < len(classes) else f"class {k}"
