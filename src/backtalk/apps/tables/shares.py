"""What each process of a cluster reads of a table: its columns, to learn them, and its rows, to train on them.

With one process that is all of them.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ...distributed import Group
from .columns import Column
from .preprocessing import Preprocessing
from .reading.origins import Origin
from .reading.tables import Source
from .roles import Roles
from .unknown import Unknown


def require_same(table: Origin, source: Source, target: pl.Series, group: Group) -> None:
    """Refuse to go on if the processes do not read the same table, as far as each of them can see."""
    if group.count == 1:  # the check sum takes time
        return
    words = target.cast(pl.String).fill_null("").str.join("\n").item()
    facts = {
        "the names of the columns": list(source.schema),
        **{f"the kind of the column {name!r}": str(kind) for name, kind in source.schema.items()},
        "the number of rows": source.height,
        f"the target {target.name!r}, whose values have the check sum": zlib.crc32(words.encode()),
        "the number of bytes of the table": table.size,
    }
    group.require_equal(facts, "give all of them the same table")


def learn_columns(
    source: Source, roles: Roles, present: pl.Series, training: np.ndarray, group: Group
) -> Preprocessing:
    """What there is to learn of the columns. Each process reads its own columns, whole, and learns those."""
    names = roles.others
    own = names[group.index :: group.count]

    def work() -> list[dict[str, Any]]:
        frame = source.columns(own)
        rows, index = np.flatnonzero(present.to_numpy()), source.index_columns
        return [
            asdict(roles.learn(frame[name].filter(present), training, rows, is_index=name in index, whole=frame[name]))
            for name in own
        ]

    learned = group.run_and_gather(work)
    columns = [Column(**learned[j % group.count][j // group.count]) for j in range(len(names))]
    return Preprocessing.of(columns, int(present.sum()))


def own_rows(rows: dict[str, np.ndarray], group: Group) -> dict[str, slice]:
    """Of each part, whose rows are in order, those of this process: they lie in its share of all rows."""
    mine = group.share(sum(map(len, rows.values())))
    return {part: slice(*np.searchsorted(chosen, [mine.start, mine.stop]).tolist()) for part, chosen in rows.items()}


def read_inputs(
    source: Source, preprocessing: Preprocessing, rows_of_table: np.ndarray, rows: dict[str, np.ndarray], group: Group
) -> tuple[dict[str, np.ndarray], list[str]]:
    """X of each part, and what there is to say of it. Each process reads its own rows, which follow each other."""
    places = own_rows(rows, group)
    own = {part: rows_of_table[chosen[places[part]]] for part, chosen in rows.items()}
    every = np.concatenate(list(own.values()))
    first, last = (int(every.min()), int(every.max()) + 1) if len(every) else (0, 0)
    frame = group.run(lambda: source.rows(first, last, preprocessing.used))
    inputs, said = {}, []
    for part, chosen in own.items():
        work = partial(preprocessing.inputs_of, frame[chosen - first], chosen)
        inputs[part], unknown = group.run(work)
        shares = [[Unknown(**found) for found in each] for each in group.all_gather([asdict(each) for each in unknown])]
        in_all = [Unknown.together(each) for each in zip(*shares, strict=True)]
        said += [f"{part} rows: {sentence}" for sentence in preprocessing.remarks_on_training(in_all)]
    return inputs, said
