"""How many networks a run has, and which rows each of them does not see.

By default each member of an ensemble is trained without one fold of the rows. The fold says when its training stops,
and the rows of the fold are judged by that member: out of fold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ...errors import InputError, quoted
from .division import tenths
from .options import BY_TIME, Options
from .recipe import Recipe, recipes_of
from .rows import rows_text
from .target import Target

FOLDS, FEWER_FOLDS, MANY, VERY_MANY = 5, 3, 50_000, 200_000  # rows from which on there are fewer, and none at all
VALIDATION, TEST = 0.1, 0.2  # shares of the rows if there are no folds
ALWAYS = -1  # the fold of a row that every member sees


@dataclass(frozen=True, slots=True)
class Plan:
    """``folds``: how many, 0 for none; ``members``: the networks that predict together.

    ``recipes``: of each kind of network there is one for each fold, or ``members``.
    ``options``: with the shares for validation and test. ``said``: what there is to say of it.
    """

    options: Options
    members: int
    folds: int
    said: list[str]
    recipes: tuple[Recipe, ...]

    @property
    def is_refitted(self) -> bool:
        """Whether one more network is trained on all rows, for as long as the folds say."""
        return self.folds > 0 and self.members == 1

    @property
    def trainings(self) -> int:
        """How many networks are trained."""
        return self.alike * len(self.recipes) + self.is_refitted

    @property
    def alike(self) -> int:
        """How many networks are trained of each kind."""
        return self.folds or self.members


def plan(options: Options, rows: int, alone: str = "") -> Plan:
    """The plan for so many rows; ``alone`` says why there can be one network only, if that is so."""
    by_time = (options.split or "").startswith(BY_TIME)
    members = options.members
    if alone and members not in (None, 1):
        raise InputError(f"is {members}, but {alone}, which is for one network: leave it out.", argument="members")
    if options.privacy is not None:
        if members not in (None, 1):
            raise InputError(
                f"is {members}, but the training is private, and each network would cost as much again: leave it out.",
                argument="members",
            )
        said = ["one network, without folds, since the training is private."]
        held_out = 0.0 if options.validation is None else options.validation
        return _without_folds(replace(options, validation=held_out), 1, said)
    if alone or options.validation is not None or by_time:
        said = [f"one network, without folds, since {alone}."] if alone and members is None else []
        return _without_folds(options, 1 if alone else members or FOLDS, said)
    if members is None and rows >= VERY_MANY:
        said = f"one network, without folds, since there are {rows_text(rows)}: --members 5 trains five all the same."
        return _without_folds(options, 1, [said])
    folds = members if members and members > 1 else FOLDS if rows < MANY else FEWER_FOLDS
    said = []
    if members is None and folds < FOLDS:
        said.append(f"{folds} networks instead of {FOLDS}, since there are {rows_text(rows)}.")
    if folds > rows // 2:
        raise InputError(
            f"is {folds}, but there are {rows_text(rows)} to train on: expected half as many.", argument="members"
        )
    shared = replace(options, validation=0.0, test=0.0 if options.test is None else options.test)
    return Plan(shared, members or folds, folds, said, recipes_of(options))


def _without_folds(options: Options, members: int, said: list[str]) -> Plan:
    validation = VALIDATION if options.validation is None else options.validation
    test = TEST if options.test is None else options.test
    recipes = recipes_of(options) if members > 1 else recipes_of(options)[:1]
    return Plan(replace(options, validation=validation, test=test), members, 0, said, recipes)


def folds_of(target: Target, y: np.ndarray, groups: pl.Series | None, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, 0 … folds − 1, drawn by the seed; :data:`ALWAYS` for the only row of a class.

    Every fold has its share of each class, or of small and large numbers. ``groups``: of the rows, each of which
    stays whole; the largest are dealt out first, each to the fold with the fewest rows.
    """
    rng = np.random.default_rng(seed)
    if groups is not None:
        return _by_groups(groups, folds, rng)
    labels = y if target.classifies else tenths(y[:, 0])
    rows = rng.permutation(len(y))
    if target.classifies:
        rows = rows[np.bincount(y, minlength=target.outputs)[y[rows]] > 1]
    if len(rows) < folds:
        raise InputError(
            f"there are {folds} folds, but {rows_text(len(rows))} of the training that can be held out: expected one "
            "for each fold: give more rows, a smaller --test, or --validation 0.2."
        )
    fold = np.full(len(y), ALWAYS, np.int64)
    order = rows[np.argsort(labels[rows], kind="stable")]  # one class after the other
    fold[order] = np.arange(len(order)) % folds
    return fold


def _by_groups(groups: pl.Series, folds: int, rng: np.random.Generator) -> np.ndarray:
    names, place, counts = np.unique(groups.to_numpy(), return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise InputError(
            f"is by {quoted(groups.name)}, of which the training rows have {len(names)} different groups, "
            f"expected {folds} or more, one for each fold: give --members {max(len(names), 2)}, or --validation 0.2.",
            argument="split",
        )
    drawn = rng.permutation(len(names))
    rows, fold = np.zeros(folds, np.int64), np.empty(len(names), np.int64)
    for group in drawn[np.argsort(-counts[drawn], kind="stable")]:
        fold[group] = rows.argmin()
        rows[fold[group]] += counts[group]
    return fold[place]


def require_weight_in_folds(name: str | None, weights: np.ndarray | None, fold: np.ndarray, folds: int) -> None:
    """Refuse a fold none of whose rows counts, or beside which none does."""
    if weights is None:
        return
    for k in range(folds):
        if not weights[fold == k].any() or not weights[fold != k].any():
            raise InputError(
                f"weight {quoted(name)} is 0 in all rows of a fold, or in all others: expected more rows above 0, or "
                "give --validation 0.2."
            )
