"""The public ``fit_many``: several networks of the same shape, trained at once on the same X."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from inspect import signature
from threading import Lock
from typing import Any

import numpy as np

from ..core.initialization import as_generator
from ..core.mean import require_alike
from ..core.network import Network
from ..engines.choose import choose_steps, group_of
from ..engines.devices import free_bytes
from ..engines.native.kernels import threads
from ..engines.native.steps import NativeSteps
from ..errors import BacktalkError, InputError, InputTypeError, unknown_name
from .agreement import require_equal_calls
from .callbacks import Watchers, as_callbacks, require_apart
from .checkpoint import Checkpoint, as_checkpoint
from .prepare import prepare_run
from .records import Training
from .run import Run
from .settings import DataSettings, TrainSettings
from .shared_examples import SharedExamples
from .team import train_all
from .verbs import fit

ARGUMENTS = [*(name for name in signature(fit).parameters if name not in ("network", "X")), "rows"]
SETTINGS = [each.name for each in fields(TrainSettings)]


def fit_many(
    networks: Sequence[Network],
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    **shared: Any,
) -> tuple[Training, ...]:
    """Train several networks of the same shape on the same X, at once: ensembles, cross-validation, sweeps.

    Gives, for each network, what :func:`fit` gives for it alone, to the bit. X is not copied for each network.

    ``networks``: k networks of the same sizes, loss and dtype; activations may differ. ``X``, ``y``, ``sample_weight``,
    and all other arguments by their names: as for :func:`fit`; the learning rate is part of the optimizer. ``each``: a
    mapping for each network, of the arguments that it has of its own instead: any of those of ``fit``, such as ``rng``,
    ``y`` (N,), ``sample_weight`` (N,), ``optimizer``, ``l2_penalty``, ``validation`` or ``checkpoint``; and ``rows``,
    for folds and bootstraps: the network is trained as by ``fit(network, X[rows], y[rows], sample_weight[rows])``,
    where a row may stand more than once. ``rows`` may be shared as well. An argument that every network has of its own
    counts alone. A logger serves one network.
    Each training ends by itself. A checkpoint is the file of one network, from which :func:`resume` continues.

    The native kernels train as many networks at once as they may use threads, one thread for each; if fewer are left,
    these have more. ``callbacks`` and ``progress`` are called in the thread that trains the network, never two at the
    same time. Other engines train one network after the other.

    If a network diverges, the others are trained to their end, and then :class:`~backtalk.errors.DivergedError` is
    raised, whose ``outcomes`` hold the :class:`Training` of each network, or the error of each that diverged.
    :class:`TrainingInterrupted`, at Ctrl-C, has them as well. Raises :class:`~backtalk.errors.InputError` for networks
    that differ, for none, and for more than there is memory for.

    >>> X, y = np.eye(4), [0, 1, 0, 1]
    >>> ensemble = fit_many([Network.create([4, 8, 2], rng=seed) for seed in range(3)], X, y, epochs=5, rng=0)
    >>> [len(training.losses) for training in ensemble]
    [5, 5, 5]
    >>> net = Network.create([4, 8, 2], rng=0)
    >>> folds = [{"rows": [0, 1], "validation": (X[2:], y[2:])}, {"rows": [2, 3], "validation": (X[:2], y[:2])}]
    >>> [len(training.validation_losses) for training in fit_many([net, net], X, y, rng=0, epochs=5, each=folds)]
    [5, 5]
    """
    networks = _require_alike(networks)
    own = _require_arguments(shared, each, len(networks))
    shared |= {"y": y, "sample_weight": sample_weight}
    shared = {name: value for name, value in shared.items() if any(name not in of_one for of_one in own)}
    in_common, examples = _Asked.of(shared), SharedExamples(networks[0], X)
    if in_common.given["y"] is not None:
        examples.of(in_common.given, takes_labels=True)  # a fault in what is shared is none of a single network
    asked = []
    for number, arguments in enumerate(own):
        with _named(number, arguments):
            asked.append(_Asked.of({**shared, **arguments}))
    _require_memory(networks, asked)
    _require_apart(asked)
    lock, runs = Lock(), []
    for number, (network, of_one) in enumerate(zip(networks, asked, strict=True)):
        with _named(number, own[number]):
            runs.append(of_one.run(network, examples, lock))
    by_kernels = all(isinstance(run.loop.steps, NativeSteps) for run in runs)
    return train_all(runs, threads() if by_kernels else 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is asked of one network: the arguments of ``fit``, checked, and ``given`` as they are."""

    settings: TrainSettings
    data: DataSettings
    generator: np.random.Generator
    checkpoint: Checkpoint | None
    given: dict[str, Any]

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> _Asked:
        given = {**dict.fromkeys(ARGUMENTS), **arguments}
        settings = TrainSettings(**{name: arguments[name] for name in SETTINGS if name in arguments})
        if not settings.by_steps:
            raise InputError(
                f"optimizer is {str(settings.optimizer)!r}, which searches on all examples: expected one that takes "
                "steps, such as 'adam'; or call fit for each network."
            )
        if settings.privacy is not None:
            raise InputError(
                "privacy is given for several networks, each of which would cost as much again: call fit for each."
            )
        data = DataSettings.of(given["class_weight"], given["validation"], given["metric"])
        return cls(settings, data, as_generator(given["rng"]), as_checkpoint(given["checkpoint"]), given)

    def run(self, network: Network, examples: SharedExamples, lock: Lock) -> Run:
        """A run before its first step."""
        settings, given = self.settings, self.given
        group = group_of(settings.engine)
        names = ("y", "sample_weight", "validation")
        of_fit = {"X": examples.X, **{name: given[name] for name in names}}
        require_equal_calls(group, settings, self.data, of_fit, self.checkpoint)
        kind = choose_steps(settings.engine, network, settings.optimizer, settings.measure_every)
        validation = None
        if given["validation"] is not None and self.data.validation is None:
            validation = examples.validation(given["validation"], group)
        source = examples.of(given, kind.takes_labels)
        watchers = replace(Watchers.of(given["callbacks"], given["progress"], group), lock=lock)
        run = prepare_run(
            network, settings, self.data, (kind, source, validation), self.generator, self.checkpoint, watchers
        )
        if given["state"] is not None:
            run.start_from(given["state"])
        run.record(given["record"] or False)
        return run


