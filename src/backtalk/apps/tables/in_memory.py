"""A table is learned in memory, without the folder of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...distributed import ALONE
from .facts import RunFacts
from .members import Watch, train_members
from .options import Options
from .prepare import prepare
from .reading.origins import Origin
from .results import Finished


def learn(table: Any, options: Options, *, progress: Watch = None) -> Finished:
    """What :func:`~backtalk.apps.tables.train` learns of a table by these options, to the bit; nothing is written.

    ``table``: as for :func:`~backtalk.apps.tables.train`. Raises its errors.

    >>> import polars as pl
    >>> table = pl.DataFrame({"size": [k * k for k in range(40)], "kind": ["small"] * 20 + ["large"] * 20})
    >>> learned = learn(table, Options("kind", hidden=(8,), epochs=2))
    >>> len(learned.model.members), learned.outputs["out_of_fold"].shape
    (5, (40, 2))
    """
    options = replace(options, memory=None)
    ready = prepare(Origin.of(table), options)
    run = RunFacts(options, None, "", None)
    return Finished.of(ready, run, train_members(None, ready, run, (), progress, None), (), ALONE)
