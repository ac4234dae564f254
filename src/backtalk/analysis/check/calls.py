"""Calls a student's function with what its arguments are called: network, X, y, parameters, cache, W1, A2 …"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...errors import InputError

# What an argument holds, by its name in lower case and without underscores
MEANINGS: dict[str, str] = {
    name: meaning
    for meaning, names in {
        "network": "network net model",
        "X": "x input inputs data xbatch xtrain",
        "y": "y t target targets label labels ytrue ybatch ytrain",
        "sample_weight": "sampleweight sampleweights",
        "parameters": "parameters params param",
        "weights": "weights ws w",
        "biases": "biases bs b",
        "cache": "cache caches activations memory",
        "yhat": "yhat ypred al output outputs out prediction predictions probs probabilities",
        "count": "m batchsize",
    }.items()
    for name in names.split()
}
NUMBERED = re.compile(r"([wbzah])(\d+)")


def meaning_of(name: str) -> str | None:
    """What an argument of that name holds: an entry of the table, a letter with a number, or None."""
    plain = name.lower().replace("_", "")
    return MEANINGS.get(plain) or (plain if NUMBERED.fullmatch(plain) else None)


def arguments_of(function: Callable[..., Any]) -> dict[str, bool] | None:
    """The names of a function's arguments, and whether each must be given; None if nobody can tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return {
        parameter.name: parameter.default is parameter.empty
        for parameter in parameters
        if parameter.kind is not parameter.VAR_KEYWORD
    }


def is_called_by_name(function: Callable[..., Any], count: int) -> bool:
    """Whether its arguments' names say what it wants; else it is called as (network, X, y), ``count`` arguments."""
    names = arguments_of(function)
    if not names:
        return False
    required = [name for name, must in names.items() if must]
    first = meaning_of(next(iter(names)))
    if first == "network" and len(required) == count:
        return False
    return all(meaning_of(name) for name in required)


def call(whose: str, function: Callable[..., Any], values: Mapping[str, Any], positional: tuple[Any, ...]) -> Any:
    """The result; an error of the function's own goes on, with a note that says what it was given."""
    count = len(positional)
    given: dict[str, Any] = {}
    try:
        if not is_called_by_name(function, count):
            names = arguments_of(function)
            required = [name for name, must in (names or {}).items() if must]
            if names is not None and not (len(required) <= count <= len(names)):
                raise InputError(
                    f"{whose} takes {', '.join(names)}, which does not say what they hold: name them network, X, y, "
                    "parameters, cache, weights, biases, yhat, or W1, b1, Z1, A1 and so on."
                )
            given.update(zip(("network", "X", "y", "sample_weight"), positional, strict=False))
            return function(*positional)
        for name, must in (arguments_of(function) or {}).items():
            meaning = meaning_of(name)
            if meaning is None:
                continue
            if values.get(meaning) is None:
                if must:
                    raise InputError(f"{whose} takes {name}, but there is none: {_source(meaning)}.")
                continue
            given[name] = values[meaning]
        return function(**given)
    except InputError:
        raise
    except Exception as error:
        error.add_note(f"This was raised in {whose}, which was given {_told(given)}.")
        raise


def _source(meaning: str) -> str:
    if meaning == "cache":
        return "it is what forward returns beside ŷ, so give forward= as well"
    return "give sample_weight" if meaning == "sample_weight" else "the network has no such layer"


def _told(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shape(value)}" for name, value in given.items()) or "nothing"


def _shape(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_shape(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shape, value))}]"
    shape = getattr(value, "shape", None)
    return f"of shape {tuple(shape)}" if shape is not None and np.ndim(value) else f"({type(value).__name__})"
