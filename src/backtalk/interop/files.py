"""A network to and from a safetensors file: the arrays ``W.1``, ``b.1``, …, and the structure as metadata.

Metadata: ``format`` is "backtalk.network", ``format_version`` a whole number, ``activations`` a JSON list and
``loss`` a name, both in the text form of :mod:`backtalk.specification`. Nothing is loaded by pickle.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from ..arrays import to_numpy
from ..errors import BacktalkError, FileFormatError, UnknownNameError
from ..network import Network

FORMAT = "backtalk.network"
FORMAT_VERSION = 1


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network to a safetensors file; a file of that name is replaced only once the new one is complete.

    Raises ``OSError`` where the file cannot be written.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> save(Network.create([2, 3, 2], rng=0), folder.name + "/model.safetensors")
    >>> load(folder.name + "/model.safetensors").sizes
    (2, 3, 2)
    >>> folder.cleanup()
    """
    arrays = {
        f"{family}.{i}": np.ascontiguousarray(to_numpy(array))
        for family, layers in (("W", network.W), ("b", network.b))
        for i, array in layers.items()
    }
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "activations": json.dumps([repr(activation) for activation in network.activations]),
        "loss": repr(network.loss),
    }
    write_atomically(Path(path), safetensors.numpy.save(arrays, metadata))


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network from a file that :func:`save` wrote, as NumPy arrays.

    Raises ``FileNotFoundError``, and :class:`~backtalk.errors.FileFormatError` for a file that is not a backtalk
    network, is truncated or damaged, or was written by a newer version.
    """
    path = Path(path)
    with path.open("rb"):  # the plain OSError for a file that is missing, a folder or not readable
        pass
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        if "IncompleteBuffer" in str(error):
            raise FileFormatError(f"{path} is truncated: it is shorter than its header says; copy it again.") from None
        raise FileFormatError(f"{path} is not a safetensors file, or is damaged at its beginning.") from None
    except (TypeError, ValueError, AttributeError):
        raise FileFormatError(f"{path} holds arrays of a kind that a network does not have.") from None
    if metadata.get("format") != FORMAT:
        raise FileFormatError(f"{path} is a safetensors file, but not a network saved by backtalk.")
    return _network(path, metadata, arrays)


def _network(path: Path, metadata: dict[str, str], arrays: dict[str, np.ndarray]) -> Network:
    version = metadata.get("format_version", "")
    if not version.isdecimal():
        raise FileFormatError(f"{path} has format_version {version!r}, expected a whole number.")
    if int(version) > FORMAT_VERSION:
        raise FileFormatError(
            f"{path} is of format {version}, written by a newer backtalk; this one reads up to {FORMAT_VERSION}: "
            "update backtalk."
        )
    depth = len(arrays) // 2
    expected = {f"{family}.{i}" for family in "Wb" for i in range(1, depth + 1)}
    if not arrays or set(arrays) != expected:
        raise FileFormatError(f"{path} holds the arrays {sorted(arrays)}, expected W.1, b.1, W.2, b.2, ….")
    W, b = ([arrays[f"{family}.{i}"] for i in range(1, depth + 1)] for family in "Wb")
    try:
        activations = json.loads(metadata["activations"])
        return Network(W, b, activations, metadata["loss"])
    except UnknownNameError as error:
        raise FileFormatError(
            f"{path} cannot be read: {error} An activation of your own must be registered before loading."
        ) from None
    except (KeyError, json.JSONDecodeError):
        raise FileFormatError(f"{path} lacks the description of its activations or its loss.") from None
    except BacktalkError as error:
        raise FileFormatError(f"{path} holds a network that cannot be used: {error}") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside ``path``, sync it, and rename it to ``path``."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
