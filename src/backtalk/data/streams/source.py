"""The parts of an epoch over a file: read, checked and shuffled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from ...core.batch import Batch, checked_y
from ...core.network import Network
from ...distributed import ALONE, Group
from ...errors import InputError, InputTypeError
from ..class_weights import class_weights
from ..sources import Part
from .drawing import Block, cut, draw_blocks

BUFFER_BYTES = 2**26  # of X in a part, which is shuffled as a whole; two or three of them are in memory at a time


def require_buffer(buffer_bytes: Any) -> int:
    """The size of a buffer, checked."""
    if isinstance(buffer_bytes, bool) or not isinstance(buffer_bytes, int):
        raise InputTypeError(f"buffer_bytes is {buffer_bytes!r}, expected a whole number.")
    if buffer_bytes < 1:
        raise InputError(f"buffer_bytes is {buffer_bytes}, expected 1 or more.")
    return buffer_bytes


class Rows(NamedTuple):
    """What a block holds besides X."""

    y: np.ndarray
    weight: np.ndarray | None


class Reader(Protocol):
    """Reads blocks."""

    def read(self, block: Block, X: np.ndarray) -> Rows:
        """Write the block's rows of X, cast to its dtype, into an array."""
        ...

    def expect(self, blocks: Iterable[Block]) -> None:
        """Ask the system to have the file's bytes ready for blocks that are read next."""
        ...

    def close(self) -> None:
        """Close the open files."""
        ...


class Table(Protocol):
    """A file, or several, with X and y."""

    @property
    def inputs(self) -> int:
        """n_0: the columns of X."""
        ...

    def groups(self, block_rows: int) -> list[int]:
        """The rows of each group."""
        ...

    def lanes(self, block_rows: int) -> int:
        """How many groups may be open at a time."""
        ...

    def reader(self, block_rows: int, dtype: np.dtype[Any]) -> Reader:
        """A reader of the blocks of an epoch, which gives X in a dtype."""
        ...

    def targets(self) -> Iterator[np.ndarray]:
        """All of y, block by block."""
        ...

    def place(self, group: int, row: int, block_rows: int, column: int | None = None) -> str:
        """The place of a row, or of a value in a column, in words."""
        ...

    def fingerprint(self) -> str:
        """A text that differs if the data do."""
        ...


