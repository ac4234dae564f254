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
from .functions import ACTIVATION_OF, FUNCTIONS, PROBES, evaluate, is_function, recognize

DOMAINS = ("", "ai.onnx")
FOLDED = ("Identity", "Transpose", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten")  # of constants
PASSING = ("Identity", "Cast", "Dropout", "Flatten", "Reshape", "Squeeze")  # the same numbers in another form
LABELS = ("ArgMax", "Binarizer", "ZipMap", "ArrayFeatureExtractor", "TopK")  # what is made of the outputs for people


@dataclass(frozen=True, slots=True)
class Signal:
    """A tensor that depends on X: an element-wise function of a_layer (layer 0: of X itself).

    ``values``: of the function at PROBES. ``function``: what one node says it is, where one does. ``kind``: 'values',
    'softmax' of them, the 'pair' (1 − p, p) of a single output, or 'labels' made of the outputs. ``flat``: whether it
    is a matrix, with one row for each example.
    """

    layer: int
    values: np.ndarray
    function: Activation | None = None
    kind: str = "values"
    flat: bool = True
    place: str = ""  # of the last node that changed it


class Graph:
    """A graph and what is known of its tensors: constants, and signals."""

    def __init__(self, onnx: Any, graph: Any, opset: int, known: list[Activation]) -> None:
        self.onnx, self.graph, self.opset = onnx, graph, opset
        self.known = known  # activations as the metadata names them, taken where the graph agrees
        self.stack = Stack("it")
        self.constants: dict[str, np.ndarray] = {}
        self.signals: dict[str, Signal] = {}
        for tensor in self.graph.initializer:
            self.constants[tensor.name] = onnx.numpy_helper.to_array(tensor)
        self._note_input()
        self.nodes = self._needed_nodes()
        self.uses = Counter(name for _, node in self.nodes for name in node.input)
        self.uses.update(output.name for output in self.graph.output)

    def read(self) -> Stack:
        """The stack of layers that the graph computes."""
        for number, node in self.nodes:
            self._read(node, self._place(number, node))
        function, place = self._end()
        self.stack.add_function(function, place)
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

    def _place(self, number: int, node: Any) -> str:
        return f"node {number} of {len(self.graph.node)} ({node.op_type} {node.name or node.output[0]!r})"

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
        if any(signal.kind == "labels" for signal in signals) or node.op_type in LABELS:
            found = self._labels(node, signals, place)
        elif node.domain not in DOMAINS:
            raise InputError(f"{place} of the domain {node.domain!r} is none that a Network has.")
        else:
            found = self._signal(node.op_type, attributes, inputs, signals, place)
        for name in node.output:
            self.signals[name] = found

    def _constant(self, attributes: dict[str, Any], place: str) -> np.ndarray:
        if "value" in attributes:
            return self.onnx.numpy_helper.to_array(attributes["value"])
        for name in ("value_float", "value_floats", "value_int", "value_ints"):
            if name in attributes:
                return np.asarray(attributes[name])
        raise InputError(f"{place} is no constant of numbers.")

    def _fold(self, node: Any, inputs: list[str], place: str) -> np.ndarray:
        """A constant that is made of constants."""
        constants = [self._numbers(name, place) for name in inputs]
        scalars = all(each.size == 1 for each in constants) and node.op_type in FUNCTIONS
        if not inputs or node.domain not in DOMAINS or not (node.op_type in FOLDED or scalars):
            raise self._unsupported(place)
        from onnx.reference import ReferenceEvaluator  # pyright: ignore[reportMissingImports]

        evaluator = ReferenceEvaluator(node, opsets={node.domain: self.opset})
        found = evaluator.run(None, dict(zip(inputs, constants, strict=True)))
        return cast("list[np.ndarray]", found)[0]

    def _numbers(self, name: str, place: str) -> np.ndarray:
        if name not in self.constants:
            raise InputError(f"{place} has an input {name!r} that no node before it gives.")
        return self.constants[name]

    def _unsupported(self, place: str) -> InputError:
        return InputError(
            f"{place} is none that a Network has: expected layers (Gemm, or MatMul and Add) with activations between."
        )

    def _signal(
        self, kind: str, attributes: dict[str, Any], inputs: list[str], signals: list[Signal], place: str
    ) -> Signal:
        """What a node gives whose inputs depend on X."""
        readers: dict[str, Callable[[], Signal]] = {
            "Gemm": lambda: self._gemm(attributes, inputs, signals, place),
            "MatMul": lambda: self._matmul(inputs, signals, place),
            "Softmax": lambda: self._softmax(attributes, signals[0], place),
            "LogSoftmax": lambda: self._softmax(attributes, signals[0], place),
            "Concat": lambda: self._pair(attributes, signals, place),
            **dict.fromkeys(PASSING, lambda: self._passed(kind, attributes, inputs, signals[0], place)),
        }
        if kind in readers:
            return readers[kind]()
        if kind not in FUNCTIONS and kind not in ACTIVATION_OF and kind != "Gelu":
            raise self._unsupported(place)
        if kind == "Add" and self._is_bias(inputs, signals):
            return self._bias(inputs, signals[0], place)
        return self._function(kind, attributes, inputs, signals, place)

    # Layers

    def _gemm(self, given: dict[str, Any], inputs: list[str], signals: list[Signal], place: str) -> Signal:
        if inputs[0] not in self.signals or len(signals) > 1 or given.get("transA"):
            raise InputError(f"{place} is no layer: expected a product of what comes before with constant weights.")
        B = self._numbers(inputs[1], place)
        W = B if given.get("transB") else B.T
        alpha, beta = given.get("alpha", 1.0), given.get("beta", 1.0)
        W = W if alpha == 1 else W * W.dtype.type(alpha)
        b = np.zeros(len(W), W.dtype)
        if len(inputs) > 2 and beta:
            C = self._numbers(inputs[2], place)
            b = self._bias_vector(C if beta == 1 else C * C.dtype.type(beta), len(W), place)
        return self._layer(signals[0], W, b, place)

    def _matmul(self, inputs: list[str], signals: list[Signal], place: str) -> Signal:
        if inputs[0] not in self.signals or len(signals) > 1 or self._numbers(inputs[1], place).ndim != 2:
            raise InputError(f"{place} is no layer: expected a product of what comes before with a constant matrix.")
        W = self._numbers(inputs[1], place).T
        return self._layer(signals[0], W, np.zeros(len(W), W.dtype), place)

    def _layer(self, signal: Signal, W: np.ndarray, b: np.ndarray, place: str) -> Signal:
        depth = len(self.stack.W)
        if signal.layer != depth:
            raise InputError(f"{place} hears layer {signal.layer}, expected layer {depth}.")
        if not signal.flat or W.ndim != 2:
            shape = ", ".join(str(size or "N") for size in self.dims)
            raise InputError(
                f"{place} works on X of shape ({shape}), expected (examples, inputs), or a Flatten before it."
            )
        if not depth and signal.values is not PROBES:
            raise InputError(f"{signal.place} changes X before the first layer: take it out, and do that to the data.")
        self.stack.add_function(*self._function_of(signal, depth))
        self.stack.add_layer(W, b)
        return Signal(depth + 1, PROBES, place=place)

    def _is_bias(self, inputs: list[str], signals: list[Signal]) -> bool:
        """Whether Add completes a layer: its sum without the bias is used nowhere else."""
        name = inputs[0] if inputs[0] in self.signals else inputs[1]
        signal = signals[0]
        fresh = signal.values is PROBES and signal.kind == "values" and signal.layer == len(self.stack.W) > 0
        return fresh and len(signals) == 1 and self.uses[name] == 1

    def _bias(self, inputs: list[str], signal: Signal, place: str) -> Signal:
        constant = self._numbers(inputs[0] if inputs[1] in self.signals else inputs[1], place)
        b = self.stack.b
        b[-1] = b[-1] + self._bias_vector(constant, len(b[-1]), place)
        return replace(signal, place=place)

    def _bias_vector(self, constant: np.ndarray, units: int, place: str) -> np.ndarray:
        row = constant.reshape(-1)
        if row.size not in (1, units) or constant.size != (constant.shape or (1,))[-1]:
            raise InputError(
                f"{place} adds an array of shape {constant.shape}, expected a bias for each of {units} units."
            )
        return np.broadcast_to(row, (units,))

    # Functions

    def _function(
        self, kind: str, attributes: dict[str, Any], inputs: list[str], signals: list[Signal], place: str
    ) -> Signal:
        first = signals[0]
        values: list[Any] = []
        for name in inputs:
            if name in self.signals:
                signal = self.signals[name]
                if signal.kind != "values" or signal.layer != first.layer:
                    raise self._unsupported(place)
                values.append(signal.values)
            elif not name:
                values.append(None)
            else:
                constant = self._numbers(name, place)
                if constant.size != 1 and not (constant == constant.flat[0]).all():
                    raise self._unsupported(place)  # other numbers for each unit: no activation
                values.append(constant.flat[0].astype(float))
        found, activation = evaluate(kind, attributes, values)
        exact = activation if first.values is PROBES else None
        return replace(first, values=np.asarray(found), function=exact, place=place)

    def _function_of(self, signal: Signal, layer: int) -> tuple[Activation | str, str]:
        """The function that a signal is of a_layer, and the place of its last node."""
        if signal.kind in ("softmax", "labels"):
            return signal.kind, signal.place
        if 0 < layer <= len(self.known) and is_function(signal.values, self.known[layer - 1]):
            return self.known[layer - 1], signal.place
        function = signal.function or recognize(signal.values)
        if function is None:
            raise InputError(f"{signal.place} ends an element-wise function that is no activation of a Network.")
        return function, signal.place

    def _softmax(self, given: dict[str, Any], signal: Signal, place: str) -> Signal:
        if given.get("axis", -1) not in (-1, 1) or signal.values is not PROBES or signal.kind != "values":
            raise self._unsupported(place)
        return replace(signal, kind="softmax", place=place)

    # What changes no number

    def _passed(self, kind: str, given: dict[str, Any], inputs: list[str], signal: Signal, place: str) -> Signal:
        units = len(self.stack.b[signal.layer - 1]) if signal.layer else None
        if kind == "Cast":
            types = self.onnx.TensorProto
            if given["to"] not in (types.FLOAT, types.DOUBLE, types.FLOAT16, types.BFLOAT16):
                raise self._unsupported(place)
        elif kind == "Dropout":
            if len(inputs) > 2 and np.any(self._numbers(inputs[2], place)):
                raise InputError(f"{place} is in training mode: export the model for inference.")
        elif kind == "Squeeze":
            if units != 1:
                raise self._unsupported(place)
        elif kind in ("Flatten", "Reshape"):
            if not self._keeps_rows(kind, given, inputs, units, place):
                raise InputError(f"{place} does not keep one row for each example.")
            return replace(signal, flat=True)
        return signal

    def _keeps_rows(self, kind: str, given: dict[str, Any], inputs: list[str], units: int | None, place: str) -> bool:
        """Whether the result has one row for each example, with all of its numbers."""
        known = units if units or None in self.dims[1:] else int(np.prod([each or 1 for each in self.dims[1:]]))
        if kind == "Flatten":
            return given.get("axis", 1) in (1, 1 - len(self.dims)) or (units is not None and given.get("axis") == -1)
        shape = self._numbers(inputs[1], place).tolist()
        if units == 1 and len(shape) == 1:
            return True
        if len(shape) != 2:
            return False
        rows, columns = shape
        whole = columns == known if columns > 0 and known else columns > 0 and units is None
        same_rows = (rows == 0 and not given.get("allowzero")) or rows == self.dims[0]
        return whole or (same_rows and columns in (-1, known))

    # Ends

    def _pair(self, given: dict[str, Any], signals: list[Signal], place: str) -> Signal:
        """The probabilities (1 − p, p) of two classes, from one output."""
        if len(signals) == 2 and given.get("axis") in (1, -1):
            no, yes = signals
            single = yes.layer == no.layer > 0 and len(self.stack.b[yes.layer - 1]) == 1
            if single and {no.kind, yes.kind} == {"values"} and np.allclose(no.values, 1 - yes.values, atol=1e-12):
                return replace(yes, kind="pair")
        raise self._unsupported(place)

    def _labels(self, node: Any, signals: list[Signal], place: str) -> Signal:
        signal = signals[0]
        if node.domain not in (*DOMAINS, "ai.onnx.ml") or signal.layer != len(self.stack.W):
            raise self._unsupported(place)
        return signal if node.op_type == "ZipMap" else replace(signal, kind="labels", place=place)

    def _end(self) -> tuple[Activation | str, str]:
        found = [self.signals[each.name] for each in self.graph.output if each.name in self.signals]
        ends = {(each.layer, each.kind, each.values.tobytes()): each for each in found if each.kind != "labels"}
        names = ", ".join(each.name for each in self.graph.output)
        if len(ends) != 1 or len(found) != len(self.graph.output):
            raise InputError(f"it has the outputs {names}, expected one: ŷ, or a_L before its function.")
        (end,) = ends.values()
        if end.layer != len(self.stack.W):
            raise InputError(f"it gives what layer {end.layer} says, expected {len(self.stack.W)}, the last.")
        function, place = self._function_of(end, 0)
        return function, place
