"""What the targets say of the loss: labels that it cannot mean, classes taken for numbers, scale, rare classes."""

from __future__ import annotations

import math

import numpy as np

from ...diagnose.finding import Finding, finding
from ...diagnose.statistics import root_mean_square
from ...diagnose.thresholds import LIMITS
from ...diagnose.words import are, counted, listed, percent
from .aims import Aim

NUMERIC = ("mse_loss", "smooth_l1_loss", "huber_loss")
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
RANGES = {  # of what an activation gives, by autograd's operation
    "Sigmoid": (0.0, 1.0), "Hardsigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0),
    "Relu": (0.0, math.inf), "Softplus": (0.0, math.inf), "LogSoftmax": (-math.inf, 0.0),
}  # fmt: skip
NAMED = {"Relu": "ReLU", "Tanh": "Tanh", "Softplus": "Softplus", "LogSoftmax": "log_softmax"}


def find_in_targets(aim: Aim) -> list[Finding]:
    """All that the targets of one loss say."""
    if not aim.rows:
        return _all_ignored(aim)
    if not np.isfinite(aim.t).all():
        bad = int((~np.isfinite(aim.t)).any(axis=1).sum())
        return finding(
            "non_finite_data", bad, "targets that are not finite",
            f"{counted(bad, 'target')} of {aim.rows} that {aim.name} is given {are(bad)} not finite.",
            "See where the values come from, and leave these rows out or fill the values in.",
            numbers={"examples": bad},
        )  # fmt: skip
    outside = _outside(aim)
    if outside:
        return outside
    return _one_target(aim) or [*_kind(aim), *_range(aim), *_scale(aim), *_classes(aim)]


def _all_ignored(aim: Aim) -> list[Finding]:
    return finding(
        "labels_outside_classes", aim.ignored, "every label is passed over",
        f"All {aim.ignored} labels that {aim.name} is given are its ignore_index: the mean over none is NaN.",
        "See where the labels come from, and that ignore_index is the number of the padding alone.",
        numbers={"targets": aim.ignored},
    )  # fmt: skip


def _outside(aim: Aim) -> list[Finding]:
    """Targets that the loss cannot mean."""
    t = aim.t
    if aim.kind in BINARY:
        wrong = (t < 0) | (t > 1)
        between = "between 0 and 1"
    elif aim.kind == "soft_margin_loss":
        wrong = np.abs(t) != 1
        between = "that are −1 or 1"
    else:
        return []
    count = int(wrong.sum())
    if not count:
        return []
    values = np.unique(t)
    shown = listed(f"{value:g}" for value in values) if len(values) <= 5 else f"{values[0]:g} to {values[-1]:g}"
    whole = bool((values == np.floor(values)).all())
    if aim.kind == "soft_margin_loss":
        advice = "Write 2*y − 1 for labels 0 and 1; or use BCEWithLogitsLoss, which takes 0 and 1."
    elif values[0] == -1 and values[-1] == 1 and len(values) <= 3:
        advice = "Write (y + 1)/2, so that the labels are 0 and 1; or use nn.SoftMarginLoss, which takes −1 and 1."
    elif whole and 200 < values[-1] <= 255:
        advice = "Divide them by 255."
    elif whole and values[0] >= 0 and len(values) <= LIMITS.classes:
        advice = (
            f"For classes use CrossEntropyLoss with {int(values[-1]) + 1} outputs and labels from 0; for two classes "
            "subtract the smallest label, so that they are 0 and 1."
        )
    else:
        advice = "Scale the targets to 0 and 1; for quantities use nn.MSELoss, without a sigmoid."
    after = " and below 0 or above 1 its loss has no lower end" if aim.kind in BINARY else ""
    return finding(
        "labels_outside_classes", count, f"targets that {aim.name} cannot mean",
        f"{aim.name} takes targets {between}, but {count} of {t.size} are others: they are {shown}{after}.", advice,
        numbers={"targets": count, "least": float(values[0]), "most": float(values[-1])},
    )  # fmt: skip


