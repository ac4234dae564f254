"""What a configure message asks for, checked before anything is changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from ...core.activations import as_activation
from ...core.initialization import INITIALIZATIONS, as_initialization
from ...core.losses import as_loss
from ...core.optimizers import OPTIMIZERS, Optimizer
from ...core.outputs import as_output
from ...core.specification import read_specification
from ...errors import InputError, InputTypeError, unknown_name
from ...train.schedules import SCHEDULES, Schedule, as_schedule

MOST_LAYERS, MOST_UNITS, MOST_BATCH, MOST_SPEED, MOST_EPOCHS = 8, 512, 4096, 10_000, 100_000
MOST_RATE = MOST_PENALTY = 1e6
MOST_DROPOUT = 0.99
PLAIN = "sgd(momentum=0.0)"  # sgd as the courses know it; with its momentum of 0.9 it is offered as 'momentum'
OFFERED = [PLAIN if name == "sgd" else name for name in OPTIMIZERS]
INITIALIZATIONS_OFFERED = ["constant(value=0.1)" if name == "constant" else name for name in INITIALIZATIONS]
AUTO = "auto"
# The schedules that go over a whole run say how many steps it must have at least
OVER_WHOLE_RUN = [name for name, kind in SCHEDULES.items() if kind.require_steps is not Schedule.require_steps]
LONGEST = 40  # characters of a word that an error repeats
LONGEST_QUANTITY = 60


@dataclass(frozen=True, slots=True)
class Settings:
    """One configuration of the lab: the data, the hidden layers, the output, and how they learn.

    ``loss``, ``output``, ``initialization``: 'auto' for the loss that suits the data, the output function that goes
    with the loss, and for each layer the scheme of its activation. ``epochs``: over which the schedule goes, if it is
    one of a whole run.
    """

    data: str = "moons"
    layers: tuple[int, ...] = (8, 8)
    activation: tuple[str, ...] = ("tanh", "tanh")
    loss: str = AUTO
    output: str = AUTO
    initialization: str = AUTO
    optimizer: str = "adam"
    rate: float = 0.03
    schedule: str = "constant"
    epochs: int = 100
    batch: int = 32
    l2_penalty: float = 0.0
    dropout: float = 0.0
    seed: int = 0
    noise: float = 0.1

    def made_optimizer(self) -> Optimizer:
        """The optimizer, with this learning rate."""
        return replace(read_specification(self.optimizer, OPTIMIZERS, "optimizer"), learning_rate=self.rate)


def read_settings(message: dict[str, Any], start: Settings, data: Iterable[str]) -> Settings:
    """The settings of a message; ``start`` stands in for what it leaves out, ``data`` can be chosen.

    >>> read_settings({"layers": [4], "rate": 0.1}, Settings(), ["moons"]).activation
    ('tanh',)
    """
    for key in message:
        if key not in (*Settings.__slots__, "type"):
            raise unknown_name("setting", key[:LONGEST], Settings.__slots__)
    known = list(data)
    name = message.get("data", start.data)
    if not isinstance(name, str):
        raise InputTypeError(f"data is {shown(name)}, expected a name.")
    if name.startswith("file:") and name not in known:
        raise InputError(f"data is {shown(name)}, a file that is no longer here: load it again.")
    if name not in known:
        raise unknown_name("data", name[:LONGEST], known)
    layers = start.layers if message.get("layers") in (None, list(start.layers)) else _layers(message["layers"])
    return Settings(
        data=name,
        layers=layers,
        activation=_activations(message.get("activation", _default(start, len(layers))), len(layers)),
        loss=_chosen(message, "loss", start.loss, as_loss),
        output=_chosen(message, "output", start.output, as_output),
        initialization=_chosen(message, "initialization", start.initialization, _initialization),
        optimizer=_optimizer(message.get("optimizer", start.optimizer)),
        rate=learning_rate(message.get("rate", start.rate)),
        schedule=_text(message, "schedule", start.schedule, "a name such as 'cosine'", as_schedule),
        epochs=whole(message.get("epochs", start.epochs), "epochs", 1, MOST_EPOCHS),
        batch=whole(message.get("batch", start.batch), "batch", 1, MOST_BATCH),
        l2_penalty=number(message.get("l2_penalty", start.l2_penalty), "l2_penalty", 0, MOST_PENALTY),
        dropout=number(message.get("dropout", start.dropout), "dropout", 0, MOST_DROPOUT),
        seed=whole(message.get("seed", start.seed), "seed", 0, 2**32 - 1),
        noise=number(message.get("noise", start.noise), "noise", 0, 1),
    )


def with_rate(settings: Settings, rate: Any) -> Settings:
    """The same at another learning rate."""
    return replace(settings, rate=learning_rate(rate))


def learning_rate(value: Any) -> float:
    """A learning rate above 0."""
    rate = number(value, "rate", 0, MOST_RATE)
    if rate == 0:
        raise InputError("rate is 0, expected a number above 0.")
    return rate


def whole(value: Any, name: str, least: int, most: int) -> int:
    """A whole number within bounds; JSON's 3.0 is one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputTypeError(f"{name} is {shown(value)}, expected a whole number.")
    if not least <= value <= most:
        raise InputError(f"{name} is {shown(value)}, expected a whole number from {least} to {most}.")
    return value


