"""A student's numbers beside the right ones: which are right, which follow from a wrong one, and what went wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...analysis.check.mistakes import Mistake, name_mistakes
from ...analysis.check.mistakes.talks import Pass, right_links
from ...analysis.check.network import magnitudes
from ...analysis.check.substitute import Scene
from ...core.forward import Trace, pre_activation, unit_output
from ...core.layers import Layers
from ...core.network import Network
from ...errors import InputError, InputTypeError, first_line, unknown_name
from .exact import NOTHING
from .own import Guess
from .questions import PathQuestion, Question
from .reading import Written, is_blank, read_answer

TWO_DECIMALS = 5e-3  # what rounding to two digits after the point may change
GOOD = ("right", "follows")
ENOUGH = 3  # so many numbers that do not follow from one another tell a factor that has no name
CLOSE = (1e-6, 1.5e-3)  # for the search of mistakes: exact numbers, and those of three digits


@dataclass(frozen=True, slots=True)
class Mark:
    """One answer: its ``verdict``, and ``said``, which says more.

    The verdict is 'right', 'follows' (from a wrong one above it), 'wrong', 'unreadable' or 'not answered'.
    """

    name: str
    verdict: str
    said: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Marks:
    """The marks in the order of the sheet, and the likely mistakes in the gradients.

    >>> from backtalk import exercise
    >>> marks = exercise(seed=0, activation="relu").check({"yhat": ["1/5", "4/5"], "loss": 7})
    >>> marks.right, marks.rows[1]
    (1, Mark(name='loss', verdict='wrong', said=''))
    """

    rows: tuple[Mark, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(row.verdict == "right" for row in self.rows)

    @property
    def points(self) -> int:
        """How many answers are right or follow from a wrong one above, so that a mistake counts once."""
        return sum(row.verdict in GOOD for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The marks for JSON."""
        rows = [{"name": row.name, "verdict": row.verdict, "said": row.said} for row in self.rows]
        return {"right": self.right, "rows": rows, "mistakes": [mistake.to_dict() for mistake in self.mistakes]}

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from ...pages.view import Verdict, rows_table, sentence, view

        rows = [[row.name, Verdict(row.verdict, row.verdict in GOOD), row.said] for row in self.rows]
        told = (
            sentence(line, kind="quiet" if line.startswith(" ") else "bad")
            for mistake in self.mistakes
            for line in mistake.lines
        )
        return view(self._title, rows_table(["answer", "verdict", "remark"], rows, words=3), *told)

    @property
    def _title(self) -> str:
        return f"{self.right} of {len(self.rows)} right"

    def __repr__(self) -> str:
        lines = [f"Marks: {self._title}"]
        for verdict in ("follows", "wrong", "unreadable", "not answered"):
            if names := [row.name for row in self.rows if row.verdict == verdict]:
                lines.append(f"  {verdict}: {', '.join(names)}")
        return "\n".join([*lines, *(f"  likely mistake: {mistake.said}" for mistake in self.mistakes)])

    def __str__(self) -> str:
        name = max([10, *(len(row.name) for row in self.rows)]) + 2
        verdict = max([7, *(len(row.verdict) for row in self.rows)]) + 2
        lines = [f"{row.name:<{name}}{row.verdict:<{verdict}}{row.said}".rstrip() for row in self.rows]
        told = [line for mistake in self.mistakes for line in mistake.lines]
        return "\n".join([*lines, *([""] if told else []), *told, self._title])


