"""Rows that are exchanged."""

from __future__ import annotations

import numpy as np
import pytest

from backtalk.distributed import exchange
from groups import call


def test_sizes_are_rounded_up_by_a_quarter_at_the_most():
    for rows in [*range(1, 300), 10**6 + 7]:
        rounded = exchange._rounded_up(rows)
        assert rows <= rounded <= max(rows * 1.25, rows)
    assert len({exchange._rounded_up(rows) for rows in range(1, 2**12)}) < 60


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_each_process_gets_what_it_wants_of_all(processes):
    rng = np.random.default_rng(processes)
    rows = 57
    whole = [rng.normal(size=(rows, 3)), rng.integers(9, size=rows), rng.normal(size=(rows, 2)).astype("float32")]
    owner = np.sort(rng.integers(processes, size=rows)) if processes > 3 else rng.integers(processes, size=rows)
    wanted = [rng.integers(rows, size=11 + 2 * process) for process in range(processes)]

    def exchanged(group):
        held = [field[owner == group.index] for field in whole]
        places = exchange.places_of(owner)
        return exchange.exchange_rows(group, held, owner, places, wanted, lambda field, rows: field[rows])

    for process, got in enumerate(call(processes, exchanged)):
        for field, part in zip(whole, got, strict=True):
            np.testing.assert_array_equal(part, field[wanted[process]])
            assert part.dtype == field.dtype
