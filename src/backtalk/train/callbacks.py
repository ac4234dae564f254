"""Callbacks: they are called while training runs, and may stop it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.network import Network
from ..distributed import ALONE, Group
from ..errors import InputError, InputTypeError, ProcessLostError
from .records import Epoch, Progress, Training

METHODS = ("on_start", "on_network", "on_epoch", "on_end")


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

    ``of_one_run``: it tells of one run and cannot serve several networks of :func:`~backtalk.fit_many`. ``place``: the
    file or folder that such a callback writes and shares with no other, if there is one.
    """

    of_one_run = False
    place: str | None = None

    def on_start(self, settings: Mapping[str, Any]) -> None:
        """Called before the first step, with the settings of the run by name: numbers, texts and None."""

    def on_network(self, network: Network) -> None:
        """Called next, with the network as it stands before the first step."""

    def on_epoch(self, epoch: Epoch) -> Any:
        """Called after each epoch; if it returns True, training ends."""

    def on_end(self, training: Training) -> None:
        """Called with the result, also if training was interrupted; not if an error ended it."""


def is_true(answer: Any) -> bool:
    """Whether a callback answered True: nothing else ends training, such as what a list's method gives back."""
    return isinstance(answer, bool | np.bool_) and bool(answer)


class _Methods(Callback):
    """The methods of an object, or a function of an Epoch, as a callback."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        self.methods = methods

    def on_start(self, settings: Mapping[str, Any]) -> None:
        self._call("on_start", settings)

    def on_network(self, network: Network) -> None:
        self._call("on_network", network)

    def on_epoch(self, epoch: Epoch) -> Any:
        return self._call("on_epoch", epoch)

    def on_end(self, training: Training) -> None:
        self._call("on_end", training)

    def _call(self, method: str, what: Any) -> Any:
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
    return _Methods(**(methods or {"on_epoch": value}))


def require_apart(callbacks: Iterable[Callback]) -> None:
    """Refuse callbacks of which two write to the same place."""
    places = Counter(each.place for each in callbacks if each.of_one_run and each.place is not None)
    for place, count in places.items():
        if count > 1:
            raise InputError(
                f"callbacks holds {count} loggers that write to {place!r}, where each would lose what the others "
                "write: expected another place for each."
            )


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told while training runs, in each process of a group; an error of one of them ends training in all.

    ``lock``: held while one of them is told, so that runs in several threads do not tell at the same time.
    """

    callbacks: list[Callback]
    progress: Callable[[Progress], Any] | None = None
    group: Group = ALONE
    lock: AbstractContextManager[Any] = field(default_factory=nullcontext)

    @classmethod
    def of(cls, callbacks: Any, progress: Any = None, group: Group = ALONE) -> Watchers:
        """From what the user gives."""
        if progress is not None and not callable(progress):
            raise InputTypeError(f"progress is {progress!r}, expected a function of a Progress.")
        told = as_callbacks(callbacks)
        require_apart(told)
        return cls(told, progress, group)

    @property
    def want_epochs(self) -> bool:
        """Whether any process has a callback, as far as this one knows."""
        return bool(self.callbacks) or self.group.count > 1

    def begin(self, settings: Mapping[str, Any], network: Network) -> None:
        """Tell that training begins, with this network."""
        with self.lock:
            for callback in self.callbacks:
                callback.on_start(settings)
                callback.on_network(network)

    def after_steps(self, progress: Callable[[], Progress]) -> bool:
        """Tell of a chunk of steps; whether training is to stop."""
        return self._ask(lambda: self.progress is not None and is_true(self.progress(progress())))

    def after_epoch(self, epoch: Epoch) -> bool:
        """Tell of an epoch; whether training is to stop."""

        def tell() -> bool:
            answers = [callback.on_epoch(epoch) for callback in self.callbacks]  # each of them is told
            return any(map(is_true, answers))

        return self._ask(tell)

    def end(self, training: Training) -> Training:
        """Tell the result, and give it back."""
        with self.lock:
            for callback in self.callbacks:
                callback.on_end(training)
        return training

    def _ask(self, question: Callable[[], bool]) -> bool:
        """The answer of the user's functions, True if it is in any process."""
        if self.group.count == 1:
            with self.lock:
                return question()
        stop, failed = False, None
        try:
            stop = question()
        except (Exception, SystemExit) as error:
            failed = error
        stop, any_failed = self.group.any_of([stop, failed is not None])
        if failed is not None:
            raise failed
        if any_failed:
            raise ProcessLostError("a callback raised an error in another process: training stops; see what it said")
        return stop
