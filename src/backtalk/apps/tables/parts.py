"""A table that is larger than the memory it may take, read in parts: first to learn its columns, then to encode it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ...data.streams.rows import InFileRows
from ...errors import InputError, cut
from .cache import Cache, InputsInFile, InputsInMemory
from .memory import LIBRARIES, size_text
from .preprocessing import Preprocessing
from .reading.footer import row_groups
from .reading.origins import Origin, files_of
from .reading.parquet import ParquetTable, is_parquet
from .reading.spilled import is_text, spill_delimited
from .roles import Roles
from .sampling import Drawn
from .unknown import Unknown

# Shares of the memory that a table may take besides the libraries
OF_INPUTS = 0.4  # X of all rows, if it stays in memory
OF_HELD_OUT = 0.05  # X of the validation or test rows, if that of the training rows does not
OF_BUFFER = 1 / 16  # X that is shuffled at a time, if it is read during training; three of them are in memory
OF_CSV = 1 / 128  # bytes of a CSV file that are read at a time: they take some twenty times as much
OF_LEARNED = 1 / 2  # the cells of a column from which it is learned
OF_READ = 1 / 8  # cells that are read at a time, and again those that are encoded at a time
OF_ROWS = 0.6  # what is held of every row
# Bytes, as measured
LEARNED, READ, ENCODED, FRAME = 256, 128, 150, 24  # of a cell besides its text
ROW = 140  # of every row: its target, its label, and its place while the rows are divided
PART = 2**20, 2**25  # of a CSV file, at the least and at the most
MOST_NAMES = 5
SPILLED = "columns"  # the folder in the cache for what was text

Note = Callable[[str], Any] | None
Inputs = np.ndarray | InFileRows  # X of a part of the rows


@dataclass(frozen=True, eq=False)
class Parts:
    """A table of which some rows and columns are read at a time, within ``bound`` bytes of memory.

    ``spilled``: it lies in the cache, and goes once it is encoded.
    """

    source: ParquetTable
    bound: int
    cache: Cache
    spilled: bool = False

    @classmethod
    def open(cls, origin: Origin, bound: int, cache: Cache, note: Note) -> Parts:
        """Of a file or a folder: Parquet as it is; CSV is read once, into Parquet in the cache."""
        table = Path(origin.name)
        if is_parquet(table):
            found = cls(ParquetTable(table), bound, cache)
            found._require_small_groups(table)
        elif is_text(table):
            size = table.stat().st_size
            cache.require_room(size, f"reading {table} in parts")
            if note is not None:
                note(
                    f"{table} does not fit into {size_text(bound)} of memory: it is read in parts, by way of some "
                    f"{size_text(size)} in {cache.folder}, which go at the end."
                )
            with cache.filling():
                part = min(max(PART[0], int(OF_CSV * (bound - LIBRARIES))), PART[1])
                found = cls(
                    spill_delimited(table, cache.subfolder(SPILLED), part, origin.no_header), bound, cache, spilled=True
                )
        else:
            raise InputError(
                f"{table} does not fit into {size_text(bound)} of memory, and its kind cannot be read in parts: give "
                "more --memory, or save it as CSV or Parquet."
            )
        found._require_few_rows(table)
        return found

    def _require_small_groups(self, table: Path) -> None:
        """Refuse row groups that do not fit into memory, since a row group is unpacked as a whole."""
        for file in files_of(table):
            groups = row_groups(file)
            if groups is not None and max(groups.rows, default=0) * groups.columns * FRAME > self._room / 2:
                raise InputError(
                    f"{file} has row groups of {max(groups.rows)} rows, which do not fit into "
                    f"{size_text(self.bound)} of memory: write it with row groups of some 100000 rows, or give more "
                    "--memory."
                )

    def _require_few_rows(self, table: Path) -> None:
        needed = LIBRARIES + self.source.height * ROW / OF_ROWS
        if needed > self.bound:
            raise InputError(
                f"{table} has {self.source.height} rows, of each of which some {ROW} bytes are held, such as its "
                f"target: give --memory {size_text(needed * 1.1)}."
            )

    @property
    def _room(self) -> int:
        return self.bound - LIBRARIES

    @cached_property
    def _widths(self) -> dict[str, float]:
        return self.source.widths()

    @property
    def buffer_bytes(self) -> int:
        """Of X that is shuffled at a time, if it is in a file."""
        return int(OF_BUFFER * self._room)

    def learn(
        self, roles: Roles, present: np.ndarray, training: np.ndarray, seed: int
    ) -> tuple[Preprocessing, list[str]]:
        """What there is to learn of the columns, one after the other; and which were learned from some rows alone."""
        columns, some, least = [], [], 0
        for name in roles.others:
            width = self._widths[name]
            most = int(OF_LEARNED * self._room / (LEARNED + 3 * width))
            at_once = max(1000, int(OF_READ * self._room / (READ + 4 * width)))
            drawn = Drawn.of(present, training, most, at_once, seed)
            if name in roles.left_out:  # of which some cells are shown, and nothing learned
                columns.append(roles.learn(self.source.rows(0, at_once, [name])[name], np.arange(0)))
                continue
            is_index = name in self.source.index_columns
            columns.append(drawn.learn(self.source, name, partial(roles.learn, is_index=is_index)))
            if not drawn.are_all:
                some.append(name)
                least = min(least or drawn.count, drawn.count)
        said = []
        if some:
            which = ", ".join(map(cut, some[:MOST_NAMES])) + (
                f" and {len(some) - MOST_NAMES} more" if len(some) > MOST_NAMES else ""
            )
            said.append(
                f"learned from {least} rows or more of {np.count_nonzero(present)}, drawn at random, since not all fit "
                f"into {size_text(self.bound)} of memory: {which}."
            )
        return Preprocessing.of(columns, int(np.count_nonzero(present))), said

    def encode(
        self,
        preprocessing: Preprocessing,
        rows_of_table: np.ndarray,
        rows: dict[str, np.ndarray],
        refuse: Callable[[str], None],
        note: Note,
    ) -> tuple[dict[str, Inputs], list[str]]:
        """X of each part of the rows, in memory or in a file of the cache; and what there is to say of it.

        ``refuse`` is called, with the bound, before X is written into a file: it refuses what needs X in memory.
        """
        inputs, said = preprocessing.count, []
        in_files = self._in_files(inputs, rows)
        if in_files:
            refuse(size_text(self.bound))
            needed = 4 * inputs * sum(len(rows[part]) for part in in_files)
            said.append(
                f"the encoded rows do not fit into {size_text(self.bound)} of memory: they are read from a file, and "
                "shuffled in blocks."
            )
            self.cache.require_room(needed, "encoding the table")
            if note is not None:
                note(
                    f"{size_text(needed)} of encoded rows lie in {self.cache.folder} while the run is made, and go at "
                    "the end."
                )
        unknown: dict[str, list[list[Unknown]]] = {part: [] for part in rows}
        filled: dict[str, InputsInFile | InputsInMemory] = {}
        with self.cache.filling(), ExitStack() as stack:
            for part, chosen in rows.items():
                if part in in_files:
                    filled[part] = InputsInFile(self.cache.folder / f"{part}.float32", len(chosen), inputs)
                else:
                    filled[part] = InputsInMemory(len(chosen), inputs)
                stack.callback(filled[part].close)
            for part, X, found in self._blocks(preprocessing, rows_of_table, rows):
                filled[part].put(X)
                unknown[part].append(found)
        if self.spilled:
            self.cache.remove(SPILLED)
        for part, found in unknown.items():
            if not found:  # it has no rows
                continue
            together = [Unknown.together(each) for each in zip(*found, strict=True)]
            said += [f"{part} rows: {sentence}" for sentence in preprocessing.remarks_on_training(together)]
        return {part: each.close() for part, each in filled.items()}, said

    def rows_at_once(self, preprocessing: Preprocessing) -> int:
        """How many rows may be encoded at a time."""
        letters = sum(self._widths[name] for name in preprocessing.used)
        of_row = ENCODED * len(preprocessing.used) + 8 * preprocessing.count + 2 * letters
        return max(1000, int(OF_READ * self._room / of_row))

    def _in_files(self, inputs: int, rows: dict[str, np.ndarray]) -> list[str]:
        """The parts of the rows whose X goes into files."""
        sizes = {part: 4 * inputs * len(chosen) for part, chosen in rows.items()}
        if sum(sizes.values()) <= OF_INPUTS * self._room:
            return []
        return [part for part, size in sizes.items() if part == "training" or size > OF_HELD_OUT * self._room]

    def _blocks(
        self, preprocessing: Preprocessing, rows_of_table: np.ndarray, rows: dict[str, np.ndarray]
    ) -> Iterator[tuple[str, np.ndarray, list[Unknown]]]:
        """Of each part the rows in order, encoded some at a time, and what is unknown in them."""
        names = preprocessing.used
        letters = sum(self._widths[name] for name in names)
        at_once = max(1000, int(OF_READ * self._room / (FRAME * len(names) + 2 * letters)))
        block, places = self.rows_at_once(preprocessing), dict.fromkeys(rows, 0)
        for first in range(0, self.source.height, at_once):
            last = min(first + at_once, self.source.height)
            frame = self.source.rows(first, last, names)
            for part, chosen in rows.items():
                begin = places[part]
                end = int(np.searchsorted(chosen, np.searchsorted(rows_of_table, last)))
                for at in range(begin, end, block):
                    own = rows_of_table[chosen[at : min(at + block, end)]]
                    X, found = preprocessing.inputs_of(frame[own - first], own)
                    yield part, X, found
                places[part] = end