class TableSource:
    """The examples of a table for a network. A buffer mixes ``blocks``, or more where its groups are smaller.

    Process p of a ``group`` of N reads the row groups p, p + N, p + 2N, …
    """

    table: Table
    network: Network
    takes_labels: bool
    group: Group
    dtype: np.dtype
    buffer_rows: int
    block_rows: int
    groups: list[int]
    count: int
    by_class: tuple[np.ndarray, np.ndarray] | None

    def __init__(
        self,
        table: Table,
        network: Network,
        takes_labels: bool,
        class_weight: Any,
        buffer_bytes: int,
        blocks: int,
        *,
        group: Group = ALONE,
    ) -> None:
        if network.sizes[0] != table.inputs:
            raise InputError(
                f"X has {table.inputs} columns, but the network has {network.sizes[0]} inputs: "
                "expected one column each."
            )
        self.table, self.network, self.takes_labels, self.group = table, network, takes_labels, group
        self.dtype = np.dtype(network.spec.dtype_name)
        self.buffer_rows = max(1, buffer_bytes // (table.inputs * self.dtype.itemsize))
        self.block_rows = max(1, self.buffer_rows // blocks)
        self.groups = table.groups(self.block_rows)
        self.count = sum(self.groups)
        self.by_class = None if class_weight is None else _by_class(network, class_weight, table)

    @cached_property
    def _fingerprint(self) -> str:
        return f"{self.table.fingerprint()} buffer {self.buffer_rows}"

    def fingerprint(self) -> str:
        return self._fingerprint

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        seed = int(rng.integers(2**63))
        draw = np.random.default_rng(seed)
        blocks = draw_blocks(self.groups, self.block_rows, self.table.lanes(self.block_rows), draw)
        cuts = list(cut(blocks, max(1, self.buffer_rows // batch_size) * batch_size))
        with closing(self.table.reader(self.block_rows, self.dtype)) as reader:

            def load(number: int) -> tuple[Batch, np.ndarray]:
                # On the thread that trains: one beside the kernels' would take turns with them, and each of their
                # barriers would wait for it. What the system fetches from the disk meanwhile costs no such time.
                part = self._read(reader, cuts[number], (seed, number))
                if number + 1 < len(cuts):
                    reader.expect(self._own(cuts[number + 1]))
                return part

            for k, each in enumerate(cuts):
                yield Part(sum(block.rows for block in each), partial(load, k))

    def _own(self, blocks: list[Block]) -> list[Block]:
        """The blocks that this process reads."""
        return [block for block in blocks if self._holder(block) == self.group.index]

    def _holder(self, block: Block) -> int:
        """The process that reads a block."""
        return block.group % self.group.count

    def _read(self, reader: Reader, blocks: list[Block], seed: tuple[int, int]) -> tuple[Batch, np.ndarray]:
        """A part: its examples as they lie in the file, and the order in which they are taken."""
        order = np.random.default_rng(seed).permutation(sum(block.rows for block in blocks))
        if self.group.count == 1:
            return self._examples(reader, blocks), order
        owner = np.repeat(np.array(list(map(self._holder, blocks)), np.int16), [block.rows for block in blocks])
        own = self._own(blocks)
        if own:
            return replace(self._examples(reader, own), owner=owner), order
        with closing(self.table.reader(self.block_rows, self.dtype)) as another:  # for what a row is like
            one = self._examples(another, [Block(0, 0, 1)])
        return replace(one.rows(slice(0, 0)), owner=owner), order

    def _examples(self, reader: Reader, blocks: list[Block]) -> Batch:
        """The rows of some blocks."""
        count = sum(block.rows for block in blocks)
        X = np.empty((count, self.table.inputs), self.dtype)
        rows, first = [], 0
        for block in blocks:
            into = X[first : first + block.rows]
            with np.errstate(over="ignore"):
                rows.append(reader.read(block, into))
            if not np.isfinite(into).all():
                self._refuse(block, into)
            first += block.rows
        y = self._y(blocks, [each.y for each in rows])
        spec = self.network.spec
        weight = self._weight(blocks, rows)
        return Batch(self.network, spec.xp.asarray(X, device=spec.device), y, weight)

    def _refuse(self, block: Block, X: np.ndarray) -> None:
        row, column = (int(part) for part in np.argwhere(~np.isfinite(X))[0])
        place = self.table.place(block.group, block.first + row, self.block_rows, column)
        raise InputError(f"X holds {X[row, column]} as {self.dtype} in {place}: expected finite numbers.")

    def _y(self, blocks: list[Block], parts: list[np.ndarray]) -> Any:
        """y as target, or as labels if the steps take them."""
        try:
            return self._checked(np.concatenate(parts))
        except (InputError, InputTypeError):
            for block, y in zip(blocks, parts, strict=True):
                for row in range(block.rows):
                    self._check_row(block, row, y[row : row + 1])
            raise

    def _check_row(self, block: Block, row: int, y: np.ndarray) -> None:
        try:
            self._checked(y)
        except (InputError, InputTypeError) as error:
            # a row of the file, instead of row 0 of the one row that was checked
            error.place = f"in {self.table.place(block.group, block.first + row, self.block_rows)}"
            raise error from None

    def _checked(self, y: np.ndarray) -> Any:
        spec = self.network.spec
        there = y if y.dtype.kind not in "biuf" else spec.xp.asarray(y, device=spec.device)
        return checked_y(self.network, there, len(y), self.takes_labels)

    def _weight(self, blocks: list[Block], rows: list[Rows]) -> Any:
        weight = None
        if rows[0].weight is not None:
            weight = np.concatenate([np.asarray(each.weight, np.float64) for each in rows])
            wrong = ~((weight >= 0) & (weight <= np.finfo(self.dtype).max))
            if wrong.any():
                row = at = int(wrong.argmax())
                for block in blocks:
                    if at < block.rows:
                        place = self.table.place(block.group, block.first + at, self.block_rows)
                        raise InputError(f"sample_weight holds {weight[row]} in {place}: expected 0 or more.")
                    at -= block.rows
        if self.by_class is not None:
            classes, factors = self.by_class
            of_rows = factors[np.searchsorted(classes, np.concatenate([each.y.reshape(-1) for each in rows]))]
            weight = of_rows if weight is None else weight * of_rows
        spec = self.network.spec
        return None if weight is None else spec.xp.asarray(weight.astype(self.dtype), device=spec.device)


def _by_class(network: Network, class_weight: Any, table: Table) -> tuple[np.ndarray, np.ndarray]:
    """The classes that occur, in order, and the weight of each, by one pass over y."""
    counts: Counter[Any] = Counter()
    for number, y in enumerate(table.targets()):
        if number == 0:
            class_weights(network, "balanced", y)  # refuses what has no classes
        labels, times = np.unique(y, return_counts=True)
        counts.update(dict(zip(labels.tolist(), times.tolist(), strict=True)))
    classes = np.array(sorted(counts))
    if not (isinstance(class_weight, str) and class_weight == "balanced"):
        names = getattr(table, "classes", None)
        if isinstance(class_weight, Mapping) and names and isinstance(names[0], str):
            class_weight = {names.index(name) if name in names else name: each for name, each in class_weight.items()}
        factors = class_weights(network, class_weight, classes)
        assert factors is not None
        return classes, factors
    each = np.array([counts[label] for label in classes.tolist()])
    return classes, each.sum() / (len(classes) * each)
