"""What the curvature is measured at: networks along a run, and how long each weight was free to move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....core.batch import Batch
from ....core.network import Network
from ....core.optimizers import Adam, Optimizer
from ....engines.steps import StepState
from ....train.recording import Recording
from ..own_gradients import widened
from ..unrolled.adjoints import RULES
from ..unrolled.trajectory import steps_again
from .response import Response

MOMENTS = 3  # networks along a run, after each third: the end alone agrees less with retraining, more no better
ROWS = 512  # examples in a block


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Networks along a run, in float64, the last one at its end; the ``examples``, with the share (N,) of each in ℒ.

    ``times``: for each layer, (n_i, n_{i−1} + 1), the bias last: the sum over the steps of the learning rate of each
    weight, its own with Adam. All 1 if the run is not known.
    """

    networks: list[Network]
    end: Network
    examples: Batch
    shares: np.ndarray
    times: list[np.ndarray]
    response: Response


def course_of(
    network: Network, train: Batch, recording: Recording | None, damping: float | None, usual: float
) -> Course:
    """Of a recorded run, or of a network alone, for which ``damping`` decides, ``usual`` if none is given."""
    end = widened(network)
    if recording is None:
        shares = np.full(train.count, 1 / train.count)
        response = Response(usual if damping is None else damping)
        return Course([end], end, train, shares, _ones(end), response)
    networks, times = _along(recording)
    settings = recording.settings
    penalty = settings.l2_penalty / (recording.batch_size if settings.l2_per_weight else 1)
    if damping is None and type(settings.optimizer) in RULES:
        rates = sum(rate for _, rate in recording.mini_batches())
        mean = float(np.mean(np.concatenate([each.ravel() for each in times])))
        response = Response(decay=penalty * mean + settings.optimizer.weight_decay * rates)
    else:
        times, response = _ones(end), Response(usual if damping is None else damping, decay=penalty)
    return Course(networks, end, train, recording.shares, times, response)


def _along(recording: Recording) -> tuple[list[Network], list[np.ndarray]]:
    marks = {-(-recording.steps * part // MOMENTS) for part in range(1, MOMENTS + 1)}
    optimizer, L = recording.settings.optimizer, recording.start.depth
    networks, total = [], [np.zeros(part.shape) for part in _parts(recording.start)]
    freedom = _freedom(optimizer)
    for number, (rate, steps) in enumerate(steps_again(recording), start=1):
        for part, each in zip(total, freedom(steps.state(), total), strict=True):
            part += rate * each
        if number in marks:
            networks.append(widened(steps.network))
    return networks, [np.concatenate([total[i], total[L + i][:, None]], axis=1) for i in range(L)]


def _freedom(optimizer: Optimizer) -> Callable[[StepState, list[np.ndarray]], list[np.ndarray]]:
    """By what a step multiplies the rate, for each weight."""
    if isinstance(optimizer, Adam):

        def of_adam(state: StepState, like: list[np.ndarray]) -> list[np.ndarray]:
            del like
            # θ ← θ − η·m̂/(√v̂ + ε); where v is 0, the gradient always was, and the weight does not move
            c = optimizer.root_correction(state.step)
            roots = [np.asarray(v, np.float64) ** 0.5 for v in state.arrays["v"]]
            return [
                np.divide(1, c * root + optimizer.epsilon, out=np.zeros_like(root), where=root > 0) for root in roots
            ]

        return of_adam
    # v ← μv − η∇: each gradient is heard 1 + μ + μ² + … times
    factor = 1 / (1 - getattr(optimizer, "momentum", 0.0))
    return lambda state, like: [np.full(part.shape, factor) for part in like]


def _parts(network: Network) -> list[np.ndarray]:
    return [*network.W.values(), *network.b.values()]


def _ones(network: Network) -> list[np.ndarray]:
    return [np.ones((m, n + 1)) for n, m in zip(network.sizes[:-1], network.sizes[1:], strict=True)]
