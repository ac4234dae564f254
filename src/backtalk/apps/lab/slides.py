r"""One step as a talk, slide by slide: forward, to the output, to the hidden units, to the weights, and the update.

The formulas are those of section 2 of the notation with the layer's number put in; below them, if a layer is small
enough to be read, stands what the shown example gives for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...core.network import Network
from ...core.optimizers import SGD, Adam
from ...engines.passes import backward, forward
from ...errors import InputError
from .trainer import Trainer

LECTURE_DIGITS = 3
MOST_NUMBERS = 4  # of a vector that is written out; of a longer one the first ones and the last
NABLA = r"\nabla_{%s}\mathcal{L}"
MEAN = r"m \leftarrow \beta_1 m + (1-\beta_1)\, \nabla_\theta\mathcal{L}"
MEAN_SQUARE = r"v \leftarrow \beta_2 v + (1-\beta_2)\, (\nabla_\theta\mathcal{L})^2"
BY_RHO = r"v \leftarrow \rho\, v + (1-\rho)\, (\nabla_\theta\mathcal{L})^2"
ADAM = r"\theta \leftarrow \theta - \eta\, \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \varepsilon}"
VELOCITY = r"v \leftarrow \mu\, v - \eta\, \nabla_\theta\mathcal{L}"
UPDATES = {
    "gd": [r"\theta \leftarrow \theta - \eta\, \nabla_\theta\mathcal{L}"],
    "sgd": [VELOCITY, r"\theta \leftarrow \theta + v"],
    "momentum": [VELOCITY, r"\theta \leftarrow \theta + v"],
    "nesterov": [VELOCITY, r"\theta \leftarrow \theta + \mu\, v - \eta\, \nabla_\theta\mathcal{L}"],
    "adagrad": [
        r"s \leftarrow s + (\nabla_\theta\mathcal{L})^2",
        r"\theta \leftarrow \theta - \eta\, \frac{\nabla_\theta\mathcal{L}}{\sqrt{s} + \varepsilon}",
    ],
    "rmsprop": [BY_RHO, r"\theta \leftarrow \theta - \eta\, \frac{\nabla_\theta\mathcal{L}}{\sqrt{v} + \varepsilon}"],
    "adadelta": [
        BY_RHO + r", \quad d = \frac{\sqrt{u + \varepsilon}}{\sqrt{v + \varepsilon}}\, \nabla_\theta\mathcal{L}",
        r"u \leftarrow \rho\, u + (1-\rho)\, d^2, \quad \theta \leftarrow \theta - \eta\, d",
    ],
    "adam": [rf"{MEAN}, \quad {MEAN_SQUARE}", ADAM],
    "adam_epsilon_hat": [
        rf"{MEAN}, \quad {MEAN_SQUARE}",
        r"\theta \leftarrow \theta - \eta\, \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}\, \frac{m}{\sqrt{v} + \varepsilon}",
    ],
    "adamw": [rf"{MEAN}, \quad {MEAN_SQUARE}", ADAM.replace(r"\theta -", r"(1 - \eta\lambda)\, \theta -")],
    "amsgrad": [rf"{MEAN}, \quad {MEAN_SQUARE}, \quad u \leftarrow \max(u, v)", ADAM.replace("{v /", "{u /")],
    "adamax": [
        rf"{MEAN}, \quad u \leftarrow \max(\beta_2 u,\, |\nabla_\theta\mathcal{{L}}| + \varepsilon)",
        r"\theta \leftarrow \theta - \eta\, \frac{m / (1-\beta_1^t)}{u}",
    ],
    "nadam": [
        rf"{MEAN}, \quad {MEAN_SQUARE}, \quad \mu_t = \beta_1 (1 - 0.96^{{t \psi}}/2)",
        r"\theta \leftarrow \theta - \frac{\eta}{\sqrt{v / (1-\beta_2^t)} + \varepsilon} "
        r"\left(\frac{\mu_{t+1}\, m}{1 - \mu_1 \cdots \mu_{t+1}} + "
        r"\frac{(1 - \mu_t)\, \nabla_\theta\mathcal{L}}{1 - \mu_1 \cdots \mu_t}\right)",
    ],
    "lion": [
        r"\theta \leftarrow \theta - \eta\, \mathrm{sign}(\beta_1 m + (1-\beta_1)\, \nabla_\theta\mathcal{L})",
        r"m \leftarrow \beta_2 m + (1-\beta_2)\, \nabla_\theta\mathcal{L}",
    ],
}


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide: its talk, what it says, its formulas in LaTeX, and the layers whose units and weights are lit."""

    talk: str
    title: str
    reason: str
    latex: tuple[str, ...]
    family: str
    units: tuple[int, ...] = ()
    weights: tuple[int, ...] = ()

    def to_json(self, at: int, count: int) -> dict[str, Any]:
        """As a message."""
        facts = asdict(self)
        light = {name: facts.pop(name) for name in ("units", "weights")}
        return {"type": "slide", "at": at, "count": count, **facts, "light": light}


