"""An exercise on paper: a small network with friendly numbers, its sheet with blanks, and the key to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.activations import Activation, as_activation
from ...core.losses import Loss
from ...core.network import Network
from ...core.outputs import Output, Softmax
from ...errors import InputError, InputTypeError
from .blocks import Task, key_blocks, sheet_blocks
from .draw import draw
from .exact import without_rounding
from .further import a_rate, further_questions, in_order, kinds_of
from .marking import TWO_DECIMALS, Marks, mark
from .paper import Paper
from .questions import PathQuestion, Question, path_question, questions_of
from .second import Second

MOST_UNITS = 4  # of a layer: what fits beside one another on paper
MOST_LAYERS = 4  # with weights


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Exercise:
    """A network, an example ``x`` (n_0,) with its ``y``, and what is asked about them.

    ``sheet`` and ``key`` are written by ``to_markdown()``, ``to_latex()`` and ``to_html()``. ``answers`` holds the
    right numbers by name, ``check`` compares a student's with them. What is printed, and what a notebook shows, holds
    no answer.

    ``second``: the second example of a batch, and ``rate``: the learning rate of a step, if they are asked about.

    >>> made = exercise(seed=0)
    >>> made
    Exercise 0: a network of 2, 2 and 2 units, leaky_relu(slope=0.5), cross_entropy; 13 questions, see .sheet and .key
    >>> made.x, made.y, made.answers["a[1]"]
    (array([-2., -1.]), 0, [-4.0, 1.5])
    """

    network: Network
    x: np.ndarray
    y: Any
    seed: int
    hints: bool
    questions: tuple[Question, ...]
    last: PathQuestion
    second: Second | None = None
    rate: float | None = None

    @property
    def X(self) -> np.ndarray:
        """The example as a batch, (1, n_0), for :func:`backtalk.check` with a backward pass of one's own."""
        return self.x[None, :]

    @property
    def Y(self) -> np.ndarray:
        """Its label or target as a batch."""
        return np.asarray(self.y)[None]

    @property
    def sheet(self) -> Paper:
        """The sheet with blanks."""
        return Paper(f"Back-propagation by hand: exercise {self.seed}", tuple(sheet_blocks(self._task, self.hints)))

    @property
    def key(self) -> Paper:
        """The answer key: every number, and the derivation of the last question."""
        return Paper(f"Back-propagation by hand: the key to exercise {self.seed}", tuple(key_blocks(self._task)))

    @property
    def _task(self) -> Task:
        return Task(self.network, self.x, self.y, self.questions, self.last, self.second, self.rate)

    @property
    def answers(self) -> dict[str, Any]:
        """The right number, list or list of rows for each name that :meth:`check` takes."""
        found = {question.name: _plain(question) for question in self.questions}
        return {**found, self.last.name: without_rounding(self.last.paths.value)}

    def _repr_html_(self) -> str:
        """What a notebook shows: the sheet, without the key."""
        return self.sheet._repr_html_()

    def __repr__(self) -> str:
        sizes = [str(size) for size in self.network.sizes]
        activations = ", ".join(dict.fromkeys(map(str, self.network.activations)))
        made = ", ".join(filter(None, [activations, str(self.network.loss)]))
        return (
            f"Exercise {self.seed}: a network of {', '.join(sizes[:-1])} and {sizes[-1]} units, {made}; "
            f"{len(self.questions) + 1} questions, see .sheet and .key"
        )

    def check(self, answers: Mapping[str, Any], *, tolerance: float = TWO_DECIMALS) -> Marks:
        """Compare a student's numbers with the right ones; wrong ones are told with the likely mistake.

        ``answers``: for some of the names of ``answers``, such as 'a[1]', 'yhat', 'loss' or 'grad W[2]', a number, a
        list, or a list of rows. A number may be text, '3/4', 'log 3 - 1/2', '25%', '1.5' or '1,5'. A number that
        follows rightly from a wrong one above it is told apart from one that does not. ``tolerance``: how far from the
        right number an answer may be, times its absolute value if that is above 1; 0.005, so that two digits after the
        point are right, unless you say otherwise.

        An answer that is blank or cannot be read says so in its line, and the others are marked.

        Raises :class:`~backtalk.errors.InputError` for a name that is no name of the sheet.

        >>> found = exercise(seed=0).check({"a[1]": exercise(seed=0).answers["a[1]"], "yhat": [0.5, 0.5]})
        >>> [(row.name, row.verdict) for row in found.rows]
        [('a[1]', 'right'), ('yhat', 'wrong')]
        """
        return mark(self.network, self.x, self.y, self.questions, self.last, answers, tolerance)


