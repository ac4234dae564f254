"""Rows that go to other processes: each sends the rows that others need, and gets those that it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .group import Group


def places_of(owner: np.ndarray) -> np.ndarray:
    """Of each row its place among those that its process holds, in the order of the rows.

    >>> places_of(np.array([0, 1, 1, 0, 1]))
    array([0, 0, 1, 1, 2])
    """
    counts = np.bincount(owner)
    place = np.empty(len(owner), np.int64)
    place[np.argsort(owner, kind="stable")] = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place


def exchange_rows(
    group: Group,
    fields: Sequence[np.ndarray],
    owner: np.ndarray,
    place: np.ndarray,
    wanted: Sequence[np.ndarray],
    take: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> list[np.ndarray]:
    """The rows of each field that this process wants, in the order in which it wants them.

    ``fields``: arrays with the rows that this process holds, (own rows, …). ``owner`` (rows,): of each row of all, the
    process that holds it; ``place``: where there, as :func:`places_of` says. ``wanted``: of each process, the rows that
    it wants, numbers within all. ``owner`` and ``wanted`` are the same in every process, so that none need ask another.
    ``take``: takes rows of a field into new memory.
    """
    processes, own = group.count, group.index
    sources = [owner[rows] for rows in wanted]
    sizes = np.array([np.bincount(source, minlength=processes) for source in sources])  # to each, from each
    widths = [field.dtype.itemsize * int(np.prod(field.shape[1:])) for field in fields]
    # All rows at once, as if they were here; those of others are put in their places afterwards
    here = np.where(sources[own] == own, place[wanted[own]], 0)
    got = [
        take(field, here) if len(field) else np.empty((len(here), *field.shape[1:]), field.dtype) for field in fields
    ]
    for shift in range(1, processes):  # each process sends to the one that comes so many after it
        target, source = (own + shift) % processes, (own - shift) % processes
        most = max(int(sizes[(process + shift) % processes, process]) for process in range(processes))
        if not most:
            continue
        chosen = place[wanted[target][sources[target] == own]]
        block = np.zeros((_rounded_up(most), sum(widths)), np.uint8)  # as bytes, which JAX does not round
        block[: len(chosen)] = np.concatenate([_as_bytes(field[chosen]) for field in fields], axis=1)
        into = np.flatnonzero(sources[own] == source)
        parts = np.split(group.shift(block, shift)[: len(into)], np.cumsum(widths)[:-1], axis=1)
        for rows, part in zip(got, parts, strict=True):
            rows[into] = np.ascontiguousarray(part).view(rows.dtype).reshape(len(into), *rows.shape[1:])
    return got


def _as_bytes(rows: np.ndarray) -> np.ndarray:
    """(rows, bytes of one)."""
    flat = np.ascontiguousarray(rows).reshape(len(rows), int(np.prod(rows.shape[1:])))
    return flat.view(np.uint8)


def _rounded_up(rows: int) -> int:
    """To a number with three leading bits: few numbers, since each is compiled anew, and at most a quarter more."""
    step = 1 << max(0, rows.bit_length() - 3)
    return -(-rows // step) * step
