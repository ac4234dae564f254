"""Files whose parts guard one another by lengths and check sums: their parts are changed, and the guards made anew."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from random import Random
from typing import Any

import numpy as np
import safetensors.numpy

from backtalk.interop.files import _check_sum  # pyright: ignore[reportPrivateUsage]
from backtalk.interop.structure import KEY

from .mutations import change_value, damage, write_json

KINDS = ["F64", "F32", "F16", "BF16", "I64", "I32", "I8", "U8", "BOOL", "F8_E4M3", "X"]
SHAPES = [[], [0], [1], [0, 3], [10**10, 0], [2**63, 0], [1] * 40, [1] * 70, [-1]]


def forge_safetensors(content: bytes, draw: Random) -> bytes:
    """A network or a checkpoint with a change of its structure, of an array or of the header; the check sum fits."""
    arrays, structure = _parts(content)
    if not structure or draw.random() < 0.2:
        return forge_header(content, draw)
    if draw.random() < 0.65:
        for _ in range(draw.choice((1, 1, 2))):
            structure = change_value(structure, draw)
    else:
        arrays = _change_arrays(arrays, draw)
    if isinstance(structure, dict):
        structure.pop("check_sum", None)
        try:
            structure["check_sum"] = _check_sum(json.loads(write_json(structure, Random(0))), arrays)
        except (ValueError, RecursionError):
            structure["check_sum"] = "00000000"
    text = write_json(structure, Random(0))
    return safetensors.numpy.save(arrays, {KEY: text.encode("utf-8", "replace").decode()})


def _parts(content: bytes) -> tuple[dict[str, np.ndarray], Any]:
    try:
        arrays = safetensors.numpy.load(content)
        size = struct.unpack("<Q", content[:8])[0]
        return arrays, json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY])
    except Exception:  # what was forged before may be no such file any more
        return {}, None


def _change_arrays(arrays: dict[str, np.ndarray], draw: Random) -> dict[str, np.ndarray]:
    """One array of another shape, dtype, name or content, missing or more."""
    arrays = dict(arrays)
    name = draw.choice(sorted(arrays) or ["W.1"])
    array = arrays.pop(name, np.zeros(3))
    match draw.randrange(8):
        case 0:
            pass
        case 1:
            arrays[draw.choice(("W.9", "b.0", "x", "", "training.", "training.best.1", "training.m.1"))] = array
        case 2:
            kind = draw.choice(("float32", "float64", "float16", "int64", "int8", "uint8", "bool", "complex64"))
            with np.errstate(all="ignore"):
                arrays[name] = array.astype(kind)
        case 3:
            arrays[name] = array.reshape(draw.choice(([-1], [1, -1], [-1, 1], [1, 1, -1])))
        case 4:
            arrays[name] = np.zeros(
                draw.choice(((0,), (0, 3), (3, 0), (), (1,) * 12, (10**10, 0), (1, 1))), array.dtype
            )
        case 5:
            arrays[name] = array[:-1] if array.ndim and len(array) else array
        case 6:
            arrays[name] = np.full_like(
                array, draw.choice((np.nan, np.inf, 0, 1, 1e38)) if array.dtype.kind == "f" else 1
            )
        case _:
            arrays[name], arrays["twin." + name] = array, array
    return {each: np.ascontiguousarray(array) for each, array in arrays.items()}


def forge_header(content: bytes, draw: Random) -> bytes:
    """The header of a safetensors file with another value somewhere, and its length made anew."""
    try:
        size = struct.unpack("<Q", content[:8])[0]
        header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    except (ValueError, struct.error, RecursionError, MemoryError):
        return damage(content, draw)
    names = [name for name in header if name != "__metadata__"] if isinstance(header, dict) else []
    if names and draw.random() < 0.6:
        part = header[draw.choice(names)]
        match draw.randrange(4) if isinstance(part, dict) else -1:
            case 0:
                part["dtype"] = draw.choice(KINDS)
            case 1:
                part["shape"] = draw.choice(SHAPES)
            case 2:
                part["shape"], part["data_offsets"] = draw.choice(SHAPES), [0, 0]
            case 3:
                data = data[: draw.randrange(len(data) + 1)] if draw.random() < 0.5 else data + bytes(8)
            case _:
                pass
    else:
        header = change_value(header, draw)
    text = write_json(header, draw).encode("utf-8", "replace")
    return struct.pack("<Q", len(text)) + text + data


FACTS: dict[str, list[Any]] = {
    "descr": [
        "<f8", "<f4", ">f8", "<f2", "|O", "<U0", "<U4", "|S0", "|S3", "|V8", "|b1", "<i8", "<u2", "<c16", "<M8[s]",
        "<m8[D]", "<M8", "", "x", [["a", "<f8"]], [("a", "<f8"), ("b", "<U0")], "<f8" * 3,
    ],
    "shape": [
        (), (0,), (3,), (4, 2), (2, 4), (8,), (0, 5), (5, 0), (10**10, 0), (0, 10**10), (2**62, 2**62), (-1,), (2, -4),
        (10**30,), (1,) * 33, (1,) * 70, (10**12,), (True,), (1.5,), 8, None, "x",
    ],
    "fortran_order": [True, False, 1, None, "x"],
}  # fmt: skip
NO_FACTS = ["(" * 300, "-" * 9000 + "1", "{" * 200, "__import__('os')", "9" * 5000]


def forge_npy(content: bytes, draw: Random) -> bytes:
    """A .npy file with another header, whose length is made anew, over the same data."""
    if content[:6] != b"\x93NUMPY" or draw.random() < 0.15:
        return damage(content, draw)
    size = struct.unpack("<H", content[8:10])[0]
    data = content[10 + size :]
    facts: dict[str, Any] = {"descr": "<f8", "fortran_order": False, "shape": (4, 2)}
    for key in draw.sample(sorted(facts), draw.choice((1, 1, 2))):
        facts[key] = draw.choice(FACTS[key])
    if draw.random() < 0.1:
        del facts[draw.choice(sorted(facts))]
    if draw.random() < 0.1:
        facts["extra"] = 1
    text = repr(facts) if draw.random() < 0.9 else draw.choice(NO_FACTS)
    if draw.random() < 0.2:
        text = damage(text.encode(), draw).decode("latin-1")
    header = text.encode("latin-1", "replace") + b"\n"
    version = draw.choice((1, 1, 1, 2, 3, 4))
    length = struct.pack("<H" if version == 1 else "<I", len(header) % 65536)
    data = draw.choice((data, data, data[:7], b"", data * 3))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def forge_npz(content: bytes, draw: Random) -> bytes:
    """An .npz file with one array or the list of arrays changed, and zip's check sums made anew."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            parts = [(name, file.read(name)) for name in file.namelist()]
    except Exception:  # what was forged before may be no such file any more
        return damage(content, draw)
    if not parts:
        return damage(content, draw)
    at = draw.randrange(len(parts))
    name, part = parts[at]
    match draw.randrange(8):
        case 0:
            del parts[at]
        case 1:
            parts.append((name, forge_npy(part, draw)))
        case 2:
            parts[at] = (draw.choice(("X", "y", "X.npy.npy", "../X.npy", ".npy", "Y.npy", "\x1b[31m.npy")), part)
        case 3:
            parts[at] = (name, draw.choice((b"", b"text", b"x,y\n1,2\n", b"PK\x05\x06" + bytes(18))))
        case _:
            parts[at] = (name, forge_npy(part, draw))
    buffer = io.BytesIO()
    method = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as file:
        warnings.simplefilter("ignore")  # two parts of one name
        for name, part in parts:
            file.writestr(name, part)
    return buffer.getvalue() if draw.random() < 0.8 else damage(buffer.getvalue(), draw)


