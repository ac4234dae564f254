"""Settings as the address of the page has them after #, for the command line: web/src/address.ts writes them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from .datasets import SETS, LabData
from .session import start_settings
from .settings import Settings, read_settings

BESIDE = ("example", "color", "quantity")  # in an address, and no settings
DOOR = "start"  # of the start card, which only an address in the browser opens


def read_address(text: str, given: LabData | None) -> tuple[Settings, dict[str, str]]:
    """The settings of an address, and what it says beside them; what it leaves out is as the lab begins.

    Raises :class:`~backtalk.errors.InputError` or :class:`~backtalk.errors.InputTypeError` as the page is told it.

    >>> settings, beside = read_address("#data=spirals&layers=16,16&rate=0.01&quantity=W[1,1,1]", None)
    >>> settings.layers, settings.rate, beside
    ((16, 16), 0.01, {'quantity': 'W[1,1,1]'})
    """
    start = start_settings(given)
    pairs = parse_qsl(text.removeprefix("#").replace("+", "%2B"), keep_blank_values=True)
    said = dict(pairs)
    said.pop(DOOR, None)
    beside = {name: said.pop(name) for name in BESIDE if name in said}
    message = {name: _value(value, getattr(start, name, "")) for name, value in said.items()}
    known = [*(["given"] if given else []), *SETS]
    return read_settings(message, start, known), beside


def _value(text: str, like: Any) -> Any:
    """A text as the kind of value that a setting has; as it is if it is none, which is then refused by its name."""
    if isinstance(like, tuple):
        parts = text.split(",") if text else []
        if like and isinstance(like[0], str):  # of activations, one for all layers or one for each
            return parts[0] if len(parts) == 1 else parts
        return [_number(part) for part in parts]
    return _number(text) if isinstance(like, int | float) else text


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
