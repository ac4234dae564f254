"""Biases of 0 hide a mistake with them: the same functions on the same network with other biases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...core.network import Network
from .calls import NUMBERED, arguments_of, is_called_by_name, meaning_of
from .network import Comparer
from .own import judge
from .report import CheckRow
from .student import Answers, Student
from .substitute import Scene

SEED = 0
SIZE = 0.5  # of the biases that are drawn: large enough to show, and inside the range of most functions
SMALL = 1e-6  # of the largest a_i: a bias that is smaller hides a mistake with it
HOLD_BIASES = ("network", "parameters", "biases", "cache", "yhat")
Judged = tuple[tuple[CheckRow, ...], tuple[Any, ...], tuple[str, ...]]


@np.errstate(all="ignore")
def judge_other_biases(
    student: Student, rows: tuple[CheckRow, ...], comparer: Comparer, every: bool, tolerance: float | None
) -> Judged:
    """What fails only with other biases: rows, mistakes and notes; nothing if the biases of every layer show.

    ``rows``: what was judged before. A backward pass that failed there is not judged again.
    """
    layers = _layers_that_hide(student.scene)
    if not layers:
        return (), (), ()
    where = f"the biases of layer{'s' if len(layers) > 1 else ''} {', '.join(map(str, layers))} are 0"
    passed = {row.quantity: row.passed for row in rows}
    gradients_failed = any(not row.passed and row.quantity[0] in "ahWb" for row in rows)
    left_out = {name for name in ("forward", "loss", "backward") if _has_no_biases(student, name)}
    notes = [f"{where}, and {name} is not given any: whether it adds them could not be tried"
             for name in sorted(left_out)]  # fmt: skip
    if gradients_failed:
        left_out.add("backward")
    other = _without(_with_biases(student, layers), left_out)
    if other is None:
        return (), (), tuple(notes)
    untried = f"{where}, where a mistake with them does not show, and other biases could not be tried"
    if not np.isfinite(other.scene.loss):
        return (), (), (*notes, f"{untried}: the loss is not finite with those that were drawn")
    try:
        answers = other.answer(Answers())
        judged, mistakes, _ = _judge(other, answers, comparer, every, tolerance)
        if not all(row.passed for row in judged):
            ignoring = _that_ignore_parameters(other, answers)
            notes += [f"{where}, and {name} gives the same whatever parameters it is handed: a mistake with the biases "
                      "could not be tried" for name in sorted(ignoring)]  # fmt: skip
            other = _without(other, ignoring)
            if other is None:
                return (), (), tuple(notes)
            if ignoring:
                judged, mistakes, _ = _judge(other, other.answer(Answers()), comparer, every, tolerance)
    except Exception as error:  # a function that passes with these biases may raise anything with others
        return (), (), (*notes, f"{untried}: with those that were drawn, {type(error).__name__} was raised ({error})")
    failed = tuple(
        replace(row, quantity=f"{row.quantity} with other biases")
        for row in judged
        if not row.passed and passed.get(row.quantity, True)
    )
    notes.append(
        f"{where}, where a mistake with them does not show: your functions were also judged with other biases, drawn "
        "with a fixed seed"
    )
    return failed, mistakes if failed else (), tuple(notes)


def _judge(student: Student, answers: Answers, comparer: Comparer, every: bool, tolerance: float | None) -> Judged:
    rng = np.random.default_rng(SEED)
    there = Comparer(student.scene, comparer.method, comparer.tolerance, comparer.directions, rng)
    return judge(student, answers, there, every, tolerance)


def _layers_that_hide(scene: Scene) -> list[int]:
    """The layers whose biases are 0, or too small to show."""
    largest = {i: float(np.abs(a).max()) for i, a in scene.trace.a.items()}
    return [i for i, b in scene.network.b.items() if float(np.abs(b).max()) <= SMALL * largest[i]]


def _has_no_biases(student: Student, name: str) -> bool:
    """Whether nothing that the function is given depends on the biases: then it adds its own, or none."""
    function = getattr(student.functions, name)
    count = 2 if name == "forward" else 3 + (student.sample_weight is not None)
    if function is None or not is_called_by_name(function, count):
        return False
    meanings = [meaning_of(argument) or "" for argument in arguments_of(function) or ()]
    numbered = [meaning for meaning in meanings if NUMBERED.fullmatch(meaning)]
    units = [meaning for meaning in numbered if meaning[0] in "bzah" and not meaning.endswith("0")]
    return not units and not any(meaning in HOLD_BIASES for meaning in meanings)


def _without(student: Student, names: set[str]) -> Student | None:
    """The student without these functions; without all if forward is one, since the others hear it. None if none is
    left.
    """
    functions = replace(student.functions, **dict.fromkeys(names))
    nothing = all(function is None for function in (functions.forward, functions.loss, functions.backward))
    return None if "forward" in names or nothing else replace(student, functions=functions)


def _with_biases(student: Student, layers: list[int]) -> Student:
    rng = np.random.default_rng(SEED)
    drawn = {i: SIZE * rng.normal(size=student.scene.network.b[i].shape) for i in layers}

    def other(network: Network) -> Network:
        spec, (W, b) = network.spec, network.to_lists()
        new = [spec.xp.asarray(drawn[i], device=spec.device) if i in drawn else array for i, array in enumerate(b, 1)]
        return network.replace(W, new)

    return student.on(other)


def _with_weights(student: Student) -> Student:
    rng = np.random.default_rng(SEED)
    drawn = [1 + 0.1 * rng.normal(size=array.shape) for array in student.scene.network.W.values()]

    def other(network: Network) -> Network:
        spec, (W, b) = network.spec, network.to_lists()
        factors = [spec.xp.asarray(array, device=spec.device) for array in drawn]
        return network.replace([array * factor for array, factor in zip(W, factors, strict=True)], b)

    return student.on(other)


def _that_ignore_parameters(student: Student, answers: Answers) -> set[str]:
    """The functions that give the same with other weights: they use a network that they hold themselves."""
    there = _with_weights(student).answer(Answers())
    same = {
        "forward": _are_equal(there.units, answers.units),
        "loss": there.loss == answers.loss,
        "backward": _are_equal(there.gradients, answers.gradients),
    }
    return {name for name, is_same in same.items() if is_same and getattr(student.functions, name) is not None}


def _are_equal(one: dict[Any, np.ndarray], other: dict[Any, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)
