"""The public ``fit`` and ``resume``: look at what is given, and train."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.arrays import ArraySpec, is_array
from ..core.initialization import as_generator
from ..core.inputs import require_network
from ..core.network import Network
from ..core.optimizers import LBFGS, Optimizer
from ..data.sources import InMemory, Stream
from ..engines.choose import group_of
from ..engines.native.kernels import sharing_threads
from ..engines.native.steps import NativeSteps
from ..engines.steps import StepState
from ..errors import InputError
from .callbacks import Watchers
from .checkpoint import Checkpoint, as_checkpoint, go_on_at
from .metric import Metric, require_metric
from .prepare import examples_of, run_on
from .privacy import Privacy
from .records import Progress, Training
from .schedules import Schedule
from .settings import DataSettings, TrainSettings
from .state import rng_from_json
from .validation import hold_out, judged_by
from .whole_batch import search


def fit(
    network: Network,
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    epochs: int = 20,
    batch_size: int | None = None,
    optimizer: str | Optimizer | LBFGS = "adam",
    schedule: str | Schedule = "constant",
    rng: np.random.Generator | int | None = None,
    l2_penalty: float = 0.0,
    dropout: float | list[float] | tuple[float, ...] = 0.0,
    clip_norm: float | None = None,
    class_weight: Any = None,
    validation: Any = None,
    metric: Metric | None = None,
    patience: int | None = None,
    tolerance: float = 0.0,
    engine: str = "auto",
    measure_every: int = 0,
    callbacks: Any = (),
    progress: Callable[[Progress], Any] | None = None,
    checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    state: StepState | None = None,
    record: bool | str | os.PathLike[str] = False,
    privacy: Privacy | None = None,
) -> Training:
    """Train by mini-batches, or by whole batches; the network given is not changed.

    Every step takes the gradient of ℒ over its mini-batch, Σ_n w_n ℓ_n with weights of sum 1 within it. The data
    are shuffled again in each epoch; the last mini-batch may be shorter; one whose weights are all 0 is skipped.

    Data. ``X``, ``y``, ``sample_weight``: as for :func:`~backtalk.gradients`; or, instead of X alone, a
    :class:`~backtalk.train.Stream` of data that do not fit in memory, or the :class:`Shard` of a process in a cluster.
    ``class_weight``: 'balanced', or a mapping of label to weight, which multiplies the sample weights. ``validation``:
    a fraction of the rows, drawn at random and not trained on, or (X, y) or (X, y, sample_weight), or a
    :class:`Shard` or :class:`MemoryMapped`: its loss is computed after each epoch.

    Steps. ``optimizer``: 'sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adadelta', 'adam', 'adam_epsilon_hat',
    'adam_uncorrected', 'amsgrad', 'adamax', 'nadam', 'adamw' or 'lion', with parameters such as
    'adam(learning_rate=0.01)'; or, on all examples in each step, 'gd', with a line search if you wish
    ('gd(armijo=1e-4)'), or 'lbfgs'. ``batch_size``: 32 unless you say otherwise. ``schedule`` of the learning rate:
    'constant', 'inverse_scaling', 'exponential', 'polynomial', 'step', 'adaptive', 'reduce_on_plateau', 'cosine',
    'cosine_restarts' or 'one_cycle', each with ``warm_up`` steps if you wish: 'cosine(warm_up=500)'. ``l2_penalty`` λ:
    training minimizes ℒ + ½λ Σ_i ‖W_i‖², and reports it as the loss. ``dropout``: the rate of all hidden layers, or a
    list with one for each (:class:`~backtalk.Dropout`). ``clip_norm``: a gradient whose norm, over all W_i and b_i
    together, is larger is scaled down to it. ``rng``: a ``numpy.random.Generator`` or a seed; the same one gives the
    same bits, on any number of threads. ``state``: the optimizer state of an earlier training, to continue from.
    ``engine``: 'native', the C++ kernels, for NumPy arrays; 'formula', for arrays of any library; 'auto', the first if
    it can; 'compiled', the formulas compiled by JAX, on the CPU, GPU or TPU that it finds; 'compiled_bfloat16', the
    same with products of bfloat16 numbers and sums in float32, if the device has them. Both train with all processes of
    a cluster that JAX has joined. Each process calls ``fit`` with the same arguments: the mini-batches are the same for
    any number of processes; ``callbacks`` and ``progress`` are called in each, and process 0 writes.

    Privacy. ``privacy``: a :class:`Privacy` makes the steps private (DP-SGD); ``training.privacy`` says what they have
    cost, and so does each :class:`Epoch`. Not with weights, ``clip_norm``, ``measure_every``, ``record``, ``state``, a
    Stream, or an optimizer that takes all examples in each step.

    End. Training ends after ``epochs``, or if the validation loss (the loss, without a validation set) has not fallen
    by more than ``tolerance`` for ``patience`` epochs; then the network of the best epoch is the result. ``metric``: a
    :class:`Metric` of the validation set, which decides instead; the loss then decides between epochs that are equal
    by it. A schedule that waits for a plateau follows the loss.

    Reports. ``callbacks``: :class:`Callback` objects, or functions that are called with each :class:`Epoch`; if one
    returns True, training ends. ``progress`` is called with a :class:`Progress` at least every tenth of a second,
    unless a single step takes longer; if it returns True, training ends. ``measure_every=n``: every n-th step, and each
    of the first five, measures the norms of every layer, and the epoch holds their means; 0 for never. ``checkpoint``:
    a file, or a :class:`Checkpoint`; :func:`resume` continues from it. ``record=True`` keeps, in ``training.record``,
    what is needed to take the same steps again: the order of the rows in each epoch, and X and y themselves, not
    copied. From it :func:`hypergradients` differentiates the whole run. If ``record`` is the name of a file, it is
    written there as well; :meth:`Recording.load` reads it.

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
    settings = TrainSettings(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        schedule=schedule,
        l2_penalty=l2_penalty,
        dropout=dropout,
        clip_norm=clip_norm,
        patience=patience,
        tolerance=tolerance,
        engine=engine,
        measure_every=measure_every,
        privacy=privacy,
    )
    data = DataSettings.of(class_weight, validation, metric)
    place = as_checkpoint(checkpoint)
    watchers = Watchers.of(callbacks, progress, group_of(engine))
    given = {"X": X, "y": y, "sample_weight": sample_weight, "validation": validation}
    generator = as_generator(rng)
    with sharing_threads():
        if settings.by_steps:
            run = run_on(network, settings, data, given, generator, place, watchers)
            if state is not None:
                run.start_from(state)
            run.record(record)
            return run.train()
        if record:
            raise InputError(
                f"record is given, but optimizer is {str(settings.optimizer)!r}, whose search cannot be taken again "
                "step by step: use another."
            )
        if place is not None or state is not None or isinstance(X, Stream):
            raise InputError(
                f"optimizer is {str(settings.optimizer)!r}, which takes no checkpoint, no state and no Stream: use "
                "another."
            )
        kind, source, own = examples_of(network, settings, data, given, watchers.group)
        if data.validation is not None:
            source, own = hold_out(network, source, data.validation, generator)
        own = judged_by(own, metric)
        assert isinstance(source, InMemory)
        settings.batch_for(source.count)  # refuses a size that the optimizer cannot have
        return search(network, settings, data, source.chosen(), own, watchers, by_kernels=kind is NativeSteps)


