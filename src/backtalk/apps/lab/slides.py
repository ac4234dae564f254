"""One step as a talk, slide by slide: forward, to the output, to the hidden units, to the weights, and the update.

The formulas are the trees of :mod:`backtalk.teaching.derivations`. What a slide lights follows from its formula: of
each layer the quantity of its units, and its weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Any, NamedTuple

import numpy as np

from ...core.network import Network
from ...engines.passes import gradients
from ...errors import InputError
from ...teaching.derivations.brief import (
    activation_of,
    forward_steps,
    talk_of,
    through_activation,
    to_biases,
    to_hidden,
    to_output,
    to_weights,
)
from ...teaching.derivations.document import Equation, Statement
from ...teaching.derivations.evaluation import leaves_of
from ...teaching.derivations.expressions import (
    Derivative,
    Expression,
    Index,
    Leaf,
    Number,
    Partial,
    Product,
    Sum,
    SumOver,
    Symbol,
)
from ...teaching.derivations.lecture.board import Board, sum_over_paths, weight
from ...teaching.derivations.lecture.hidden import in_our_case, multiple_paths, row_by_row, two_vectors
from ...teaching.derivations.loss_formulas import residual_of
from ...teaching.derivations.notation import is_scalar
from ...teaching.derivations.outputs import OutputTalk
from ...teaching.derivations.quantity import Quantity
from ...teaching.derivations.steps import Step
from ...teaching.derivations.text import write_text
from ...teaching.derivations.update import explain_step
from ...teaching.derivations.values import AnyValues, ExampleValues, NoValues
from ...teaching.derivations.view import View
from .trainer import Trainer

MOST_COUPLED = 16  # outputs whose Jacobian is shown


class Light(NamedTuple):
    """What is drawn of a layer: its units by h, a, grad_h or grad_a, or the weights that come into it, W or grad_W."""

    quantity: str
    layer: int

    @property
    def of_weights(self) -> bool:
        """Whether it is drawn on lines, not on units."""
        return self.quantity in ("W", "grad_W")


@dataclass(frozen=True, slots=True, eq=False)
class Slide:
    """One slide: its talk and title, sentences with their equations, and what is lit in the drawing.

    ``each``: the equation of one unit j, or of one weight j, k, whose terms can be added one by one. ``about``: the
    weight whose update is told. ``steps``: what the statements tell, if it is those of a derivation.
    """

    talk: str
    title: str
    statements: tuple[Statement, ...]
    light: tuple[Light, ...]
    each: Equation | None = None
    about: Symbol | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """The slides of a step, and the values of their symbols; without numbers if one of them is not finite."""

    slides: Sequence[Slide]
    values: AnyValues

    def computed(self, at: int) -> tuple[list[Light], list[Light]]:
        """What is known at a slide: of each layer what is drawn although it is not lit; and all of it."""
        known = [Light("h", 0), *(Light("W", i) for i in range(1, self.values.network.depth + 1))]
        for slide in self.slides[: at + 1]:
            known += [each for each in slide.light if each not in known]
        now = self.slides[at]
        back = now.talk in ("output", "hidden", "weights")
        drawn: dict[tuple[bool, int], Light] = {}
        for each in known:
            gradients = now.talk == "weights" if each.of_weights else back and each.layer > 0
            if each.quantity.startswith("grad_") == gradients:
                drawn[each.of_weights, each.layer] = each
        for each in now.light:
            drawn.pop((each.of_weights, each.layer), None)
        return list(drawn.values()), known


def walk_through(trainer: Trainer, row: int) -> Walk:
    """The slides of the next step, of the network before it, with the numbers of a row."""
    with np.errstate(all="ignore"):
        values = _values(trainer.network, trainer.example(row)[0], trainer.data.y[row])
        return Walk([*example_slides(values), *update_slides(trainer)], values)


def example_slides(values: AnyValues) -> list[Slide]:
    """The slides of one example, up to the gradients of its weights."""
    talk = talk_of(values)
    return [
        *_forward(values, talk),
        *_output(values, talk),
        *_lecture(values.network),
        *_hidden(values),
        *_weights(values),
    ]


def light_of(leaf: Leaf, depth: int) -> Light | None:
    """How a symbol of a formula is drawn, if it is."""
    of, prefix = (leaf.of, "grad_") if isinstance(leaf, Derivative) else (leaf, "")
    match of:
        case Symbol("yhat"):
            return Light(f"{prefix}h", depth)
        case Symbol("h" | "a" | "W" as letter, int(i)):
            return Light(prefix + letter, i)
    return None


def lights_of(equations: Iterable[Equation], depth: int) -> tuple[Light, ...]:
    """What equations speak of: the left side first, since a unit shows one number."""
    found: dict[tuple[bool, int], Light] = {}
    for equation in equations:
        for part in (equation.left, *equation.rights):
            for leaf in leaves_of(part):
                if (light := light_of(leaf, depth)) is not None:
                    found.setdefault((light.of_weights, light.layer), light)
    return tuple(found.values())


def _values(network: Network, x: np.ndarray, y: Any) -> AnyValues:
    """The numbers of an example; without them, the slides are in symbols alone."""
    try:
        values = ExampleValues(network, x, y)
    except InputError:  # a value that is not finite, which the drawing shows
        return NoValues(network)
    return as_told(values)


def as_told(values: ExampleValues) -> AnyValues:
    """The numbers of an example; none if the way through ŷ cannot be told with them."""
    return values if values.clear or talk_of(values).collapsed is not None else NoValues(values.network)


def _slide(steps: Sequence[Step], depth: int, each: Equation | None = None) -> Slide:
    """The steps of one slide; numbers and Jacobians are written out, a vector is shown beside its formula."""
    statements = []
    for step in steps:
        symbols = step.forms if step.right is None else (*step.forms, step.right)
        told = step.equation if is_scalar(step.left) else Equation(step.left, symbols)
        if isinstance(step.left, Partial) and step.value is not None:
            told = Equation(step.left, (*symbols, Number(step.value)))
        statements.append(Statement(step.reason, told))
    light = lights_of((statement.equation for statement in statements), depth)
    return Slide(steps[0].talk, steps[0].title, tuple(statements), light, each, steps=tuple(steps))


def _forward(values: AnyValues, talk: OutputTalk) -> Iterator[Slide]:
    sizes, depth = values.network.sizes, values.network.depth
    for step in forward_steps(values, talk):
        i, each = step.layer, None
        match step.left:
            case Symbol("a"):
                heard = SumOver(
                    "k", sizes[i - 1], lambda k, i=i: _times(weight(i, "j", k), _unit("h", i - 1, k)), i - 1
                )
                each = Equation(_unit("a", i), (Sum((heard, _unit("b", i))),))
            case Symbol("h"):
                each = Equation(_unit("h", i), (activation_of(values, i, "g", _unit("a", i)),))
        yield _slide([step], depth, each)


def _output(values: AnyValues, talk: OutputTalk) -> Iterator[Slide]:
    depth, k = values.network.depth, values.network.sizes[-1]
    left = Derivative(_unit("a", depth))
    for step in to_output(values, talk, ()):
        each = None
        if step.right is not None and any(isinstance(leaf, Partial) for leaf in leaves_of(step.right)):
            each = Equation(left, (_through_output(talk, depth, k),)) if k <= MOST_COUPLED or not talk.coupled else None
        elif step.left == Derivative(Symbol("a", depth)) and talk.collapsed is residual_of:
            each = Equation(left, (residual_of("j"),))
        yield _slide([step], depth, each)


def _through_output(talk: OutputTalk, depth: int, k: int) -> Expression:
    """∂ℒ/∂ŷ times ∂ŷ/∂a_{Lj}: through every output, or through its own."""
    a = _unit("a", depth)

    def path(m: Index) -> Expression:
        yhat = Symbol("yhat", None, (m,))
        return _times(Derivative(yhat), Partial(yhat, a))

    return SumOver("m", k, path, depth) if talk.coupled else path("j")


def _lecture(network: Network) -> Iterator[Slide]:
    """How the second talk follows, derived in symbols for the uppermost hidden layer."""
    i, depth = network.depth - 1, network.depth
    if i == 0:
        return
    board = Board(NoValues(network), Quantity("h", i), View())
    light, each = (Light("grad_a", i + 1), Light("W", i + 1)), None
    whole = (replace(step, forms=step.forms[1:]) for step in row_by_row(board, i))  # without the column of ∂ℒ/∂h_j
    pages = chain(multiple_paths(i), in_our_case(board, i, ()), two_vectors(board, i, ("j",)), whole)
    for title, steps in groupby(pages, key=lambda step: step.title):
        if title.startswith("The sum"):  # from here on ∇_h is known
            light, each = (*light, Light("grad_h", i)), _paths(network.sizes, i)
        slide = _slide(list(steps), depth)
        yield Slide("hidden", title, slide.statements, light, each)


def _hidden(values: AnyValues) -> Iterator[Slide]:
    sizes, depth = values.network.sizes, values.network.depth
    for i in range(depth - 1, 0, -1):
        yield _slide([to_hidden(values, i, ())], depth, _paths(sizes, i))
        slope = activation_of(values, i, "g′", _unit("a", i), as_value=True)
        each = Equation(Derivative(_unit("a", i)), (_times(Derivative(_unit("h", i)), slope),))
        why, through = through_activation(values, i, ())
        yield _slide([replace(through, reason=why.reason, remarks=why.remarks)], depth, each)


def _paths(sizes: Sequence[int], i: int) -> Equation:
    return Equation(Derivative(_unit("h", i)), (sum_over_paths(i + 1, sizes[i + 1], "j"),))


def _weights(values: AnyValues) -> Iterator[Slide]:
    depth = values.network.depth
    for i in range(depth, 0, -1):
        steps = [to_weights(values, Quantity("W", i)), to_biases(values, Quantity("b", i))]
        one = _times(Derivative(_unit("a", i)), _unit("h", i - 1, "k"))
        yield _slide(steps, depth, Equation(Derivative(weight(i, "j", "k")), (one,)))


def untold_update(network: Network, why: str) -> Slide:
    """The slide of an update that is not told with its numbers."""
    light = tuple(Light("W", i) for i in range(1, network.depth + 1))
    return Slide(
        "update", "The update", (Statement(f"{why} Going on takes the step.", Equation(Symbol("theta"))),), light
    )


def update_slides(trainer: Trainer) -> list[Slide]:
    """What the step does with one weight."""
    with np.errstate(all="ignore"):
        return list(_update(trainer))


def _update(trainer: Trainer) -> Iterator[Slide]:
    """What the optimizer does with the weight that the mini-batch pulls hardest."""
    network, settings, rows = trainer.network, trainer.settings, trainer.next_rows()
    optimizer = settings.made_optimizer()
    X, y = trainer.X_training[rows], trainer.y_training[rows]
    light = tuple(Light("W", i) for i in range(1, network.depth + 1))
    found = gradients(network, X, y).W
    untold = ""
    if not all(np.isfinite(each).all() for each in found.values()):
        untold = "a gradient of this mini-batch is not finite"
    elif settings.dropout:
        untold = "dropout leaves out other units in each step, so this one is not told with its numbers"
    elif optimizer.searches:
        untold = "it searches along a line for how far to go, so this step is not told with its numbers"
    if untold:
        yield untold_update(network, f"{optimizer.name} changes every weight and bias; {untold}.")
        return
    i = max(found, key=lambda i: np.abs(found[i]).max())
    unit, heard = np.unravel_index(np.abs(found[i]).argmax(), found[i].shape)
    about = weight(i, int(unit) + 1, int(heard) + 1)
    name = write_text(about)
    update = explain_step(
        network,
        X,
        y,
        optimizer,
        name,
        state=trainer.loop.steps.state(),
        schedule_factor=trainer.rate_now() / settings.rate,
        l2_penalty=settings.l2_penalty,
    )
    parts = {part: list(lines) for part, lines in groupby(update.lines, key=lambda line: line.part)}
    titles = {"gradient": f"The update of {name}", "optimizer": f"What {optimizer.name} makes of the gradient"}
    for part, lines in parts.items():
        told = tuple(
            Statement(line.reason if part != "optimizer" else f"{line.title}:", _in_one_line(line)) for line in lines
        )
        if part == "weight":
            mean = "gradient of the example" if len(rows) == 1 else f"mean of the gradients of the {len(rows)} examples"
            every = f"Every weight and bias changes so, with the {mean}."
            told = (Statement(f"{told[0].reason} {every} Going on takes the step.", lines[0].equation),)
        yield Slide("update", titles.get(part, f"The new {name}"), told, light, about=about)


def _in_one_line(line: Any) -> Equation:
    """left = the formula = its value."""
    rights = line.equation.rights
    return Equation(line.left, (rights[0], Number(line.value)) if len(rights) > 1 else rights)


def _unit(letter: str, layer: int, index: Index = "j") -> Symbol:
    return Symbol(letter, layer, (index,))


def _times(*factors: Expression) -> Product:
    return Product(factors)