def number(value: Any, name: str, least: float, most: float) -> float:
    """A number within bounds."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} is {shown(value)}, expected a number.")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not (math.isfinite(value) and least <= value <= most):
        raise InputError(f"{name} is {value!r}, expected a number from {least:g} to {most:g}.")
    return value


def quantity_text(value: Any) -> str:
    """A quantity as it was sent, such as 'W[1,1,1]': a text, and not a long one."""
    if not isinstance(value, str):
        raise InputTypeError(f"quantity is {shown(value)}, expected a text such as 'W[1,1,1]'.")
    if len(value) > LONGEST_QUANTITY:
        raise InputError(f"quantity is {shown(value)}, expected a text such as 'W[1,1,1]'.")
    return value


def shown(value: Any) -> str:
    """A value that somebody sent, short enough for a sentence.

    >>> shown("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**LONGEST:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _chosen(message: dict[str, Any], name: str, start: str, make: Callable[[str, str], Any]) -> str:
    """What a name stands for, as its text; or 'auto'."""
    return AUTO if message.get(name, start) == AUTO else _text(message, name, start, "a name, or 'auto'", make)


def _text(message: dict[str, Any], name: str, start: str, expected: str, make: Callable[[str, str], Any]) -> str:
    value = message.get(name, start)
    if not isinstance(value, str) or len(value) > LONGEST:
        raise InputTypeError(f"{name} is {shown(value)}, expected {expected}.")
    return repr(make(value, name))


def _initialization(value: str, _: str) -> Any:
    return as_initialization(value)


def _optimizer(value: Any) -> str:
    """The text of an optimizer that goes by steps."""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise unknown_name("optimizer", shown(value), OFFERED)
    optimizer = read_specification(value, OPTIMIZERS, "optimizer")
    if optimizer.searches:
        raise InputError(f"optimizer is {value!r}, which searches for its steps: choose one that takes them at a rate.")
    if "learning_rate" in value:
        raise InputError(f"optimizer is {value!r}, expected it without its learning rate: send that as rate.")
    return repr(optimizer)


def _default(start: Settings, count: int) -> list[str]:
    """The activations to begin with, or the first of them for all layers if there are more or fewer."""
    return list(start.activation) if len(start.activation) == count else [(*start.activation, "tanh")[0]] * count


def _layers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise InputTypeError(f"layers is {shown(value)}, expected a list of units, such as [8, 8].")
    if len(value) > MOST_LAYERS:
        raise InputError(f"layers has {len(value)} entries, expected {MOST_LAYERS} hidden layers at the most.")
    return tuple(whole(units, f"layers[{i}]", 1, MOST_UNITS) for i, units in enumerate(value))


def _activations(value: Any, count: int) -> tuple[str, ...]:
    names = [value] * count if isinstance(value, str) else value
    if not isinstance(names, list):
        raise InputTypeError(f"activation is {shown(value)}, expected a name, or a list with one for each layer.")
    if len(names) != count:
        raise InputError(f"activation has {len(names)} entries, expected {count}: one for each hidden layer.")
    for i, name in enumerate(names):
        if not isinstance(name, str) or len(name) > LONGEST:
            raise InputTypeError(f"activation[{i}] is {shown(name)}, expected a name such as 'tanh'.")
    if isinstance(value, str) and not count:
        as_activation(value[:LONGEST])
    return tuple(repr(as_activation(name)) for name in names)
