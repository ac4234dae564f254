"""Examples that several networks train on: X is there once, and so is all that they have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.arrays import Array, to_numpy
from ..core.batch import Batch, checked_y
from ..core.inputs import as_input, as_weight
from ..core.network import Network
from ..data.given import weights_of
from ..data.shards import Shard
from ..data.sources import InMemory, Stream
from ..data.streams import is_streamed
from ..distributed import Group
from ..engines.native.passes import readable
from ..errors import InputError, InputTypeError
from .validation import AnyValidation, Validation


class SharedExamples:
    """X (N, n_0), checked once against networks of one shape, of which ``network`` is one."""

    X: Array
    network: Network
    count: int

    def __init__(self, network: Network, X: Any) -> None:
        if isinstance(X, Stream | Shard):
            raise InputTypeError(f"X is a {type(X).__name__}, expected an array in memory: call fit for each network.")
        if is_streamed(X):
            raise InputTypeError("X is a large memory map, expected an array in memory: give np.array(X).")
        X = as_input(network, X)
        self.X = readable(X) if isinstance(X, np.ndarray) else X
        self.network, self.count = network, X.shape[0]
        self._y: dict[tuple[int, bool], Array] = {}
        self._sources: dict[tuple[int, ...], InMemory] = {}
        self._validations: dict[int, AnyValidation] = {}

    def of(self, given: dict[str, Any], takes_labels: bool) -> InMemory:
        """The examples of a network: the same object for those to which the same objects are ``given``."""
        y, sample_weight, class_weight, rows = (given[name] for name in ("y", "sample_weight", "class_weight", "rows"))
        key = id(y), id(sample_weight), id(class_weight), id(rows), takes_labels
        if key not in self._sources:
            self._sources[key] = self._source(y, sample_weight, class_weight, rows, takes_labels)
        return self._sources[key]

    def _source(self, y: Any, sample_weight: Any, class_weight: Any, rows: Any, takes_labels: bool) -> InMemory:
        if y is None:
            raise InputError("y is missing: expected one target for each row of X.")
        checked = self._y.get((id(y), takes_labels))
        if checked is None:
            checked = self._y[id(y), takes_labels] = checked_y(self.network, y, self.count, takes_labels)
        if rows is None:
            weight, plain = weights_of(self.network, sample_weight, class_weight, y, self.count)
        else:
            rows = self._checked_rows(rows)
            weight, plain = self._weights_of_rows(rows, sample_weight, class_weight, y)
        return InMemory(Batch(self.network, self.X, checked, weight), rows, sample_weight=plain)

    def _checked_rows(self, rows: Any) -> np.ndarray:
        if isinstance(rows, slice):
            raise InputTypeError("rows is a slice, expected the numbers of the rows, such as range(0, 100).")
        try:
            found = np.asarray(to_numpy(rows))
        except ValueError:
            raise InputTypeError("rows holds parts that differ in length, expected the numbers of the rows.") from None
        if not found.size:
            raise InputError("rows is empty, expected the numbers of one row or more.")
        if found.ndim != 1 or not len(found) or found.dtype.kind not in "iu":
            raise InputError(
                f"rows is an array of {found.dtype} of shape {found.shape}, expected the numbers of one row or more; "
                "for a mask give np.flatnonzero(mask)."
            )
        outside = found[(found < 0) | (found >= self.count)]
        if len(outside):
            raise InputError(f"rows holds {outside[0]}, but X has {self.count} rows: expected 0 … {self.count - 1}.")
        return found.astype(np.int64)

    def _weights_of_rows(
        self, rows: np.ndarray, sample_weight: Any, class_weight: Any, y: Any
    ) -> tuple[Array | None, Array | None]:
        """The weights as of ``X[rows]`` alone, at the places of their rows in X; the others are 0."""
        spec = self.network.spec
        if sample_weight is not None:
            as_weight(self.network, sample_weight, self.count)  # refuses what does not fit X
            sample_weight = spec.receive(sample_weight, "sample_weight")
            sample_weight = spec.xp.take(sample_weight, spec.xp.asarray(rows, device=spec.device), axis=0)
        if class_weight is not None:
            y = np.asarray(to_numpy(y))[rows]
        found = weights_of(self.network, sample_weight, class_weight, y, len(rows))
        return self._in_place(found[0], rows), self._in_place(found[1], rows)

    def _in_place(self, weight: Array | None, rows: np.ndarray) -> Array | None:
        if weight is None:
            return None
        spec, own = self.network.spec, to_numpy(weight)
        every = np.zeros(self.count, own.dtype)
        every[rows] = own
        return spec.xp.asarray(every, device=spec.device)

    def validation(self, given: Any, group: Group) -> AnyValidation:
        """A validation set of the user's own."""
        if id(given) not in self._validations:
            self._validations[id(given)] = Validation.of(self.network, given, group)
        return self._validations[id(given)]
