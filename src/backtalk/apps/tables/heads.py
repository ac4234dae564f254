"""The output function and the loss of a run, and whether its target goes together with them."""

from __future__ import annotations

import math

import numpy as np

from ...core.head import Head, as_head
from ...core.losses import LOSSES, BinaryCrossEntropy, PoissonDeviance, Quantiles, SquaredError
from ...errors import InputError, quoted
from .decisions import require_threshold
from .metric_names import require_metric
from .options import Options
from .rows import rows_text
from .target import CLASSIFICATION, REGRESSION, Target

WHOLE = 1e-5  # how far from a whole number one may be that float32 made of it
TASK_LOSSES = {CLASSIFICATION: "cross_entropy", REGRESSION: "squared_error"}  # where no loss is asked for


def head_for(options: Options, target: Target) -> Head:
    """The output function and the loss, which must suit the task."""
    if options.quantiles and target.classifies:
        raise InputError(
            f"are {[*options.quantiles]}, but {quoted(target.name)} holds classes, which have none: leave "
            "them out, or give --task regression.",
            argument="quantiles",
        )
    of_task = Quantiles(options.quantiles) if options.quantiles else TASK_LOSSES[target.task]
    head = as_head(options.loss or of_task, options.output)
    loss = head.loss
    if target.classifies and not head.takes_labels:
        raise InputError(
            f"is '{loss}', but the task is classification: expected {_names(classes=True)}; or --output softmax "
            "with a loss of numbers.",
            argument="loss",
        )
    if not target.classifies and (loss.takes_classes or isinstance(loss, BinaryCrossEntropy)):
        raise InputError(f"is '{loss}', but the task is regression: expected {_names(classes=False)}.", argument="loss")
    if not target.classifies and head.output.name == "softmax":
        raise InputError(
            "is 'softmax', which is always 1 for a single number: expected another, or none.", argument="output"
        )
    if options.class_weight is not None and not target.classifies:
        raise InputError("is given, but the task is regression, which has no classes.", argument="class_weight")
    if options.interval and target.classifies:
        raise InputError(
            f"is {options.interval:g}, but {quoted(target.name)} holds classes, which have no ends: leave it out.",
            argument="interval",
        )
    if options.metric is not None:
        require_metric(options.metric, target, head)
    require_threshold(options, target, head.output.name == "softmax")
    return head


def _names(classes: bool) -> str:
    """The losses of classes, or those of numbers."""
    kinds = {name: kind() for name, kind in LOSSES.items()}
    *names, last = (
        name
        for name, loss in kinds.items()
        if loss.takes_classes == classes and not isinstance(loss, BinaryCrossEntropy)
    )
    return f"{', '.join(names)} or {last}"


def scaled_for(target: Target, head: Head, y: np.ndarray) -> Target:
    """The target on a scale that the output can have.

    Mean 0 and standard deviation 1 if output and loss take any number; standard deviation 1 if one of them has an end,
    such as 0; as it is in the table if the output has two ends, or is the natural one of a loss of counts.
    """
    low, high = head.output.range
    counts = bool(np.isfinite(head.loss.domain).any())
    if (math.isfinite(low) and math.isfinite(high)) or (counts and head.is_natural):
        return target
    return target.scaled_by(y, centre=not (math.isfinite(low) or math.isfinite(high) or counts))


def require_counts(target: Target, head: Head, numbers: np.ndarray, rows: np.ndarray) -> None:
    """Refuse numbers below 0 where counts are learned; ``rows``: in which they stand, counted from 0."""
    below = numbers < 0
    if isinstance(head.loss, PoissonDeviance) and below.any():
        place = int(below.argmax())
        raise InputError(
            f"is '{head.loss}', but {quoted(target.name)} is {numbers[place]:g} in row {rows[place] + 1}, "
            "expected counts or rates of 0 or more.",
            argument="loss",
        )


def out_of_reach(target: Target, head: Head, y: np.ndarray) -> list[str]:
    """What there is to say of numbers that the output cannot be."""
    low, high = head.output.range
    outside = int(((y < low) | (y > high)).sum())
    if not outside:
        return []
    ends = f"{low * target.scale:g} to {high * target.scale:g}"
    return [f"{rows_text(outside)} of {quoted(target.name)} cannot be reached: the output {head.output} gives {ends}."]


def said_of_counts(target: Target, head: Head, y: np.ndarray) -> list[str]:
    """The advice to learn counts as such, if the numbers plainly are some: whole, from 0 on, most of them small."""
    if not isinstance(head.loss, SquaredError):
        return []
    numbers = target.decode(y)
    are_whole = bool((np.abs(numbers - numbers.round()) < WHOLE * np.maximum(1, np.abs(numbers))).all())
    if not are_whole or round(numbers.min()) != 0 or not numbers.mean() > np.median(numbers):
        return []
    return [
        f"{quoted(target.name)} holds whole numbers from 0 on, as counts are: --loss poisson_deviance learns their "
        "rates, which are never below 0."
    ]


def said_of_quantiles(options: Options) -> list[str]:
    if len(options.quantiles) < 2:
        return []
    return ["the quantiles of a row are put in order: none is below one of a lower level."]


def beyond_float32(target: Target, truth: dict[str, np.ndarray]) -> list[str]:
    """Refuse numbers that cannot be trained or validated on; what there is to say of those among the test rows."""
    counts = {part: int(np.isinf(y).sum()) for part, y in truth.items()}
    where = [part for part, count in counts.items() if count and part != "test"]
    name = quoted(target.name)
    if where:
        raise InputError(
            f"target {name} has {rows_text(counts[where[0]])} too far from the others for float32 in the rows "
            f"for {where[0]}: divide them, or empty the cells."
        )
    if not counts.get("test"):
        return []
    return [f"test rows: {rows_text(counts['test'])} of {name} too far from the others for float32: no scores."]
