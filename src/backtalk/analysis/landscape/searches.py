"""What a line search tried in one iteration of L-BFGS, or of gradient descent with Armijo's rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.optimizers import LBFGS, GradientDescent
from ...errors import InputError, InputTypeError
from ...train.objective import Objective
from ...train.records import Epoch
from ...train.settings import TrainSettings
from ...train.whole_batch import search_of

OFF_LINE = 1e-6  # how far a point lies beside the line, as a share of its distance, at most
SCIPY = 1e-3, 0.9  # c_1 and c_2 of the line search in SciPy's L-BFGS-B


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """One iteration: where it ``start``s, its ``direction``, the ``steps`` that it tried, in order; the last was taken.

    ``aside``: how many points it tried on another line before: L-BFGS does if a search fails, and begins anew.
    """

    start: np.ndarray
    direction: np.ndarray
    steps: tuple[float, ...]
    aside: int


def as_search(optimizer: Any) -> LBFGS | GradientDescent:
    """The optimizer of these words, which must search along lines."""
    found = TrainSettings(optimizer=optimizer).optimizer
    if isinstance(found, LBFGS) or (isinstance(found, GradientDescent) and found.searches):
        return found
    raise InputError(
        f"optimizer is {found!r}, which takes its steps without a search: expected 'lbfgs' or 'gd(armijo=1e-4)'."
    )


def search_in(loss: Objective, optimizer: LBFGS | GradientDescent, iteration: Any) -> Search:
    """The search of an iteration, from 1, of a minimization that begins at the network of ``loss``."""
    if isinstance(iteration, bool) or not isinstance(iteration, int | np.integer):
        raise InputTypeError(f"iteration is {iteration!r}, expected a whole number.")
    if iteration < 1:
        raise InputError(f"iteration is {iteration}, expected 1 or more.")
    tried: list[tuple[np.ndarray, np.ndarray]] = []  # those of this iteration, and of the one before

    def tell(epoch: Epoch) -> bool:
        if epoch.number < iteration:
            del tried[:-1]  # the last point that was evaluated is the one that was taken
        return epoch.number == iteration

    ended = search_of(optimizer)(
        loss.start,
        loss.batch,
        l2_penalty=loss.l2_penalty,
        iterations=int(iteration),
        options=optimizer,
        by_kernels=loss.net is not None,
        validation_loss=lambda _: None,
        tell=tell,
        evaluated=lambda theta, _, gradient: tried.append((theta.copy(), gradient.copy())),
    )
    if ended.iterations < iteration:
        raise InputError(
            f"iteration is {iteration}, but {optimizer.name} ended after {ended.iterations} ({ended.message.strip()}): "
            "expected one of those."
        )
    start, gradient = tried[0]
    moves = np.stack([theta for theta, _ in tried[1:]]) - start
    taken = moves[-1]
    if isinstance(optimizer, GradientDescent):
        direction = -gradient  # so that steps are learning rates
    else:
        direction = next(move for move in moves if _is_along(move, taken))  # so that the first step tried is 1
    kept = [move for move in moves if _is_along(move, direction)]
    steps = tuple(float(move @ direction / (direction @ direction)) for move in kept)
    return Search(start, direction, steps, len(moves) - len(kept))


def _is_along(move: np.ndarray, direction: np.ndarray) -> bool:
    """Whether a point lies on the line, apart from rounding."""
    beside = move - (move @ direction) / (direction @ direction) * direction
    return float(np.linalg.norm(beside)) <= OFF_LINE * float(np.linalg.norm(move))
