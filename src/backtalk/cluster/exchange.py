"""Rows that go to other processes: each sends the rows that others need, and gets those that it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from .processes import answering, count, index


def exchange_rows(fields: Sequence[np.ndarray], owner: np.ndarray, wanted: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The rows of each field that this process wants, in the order in which it wants them.

    ``fields``: arrays with the rows that this process holds, (own rows, …). ``owner`` (rows,): of each row of all, the
    process that holds it; a process holds its rows in their order. ``wanted``: of each process, the rows that it wants,
    numbers within all. ``owner`` and ``wanted`` are the same in every process, so that none need ask another.
    """
    processes, own = count(), index()
    if processes == 1:
        return [field[wanted[0]] for field in fields]
    place = np.empty(len(owner), np.int64)  # of each row within what its process holds
    for process in range(processes):
        held = owner == process
        place[held] = np.arange(np.count_nonzero(held))
    sources = [owner[rows] for rows in wanted]
    most = max(int(np.bincount(source, minlength=processes).max(initial=0)) for source in sources)
    sent = [place[rows[source == own]] for rows, source in zip(wanted, sources, strict=True)]
    got = []
    for field in fields:
        width = field.dtype.itemsize * int(np.prod(field.shape[1:]))
        packed = np.zeros((processes, most, width), np.uint8)
        for process, rows in enumerate(sent):
            packed[process, : len(rows)] = _as_bytes(field[rows])
        received = _all_to_all(packed)
        rows = np.empty((len(wanted[own]), width), np.uint8)
        for process in range(processes):
            here = sources[own] == process
            rows[here] = received[process, : np.count_nonzero(here)]
        got.append(rows.reshape(-1).view(field.dtype).reshape(len(rows), *field.shape[1:]))
    return got


def _as_bytes(rows: np.ndarray) -> np.ndarray:
    """(rows, bytes of one); as bytes, which JAX does not round."""
    flat = np.ascontiguousarray(rows).reshape(len(rows), int(np.prod(rows.shape[1:])))
    return flat.view(np.uint8)


def _all_to_all(packed: np.ndarray) -> np.ndarray:
    """Block p of each process goes to process p; what came from each."""
    import jax

    sharding, run = _compiled()
    shape = (packed.shape[0] ** 2, *packed.shape[1:])
    with answering():
        blocks = jax.make_array_from_process_local_data(sharding, packed, shape)
        return np.asarray(run(blocks).addressable_data(0))


@cache
def _compiled() -> tuple[Any, Callable[[Any], Any]]:
    """The sharding over one device of each process, and the exchange among them."""
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    first = {device.process_index: device for device in reversed(jax.devices())}
    mesh = Mesh(np.array([first[process] for process in range(jax.process_count())]), ("processes",))
    spec = PartitionSpec("processes")

    def blocks(own: Any) -> Any:
        return jax.lax.all_to_all(own, "processes", 0, 0)

    return NamedSharding(mesh, spec), jax.jit(jax.shard_map(blocks, mesh=mesh, in_specs=spec, out_specs=spec))
