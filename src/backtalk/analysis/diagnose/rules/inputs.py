"""The input columns: not scaled, constant, twice the same."""

from __future__ import annotations

import numpy as np

from ....core.network import Network
from ..finding import Finding, finding
from ..measure import Measurements
from ..thresholds import LIMITS, RULES
from ..words import counted, listed

SCALE = "Subtract each column's mean and divide by its standard deviation, of the training rows, and do the same to "
SCALE += "every later input (scikit-learn's StandardScaler does both)."


def find_input_scale(network: Network, measured: Measurements) -> list[Finding]:
    """Columns that are far larger than 1, or inputs far smaller."""
    columns = measured.columns
    with np.errstate(all="ignore"):
        sizes = np.hypot(columns.mean, columns.std)
        sizes = np.where(columns.non_finite > 0, 0.0, sizes)  # such a column has a finding of its own
        known = int((columns.non_finite == 0).sum())
        together = float(np.hypot.reduce(sizes / np.sqrt(known))) if known else 0.0
    order = np.argsort(-sizes, kind="stable")
    worst, threshold = int(order[0]), RULES["inputs_not_scaled"].warning
    large = [int(column) for column in order if sizes[column] >= (threshold or np.inf)]
    if large and _absorbed(network, measured, large):
        return []
    names = [f"{columns.name(column)} ({sizes[column]:.3g})" for column in large]
    return finding(
        "inputs_not_scaled", float(sizes[worst]), "inputs are not scaled",
        f"{counted(len(large), 'column')} of {len(sizes)} are far from the size that initial weights are made for: "
        f"the root of their mean square should be near 1, and it is {listed(names)}. The largest has mean "
        f"{columns.mean[worst]:.3g} and standard deviation {columns.std[worst]:.3g}.",
        SCALE, most=_most(measured),
        numbers={"columns": len(large), "largest": float(sizes[worst]), "column": columns.name(worst),
            "median": float(np.median(sizes))},
        layer=0, units=large,
    ) + finding(
        "inputs_too_small", together if together > 0 else np.nan, "inputs are very small",
        f"The root of the mean square of X is {together:.3g}, where initial weights are made for inputs near 1.",
        SCALE, most=_most(measured), numbers={"root_mean_square": together}, layer=0,
    )  # fmt: skip


def find_useless_columns(_: Network, measured: Measurements) -> list[Finding]:
    """Columns that never change."""
    columns = measured.columns
    constant = np.flatnonzero(columns.least == columns.most) if measured.examples > 1 else np.zeros(0, int)
    names = listed(columns.name(int(column)) for column in constant)
    return finding(
        "constant_columns", len(constant), "inputs that never change",
        f"{counted(len(constant), 'column')} of X hold the same value in every row: {names}.",
        "Leave them out, or see whether they should have varied.",
        numbers={"columns": len(constant)}, layer=0, units=constant,
    )  # fmt: skip


def find_duplicate_columns(_: Network, measured: Measurements, X: np.ndarray) -> list[Finding]:
    """Columns that equal an earlier one; X is needed to be sure."""
    columns = measured.columns
    if measured.examples < LIMITS.examples:
        return []
    seen: dict[tuple[float, ...], list[int]] = {}
    twice: list[tuple[int, int]] = []
    for column in range(len(columns.mean)):
        if columns.least[column] == columns.most[column]:
            continue
        facts = tuple(float(part[column]) for part in (columns.mean, columns.std, columns.least, columns.most))
        same = next((other for other in seen.get(facts, []) if np.array_equal(X[:, other], X[:, column])), None)
        if same is None:
            seen.setdefault(facts, []).append(column)
        else:
            twice.append((same, column))
    names = listed(f"{columns.name(column)} (as {columns.name(same)})" for same, column in twice)
    return finding(
        "duplicate_columns", len(twice), "inputs that are there twice",
        f"{counted(len(twice), 'column')} of X equal another one in every row: {names}.",
        "Leave them out.",
        numbers={"columns": len(twice)}, layer=0, units=[column for _, column in twice],
    )  # fmt: skip


def _absorbed(network: Network, measured: Measurements, columns: list[int]) -> bool:
    """Whether a network that has learned has the scale of these columns in its first weights, as a folded one."""
    share, first = measured.share_of_baseline, measured.layers[0]
    threshold = RULES["inputs_not_scaled"].warning or np.inf
    if share is None or share > LIMITS.learned or not np.hypot(first.a_mean, first.a_std) < threshold:
        return False
    with np.errstate(all="ignore"):
        W = np.asarray(network.W[1], np.float64)[:, columns]
        moved = measured.columns.std[columns] * np.sqrt((W**2).mean(axis=0))
    return bool((moved <= 1).all())  # as much as a column of size 1 moves a unit by a weight of 1


def _most(measured: Measurements) -> str:
    """What kept no network from learning is no more than a warning."""
    share = measured.share_of_baseline
    return "warning" if share is not None and share <= LIMITS.learned else "severe"
