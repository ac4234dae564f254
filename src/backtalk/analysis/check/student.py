"""The functions of a student, called on a batch in the layout in which they are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...core.arrays import is_array, to_numpy
from ...core.inputs import as_target, as_weight
from ...core.network import Network
from ...errors import BacktalkError, InputError, InputTypeError
from .calls import NUMBERED, arguments_of, call, is_called_by_name, meaning_of
from .layouts import COLUMNS, LIKELY, OURS, Layout
from .reading import Quantity, is_number, read_forward, read_gradients, take_loss
from .substitute import Scene

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Functions:
    """What a student wrote; None for what they did not write."""

    forward: Function | None = None
    loss: Function | None = None
    backward: Function | None = None


@dataclass(slots=True)
class Answers:
    """What the functions returned, in our layout. ``loss_beside``: the loss that came with the gradients.

    ``done``: how many functions have answered.
    """

    units: dict[Quantity, np.ndarray] = field(default_factory=dict)
    loss: float | None = None
    loss_beside: float | None = None
    gradients: dict[Quantity, np.ndarray] = field(default_factory=dict)
    done: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """Functions with a layout, and the network and the batch that they are given.

    ``network``, ``X``, ``y``, ``sample_weight``: as the user gave them, the network in float64; X and y with one
    example a row. ``scene``: the same for our own formulas.
    """

    functions: Functions
    layout: Layout
    network: Network
    X: Any
    y: Any
    sample_weight: Any
    scene: Scene

    def on(self, change: Callable[[Network], Network]) -> Student:
        """The same functions and examples with another network, which ``change`` makes of theirs and of ours."""
        scene = self.scene
        moved = Scene.of(change(scene.network), scene.trace.h[0], scene.target, scene.weight)
        return replace(self, network=change(self.network), scene=moved)

    def answer(self, answers: Answers) -> Answers:
        """Calls forward, loss and backward, in this order."""
        cache, yhat = None, None
        if self.functions.forward is not None:
            answers.units, cache = self.call_forward()
            answers.done += 1
            yhat = answers.units.get(("h", self.scene.network.depth))
        if self.functions.loss is not None:
            answers.loss = self.call_loss(yhat, cache, answers.units)
            answers.done += 1
        if self.functions.backward is not None:
            answers.loss_beside, answers.gradients = self.call_backward(yhat, cache, answers.units)
            answers.done += 1
        return answers

    def asked_for(self) -> set[str]:
        """What the functions that are called by name are given, besides the network."""
        wants = [(self.functions.forward, 2)]
        wants += [(function, len(self._positional)) for function in (self.functions.loss, self.functions.backward)]
        meanings = {meaning_of(name) for function, count in wants if function and is_called_by_name(function, count)
                    for name in arguments_of(function) or ()}  # fmt: skip
        return {meaning for meaning in meanings if meaning and meaning not in ("network", "count")}

    def call_forward(self) -> tuple[dict[Quantity, np.ndarray], Any]:
        """Their a_i and h_i, and their cache."""
        assert self.functions.forward is not None
        returned = call("forward", self.functions.forward, self._values(None, None, {}), (self.network, self.laid_X))
        return read_forward(returned, self.scene, self.layout)

    def call_loss(self, yhat: np.ndarray | None, cache: Any, units: dict[Quantity, np.ndarray]) -> float:
        """Their ℒ."""
        assert self.functions.loss is not None
        given = call("loss", self.functions.loss, self._values(yhat, cache, units), self._positional)
        return as_number(given, "loss", len(self.scene.weight))

    def call_backward(
        self, yhat: np.ndarray | None, cache: Any, units: dict[Quantity, np.ndarray]
    ) -> tuple[float | None, dict[Quantity, np.ndarray]]:
        """Their ℒ, if it came with the gradients, and the gradients."""
        assert self.functions.backward is not None
        returned = call("backward", self.functions.backward, self._values(yhat, cache, units), self._positional)
        loss, rest = take_loss(returned)
        number = None if loss is None else as_number(loss, "backward", len(self.scene.weight))
        return number, read_gradients(rest, self.scene, self.layout)

    @property
    def laid_X(self) -> Any:
        """X in their layout."""
        return _own(self.X) if self.layout.examples == "rows" else np.array(np.asarray(to_numpy(self.X)).T)

    @property
    def laid_y(self) -> Any:
        """y in their layout: a matrix turned, labels as they are."""
        if self.layout.examples == "rows":
            return _own(self.y)
        y = np.asarray(to_numpy(self.y))
        if y.ndim == 1 and self.scene.target.shape[1] == 1:
            y = y[:, None]
        return np.array(y.T)

    @property
    def _positional(self) -> tuple[Any, ...]:
        given = (self.network, self.laid_X, self.laid_y)
        return given if self.sample_weight is None else (*given, self.sample_weight)

    def _values(self, yhat: np.ndarray | None, cache: Any, units: dict[Quantity, np.ndarray]) -> dict[str, Any]:
        """What every argument holds, by its meaning; arrays of their own, which they may change."""
        scene, lay = self.scene, self.layout.lay
        network, trace = scene.network, scene.trace
        units = {**{("a", i): a for i, a in trace.a.items()}, **{("h", i): h for i, h in trace.h.items()}, **units}
        W = {i: lay("W", array) for i, array in network.W.items()}
        b = {i: lay("b", array) for i, array in network.b.items()}
        top = trace.output if yhat is None else yhat
        values: dict[str, Any] = {
            "network": self.network,
            "X": _copied(self.laid_X),
            "y": _copied(self.laid_y),
            "sample_weight": self.sample_weight,
            "parameters": {f"{name}{i}": array for i in W for name, array in (("W", W[i]), ("b", b[i]))},
            "weights": list(W.values()),
            "biases": list(b.values()),
            "cache": cache,
            "yhat": lay("h", top),
            "count": len(scene.weight),
        }
        values |= {f"w{i}": array for i, array in W.items()} | {f"b{i}": array for i, array in b.items()}
        # z_i with a_i, or a_i with h_i: an h says that a is the pre-activation
        names = {name for function in (self.functions.backward, self.functions.loss) if function
                 for name in arguments_of(function) or ()}  # fmt: skip
        letters = {match[1] for name in names if (match := NUMBERED.fullmatch(meaning_of(name) or ""))}
        values |= {f"z{i}": lay("a", units["a", i]) for i in W}
        values |= {f"h{i}": lay("h", units["h", i]) for i in (0, *W)}
        values |= {f"a{i}": lay(*pair) for i in W
                   for pair in [("a", units["a", i]) if "h" in letters else ("h", units["h", i])]}  # fmt: skip
        values["a0"] = values["h0"]
        return values


def _own(array: Any) -> Any:
    """A copy, which a student's function may change."""
    return np.array(array) if isinstance(array, np.ndarray) else array


