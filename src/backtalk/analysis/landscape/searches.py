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

OFF_LINE = 1e-9  # how far a point of the line lies beside it, as a share of its distance, at most; and apart from
ROUNDING = 4 * 2.0**-52  # as a share of the size of all parameters
RESOLVED = 1e3  # times the rounding: a point that is farther from the start tells a line
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
    aside = _first_on_line(moves, ROUNDING * float(np.linalg.norm(start)))
    moves = moves[aside:]
    if not moves.any():
        raise InputError(
            f"iteration is {iteration}, whose steps were too small to change the parameters: expected one before."
        )
    # of gradient descent, so that steps are learning rates; of L-BFGS, so that the first step tried is 1
    direction = -gradient if isinstance(optimizer, GradientDescent) else _along(moves, _longest(moves))[0]
    return Search(start, direction, tuple((moves @ direction / (direction @ direction)).tolist()), aside)


def _first_on_line(moves: np.ndarray, rounding: float) -> int:
    """From which point on all lie on one line with the start: L-BFGS begins anew along another if its search fails.

    The points of a line that fails come close to the start in the end, where rounding hides which line they are on: no
    other line begins with such a point.
    """
    for k, move in enumerate(moves):
        if (k == 0 or np.linalg.norm(move) > RESOLVED * rounding) and _are_along(moves[k:], rounding):
            return k
    return len(moves) - 1


def _are_along(moves: np.ndarray, rounding: float) -> bool:
    """Whether all points lie on the line to the farthest, apart from the rounding of both."""
    longest = _longest(moves)
    if not longest.any():
        return True
    share = rounding / float(np.linalg.norm(longest)) + OFF_LINE
    beside = np.linalg.norm(moves - _along(moves, longest), axis=1)
    return bool((beside <= rounding + share * np.linalg.norm(moves, axis=1)).all())


def _longest(moves: np.ndarray) -> np.ndarray:
    return moves[np.linalg.norm(moves, axis=1).argmax()]


def _along(moves: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Their parts along a direction."""
    return np.outer(moves @ direction / (direction @ direction), direction)
