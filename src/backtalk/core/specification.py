"""Activations, losses and optimizers as text: ``name`` or ``name(parameter=number, …)``.

The same text serves as argument, in ``repr``, in files and on the command line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from numbers import Real
from typing import Any, TypeVar

from ..errors import InputError, InputTypeError, unknown_name

Kind = TypeVar("Kind")


def write_specification(value: Any) -> str:
    """The text of a dataclass with a ``name`` and numbers for fields; defaults are left out."""
    parameters = [
        f"{field.name}={getattr(value, field.name)!r}"
        for field in fields(value)
        if getattr(value, field.name) != field.default
    ]
    return value.name + (f"({', '.join(parameters)})" if parameters else "")


def read_specification(text: str, table: Mapping[str, Callable[..., Kind]], argument: str) -> Kind:
    """The entry of ``table`` that the text names, with its parameters."""
    if not isinstance(text, str):
        raise InputTypeError(f"{argument} is {text!r}, expected a name such as {next(iter(table))!r}.")
    match = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", text)
    if match is None and text.strip().partition("(")[0] in table:
        raise InputError(f"{argument} is {text!r}, expected the form name(parameter=number).")
    if match is None or match[1] not in table:
        raise unknown_name(argument, text, table)
    make = table[match[1]]
    parameters = _read_parameters(match[2] or "", text, argument)
    known = [field.name for field in fields(make)] if isinstance(make, type) else []
    for name in parameters:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise InputError(f"{argument} is {text!r}, but {match[1]} has no parameter {name!r}: {takes}.")
    return make(**parameters)


def _read_parameters(inside: str, text: str, argument: str) -> dict[str, float]:
    parameters: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in inside.split(","))):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not equals or not math.isfinite(value):
            raise InputError(f"{argument} is {text!r}, expected the form name(parameter=number).")
        if name in parameters:
            raise InputError(f"{argument} is {text!r}, which gives {name} twice.")
        parameters[name] = value
    return parameters


def require_range(owner: Any, parameter: str, low: float, high: float, bounds: str = "[)") -> None:
    """Refuse a parameter of ``owner`` outside an interval, whose ends ``bounds`` says to be in or out.

    What is kept is a plain float, so that numbers of NumPy can be written and read back.
    """
    value = getattr(owner, parameter)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{parameter} of {owner.name} is {value!r}, expected a number.")
    value = float(value)
    object.__setattr__(owner, parameter, value)
    above = value >= low if bounds[0] == "[" else value > low
    below = value <= high if bounds[1] == "]" else value < high
    if not (above and below):
        interval = f"{'[' if bounds[0] == '[' else '('}{low:g}, {high:g}{bounds[1]}"
        raise InputError(f"{parameter} of {owner.name} is {value!r}, expected a number in {interval}.")
