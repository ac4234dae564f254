"""A run as an ONNX graph: from the columns of a table, by their names, to predictions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ....core.losses import GaussianNLL, Quantiles
from ....core.mean import shares_of
from ....interop.onnx.writer import Writer, write_layers, write_output
from ..metrics import gives_shares
from .columns import Inputs
from .pieces import binary, chosen, constant, doubles, in_order

if TYPE_CHECKING:
    from ..model import Model

LABEL, PROBABILITIES, SCORES = "label", "probabilities", "scores"
PREDICTION, DEVIATION = "prediction", "standard_deviation"


def build_model(onnx: Any, model: Model) -> Any:
    """The ``ModelProto`` of a run; its metadata name the target, and its classes in the order of the probabilities.

    Raises :class:`~backtalk.errors.InputError` for a column that ONNX cannot read, and for an activation of your own.
    """
    used = model.preprocessing.used
    tag = "/" * (1 + max(len(name) - len(name.lstrip("/")) for name in used))  # begins no name of a column
    writer = Writer(onnx, np.dtype(np.float32), prefix=f"{tag}columns")
    inputs = Inputs(writer, model.preprocessing)
    X = inputs.write()
    output = _mean(writer, model, X, tag)
    writer.prefix = f"{tag}prediction"
    named = {name: free_name(name, used) for name in (LABEL, PROBABILITIES, SCORES, PREDICTION, DEVIATION)}
    ends = (_of_classes if model.target.classifies else _of_numbers)(writer, model, output, named)
    outputs = [onnx.helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in ends.items()]
    facts = {"backtalk.target": model.target.name}
    if model.target.classifies:
        facts["backtalk.classes"] = json.dumps(model.target.classes)
    return writer.model(inputs.described, outputs, facts)


def _mean(writer: Writer, model: Model, X: str, tag: str) -> str:
    """ŷ of the mean of the members: each computes its own a_L, which takes less than their one network."""
    ends = [write_layers(writer, network, X, f"{tag}member.{k}.") for k, network in enumerate(model.members, start=1)]
    writer.prefix = f"{tag}mean"
    if len(ends) > 1:
        shares = shares_of(model.weights, len(ends))
        weighed = [writer.node("Mul", a, writer.constant(share)) for a, share in zip(ends, shares, strict=True)]
        ends = [writer.node("Sum", *weighed)]
    return write_output(writer, model.members[0], *ends)


Ends = dict[str, tuple[Any, list[Any]]]  # of each output of the graph, its kind and its shape


def _of_classes(writer: Writer, model: Model, output: str, named: Mapping[str, str]) -> Ends:
    """The label of each row, and a number for each class."""
    types, classes = writer.onnx.TensorProto, model.target.classes
    best = _labels(writer, model, output)
    label = writer.node("Gather", writer.constant(classes, dtype=object), best, name=named[LABEL])
    shares = named[PROBABILITIES if gives_shares(model.members[0]) else SCORES]
    writer.node("Identity", output, name=shares)
    return {label: (types.STRING, ["N"]), shares: (types.FLOAT, ["N", len(classes)])}


def _labels(writer: Writer, model: Model, output: str) -> str:
    """The place of each row's class: the largest output, or by the threshold."""
    if model.target.threshold is None:
        return writer.node("ArgMax", output, axis=1, keepdims=0)
    reached = writer.node("GreaterOrEqual", chosen(writer, output, [1]), writer.constant(model.target.threshold))
    places = writer.node("Cast", reached, to=writer.onnx.TensorProto.INT64)
    return writer.node("Reshape", places, writer.constant([-1], dtype=np.int64))


def _of_numbers(writer: Writer, model: Model, output: str, named: Mapping[str, str]) -> Ends:
    """The number, in the unit of the table; and its standard deviation, if the network learned one."""
    shape, target = (writer.onnx.TensorProto.DOUBLE, ["N", 1]), model.target
    several = model.members[0].sizes[-1] > 1
    if isinstance(model.members[0].loss, Quantiles):
        output = in_order(writer, output, model.members[0].sizes[-1])  # as they are predicted
    number = doubles(writer, chosen(writer, output, [target.point]) if several else output)
    scaled = binary(writer, "Mul", number, target.scale)
    ends = {writer.node("Add", scaled, constant(writer, target.mean), name=named[PREDICTION]): shape}
    if isinstance(model.members[0].loss, GaussianNLL):
        half = binary(writer, "Div", doubles(writer, chosen(writer, output, [1])), 2.0)
        scale = constant(writer, target.scale)
        ends[writer.node("Mul", writer.node("Exp", half), scale, name=named[DEVIATION])] = shape
    return ends


def free_name(name: str, others: Iterable[str]) -> str:
    """The name, with underscores behind it as long as a column has it.

    >>> free_name("label", ["age", "label"])
    'label_'
    """
    taken = {*others}
    while name in taken:
        name += "_"
    return name