def forge_message(content: bytes, draw: Random, kind: type[Any]) -> bytes:
    """A message of protocol buffers with some fields changed, so that all lengths fit."""
    message = kind()
    try:
        message.ParseFromString(content)
    except Exception:  # what was damaged before may be no such message any more
        return damage(content, draw)
    for _ in range(draw.choice((1, 1, 2, 4))):
        _change_message(message, draw)
    try:
        return message.SerializeToString()
    except Exception:  # a text that is no UTF-8
        return damage(content, draw)


def _change_message(message: Any, draw: Random) -> None:
    """Another value of one field, somewhere in a message."""
    while True:
        fields = message.DESCRIPTOR.fields
        present = [field for field, _ in message.ListFields()]
        field = draw.choice(present if present and draw.random() < 0.9 else list(fields))
        repeated, name = field.is_repeated, field.name
        inner = field.message_type is not None
        found = getattr(message, name)
        if inner and (not repeated or len(found)) and draw.random() < 0.75:
            message = draw.choice(found) if repeated else found
            continue
        break
    if repeated:
        _change_list(message, name, field, draw)
    elif inner or draw.random() < 0.1:
        message.ClearField(name)
    else:
        _set(lambda value: setattr(message, name, value), field, found, draw)


def _change_list(message: Any, name: str, field: Any, draw: Random) -> None:
    found = getattr(message, name)
    at = draw.randrange(len(found)) if len(found) else 0
    match draw.randrange(6):
        case 0 if len(found):
            del found[at]
        case 1 if len(found):
            again = list(found)[at]
            for _ in range(draw.choice((1, 1, 3, 60))):
                found.add().CopyFrom(again) if field.message_type else found.append(again)
        case 2:
            del found[at:]
        case 3 if len(found) > 1:
            other = draw.randrange(len(found))
            if field.message_type:
                copy = type(found[at])()
                copy.CopyFrom(found[other])
                found[at].CopyFrom(copy)
            else:
                found[at] = found[other]
        case _ if field.message_type is None:
            if len(found):
                _set(lambda value: found.__setitem__(at, value), field, found[at], draw)
            else:
                _set(found.append, field, None, draw)
        case _:
            found.add()


TEXTS = [
    "", "X", "W", "W.1", "b", "Y", "yhat", "Gemm", "MatMul", "Add", "Relu", "Softmax", "Constant", "Identity", "Loop",
    "If", "Silu", "own", "ai.onnx", "ai.onnx.ml", "backtalk", "x" * 500, "\x1b[31m", "é", KEY,
]  # fmt: skip
WHOLE = [0, 1, 2, 3, 7, 10, 11, 13, 16, -1, 2**31 - 1, -(2**31), 2**62, 10**10, 10**5]
REAL = [0.0, 1.0, -1.0, 0.5, float("nan"), float("inf"), 1e38, 1e-45]


def _set(put: Any, field: Any, before: Any, draw: Random) -> None:
    """Another value of the field's type."""
    if field.type == field.TYPE_BYTES:
        put(damage(before or b"x", draw) if draw.random() < 0.8 else bytes(draw.choice((0, 1, 8, 4096))))
    elif field.cpp_type == field.CPPTYPE_STRING:
        put(draw.choice(TEXTS) if draw.random() < 0.7 else (before or "") + "x")
    elif field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        put(draw.choice(REAL))
    else:
        try:
            put(draw.choice(WHOLE))
        except (ValueError, TypeError):  # a number that the field does not hold
            put(1)
