"""The methods of ``influence``: each gives, block by block, by how much losses would rise without an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...core.batch import Batch
from ...core.network import Network
from ...errors import InputError, InputTypeError, unknown_name
from ...train.recording import Recording
from ...train.records import Training
from ..per_example.examples import as_batch
from ..per_example.pairs import MEMORY_LIMIT, as_bytes, slices
from .checkpoints import Moment, as_moments, as_pair, batches_of, layers_of_each
from .curved import Exact, Kronecker, course_of
from .midpoint import Midpoint
from .own_gradients import ALL
from .products import Products
from .projected import Projected, Shown
from .through_training import Unrolled, recording_of, require_the_same_examples
from .truth import Retrained
from .unrolled.trajectory import steps_again

METHODS = ("tracin", "ekfac", "fisher", "trak", "unrolled", "midpoint", "retrain")
OF_RUNS: dict[str, Callable[[Recording, int], Whole]] = {  # and of no network alone
    "unrolled": Unrolled,
    "midpoint": Midpoint,
    "retrain": Retrained,
}
DAMPED = ("ekfac", "fisher", "trak")
LARGE_LIMIT = 2**30  # bytes, for the methods that hold a curvature or a run
ON_DIAGONAL = 256  # examples that are asked about themselves together
KEPT = 20  # networks of a recorded run that tracin takes, at most
Blocks = Iterator[tuple[slice, Iterator[tuple[slice, np.ndarray]]]]


class Method(Protocol):
    """The influence of N training examples on M test examples, in blocks."""

    @property
    def dtype(self) -> np.dtype:
        """Of a block."""
        ...

    def blocks(self, memory_limit: int, more: int = 0) -> Blocks:
        """For some test examples after others: their rows, and blocks (m, n) with the rows in train."""
        ...


class Whole(Protocol):
    """What gives whole rows of the matrix."""

    def of(self, queries: Batch, columns: slice = ALL) -> np.ndarray:
        """(m, N), or of some of the examples."""
        ...

    def bytes_per_query(self) -> int:
        """What one more query takes."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Several:
    """Several networks or trainings together, each with the queries checked against it: their mean.

    Of three or more derivatives through runs the median: one of a run that is not smooth can be enormous.
    """

    each: list[tuple[Whole, Batch]]

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float64)

    @property
    def _through_runs(self) -> bool:
        return any(isinstance(whole, Unrolled | Midpoint) for whole, _ in self.each)

    def blocks(self, memory_limit: int, more: int = 0) -> Blocks:
        """Some test examples after others, with all training examples."""
        for rows in slices(self.each[0][1].count, self._at_once(memory_limit, more)):
            total = self._of(rows, ALL)
            yield rows, iter([(slice(0, total.shape[1]), total)])

    def diagonal(self, memory_limit: int) -> np.ndarray:
        """The influence of each example on itself, (N,): the test examples are the training examples."""
        at_once = min(ON_DIAGONAL, self._at_once(memory_limit))
        return np.concatenate([np.diagonal(self._of(rows, rows)) for rows in slices(self.each[0][1].count, at_once)])

    def _at_once(self, memory_limit: int, more: int = 0) -> int:
        return max(1, memory_limit // (more + sum(whole.bytes_per_query() for whole, _ in self.each)))

    def _of(self, rows: slice, columns: slice) -> np.ndarray:
        parts = [whole.of(queries.rows(rows), columns) for whole, queries in self.each]
        total = np.asarray((np.median if len(parts) > 2 and self._through_runs else np.mean)(parts, axis=0))
        if not np.isfinite(total).all():
            row, column = (int(place) for place in np.argwhere(~np.isfinite(total))[0])
            which = f"the influence of train example {(columns.start or 0) + column} on test example {rows.start + row}"
            raise InputError(
                f"{which} is not finite: the run is not smooth enough to be differentiated; take method='ekfac'."
                if self._through_runs
                else f"{which} is not finite: leave one of them out."
            )
        return total


def recordings_of(networks: Any) -> list[Recording]:
    """Those of the trainings, if all of them were recorded; none otherwise."""
    entries = list(networks) if isinstance(networks, list | tuple) else [networks]
    if entries and all(_is_recorded(entry) for entry in entries):
        return [recording_of(entry) for entry in entries]
    return []


def _is_recorded(entry: Any) -> bool:
    return isinstance(entry, Recording) or (isinstance(entry, Training) and entry.record is not None)


def method_of(
    method: str, networks: Any, train: Any, test: Any, *, damping: Any = None, learning_rates: Any = None,
    layers: Any = None, memory_limit: int | None = None,
) -> tuple[Method, int]:  # fmt: skip
    """The method by its name, for these examples, and its limit in bytes."""
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if method == "tracin":
        refuse_damping(damping)
        limit = as_bytes(MEMORY_LIMIT if memory_limit is None else memory_limit)
        return _products(networks, train, test, learning_rates, layers), limit
    for name, given in (("learning_rates", learning_rates), ("layers", layers)):
        if given is not None:
            raise InputError(f"{name} is given, which belongs to method='tracin', not to {method!r}: leave it out.")
    if damping is not None and method not in DAMPED:
        raise InputError(f"damping is given, but method={method!r} has none: leave it out.")
    limit = as_bytes(LARGE_LIMIT if memory_limit is None else memory_limit)
    entries = list(networks) if isinstance(networks, list | tuple) else [networks]
    if not entries:
        raise InputError("networks is empty, expected at least one training.")
    names = ["networks"] if len(entries) == 1 else [f"networks[{number}]" for number in range(len(entries))]
    asked = [_asked(method, entry, name, train, test) for entry, name in zip(entries, names, strict=True)]
    number = _as_damping(damping)
    if method == "trak":
        shown = [Shown(each.network, each.examples, each.shares) for each in asked]
        projected = Projected(shown, Projected.DAMPING if number is None else number, limit)
        return Several([(projected, asked[0].queries)]), limit
    return Several([(_whole(method, each, number, limit), each.queries) for each in asked]), limit


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A network with the examples that it was trained on and those it is asked about, and its run if that is known."""

    network: Network
    recording: Recording | None
    examples: Batch
    queries: Batch

    @property
    def shares(self) -> np.ndarray:
        count = self.examples.count
        return np.full(count, 1 / count) if self.recording is None else self.recording.shares


def _whole(method: str, asked: _Asked, damping: float | None, limit: int) -> Whole:
    recording = asked.recording
    if method in OF_RUNS:
        assert recording is not None
        return OF_RUNS[method](recording, limit)
    kind = Kronecker if method == "ekfac" else Exact
    return kind(course_of(asked.network, asked.examples, recording, damping, kind.DAMPING), limit)


def _asked(method: str, entry: Any, name: str, train: Any, test: Any) -> _Asked:
    if not isinstance(entry, Network | Training | Recording):
        raise InputTypeError(
            f"{name} is a {type(entry).__name__}, expected what fit(…, record=True) returned"
            + (" or a backtalk.Network." if method not in OF_RUNS else ".")
        )
    recording = recording_of(entry) if method in OF_RUNS or _is_recorded(entry) else None
    network = entry.end if isinstance(entry, Recording) else entry.network if isinstance(entry, Training) else entry
    if not isinstance(network.W[1], np.ndarray):
        raise InputTypeError(f"{name} has arrays of another library, expected those of NumPy: network.to(numpy).")
    moment = [Moment(name, network, 1.0)]
    (examples,), (queries,) = (
        batches_of(moment, *as_pair(pair, of), of) for pair, of in ((train, "train"), (test, "test"))
    )
    if recording is not None:
        require_the_same_examples(recording, examples)
    return _Asked(network, recording, examples, queries)


def _products(networks: Any, train: Any, test: Any, learning_rates: Any, layers: Any) -> Products:
    recordings = recordings_of(networks)
    if recordings:
        X, y = as_pair(train, "train")
        for recording in recordings:
            require_the_same_examples(recording, as_batch(recording.end, X, y))
        networks = [pair for recording in recordings for pair in _kept(recording)]
    moments = as_moments(networks, learning_rates)
    chosen = layers_of_each(layers, moments)
    sets = {name: batches_of(moments, *as_pair(pair, name), name) for name, pair in (("train", train), ("test", test))}
    return Products(moments, chosen, sets["test"], sets["train"])


def _kept(recording: Recording) -> list[tuple[Network, float]]:
    """Networks along a run, each with its learning rate: after each epoch, or fewer."""
    count = min(KEPT, len(recording.epochs), recording.steps)
    marks = set((np.arange(1, count + 1) * recording.steps // max(count, 1)).tolist())
    again = enumerate(steps_again(recording), start=1)
    return [(steps.network, rate) for number, (rate, steps) in again if number in marks]


def refuse_damping(damping: Any) -> None:
    """Raise :class:`~backtalk.errors.InputError` if it is given to tracin."""
    if damping is not None:
        raise InputError("damping is given, but method='tracin' has none: leave it out.")


def _as_damping(damping: Any) -> float | None:
    if damping is None:
        return None
    if isinstance(damping, bool) or not isinstance(damping, int | float | np.floating | np.integer):
        raise InputTypeError(f"damping is {damping!r}, expected a number, a multiple of the mean eigenvalue.")
    if not 0 < damping < np.inf:
        raise InputError(f"damping is {damping!r}, expected a finite number above 0.")
    return float(damping)
