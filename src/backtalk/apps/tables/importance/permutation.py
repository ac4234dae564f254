"""Permutation importance: how much worse a network gets if a column's cells are shuffled among the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import stdtrit

from ....core.mean import shares_of
from ....core.network import Network
from ....engines.passes import ends_in_blocks
from ..model import in_order

Losses = Callable[[np.ndarray, np.ndarray], np.ndarray]  # from y and ŷ of some rows to (rows,)

REPEATS = (3, 10)  # permutations of each column, at least and at most
MOST_ROWS = 5_000  # of a sample
FEWEST_ROWS = 500
WORK = 4e9  # multiplications, for all columns together: some tenths of a second on two cores
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Networks, whose mean judges, and X, y and perhaps weights of rows that they were not trained on.

    ``shares``: how much each network counts in the mean, if not alike.
    """

    networks: Sequence[Network]
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None
    shares: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class Importance:
    """By how much the measure grows without the column, and between which numbers that lies with 95 % confidence."""

    column: str
    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Effort:
    """How many rows are judged, and how many permutations of each column."""

    rows: int
    repeats: int


def affordable(rows: int, columns: int, judging: Sequence[Network]) -> Effort:
    """Of so many rows that could be judged, how many are: up to 5000, with 3 to 10 permutations, for a bounded work.

    With hundreds of columns the rows become fewer as well, but no fewer than 500.
    """
    of_a_row = sum(each.sizes[1] ** 2 + sum(n * m for n, m in pairwise(each.sizes[1:])) for each in judging)
    turns = WORK / (of_a_row * max(columns, 1))  # rows times permutations
    fewest, most = REPEATS
    rows = min(rows, MOST_ROWS, max(FEWEST_ROWS, int(turns / fewest)))
    return Effort(rows, int(min(most, max(fewest, turns / max(rows, 1)))))


