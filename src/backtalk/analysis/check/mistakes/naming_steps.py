"""Which mistake was made in an update rule? The first whose path is the path that was given."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ....core.optimizers import Optimizer
from .mistake import Mistake
from .steps import known_steps
from .update_rules import STEP, Arrays, Rule, right_rule

CLOSE = 1e-6
GENERAL = ("other_number", "other_optimizer")
FLOOR = 1e-8  # a change of θ that is smaller is rounding


def walk(rule: Rule, start: Arrays, gradients: list[Arrays]) -> list[Arrays]:
    """The parameters after each step."""
    theta, state, path = start, None, []
    for t, gradient in enumerate(gradients, 1):
        theta, state = rule(theta, gradient, state, t)
        path.append(theta)
    return path


@np.errstate(all="ignore")
def name_step_mistakes(
    optimizer: Optimizer, start: Arrays, gradients: list[Arrays], given: list[Arrays]
) -> tuple[Mistake, ...]:
    """The mistake that explains the path, with those that cannot be told from it; empty if none does.

    Another number or another optimizer is named only if nothing else explains the path.
    """
    found = [known.mistake for known in known_steps(optimizer) if _is_path(known.rule, start, gradients, given)]
    if not found:
        return _by_factor(optimizer, start, gradients, given)
    others = {mistake.name: mistake for mistake in found[1:] if mistake.name not in (found[0].name, *GENERAL)}
    return (replace(found[0], others=tuple(others.values())),)


def keep_those_that_explain(mistakes: tuple[Mistake, ...], again: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    """Of mistakes that cannot be told apart, those that explain another path as well; all if none does.

    ``again``: what explains the other path.
    """
    names = {each.name for mistake in again for each in (mistake, *mistake.others)}
    either = [each for mistake in mistakes for each in (mistake, *mistake.others)]
    kept = [each for each in either if each.name in names]
    return (replace(kept[0], others=tuple(kept[1:])),) if kept else mistakes


def _is_path(rule: Rule, start: Arrays, gradients: list[Arrays], given: list[Arrays]) -> bool:
    try:
        path = walk(rule, start, gradients)
    except (ZeroDivisionError, ValueError, OverflowError):  # as 1/(1 − β⁰)
        return not all(np.isfinite(array).all() for array in given[0]) and _fails_at_once(rule, start, gradients)
    return all(
        _is_close(theirs - old, ours - old)
        for after, wrong in zip(given, path, strict=True)
        for theirs, ours, old in zip(after, wrong, start, strict=True)
    )


def _fails_at_once(rule: Rule, start: Arrays, gradients: list[Arrays]) -> bool:
    try:
        rule(start, gradients[0], None, 1)
    except (ZeroDivisionError, ValueError, OverflowError):
        return True
    return False


def _is_close(one: np.ndarray, other: np.ndarray) -> bool:
    finite = np.isfinite(other)
    if not np.array_equal(np.isfinite(one), finite):
        return False
    size = np.maximum(np.maximum(np.abs(one), np.abs(other)), FLOOR)
    return bool((np.abs(one - other) <= CLOSE * size)[finite].all())


def _by_factor(
    optimizer: Optimizer, start: Arrays, gradients: list[Arrays], given: list[Arrays]
) -> tuple[Mistake, ...]:
    """A step that is longer or shorter by one and the same factor."""
    first = walk(right_rule(optimizer), start, gradients[:1])[0]
    ours = np.concatenate([(new - old).ravel() for new, old in zip(first, start, strict=True)])
    theirs = np.concatenate([(new - old).ravel() for new, old in zip(given[0], start, strict=True)])
    if not np.isfinite(theirs).all():
        return ()
    factor = float((ours * theirs).sum() / (ours * ours).sum())
    if factor == 0 or not math.isfinite(factor):
        return ()
    rate = optimizer.learning_rate * factor
    if not _is_path(right_rule(optimizer, rate), start, gradients, given):
        return ()
    said = f"the step is {factor:.4g} times what it should be, as with a learning rate of {rate:.4g}"
    return (Mistake("step_factor", said, STEP, "leave the factor out", ()),)
