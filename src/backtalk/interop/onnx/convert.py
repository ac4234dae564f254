"""A network to and from an ONNX file.

The file holds the graph, and under the key ``backtalk.network`` of its metadata the activations, the output function
and the loss in the text form of :mod:`backtalk.core.specification`, as in our safetensors files. The graph is what
counts: the metadata adds what a graph cannot say, such as the loss and every digit of a parameter, and is passed over
if the graph says otherwise.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from ...core.activations import Activation, as_activation
from ...core.files import as_path, require_ordinary, write_atomically
from ...core.head import Head
from ...core.inputs import require_network
from ...core.losses import Loss, as_loss
from ...core.network import Network
from ...core.outputs import ElementWise, Output
from ...errors import BacktalkError, FileFormatError, InputError, first_line
from ..stack import need_library
from ..structure import KEY, head_of, read_structure, structure_of
from .budget import Budget
from .external import read_beside
from .graph import Graph
from .writer import PRODUCER, build_model

INSTALL = "pip install 'backtalk[onnx]'"
LARGEST = 2**31 - 1  # bytes of a message of protocol buffers
ROOM = 2**20  # for all but the weights


def to_onnx(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network to an ONNX file, as :func:`backtalk.to_onnx` says."""
    require_network(network)
    path = as_path(path)
    onnx = need_library("onnx", "to_onnx", INSTALL)
    require_room([network])
    model = build_model(onnx, network, {KEY: json.dumps(structure_of(network))})
    onnx.checker.check_model(model)
    write_atomically(path, model.SerializeToString())


def require_room(networks: Sequence[Network]) -> None:
    """Refuse more weights than an ONNX file can hold."""
    size = sum(each.parameter_count * (4 if each.spec.dtype_name == "float32" else 8) for each in networks)
    if size > LARGEST - ROOM:
        raise InputError(
            f"network has {size / 1e9:.1f} GB of weights, and an ONNX file holds 2 GB: save it as .safetensors."
        )


def from_onnx(path: Any, loss: str | Loss | None = None, *, output: str | Output | Activation | None = None) -> Network:
    """Read a network from an ONNX file, of backtalk or of another exporter, as NumPy arrays.

    ``path``: a file, or an ``onnx.ModelProto``. The network's output function is what the graph ends with: softmax
    after Softmax or LogSoftmax, any activation, or the identity after a layer. ``loss``: by default the one that
    backtalk wrote into the file, else the natural one of that output function: ``cross_entropy`` of softmax,
    ``binary_cross_entropy`` of sigmoid, ``poisson_deviance`` of exp, else ``squared_error``. If a graph ends with a
    layer that gives logits, use ``loss="cross_entropy"`` or ``loss="binary_cross_entropy"``; then the layer gives a_L
    of the natural output function of that loss. ``output`` names another one for it.

    The graph may contain layers (``Gemm``; ``MatMul``, ``Add``), activations between them in any operators that
    compute one of backtalk's activations, and nodes that change no number: ``Identity``, ``Cast`` between floats,
    ``Dropout``, ``Flatten`` and ``Reshape`` that keep one row for each example. From the classifiers that skl2onnx
    writes, the network takes the probabilities and ignores the labels. At most 20 000 nodes are read, and weights that
    layers share are read for each of them, as long as all together stay below 8 times the file's size and 64 MB.
    Weights that the model keeps in other files, as ``torch.onnx.export`` writes them into ``model.onnx.data``, are read
    from the folder of the model, and from nowhere else.

    Raises :class:`~backtalk.errors.FileFormatError` for a file that is damaged or no ONNX model, whose weights in other
    files are not there, or that holds another graph; the error names the first unknown node and its place. Raises
    :class:`~backtalk.errors.MissingLibraryError` without the library onnx.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_onnx(Network.create([4, 3], loss="squared_error", rng=0), folder + "/model.onnx")
    ...     from_onnx(folder + "/model.onnx").loss
    squared_error
    """
    loss = None if loss is None else as_loss(loss)
    onnx = need_library("onnx", "from_onnx", INSTALL)
    if isinstance(path, onnx.ModelProto):
        name, model, folder = "the model", path, None
    else:
        path = as_path(path)
        name, model, folder = str(path), _read(onnx, path), path.parent
    with _about(name):
        budget = Budget(model)
        tensors = chain.from_iterable(map(_tensors, (model.graph, *model.functions)))
        budget.allow(read_beside(onnx, tensors, folder, LARGEST - ROOM - model.ByteSize()))
        _check(onnx, model)
        if model.functions:
            import onnx.inliner

            model = onnx.inliner.inline_local_functions(model)
        activations, said = _metadata(model, name)
        opset = max((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), default=1)
        stack = Graph(onnx, model.graph, opset, activations, budget).read()
        if loss is None and output is None:
            if said is None and model.producer_name == PRODUCER:
                raise InputError(
                    "it lacks what backtalk writes at its end: it is truncated, or was changed; say its loss."
                )
            if said is not None and said.output == stack.output():
                loss, output = said.loss, said.output
    stack.source = name
    head = stack.head(loss, output)
    with _about(name):
        return stack.network(head.loss, head.output)


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Errors of what the file holds are errors of the file."""
    try:
        yield
    except (FileFormatError, OSError):
        raise
    except BacktalkError as error:
        raise FileFormatError(f"{name} cannot be read: {error}") from None
    except MemoryError:
        raise FileFormatError(f"{name} asks for more memory than there is.") from None
    except Exception as error:  # what NumPy and onnx say of a graph whose parts do not fit one another is of many kinds
        raise FileFormatError(f"{name} is damaged: {type(error).__name__}, {first_line(error)}.") from None


def _read(onnx: Any, path: Path) -> Any:
    require_ordinary(path)
    if path.stat().st_size > LARGEST:
        raise FileFormatError(f"{path} has {path.stat().st_size / 1e9:.1f} GB, but an ONNX file holds at most 2 GB.")
    from google.protobuf.message import DecodeError

    try:
        return onnx.load_model_from_string(path.read_bytes())
    except DecodeError:
        raise FileFormatError(f"{path} is truncated, damaged or not an ONNX file.") from None


def _check(onnx: Any, model: Any) -> None:
    """Refuse what is no whole model by itself."""
    if not model.HasField("graph") or not model.graph.node:
        raise InputError("it holds no graph, as an ONNX model does.")
    if model.graph.sparse_initializer:
        raise InputError("it holds sparse weights: export it with dense ones.")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise InputError(f"it is no valid ONNX model ({first_line(error)}).") from None


def _metadata(model: Any, name: str) -> tuple[list[Activation], Head | None]:
    """What backtalk wrote into the file: the activations, that of the output layer the last of them; and the head."""
    texts = [each.value for each in model.metadata_props if each.key == KEY]
    if not texts:
        return [], None
    structure = read_structure(name, texts[0])
    activations, head = [as_activation(text) for text in structure["activations"]], head_of(structure)
    if isinstance(head.output, ElementWise):
        activations.append(head.output.activation)
    return activations, head


def _tensors(graph: Any) -> Iterator[Any]:
    """Every tensor that a graph or its nodes hold."""
    yield from getattr(graph, "initializer", ())
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            yield from (tensor for part in (attribute.g, *attribute.graphs) for tensor in _tensors(part))
