"""What someone with a file of a network and a file of data can do about each finding of the doctor."""

from __future__ import annotations

from dataclasses import replace

from ...analysis.diagnose import Finding


def for_file(finding: Finding) -> Finding:
    """The finding, with advice that can be followed on the command line."""
    behind = finding.kind == "underfitting" and finding.severity != "note"  # simple models find more in these columns
    return replace(finding, advice=TRAINED if behind else ADVICE[finding.kind])


def _by_fix(what: str, else_: str = "") -> str:
    return f"--fix trains anew {what}, and compares." + (f" {else_}" if else_ else "")


FRESH = _by_fix("from new random weights")
SCALED = _by_fix(
    "with scaled columns, and folds the scales into the new model, which takes DATA as it is",
    "Or scale them in DATA, and train with that.",
)
TARGETS = _by_fix("with scaled targets, and folds the scale into the new model")
TRAINED = _by_fix("from new random weights, if need be with more units and for longer")
ROWS = "Look at these rows of DATA"
ADVICE = {
    "non_finite_data": "Correct these cells in DATA, or leave their rows out, as --fix does, which trains anew.",
    "wrong_loss": _by_fix(
        "with the loss that suits these targets", "If the last column is not the target, name it with --target."
    ),
    "wrong_output": _by_fix("with an output function that suits the loss"),
    "one_target": "See where DATA comes from: a filter, or the order of its rows, may have left one kind only; or name "
    "the target with --target.",
    "inputs_not_scaled": SCALED,
    "inputs_too_small": SCALED,
    "targets_not_scaled": TARGETS,
    "targets_too_small": TARGETS,
    "constant_columns": "There is nothing to do, unless they should have varied.",
    "duplicate_columns": "There is nothing to do; one of each pair is enough.",
    "missing_classes": "Add rows of these classes to DATA, or see whether a part of it was left out.",
    "uninformative_features": "Add columns to DATA that say something of the target; these do not. Or see that its "
    "rows and their targets belong together, and name the target with --target.",
    "linear_layers": _by_fix("with relu between the layers"),
    "symmetry": FRESH,
    "penalty_too_strong": _by_fix("with a weaker penalty"),
    "dropout_too_strong": _by_fix("with a dropout of 0.2"),
    "nothing_arrives": _by_fix("with functions that are never flat, from new random weights"),
    "class_imbalance": _by_fix("with more weight for the rare class", "More rows of it in DATA help most."),
    "mislabelled_examples": f"{ROWS}, the first ones first, and correct targets that are wrong. Keep the rows whose "
    "targets are right: there the classes overlap.",
    "dominating_examples": f"{ROWS} for wrong values. If they are right, --fix trains anew with a loss that listens to "
    "them less, or with clipped gradients, and compares.",
    "exploding_gradient": FRESH,
    "batch_too_small": _by_fix("with a learning rate that falls"),
    "learning_rate_too_high": _by_fix("with a smaller learning rate"),
    "non_finite": _by_fix("with a smaller learning rate", "See also that the columns of DATA are of usual size."),
    "saturated_units": _by_fix("with relu, from new random weights"),
    "dead_units": _by_fix("with leaky_relu, which is never flat"),
    "vanishing_gradient": _by_fix("with relu instead of sigmoid or tanh, from new random weights"),
    "layer_not_learning": _by_fix("with relu instead of sigmoid or tanh, from new random weights"),
    "learning_rate_too_low": _by_fix("with a larger learning rate"),
    "training_too_short": _by_fix("for twice as long"),
    "overfitting": _by_fix("and stops at the best epoch", "More rows in DATA help most."),
    "loss_stands_still": _by_fix(
        "with a larger learning rate", "If that does not help, the columns of DATA say nothing of the target."
    ),
    "underfitting": f"{TRAINED} Else the columns of DATA may say little of the target: add some that do.",
}
