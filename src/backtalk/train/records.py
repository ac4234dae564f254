"""What training tells: epochs, what was measured in each layer, the result, and how it was cut short."""

from __future__ import annotations

from dataclasses import dataclass

from ..network import Network


@dataclass(frozen=True, slots=True)
class LayerMeasures:
    """One layer in the steps of an epoch that were measured: means over those steps, each a Euclidean norm.

    ``grad_a``, ``grad_h``: of ∇_{a_i}ℒ and ∇_{h_i}ℒ over the mini-batch (None for the output layer).
    ``grad_W``: of ∇_{W_i}, the L2 penalty's share included. ``W``: of W_i before the step. ``update``: of what the
    step adds to W_i; update/W is the update-to-weight ratio. ``silent``: the share of the layer's units whose
    |g′(a)| stays below 0.001 for every example of the mini-batch, dead or saturated (None for the output layer).
    In float32 the kernels square in float32, so that a norm below 1e-20 reads 0.
    """

    layer: int
    grad_a: float | None
    grad_h: float | None
    grad_W: float
    W: float
    update: float
    silent: float | None


SILENT = 1e-3  # |g′| below which a unit passes on less than a thousandth of what it hears


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One pass over the data: its ``number`` from 1, the mean ``loss`` while it ran, the ``network`` after it.

    ``measures`` holds a :class:`LayerMeasures` for each layer 1 … L, where ``measure_every`` asked for them.
    """

    number: int
    loss: float
    network: Network
    measures: tuple[LayerMeasures, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """What training made: the ``network`` and the ``losses``, one for each epoch."""

    network: Network
    losses: tuple[float, ...]


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C came while training ran. ``training`` holds the network after the last whole step, ready for use.

    It is a ``KeyboardInterrupt``, so what stops at Ctrl-C still does.
    """

    def __init__(self, training: Training) -> None:
        super().__init__("training was interrupted; the error's .training holds the network as it was")
        self.training = training
