"""Tables that are trained on and predicted for, and uploads of the lab."""

from __future__ import annotations

import atexit
import gzip
import io
import tempfile
import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from backtalk.apps import tables
from backtalk.apps.lab.readers import Readers

from .arrays import _npz
from .containers import forge_npz
from .mutations import damage, damage_text
from .networks import written
from .target import Target

OPTIONS = tables.Options(target="kind", epochs=2, hidden=(3,), members=1, validation=0.1, test=0.2)


def _frame() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    rows = 40
    return pl.DataFrame(
        {
            "width": draw.normal(size=rows).round(3),
            "colour": [["red", "green", "blue"][k % 3] for k in range(rows)],
            "when": [f"2024-0{1 + k % 9}-1{k % 7}" for k in range(rows)],
            "new": [["yes", "no"][k % 2] for k in range(rows)],
            "price": (1e4 * draw.uniform(size=rows)).astype(int),
            "kind": [["oak", "elm"][k // 2 % 2] for k in range(rows)],
        }
    )


def csv_table() -> bytes:
    """A table as text."""
    return _frame().write_csv().encode()


@cache
def run_folder() -> Path:
    """A run on that table, which lies until the process ends."""
    place = tempfile.TemporaryDirectory(prefix="fuzz-run-")
    _KEPT.append(place)
    table, folder = Path(place.name, "table.csv"), Path(place.name, "run")
    table.write_bytes(csv_table())
    tables.train(table, folder, OPTIONS)
    return folder


_KEPT: list[Any] = []


def _read(path: Path) -> None:
    """Predict, evaluate, or understand it for training: one of them, by the content."""
    match zlib.crc32(path.read_bytes()) % 3:
        case 0:
            tables.predict(run_folder(), path)
        case 1:
            tables.evaluate(run_folder(), path)
        case _:
            from backtalk.apps.tables.prepare import prepare

            prepare(path, OPTIONS)


def _parquet_tables() -> list[bytes]:
    frame = _frame()
    typed = frame.with_columns(
        pl.col("when").str.to_date(), pl.col("colour").cast(pl.Categorical), pl.col("width").cast(pl.Float32)
    )
    return [
        written(".parquet", frame.write_parquet),
        written(".parquet", lambda path: typed.write_parquet(path, compression="snappy", row_group_size=16)),
        written(".parquet", lambda path: typed.write_parquet(path, compression="uncompressed", statistics=False)),
    ]


def _json_lines() -> list[bytes]:
    frame = _frame()
    return [frame.write_ndjson().encode(), frame.write_ndjson().replace('"new":"yes",', "").encode()]


def _arrow_tables() -> list[bytes]:
    frame = _frame().with_columns(pl.col("colour").cast(pl.Categorical))
    return [
        written(".arrow", lambda path: frame.write_ipc(path, compression="zstd")),
        written(".arrow", lambda path: frame.write_ipc(path, compression="uncompressed")),
        written(".arrow", lambda path: frame.write_ipc_stream(path, compression="lz4")),
    ]


def _sheets() -> list[bytes]:
    """Of Excel."""
    import openpyxl

    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in [_frame().columns, *_frame().rows()]:
        book.worksheets[0].append(row)
    book.save(file)
    return [file.getvalue()]


def _upload_npz() -> list[bytes]:
    X = np.linspace(0, 1, 40).reshape(20, 2)
    return [
        _npz(True, X=X, y=np.arange(20) % 2),
        _npz(False, X=X.astype(np.float32), y=np.array(["a", "b"] * 10)),
        _npz(False, X=X, y=X),
    ]


@cache
def _readers() -> Readers:
    readers = Readers()
    atexit.register(readers.close)
    return readers


def _upload(path: Path) -> Any:
    """As the lab does: in a process of its own, which a library may end."""
    return _readers().read(path, f"my{path.suffix}", None)


TARGETS = [
    Target("table_csv", ".csv", lambda: [csv_table(), csv_table().replace(b",", b";")], _read, damage_text),
    Target("table_parquet", ".parquet", _parquet_tables, _read, damage, may_abort=True),
    Target("table_gz", ".csv.gz", lambda: [gzip.compress(csv_table())], _read, damage),
    Target("table_ndjson", ".ndjson", _json_lines, _read, damage_text),
    Target("table_arrow", ".arrow", _arrow_tables, _read, damage, may_abort=True),
    Target("upload_csv", ".csv", lambda: [csv_table()], _upload, damage_text),
    Target("upload_parquet", ".parquet", _parquet_tables, _upload, damage),
    Target("upload_npz", ".npz", _upload_npz, _upload, damage, forge_npz),
]
if find_spec("fastexcel") and find_spec("openpyxl"):
    TARGETS.append(Target("table_xlsx", ".xlsx", _sheets, _read, damage, may_abort=True))
