"""``check_step``: a student's update rule beside the optimizer's own, over several steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.initialization import as_generator
from ...core.optimizers import LBFGS, Optimizer, as_any_optimizer
from ...errors import InputError, InputTypeError
from .measure import relative_error
from .report import CheckReport, CheckRow
from .update import Run, numbers_taken, run_update

if TYPE_CHECKING:
    from .mistakes import Mistake

# equal shapes: a shared state shows
SHAPES: dict[str, tuple[int, ...]] = {"W[1]": (3, 3), "b[1]": (3,), "W[2]": (3, 3), "b[2]": (3,)}
SMALLEST, LARGEST = -9, 1  # powers of ten of the gradients: from about ε, where its place matters
FLOOR = 1e-7  # a change of θ that is smaller is not told from rounding
TOLERANCE = 1e-7
SHARES = ("momentum", "beta_1", "beta_2", "rho")  # between 0 and 1, where what is left to 1 counts
ODD_FACTOR, ODD_SHARE = 1.37, 1.73


def check_step(
    update: Callable[..., Any],
    optimizer: str | Optimizer = "sgd",
    *,
    steps: int = 5,
    rng: np.random.Generator | int | None = 0,
) -> CheckReport:
    """Compare an update rule of your own with the optimizer's, over several steps from the same gradients.

    ``optimizer``: its name with its numbers, as in 'adam(learning_rate=0.01)'; docs/training.md has the formulas.
    ``update``: called as ``update(parameters, gradients, state, t)``, with lists of two weight matrices and two
    biases, W_1, b_1, W_2, b_2, float64; the state is None before the first step and then what you returned; t counts
    from 1. It returns the new parameters, or (parameters, state), or None if it changes them in place. Or it is called
    by what its arguments are called: parameters and grads (lists, or dictionaries 'W1' and 'dW1'), v, s, m or velocity
    (zeros of the same form at first, returned in this order), t, learning_rate, beta1, beta2, epsilon, momentum,
    weight_decay; or, once for each parameter, as ``update(w, dw, config)`` that returns (w, config), where config
    holds the optimizer's numbers.

    A row holds a parameter at the first step where it is off: the change from the start, which is compared within a
    relative error of 1e-7. The gradients are random and of very different size, so that ε shows. The report's
    ``mistakes`` name what explains every step, from a table of common mistakes (docs/teaching.md). A rule that takes
    the optimizer's numbers as arguments is also tried with odd ones, since 1 − 0.9 is 0.1 too. ``notes`` say if
    the rule changes its gradients, or changes the parameters that it was given and returns others.

    Raises :class:`~backtalk.errors.InputError` for what is not of the shape of the parameters; an error of ``update``
    goes on, with a note that says what it was given.

    >>> def mine(parameters, gradients, state, t):
    ...     m, v = state or ([0 * p for p in parameters], [0 * p for p in parameters])
    ...     m = [0.9 * m_p + 0.1 * g for m_p, g in zip(m, gradients)]
    ...     v = [0.999 * v_p + 0.001 * g**2 for v_p, g in zip(v, gradients)]
    ...     new = [p - 0.01 * m_p / (np.sqrt(v_p) + 1e-8) for p, m_p, v_p in zip(parameters, m, v)]
    ...     return new, (m, v)
    >>> report = check_step(mine, "adam(learning_rate=0.01)")
    >>> report.passed, report.mistake.said
    (False, 'the bias correction is left out')
    """
    chosen = as_any_optimizer(optimizer)
    if isinstance(chosen, LBFGS):
        raise InputError("optimizer is lbfgs, which has no rule for a single step: choose one that has.")
    if chosen.searches:
        raise InputError(f"optimizer is {chosen}, which searches the length of its step: choose one with a fixed rate.")
    if not callable(update):
        raise InputTypeError(f"update is {update!r}, expected a function of parameters, gradients, state and t.")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise InputError(f"steps is {steps!r}, expected a whole number of 1 or more.")
    from .mistakes.naming_steps import keep_those_that_explain, name_step_mistakes, walk
    from .mistakes.update_rules import right_rule

    start, gradients = _problem(as_generator(rng), steps)

    def judge(with_numbers: Optimizer) -> tuple[Run, tuple[CheckRow, ...], tuple[Mistake, ...]]:
        run = run_update(update, with_numbers, start, gradients)
        ours = walk(right_rule(with_numbers), start, gradients)
        rows = tuple(_row(k, name, start, run.path, ours) for k, name in enumerate(SHAPES))
        wrong = not all(row.passed for row in rows)
        return run, rows, name_step_mistakes(with_numbers, start, gradients, run.path) if wrong else ()

    run, rows, mistakes = judge(chosen)
    notes = []
    if run.changes_gradients:
        notes.append("update changes the gradients that it is given: copy them first, since others may need them")
    if run.changes_parameters:
        notes.append("update changes the parameters that it is given, and returns others: do one of the two")
    odd = _with_odd_numbers(chosen, numbers_taken(update, chosen))
    passed = all(row.passed for row in rows)
    if odd != chosen and (passed or any(mistake.others for mistake in mistakes)):
        _, odd_rows, odd_mistakes = judge(odd)
        if not passed:
            mistakes = keep_those_that_explain(mistakes, odd_mistakes)
        elif not all(row.passed for row in odd_rows) and all(row.passed for row in judge(chosen)[1]):
            # it still passes with the first numbers, so that no state of its own was left from them
            rows, mistakes = odd_rows, odd_mistakes
            notes.append(f"with {chosen} it gives the same as the optimizer, but not with {odd}, which is judged here")
    return CheckReport(
        f"update of {chosen}",
        f"{steps} steps of {chosen}",
        "numbers",
        TOLERANCE,
        rows,
        own=True,
        mistakes=mistakes,
        notes=tuple(notes),
    )


def _with_odd_numbers(optimizer: Optimizer, taken: set[str]) -> Optimizer:
    """The optimizer with numbers of which none is made of the others, as 0.1 is 1 − 0.9, for those in ``taken``."""
    for name in sorted(taken):
        held = getattr(optimizer, name)
        if not isinstance(held, float) or held == 0:
            continue
        odd = 1 - (1 - held) * ODD_SHARE if name in SHARES else held * ODD_FACTOR
        try:
            optimizer = replace(optimizer, **{name: odd})
        except ValueError:  # outside the range that it has
            continue
    return optimizer


def _problem(rng: np.random.Generator, steps: int) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """Parameters, and the gradients of each step, whose entries keep their size from step to step."""
    start = [rng.normal(size=shape) for shape in SHAPES.values()]
    sizes = [10.0 ** rng.uniform(SMALLEST, LARGEST, size=shape) for shape in SHAPES.values()]
    return start, [[size * rng.normal(size=size.shape) for size in sizes] for _ in range(steps)]


def _row(
    k: int, name: str, start: list[np.ndarray], theirs: list[list[np.ndarray]], ours: list[list[np.ndarray]]
) -> CheckRow:
    """One parameter: at the first step where it is off, or else over all of them."""
    largest, count = 0.0, 0
    for t, (after, right) in enumerate(zip(theirs, ours, strict=True), 1):
        pairs = zip((after[k] - start[k]).flat, (right[k] - start[k]).flat, strict=True)
        errors = np.array([relative_error(float(change), float(expected), FLOOR) for change, expected in pairs])
        count += errors.size
        largest = max(largest, float(errors.max()))
        if largest > TOLERANCE or math.isnan(largest):
            place = np.unravel_index(int(errors.argmax()), start[k].shape)
            where = tuple(int(each) for each in place)
            given, expected = float(after[k][place]), float(right[k][place])
            quantity = f"{name} after step {t}"
            return CheckRow(quantity, count, 0, largest, where, given, expected, False, "the optimizer gives")
    return CheckRow(name, count, 0, largest, None, 0.0, 0.0, True, "the optimizer gives")
