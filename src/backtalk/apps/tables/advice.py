"""What someone with a table can do about each finding of the doctor: in the options of ``backtalk train``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from ...analysis.diagnose import Doctor, Finding
from .options import Options
from .verdict import WELL

GIVEAWAYS = {"too_good_to_be_true", "one_column_decides"}


def for_table(finding: Finding, options: Options) -> Finding:
    """The finding, with advice that a table's user can follow; ``options``: all of them known, as of a run."""
    return replace(finding, advice=ADVICE[finding.kind](finding, options))


def agreed(finding: Finding, verdict: Collection[str]) -> Finding | None:
    """The finding beside the names of what the verdict says: milder, or None, if that already explains it."""
    if finding.kind == "mislabelled_examples" and GIVEAWAYS & set(verdict):
        return None  # what the network contradicts is one column, and not the label
    if finding.kind == "underfitting" and WELL in verdict:
        said = f"{finding.said} That little is more than chance, by the rows held out."
        return replace(finding, severity="note", title="the network has learned little", said=said)
    return finding


class TableDoctor(Doctor):
    """A doctor whose advice is for tables."""

    def __init__(self, options: Options, tell: Callable[[str], object] | None = None) -> None:
        super().__init__(tell)
        self.options = options

    def worded(self, finding: Finding) -> Finding:
        return for_table(finding, self.options)


def _slower(finding: Finding) -> str:
    rate = finding.numbers.get("learning_rate")
    return f"--learning-rate {rate / 10:g}" if isinstance(rate, float) and rate > 0 else "a smaller --learning-rate"


def _faster(finding: Finding, _: Options) -> str:
    rate = finding.numbers.get("learning_rate")
    more = f"--learning-rate {rate * 10:g}" if isinstance(rate, float) and rate > 0 else "a larger --learning-rate"
    return f"Try {more}, and again, until the loss falls within the first epochs."


def _imbalance(_: Finding, options: Options) -> str:
    weights = "" if options.class_weight else "Train with --class-weight balanced. "
    return (
        f"{weights}Judge by balanced accuracy, and by how many rows of each class are found, rather than by accuracy; "
        "more rows of the rare class help most."
    )


def _dominating(finding: Finding, options: Options) -> str:
    look = "Look at these rows of the table for wrong cells, also in the target."
    if finding.numbers.get("classes"):
        return f"{look} If they are right, --loss 'cross_entropy(label_smoothing=0.1)' or --clip-norm 1 helps."
    losses = "" if options.loss in ("huber", "absolute_error") else "--loss huber or --loss absolute_error, "
    return f"{look} If they are right, {losses}--clip-norm 1, or the target's logarithm in its place helps."


def _overfitting(_: Finding, options: Options) -> str:
    stop = "" if options.patience else "--patience 20, "
    penalty = f"{10 * (options.l2_penalty or 1e-4):g}"
    return f"Try {stop}--dropout 0.2, --l2-penalty {penalty}, or fewer units in --hidden; more rows help most."


def _underfitting(_: Finding, options: Options) -> str:
    held = [
        f"{option} 0"
        for option, value in (("--l2-penalty", options.l2_penalty), ("--dropout", options.dropout))
        if value
    ]
    less = f", or less of what holds it back ({', '.join(held)})" if held else ""
    return f"The columns may say little about the target: add some that do. Else try more units in --hidden{less}."


def _always(sentence: str) -> Callable[[Finding, Options], str]:
    return lambda *_: sentence


SCALED = "Take a loss for which the target is scaled (--loss squared_error), or divide the numbers of the column first."
SHALLOW = "Use fewer layers in --hidden, and --activation tanh, relu or silu instead of sigmoid."
ADVICE: dict[str, Callable[[Finding, Options], str]] = {
    "non_finite_data": _always("Correct or empty these cells."),
    "wrong_loss": _always("If these are classes, --task classification; for counts, --loss poisson_deviance."),
    "wrong_output": _always("Leave --output out: each loss has one that suits it."),
    "one_target": _always("See where the rows come from: a filter, or their order, may have left one kind only."),
    "inputs_not_scaled": _always(
        "Look at this column: its numbers are far from those of the training rows. If they are right, train with them."
    ),
    "inputs_too_small": _always("These columns hardly vary: add others."),
    "targets_not_scaled": _always(SCALED),
    "targets_too_small": _always(SCALED),
    "constant_columns": _always("There is nothing to do, unless they should have varied."),
    "duplicate_columns": _always("One of each pair is enough: --ignore the other."),
    "missing_classes": _always("Add rows of these classes, or merge them with others."),
    "uninformative_features": _always("Add columns that say something of the target; these do not."),
    "linear_layers": _always("Use --activation relu."),
    "penalty_too_strong": _always("Use a smaller --l2-penalty."),
    "dropout_too_strong": _always("Use --dropout 0.2 or less."),
    "nothing_arrives": _always("Use --activation leaky_relu, which is never flat, and another --seed."),
    "symmetry": _always("Train anew with another --seed."),
    "class_imbalance": _imbalance,
    "mislabelled_examples": _always(
        "Look at these rows, the first ones first, and correct labels that are wrong. Keep the rows whose labels are "
        "right: the classes overlap there, and leaving such rows out makes the scores better and the predictions worse."
    ),
    "dominating_examples": _dominating,
    "exploding_gradient": _always("Use --clip-norm 1, a smaller --learning-rate, or fewer layers in --hidden."),
    "batch_too_small": lambda _, options: (
        f"Use --batch-size {4 * (options.batch_size or 16)}, or a learning rate that falls: --schedule cosine."
    ),
    "learning_rate_too_high": lambda finding, _: (
        f"Try {_slower(finding)}, or --schedule cosine; --clip-norm 1 holds single steps back."
    ),
    "non_finite": lambda finding, _: f"Try {_slower(finding)}, or --clip-norm 1.",
    "saturated_units": lambda finding, _: f"Try {_slower(finding)}, or --l2-penalty 0.01, which keeps weights small.",
    "dead_units": lambda finding, _: f"Try {_slower(finding)}, or --activation leaky_relu, which is never flat.",
    "vanishing_gradient": _always(SHALLOW),
    "layer_not_learning": _always(SHALLOW),
    "learning_rate_too_low": _faster,
    "training_too_short": lambda _, options: f"Train for more epochs: --epochs {2 * (options.epochs or 100)}.",
    "overfitting": _overfitting,
    "loss_stands_still": _always(
        "Look at the other findings first. If there are none, the columns say nothing about the target: add others."
    ),
    "underfitting": _underfitting,
}
