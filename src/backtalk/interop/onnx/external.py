"""Weights that a model keeps in files beside it, as PyTorch's exporter writes them: never from outside its folder.

The model says where such a tensor stands: the file's name, relative to the model's folder, and the bytes in it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from ...errors import InputError


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bytes of a file that are a tensor."""

    tensor: Any
    path: Path
    offset: int
    count: int

    def read(self) -> bytes:
        """The bytes."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            content = file.read(self.count)
        if len(content) < self.count:
            raise InputError(f"{self.path.name!r} ends within {self.tensor.name!r}: another program changes it.")
        return content


def read_beside(onnx: Any, tensors: Iterable[Any], folder: Path | None, most: int) -> int:
    """Put into the tensors what the model keeps in other files; gives the number of bytes.

    ``folder``: of the model; None for a model in memory. ``most``: bytes that all may take together.
    """
    stretches = [
        _stretch(onnx, tensor, folder) for tensor in tensors if onnx.external_data_helper.uses_external_data(tensor)
    ]
    total = sum(each.count for each in stretches)
    held = sum(path.stat().st_size for path in {each.path for each in stretches})
    if total > most:
        raise InputError(f"its weights in other files take {total / 1e9:.1f} GB, expected {most / 1e9:.1f} at most.")
    if total > held:
        raise InputError(
            f"its weights in other files take {total} bytes, but the files hold {held}: expected each once."
        )
    for each in stretches:
        each.tensor.raw_data = each.read()
        each.tensor.ClearField("data_location")
        each.tensor.ClearField("external_data")
    return total


def _stretch(onnx: Any, tensor: Any, folder: Path | None) -> Stretch:
    keeps = f"it keeps {tensor.name!r}"
    if folder is None:
        raise InputError(
            f"{keeps} in another file, and a model in memory does not say in which folder: give the name of its file "
            "instead, or read it by onnx.load."
        )
    said = {each.key: each.value for each in tensor.external_data}
    location = said.get("location", "")
    path = _path(folder, location, f"{keeps} in {location!r}")
    offset, size = _number(said.get("offset", "0"), "offset", tensor), path.stat().st_size
    count = _number(said.get("length", str(max(size - offset, 0))), "length", tensor)
    if offset + count > size:
        raise InputError(
            f"{keeps} in the bytes {offset} to {offset + count} of {location!r}, which has {size}: it is truncated, or "
            "belongs to another model."
        )
    expected = _bytes_of(onnx, tensor)
    if count != expected:
        shape = tuple(tensor.dims)
        raise InputError(f"{keeps} in {count} bytes of {location!r}, but the shape {shape} takes {expected}.")
    return Stretch(tensor, path, offset, count)


def _path(folder: Path, location: str, keeps: str) -> Path:
    """The file, if it is in the folder or below it."""
    for kind in (PurePosixPath, PureWindowsPath):  # a model may come from another system
        given = kind(location)
        if not given.parts or given.drive or given.root or ".." in given.parts:
            raise InputError(f"{keeps}: expected the name of a file in the folder of the model or below it.")
    path = Path(os.path.realpath(folder / location))
    if not path.is_relative_to(os.path.realpath(folder)):
        raise InputError(f"{keeps}, a link that leads out of the folder of the model: copy the file into it.")
    if not path.exists():
        raise InputError(f"{keeps}, which is not there: put that file beside the model, as the exporter wrote it.")
    if not path.is_file():
        raise InputError(f"{keeps}, which is no ordinary file.")
    return path


def _number(text: str, what: str, tensor: Any) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InputError(
            f"the {what} of {tensor.name!r} in its file is {text!r}, expected a whole number of 0 or more."
        )
    return int(text)


def _bytes_of(onnx: Any, tensor: Any) -> int:
    """What a tensor takes by its shape and type."""
    if tensor.data_type in (onnx.TensorProto.UNDEFINED, onnx.TensorProto.STRING):
        raise InputError(f"it keeps {tensor.name!r} in another file, but not as numbers.")
    return math.prod(tensor.dims) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
