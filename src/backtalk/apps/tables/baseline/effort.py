"""How much the baselines may take, beside what the training took: of work, so that a run is the same on any machine."""

from __future__ import annotations

from collections.abc import Callable

BOOSTED = 25e-9  # seconds for a row, a column and a tree, on a slow core
GROWN = 2.5e-3  # seconds for a tree, besides
SPLIT, COLUMNS = 1.5e-6, 100  # seconds for a leaf and a column, of those beyond so many: each is looked at for a split
ROWS_OF_A_LEAF, LEAVES = 20, 31  # scikit-learn's defaults, and those of a linear model:
ROUNDS, ITERATIONS = 100, 100
SUMMED = 1e-9  # seconds for a row, an input and an iteration of a linear model
TRAINED = 6e-10  # seconds for a row and a parameter, in an epoch of the network
LEAST, SHARE = 2.0, 0.25  # seconds for each baseline, and of the training
ONCE = 6.0  # seconds, that one fit may take all the same
FEWEST_ROWS = 1000  # that a model is fitted to, if the table has more


def budget_of(rows: int, work: int) -> float:
    """The seconds for one baseline, as estimated; ``work``: the parameters of each network times its epochs, together.

    >>> budget_of(1000, 3000 * 50), budget_of(100_000, 100_000 * 100)
    (2.0, 150.0)
    """
    return max(LEAST, round(SHARE * TRAINED * rows * work, 3))


def seconds_of_trees(rows: int, columns: int, outputs: int) -> float:
    """To fit boosted trees to so many rows; of more than two classes each round has a tree for each."""
    trees = ROUNDS * (outputs if outputs > 2 else 1)
    leaves = min(LEAVES, max(1, rows // ROWS_OF_A_LEAF))
    splits = SPLIT * leaves * max(0, columns - COLUMNS)
    return trees * (BOOSTED * rows * columns + GROWN * leaves / LEAVES + splits)


def seconds_of_lines(rows: int, inputs: int, outputs: int) -> float:
    """To fit a linear model."""
    return ITERATIONS * SUMMED * rows * inputs * outputs


def affordable(seconds_of: Callable[[int], float], rows: int, fits: int, budget: float) -> tuple[int, int]:
    """How often a model can be fitted, and to how many of the rows; (0, 0) if not even once to a few.

    Fewer fits come first: each row that is judged is then judged by a model of all rows. One fit may take more than the
    budget, but no more than 6 seconds.

    >>> affordable(lambda rows: rows / 1000, 5000, 5, budget=12), affordable(lambda rows: rows / 1000, 80_000, 5, 12)
    ((2, 5000), (1, 10000))
    """
    most = max(budget, ONCE)
    while seconds_of(rows) > most and rows > FEWEST_ROWS:
        rows = max(FEWEST_ROWS, rows // 2)
    if seconds_of(rows) > most:
        return 0, 0
    return min(fits, max(1, int(budget / seconds_of(rows)))), rows
