"""A student's own forward pass, loss and backward pass: what is wrong in them, and which mistakes explain it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.arrays import to_numpy
from ...core.network import Network
from .layouts import OURS, Layout
from .measure import relative_error
from .network import Comparer
from .reading import Quantity
from .report import CheckRow
from .student import Answers, Student
from .substitute import Scene

VALUE_TOLERANCE = 1e-7  # of what is computed forward, and not measured
SHIFT = 1000.0  # added to every a_L, where e^a overflows; softmax is the same
CHANCE = (
    "backward gives other numbers each time it is called, as with dropout of its own: leave out what is drawn at "
    "random, since ℒ is a function of the weights and the batch alone"
)


def judge_units(scene: Scene, given: dict[Quantity, np.ndarray], tolerance: float) -> list[CheckRow]:
    """Each a_i and h_i beside ours."""
    rows = []
    for (family, i), theirs in given.items():
        ours = scene.value(family, i)
        floor = 1e-3 * float(np.abs(ours).max()) + 1e-300
        errors = np.array([relative_error(*pair, floor) for pair in zip(theirs.flat, ours.flat, strict=True)])
        place = np.unravel_index(int(errors.argmax()), ours.shape)
        rows.append(
            CheckRow(
                quantity=f"forward {family}[{i}]",
                compared=ours.size,
                undecided=0,
                largest_error=float(errors.max()),
                where=tuple(int(k) for k in place),
                given=float(theirs[place]),
                derivative=float(ours[place]),
                passed=bool(errors.max() <= tolerance),
                says="the formula gives",
            )
        )
    return rows


def judge_number(name: str, theirs: float, ours: float, tolerance: float) -> CheckRow:
    """A loss beside ours."""
    error = relative_error(theirs, ours, 1e-3)
    return CheckRow(name, 1, 0, error, None, theirs, ours, error <= tolerance, "the formula gives")


def overflows(student: Student, answers: Answers) -> CheckRow | None:
    """Whether softmax of theirs is not finite where every a_L is larger by 1000; None if that is not asked."""
    from .mistakes.forward import is_softmax

    scene, L = student.scene, student.scene.network.depth
    if student.functions.forward is None or ("h", L) not in answers.units or not is_softmax(scene.network):
        return None
    if not np.isfinite(answers.units["h", L]).all():
        return None
    shifted = _shifted(student)
    try:
        with np.errstate(all="ignore"):
            yhat = shifted.call_forward()[0]["h", L]
    except Exception:  # a function that raises only here is not judged here
        return None
    if np.isfinite(yhat).all():
        return None
    place = tuple(int(k) for k in np.argwhere(~np.isfinite(yhat))[0])
    ours = float(shifted.scene.trace.output[place])
    name = f"forward h[{L}] with {SHIFT:g} added to a[{L}]"
    return CheckRow(name, yhat.size, 0, math.inf, place, float(yhat[place]), ours, False, "the formula gives")


def _shifted(student: Student) -> Student:
    def raised(network: Network) -> Network:
        W, b = network.to_lists()
        return network.replace(W, [*b[:-1], b[-1] + SHIFT])

    return student.on(raised)


def judge(
    student: Student, answers: Answers, comparer: Comparer, every: bool, tolerance: float | None
) -> tuple[tuple[CheckRow, ...], tuple[Any, ...], tuple[str, ...]]:
    """What forward, loss and backward gave beside the formulas and the measured derivatives.

    Returns the rows, the mistakes that explain what is wrong, and what else is to be known.
    """
    limit = VALUE_TOLERANCE if tolerance is None else tolerance
    scene = student.scene
    with np.errstate(all="ignore"):
        units = judge_units(scene, answers.units, limit)
        extra = overflows(student, answers)
        losses = []
        expected = loss_of(scene, answers.units)
        for name, number in (("loss", answers.loss), ("loss of backward", answers.loss_beside)):
            if number is not None:
                # a loss of another ŷ, which forward gave, is right in itself
                ours = min((scene.loss, expected), key=lambda value, n=number: abs(value - n))
                losses.append(judge_number(name, number, ours, limit))
        gradients = [comparer.row(quantity, array, every) for quantity, array in answers.gradients.items()]
    units = [_placed(row, quantity, "", student.layout) for row, quantity in zip(units, answers.units, strict=True)]
    gradients = [
        _placed(row, quantity, "d", student.layout) for row, quantity in zip(gradients, answers.gradients, strict=True)
    ]
    mistakes: tuple[Any, ...] = ()
    from . import causes  # seldom needed

    units_wrong = not all(row.passed for row in units)
    if units_wrong:
        mistakes += causes.of_forward(scene, answers.units)
    if extra is not None:
        mistakes += causes.of_overflow()
    if not all(row.passed for row in losses):
        mistakes += causes.of_loss(student, answers)
    if not all(row.passed for row in gradients):
        mistakes += causes.of_backward(student, answers, comparer.size, units_wrong)
    rows = [*units, *([extra] if extra else []), *losses, *gradients]
    notes: tuple[str, ...] = ()
    if not mistakes and gradients and not any(row.passed for row in gradients) and differs_again(student, answers):
        notes = (CHANCE,)
    return tuple(rows), tuple({(mistake.name, mistake.said): mistake for mistake in mistakes}.values()), notes


def _placed(row: CheckRow, quantity: Quantity, prefix: str, layout: Layout) -> CheckRow:
    """The row, which says where it is in their layout as well."""
    if row.passed or row.where is None:
        return row
    return replace(row, place_in_layout=layout.place(prefix, *quantity, row.where))


def differs_again(student: Student, answers: Answers) -> bool:
    """Whether the functions give other numbers when they are called again."""
    try:
        again = student.answer(Answers())
    except Exception:  # it was called once without an error, so it is not the same
        return True
    return not all(
        np.array_equal(again.gradients[key], array, equal_nan=True) for key, array in answers.gradients.items()
    )


def loss_of(scene: Scene, units: dict[Quantity, np.ndarray]) -> float:
    """ℒ of the ŷ that was given, or of ours."""
    L = scene.network.depth
    if ("h", L) not in units:
        return scene.loss
    losses = scene.network.loss.value(units["h", L], scene.target)
    return float((np.where(scene.weight > 0, losses, 0) * scene.weight).sum())


def rows_first(network: Network, X: Any, y: Any, layout: Layout | None) -> tuple[Any, Any, bool]:
    """X and y with one example a row, and whether they had one a column: as the layout says, or as X alone can be."""
    shape, inputs = tuple(np.shape(to_numpy(X))), network.sizes[0]
    if len(shape) != 2 or shape[0] != inputs or (shape[1] == inputs and (layout or OURS).examples == "rows"):
        return X, y, False
    if shape[1] == inputs or layout is None or layout.examples == "columns":
        y = np.asarray(to_numpy(y))
        turned = y.reshape(-1) if y.shape == (1, shape[1]) and y.dtype.kind in "iub" else y.T
        return np.asarray(to_numpy(X)).T, turned, True
    return X, y, False