def mark(
    network: Network, x: np.ndarray, y: Any, questions: tuple[Question, ...], last: PathQuestion,
    answers: Mapping[str, Any], tolerance: float,
) -> Marks:  # fmt: skip
    """Compare answers by name with the right ones."""
    _require_tolerance(tolerance)
    if not isinstance(answers, Mapping):
        raise InputTypeError(
            f"answers is a {type(answers).__name__}, expected a dictionary such as {{'a[1]': [1, 2]}}."
        )
    names = [*(question.name for question in questions), last.name]
    for name in answers:
        if name not in names:
            raise unknown_name("the name of an answer", name, names, near=_nearest(name, names))
    target = network.head.target(np.asarray(y)[None], 1, network.sizes[-1], network.spec)
    read: dict[str, Written] = {}
    own: dict[str, np.ndarray] = {}
    rows: dict[str, Mark] = {}
    for name, answer in answers.items():
        if is_blank(answer):
            rows[name] = Mark(name, "not answered")
            continue
        try:
            read[name] = read_answer(name, answer)
        except (InputError, InputTypeError) as error:
            rows[name] = Mark(name, "unreadable", first_line(error))
    for question in questions:
        if question.name in read:
            value = read[question.name].value
            shaped = _shaped(question, value)
            if shaped is None:
                rows[question.name] = _of_wrong_shape(question, value, answers[question.name])
            else:
                own[question.name] = shaped
    answered = [question for question in questions if question.name in own]
    scene = _own_scene(network, x, target, own)
    links = right_links(network.depth)
    given = {_place(each): _as_batch(each, own[each.name]) for each in answered if each.is_gradient}
    expected = Pass(scene, links, given)
    student = _Student(expected)
    for question in answered:
        name, value = question.name, own[question.name]
        above = (rows[other] for other in names[: names.index(name)] if other in own)
        if _agree(value, question.value, tolerance):
            rows[name] = Mark(name, "right")
        elif not _agree(value, _follows(question, expected, student), tolerance):
            rows[name] = Mark(name, "wrong", _likely(question, student, value, tolerance))
        elif all(mark.verdict == "right" for mark in above):  # computed on with numbers that were rounded
            rows[name] = Mark(name, "right")
        else:
            rows[name] = Mark(name, "follows", "right for the numbers above it, of which one is wrong")
    if last.name in read:
        value = read[last.name].value
        agrees = value.ndim == 0 and _agree(value, np.asarray(last.paths.value), tolerance)
        rows[last.name] = Mark(last.name, "right" if agrees else "wrong")
    mistakes: tuple[Mistake, ...] = ()
    if any(rows[each.name].verdict == "wrong" for each in answered if each.is_gradient):
        for each in answered:
            if each.is_gradient and rows[each.name].verdict == "right":  # its rounding is no mistake
                given[_place(each)] = _as_batch(each, each.value)
        mistakes = _name_mistakes(scene, given, tolerance)
    remarks = {name: written.remarks for name, written in read.items()}
    marks = (_with_remarks(rows[name], remarks.get(name, ())) for name in names if name in rows)
    return Marks(tuple(marks), mistakes)


def _nearest(name: Any, names: list[str]) -> str:
    """The name that is meant by 'y' or 'W[1]'; '' for what only its letters can tell."""
    meant = "yhat" if name in ("y", "ŷ", "y_hat") else f"grad {name}"
    return meant if meant in names else ""


def _require_tolerance(tolerance: Any) -> None:
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float | np.number):
        raise InputTypeError(f"tolerance is {tolerance!r}, expected a number such as 0.005.")
    if not 0 <= tolerance < math.inf:
        raise InputError(f"tolerance is {tolerance!r}, expected a finite number of 0 or more.")


def _with_remarks(mark: Mark, remarks: tuple[str, ...]) -> Mark:
    """A mark that also says how the answer was read, if there are two ways."""
    return replace(mark, said="; ".join(filter(None, [mark.said, *remarks])))


def _shaped(question: Question, value: np.ndarray) -> np.ndarray | None:
    """An answer in the shape of the right one; a vector may be a list, a column or a row."""
    shape = np.shape(question.value)
    if value.shape == shape:
        return value
    if len(question.shape) == 1 and value.size == shape[0] and (value.ndim == 1 or 1 in value.shape):
        return value.reshape(shape)
    if math.prod(shape) == 1 and value.size == 1:
        return value.reshape(shape)
    return None


def _of_wrong_shape(question: Question, value: np.ndarray, answer: Any) -> Mark:
    shape = question.shape
    said = f"it has shape {value.shape}, expected {shape}"
    if question.is_matrix and value.shape == shape[::-1]:
        said += ": it is transposed; a row for each unit talked to"
    if isinstance(answer, str) and "," in answer:
        said += f": {answer!r} is one number, and several are a list, such as [1, 5]"
    return Mark(question.name, "wrong", said)


def _agree(value: np.ndarray, right: Any, tolerance: float) -> bool:
    room = tolerance * np.maximum(1.0, np.abs(right)) + NOTHING
    return bool(np.all(np.abs(value - right) <= room))


