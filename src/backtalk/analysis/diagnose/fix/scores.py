"""Scores on held-out rows that networks of different losses share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ....core.losses import BinaryCrossEntropy
from ....core.network import Network
from ....core.outputs import Softmax
from ....engines.passes import forward
from ..examples import Examples
from ..measure import Targets
from ..thresholds import LIMITS

SURE = 1.5  # standard errors by which accuracy has to differ before it decides alone: three rows of those that changed
CLEAR = 0.01  # of an RMSE or a log loss: less of a fall is no better result
LEAST = 1e-15  # of a probability, so that a log loss is a number


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """``values`` by name: of classes 'accuracy' and 'log_loss' (None without probabilities); else 'rmse', 'r2'.

    If classes have very different weight, also 'balanced_accuracy' and 'balanced_log_loss', in which each class counts
    alike.
    """

    values: dict[str, float | None]
    right: np.ndarray | None = field(default=None, repr=False)  # whether it gets each row right
    weight: np.ndarray | None = field(default=None, repr=False)  # of each row, in what decides

    def __getitem__(self, name: str) -> float | None:
        return self.values[name]

    def beats(self, other: Scores) -> bool:
        """Whether these are better: by RMSE; or by accuracy beyond chance, and else by log loss, if both have one.

        Chance is one and a half standard errors of the difference, row by row; RMSE and log loss have to fall by a
        hundredth.
        """
        if self.right is None or other.right is None or self.weight is None:
            return _is_lower(self.values["rmse"], other.values["rmse"])
        apart = self.right.astype(float) - other.right
        mean = float(self.weight @ apart)
        error = math.sqrt(float((self.weight**2) @ (apart - mean) ** 2))
        name = "balanced_log_loss" if "balanced_log_loss" in self.values else "log_loss"
        own, others = self.values[name], other.values[name]
        if abs(mean) > SURE * error or own is None or others is None:
            return mean > 0
        return _is_lower(own, others)


def is_better(own: Mapping[str, float | None], other: Mapping[str, float | None], rows: int, first: str) -> bool:
    """The same from the values alone, of as many rows, by RMSE or by ``first``, an accuracy, and the log loss."""
    if "rmse" in own:
        return _is_lower(own["rmse"], other["rmse"])
    share, others = own[first] or 0.0, other[first] or 0.0
    error = math.sqrt((share * (1 - share) + others * (1 - others)) / rows)
    if abs(share - others) > SURE * error or own["log_loss"] is None or other["log_loss"] is None:
        return share > others
    return _is_lower(own["log_loss"], other["log_loss"])


def _is_lower(own: float | None, others: float | None) -> bool:
    return own is not None and (others is None or own < (1 - CLEAR) * others)


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Held-out rows and their truth: ``labels`` (N,) of ``classes``, or (N, k) of yes and no; or ``numbers``."""

    X: np.ndarray
    weight: np.ndarray
    labels: np.ndarray | None = None
    numbers: np.ndarray | None = None
    classes: int = 2
    by_class: np.ndarray | None = None  # weights with which each class counts alike

    def score(self, network: Network) -> Scores:
        """Of a network on these rows."""
        with np.errstate(all="ignore"):
            output = np.asarray(forward(network, network.spec.cast(self.X)).output, np.float64)
            if self.labels is None:
                return self._of_numbers(np.asarray(network.loss.prediction(output)))
            said, shares = self._classes_of(network, output)
            return self._of_classes(said, shares)

    def _of_numbers(self, said: np.ndarray) -> Scores:
        truth = self.numbers
        assert truth is not None
        squares = float(self.weight @ ((said - truth) ** 2).mean(axis=1))
        spread = float(self.weight @ ((truth - self.weight @ truth) ** 2).mean(axis=1))
        rmse = math.sqrt(squares) if math.isfinite(squares) else None
        return Scores({"rmse": rmse, "r2": 1 - squares / spread if rmse is not None and spread > 0 else None})

    def _classes_of(self, network: Network, output: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The classes that it says, shaped as the labels, and ŷ of the true ones; None if they are no probabilities."""
        labels = self.labels
        assert labels is not None
        shares = network.output.range == (0.0, 1.0)
        if labels.ndim == 2:
            return (output > 0.5).astype(int), np.where(labels == 1, output, 1 - output) if shares else None
        if output.shape[1] == 1:
            said = np.nan_to_num(output[:, 0])
            if self.classes > 2:
                return np.clip(np.round(said), 0, self.classes - 1).astype(int), None
            of_true = np.where(labels == 1, output[:, 0], 1 - output[:, 0])
            return (said > 0.5).astype(int), of_true if shares and not isinstance(network.output, Softmax) else None
        if shares:
            output = output / output.sum(axis=1, keepdims=True)
        return output.argmax(axis=1), output[np.arange(len(labels)), labels] if shares else None

    def _of_classes(self, said: np.ndarray, of_true: np.ndarray | None) -> Scores:
        labels = self.labels
        assert labels is not None
        losses = None if of_true is None else -np.log(np.maximum(np.nan_to_num(of_true), LEAST))
        right = said == labels
        if labels.ndim == 2:
            right, losses = right.mean(axis=1), None if losses is None else losses.mean(axis=1)

        def both(weight: np.ndarray, name: str) -> dict[str, float | None]:
            return {
                f"{name}accuracy": float(weight @ right),
                f"{name}log_loss": None if losses is None else float(weight @ losses),
            }

        values = both(self.weight, "")
        if self.by_class is not None:
            values |= both(self.by_class, "balanced_")
        return Scores(values, np.asarray(right, float), self.weight if self.by_class is None else self.by_class)


def judge_of(held_out: Examples, rows: np.ndarray, kinds: set[str], targets: Targets) -> Judge:
    """Those rows; ``kinds``: of the findings, which tell numbers from labels; ``targets``: of what is trained on."""
    network = held_out.network
    X, weight = held_out.X[rows], np.asarray(held_out.weight[rows], np.float64)
    weight = weight / weight.sum()
    target = np.asarray(held_out.target(slice(None)), np.float64)[rows]
    labels, classes = labels_in(network, target, "wrong_loss" in kinds, targets)
    if labels is None:
        return Judge(X, weight, numbers=np.asarray(network.loss.prediction(target)))
    by_class = None
    if "class_imbalance" in kinds and labels.ndim == 1:
        sums = np.bincount(labels, weights=weight, minlength=classes)
        by_class = np.where(sums[labels] > 0, weight / np.where(sums > 0, sums, 1)[labels], 0.0)
        by_class = by_class / by_class.sum()
    return Judge(X, weight, labels=labels, classes=classes, by_class=by_class)


def labels_in(
    network: Network, target: np.ndarray, wrong_loss: bool, targets: Targets
) -> tuple[np.ndarray | None, int]:
    """The classes of targets (N, k), and how many there are; None if they are numbers."""
    if not len(target):
        return None, 0
    outputs = target.shape[1]
    natural = network.loss.takes_classes or network.head.takes_labels
    if outputs > 1 and (natural or targets.one_hot):
        return target.argmax(axis=1), outputs
    answers = isinstance(network.loss, BinaryCrossEntropy) or network.output.range == (0.0, 1.0)
    if answers and np.isin(target, (0.0, 1.0)).all():
        labels = target.astype(int)
        return (labels[:, 0] if outputs == 1 else labels), 2
    if wrong_loss and outputs == 1 and are_labels(targets) and (target == np.round(target)).all():
        count = int(targets.most[0]) + 1
        return np.clip(target[:, 0].astype(int), 0, count - 1), count
    return None, 0


def are_labels(targets: Targets) -> bool:
    """Whether one column of targets holds the whole numbers 0, 1, … without a gap, few of them."""
    levels = targets.levels or 0
    least, most = float(targets.least[0]), float(targets.most[0])
    return targets.whole and least == 0 and most == levels - 1 and 2 <= levels <= LIMITS.classes
