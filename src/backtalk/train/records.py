"""What training tells: epochs, what was measured in each layer, the result, and how it was cut short."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.network import Network
from ..engines.steps import LayerMeasures, StepState


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One pass over the data: its ``number`` from 1, the mean ``loss`` while it ran, the ``network`` after it.

    ``validation_loss``: ℒ of that network on the validation set, where there is one; without dropout and penalty.
    ``learning_rate``: of its last step. ``measures`` holds a :class:`LayerMeasures` for each layer 1 … L, where
    ``measure_every`` asked for them.
    """

    number: int
    loss: float
    network: Network
    measures: tuple[LayerMeasures, ...] = ()
    validation_loss: float | None = None
    learning_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is: ``examples`` of ``count`` in ``epoch`` of ``epochs``, ``step`` updates in all.

    ``loss`` is the mean over this epoch so far, NaN before its first step.
    """

    epoch: int
    epochs: int
    examples: int
    count: int
    step: int
    loss: float


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """What training made: the ``network`` and the ``losses``, one for each epoch.

    ``validation_losses``: one for each epoch, where there is a validation set. ``best_epoch``: the number of the
    epoch with the lowest of them (of the ``losses`` without one); with ``patience`` the network is the one after that
    epoch. ``reason``: why training ended, 'epochs', 'patience', 'callback', 'interrupted' or, for L-BFGS,
    'converged'. ``state``: where the optimizer stands, for ``fit(…, state=training.state)`` to go on from.
    """

    network: Network
    losses: tuple[float, ...]
    validation_losses: tuple[float, ...] = ()
    best_epoch: int | None = None
    reason: str = "epochs"
    state: StepState | None = None


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C came while training ran. ``training`` holds the network after the last whole step, ready for use.

    It is a ``KeyboardInterrupt``, so what stops at Ctrl-C still does.
    """

    def __init__(self, training: Training) -> None:
        super().__init__("training was interrupted; the error's .training holds the network as it was")
        self.training = training