@contextmanager
def _named(number: int, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Within it, an error says that it came of what a network has of its own."""
    try:
        yield
    except BacktalkError as error:
        if arguments:
            error.place = f"{error.place} (of each[{number}])" if error.place else f"in each[{number}]"
        raise


def _require_alike(networks: Any) -> list[Network]:
    if isinstance(networks, Network) or not isinstance(networks, Iterable):
        raise InputTypeError(f"networks is a {type(networks).__name__}, expected a list of networks.")
    networks = list(networks)
    if not networks:
        raise InputError("networks is empty, expected one network at the least.")
    for number, network in enumerate(networks):
        if not isinstance(network, Network):
            raise InputTypeError(f"networks[{number}] is a {type(network).__name__}, expected a backtalk.Network.")
    require_alike(
        networks,
        {
            "the sizes": lambda each: list(each.sizes),
            "the loss": lambda each: repr(each.loss),
            "the output function": lambda each: repr(each.output),
            "arrays of": lambda each: str(each.spec),
        },
    )
    return networks


def _require_arguments(
    shared: Mapping[str, Any], each: Sequence[Mapping[str, Any]] | None, count: int
) -> list[Mapping[str, Any]]:
    """The arguments that each network has of its own; all names are known."""
    _require_known(shared, "an argument of fit_many")
    if each is None:
        return [{}] * count
    if isinstance(each, Mapping) or not isinstance(each, Iterable):
        raise InputTypeError(f"each is a {type(each).__name__}, expected a list with a mapping for each network.")
    own = list(each)
    if len(own) != count:
        raise InputError(f"the length of each is {len(own)}, but there are {count} networks: expected one for each.")
    for number, arguments in enumerate(own):
        if not isinstance(arguments, Mapping):
            raise InputTypeError(f"each[{number}] is a {type(arguments).__name__}, expected a mapping of arguments.")
        _require_known(arguments, f"an argument in each[{number}]")
    return own


def _require_known(arguments: Mapping[str, Any], where: str) -> None:
    for name in arguments:
        if name == "learning_rate":
            raise InputTypeError(
                f"{where} is 'learning_rate', which is part of the optimizer: expected one such as "
                "optimizer='adam(learning_rate=0.1)'."
            )
        if name not in ARGUMENTS:
            raise InputTypeError(str(unknown_name(where, name, ARGUMENTS)))


def _require_memory(networks: Sequence[Network], asked: Sequence[_Asked]) -> None:
    """Refuse more networks than there is memory for.

    In training a network is there as its weights with the optimizer's arrays; as a copy of both, from which the last
    good network follows; and as the result, with its state.
    """
    numbers = networks[0].parameter_count
    families = max(len(of_one.settings.optimizer.families) for of_one in asked)
    each, free = numbers * np.dtype(networks[0].spec.dtype_name).itemsize * 3 * (1 + families), free_bytes()
    if len(networks) * each > free:
        fit = int(free // each)
        advice = f"{fit} fit, train so many at a time" if fit else "not one fits"
        raise InputError(
            f"networks holds {len(networks)} networks of {numbers:,} parameters, of which each takes {each / 1e9:.3g} "
            f"GB in training, and {free / 1e9:.3g} GB are free: {advice}."
        )


def _require_apart(asked: Sequence[_Asked]) -> None:
    """Refuse a generator or a file that several networks would use at the same time."""
    bits = [id(of_one.generator.bit_generator) for of_one in asked]
    if len(set(bits)) < len(bits):
        raise InputError(
            "rng is one Generator for several networks, whose orders would depend on each other: expected a seed, or "
            "an rng for each in each."
        )
    loggers = [each for of_one in asked for each in as_callbacks(of_one.given["callbacks"]) if each.of_one_run]
    if len({id(each) for each in loggers}) < len(loggers):
        raise InputError(
            "callbacks holds one logger for several networks, whose lines nobody could tell apart: expected a logger "
            "for each in each."
        )
    require_apart(loggers)
    checkpoints = [of_one.checkpoint.path for of_one in asked if of_one.checkpoint is not None]
    recordings = [path for of_one in asked if isinstance(path := of_one.given["record"], str | os.PathLike)]
    for argument, paths in (("checkpoint", checkpoints), ("record", recordings)):
        files = [os.path.realpath(path) for path in paths]
        if len(set(files)) < len(files):
            raise InputError(
                f"{argument} is {max(files, key=files.count)!r} for several networks: expected a file for each in each."
            )
