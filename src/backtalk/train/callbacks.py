"""What is told while training runs, and may stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import InputTypeError
from .records import Epoch, Training


class Callback:
    """Told when training starts, after each epoch, and when it ends; each method may be left as it is.

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
        """Before the first step, with the settings of the run by name: numbers, texts and None."""

    def on_epoch(self, epoch: Epoch) -> Any:
        """After each epoch; a true answer ends training."""

    def on_end(self, training: Training) -> None:
        """With the result, also where training was interrupted; not where an error ended it."""


class _Function(Callback):
    def __init__(self, function: Callable[[Epoch], Any]) -> None:
        self.function = function

    def on_epoch(self, epoch: Epoch) -> Any:
        return self.function(epoch)


def as_callbacks(callbacks: Any) -> list[Callback]:
    """A list of callbacks from one or several, where a plain function is told of each epoch."""
    if callbacks is None:
        return []
    several = callbacks if isinstance(callbacks, Iterable) else [callbacks]
    return [_as_callback(each) for each in several]


def _as_callback(value: Any) -> Callback:
    if isinstance(value, Callback):
        return value
    if isinstance(value, type) or not callable(value):
        raise InputTypeError(f"callbacks holds {value!r}, expected a backtalk.Callback or a function of an Epoch.")
    return _Function(value)
