"""What is kept of a run so that every step of it can be taken again, to the bit, and differentiated."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..core.batch import Batch
from ..core.checked import as_kind, require_version
from ..core.dropout import Dropout
from ..core.network import Network
from ..core.optimizers import OPTIMIZERS, Optimizer, as_any_optimizer
from ..data.sources import InMemory
from ..engines.choose import choose_steps
from ..engines.native.kernels import kernels, sharing_threads
from ..engines.steps import Steps, StepSettings, StepState
from ..errors import BacktalkError, FileFormatError, InputError
from ..interop.files import load_with, save_with

VERSION = 1  # of the form of a file


@dataclass(frozen=True, slots=True, eq=False)
class RecordedEpoch:
    """The rows of X in the order of an epoch, (N,), and the learning rate of each of its steps."""

    order: np.ndarray
    rates: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A run that can be taken again: ``start``, the network before it, its ``steps``, and ``end``, what the run gave.

    ``fit(…, record=True)`` gives it as ``training.record``. ``examples``: those that it was given, not copied;
    ``fingerprint``: their check sum then. ``state``: the optimizer's at the start, None at the beginning. With
    ``patience``, ``steps`` counts those up to the best epoch. :meth:`save` and :meth:`load` keep it in a file.

    >>> from backtalk import fit
    >>> training = fit(Network.create([2, 2], rng=0), np.eye(2), [0, 1], epochs=3, batch_size=1, rng=0, record=True)
    >>> training.record
    a recording of 6 steps in 3 epochs by adam, 2 examples
    """

    start: Network
    state: StepState | None
    kind: type[Steps]
    settings: StepSettings
    batch_size: int
    examples: Batch
    fingerprint: str
    epochs: tuple[RecordedEpoch, ...]
    steps: int
    end: Network

    def begin(self, examples: Batch | None = None) -> Steps:
        """The steps before the first one, on its examples, or on these."""
        steps = self.kind(self.start, self.settings)
        if self.state is not None:
            steps.restore(self.start, self.state)
        steps.use(self.examples if examples is None else examples)
        return steps

    def mini_batches(self) -> Iterator[tuple[np.ndarray, float]]:
        """The rows of each step, and its learning rate."""
        left = self.steps
        for epoch in self.epochs:
            rates = iter(epoch.rates)
            for first in range(0, len(epoch.order), self.batch_size):
                rows = epoch.order[first : first + self.batch_size]
                if left and (self.examples.weight is None or self.examples.rows(rows).weights()[1] > 0):
                    yield rows, float(next(rates))
                    left -= 1

    def network_of(self, examples: Batch | None = None) -> Network:
        """The network that the steps lead to: ``end``; or another one, with other weights of the examples."""
        steps = self.begin(examples)
        for _ in self._taken(steps, self.steps):
            pass
        return steps.network

    def networks(self, every: int = 1) -> Iterator[Network]:
        """The network before the first step, after every so many steps, and after the last one.

        >>> from backtalk import fit
        >>> training = fit(Network.create([2, 2], rng=0), np.eye(2), [0, 1], epochs=3, batch_size=1, rng=0, record=True)
        >>> len(list(training.record.networks())), len(list(training.record.networks(every=4)))
        (7, 3)
        """
        steps = self.begin()
        yield steps.network
        for _ in self._taken(steps, every):
            yield steps.network

    def _taken(self, steps: Steps, every: int) -> Iterator[None]:
        """The steps are taken, so many before each pause, and a pause behind the last."""
        left, until = self.steps, every
        for epoch in self.epochs:
            place = done = 0
            while place < len(epoch.order) and left:
                with sharing_threads():
                    most = min(until, left)
                    taken = steps.take(epoch.order, place, self.batch_size, epoch.rates[done:], most=most)
                place, done = taken.place, done + taken.steps
                left, until = left - taken.steps, until - taken.steps
                if not left or not until:
                    until = every
                    yield

    @property
    def shares(self) -> np.ndarray:
        """The share of each example in ℒ of all that were trained on, (N,): 0 for the others."""
        weight = np.zeros(self.examples.count)
        trained_on = np.unique(np.concatenate([epoch.order for epoch in self.epochs]))
        weight[trained_on] = 1.0 if self.examples.weight is None else self.examples.weight[trained_on]
        return weight / weight.sum()

    def require_unchanged(self) -> None:
        """Raise :class:`~backtalk.errors.InputError` if X, y or the weights are not what they were."""
        if InMemory(self.examples).fingerprint() != self.fingerprint:
            raise InputError("the examples of the recorded run were changed since: train anew with record=True.")

    def leads_to_its_end(self, network: Network) -> bool:
        """Whether this network, which the steps gave when they were taken again, is ``end`` to the bit."""
        pairs = zip(_parts(network), _parts(self.end), strict=True)
        return all(np.array_equal(own, other) for own, other in pairs)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a safetensors file; :func:`~backtalk.load` reads from it the network that the run gave.

        X and y are not written, but their check sums. A file of that name is replaced only once the new one is
        complete. Raises ``OSError`` if the file cannot be written, and :class:`~backtalk.errors.InputError` for an
        optimizer of your own, or a network of another library than NumPy.

        >>> import tempfile
        >>> from backtalk import fit
        >>> X, y = np.eye(2), [0, 1]
        >>> training = fit(Network.create([2, 2], rng=0), X, y, epochs=3, rng=0, record=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     training.record.save(folder + "/run.safetensors")
        ...     Recording.load(folder + "/run.safetensors", X, y)
        a recording of 3 steps in 3 epochs by adam, 2 examples
        """
        self.require_unchanged()
        if not isinstance(self.start.W[1], np.ndarray):
            raise InputError("the recording is of a network of another library, expected one of NumPy.")
        arrays = {f"start.{k}": part for k, part in enumerate(_parts(self.start))}
        state = {} if self.state is None else self.state.arrays
        arrays |= {f"state.{family}.{k}": part for family, parts in state.items() for k, part in enumerate(parts)}
        orders = np.stack([epoch.order for epoch in self.epochs])
        arrays["order"] = orders.astype(np.min_scalar_type(self.examples.count))
        arrays["rates"] = np.stack([epoch.rates for epoch in self.epochs])
        if self.examples.weight is not None:
            arrays["weight"] = self.examples.weight
        save_with(self.end, path, {"version": VERSION, "recording": asdict(_Facts.of(self))}, run=None, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str], X: Any, y: Any) -> Recording:
        """Read it from a file that :meth:`save` wrote; ``X``, ``y``: what the run was trained on.

        The steps are taken once, and must lead to the network of the file. Raises ``FileNotFoundError``;
        :class:`~backtalk.errors.FileFormatError` for another file, or a damaged one; and
        :class:`~backtalk.errors.InputError` for other data, or if another version, engine or machine takes other steps.
        """
        end, facts, arrays = load_with(path)
        path = Path(path)
        if facts is None or "recording" not in facts:
            raise FileFormatError(f"{path} is no recording of a run, expected what fit(…, record='{path}') writes.")
        require_version(facts, VERSION, path)
        kept: _Facts = as_kind(facts["recording"], _Facts, path, "recording")
        kind = choose_steps(kept.engine, end, kept.of_steps(path).optimizer)
        # the weights as the run had them: those of classes are among them, and their scale is chosen
        examples = replace(Batch.of(end, X, y, takes_labels=kind.takes_labels), weight=arrays.get("weight"))
        if InMemory(examples).fingerprint() != kept.fingerprint:
            raise InputError(f"X and y are not those of the run in {path}: give the same ones, or train anew.")
        try:
            found = kept.recording(kind, end, examples, arrays, path)
        except (KeyError, ValueError, IndexError) as error:
            raise FileFormatError(f"{path} lacks a part of a recording ({error}).") from None
        if not found.leads_to_its_end(found.network_of()):
            raise InputError(
                f"{path} was recorded by {kept.maker}, and here {_maker(kind)} takes its steps to another network: "
                "record the run anew."
            )
        return found

    def __repr__(self) -> str:
        return (
            f"a recording of {self.steps} steps in {len(self.epochs)} epochs by {self.settings.optimizer!r}, "
            f"{self.examples.count} examples"
        )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a file says besides its arrays. ``maker``: which version and engine took the steps, in words."""

    maker: str
    engine: str
    optimizer: str
    l2_penalty: float
    l2_per_weight: bool
    loss_by_count: bool
    clip_norm: float | None
    dropout: list[float] | None
    dropout_seed: str | None  # which may be larger than a number of JSON
    batch_size: int
    steps: int
    steps_before: int | None
    fingerprint: str

    @classmethod
    def of(cls, recording: Recording) -> _Facts:
        settings, state, dropout = recording.settings, recording.state, recording.settings.dropout
        if type(settings.optimizer) not in OPTIMIZERS.values():
            raise InputError(f"optimizer is {settings.optimizer!r}, which a file cannot hold: use one by its name.")
        rates: list[float] | None = None
        if dropout is not None:
            of_all = dropout.rates
            rates = [*of_all] if isinstance(of_all, tuple) else [float(of_all)] * (recording.start.depth - 1)
        return cls(
            maker=_maker(recording.kind),
            engine=recording.kind.engine,
            optimizer=repr(settings.optimizer),
            l2_penalty=float(settings.l2_penalty),
            l2_per_weight=settings.l2_per_weight,
            loss_by_count=settings.loss_by_count,
            clip_norm=settings.clip_norm,
            dropout=rates,
            dropout_seed=None if dropout is None else str(dropout.seed),
            batch_size=recording.batch_size,
            steps=recording.steps,
            steps_before=None if state is None else state.step,
            fingerprint=recording.fingerprint,
        )

    def of_steps(self, path: Path) -> StepSettings:
        """The settings of the steps."""
        try:
            optimizer = as_any_optimizer(self.optimizer)
            if not isinstance(optimizer, Optimizer):
                raise InputError(f"optimizer is {self.optimizer!r}, which takes no steps.")
            dropout = None
            if self.dropout is not None:
                dropout = Dropout(tuple(self.dropout), seed=int(self.dropout_seed or ""))
        except (BacktalkError, ValueError) as error:
            raise FileFormatError(f"{path} holds settings of training that cannot be read ({error}).") from None
        numbers = self.l2_penalty, self.l2_per_weight, self.loss_by_count, self.clip_norm
        return StepSettings(optimizer, *numbers, dropout=dropout)

    def recording(
        self, kind: type[Steps], end: Network, examples: Batch, arrays: dict[str, np.ndarray], path: Path
    ) -> Recording:
        """The recording; raises ``KeyError`` or ``ValueError`` for arrays that do not go together."""
        settings, like = self.of_steps(path), _parts(end)
        start = _arrays_like(like, arrays, "start")
        state = None
        if self.steps_before is not None:
            families = settings.optimizer.families
            kept = {family: _arrays_like(like, arrays, f"state.{family}") for family in families}
            state = StepState(self.steps_before, kept)
        orders, rates, N = arrays["order"], arrays["rates"], examples.count
        if orders.ndim != 2 or orders.dtype.kind != "u" or not orders.size or orders.max() >= N:
            raise ValueError(f"order is {orders.dtype} of shape {orders.shape}, for {N} examples")
        if rates.dtype != np.float64 or rates.ndim != 2 or len(rates) != len(orders) or not (rates >= 0).all():
            raise ValueError(f"rates is {rates.dtype} of shape {rates.shape}")
        if self.batch_size < 1 or not 0 <= self.steps <= rates.size:
            raise ValueError(f"{self.steps} steps of {self.batch_size}")
        if settings.dropout is not None:
            settings.dropout.levels(end.depth - 1)
        epochs = zip(orders.astype(np.int64), rates, strict=True)
        return Recording(
            start=end.replace(start[: end.depth], start[end.depth :]),
            state=state,
            kind=kind,
            settings=settings,
            batch_size=self.batch_size,
            examples=examples,
            fingerprint=self.fingerprint,
            epochs=tuple(RecordedEpoch(order, each) for order, each in epochs),
            steps=self.steps,
            end=end,
        )


def _maker(kind: type[Steps]) -> str:
    build = f" ({kernels()})" if kind.engine == "native" else ""
    return f"backtalk {version('backtalk')} with the engine {kind.engine!r}{build}"


def _parts(network: Network) -> list[np.ndarray]:
    return [*network.W.values(), *network.b.values()]


def _arrays_like(parts: list[np.ndarray], arrays: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    """One array for each of the parts, of its shape and dtype."""
    found = [arrays[f"{name}.{k}"] for k in range(len(parts))]
    for k, (array, part) in enumerate(zip(found, parts, strict=True)):
        if array.shape != part.shape or array.dtype != part.dtype:
            raise ValueError(f"{name}.{k} is {array.dtype} of shape {array.shape}")
    return found