def as_number(given: Any, whose: str, count: int) -> float:
    """A loss as a number."""
    if is_number(given):
        number = np.asarray(to_numpy(given)).reshape(-1)[0]
        if isinstance(number, np.generic) and number.dtype.kind not in "biuf":
            raise InputTypeError(f"{whose} returned a {number.dtype} for the loss, expected a real number.")
        return float(number)
    shape = tuple(given.shape) if is_array(given) else (len(given),) if isinstance(given, list | tuple) else None
    if shape is None:
        raise InputTypeError(f"{whose} returned a {type(given).__name__} for the loss, expected a number.")
    each = "one number for each example: take their mean" if count in shape else "take the mean over the examples"
    raise InputError(f"{whose} returned a loss of shape {shape}, expected a number ({each}).")


def _copied(value: Any) -> Any:
    return np.array(value) if isinstance(value, np.ndarray) else value


def on_examples(student: Student, chosen: list[int]) -> Student:
    """The same functions with some of the examples."""
    rows = np.array(chosen)
    X, y = (np.asarray(to_numpy(part))[rows] for part in (student.X, student.y))
    network = student.scene.network
    weights = None if student.sample_weight is None else np.asarray(to_numpy(student.sample_weight))[rows]
    target, weight = as_target(network, y, len(rows)), as_weight(network, weights, len(rows))
    scene = Scene.of(network, student.scene.trace.h[0][rows], np.asarray(target), np.asarray(weight))
    return replace(student, X=X, y=y, sample_weight=weights, scene=scene)


def find_layout(student: Student, given: Layout | None, examples: str | None) -> tuple[Student, Answers]:
    """The student in the layout that was given, or in the one way in which the shapes fit; and their answers.

    ``examples``: 'columns' if X was given so, which leaves only layouts with columns.

    A layout is looked for only if a function is given arrays by their names. Raises
    :class:`~backtalk.errors.InputError` if the shapes fit in two ways whose numbers differ.
    """
    layouts = LIKELY if given is None else (given,)
    asked = student.asked_for()
    if given is None and not asked:
        layouts = (OURS,) if examples is None else (COLUMNS,)
    elif given is None and not any(name in ("parameters", "weights") or name[0] == "w" for name in asked):
        layouts = tuple(layout for layout in LIKELY if layout.weights == "(out, in)")
    if examples is not None and given is None:
        layouts = tuple(layout for layout in layouts if layout.examples == examples)
    if len(layouts) == 1:
        chosen = replace(student, layout=layouts[0])
        return chosen, chosen.answer(Answers())
    fitting: list[tuple[Student, Answers]] = []
    failed: list[tuple[float, Exception]] = []
    for layout in layouts:
        tried, answers = replace(student, layout=layout), Answers()
        try:
            with np.errstate(all="ignore"):
                tried.answer(answers)
        except Exception as error:  # a layout that is not theirs may raise anything
            failed.append((answers.done + (0.5 if isinstance(error, BacktalkError) else 0), error))
            continue
        if not any(_agree(answers, before) for _, before in fitting):
            fitting.append((tried, answers))
    if not fitting:
        error = max(failed, key=lambda pair: pair[0])[1]  # of the layout that came furthest
        if not isinstance(error, BacktalkError):
            error.add_note("So it is in every layout that was tried: say yours, as in layout='columns, (out, in)'.")
        raise error
    if len(fitting) > 1:
        with_weights = any(name in ("parameters", "weights") or name[0] in "wb" for name in asked)
        with_weights = with_weights or any(answers.gradients for _, answers in fitting)
        options = " and ".join(repr(str(each.layout) if with_weights else each.layout.examples) for each, _ in fitting)
        raise InputError(f"layout is not given, and the shapes fit {options}: say which, as layout=….")
    return fitting[0]


def _agree(one: Answers, other: Answers) -> bool:
    """Whether two layouts give the same numbers."""
    if one.gradients.keys() != other.gradients.keys() or one.units.keys() != other.units.keys():
        return False
    pairs = [(one.gradients[key], other.gradients[key]) for key in one.gradients]
    pairs += [(one.units[key], other.units[key]) for key in one.units]
    pairs += [(np.array(a), np.array(b)) for a, b in ((one.loss, other.loss), (one.loss_beside, other.loss_beside))
              if a is not None and b is not None]  # fmt: skip
    return all(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True) for a, b in pairs)