def exercise(
    seed: int = 0,
    sizes: Sequence[int] = (2, 2, 2),
    activation: str | Activation | Sequence[str | Activation] = "leaky_relu(slope=0.5)",
    loss: str | Loss = "cross_entropy",
    *,
    output: str | Output | Activation | None = None,
    hints: bool = True,
    also: str | Sequence[str] = (),
    allow_zero: bool = False,
) -> Exercise:
    """A sheet to compute every gradient of a small network by hand, with its key.

    The numbers are small: weights are whole or halves, and if a function has a logarithm for its inverse, a bias
    holds one, so that ŷ = (1/4, 3/4) and not 0.2689…; with other activations than relu, leaky_relu, identity, sigmoid
    and tanh they are rounded. No number lies at a kink, and no answer is 0.

    ``seed``: 0 or more; the same seed gives the same sheet, to the letter. ``sizes``: n_0 … n_L, at most 4 units a
    layer and 4 layers with weights. ``activation``, ``loss``, ``output``: as for a :class:`~backtalk.Network`.
    By default g is leaky_relu(slope=0.5), whose slope is 1 or 1/2: with relu and no answer of 0 it would be 1
    throughout, and who leaves g′ out would not notice. ``hints``: whether the sheet gives the formula beside each
    blank.

    ``also``: further questions, 'all' or some of 'jacobian' (of softmax), 'column' (one hidden unit hears the layer
    above through its column of W), 'stacking' (these columns as the rows of Wᵀ), 'batch' (the mean of two examples) and
    'step' (of gradient descent). ``allow_zero``: whether answers may be 0; with ReLU, one unit is then silent.

    Raises :class:`~backtalk.errors.InputError` for sizes that are too large for paper, for unknown names, and if an
    answer of 0 cannot be avoided, as with the hinge of three outputs.

    >>> given = exercise(seed=1, sizes=(2, 3, 2))
    >>> given.network.sizes, [round(number, 4) for number in given.answers["yhat"]]
    ((2, 3, 2), [0.25, 0.75])
    >>> print(given.sheet.to_markdown())
    # Back-propagation by hand: exercise 1
    ...
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise InputTypeError(f"seed is {seed!r}, expected a whole number of 0 or more.")
    if seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more.")
    for name, flag in (("hints", hints), ("allow_zero", allow_zero)):
        if not isinstance(flag, bool):
            raise InputTypeError(f"{name} is {flag!r}, expected True or False.")
    plain = Network.create(sizes, activation, loss, output=output, rng=0)  # refuses what makes no network
    _require_small(plain)
    kinds = kinds_of(also, plain)
    activations, rng = tuple(as_activation(each) for each in plain.activations), np.random.default_rng(seed)
    drawn = draw(rng, plain.sizes, activations, plain.head, allow_zero=allow_zero, with_second="batch" in kinds)
    network, x, y, second = drawn
    questions = questions_of(network, x, y)
    grad_W = next(question.value for question in questions if question.name == f"grad W[{network.depth}]")
    rate = a_rate(rng, network, grad_W) if "step" in kinds else None
    further = further_questions(kinds, network, x, y, second, rate or 0.0)
    questions = tuple(in_order([*questions, *further]))
    made = Exercise(network, x, y, int(seed), hints, questions, path_question(network, x, y), second, rate)
    if not allow_zero:
        _require_no_zero(made)
    return made


def _require_no_zero(made: Exercise) -> None:
    for name, answer in made.answers.items():
        if not np.all(answer):
            raise InputError(
                f"no numbers without an answer of 0 were found: {name} holds one. Take another seed, or "
                "allow_zero=True; with some losses and activations, 0 is the right answer to a question."
            )


def _require_small(network: Network) -> None:
    sizes = network.sizes
    if max(sizes) > MOST_UNITS:
        raise InputError(
            f"sizes is {list(sizes)}, and {max(sizes)} units in a layer are too many for paper: expected at most "
            f"{MOST_UNITS}. For a larger network see backtalk.explain."
        )
    if network.depth > MOST_LAYERS:
        raise InputError(
            f"sizes is {list(sizes)}, and {network.depth} layers are too many for paper: expected at most "
            f"{MOST_LAYERS} with weights. For a deeper network see backtalk.explain."
        )
    if isinstance(network.output, Softmax) and sizes[-1] == 1:
        raise InputError("sizes ends with 1 output, whose softmax is always 1: take 2, or loss 'binary_cross_entropy'.")


def _plain(question: Question) -> Any:
    """A column as a list, a matrix as a list of rows."""
    array = np.asarray(question.value)
    return array.reshape(question.shape).tolist()
