"""Which mistakes explain what a student's functions gave: forward, loss and backward."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...core.arrays import to_numpy
from .mistakes.forward import MAXIMUM_NOT_SUBTRACTED
from .mistakes.hidden import slopes_in_h
from .mistakes.loss import LossCase
from .mistakes.mistake import Mistake
from .mistakes.naming import explains, name_mistakes
from .mistakes.naming_forward import name_forward_mistakes, trace_of, traces_with_a_mistake
from .mistakes.naming_loss import name_loss_mistakes
from .mistakes.table import ROUNDED
from .reading import Quantity
from .student import Answers, Student, on_examples
from .substitute import Scene


def of_forward(scene: Scene, units: dict[Quantity, np.ndarray]) -> tuple[Mistake, ...]:
    """Of a forward pass whose a_i and h_i are not ours."""
    if not all(np.isfinite(array).all() for array in units.values()):
        return ()
    found = name_forward_mistakes(scene, units)
    rounded = (np.allclose(array, scene.value(*quantity), rtol=1e-4, atol=1e-4) for quantity, array in units.items())
    return found or ((ROUNDED.mistake(),) if all(rounded) else ())


def of_overflow() -> tuple[Mistake, ...]:
    """Of a softmax that overflows."""
    return (MAXIMUM_NOT_SUBTRACTED,)


@np.errstate(all="ignore")
def of_loss(student: Student, answers: Answers) -> tuple[Mistake, ...]:
    """Of a loss that is not ours, from its values on the batch and on parts of it."""
    B = len(student.scene.weight)
    parts = [list(range(B)), list(range((B + 1) // 2)), *([n] for n in range(min(B, 3)))]
    cases = []
    for part in parts if B > 1 else parts[:1]:
        try:
            cases.append(_case(student, answers, part))
        except Exception:  # a function that wants the whole batch is judged by that alone
            break
    found = name_loss_mistakes(cases)
    if found or answers.units:
        return found
    for mistake, scene in traces_with_a_mistake(student.scene):  # in the forward pass inside the loss
        under = [replace(case, yhat=scene.trace.output, a=scene.trace.a[scene.network.depth]) for case in cases[:1]]
        if under and np.isclose(under[0].value, under[0].given, rtol=1e-7):
            return (mistake,)
    return ()


def _case(student: Student, answers: Answers, part: list[int]) -> LossCase:
    whole = len(part) == len(student.scene.weight)
    own = student if whole else on_examples(student, part)
    units, cache = answers.units, None
    if whole:
        given = answers.loss if answers.loss is not None else answers.loss_beside
    else:
        units, cache = ({}, None) if own.functions.forward is None else own.call_forward()
        theirs = units.get(("h", own.scene.network.depth))
        if own.functions.loss is not None:
            given = own.call_loss(theirs, cache, units)
        else:
            given = own.call_backward(theirs, cache, units)[0]
    scene, L = own.scene, own.scene.network.depth
    if given is None:
        raise ValueError("no loss")
    a, yhat = units.get(("a", L)), units.get(("h", L))
    sums = float(len(part)) if own.sample_weight is None else float(np.sum(to_numpy(own.sample_weight)))
    return LossCase(
        network=scene.network,
        given=float(given),
        a=scene.trace.a[L] if a is None else a,
        yhat=scene.trace.output if yhat is None else yhat,
        target=scene.target,
        weight=scene.weight,
        total=sums,
    )


@np.errstate(all="ignore")
def of_backward(
    student: Student, answers: Answers, size: dict[Quantity, np.ndarray], units_wrong: bool
) -> tuple[Mistake, ...]:
    """Of gradients that are not the derivatives: in the backward pass, or in the forward pass that it hears."""
    raw = None if student.sample_weight is None else np.asarray(to_numpy(student.sample_weight), dtype=np.float64)
    given, scene = answers.gradients, student.scene
    found = name_mistakes(scene, given, size, raw)
    if found:
        return found
    if units_wrong:
        theirs = trace_of(scene, answers.units)
        if explains(theirs, given, size, raw) or explains(theirs, given, size, raw, slopes_in_h):
            return ()
        return name_mistakes(theirs, given, size, raw)
    for mistake, under in traces_with_a_mistake(scene):  # in the forward pass inside the backward pass
        if explains(under, given, size, raw):
            return (mistake,)
    return ()
