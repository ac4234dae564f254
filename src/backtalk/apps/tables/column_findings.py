"""What the doctor finds about the columns of a table, each of which is one input or many: constant, or there twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from ...analysis.diagnose import Finding
from ...analysis.diagnose.finding import finding
from ...analysis.diagnose.thresholds import LIMITS
from ...analysis.diagnose.words import counted, listed

OF_INPUTS = ("constant_columns", "duplicate_columns")  # kinds of findings that are of single inputs


def by_columns(findings: Sequence[Finding], X: np.ndarray, groups: Mapping[str, Sequence[int]]) -> list[Finding]:
    """The same, with findings about whole columns instead of those about single inputs.

    A piece of a number may well be constant on some rows, and equal to one of its levels: neither says anything.
    ``groups``: the places of the inputs of each column, by its name.
    """
    found = [each for each in findings if each.kind not in OF_INPUTS]
    return found if len(X) < 2 else found + _constant(X, groups) + _twice(X, groups)


def _constant(X: np.ndarray, groups: Mapping[str, Sequence[int]]) -> list[Finding]:
    varies = (X[0] != X).any(axis=0)
    names = [name for name, places in groups.items() if not varies[list(places)].any()]
    return finding(
        "constant_columns", len(names), "columns that never change",
        f"{counted(len(names), 'column')} {_hold(names)} the same value in every row: {listed(names)}.",
        "Leave them out, or see whether they should have varied.",
        numbers={"columns": len(names)}, layer=0, units=[groups[name][0] for name in names],
    )  # fmt: skip


def _twice(X: np.ndarray, groups: Mapping[str, Sequence[int]]) -> list[Finding]:
    if len(X) < LIMITS.examples:
        return []
    seen: dict[bytes, str] = {}
    twice: list[tuple[str, str]] = []
    for name, places in groups.items():
        own = np.ascontiguousarray(X[:, list(places)])
        if (own == own[0]).all():
            continue
        content = hashlib.sha256(own.view(np.uint8).data).digest() + bytes(str(own.shape), "ascii")
        if (same := seen.setdefault(content, name)) != name:
            twice.append((name, same))
    said = listed(f"{name} (as {same})" for name, same in twice)
    return finding(
        "duplicate_columns", len(twice), "columns that are there twice",
        f"{counted(len(twice), 'column')} {'says' if len(twice) == 1 else 'say'} the same as another one in every row: "
        f"{said}.",
        "Leave them out.",
        numbers={"columns": len(twice)}, layer=0, units=[groups[name][0] for name, _ in twice],
    )  # fmt: skip


def _hold(names: Sequence[str]) -> str:
    return "holds" if len(names) == 1 else "hold"
