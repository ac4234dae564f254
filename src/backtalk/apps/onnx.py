"""``to_onnx``: a network, or a run with its preprocessing, as an ONNX file."""

from __future__ import annotations

import os
from typing import Any

from ..core.files import as_path, write_atomically
from ..core.network import Network
from ..interop.onnx import convert
from ..interop.stack import need_library


def to_onnx(network: Any, path: str | os.PathLike[str]) -> None:
    """Write a network to an ONNX file; or a run, whose inputs are the columns of a table.

    Of a network, the file computes X (N, n_0) → ŷ (N, k), in the network's dtype, for any number of examples. Layers
    become ``Gemm`` with W as it is, then the operator of the activation; at the end that of the output function:
    ``Softmax``, or any activation. The opset is 13; for mish 18, and for gelu and gelu_tanh 20, in float32.
    In float64, activations are written with operators of opset 13 that onnxruntime computes in float64. Outputs in
    onnxruntime are equal to 1e-6. :func:`from_onnx` returns the same network, to the bit.

    Of a run (:func:`load_run` gives it), of the folder of a run, or of a fitted :class:`TableClassifier` or
    :class:`TableRegressor`, the file computes what is predicted of the columns as they are. Each input is a column by
    its name, shape (N, 1): a number in float64, NaN if it is missing; a word as text, ``''`` if it is missing; yes or
    no as text, such as ``true``; a date as days since 1970-01-01; a time as a share of the day. Outputs: ``label``
    (N,), text, and ``probabilities`` (N, classes), in the order of ``backtalk.classes`` in the metadata; or
    ``prediction`` (N, 1), float64, in the unit of the target. They are equal to those of ``predict`` to float32. If a
    column has the name of an output, that gets an underscore behind it. Words are read in their usual spellings,
    without blanks around them.

    Raises :class:`~backtalk.errors.InputError` for an activation of your own, which ONNX does not have, for more
    than 2 GB of weights, and for a column that ONNX cannot read, such as numbers with currency signs, or dates that are
    not written as 2024-12-31; ``OSError`` if the file cannot be written; and
    :class:`~backtalk.errors.MissingLibraryError` without the library onnx.

    >>> import tempfile
    >>> from backtalk import from_onnx
    >>> folder = tempfile.TemporaryDirectory()
    >>> to_onnx(Network.create([4, 8, 3], "silu", rng=0), folder.name + "/model.onnx")
    >>> from_onnx(folder.name + "/model.onnx")
    Network 4 → 8 → 3, 67 parameters, float64, numpy
      1  4 → 8  silu           W (8, 4)  b (8,)
      2  8 → 3  softmax        W (3, 8)  b (3,)  cross_entropy
    >>> folder.cleanup()
    """
    if isinstance(network, Network):
        convert.to_onnx(network, path)
        return
    from .tables.onnx.export import build_model
    from .tables.opened import model_of

    model = model_of(network)
    path = as_path(path)
    onnx = need_library("onnx", "to_onnx", convert.INSTALL)
    convert.require_room(model.members)
    found = build_model(onnx, model)
    onnx.checker.check_model(found)
    write_atomically(path, found.SerializeToString())
