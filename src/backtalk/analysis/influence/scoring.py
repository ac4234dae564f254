"""``score_influence``: how well influences foretell what actual retraining does to the losses of test examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from ...core.initialization import as_generator
from ...errors import InputError, InputTypeError
from .checkpoints import as_pair
from .methods import DAMPED, method_of, recordings_of
from .training_examples import Influence
from .truth import changes_of, correlations, draw_sets, rank_correlations

SCORED = ("tracin", "ekfac", "fisher", "trak", "unrolled")


@dataclass(frozen=True, slots=True, eq=False)
class InfluenceScore:
    """How well influences agree with retraining: ``lds`` and ``leave_one_out``, means over the test examples.

    ``lds``, the linear datamodeling score: Spearman's correlation of the rise of a test loss without a set of rows and
    the sum of the influences of these rows, over many sets. ``leave_one_out``: Pearson's correlation of the rise
    without one row and its influence, over rows; None if none were left out alone. ``lds_of_each``,
    ``leave_one_out_of_each``: for each test example, (M,).

    >>> InfluenceScore(np.array([0.9, 0.8]), np.array([0.7, 0.9]))
    linear datamodeling score 0.85, leave-one-out correlation 0.80
    """

    lds_of_each: np.ndarray
    leave_one_out_of_each: np.ndarray | None = None

    @property
    def lds(self) -> float:
        return float(self.lds_of_each.mean())

    @property
    def leave_one_out(self) -> float | None:
        return None if self.leave_one_out_of_each is None else float(self.leave_one_out_of_each.mean())

    def __repr__(self) -> str:
        told = f"linear datamodeling score {self.lds:.2f}"
        return told if self.leave_one_out is None else f"{told}, leave-one-out correlation {self.leave_one_out:.2f}"


class InfluenceScores(Mapping[str, InfluenceScore]):
    """An :class:`InfluenceScore` for each method, by its name; printed as a table.

    >>> InfluenceScores({"ekfac": InfluenceScore(np.array([0.9]))})
    method    LDS  leave one out
    ekfac    0.90              -
    """

    def __init__(self, scores: Mapping[str, InfluenceScore]) -> None:
        self._scores = dict(scores)

    def __getitem__(self, name: str) -> InfluenceScore:
        return self._scores[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scores)

    def __len__(self) -> int:
        return len(self._scores)

    def __repr__(self) -> str:
        width = max(8, *(len(name) for name in self._scores)) if self._scores else 8
        lines = [f"{'method':{width}} {'LDS':>4}  leave one out"]
        for name, score in self._scores.items():
            alone = "-" if score.leave_one_out is None else f"{score.leave_one_out:.2f}"
            lines.append(f"{name:{width}} {score.lds:4.2f}  {alone:>13}")
        return "\n".join(lines)


def score_influence(
    training: Any,
    train: tuple[Any, Any],
    test: tuple[Any, Any],
    methods: Any = SCORED,
    *,
    sets: int = 60,
    share: float = 0.5,
    leave_one_out: int = 100,
    damping: float | None = None,
    rng: Any = 0,
    memory_limit: int | None = None,
) -> InfluenceScores:
    """How well each method foretells what retraining does: LDS, and the correlation of leaving single rows out.

    ``training``: from ``fit(…, record=True)``, or a list of such trainings; the truth is then the mean of theirs, too.
    ``train``: what they were trained on, N examples; ``test``: M examples. ``methods``: the name of one, or a list of
    names, as for :func:`~backtalk.influence`; or a mapping from names of your own to matrices of influence (M, N), such
    as ``influence(…, matrix=True).matrix``. ``sets``: so many networks are retrained without a random ``share`` of the
    examples each, and ``leave_one_out`` networks without one random row each (all, if there are not more; 0 for none).
    All methods meet the same retrained networks. ``damping``: for ekfac, fisher and trak. ``rng``: a seed or generator
    for the rows. ``memory_limit``: as for :func:`~backtalk.influence`.

    Raises :class:`~backtalk.errors.InputError` if a training was not recorded, or a matrix has another shape.

    Source: Park, Georgiev, Ilyas, Leclerc, Madry 2023, "TRAK: attributing model behavior at scale" (the score).

    >>> import numpy as np
    >>> from backtalk import Network, fit, score_influence
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(40, 2))
    >>> train, test = (X[:30], X[:30, 0] > 0), (X[30:], X[30:, 0] > 0)
    >>> start = Network.create([2, 3, 2], "tanh", rng=0)
    >>> training = fit(start, *train, epochs=20, optimizer="gd(learning_rate=0.1)", record=True)
    >>> scores = score_influence(training, train, test, ["tracin", "unrolled"], sets=20)
    >>> scores["unrolled"].lds > 0.9, scores["unrolled"].leave_one_out > 0.95
    (True, True)
    """
    recordings = recordings_of(training)
    if not recordings:
        raise InputError("training was not recorded: give what fit(…, record=True) returned, or a list of such.")
    sets, alone = _whole_number("sets", sets, 3), _whole_number("leave_one_out", leave_one_out, 0)
    if isinstance(share, bool) or not isinstance(share, Real) or not 0 < share < 1:
        raise InputError(f"share is {share!r}, expected a number between 0 and 1.")
    N, M = recordings[0].examples.count, len(as_pair(test, "test")[0])
    rows = np.unique(np.concatenate([epoch.order for each in recordings for epoch in each.epochs]))
    generator = as_generator(rng)
    without = draw_sets(rows, sets, float(share), generator)
    single = np.sort(generator.choice(rows, min(alone, len(rows)), replace=False))
    matrices = {
        name: _matrix(name, given, (M, N), training, train, test, damping, memory_limit)
        for name, given in _named(methods).items()
    }
    rises = changes_of(recordings, as_pair(test, "test"), [*without, *single])
    return InfluenceScores({name: _score(matrix, rises, without, single) for name, matrix in matrices.items()})


def _score(matrix: np.ndarray, rises: np.ndarray, without: list[np.ndarray], single: np.ndarray) -> InfluenceScore:
    sums = np.stack([matrix[:, rows].sum(axis=1) for rows in without], axis=1)
    lds = rank_correlations(sums, rises[:, : len(without)])
    alone = correlations(matrix[:, single], rises[:, len(without) :]) if len(single) > 2 else None
    return InfluenceScore(lds, alone)


def _named(methods: Any) -> Mapping[str, Any]:
    if isinstance(methods, str):
        return {methods: None}
    if isinstance(methods, Mapping):
        return methods
    if isinstance(methods, list | tuple) and all(isinstance(name, str) for name in methods) and methods:
        return dict.fromkeys(methods)
    raise InputTypeError(
        f"methods is {methods!r}, expected the name of a method, a list of names, or a mapping from names to matrices."
    )


def _matrix(
    name: str, given: Any, shape: tuple[int, int], training: Any, train: Any, test: Any, damping: Any, limit: Any
) -> np.ndarray:
    if given is None:
        with_damping = damping if name in DAMPED else None
        method, within = method_of(name, training, train, test, damping=with_damping, memory_limit=limit)
        matrix = np.empty(shape)
        for rows, blocks in method.blocks(within):
            for columns, block in blocks:
                matrix[rows, columns] = block
        return matrix
    if isinstance(given, Influence):
        if given.matrix is None:
            raise InputError(f"methods[{name!r}] has no matrix: call influence(…, matrix=True).")
        given = given.matrix
    matrix = np.asarray(given, dtype=np.float64)
    if matrix.shape != shape:
        raise InputError(
            f"methods[{name!r}] has shape {matrix.shape}, expected {shape}, a row for each test example and a column "
            "for each training example."
        )
    return matrix


def _whole_number(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputTypeError(f"{name} is {value!r}, expected a whole number.")
    if value < least:
        raise InputError(f"{name} is {value}, expected {least} or more.")
    return int(value)
