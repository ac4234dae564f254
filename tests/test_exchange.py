"""Rows that are exchanged, as far as one process can show it."""

from __future__ import annotations

import numpy as np
import pytest

from backtalk.distributed import exchange


def test_sizes_are_rounded_up_by_a_quarter_at_the_most():
    for rows in [*range(1, 300), 10**6 + 7]:
        rounded = exchange._rounded_up(rows)
        assert rows <= rounded <= max(rows * 1.25, rows)
    assert len({exchange._rounded_up(rows) for rows in range(1, 2**12)}) < 60


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_each_process_gets_what_it_wants_of_all(monkeypatch, processes):
    """Every process in turn, with messages that stay in memory: what is sent with a shift is kept for its reader."""
    rng = np.random.default_rng(processes)
    rows = 57
    whole = [rng.normal(size=(rows, 3)), rng.integers(9, size=rows), rng.normal(size=(rows, 2)).astype("float32")]
    owner = np.sort(rng.integers(processes, size=rows)) if processes > 3 else rng.integers(processes, size=rows)
    wanted = [rng.integers(rows, size=11 + 2 * process) for process in range(processes)]
    posted: dict[tuple[int, int], np.ndarray] = {}
    for reading in (False, True):  # first all is sent, then each reads
        for process in range(processes):
            monkeypatch.setattr(exchange, "count", lambda: processes)
            monkeypatch.setattr(exchange, "index", lambda process=process: process)

            def shifted(block, shift, process=process, reading=reading):
                posted[process, shift] = block.copy()
                return posted[(process - shift) % processes, shift] if reading else block

            monkeypatch.setattr(exchange, "_shifted", shifted)
            held = [field[owner == process] for field in whole]
            places = exchange.places_of(owner)
            got = exchange.exchange_rows(held, owner, places, wanted, lambda field, rows: field[rows])
            if reading:
                for field, part in zip(whole, got, strict=True):
                    np.testing.assert_array_equal(part, field[wanted[process]])
                    assert part.dtype == field.dtype