def permutation_importance(
    judges: Sequence[Judge],
    groups: Mapping[str, Sequence[int]],
    losses: Losses,
    repeats: int,
    rng: np.random.Generator,
    *,
    is_root: bool = False,
) -> list[Importance]:
    """The importance of each group of inputs, such as those of one column, the largest first.

    The rows of a group's inputs are permuted together, among the rows of one judge, and the importance is

        mean over permutations of (M(losses of the permuted rows) − M(losses of the rows)),

    with M the mean over the rows by their weights, or its root with ``is_root``. All groups see the same permutations.

    Of the rows and of the permutations both, others could have been drawn. The interval adds both variances. A row has
    two parts in the growth of the mean: it takes the cell of another row, and its own cell is given to one. So the
    variance of the rows is that of a U-statistic, Σ_n I_n², with I_n the linear parts of row n (Hoeffding 1948). That
    of the permutations is the variance of M over them, divided by how many they are. What both share is counted twice,
    so that the interval is rather too wide: value ± t · standard deviation, with Student's t for 95 %, and degrees of
    freedom by Welch and Satterthwaite. It is the uncertainty for these networks: trained again, they could lean on
    other columns.

    Source: Breiman (2001), Random forests; Fisher, Rudin and Dominici (2019), All models are wrong, but many are
    useful.

    >>> net = Network([[[2.0, 0.0]]], [[0.0]], loss="squared_error")
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> judge = Judge([net], X, 2 * X[:, :1])
    >>> def squared(y, yhat):
    ...     return ((y - yhat) ** 2)[:, 0]
    >>> found = permutation_importance([judge], {"a": [0], "b": [1]}, squared, 5, np.random.default_rng(0))
    >>> [each.column for each in found], found[0].low < 8 < found[0].high, found[1].value
    (['a', 'b'], True, 0.0)
    """
    turns = [np.stack([rng.permutation(len(judge.y)) for _ in range(repeats)]) for judge in judges]
    sums = [_Sums.of(judge) for judge in judges]
    before = [losses(judge.y, own.output(own.a)) for judge, own in zip(judges, sums, strict=True)]
    weights = [np.ones(len(each.y)) if each.weight is None else each.weight for each in judges]
    total = sum(float(weight.sum()) for weight in weights)
    found = []
    for name, places in groups.items():
        shuffled = [
            _Shuffled(
                first,
                np.stack([losses(judge.y, output) for output in own.permuted(judge, list(places), of_judge)]),
                of_judge,
                weight / total,
            )
            for judge, own, first, of_judge, weight in zip(judges, sums, before, turns, weights, strict=True)
        ]
        found.append(Importance(name, *_interval(shuffled, is_root)))
    return sorted(found, key=lambda each: -each.value)


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """a_1 of a judge's rows in each network, and the networks above it, which take it as their inputs.

    A column's part of a_1 is permuted, so that the first layer, which is the widest, is computed once.
    """

    a: list[np.ndarray]
    above: list[Network]
    shares: np.ndarray

    @classmethod
    def of(cls, judge: Judge) -> _Sums:
        a, above = [], []
        for network in judge.networks:
            (first, *W), (b, *others) = network.to_lists()
            a.append(judge.X @ first.T + b)
            passed_on = np.eye(len(first), dtype=first.dtype), np.zeros_like(b)
            W, b = [passed_on[0], *W], [passed_on[1], *others]
            above.append(Network(W, b, network.activations, network.loss, output=network.output))
        return cls(a, above, shares_of(judge.shares, len(a)))

    def output(self, a: list[np.ndarray]) -> np.ndarray:
        """ŷ of the mean of the networks."""
        first = self.above[0]
        ends = np.zeros((len(a[0]), first.sizes[-1]), a[0].dtype)
        for network, own, share in zip(self.above, a, self.shares.astype(ends.dtype), strict=True):
            for rows, end, _ in ends_in_blocks(network, own):
                ends[rows] += share * end
        return in_order(first, np.asarray(first.output.value(ends)))

    def permuted(self, judge: Judge, places: list[int], turns: np.ndarray) -> np.ndarray:
        """ŷ (permutations, rows, outputs) after each permutation of the rows of these inputs."""
        a = []
        for own, network in zip(self.a, judge.networks, strict=True):
            part = judge.X[:, places] @ network.W[1][:, places].T
            a.append(((own - part) + part[turns]).reshape(-1, own.shape[1]))
        output = self.output(a)
        return output.reshape(*turns.shape, output.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class _Shuffled:
    """The losses of a judge's rows, and of each permutation (permutations, rows); and w, whose sum over all rows is 1.

    In a permutation row n takes the cell of row ``turns[n]``.
    """

    before: np.ndarray
    after: np.ndarray
    turns: np.ndarray
    w: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """By how much each row's loss grows in each permutation (permutations, rows)."""
        return self.after - self.before

    @property
    def parts(self) -> np.ndarray:
        """The linear part of each row in the mean growth: what it loses, and what the row that takes its cell loses."""
        weighed = self.w * self.change
        given = np.empty_like(weighed)
        np.put_along_axis(given, self.turns, weighed, axis=1)
        given = given.mean(axis=0)
        return weighed.mean(axis=0) + given - given.mean()


def _interval(shuffled: Sequence[_Shuffled], is_root: bool) -> tuple[float, float, float]:
    """The importance, and where it lies."""
    before, parts, w = (
        np.concatenate(each) for each in zip(*((own.w * own.before, own.parts, own.w) for own in shuffled), strict=True)
    )
    growth = np.sum([own.change @ own.w for own in shuffled], axis=0)  # of the mean, in each permutation
    first, mean, repeats, count = float(before.sum()), float(growth.mean()), len(growth), len(w)
    rows = parts - w * mean
    if is_root and first + mean > 0:  # √(M + d) − √M = d / (√(M + d) + √M), and √M grows by dM / 2√M
        growth = growth / (np.sqrt(first + growth) + first**0.5)
        slope = 0.5 / (first + mean) ** 0.5
        rows = slope * rows + ((slope - 0.5 / first**0.5) * (before - w * first) if first > 0 else 0.0)
    value = float(growth.mean())
    of_rows = float(rows @ rows) * count / max(count - 1, 1)
    of_turns = float(growth.var(ddof=1)) / repeats if repeats > 1 else 0.0
    if of_rows + of_turns == 0:
        return value, value, value
    effective = max(1 / float(w @ w) - 1, 1)
    freedom = (of_rows + of_turns) ** 2 / (of_rows**2 / effective + of_turns**2 / max(repeats - 1, 1))
    reach = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * (of_rows + of_turns) ** 0.5
    return value, value - reach, value + reach