def _one_target(aim: Aim) -> list[Finding]:
    """Every target is the same."""
    if aim.rows < 2 or not (aim.t == aim.t[0]).all() or not aim.alone or aim.foreign:
        return []
    value = float(aim.t[0, 0])
    numeric = aim.kind not in ("nll_loss", "multi_margin_loss")
    if aim.kind in NUMERIC and not aim.t.any():
        return []  # a residual that is to vanish
    # the two halves of a discriminator's loss have one target each
    half = numeric and value in (0.0, 1.0)
    what = "target" if numeric else "class"
    called = listed(f"{each:.6g}" for each in aim.t[0])
    return finding(
        "one_target", 1.0, f"every example has the same {what}",
        f"All {aim.rows} examples that {aim.name} is given have {what} {called}: a bias alone reaches the least loss, "
        "and the inputs teach nothing.",
        "See where the targets come from: a filter, a join, or rows that are sorted by class (DataLoader with "
        "shuffle=True mixes them).",
        most="severe" if aim.rows >= LIMITS.examples and not half else "note",
        numbers={"examples": aim.rows, what: value},
    )  # fmt: skip


def _kind(aim: Aim) -> list[Finding]:
    """Targets of another kind than the loss's."""
    t, columns = aim.t, aim.t.shape[1]
    if aim.rows < LIMITS.examples:
        return []
    one_hot = columns > 1 and bool(((t == 0) | (t == 1)).all() and (t.sum(axis=1) == 1).all())
    several = one_hot and int(t.any(axis=0).sum()) > 1
    probabilities = aim.before in ("Softmax", "Sigmoid")
    numbers = {"loss": aim.name, "outputs": columns}
    title = f"{aim.name} does not suit these targets"
    if several and aim.kind in NUMERIC and probabilities:
        return finding(
            "wrong_output", 1.0, f"{aim.name} of probabilities",
            f"With {aim.name} the gradient has the slope of {aim.before.lower()} as a factor, which is nearly 0 where "
            "the network is sure: an example that is wrong by far is corrected most slowly.",
            "Use CrossEntropyLoss with raw logits.", most="note", numbers=numbers,
        )  # fmt: skip
    if several and aim.kind in NUMERIC:
        said = (
            f"Each of the {aim.rows} rows of the targets has one 1 among {columns}: these are classes. {aim.name} "
            "takes them for quantities, and an example that is wrong by far is hardly corrected sooner than one that "
            "is nearly right."
        )
        return finding("wrong_loss", 1.0, title, said, "Use CrossEntropyLoss with raw logits.", numbers=numbers)
    if several and aim.kind in BINARY:
        said = (
            f"Each of the {aim.rows} rows of the targets has one 1 among {columns}, so the classes exclude one "
            f"another; {aim.name} takes each output for a question of its own."
        )
        most = "note" if aim.before == "Softmax" or columns == 2 or aim.weighted else "warning"
        advice = "Use CrossEntropyLoss with raw logits, whose softmax gives one probability to each class."
        return [] if most == "note" else finding("wrong_loss", 1.0, title, said, advice, most=most, numbers=numbers)
    if aim.kind in NUMERIC and columns == 1:
        return _labels_as_numbers(aim, title)
    return []


