"""The training loop: shuffle, take steps, and between chunks of them listen to who watches."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import distributed as cluster
from ..core.arrays import ArraySpec, is_array
from ..core.batch import Examples
from ..core.initialization import as_generator
from ..core.inputs import as_input, as_labels, as_target, as_weight, require_network
from ..core.network import Network
from ..core.optimizers import LBFGS, Optimizer, as_any_optimizer
from ..data.class_weights import class_weights
from ..data.shards import Shard
from ..data.sources import InMemory, Source, Stream
from ..data.streams import MemoryMapped, is_streamed
from ..engines.choose import kind_of_steps, trains_together
from ..engines.formula import FormulaSteps
from ..engines.steps import StepState
from ..errors import InputError, InputTypeError
from .agreement import agree_on_call
from .callbacks import as_callbacks
from .checkpoint import Checkpoint, read, rng_from_json
from .records import Progress, Training
from .run import Run
from .schedules import Schedule, as_schedule
from .settings import Plan
from .validation import ValidationSet, validation_of


def fit(
    network: Network,
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    epochs: int = 20,
    batch_size: int = 32,
    optimizer: str | Optimizer | LBFGS = "adam",
    schedule: str | Schedule = "constant",
    rng: np.random.Generator | int | None = None,
    l2_penalty: float = 0.0,
    dropout: float | list[float] | tuple[float, ...] = 0.0,
    clip_norm: float | None = None,
    class_weight: Any = None,
    validation: Any = None,
    patience: int | None = None,
    tolerance: float = 0.0,
    engine: str = "auto",
    measure_every: int = 0,
    callbacks: Any = (),
    progress: Callable[[Progress], Any] | None = None,
    checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    state: StepState | None = None,
) -> Training:
    """Train by mini-batches; the network given is not changed.

    Every step takes the gradient of ℒ over its mini-batch, Σ_n w_n ℓ_n with weights of sum 1 within it. The data
    are shuffled again in each epoch; the last mini-batch may be shorter; one whose weights are all 0 is skipped.

    Data. ``X``, ``y``, ``sample_weight``: as for :func:`~backtalk.gradients`; or, instead of X alone, a
    :class:`Stream` of data that do not fit in memory, or the :class:`Shard` of a process in a cluster.
    ``class_weight``: 'balanced', or a mapping of label to weight, which multiplies the sample weights. ``validation``:
    a fraction of the rows, drawn at random and not trained on, or (X, y) or (X, y, sample_weight), or a
    :class:`Shard`: its loss is computed after each epoch.

    Steps. ``optimizer``: 'sgd', 'nesterov', 'adam' or 'adamw', with parameters such as 'adam(learning_rate=0.01)'; or
    'lbfgs', which takes whole batches. ``schedule`` of the learning rate: 'constant', 'inverse_scaling', 'step',
    'adaptive', 'cosine' or 'one_cycle', each with ``warm_up`` steps if you wish: 'cosine(warm_up=500)'.
    ``l2_penalty`` λ: training minimizes ℒ + ½λ Σ_i ‖W_i‖², and reports it as the loss. ``dropout``: the rate of all
    hidden layers, or a list with one for each (:class:`~backtalk.Dropout`). ``clip_norm``: a gradient whose norm, over
    all W_i and b_i together, is larger is scaled down to it. ``rng``: a ``numpy.random.Generator`` or a seed; the same
    one gives the same bits, on any number of threads. ``state``: the optimizer state of an earlier training, to
    continue from. ``engine``: 'native', the C++ kernels, for NumPy arrays; 'formula', for arrays of any library;
    'auto', the first if it can; 'compiled', the formulas compiled by JAX, on the CPU, GPU or TPU that it finds;
    'compiled_bfloat16', the same with products of bfloat16 numbers and sums in float32, if the device has them. Both
    train with all processes of a cluster that JAX has joined. Each process calls ``fit`` with the same arguments: the
    mini-batches are the same for any number of processes; ``callbacks`` and ``progress`` are called in each, and
    process 0 writes.

    End. Training ends after ``epochs``, or if the validation loss (the loss, without a validation set) has not fallen
    by more than ``tolerance`` for ``patience`` epochs; then the network of the best epoch is the result.

    Reports. ``callbacks``: :class:`Callback` objects, or functions that are called with each :class:`Epoch`; if one
    returns True, training ends. ``progress`` is called with a :class:`Progress` at least every tenth of a second,
    unless a single step takes longer; if it returns True, training ends. ``measure_every=n``: every n-th step measures
    the norms of every layer, and the epoch holds their means; 0 for never. ``checkpoint``: a file, or a
    :class:`Checkpoint`; :func:`resume` continues from it.

    Raises :class:`~backtalk.errors.DivergedError`, with the step, the layer where it first appears and the last good
    network, if a value is no longer finite; :class:`TrainingInterrupted` at Ctrl-C, with the network so far; and
    :class:`~backtalk.errors.ProcessLostError` if another process of the cluster no longer answers.

    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> net = Network.create([2, 8, 2], activation="tanh", rng=0)
    >>> training = fit(net, X, [0, 1, 1, 0], epochs=200, batch_size=4, optimizer="adam(learning_rate=0.05)", rng=0)
    >>> training.losses[-1] < 0.05
    True
    """
    require_network(network)
    fraction = validation if isinstance(validation, float | int) and not isinstance(validation, bool) else None
    plan = Plan(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=as_any_optimizer(optimizer),
        schedule=as_schedule(schedule),
        l2_penalty=l2_penalty,
        dropout=tuple(dropout) if isinstance(dropout, list) else dropout,
        clip_norm=clip_norm,
        class_weight=class_weight,
        validation=fraction,
        patience=patience,
        tolerance=tolerance,
        engine=engine,
        measure_every=measure_every,
    )
    place = checkpoint if checkpoint is None or isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
    together = trains_together(plan.engine)
    if together:
        agree_on_call(plan, X, y, sample_weight, validation, place)
    own = None if validation is None or fraction is not None else _validation(network, validation, together)
    _require_function(progress)
    kind = kind_of_steps(plan.engine, network, plan.optimizer, plan.measure_every, together)
    source = _source(network, plan, kind, X, y, sample_weight, together)
    run = Run(network, plan, kind, source, as_generator(rng), own, place, together)
    if isinstance(plan.optimizer, LBFGS):
        if place is not None or state is not None or not isinstance(run.source, InMemory):
            raise InputError("optimizer is 'lbfgs', which takes no checkpoint, no state and no Stream: use another.")
        return run.search(as_callbacks(callbacks), progress)
    if state is not None:
        run.start_from(network, state)
    return run.train(as_callbacks(callbacks), progress)


def resume(
    path: str | os.PathLike[str] | Checkpoint,
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    epochs: int | None = None,
    validation: Any = None,
    callbacks: Any = (),
    progress: Callable[[Progress], Any] | None = None,
) -> Training:
    """Continue from a checkpoint; the result equals, to the bit, that of training that never stopped.

    ``path``: the file that ``fit(…, checkpoint=…)`` wrote, which is updated further; or a :class:`Checkpoint`, to
    write at other times. ``X``, ``y``, ``sample_weight``, and ``validation`` if it was a set of its own: the same as
    before. ``epochs``: how many in all, if not as many as before. Every other setting is in the file. A run that had
    ended returns its result again. The measures of ``measure_every`` start again within the epoch.

    Raises :class:`~backtalk.errors.FileFormatError` for a file that is no checkpoint, and
    :class:`~backtalk.errors.InputError` for data that are not those of the run.

    >>> import tempfile
    >>> X, y, net = [[0.0, 1.0], [1.0, 0.0]], [0, 1], Network.create([2, 2], rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fit(net, X, y, epochs=2, rng=0, checkpoint=folder + "/run.safetensors")
    ...     training = resume(folder + "/run.safetensors", X, y, epochs=5)
    >>> training.losses == fit(net, X, y, epochs=5, rng=0).losses
    True
    """
    place = path if isinstance(path, Checkpoint) else Checkpoint(path)
    _require_function(progress)
    snapshot = read(place.path)
    plan = snapshot.plan if epochs is None else replace(snapshot.plan, epochs=epochs)
    network = _beside(snapshot.network, X)
    together = trains_together(plan.engine)
    if together:
        agree_on_call(plan, X, y, sample_weight, validation, place)
    own = None if validation is None else _validation(network, validation, together)
    if (own is not None) != snapshot.facts["own_validation"]:
        wanted = "none, as in that run" if own else "the validation set of that run"
        raise InputError(f"validation is {'given' if own else 'missing'}, expected {wanted}.")
    kind = kind_of_steps(plan.engine, network, plan.optimizer, plan.measure_every, together)
    source = _source(network, plan, kind, X, y, sample_weight, together)
    run = Run(network, plan, kind, source, rng_from_json(snapshot.facts["rng_at_start"]), own, place, together)
    run.go_on(snapshot)
    return run.train(as_callbacks(callbacks), progress)


def _require_function(progress: Any) -> None:
    if progress is not None and not callable(progress):
        raise InputTypeError(f"progress is {progress!r}, expected a function of a Progress.")


def _validation(network: Network, given: Any, together: bool) -> ValidationSet:
    """The validation set, from arrays or from a shard of it."""
    return validation_of(network, given, together) if isinstance(given, Shard) else ValidationSet.of(network, given)


def _source(
    network: Network, plan: Plan, kind: Any, X: Any, y: Any, sample_weight: Any, together: bool = False
) -> Source:
    """The examples, checked."""
    if y is not None and plan.by_steps and is_streamed(X):
        X, y, sample_weight = MemoryMapped(X, y, sample_weight), None, None
    if isinstance(X, Stream):
        if y is not None or sample_weight is not None:
            raise InputError("X is a Stream, which holds y and the weights itself: leave them out.")
        if plan.validation is not None:
            raise InputError(f"validation is {plan.validation}, but X is read as a Stream: give a set, as (X, y).")
        if isinstance(X, Shard) and cluster.count() > 1 and not together:
            raise InputError(f"X is a Shard, of a cluster, but engine is {plan.engine!r}: use engine='compiled'.")
        return X.source(network, kind is not FormulaSteps, plan.class_weight, together)
    if y is None:
        raise InputError("y is missing: expected one target for each row of X.")
    X = as_input(network, X)
    count = X.shape[0]
    by_class = class_weights(network, plan.class_weight, y)
    plain = weight = None if sample_weight is None else as_weight(network, sample_weight, count)
    if by_class is not None:
        spec = network.spec
        of_rows = as_weight(network, spec.xp.asarray(by_class, dtype=spec.dtype, device=spec.device), count)
        weight = of_rows if weight is None else as_weight(network, weight * of_rows, count)
    labels = as_labels(network, y, count) if kind is not FormulaSteps and plan.by_steps else None
    target = as_target(network, y, count) if labels is None else None
    return InMemory(Examples(X, target, labels, weight), sample_weight=plain)


def _beside(network: Network, X: Any) -> Network:
    """The network with arrays of the library and device of X."""
    if isinstance(X, Stream | np.ndarray) or not is_array(X):
        return network
    spec = ArraySpec.of(X)
    return network.to(spec.xp, device=spec.device)
