"""The sweep: from the loss of each query after training back through every step, to all that the run began with."""

from __future__ import annotations

import numpy as np

from ....core.backward import Gradients, talk_to_weights
from ....core.batch import Batch
from ....core.curvature import talk_along
from ....core.forward import Trace
from ....core.layers import Layers
from ....core.objective import add_penalty, global_norm
from ....core.optimizers.optimizer import State
from ....train.recording import Recording
from ..own_gradients import Talks, own_gradients, wide, widened
from . import by_kernels
from .adjoints import Adjoints, Step, dots, pull_back
from .trajectory import Point, Trajectory


def sweep(recording: Recording, queries: Batch, stride: int) -> Adjoints:
    """From the loss of each query under the network that the run gave, down to the start of the run.

    ``stride``: of the points of the run that are kept at the same time.
    """
    adjoints = _at_the_end(recording, queries)
    if by_kernels.serves(recording):
        by_kernels.sweep(recording, adjoints, stride)
        return adjoints
    adjoints.state = {
        family: [np.zeros_like(part) for part in adjoints.parameters]
        for family in recording.settings.optimizer.families
    }
    trajectory = Trajectory(recording, stride)
    for number, point in zip(reversed(range(recording.steps)), trajectory.backwards(), strict=True):
        _step_back(recording, point, number, adjoints)
    return adjoints


def _at_the_end(recording: Recording, queries: Batch) -> Adjoints:
    """After the last step: ∇ℓ_q of each query's own loss, and nothing else."""
    trace, own, _ = own_gradients(widened(recording.end), queries)
    layers, M = range(1, recording.end.depth + 1), queries.count
    parameters = [*(own[i][:, :, None] * trace.h[i - 1][:, None, :] for i in layers), *(own[i] for i in layers)]
    return Adjoints(
        parameters=parameters,
        state={},
        examples=np.zeros((M, recording.examples.count)),
        rates=np.zeros((M, recording.steps)),
        penalty=np.zeros(M),
    )


def _step_back(recording: Recording, point: Point, number: int, adjoints: Adjoints) -> None:
    """One step, backwards."""
    settings, network = recording.settings, widened(point.network)
    batch = recording.examples.rows(point.rows)
    weight, total = batch.weights()
    weight = wide(weight)
    t = point.state.step + 1
    trace, own_a, own_h = own_gradients(network, batch, settings.dropout and settings.dropout.at(t))
    grads = _weighted(own_a, own_h, trace, weight)
    penalty = settings.l2_penalty / (total if settings.l2_per_weight else 1)
    parameters = [*network.W.values(), *network.b.values()]
    gradient = [*grads.W.values(), *grads.b.values()]
    if penalty:
        _, gradient = add_penalty(0.0, gradient, [*network.W.values()], penalty)
    norm, most = global_norm(gradient), settings.clip_norm
    factor = 1.0 if most is None or norm <= most else most / norm
    state: State = {name: [wide(part) for part in parts] for name, parts in point.state.arrays.items()}
    step = Step(settings.optimizer, t, point.rate, parameters, state, [factor * part for part in gradient])
    pulled = pull_back(step, adjoints.parameters, adjoints.state)
    heard = pulled.gradient
    if factor < 1:
        # clipped: c·∇/‖∇‖, whose derivative is the part across ∇
        along = dots(heard, gradient) / norm**2
        heard = [
            factor * (each - along.reshape(-1, *[1] * part.ndim) * part)
            for each, part in zip(heard, gradient, strict=True)
        ]
    L = network.depth
    V, c = Layers(heard[:L]), Layers(heard[L:])
    curved = talk_along(network, trace, grads, wide(batch.target()), weight, V, c)
    products = [*curved.W.values(), *curved.b.values()]
    adjoints.parameters = [
        before + product + (penalty * each if theta.ndim == 2 else 0.0)
        for before, product, each, theta in zip(pulled.parameters, products, heard, parameters, strict=True)
    ]
    adjoints.state = pulled.state
    adjoints.rates[:, number] = pulled.rate
    share = 1 / total if settings.l2_per_weight else 1.0
    adjoints.penalty += share * dots([*V.values()], [*network.W.values()])
    # ∇ = Σ_m w_m ∇ℓ_m / Σ_m w_m, so a factor 1 + ε on w_n adds ε w_n (∇ℓ_n − ∇) to it
    along = _along_each(own_a, trace, V, c)
    changes = weight * (along - (along @ weight)[:, None])
    np.add.at(adjoints.examples.T, point.rows, changes.T)


def _weighted(own_a: Talks, own_h: Talks, trace: Trace, weight: np.ndarray) -> Gradients:
    """The gradients of the weighted mean."""
    L = len(own_a)
    w = weight[:, None]
    a = {i: own_a[i] * w for i in range(1, L + 1)}
    talks = [talk_to_weights(a[i], trace.h[i - 1]) for i in range(1, L + 1)]
    return Gradients(
        loss=np.float64(np.nan),
        a=Layers(a[i] for i in range(1, L + 1)),
        h=Layers(own_h[i] * w for i in range(1, L)),
        W=Layers(W for W, _ in talks),
        b=Layers(b for _, b in talks),
    )


def _along_each(own_a: Talks, trace: Trace, V: Layers, c: Layers) -> np.ndarray:
    """∇ℓ_n · (V, c) of each example and direction, (M, B): Σ_i δ_n · (V_i h_n + c_i)."""
    total = 0.0
    for i in V:
        moved = trace.h[i - 1] @ np.swapaxes(V[i], -1, -2) + c[i][:, None, :]
        total = total + (moved * own_a[i]).sum(axis=-1)
    return np.asarray(total)
