"""Arrays and tables of numbers that ``load_data`` and the streams read."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from backtalk import InputError, Network, fit
from backtalk.data import load_data
from backtalk.data.streams import MemoryMapped, ParquetFiles

from .containers import forge_npy, forge_npz
from .mutations import damage, damage_text
from .networks import written
from .target import Target

WIDEST = 1000  # inputs of a network that is trained on what was read


def _npz(compressed: bool, **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _npz_seeds() -> list[bytes]:
    X = np.arange(8.0).reshape(4, 2)
    return [
        _npz(False, X=X, y=np.array([0, 1, 0, 1])),
        _npz(True, X=X.astype(np.float32), y=np.array(["a", "b", "a", "b"])),
    ]


def _train(data: Any, outputs: int = 0) -> None:
    """A step on what was read."""
    if data.inputs <= WIDEST and data.count < 10**6:
        network = Network.create([data.inputs, outputs or data.inputs], loss="squared_error", rng=0)
        fit(network, data, epochs=1, rng=0, engine="formula", progress=lambda _: True)


def _parquet_seeds() -> list[bytes]:
    import pyarrow
    import pyarrow.parquet

    def seed(columns: dict[str, Any], **options: Any) -> bytes:
        return written("", lambda path: pyarrow.parquet.write_table(pyarrow.table(columns), path, **options))

    numbers = {"a": [0.5, 1.0, -2.0, 3.0], "b": [1, 2, 3, 4], "y": [0, 1, 0, 1]}
    words = {"a": pyarrow.array([0.5, 1.0, 2.0, 1.5], pyarrow.float32()), "y": ["u", "v", "u", "v"]}
    return [
        seed(numbers, row_group_size=2),
        seed(words, compression="zstd"),
        seed(numbers, use_dictionary=False, compression=None),
    ]


def _load_csv(path: Path) -> None:
    with suppress(InputError):
        load_data(path, finite=False)
    load_data(path)


def _read_parquet(path: Path) -> None:
    data = ParquetFiles(path, target="y")
    if not any(isinstance(each, str) for each in data.classes or ()):
        _train(data, outputs=1)
    data.fingerprint()


TARGETS = [
    Target("npz", ".npz", _npz_seeds, load_data, damage, forge_npz),
    Target(
        "csv",
        ".csv",
        lambda: [b"a,b,y\n1,2,0\n3.5,-1e3,1\n0,0,1\n", b'"a ","b,c",y\r\n1,"2",0\r\n5,3,1\r\n'],
        _load_csv,
        damage_text,
    ),
    Target(
        "npy",
        ".npy",
        lambda: [_npy(np.arange(8.0).reshape(4, 2)), _npy(np.arange(8, dtype=">i2").reshape(2, 4))],
        lambda path: _train(MemoryMapped(path, path)),
        damage,
        forge_npy,
    ),
    Target("parquet", ".parquet", _parquet_seeds, _read_parquet, damage),
]