def _labels_as_numbers(aim: Aim, title: str) -> list[Finding]:
    """Whole numbers 0, 1, … without a gap, of which each is there often."""
    values = np.unique(aim.t)
    levels = len(values)
    if not (values == np.arange(levels)).all() or not 2 <= levels <= LIMITS.classes:
        return []
    if aim.rows < LIMITS.examples_of_class * levels or constant_parts(aim):
        return []
    if levels == 2:
        said = f"The {aim.rows} targets are nothing but 0 and 1: yes or no, which {aim.name} takes for a quantity."
        advice = "Use nn.BCEWithLogitsLoss with 1 output and no sigmoid, or CrossEntropyLoss with 2."
    else:
        said = (
            f"The {aim.rows} targets are nothing but the whole numbers 0 to {levels - 1}. If they are classes, "
            f"{aim.name} takes class 2 for the mean of 1 and 3."
        )
        advice = (
            f"For classes, use CrossEntropyLoss with {levels} outputs; for counts, nn.PoissonNLLLoss; for grades on a "
            "scale this loss may stay."
        )
    numbers = {"loss": aim.name, "outputs": 1, "levels": levels}
    return finding("wrong_loss", 1.0, title, said, advice, most="warning", numbers=numbers)


def constant_parts(aim: Aim) -> bool:
    """Whether of several losses most had one target alone: those of a discriminator, or batches that are sorted."""
    ends = np.cumsum(aim.parts)
    parts = [aim.t[end - rows : end] for end, rows in zip(ends, aim.parts, strict=True)]
    constant = sum(bool((part == part[:1]).all()) for part in parts)
    return len(parts) > 1 and 2 * constant >= len(parts)


def _range(aim: Aim) -> list[Finding]:
    """Targets that the output function cannot reach."""
    t = aim.t
    if aim.kind in BINARY and aim.before == "Softmax" and t.shape[1] > 1:
        several = (t.sum(axis=1) > 1 + 1e-6).sum()
        return finding(
            "wrong_output", 1.0, f"softmax with {aim.name}",
            f"{counted(int(several), 'row')} of {aim.rows} of the targets have more than one 1, but softmax gives "
            "probabilities that add up to 1: no weights reach them.",
            "Use nn.BCEWithLogitsLoss with raw outputs (sigmoid for predictions).",
            numbers={"rows": int(several)},
        ) if several else []  # fmt: skip
    if aim.kind not in NUMERIC or aim.before not in RANGES:
        return []
    least, most = RANGES[aim.before]
    slack = 1e-6 + 0.01 * (most - least) if math.isfinite(most - least) else 1e-6
    beyond = (t < least - slack) | (t > most + slack)
    share = float(beyond.mean())
    if not share:
        return []
    function = NAMED.get(aim.before, aim.before.lower())
    between = (
        f"between {least:g} and {most:g}"
        if math.isfinite(most - least)
        else (f"of {least:g} or more" if math.isinf(most) else f"up to {most:g}")
    )
    return finding(
        "wrong_output", 1.0, f"targets out of reach of {function}",
        f"The targets reach from {t.min():.4g} to {t.max():.4g}, but {function} behind the last layer gives numbers "
        f"{between}: no weights reach {percent(share)} of them.",
        f"Take the {function} behind the last layer out of forward, or scale the targets into its range.",
        most="severe" if share >= 0.05 else "warning", numbers={"share": share},
    )  # fmt: skip


def _scale(aim: Aim) -> list[Finding]:
    """Numeric targets far larger or smaller than 1."""
    if aim.kind not in NUMERIC or _counts_or_labels(aim):
        return []
    sizes = [root_mean_square(column) for column in aim.t.T] if aim.t.shape[1] <= 1000 else [root_mean_square(aim.t)]
    worst = int(np.argmax(sizes))
    size, column = float(sizes[worst]), aim.t[:, worst]
    most = "warning" if _has_learned(aim) else "severe"
    said = (
        f"The targets of {aim.name} have mean {column.mean():.3g} and standard deviation {column.std():.3g}; the root "
        f"of their mean square is {size:.3g}, where initial outputs, and the steps of an optimizer, are made for "
        "numbers near 1."
    )
    scaled = "Subtract their mean and divide by their standard deviation, and scale the predictions back."
    numbers = {"root_mean_square": size, "mean": float(column.mean()), "std": float(column.std()), "output": worst}
    return finding(
        "targets_not_scaled", size, "targets are not scaled", said, scaled, most=most, numbers=numbers
    ) + finding(
        "targets_too_small", size if size > 0 else math.nan, "targets are very small", said, scaled, most=most,
        numbers=numbers,
    )  # fmt: skip


