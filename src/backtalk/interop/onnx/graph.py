"""An ONNX graph, read node by node into a stack of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from ...core.activations import Activation
from ...errors import InputError
from ..stack import Stack
from .budget import Budget
from .functions import ACTIVATION_OF, FUNCTIONS, PROBES, evaluate, is_function, recognize

DOMAINS = ("", "ai.onnx")
FOLDED = ("Identity", "Transpose", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten")  # of constants
PASSING = ("Identity", "Cast", "Dropout", "Flatten", "Reshape", "Squeeze")  # the same numbers in another form
LABELS = ("ArgMax", "Binarizer", "ZipMap", "ArrayFeatureExtractor", "TopK")  # what is made of the outputs for people


@dataclass(frozen=True, slots=True)
class Signal:
    """A tensor that depends on X: an element-wise function of a_layer (layer 0: of X itself).

    ``values``: of the function at PROBES. ``function``: what one node says it is, if one does. ``kind``: 'values',
    'softmax' of them, the 'pair' (1 − p, p) of a single output, or 'labels' made of the outputs. ``flat``: whether it
    is a matrix, with one row for each example.
    """

    layer: int
    values: np.ndarray
    function: Activation | None = None
    kind: str = "values"
    flat: bool = True
    place: str = ""  # of the last node that changed it


@dataclass(frozen=True, slots=True)
class Node:
    """A node whose result depends on X: its inputs by name, and those of them that depend on X."""

    kind: str
    domain: str
    attributes: dict[str, Any]
    inputs: list[str]
    signals: list[Signal]
    place: str


class Graph:
    """A graph and what is known of its tensors: constants, and signals."""

    onnx: Any
    graph: Any
    opset: int
    budget: Budget
    known: list[Activation]
    stack: Stack
    constants: dict[str, np.ndarray]
    signals: dict[str, Signal]
    nodes: list[tuple[int, Any]]
    uses: Counter[str]
    dims: list[int | None]

    def __init__(self, onnx: Any, graph: Any, opset: int, known: list[Activation], budget: Budget) -> None:
        self.onnx, self.graph, self.opset, self.budget = onnx, graph, opset, budget
        self.known = known  # activations as the metadata names them, taken if the graph agrees
        self.stack = Stack("it")
        self.constants = {each.name: self._array(each) for each in graph.initializer}
        self.signals = {}
        self._note_input()
        self.nodes = self._needed_nodes()
        self.uses = Counter(name for _, node in self.nodes for name in node.input)
        self.uses.update(output.name for output in self.graph.output)

    def read(self) -> Stack:
        """The stack of layers that the graph computes."""
        for number, node in self.nodes:
            name = node.name or node.output[0]
            self._read(node, f"node {number} of {len(self.graph.node)} ({node.op_type} {name!r})")
        end = self._end()
        self.stack.add_function(self._function_of(end, end.layer), end.place)
        return self.stack

    def _note_input(self) -> None:
        inputs = [each for each in self.graph.input if each.name not in self.constants]
        if len(inputs) != 1:
            names = ", ".join(each.name for each in inputs) or "none"
            raise InputError(f"it has {len(inputs)} inputs ({names}), expected one, X.")
        kind = inputs[0].type.tensor_type
        self.dims = [each.dim_value or None for each in kind.shape.dim] if kind.HasField("shape") else [None, None]
        self.signals[inputs[0].name] = Signal(0, PROBES, flat=len(self.dims) == 2)

    def _needed_nodes(self) -> list[tuple[int, Any]]:
        """The nodes that an output depends on, each with its number."""
        needed = {output.name for output in self.graph.output}
        kept = []
        for number, node in reversed(list(enumerate(self.graph.node, start=1))):
            if needed & set(node.output):
                kept.append((number, node))
                needed |= set(node.input)
        return kept[::-1]

    def _read(self, node: Any, place: str) -> None:
        attributes = {each.name: self.onnx.helper.get_attribute_value(each) for each in node.attribute}
        inputs = list(node.input)
        while inputs and not inputs[-1]:  # optional ones that are left out
            inputs.pop()
        if node.op_type == "Constant" and node.domain in DOMAINS:
            self.constants[node.output[0]] = self._constant(attributes, place)
            return
        signals = [self.signals[name] for name in inputs if name in self.signals]
        if not signals:
            self.constants[node.output[0]] = self._fold(node, inputs, place)
            return
        found = self._signal(Node(node.op_type, node.domain, attributes, inputs, signals, place))
        for name in node.output:
            self.signals[name] = found

    def _constant(self, attributes: dict[str, Any], place: str) -> np.ndarray:
        if "value" in attributes:
            return self._array(attributes["value"])
        for name in ("value_float", "value_floats", "value_int", "value_ints"):
            if name in attributes:
                return np.asarray(attributes[name])
        raise InputError(f"{place} is no constant of numbers.")

    def _array(self, tensor: Any) -> np.ndarray:
        array = self.onnx.numpy_helper.to_array(tensor)
        # NumPy has no bfloat16, whose numbers are those of float32 with fewer digits
        return array.astype(np.float32) if tensor.data_type == self.onnx.TensorProto.BFLOAT16 else array

    def _fold(self, node: Any, inputs: list[str], place: str) -> np.ndarray:
        """A constant that is made of constants."""
        constants = [self._numbers(name, place) for name in inputs]
        scalars = all(each.size == 1 for each in constants) and node.op_type in FUNCTIONS
        if not inputs or node.domain not in DOMAINS or not (node.op_type in FOLDED or scalars):
            raise _unsupported(place)
        from onnx.reference import ReferenceEvaluator  # pyright: ignore[reportMissingImports]

        evaluator = ReferenceEvaluator(node, opsets={node.domain: self.opset})
        found = cast("list[np.ndarray]", evaluator.run(None, dict(zip(inputs, constants, strict=True))))[0]
        self.budget.spend(found.nbytes, place)
        return found

    def _numbers(self, name: str, place: str) -> np.ndarray:
        if name not in self.constants:
            raise InputError(f"{place} has an input {name!r} that no node before it gives.")
        return self.constants[name]

    def _signal(self, node: Node) -> Signal:
        """What a node gives whose inputs depend on X."""
        if any(signal.kind == "labels" for signal in node.signals) or node.kind in LABELS:
            return self._labels(node)
        if node.domain not in DOMAINS:
            raise InputError(f"{node.place} of the domain {node.domain!r} is none that a Network has.")
        readers: dict[str, Callable[[Node], Signal]] = {
            "Gemm": self._gemm,
            "MatMul": self._matmul,
            "Softmax": self._softmax,
            "LogSoftmax": self._softmax,
            "Concat": self._pair,
            **dict.fromkeys(PASSING, self._passed),
            **dict.fromkeys((*FUNCTIONS, *ACTIVATION_OF), self._function),
        }
        if node.kind not in readers:
            raise _unsupported(node.place)
        return self._bias(node) if self._is_bias(node) else readers[node.kind](node)

    # Layers

    def _gemm(self, node: Node) -> Signal:
        inputs, given, place = node.inputs, node.attributes, node.place
        if inputs[0] not in self.signals or len(node.signals) > 1 or given.get("transA"):
            raise InputError(f"{place} is no layer: expected a product of what comes before with constant weights.")
        B = self._weights(inputs[1], place)
        W = B if given.get("transB") else B.T
        alpha, beta = given.get("alpha", 1.0), given.get("beta", 1.0)
        W = W if alpha == 1 else W * W.dtype.type(alpha)
        b = np.zeros(len(W), W.dtype)
        if len(inputs) > 2 and beta:
            C = self._numbers(inputs[2], place)
            b = self._bias_vector(C if beta == 1 else C * C.dtype.type(beta), len(W), place)
        return self._layer(node, W, b)

    def _weights(self, name: str, place: str) -> np.ndarray:
        W = self._numbers(name, place)
        if not W.size:  # the other size costs the file nothing, and would be that of b
            raise InputError(f"{place} has weights of shape {W.shape}, expected each size 1 or more.")
        return W

    def _matmul(self, node: Node) -> Signal:
        inputs, place = node.inputs, node.place
        if inputs[0] not in self.signals or len(node.signals) > 1 or self._weights(inputs[1], place).ndim != 2:
            raise InputError(f"{place} is no layer: expected a product of what comes before with a constant matrix.")
        W = self._weights(inputs[1], place).T
        return self._layer(node, W, np.zeros(len(W), W.dtype))

    def _layer(self, node: Node, W: np.ndarray, b: np.ndarray) -> Signal:
        signal, place, depth = node.signals[0], node.place, len(self.stack.W)
        if signal.layer != depth:
            raise InputError(f"{place} hears layer {signal.layer}, expected layer {depth}.")
        if not signal.flat or W.ndim != 2:
            shape = ", ".join(str(size or "N") for size in self.dims)
            raise InputError(
                f"{place} works on X of shape ({shape}), expected (examples, inputs), or a Flatten before it."
            )
        if not depth and signal.values is not PROBES:
            raise InputError(f"{signal.place} changes X before the first layer: take it out, and do that to the data.")
        self.stack.add_function(self._function_of(signal, depth), signal.place)
        self.budget.spend(W.nbytes + b.nbytes, place)
        self.stack.add_layer(W, b)
        return Signal(depth + 1, PROBES, place=place)

    def _is_bias(self, node: Node) -> bool:
        """Whether Add completes a layer: its sum without the bias is used nowhere else."""
        if node.kind != "Add" or len(node.signals) > 1:
            return False
        signal, (name, *_) = node.signals[0], (name for name in node.inputs if name in self.signals)
        fresh = signal.values is PROBES and signal.kind == "values" and signal.layer == len(self.stack.W) > 0
        return fresh and self.uses[name] == 1

    def _bias(self, node: Node) -> Signal:
        first, second = node.inputs
        constant = self._numbers(first if second in self.signals else second, node.place)
        b = self.stack.b
        b[-1] = b[-1] + self._bias_vector(constant, len(b[-1]), node.place)
        return replace(node.signals[0], place=node.place)

    def _bias_vector(self, constant: np.ndarray, units: int, place: str) -> np.ndarray:
        row = constant.reshape(-1)
        if row.size not in (1, units) or constant.size != (constant.shape or (1,))[-1]:
            raise InputError(
                f"{place} adds an array of shape {constant.shape}, expected a bias for each of {units} units."
            )
        return np.broadcast_to(row, (units,))

    # Functions

    def _function(self, node: Node) -> Signal:
        first = node.signals[0]
        values: list[Any] = []
        for name in node.inputs:
            if name in self.signals:
                signal = self.signals[name]
                if signal.kind != "values" or signal.layer != first.layer:
                    raise _unsupported(node.place)
                values.append(signal.values)
            elif not name:
                values.append(None)
            else:
                constant = self._numbers(name, node.place)
                if constant.size != 1 and not (constant == constant.flat[0]).all():
                    raise _unsupported(node.place)  # other numbers for each unit: no activation
                values.append(constant.flat[0].astype(float))
        found, activation = evaluate(node.kind, node.attributes, values)
        exact = activation if first.values is PROBES else None
        return replace(first, values=np.asarray(found), function=exact, place=node.place)

    def _function_of(self, signal: Signal, layer: int) -> Activation | str:
        """The function that a signal is of a_layer."""
        if signal.kind in ("softmax", "labels"):
            return signal.kind
        if 0 < layer <= len(self.known) and is_function(signal.values, self.known[layer - 1]):
            return self.known[layer - 1]
        function = signal.function or recognize(signal.values)
        if function is None:
            raise InputError(f"{signal.place} ends an element-wise function that is no activation of a Network.")
        return function

    def _softmax(self, node: Node) -> Signal:
        signal = node.signals[0]
        if node.attributes.get("axis", -1) not in (-1, 1) or signal.values is not PROBES or signal.kind != "values":
            raise _unsupported(node.place)
        return replace(signal, kind="softmax", place=node.place)

    # What changes no number

    def _passed(self, node: Node) -> Signal:
        kind, place, signal = node.kind, node.place, node.signals[0]
        units = len(self.stack.b[signal.layer - 1]) if signal.layer else None
        if kind == "Cast":
            types = self.onnx.TensorProto
            if node.attributes["to"] not in (types.FLOAT, types.DOUBLE, types.FLOAT16, types.BFLOAT16):
                raise _unsupported(place)
        elif kind == "Dropout":
            if len(node.inputs) > 2 and np.any(self._numbers(node.inputs[2], place)):
                raise InputError(f"{place} is in training mode: export the model for inference.")
        elif kind == "Squeeze":
            if units != 1:
                raise _unsupported(place)
        elif kind in ("Flatten", "Reshape"):
            if not self._keeps_rows(node, units):
                raise InputError(f"{place} does not keep one row for each example.")
            return replace(signal, flat=True)
        return signal

    def _keeps_rows(self, node: Node, units: int | None) -> bool:
        """Whether the result has one row for each example, with all of its numbers."""
        given = node.attributes
        known = units if units or None in self.dims[1:] else int(np.prod([each or 1 for each in self.dims[1:]]))
        if node.kind == "Flatten":
            return given.get("axis", 1) in (1, 1 - len(self.dims)) or (units is not None and given.get("axis") == -1)
        shape = self._numbers(node.inputs[1], node.place).tolist()
        if units == 1 and len(shape) == 1:
            return True
        if len(shape) != 2:
            return False
        rows, columns = shape
        whole = columns == known if columns > 0 and known else columns > 0 and units is None
        same_rows = (rows == 0 and not given.get("allowzero")) or rows == self.dims[0]
        return whole or (same_rows and columns in (-1, known))

    # Ends

    def _pair(self, node: Node) -> Signal:
        """The probabilities (1 − p, p) of two classes, from one output."""
        if len(node.signals) == 2 and node.attributes.get("axis") in (1, -1):
            no, yes = node.signals
            single = yes.layer == no.layer > 0 and len(self.stack.b[yes.layer - 1]) == 1
            if single and {no.kind, yes.kind} == {"values"} and np.allclose(no.values, 1 - yes.values, atol=1e-12):
                return replace(yes, kind="pair")
        raise _unsupported(node.place)

    def _labels(self, node: Node) -> Signal:
        signal = node.signals[0]
        if node.domain not in (*DOMAINS, "ai.onnx.ml") or signal.layer != len(self.stack.W):
            raise _unsupported(node.place)
        return signal if node.kind == "ZipMap" else replace(signal, kind="labels", place=node.place)

    def _end(self) -> Signal:
        """The signal that is the graph's output."""
        found = [self.signals[each.name] for each in self.graph.output if each.name in self.signals]
        ends = {(each.layer, each.kind, each.values.tobytes()): each for each in found if each.kind != "labels"}
        names = ", ".join(each.name for each in self.graph.output)
        if len(ends) != 1 or len(found) != len(self.graph.output):
            raise InputError(f"it has the outputs {names}, expected one: ŷ, or a_L before its function.")
        (end,) = ends.values()
        if end.layer != len(self.stack.W):
            raise InputError(f"it gives what layer {end.layer} says, expected {len(self.stack.W)}, the last.")
        return end


def _unsupported(place: str) -> InputError:
    return InputError(
        f"{place} is none that a Network has: expected layers (Gemm, or MatMul and Add) with activations between."
    )
