"""The structure of a network as JSON, which a safetensors file and an ONNX file hold beside the arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..core.head import Head, as_head
from ..core.network import Network
from ..errors import FileFormatError

KEY = "backtalk.network"
# 2: with "output", which a network with the natural output of its loss has not: it is written as version 1.
# 3: with "members", the number of the networks in the file, if there are several
VERSION = 3


def structure_of(network: Network, members: int = 1) -> dict[str, Any]:
    """What the metadata says of a network, or of several that are alike."""
    natural = network.head.is_natural
    structure = {
        "version": 3 if members > 1 else 1 if natural else 2,
        "activations": [repr(activation) for activation in network.activations],
        "loss": repr(network.loss),
    }
    structure |= {} if natural else {"output": repr(network.output)}
    return structure if members == 1 else structure | {"members": members}


def read_structure(path: Path | str, text: str) -> dict[str, Any]:
    """The metadata's JSON, with its version checked."""
    try:
        structure = json.loads(text)
        version = structure["version"]
        if type(version) is not int or version < 1:
            raise ValueError
    except (KeyError, TypeError, ValueError, RecursionError):
        raise FileFormatError(f"{path} describes its network in a way that cannot be read: {text[:80]!r}.") from None
    if version > VERSION:
        raise FileFormatError(
            f"{path} is of format {version}, written by a newer backtalk, and this one reads up to {VERSION}: "
            "update backtalk."
        )
    if not {"activations", "loss"} <= set(structure):
        raise FileFormatError(f"{path} lacks the description of its activations or its loss.")
    return structure


def head_of(structure: dict[str, Any]) -> Head:
    """The output function and the loss that the metadata names."""
    return as_head(structure["loss"], structure.get("output"))
