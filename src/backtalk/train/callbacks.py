"""Callbacks: they are called while training runs, and may stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import InputTypeError
from .records import Epoch, Training

METHODS = ("on_start", "on_epoch", "on_end")


class Callback:
    """Is called when training starts, after each epoch, and when it ends; override the methods that you need.

    >>> import numpy as np
    >>> from backtalk import Callback, Network, fit
    >>> class UntilGood(Callback):
    ...     def on_epoch(self, epoch):
    ...         return epoch.loss < 0.5
    >>> X, y = np.eye(4), [0, 1, 0, 1]
    >>> training = fit(Network.create([4, 2], rng=0), X, y, epochs=1000, optimizer="adam(learning_rate=0.1)",
    ...                callbacks=[UntilGood()])
    >>> training.reason, training.losses[-1] < 0.5
    ('callback', True)
    """

    def on_start(self, settings: Mapping[str, Any]) -> None:
        """Called before the first step, with the settings of the run by name: numbers, texts and None."""

    def on_epoch(self, epoch: Epoch) -> Any:
        """Called after each epoch; if it returns True, training ends."""

    def on_end(self, training: Training) -> None:
        """Called with the result, also if training was interrupted; not if an error ended it."""


def is_true(answer: Any) -> bool:
    """Whether a callback answered True: nothing else ends training, such as what a list's method gives back."""
    return isinstance(answer, bool | np.bool_) and bool(answer)


class _Told(Callback):
    """Hands what it is told to the methods of an object, or to a function of an Epoch."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        self.methods = methods

    def on_start(self, settings: Mapping[str, Any]) -> None:
        self._tell("on_start", settings)

    def on_epoch(self, epoch: Epoch) -> Any:
        return self._tell("on_epoch", epoch)

    def on_end(self, training: Training) -> None:
        self._tell("on_end", training)

    def _tell(self, method: str, what: Any) -> Any:
        return self.methods[method](what) if method in self.methods else None


def as_callbacks(callbacks: Any) -> list[Callback]:
    """A list of callbacks from one or several, where a plain function is told of each epoch."""
    if callbacks is None:
        return []
    several = callbacks if isinstance(callbacks, Iterable) and not isinstance(callbacks, Callback) else [callbacks]
    return [_as_callback(each) for each in several]


def _as_callback(value: Any) -> Callback:
    if isinstance(value, Callback):
        return value
    methods = {name: getattr(value, name) for name in METHODS if callable(getattr(value, name, None))}
    if isinstance(value, type) or not (methods or callable(value)):
        raise InputTypeError(f"callbacks holds {value!r}, expected a backtalk.Callback or a function of an Epoch.")
    return _Told(**(methods or {"on_epoch": value}))
