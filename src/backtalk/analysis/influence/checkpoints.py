"""The networks that a call takes, from one or several moments of training, each with its learning rate."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

from ...core.batch import Batch
from ...core.network import Network
from ...errors import BacktalkError, InputError, InputTypeError, LayerError
from ...interop.files import load
from ...train.records import Epoch
from ..per_example.examples import as_batch

EXPECTED = "a backtalk.Network, an Epoch, the name of a file"


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A ``network`` with its learning ``rate``; ``name`` is what an error calls it, such as 'networks[2]'."""

    name: str
    network: Network
    rate: float


def as_unrated(networks: Any) -> list[Moment]:
    """One moment for each network, each with rate 1."""
    return [Moment(name, _read(value, name)[0], 1.0) for name, value in _entries(networks)]


def as_moments(networks: Any, learning_rates: Any = None) -> list[Moment]:
    """One moment for each network, with the rate that is given, or its own, or 1 if none has one."""
    entries = _entries(networks)
    read = [(name, *_read(value, name)) for name, value in entries]
    own = [rate for _, _, rate in read]
    if learning_rates is not None:
        paired = [name for name, value in entries if isinstance(value, tuple)]
        if paired:
            raise InputError(f"learning_rates is given, but {paired[0]} has a rate beside it: leave one of them out.")
        rates = _rates(learning_rates, len(read))
    elif all(rate is None for rate in own) and not any(isinstance(value, Epoch) for _, value in entries):
        rates = [1.0] * len(read)
    elif None in own:
        name = read[own.index(None)][0]
        raise InputError(f"{name} has no learning rate: give learning_rates, a number for each network.")
    else:
        rates = [float(rate) for rate in own if rate is not None]
    return [Moment(name, network, rate) for (name, network, _), rate in zip(read, rates, strict=True)]


def layers_of_each(layers: Any, moments: list[Moment]) -> list[tuple[int, ...]]:
    """For each network, which layers count: all, or those that are named, each a number from 1 to L."""
    if layers is None:
        return [tuple(range(1, moment.network.depth + 1)) for moment in moments]
    named = [layers] if isinstance(layers, Integral) else layers
    if isinstance(named, str | bytes) or not isinstance(named, Iterable) or getattr(named, "ndim", 1) != 1:
        raise InputTypeError(f"layers is {layers!r}, expected the number of a layer, or a list of such numbers.")
    chosen = list(named)
    if not chosen:
        raise InputError("layers is empty, expected at least one layer number, or None for all layers.")
    for moment in moments:
        for layer in chosen:
            if isinstance(layer, bool) or not isinstance(layer, Integral) or layer not in moment.network.W:
                raise LayerError(
                    f"layers holds {layer!r}, expected whole numbers from 1 to {moment.network.depth}, "
                    f"the layers of {moment.name}."
                )
    if len(set(chosen)) < len(chosen):
        raise InputError(f"layers is {chosen}, which names a layer twice.")
    return [tuple(sorted(int(layer) for layer in chosen))] * len(moments)


def as_pair(examples: Any, argument: str) -> tuple[Any, Any]:
    """(X, y), as the user gives them."""
    if not isinstance(examples, tuple | list) or len(examples) != 2:
        found = f"{len(examples)} things" if isinstance(examples, tuple | list) else f"a {type(examples).__name__}"
        raise InputTypeError(f"{argument} is {found}, expected a pair (X, y).")
    return examples[0], examples[1]


def batches_of(moments: list[Moment], X: Any, y: Any, argument: str = "") -> list[Batch]:
    """The examples, checked against each network; networks of one kind share what was checked."""
    batches: list[Batch] = []
    for moment in moments:
        like = next((known for known in batches if _takes_the_same(known.network, moment.network)), None)
        try:
            batches.append(replace(like, network=moment.network) if like else as_batch(moment.network, X, y))
        except BacktalkError as error:
            where = [argument, moment.name if len(moments) > 1 else "", str(error)]
            raise type(error)(": ".join(filter(None, where))) from None
    return batches


def refuse(moment: Moment, example: int, argument: str, what: str, quantity: str = "gradient") -> InputError:
    """The error for an example whose gradient cannot be used."""
    return InputError(
        f"{argument} holds example {example}, whose {quantity} under {moment.name} is not finite ({what}): "
        "leave out the example, or that network."
    )


def _takes_the_same(one: Network, other: Network) -> bool:
    ends = [(network.sizes[0], network.sizes[-1], network.spec, network.loss) for network in (one, other)]
    return ends[0] == ends[1]


def _entries(networks: Any) -> list[tuple[str, Any]]:
    if isinstance(networks, Network | Epoch | str | os.PathLike):
        return [("networks", networks)]
    if not isinstance(networks, Iterable) or isinstance(networks, set | frozenset | Mapping):  # these have no order
        raise InputTypeError(
            f"networks is a {type(networks).__name__}, expected {EXPECTED}, or a list of these or of pairs (network, "
            "learning rate)."
        )
    entries = [(f"networks[{t}]", value) for t, value in enumerate(networks)]
    if not entries:
        raise InputError("networks is empty, expected at least one network.")
    return entries


def _read(value: Any, name: str) -> tuple[Network, float | None]:
    """A network and its own learning rate, if it has one."""
    if isinstance(value, Network):
        return value, None
    if isinstance(value, Epoch):
        return value.network, None if value.learning_rate is None else _rate(value.learning_rate, name)
    if isinstance(value, str | os.PathLike):
        return load(value), None
    if isinstance(value, tuple) and len(value) == 2:
        if isinstance(value[0], tuple):
            raise InputTypeError(f"{name} is a pair within a pair, expected (network, learning rate).")
        return _read(value[0], name)[0], _rate(value[1], f"the learning rate of {name}")
    found = f"a tuple of {len(value)}" if isinstance(value, tuple) else f"a {type(value).__name__}"
    raise InputTypeError(f"{name} is {found}, expected {EXPECTED}, or a pair of those.")


def _rates(learning_rates: Any, count: int) -> list[float]:
    if isinstance(learning_rates, Real):
        return [_rate(learning_rates, "learning_rates")] * count
    ordered = isinstance(learning_rates, Iterable) and not isinstance(learning_rates, str | set | frozenset | Mapping)
    if not ordered or getattr(learning_rates, "ndim", 1) == 0:
        raise InputTypeError(f"learning_rates is {learning_rates!r}, expected a number, or one for each network.")
    rates = [_rate(rate, f"learning_rates[{t}]") for t, rate in enumerate(learning_rates)]
    if len(rates) != count:
        raise InputError(f"learning_rates has {len(rates)} numbers, but there are {count} networks: expected one each.")
    return rates


def _rate(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} is {value!r}, expected a number.")
    if not 0 <= value <= sys.float_info.max:  # pyright: ignore[reportOperatorIssue]
        raise InputError(f"{name} is {value!r}, expected a finite number of 0 or more.")
    return float(value)
