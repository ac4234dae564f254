"""The network beside the constant, row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ....core.losses import AbsoluteError, Huber, Quantile, Quantiles
from ....core.network import Network
from ....errors import quoted
from ....pages.page import number_text
from ..judging.classes import of_labels
from ..metrics import gives_shares
from ..target import Target
from .chance import RARE, Difference, ranks, rises_with, tells_apart
from .constant import LEAST_SHARE, Constant, level_of
from .remark import FEW_TEST_ROWS, NO_BETTER, WELL, Remark

Numbers = np.ndarray


def words_of(part: str) -> str:
    """Which rows a part has, as an adjective.

    >>> words_of("out_of_fold"), words_of("test")
    ('out-of-fold', 'test')
    """
    return part.replace("_", "-")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows that are judged: which they are, their encoded targets, the network's output, and how much each counts."""

    part: str
    truth: Numbers
    output: Numbers
    weight: Numbers | None = None

    def __str__(self) -> str:
        noun = "row" if len(self.truth) == 1 else "rows"
        return " ".join(filter(None, [f"{len(self.truth):,}", words_of(self.part), noun]))


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A score by its ``name``, of the network and of the constant, which is ``always`` the same.

    ``gain``: of each row by how much the network does better, and what chance has to do with it.
    """

    name: str
    always: str
    own: float
    other: float
    gain: Difference

    def __str__(self) -> str:
        return f"{self.name} {number_text(self.own)} against {number_text(self.other)}"

    @property
    def chance(self) -> str:
        """The difference with the uncertainty of the rows, twice its standard deviation."""
        return f"{abs(self.gain.mean):.3g} give or take {2 * self.gain.error:.2g}"


def compare(target: Target, network: Network, constant: Constant, rows: Rows) -> Remark | None:
    """Whether the network is better than the constant; None if no row can be judged."""
    if target.classifies:
        return _say_of_classes(target, network, _of_classes(target, network, constant, rows), rows)
    y, predicted, weight = numbers_of(target, rows)
    if len(y) == 0:
        return None
    return _say_of_numbers(target, _of_numbers(network, constant, y, predicted, weight), rows, y, predicted)


def errors_of(target: Target, network: Network, rows: Rows) -> list[Numbers]:
    """Of each row, whether the class is wrong, and its log loss; or how far the number is off."""
    if not target.classifies:
        y, predicted, _ = numbers_of(target, rows)
        return [np.abs(predicted - y)]
    wrong = (target.labels_of(rows.output) != rows.truth).astype(np.float64)
    return [wrong, log_losses(rows)] if gives_shares(network) else [wrong]


def _say_of_classes(target: Target, network: Network, measures: Sequence[Measure], rows: Rows) -> Remark:
    first, *others = measures
    if first.gain.is_more:
        sentence = f"better than {first.always}: {first} on {rows}, a difference larger than chance ({first.chance})"
        return Remark(WELL, sentence)
    better = [str(each) for each in others if each.gain.is_more]
    if target.outputs == 2:
        positive, lead = rows.truth == 1, rows.output[:, 1] - rows.output[:, 0]
        if tells_apart(lead, positive, RARE):
            better.append(f"area under the ROC curve {number_text(area(lead, positive))} against 0.5")
    if not better:
        return _no_better(target, measures, rows)
    what = "probabilities" if gives_shares(network) else "scores"
    how = f"{_how_much(measures[:1])} than {first.always}"
    if first.gain.mean > 0:
        how = f"better than {first.always} by no more than chance makes"
    return Remark(
        "classes_no_better", f"the classes are {how}: {first} on {rows}; but the {what} are better: {better[0]}"
    )


def _say_of_numbers(target: Target, measures: Sequence[Measure], rows: Rows, y: Numbers, predicted: Numbers) -> Remark:
    best = next((each for each in measures if each.gain.is_more), None)
    if best is not None:
        return Remark(WELL, f"better than {best.always}: {best} on {rows}, a difference larger than chance")
    first = measures[0]
    if first.gain.mean > 0 and rises_with(predicted, y):
        sentence = f"better than {first.always}: {first} on {rows}; predicted and true numbers rise together"
        return Remark(WELL, sentence)
    return _no_better(target, measures, rows)


def _how_much(measures: Sequence[Measure]) -> str:
    return "worse" if all(each.gain.is_less for each in measures) else "no better"


def _no_better(target: Target, measures: Sequence[Measure], rows: Rows) -> Remark:
    first, few = measures[0], len(rows.truth) < FEW_TEST_ROWS
    how = _how_much(measures)
    sentence = f"{how} than {first.always}: {first} on {rows}"
    if how != "worse" and few:
        return Remark(
            NO_BETTER, f"{sentence}, too few to tell", "get more rows; a larger --test judges by more of them"
        )
    if how != "worse" and first.gain.mean > 0:
        figures = f" ({first.chance})" if target.classifies else ""
        sentence += f", a difference that chance makes as well{figures}"
        return Remark(
            NO_BETTER, sentence, "more rows would tell whether there is one; a larger --test judges by more of them"
        )
    advice = (
        f"the other columns may say nothing about {quoted(target.name)}: add columns that do, or more rows; with "
        "--diagnose a doctor says whether the training is at fault"
    )
    return Remark(NO_BETTER, sentence, advice)


def _of_classes(target: Target, network: Network, constant: Constant, rows: Rows) -> list[Measure]:
    truth, group = rows.truth, rows.truth if constant.balanced else None
    always = f"always {quoted(target.classes[constant.label])}"

    def mean(values: Numbers) -> float:
        return Difference.of(values, group, rows.weight).mean

    def add(name: str, own: Numbers, other: Numbers, sign: int) -> Measure:
        gain = Difference.of(sign * (own - other), group, rows.weight)
        return Measure(name, always, mean(own), mean(other), gain)

    right = (target.labels_of(rows.output) == truth).astype(np.float64)
    measures = [
        add("balanced accuracy" if constant.balanced else "accuracy", right, 1.0 * (truth == constant.label), 1)
    ]
    if gives_shares(network):
        shares = np.full(target.outputs, 1 / target.outputs) if constant.balanced else np.array(constant.shares)
        measures.append(add("log loss", log_losses(rows), -np.log(np.maximum(shares, LEAST_SHARE))[truth], -1))
    return measures


def _of_numbers(
    network: Network, constant: Constant, y: Numbers, predicted: Numbers, weight: Numbers | None
) -> list[Measure]:
    """Squares and distances, first those that the loss is of."""
    always = "the same number" if isinstance(network.loss, Quantile) else "the median of the training rows"
    mean, middle = ("always the mean of the training rows", constant.mean), (f"always {always}", constant.middle)
    return measures_of_numbers(network, y, predicted, weight, mean, middle)


def measures_of_numbers(
    network: Network,
    y: Numbers,
    predicted: Numbers,
    weight: Numbers | None,
    mean: tuple[str, Numbers | float],
    middle: tuple[str, Numbers | float],
) -> list[Measure]:
    """Squares and distances, first those that the loss is of, beside other predictions, with their names.

    ``mean``: predictions of which squares are compared; ``middle``: those of which distances are.
    """
    level = level_of(network)

    def pinball(residual: Numbers) -> Numbers:
        return np.maximum(level * residual, (level - 1) * residual)

    def add(
        name: str, of: Callable[[Numbers], Numbers], other: tuple[str, Numbers | float], root: bool = False
    ) -> Measure:
        own, theirs = of(y - predicted), of(y - other[1])
        first, second = (float(np.average(each, weights=weight)) for each in (own, theirs))
        if root:
            first, second = math.sqrt(first), math.sqrt(second)
        return Measure(name, other[0], first, second, Difference.of(theirs - own, weight=weight))

    if isinstance(network.loss, Quantile):
        return [add("mean quantile loss", pinball, middle)]
    squares = add("root mean squared error", np.square, mean, root=True)
    distances = add("mean absolute error", np.abs, middle)
    return [distances, squares] if isinstance(network.loss, AbsoluteError | Huber | Quantiles) else [squares, distances]


def numbers_of(target: Target, rows: Rows) -> tuple[Numbers, Numbers, Numbers | None]:
    """The true ones and the predicted ones, and the weights, of rows that count and whose numbers float32 holds."""
    known = are_known(target, rows)
    with np.errstate(over="ignore", invalid="ignore"):
        y, predicted = target.decode(rows.truth[known]), target.decode(rows.output[known])
    return y, predicted, None if rows.weight is None else rows.weight[known]


def are_known(target: Target, rows: Rows) -> Numbers:
    """Of each row, whether it counts, and its numbers and the square of their difference are finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        y, predicted = target.decode(rows.truth), target.decode(rows.output)
        known = np.isfinite(y) & np.isfinite(predicted) & np.isfinite((predicted - y) ** 2)
    return known if rows.weight is None else known & (rows.weight > 0)


def area(score: Numbers, positive: Numbers) -> float:
    """The area under the ROC curve: the share of the pairs of rows, one of each kind, that are in the right order."""
    first = int(positive.sum())
    return float((ranks(score)[positive].sum() - first * (first + 1) / 2) / (first * (len(score) - first)))


def log_losses(rows: Rows) -> Numbers:
    """Of each row −log of the share that is given to its class."""
    return -np.log(np.maximum(of_labels(rows.output, rows.truth), np.finfo(np.float32).tiny))
