"""A recording as one text for a page: its facts and arrays, deflated, in base64.

The first bytes of float64 numbers (sign, exponent, first digits) differ little between steps, and so take little room
when they stand together.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

import numpy as np


def pack_text(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """uint32 n, n bytes of JSON, then the arrays one after another: deflated (raw), in base64.

    The JSON has the facts, and under ``arrays`` the name, type and shape of each. Of float64 numbers first all first
    bytes, then all second ones, and so on, little-endian. Of bytes, the difference from those before along the first
    axis, modulo 256.

    >>> text = pack_text({"step": 3}, {"b.1": np.ones(2)})
    >>> zlib.decompress(base64.b64decode(text), -zlib.MAX_WBITS)[4:74].decode()
    '{"step":3,"arrays":[{"name":"b.1","type":"float64","shape":[2]}]}\\x00\\x00\\x00\\x00\\x00'
    """
    listed, parts = [], []
    for name, array in arrays.items():
        if array.dtype == np.uint8:
            raw = np.diff(array, axis=0, prepend=np.zeros_like(array[:1]))
        else:
            array = np.ascontiguousarray(array, "<f8")
            raw = array.reshape(-1).view(np.uint8).reshape(-1, 8).T
        listed.append({"name": name, "type": array.dtype.name, "shape": list(array.shape)})
        parts.append(np.ascontiguousarray(raw).tobytes())
    text = json.dumps({**facts, "arrays": listed}, allow_nan=False, separators=(",", ":")).encode()
    return pack_bytes(b"".join([struct.pack("<I", len(text)), text, *parts]))


def pack_bytes(data: bytes) -> str:
    """Deflated (raw), in base64."""
    deflating = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return base64.b64encode(deflating.compress(data) + deflating.flush()).decode("ascii")