def resume(
    path: str | os.PathLike[str] | Checkpoint,
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    epochs: int | None = None,
    validation: Any = None,
    metric: Metric | None = None,
    callbacks: Any = (),
    progress: Callable[[Progress], Any] | None = None,
) -> Training:
    """Continue from a checkpoint; the result equals, to the bit, that of training that never stopped.

    ``path``: the file that ``fit(…, checkpoint=…)`` wrote, which is updated further; or a :class:`Checkpoint`, to write
    at other times. ``X``, ``y``, ``sample_weight``, and ``validation`` if it was a set of its own, ``metric``: the same
    as before. ``epochs``: how many in all, if not as many as before. Every other setting is in the file. A run that had
    ended returns its result again.

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
    place, snapshot = go_on_at(place)
    settings = snapshot.settings if epochs is None else replace(snapshot.settings, epochs=epochs)
    watchers = Watchers.of(callbacks, progress, group_of(settings.engine))
    if (validation is not None) != snapshot.state.own_validation:
        wanted = "none, as in that run" if validation is not None else "the validation set of that run"
        raise InputError(f"validation is {'missing' if validation is None else 'given'}, expected {wanted}.")
    name = None if metric is None else getattr(metric, "name", repr(metric))
    if name != snapshot.state.metric:
        wanted = "none, as in that run" if snapshot.state.metric is None else f"{snapshot.state.metric!r} of that run"
        raise InputError(f"metric is {'missing' if name is None else repr(name)}, expected {wanted}.")
    require_metric(metric, is_validated=True)
    snapshot = replace(snapshot, network=_beside(snapshot.network, X), data=replace(snapshot.data, metric=metric))
    given = {"X": X, "y": y, "sample_weight": sample_weight, "validation": validation}
    generator = rng_from_json(snapshot.state.rng_at_start)
    with sharing_threads():
        run = run_on(snapshot.network, settings, snapshot.data, given, generator, place, watchers)
        run.go_on(snapshot)
        return run.train()


def _beside(network: Network, X: Any) -> Network:
    """The network with arrays of the library and device of X."""
    if isinstance(X, Stream | np.ndarray) or not is_array(X):
        return network
    spec = ArraySpec.of(X)
    return network.to(spec.xp, device=spec.device)