def walk_through(trainer: Trainer, row: int) -> list[Slide]:
    """The slides of the next step, of the network before it, with the numbers of a row."""
    network, x, y = trainer.network, trainer.example(row), trainer.data.y[row : row + 1]
    with np.errstate(all="ignore"):
        trace = forward(network, x)
        grads = backward(network, trace, y)
    return [
        *_forward(network, trace),
        _output(network, trainer, grads, row),
        *_lecture(network, trainer, row),
        *_hidden(network, grads),
        *_weights(network, grads),
        _update(trainer),
    ]


def _forward(network: Network, trace: Any) -> Iterable[Slide]:
    L = network.depth
    for i in range(1, L + 1):
        below = "the inputs" if i == 1 else f"the hidden units of layer {i - 1}"
        yield Slide(
            "forward",
            f"Forward: what layer {i} hears",
            f"Each unit of layer {i} adds what it hears from {below}, each times its weight, and its bias.",
            (f"a_{{{i}}} = W_{{{i}}}\\, h_{{{i - 1}}} + b_{{{i}}}", f"a_{{{i}}} = {vector(trace.a[i][0])}"),
            "a",
            units=(i,),
            weights=(i,),
        )
        if i < L:
            g = network.activations[i - 1]
            yield Slide(
                "forward",
                f"Forward: what layer {i} says",
                f"The activation {g} is applied to each unit by itself.",
                (f"h_{{{i}}} = g(a_{{{i}}})", f"h_{{{i}}} = {vector(trace.h[i][0])}"),
                "h",
                units=(i,),
            )
    O = network.output.name  # noqa: E741
    yield Slide(
        "forward",
        "Forward: the output",
        f"The output function of the last layer is {O}; its values are the prediction ŷ.",
        (f"\\hat{{y}} = h_{{{L}}} = \\operatorname{{{O}}}(a_{{{L}}})", f"\\hat{{y}} = {vector(trace.output[0])}"),
        "h",
        units=(L,),
    )


def _output(network: Network, trainer: Trainer, grads: Any, row: int) -> Slide:
    L, loss = network.depth, network.loss
    name = NABLA % f"a_{{{L}}}"
    lines = [f"{name} = {vector(grads.a[L][0])}", f"\\mathcal{{L}} = {figure(float(grads.loss))}"]
    label = trainer.data.label(row)
    if network.head.is_softmax_of_labels and trainer.data.y.ndim == 1:
        reason = (
            f"The loss talks to the output units first: each hears its probability, less 1 for the class {label} "
            "that is right. (This is for one example; in a batch each has its weight.)"
        )
        lines.insert(0, rf"{name} = \hat{{y}} - e(y)")
    else:
        reason = f"The loss talks to the output units first: {loss} with the output function {network.output.name}."
        O = rf"\operatorname{{{network.output.name}}}"  # noqa: E741
        derivative = rf"\frac{{\partial \mathcal{{L}}}}{{\partial a_{{{L}}}}}"
        lines.insert(0, rf"{name} = {derivative}, \quad \hat{{y}} = {O}(a_{{{L}}})")
        if repr(loss) == "squared_error":
            by = name if network.head.is_natural else NABLA % r"\hat{y}"
            lines.insert(1, rf"\mathcal{{L}} = \tfrac{{1}}{{2}} \|\hat{{y}} - y\|^2, \quad {by} = \hat{{y}} - y")
    return Slide("output", "Back: to the output units", reason, tuple(lines), "grad_a", units=(L,))


def _lecture(network: Network, trainer: Trainer, row: int) -> Iterable[Slide]:
    """How the second talk follows, derived for the uppermost hidden layer: multiple paths, two vectors, row by row."""
    from ...teaching.derivations import explain
    from ...teaching.derivations.latex import equation_latex

    i = network.depth - 1
    if i == 0:
        return
    try:
        with np.errstate(all="ignore"):
            derivation = explain(
                network,
                trainer.example(row)[0],
                trainer.data.y[row],
                f"h[{i}]",
                detail="lecture",
                digits=LECTURE_DIGITS,
            )
    except InputError:  # a value that is not finite, which the other slides show
        return
    for step in derivation.steps:
        if step.talk == "hidden":
            latex = equation_latex(step.equation, derivation.view)
            yield Slide("hidden", step.title, step.reason, latex, "grad_h", units=(i, i + 1), weights=(i + 1,))


