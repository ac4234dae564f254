"""What someone at the page can do about each finding of the doctor: with the controls that it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...analysis.diagnose import Finding
from .datasets import SETS
from .settings import Settings


def for_page(finding: Finding, settings: Settings) -> Finding:
    """The finding, with advice for the controls of the page and the data; ``settings``: how they stand."""
    said = ADVICE[finding.kind]
    advice = said if isinstance(said, str) else said(settings)
    if settings.data in SETS and FILE in advice:
        advice = BUILT_IN.get(finding.kind, OTHER_DATA)
    if finding.kind == "dominating_examples":
        advice = f"{advice} {_quieter(settings, classifies=bool(finding.numbers['classes']))}"
    return replace(finding, advice=advice)


def _rate(settings: Settings, factor: float) -> str:
    return f"a Learning rate of {float(f'{settings.rate * factor:.2g}'):g}"


def _slower(also: str = "") -> Callable[[Settings], str]:
    return lambda settings: f"Try {_rate(settings, 0.1)}{also}: Reset, and Run."


def _activation(names: str) -> str:
    return f"Choose {names} as Activation."


def _steeper(settings: Settings) -> str:
    """Advice for a gradient that is lost on its way, which is not what is chosen already."""
    if any(name.startswith(("relu", "leaky_relu")) for name in settings.activation):
        return "Use fewer layers, or another Seed."
    return "Choose relu as Activation, and use fewer layers."


def _quieter(settings: Settings, *, classifies: bool) -> str:
    """How the loudest rows get less of a say."""
    choice = f"a Batch size of {4 * settings.batch}" if classifies else "huber as Loss"
    return f"With {choice} each of them says less."


FILE = "in Your file"
OTHER_DATA = "This set is built in, and stays as it is: choose other Data."
SCALED = (
    f"Subtract the mean of each column and divide by its standard deviation, {FILE}; a .csv or .parquet file is scaled "
    "when it is read."
)
TARGETS = f"Divide y {FILE}, so that it is near 1."
AUTO = "Choose auto as Output, and as Loss: what suits the data."
NEW_SEED = "Choose auto as First weights, under More, and another Seed: the first weights are drawn anew."
ROWS = f"Look at these rows {FILE}"
ADVICE: dict[str, str | Callable[[Settings], str]] = {
    "non_finite_data": f"Correct these cells {FILE}, or leave their rows out.",
    "wrong_loss": AUTO,
    "wrong_output": AUTO,
    "one_target": f"See where the rows {FILE} come from, which have one kind of target only; or choose another Target.",
    "inputs_not_scaled": SCALED,
    "inputs_too_small": SCALED,
    "targets_not_scaled": TARGETS,
    "targets_too_small": TARGETS,
    "constant_columns": "There is nothing to do, unless they should have varied.",
    "duplicate_columns": "There is nothing to do; one of each pair is enough.",
    "missing_classes": f"Add rows of these classes {FILE}, or leave the classes out.",
    "uninformative_features": f"Add columns {FILE} that say something of the target, or choose another Target.",
    "linear_layers": _activation("relu or tanh"),
    "symmetry": NEW_SEED,
    "penalty_too_strong": lambda settings: (
        "Choose a smaller L2 penalty, under More."
        if settings.l2_penalty
        else "Choose adam as Optimizer, which pulls at no weight."
    ),
    "dropout_too_strong": "Choose a smaller Dropout, under More.",
    "nothing_arrives": f"{_activation('leaky_relu')} It is never flat. And choose auto as Output.",
    "class_imbalance": f"See how it does on the rare class, rather than the score; more rows of that {FILE} help most.",
    "mislabelled_examples": f"{ROWS}, the first ones first, and correct wrong labels.",
    "dominating_examples": f"{ROWS} for wrong values, and correct these.",
    "exploding_gradient": lambda settings: f"Use fewer layers, or {_rate(settings, 0.1)}: Reset, and Run.",
    "batch_too_small": lambda settings: f"Choose a Batch size of {4 * settings.batch}, or {_rate(settings, 0.1)}.",
    "learning_rate_too_high": _slower(),
    "non_finite": _slower(),
    "saturated_units": _slower(", or relu as Activation"),
    "dead_units": _slower(", or leaky_relu as Activation, which is never flat"),
    "vanishing_gradient": _steeper,
    "layer_not_learning": _steeper,
    "learning_rate_too_low": lambda settings: f"Try {_rate(settings, 10)}, and more, until the loss falls.",
    "training_too_short": "Run on, until the loss no longer falls.",
    "overfitting": "Stop where the loss on held-out rows was least; or use fewer units; or choose an L2 penalty or "
    f"Dropout, under More. More rows {FILE} help most.",
    "loss_stands_still": lambda settings: f"Try {_rate(settings, 10)}, another Activation, or another Seed.",
    "underfitting": "Run on, Add a layer, or give the layers more units. Or the columns say little of the target.",
}
UNSCALED = (
    "This set is not scaled here: try a smaller Learning rate. A .csv or .parquet file is scaled when it is read."
)
BUILT_IN = {  # what to do about the data of the page's own sets, which nobody can change
    "inputs_not_scaled": UNSCALED,
    "inputs_too_small": UNSCALED,
    "class_imbalance": "See how it does on the rare class, rather than the score.",
    "mislabelled_examples": "Look at these rows, the first ones first: the classes overlap there, or Noise put them "
    "there.",
    "dominating_examples": "Look at these rows: they are the hardest ones of this set.",
    "overfitting": "Stop where the loss on held-out rows was least; or use fewer units; or choose an L2 penalty or "
    "Dropout, under More.",
}
