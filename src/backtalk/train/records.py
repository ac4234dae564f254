"""What training reports: epochs, the measures of each layer, the result, and an interruption."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.network import Network
from ..engines.steps import LayerMeasures, StepState
from ..errors import DivergedError
from .privacy import PrivacySpent
from .recording import Recording


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One pass over the data: its ``number`` from 1, the mean ``loss`` while it ran, the ``network`` after it.

    ``validation_loss``: ℒ of that network on the validation set, if there is one; without dropout and penalty.
    ``validation_metric``: the metric of it, if one was asked for and is defined.
    ``learning_rate``: of its last step. ``measures`` holds a :class:`LayerMeasures` for each layer 1 … L if
    ``measure_every`` is set. ``privacy``: what private training has cost so far; its ``loss`` has no noise, and is NaN
    if no step had an example.

    >>> from backtalk import Network, fit
    >>> epochs = []
    >>> net = Network.create([2, 2], rng=0)
    >>> _ = fit(net, [[0.0, 1.0], [1.0, 0.0]], [0, 1], epochs=3, optimizer="adam", rng=0, callbacks=epochs.append)
    >>> [epoch.number for epoch in epochs], epochs[2].loss < epochs[0].loss, epochs[2].learning_rate
    ([1, 2, 3], True, 0.001)
    """

    number: int
    loss: float
    network: Network
    measures: tuple[LayerMeasures, ...] = ()
    validation_loss: float | None = None
    learning_rate: float | None = None
    validation_metric: float | None = None
    privacy: PrivacySpent | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is: ``examples`` of ``count`` in ``epoch`` of ``epochs``, ``step`` updates in all.

    ``loss`` is the mean over this epoch so far, NaN before its first step.

    >>> from backtalk import Network, fit
    >>> seen = []
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> _ = fit(Network.create([2, 2], rng=0), X, y, epochs=5, batch_size=1, rng=0, progress=seen.append)
    >>> seen[-1].epoch, seen[-1].epochs, seen[-1].examples, seen[-1].count, seen[-1].step
    (5, 5, 2, 2, 10)
    """

    epoch: int
    epochs: int
    examples: int
    count: int
    step: int
    loss: float


# What a reason says to a reader, after the number of epochs
ENDED = {
    "epochs": "as many as asked for",
    "patience": "then the loss had not fallen for too long",
    "callback": "then a callback ended it",
    "interrupted": "then it was interrupted",
    "converged": "then it had converged",
    "evaluations": "then it had evaluated the loss as often as it may",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Training:
    """The result of training: the ``network`` and the ``losses``, one for each epoch.

    ``validation_losses``: one for each epoch, if there is a validation set. ``best_epoch``: the number of the epoch
    with the lowest of them (of the ``losses`` without a validation set); with ``patience`` the network is the one after
    that epoch. ``metric``: the name of the metric that decided instead, with ``validation_metrics``, one for each
    epoch, None if it was not defined. ``reason``: why training ended, 'epochs', 'patience', 'callback', 'interrupted'
    or, for L-BFGS, 'converged'. ``state``: the optimizer state, for ``fit(…, state=training.state)``. ``record``: with
    ``fit(…, record=True)``, what is needed to take the same steps again. ``privacy``: what private training has
    cost.

    >>> from backtalk import Network, fit
    >>> training = fit(Network.create([2, 2], rng=0), [[0.0, 1.0], [1.0, 0.0]], [0, 1], epochs=3, rng=0)
    >>> training.reason, len(training.losses), training.best_epoch, training.network.sizes
    ('epochs', 3, 3, (2, 2))
    """

    network: Network
    losses: tuple[float, ...]
    validation_losses: tuple[float, ...] = ()
    best_epoch: int | None = None
    reason: str = "epochs"
    state: StepState | None = None
    metric: str | None = None
    validation_metrics: tuple[float | None, ...] = ()
    record: Recording | None = None
    privacy: PrivacySpent | None = None

    def _repr_html_(self) -> str:
        """What a notebook shows: the loss of each epoch as a curve."""
        from ..pages.plots import curves
        from ..pages.view import sentence, view

        series = {"loss": self.losses}
        if self.validation_losses:
            series["validation loss"] = self.validation_losses
        positive = all(value > 0 for line in series.values() for value in line)
        if not self.losses:
            return view(self._title)
        told = f"The loss went from {self.losses[0]:.4g} to {self.losses[-1]:.4g}"
        told += f"; the dashed line marks the best epoch, {self.best_epoch}." if self.best_epoch else "."
        plot = curves(series, label="loss", logarithmic=positive, mark=self.best_epoch)
        return view(self._title, sentence(told), plot)

    @property
    def _title(self) -> str:
        count = len(self.losses)
        ended = ENDED.get(self.reason, self.reason)
        if self.reason == "patience" and self.metric is not None:
            ended = f"then {self.metric} had not improved for too long"
        return f"Training: {count} epoch{'s' * (count != 1)}, {ended}"

    def __repr__(self) -> str:
        lines = [self._title, f"  {repr(self.network).splitlines()[0]}"]
        for name, values in (("loss", self.losses), ("validation loss", self.validation_losses)):
            if values:
                lines.append(f"  {name} {values[0]:.4g} at first, {values[-1]:.4g} at last, {min(values):.4g} at best")
        if self.metric is not None and self.best_epoch is not None:
            best = self.validation_metrics[self.best_epoch - 1]
            lines.append(f"  {self.metric} {'is not defined' if best is None else f'{best:.4g} at best'}")
        if self.best_epoch is not None:
            lines.append(f"  best epoch {self.best_epoch}")
        if self.privacy is not None:
            lines.append(f"  {self.privacy}")
        return "\n".join(lines)


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C interrupted training. ``training`` holds the network after the last whole step, ready for use.

    It is a ``KeyboardInterrupt``, so a program that stops at Ctrl-C still does. ``outcomes``: what became of each
    network of :func:`~backtalk.fit_many`, its training so far or, if it had diverged, that error; ``training`` is then
    the first of those that were interrupted.
    """

    training: Training
    outcomes: tuple[Training | DivergedError, ...]

    def __init__(self, training: Training, outcomes: tuple[Training | DivergedError, ...] = ()) -> None:
        super().__init__("training was interrupted; the error's .training holds the network as it was")
        self.training, self.outcomes = training, outcomes or (training,)
