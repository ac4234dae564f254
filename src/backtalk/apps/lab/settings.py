"""What a configure message asks for, checked before anything is changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from ...core.activations import as_activation
from ...core.losses import as_loss
from ...core.optimizers import OPTIMIZERS, Optimizer
from ...core.outputs import as_output
from ...errors import InputError, InputTypeError, unknown_name

MOST_LAYERS, MOST_UNITS, MOST_BATCH, MOST_SPEED = 8, 512, 4096, 10_000
MOST_RATE = 1e6
OFFERED = [
    "adam", "sgd", "nesterov", "adamw", "gd", "momentum", "adagrad", "rmsprop", "adadelta", "amsgrad", "adamax",
    "nadam", "lion",
]  # fmt: skip
AUTO = "auto"
LONGEST = 40  # characters of a word that an error repeats


@dataclass(frozen=True, slots=True)
class Settings:
    """One configuration of the lab: the data, the hidden layers, the output, and how they learn.

    ``loss``, ``output``: 'auto' for the loss that suits the data, and the output function that goes with the loss.
    """

    data: str = "moons"
    layers: tuple[int, ...] = (8, 8)
    activation: tuple[str, ...] = ("tanh", "tanh")
    loss: str = AUTO
    output: str = AUTO
    optimizer: str = "adam"
    rate: float = 0.03
    batch: int = 32
    seed: int = 0
    noise: float = 0.1

    def made_optimizer(self) -> Optimizer:
        """The optimizer, with this learning rate."""
        return OPTIMIZERS[self.optimizer](learning_rate=self.rate)  # pyright: ignore[reportCallIssue]


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
    optimizer = message.get("optimizer", start.optimizer)
    if not isinstance(optimizer, str) or optimizer not in OFFERED:
        raise unknown_name("optimizer", str(optimizer)[:LONGEST], OFFERED)
    return Settings(
        data=name,
        layers=layers,
        activation=_activations(message.get("activation", _default(start, len(layers))), len(layers)),
        loss=_chosen(message, "loss", start.loss, as_loss),
        output=_chosen(message, "output", start.output, as_output),
        optimizer=optimizer,
        rate=learning_rate(message.get("rate", start.rate)),
        batch=whole(message.get("batch", start.batch), "batch", 1, MOST_BATCH),
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
    """A loss or an output function, as its text; or 'auto'."""
    value = message.get(name, start)
    if not isinstance(value, str) or len(value) > LONGEST:
        raise InputTypeError(f"{name} is {shown(value)}, expected a name, or 'auto'.")
    return value if value == AUTO else repr(make(value, name))


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
