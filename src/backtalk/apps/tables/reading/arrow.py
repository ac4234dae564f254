"""Arrow files, also called Feather, and streams, to data frames."""

from __future__ import annotations

import io
from typing import Any

import polars as pl

from ....errors import FileFormatError
from .arrow_sizes import MAGIC, unpacked_bytes
from .faults import POLARS, unreadable
from .limits import require_moderate
from .table import TableInMemory
from .typed import plain_columns, require_flat, with_text

FIRST_FEATHER = b"FEA1"


def read_arrow(content: bytes, file: str, most: int) -> TableInMemory:
    """All columns and rows. Raises :class:`~backtalk.errors.FileFormatError` naming ``file`` and what is wrong."""
    if content.startswith(FIRST_FEATHER):
        raise FileFormatError("is a Feather file of the first version: save it as Parquet, or as Feather 2.", file=file)
    require_moderate(unpacked_bytes(content), most, file)
    frame = _read(content, file)
    require_flat(frame.schema, file)
    frame = frame.select(plain_columns(frame.schema))
    require_moderate(int(frame.estimated_size()), most, file)
    return TableInMemory(with_text(frame))


def _read(content: bytes, file: str) -> pl.DataFrame:
    read: Any = pl.read_ipc if content.startswith(MAGIC) else pl.read_ipc_stream
    try:
        return read(io.BytesIO(content))
    except POLARS as error:
        found = unreadable(error, file)
    try:  # polars 2.1 does not read string_view in compressed files, nor decimals of more than 38 digits
        import pyarrow as arrow
    except ImportError:
        found.args = (f"{found.args[0].removesuffix('.')}; pyarrow may read it: pip install 'backtalk[data]'.",)
        raise found from None
    opened = arrow.ipc.open_file if content.startswith(MAGIC) else arrow.ipc.open_stream
    try:
        return pl.DataFrame(opened(content).read_all())
    except (arrow.ArrowException, *POLARS, ValueError):
        raise found from None