def _hidden(network: Network, grads: Any) -> Iterable[Slide]:
    for i in range(network.depth - 1, 0, -1):
        h, a, above = NABLA % f"h_{{{i}}}", NABLA % f"a_{{{i}}}", NABLA % f"a_{{{i + 1}}}"
        yield Slide(
            "hidden",
            f"Back: to the hidden units of layer {i}",
            f"The chain rule along every path: each path from a unit of layer {i} to the loss leads through a unit of "
            f"layer {i + 1}, by the weight between them.",
            (
                rf"\frac{{\partial \mathcal{{L}}}}{{\partial h_{{{i},j}}}} = \sum_m "
                rf"\frac{{\partial \mathcal{{L}}}}{{\partial a_{{{i + 1},m}}}}\, W_{{{i + 1},m,j}}",
                rf"{h} = W_{{{i + 1}}}^\top\, {above}",
                f"{h} = {vector(grads.h[i][0])}",
            ),
            "grad_h",
            units=(i, i + 1),
            weights=(i + 1,),
        )
        yield Slide(
            "hidden",
            f"Back: through the activation of layer {i}",
            f"Element by element, since each unit's h depends on its own a alone: times the slope of "
            f"{network.activations[i - 1]}.",
            (rf"{a} = {h} \odot [\ldots, g'(a_{{{i},k}}), \ldots]", f"{a} = {vector(grads.a[i][0])}"),
            "grad_a",
            units=(i,),
        )


def _weights(network: Network, grads: Any) -> Iterable[Slide]:
    for i in range(network.depth, 0, -1):
        W, b, a = NABLA % f"W_{{{i}}}", NABLA % f"b_{{{i}}}", NABLA % f"a_{{{i}}}"
        size = float(np.sqrt(np.vdot(grads.W[i], grads.W[i])))
        yield Slide(
            "weights",
            f"Back: to the weights and biases of layer {i}",
            "Each weight hears the unit that it leads to, times the unit that it comes from; a bias hears its unit. "
            "Over a batch, the examples' shares are added.",
            (rf"{W} = {a}\, h_{{{i - 1}}}^\top, \quad {b} = {a}", rf"\|{W}\| = {figure(size)}"),
            "grad_W",
            units=(i - 1, i),
            weights=(i,),
        )


def _update(trainer: Trainer) -> Slide:
    settings, optimizer = trainer.settings, trainer.settings.made_optimizer()
    plain = isinstance(optimizer, SGD) and optimizer.momentum == 0
    constants = {
        r"\eta": trainer.rate_now(),
        r"\mu": None if plain or not isinstance(optimizer, SGD) else optimizer.momentum,
        r"\rho": getattr(optimizer, "rho", None),
        r"\beta_1": getattr(optimizer, "beta_1", None),
        r"\beta_2": getattr(optimizer, "beta_2", None),
        r"\varepsilon": getattr(optimizer, "epsilon", None),
        r"\psi": getattr(optimizer, "momentum_decay", None),
        r"\lambda": optimizer.weight_decay or None,
    }
    numbers = r",\quad ".join(f"{name} = {figure(value)}" for name, value in constants.items() if value is not None)
    numbers += rf",\quad t = {trainer.step + 1}" if isinstance(optimizer, Adam) else ""
    layers = tuple(range(1, trainer.network.depth + 1))
    count = len(trainer.next_rows())
    return Slide(
        "update",
        "The update",
        f"{settings.optimizer} changes every weight and bias, with the mean of the gradients of the "
        f"{count} examples of this mini-batch. Going on takes the step.",
        (*UPDATES["gd" if plain else optimizer.name], numbers),
        "grad_W",
        weights=layers,
    )


def vector(values: np.ndarray) -> str:
    r"""A vector in LaTeX, a long one with its first numbers and its last.

    >>> vector(np.array([1.0, -0.25]))
    '(1,\\ -0.25)^\\top'
    """
    numbers = [figure(float(value)) for value in values]
    if len(numbers) > MOST_NUMBERS:
        numbers = [*numbers[: MOST_NUMBERS - 1], r"\ldots", numbers[-1]]
    return "(" + r",\ ".join(numbers) + r")^\top"


def figure(value: float) -> str:
    r"""A number in LaTeX, with three digits.

    >>> figure(0.25), figure(1.5e-9), figure(float("inf"))
    ('0.25', '1.5 \\cdot 10^{-9}', '\\infty')
    """
    if not np.isfinite(value):
        return r"\mathrm{NaN}" if np.isnan(value) else r"\infty" if value > 0 else r"-\infty"
    number, _, power = f"{value:.3g}".partition("e")
    return rf"{number} \cdot 10^{{{int(power)}}}" if power else number