def _counts_or_labels(aim: Aim) -> bool:
    return bool(_kind(aim))


def _has_learned(aim: Aim) -> bool:
    """Whether the outputs are much nearer to the targets than their mean is."""
    if aim.outputs is None or aim.outputs.shape != aim.t.shape:
        return False
    spread = float(np.square(aim.t - aim.t.mean(axis=0)).mean())
    return spread > 0 and float(np.square(aim.outputs - aim.t).mean()) <= LIMITS.learned * spread


def _classes(aim: Aim) -> list[Finding]:
    """Classes that are rare, or never there."""
    binary = aim.kind in BINARY and aim.t.shape[1] == 1 and bool(((aim.t == 0) | (aim.t == 1)).all())
    if not binary and (aim.kind != "nll_loss" or not 2 <= aim.classes <= LIMITS.classes):
        return []
    labels, classes = aim.t[:, 0].astype(np.int64), 2 if binary else aim.classes
    if aim.rows < LIMITS.examples or labels.min() < 0 or labels.max() >= classes or aim.foreign:
        return []
    counts = np.bincount(labels, minlength=classes)
    return _missing(aim, counts) + _imbalance(aim, labels, counts)


def _missing(aim: Aim, counts: np.ndarray) -> list[Finding]:
    classes, missing = len(counts), np.flatnonzero(counts == 0)
    # one batch may lack a class by chance, and batches that are sorted by class have a finding of their own
    enough = aim.rows >= LIMITS.examples_of_class * classes and not constant_parts(aim)
    return finding(
        "missing_classes", len(missing), "classes that never occur",
        f"{counted(len(missing), 'class')} of {classes} {are(len(missing))} the class of none of {aim.rows} examples: "
        f"{listed(missing.tolist())}.",
        "Give the network as many outputs as there are classes, numbered from 0; or see whether a part of the data "
        "was left out, such as where rows are sorted by class.",
        most="warning" if enough and len(aim.parts) > 1 else "note",
        numbers={"missing": len(missing), "classes": classes}, units=missing,
    )  # fmt: skip


def _imbalance(aim: Aim, labels: np.ndarray, counts: np.ndarray) -> list[Finding]:
    present = np.flatnonzero(counts)
    if len(present) < 2 or constant_parts(aim):
        return []
    rare, common = (int(present[place(counts[present])]) for place in (np.argmin, np.argmax))
    ratio = float(counts[common] / counts[rare])
    said = f"Of {aim.rows} examples class {common} has {counts[common]}, and class {rare} has {counts[rare]}."
    recall, learned = None, False
    if aim.outputs is not None:
        guess = aim.outputs[:, 0]
        if aim.kind in BINARY:
            guess = guess > (0 if aim.kind.endswith("logits") else 0.5)
        later = np.arange(aim.rows) >= aim.rows // 2  # of several steps, those that know more
        right, of_rare = (guess == labels)[later], (labels == rare)[later]
        if of_rare.any():
            recall = float(right[of_rare].mean())
            learned = recall >= LIMITS.recall and float(right.mean()) >= LIMITS.accurate
            said += f" The network gets {percent(recall)} of the rare class right."
    weight = "BCEWithLogitsLoss a pos_weight" if aim.kind in BINARY else "CrossEntropyLoss a weight for each class"
    return finding(
        "class_imbalance", ratio, "classes of very different weight", said,
        f"Give {weight}, or draw the classes evenly (WeightedRandomSampler); judge by each class's recall rather than "
        f"by accuracy, and look for more examples of class {rare}.",
        most="note" if aim.weighted or learned else "severe",
        numbers={"ratio": ratio, "rare": rare, "common": common, "recall": recall}, units=(rare,),
    )  # fmt: skip
