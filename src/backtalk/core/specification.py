"""Activations, losses, optimizers, schedules and initializations as text: ``name`` or ``name(parameter=number, …)``.

A parameter may be a list of numbers, ``[0.1, 0.9]``.

The same text serves as argument, in ``repr``, in files and on the command line. A thing has one name, which is written;
the other names by which it is known are read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from numbers import Real
from typing import Any, TypeVar

from ..errors import InputError, InputTypeError, nearest, unknown_name
from .decimals import read_decimal

Kind = TypeVar("Kind")

# The other names by which courses and libraries know a thing, and ours; a name may be that of several things
ACTIVATION_ALIASES = {
    "swish": "silu", "logistic": "sigmoid", "linear": "identity", "exponential": "exp", "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid", "hardtanh": "hard_tanh", "soft_sign": "softsign", "soft_plus": "softplus",
}  # fmt: skip
LOSS_ALIASES = {
    "categorical_crossentropy": "cross_entropy", "categorical_cross_entropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "bce": "binary_cross_entropy", "binary_crossentropy": "binary_cross_entropy",
    "kld": "kl_divergence", "kullback_leibler": "kl_divergence", "pinball": "quantile", "l1": "absolute_error",
}  # fmt: skip
OPTIMIZER_ALIASES = {
    "nag": "nesterov", "gradient_descent": "gd", "batch_gd": "gd", "heavy_ball": "momentum", "rms_prop": "rmsprop",
    "ams_grad": "amsgrad", "ada_grad": "adagrad", "ada_delta": "adadelta", "ada_max": "adamax", "adam_w": "adamw",
    "l_bfgs": "lbfgs",
}  # fmt: skip
SCHEDULE_ALIASES = {
    "linear": "polynomial", "linear_decay": "polynomial",
    "exponential_decay": "exponential", "poly": "polynomial", "polynomial_decay": "polynomial", "step_decay": "step",
    "cosine_annealing": "cosine", "cosine_warm_restarts": "cosine_restarts", "sgdr": "cosine_restarts",
    "onecycle": "one_cycle", "plateau": "reduce_on_plateau", "reduce_lr_on_plateau": "reduce_on_plateau",
    "invscaling": "inverse_scaling",
}  # fmt: skip
INITIALIZATION_ALIASES = {
    "xavier": "glorot_uniform", "xavier_uniform": "glorot_uniform", "xavier_normal": "glorot_normal",
    "kaiming_uniform": "he_uniform", "kaiming_normal": "he_normal", "random_normal": "normal",
    "random_uniform": "uniform", "zero": "zeros",
}  # fmt: skip
ALIASES = (ACTIVATION_ALIASES, LOSS_ALIASES, OPTIMIZER_ALIASES, SCHEDULE_ALIASES, INITIALIZATION_ALIASES)
PARAMETER_ALIASES = {"lr": "learning_rate", "rate": "learning_rate", "eta": "learning_rate", "eps": "epsilon"}
# Names of what is nearly ours: our name, and how ours differs
NEARLY = {
    "mse": ("squared_error", "half the sum of squares, where mse is their mean"),
    "mean_squared_error": ("squared_error", "half the sum of squares"),
    "l2": ("squared_error", "half the sum of squares"),
    "mae": ("absolute_error", "the sum over the outputs, where mae is the mean"),
    "mean_absolute_error": ("absolute_error", "the sum over the outputs"),
    "nll": ("cross_entropy", "of probabilities, not of their logarithms"),
    "hinge": ("categorical_hinge", "of labels 0 … k−1, with one output for each class"),
}
WORDS = {"True": True, "False": False, "true": True, "false": False}
FORM = "expected the form name(parameter=number)"


def write_specification(value: Any) -> str:
    """The text of a dataclass with a ``name`` and numbers for fields; defaults are left out."""
    parameters = [
        f"{field.name}={_written(getattr(value, field.name))}"
        for field in fields(value)
        if getattr(value, field.name) != field.default
    ]
    return value.name + (f"({', '.join(parameters)})" if parameters else "")


def _written(value: Any) -> str:
    return repr([*value] if isinstance(value, tuple) else value)


def read_specification(text: str, table: Mapping[str, Callable[..., Kind]], argument: str) -> Kind:
    """The entry of ``table`` that the text names, with its parameters."""
    if not isinstance(text, str):
        raise InputTypeError(f"is {text!r}, expected a name such as {next(iter(table))!r}.", argument=argument)
    match = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", text)
    name = canonical_name(match[1] if match else text.strip().partition("(")[0], table)
    if name not in table:
        raise unknown_name(argument, name or text, table, *_nearly(name.lower(), table))
    if match is None:
        raise InputError(f"is {text!r}, {FORM}.", argument=argument)
    make = table[name]
    parameters = _read_parameters(match[2] or "", text, argument)
    known = {field.name: field for field in fields(make)} if isinstance(make, type) else {}
    for parameter in parameters:
        if parameter not in known:
            near = nearest(PARAMETER_ALIASES.get(parameter, parameter), known)
            hint = f": did you mean {near!r}? It takes" if near else ": it takes"
            takes = ", ".join(known) or "none"
            raise InputError(
                f"is {text!r}, but {name} has no parameter {parameter!r}{hint} {takes}.", argument=argument
            )
    for parameter, field in known.items():
        if field.default is MISSING and parameter not in parameters:
            raise InputError(
                f"is {text!r}, which lacks {parameter}: expected {name}({parameter}=number).", argument=argument
            )
    return make(**parameters)


def canonical_name(name: str, table: Mapping[str, Any]) -> str:
    """The name that ``table`` has for what is also known by another name.

    >>> canonical_name("nag", {"nesterov": None})
    'nesterov'
    """
    if name in table:
        return name
    return next((names[name] for names in ALIASES if names.get(name) in table), name)


def _nearly(name: str, table: Mapping[str, Any]) -> tuple[str, str]:
    """The entry of ``table`` that is meant by a name in other letters, or is nearly that; and how it differs."""
    near, note = NEARLY.get(name, (canonical_name(name, table), ""))
    return (near, note) if near in table else ("", "")


def _read_parameters(inside: str, text: str, argument: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in re.split(r",(?![^\[]*\])", inside))):
        name, equals, written = (piece.strip() for piece in part.partition("="))
        is_list = written.startswith("[") and written.endswith("]")
        numbers = written[1:-1].split(",") if is_list else [written]
        found = [_read_value(number.strip()) for number in numbers]
        if not equals or not all(map(math.isfinite, found)):
            raise InputError(f"is {text!r}, {FORM}.", argument=argument)
        value = tuple(found) if is_list else found[0]
        if name in parameters:
            raise InputError(f"is {text!r}, which gives {name} twice.", argument=argument)
        parameters[name] = value
    return parameters


def _read_value(text: str) -> float | bool:
    """A number or a truth value; NaN for what is neither."""
    try:
        return WORDS[text] if text in WORDS else read_decimal(text)
    except ValueError:
        return math.nan


def require_own_name(name: Any, table: Mapping[str, Any], kind: str) -> None:
    """Refuse a name that is no word, or that a thing of ours has in ``table``; what a user added may be replaced."""
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"is {name!r}, expected one word of letters, digits and underscores.", argument="name")
    if isinstance(table.get(name), type):  # the kind of a thing of ours
        raise InputError(f"is {name!r}, which is taken: choose another name for your {kind}.", argument="name")


def require_range(owner: Any, parameter: str, low: float, high: float, bounds: str = "[)") -> None:
    """Refuse a parameter of ``owner`` outside an interval, whose ends ``bounds`` says to be in or out.

    What is kept is a plain float, so that numbers of NumPy can be written and read back.
    """
    value = getattr(owner, parameter)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"of {owner.name} is {value!r}, expected a number.", argument=parameter)
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    object.__setattr__(owner, parameter, value)
    above = value >= low if bounds[0] == "[" else value > low
    below = value <= high if bounds[1] == "]" else value < high
    if not (above and below):
        interval = f"{'[' if bounds[0] == '[' else '('}{low:g}, {high:g}{bounds[1]}"
        raise InputError(f"of {owner.name} is {value!r}, expected a number in {interval}.", argument=parameter)


def require_switch(owner: Any, parameter: str) -> None:
    """Refuse a parameter of ``owner`` that is not True or False."""
    value = getattr(owner, parameter)
    if value not in (True, False):
        raise InputTypeError(f"of {owner.name} is {value!r}, expected True or False.", argument=parameter)
    object.__setattr__(owner, parameter, bool(value))