def _own_scene(network: Network, x: np.ndarray, target: np.ndarray, own: dict[str, np.ndarray]) -> Scene:
    """The forward pass with the student's numbers, if there are some, and what follows from them."""
    a, h = [], [x[None, :]]
    for i in range(1, network.depth + 1):
        a.append(own[f"a[{i}]"].T if f"a[{i}]" in own else pre_activation(network, i, h[-1]))
        name = f"h[{i}]" if i < network.depth else "yhat"
        h.append(own[name].T if name in own else unit_output(network, i, a[-1]))
    return Scene(network, Trace(Layers(a), Layers(h, first=0)), target, np.ones(1))


class _Student:
    """The student's numbers, as questions beside those of the talks need them."""

    def __init__(self, expected: Pass) -> None:
        self.expected, self.scene = expected, expected.scene

    def h(self, i: int) -> np.ndarray:
        return self.scene.trace.h[i].T

    def gradient(self, family: str, i: int) -> np.ndarray:
        given = self.expected.given.get((family, i))
        return _as_column(family, self.expected.says(family, i) if given is None else given)


def _as_column(family: str, batch: np.ndarray) -> np.ndarray:
    """A batch of one row, or the vector of a bias, as a column; a matrix as it is."""
    return batch if family == "W" else batch[:, None] if family == "b" else batch.T


def _follows(question: Question, expected: Pass, student: _Student) -> np.ndarray:
    """What the right formula gives for the student's own numbers above it."""
    if question.further is not None:
        return question.further.follows(student)
    scene, (family, i) = expected.scene, _place(question)
    network, trace = scene.network, scene.trace
    if question.is_gradient:
        return _as_column(family, expected.says(family, i))
    if family == "loss":
        return np.asarray(network.loss.value(trace.output, scene.target)[0])
    return (pre_activation(network, i, trace.h[i - 1]) if family == "a" else unit_output(network, i, trace.a[i])).T


def _likely(question: Question, student: _Student, value: np.ndarray, tolerance: float) -> str:
    """What was likely done, in a few words; the mistakes in the gradients of the talks are named elsewhere."""
    if question.further is not None:
        guesses: Iterable[Guess] = question.further.guesses(student)
    elif question.is_gradient or question.name == "loss":
        return ""
    else:
        guesses = _forward_mistakes(*_place(question), student.scene)
    for words, change in guesses:
        try:
            if _agree(value, change(), tolerance):
                return f"as if {words}"
        except (ValueError, IndexError):  # shapes that do not fit
            continue
    return ""


def _forward_mistakes(family: str, i: int, scene: Scene) -> Iterator[Guess]:
    network, trace, L = scene.network, scene.trace, scene.network.depth
    if family == "a":
        W, b, h = network.W[i], network.b[i], trace.h[i - 1]
        yield "the bias was left out", lambda: W @ h.T
        yield "the bias was subtracted", lambda: (h @ W.T - b).T
        yield f"W_{i} was transposed", lambda: (h @ W + b).T
        if i > 1:
            yield f"a_{i - 1} was heard instead of h_{i - 1}", lambda: (trace.a[i - 1] @ W.T + b).T
    elif i < L:
        yield "g was left out", lambda: trace.a[i].T
        yield "g′ was taken instead of g", lambda: network.activations[i - 1].g_prime(trace.a[i]).T
        if network.activations[i - 1].name == "relu":
            yield "the sign was dropped, |a| for max(0, a)", lambda: np.abs(trace.a[i]).T
    else:
        yield "the output function was left out", lambda: trace.a[L].T
        yield "exp(a) was not divided by the sum of all", lambda: np.exp(trace.a[L]).T
        yield "a was divided by the sum of all, without exp", lambda: trace.a[L].T / trace.a[L].sum()


def _name_mistakes(scene: Scene, given: dict[tuple[str, int], np.ndarray], tolerance: float) -> tuple[Mistake, ...]:
    size = magnitudes(scene)
    found = (name_mistakes(scene, given, size, close=close, enough=ENOUGH) for close in sorted({*CLOSE, tolerance}))
    return next(filter(None, found), ())


def _place(question: Question) -> tuple[str, int]:
    """The family and the layer of what is asked for: ŷ is h of the last layer, which is its row."""
    symbol = question.symbol
    return ("h", question.row) if symbol.letter == "yhat" else (symbol.letter, int(symbol.layer or 0))


def _as_batch(question: Question, value: np.ndarray) -> np.ndarray:
    """The column of a gradient as a batch of one row, or as the vector of a bias; a matrix as it is."""
    family = question.symbol.letter
    return value if family == "W" else value[:, 0] if family == "b" else value.T
