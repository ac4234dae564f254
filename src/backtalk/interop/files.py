"""A network to and from a safetensors file: the arrays ``W.1``, ``b.1``, …, and the structure as metadata.

A name that ends in ``.onnx`` leads to :mod:`backtalk.interop.onnx`.

The metadata has one key, ``backtalk.network``, so that the same network gives the same bytes. Its value is JSON:
``version`` of the format, a whole number; ``activations``, a list, and ``loss``, in the text form of
:mod:`backtalk.core.specification`; and, from version 2 on, ``output`` if it is not the natural one of the loss. A
checkpoint is such a file with the state of training beside the network: ``training`` in the JSON, and arrays named
``training.…``. ``run``, if it is there, says to which run of ``backtalk train`` the file belongs. A file of several
networks, whose mean predicts, has their number as ``members``, perhaps their ``weights`` in the mean, and the arrays
``1.W.1``, ``1.b.1``, …, ``2.W.1``, … (version 3). Nothing is loaded by pickle.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ..core.arrays import to_numpy
from ..core.checked import as_kind
from ..core.files import as_path, require_ordinary, write_atomically
from ..core.inputs import require_network
from ..core.mean import mean_network, require_mean
from ..core.network import Network
from ..errors import BacktalkError, FileFormatError, InputError, UnknownNameError, cut
from .structure import KEY, read_structure, structure_of

MODEL = "model.safetensors"  # in the folder of a run
PREFIX = "training."
KEYS = {"version", "activations", "loss", "output", "training"}  # of files without a check sum


def save(network: Network | Sequence[Network], path: str | os.PathLike[str]) -> None:
    """Write a network to a safetensors file, or to an ONNX file if the name ends in ``.onnx``.

    Several networks, such as those of :func:`~backtalk.fit_many`, are the members of an ensemble, whose mean
    :func:`load` gives. A file of that name is replaced only once the new one is complete. Raises ``OSError`` if the
    file cannot be written, :class:`~backtalk.errors.InputTypeError` if an argument is no network or no path, the errors
    of :func:`backtalk.mean_network` and of :func:`backtalk.to_onnx`.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> save(Network.create([2, 3, 2], rng=0), folder.name + "/model.safetensors")
    >>> load(folder.name + "/model.safetensors").sizes
    (2, 3, 2)
    >>> save([Network.create([2, 3, 2], rng=seed) for seed in range(5)], folder.name + "/ensemble.safetensors")
    >>> load(folder.name + "/ensemble.safetensors").sizes, len(load_members(folder.name + "/ensemble.safetensors"))
    ((2, 15, 2), 5)
    >>> folder.cleanup()
    """
    members = [network] if isinstance(network, Network) else network
    for each in members if isinstance(members, list | tuple) else [network]:
        require_network(each)
    if is_onnx(path):
        from .onnx import to_onnx

        to_onnx(mean_network(members), path)
    else:
        save_members(members, path)


def save_members(
    members: Sequence[Network],
    path: str | os.PathLike[str],
    weights: Sequence[float] | None = None,
    *,
    run: dict[str, str] | None = None,
) -> None:
    """Write the networks of an ensemble to a safetensors file, or a single network.

    ``weights``: as for :func:`~backtalk.mean_network`. ``run``: facts of the run that the file belongs to, which
    :func:`facts_of_run` reads.
    """
    if len(members) == 1:
        save_with(members[0], path, run=run)
        return
    require_mean(members, weights)
    kept = {f"{k}.{name}": array for k, each in enumerate(members, 1) for name, array in _arrays(each).items()}
    structure = structure_of(members[0], len(members))
    _write(path, structure | ({} if weights is None else {"weights": [float(each) for each in weights]}), kept, run)


def save_with(
    network: Network,
    path: str | os.PathLike[str],
    training: dict[str, Any] | None = None,
    *,
    run: dict[str, str] | None = None,
    **arrays: np.ndarray,
) -> None:
    """Write a network with the state of training beside it: facts, as JSON, and arrays, named ``training.…``.

    ``run``: as for :func:`save_members`.
    """
    require_network(network)
    structure = structure_of(network) | ({} if training is None else {"training": training})
    beside = {PREFIX + name: array for name, array in arrays.items()}
    _write(path, structure, _arrays(network) | beside, run)


def _arrays(network: Network) -> dict[str, np.ndarray]:
    return {f"{family}.{i}": to_numpy(array) for family in "Wb" for i, array in getattr(network, family).items()}


def _write(
    path: str | os.PathLike[str], structure: dict[str, Any], kept: dict[str, np.ndarray], run: dict[str, str] | None
) -> None:
    path = as_path(path)
    if run is not None:
        structure["run"] = run
    content = {name: np.ascontiguousarray(array) for name, array in kept.items()}
    structure["check_sum"] = _check_sum(structure, content)
    write_atomically(path, safetensors.numpy.save(content, {KEY: json.dumps(structure)}))


def load(path: str | os.PathLike[str], member: int | None = None) -> Network:
    """Read a network from a file that :func:`save` wrote, or from a checkpoint, as NumPy arrays.

    Of the folder of a run of ``backtalk train`` it is that of the run, ``model.safetensors``. Of a file of several
    networks it is their mean (:func:`backtalk.mean_network`), or the one of them that ``member`` names, 1 … k.
    A name that ends in ``.onnx`` is that of an ONNX file, of backtalk or of another exporter:
    :func:`backtalk.from_onnx` says what is read, and which loss the network gets if the file does not say.

    Raises ``FileNotFoundError``, and :class:`~backtalk.errors.FileFormatError` for a file that is not a backtalk
    network, is truncated or damaged, or was written by a newer version, and for another folder;
    :class:`~backtalk.errors.InputError` for a member that the file does not have.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Network.create([2, 3, 2], "tanh", rng=0), folder + "/model.safetensors")
    ...     load(folder + "/model.safetensors").activations
    (tanh,)
    """
    members, weights = read_members(path)
    if member is None:
        return mean_network(members, weights)
    if isinstance(member, bool) or not isinstance(member, int) or not 1 <= member <= len(members):
        which = f"1 to {len(members)}" if len(members) > 1 else "1, its only network"
        raise InputError(f"member is {member!r}, but {path} has {len(members)}: expected {which}.")
    return members[member - 1]


def load_members(path: str | os.PathLike[str]) -> tuple[Network, ...]:
    """Read all networks of a file or of the folder of a run: the members of an ensemble, or a single network.

    Raises the errors of :func:`load`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save([Network.create([2, 3, 2], rng=seed) for seed in range(2)], folder + "/model.safetensors")
    ...     [network.sizes for network in load_members(folder + "/model.safetensors")]
    [(2, 3, 2), (2, 3, 2)]
    """
    return read_members(path)[0]


def read_members(path: str | os.PathLike[str]) -> tuple[tuple[Network, ...], list[float] | None]:
    """The same, with their weights in the mean, if the file has some."""
    if is_onnx(path):
        from .onnx import from_onnx

        return (from_onnx(path),), None
    place = as_path(path)
    if place.is_dir():
        if not (place / MODEL).exists():
            raise FileFormatError(
                f"is a folder without {MODEL}, expected a file, or the folder of a run of 'backtalk train'.", file=place
            )
        place = place / MODEL
    structure, arrays, _ = _read(place)
    count = structure.get("members", 1)
    if count == 1:
        return (_network(place, structure, arrays),), None
    if type(count) is not int or count < 1:
        raise FileFormatError(f"{place} says that it has {cut(str(count))} members, expected a whole number.")
    own: dict[int, dict[str, np.ndarray]] = {k: {} for k in range(1, count + 1)}
    for name, array in arrays.items():
        k, _, rest = name.partition(".")
        if not (k.isdecimal() and int(k) in own):
            raise FileFormatError(f"{place} holds the array {cut(name)}, expected those of its {count} members.")
        own[int(k)][rest] = array
    members = tuple(_network(place, structure, each) for each in own.values())
    weights = structure.get("weights")
    try:
        require_mean(members, weights)
    except (InputError, TypeError, ValueError) as error:
        raise FileFormatError(f"{place} holds members that do not go together: {error}") from None
    return members, weights


def load_with(path: str | os.PathLike[str]) -> tuple[Network, dict[str, Any] | None, dict[str, np.ndarray]]:
    """The network, and what :func:`save_with` wrote beside it: the facts (None if there are none), the arrays."""
    path = as_path(path)
    structure, arrays, beside = _read(path)
    network = _network(path, structure, arrays)
    return network, as_kind(structure.get("training"), dict[str, Any] | None, path, "training"), beside


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What a file says of its networks, their arrays, and those beside them."""
    require_ordinary(path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        reason = str(error).rpartition(": ")[2]
        raise FileFormatError(f"{path} is truncated, damaged or not a safetensors file ({reason}).") from None
    except (TypeError, ValueError, AttributeError):
        raise FileFormatError(f"{path} holds arrays of a kind that a network does not have.") from None
    if KEY not in metadata:
        raise FileFormatError(f"{path} is a safetensors file, but not a network saved by backtalk.")
    structure = read_structure(path, metadata[KEY])
    found = structure.pop("check_sum", None)  # files of the first days have none
    if (found is None and set(structure) - KEYS) or (found is not None and found != _check_sum(structure, arrays)):
        raise FileFormatError(f"{path} is damaged: its check sum does not fit what it holds.")
    beside = {name.removeprefix(PREFIX): arrays.pop(name) for name in list(arrays) if name.startswith(PREFIX)}
    return structure, arrays, beside


def facts_of_run(path: str | os.PathLike[str]) -> dict[str, str]:
    """What a file says of the run that it belongs to; nothing if it says nothing, or cannot be read at all."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            structure = read_structure(as_path(path), (file.metadata() or {})[KEY])
    except (safetensors.SafetensorError, KeyError):
        return {}
    run = structure.get("run", {})
    if not isinstance(run, dict) or not all(isinstance(value, str) for value in run.values()):
        raise FileFormatError(f"{path} says of which run it is in a way that cannot be read: {cut(str(run))}.")
    return run


def _check_sum(structure: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """CRC-32 of the structure and of all arrays."""
    total = zlib.crc32(json.dumps(structure, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), total)
        total = zlib.crc32(array.data.cast("B") if array.size else b"", total)
    return f"{total:08x}"


def is_onnx(path: Any) -> bool:
    """Whether the name says that it is an ONNX file."""
    return isinstance(path, str | os.PathLike) and Path(path).suffix.lower() == ".onnx"


def _network(path: Path, structure: dict[str, Any], arrays: dict[str, np.ndarray]) -> Network:
    depth = len(arrays) // 2
    expected = {f"{family}.{i}" for family in "Wb" for i in range(1, depth + 1)}
    if not arrays or set(arrays) != expected:
        found = ", ".join(sorted(arrays)[:6]) or "none"
        more = f" and {len(arrays) - 6} more" if len(arrays) > 6 else ""
        raise FileFormatError(f"{path} holds the arrays {found}{more}, expected W.1, b.1, W.2, b.2, ….")
    W, b = ([arrays[f"{family}.{i}"] for i in range(1, depth + 1)] for family in "Wb")
    try:
        return Network(W, b, structure["activations"], structure["loss"], output=structure.get("output"))
    except UnknownNameError as error:
        kind = "A loss" if error.argument == "loss" else "An activation"
        hint = f" {kind} of your own must be registered before loading."
        raise FileFormatError(f"{path} cannot be read: {error}{hint}") from None
    except BacktalkError as error:
        raise FileFormatError(f"{path} holds a network that cannot be used: {error}") from None
