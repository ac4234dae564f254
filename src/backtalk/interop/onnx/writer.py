"""A network as an ONNX graph, with the lowest opset that has the operators that it needs.

onnxruntime computes few activations in float64, and an attribute of ONNX holds float32, of which 0.1 is wrong by 1e-9.
So in float64 activations are written with plain operators, which it does compute, and constants in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from scipy.special import erfcx

from ...core import activations
from ...core.activations import SELU, Activation, GELUTanh
from ...core.arrays import to_numpy
from ...core.network import Network
from ...core.outputs import ElementWise
from ...errors import InputError

PRODUCER = "backtalk"
OPSET = 13  # of Softmax over the last axis, and the newest version of Gemm
OPSET_OF = {"Mish": 18, "Gelu": 20}  # of operators that came later


@dataclass(eq=False, slots=True)
class Writer:
    """The nodes and constants so far; each method adds some, and gives the name of the result.

    ``dtype``: that of the network. ``domains``: the version of each further set of operators that is used.
    """

    onnx: Any
    dtype: np.dtype
    opset: int = OPSET
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    domains: dict[str, int] = field(default_factory=dict)
    prefix: str = ""

    def node(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """The result of an operator."""
        self.opset = max(self.opset, OPSET_OF.get(kind, OPSET))
        output = name or f"{self.prefix}.{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, value: Any, name: str | None = None, dtype: Any = None) -> str:
        """A number or an array, in the dtype of the network unless another is given."""
        name = name or f"{self.prefix}.constant.{len(self.constants)}"
        array = np.array(value, dtype or self.dtype, order="C")
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def model(self, inputs: Sequence[Any], outputs: Sequence[Any], metadata: Mapping[str, str]) -> Any:
        """The ``ModelProto`` of what was written."""
        from importlib.metadata import version

        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, "backtalk", list(inputs), list(outputs), self.constants)
        opsets = [helper.make_opsetid(domain, number) for domain, number in {"": self.opset, **self.domains}.items()]
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets),
            producer_name=PRODUCER,
            producer_version=version("backtalk"),
        )
        helper.set_model_props(model, dict(metadata))
        return model


def build_model(onnx: Any, network: Network, metadata: Mapping[str, str]) -> Any:
    """The ``ModelProto`` of a network."""
    writer = Writer(onnx, np.dtype(network.spec.dtype_name))
    write_output(writer, network, write_layers(writer, network, "X"))
    end = writer.nodes[-1]  # gives ŷ
    end.name = end.output[0] = "yhat"
    kind = onnx.helper.np_dtype_to_tensor_dtype(writer.dtype)
    X, yhat = (
        onnx.helper.make_tensor_value_info(name, kind, ["N", size])
        for name, size in (("X", network.sizes[0]), ("yhat", network.sizes[-1]))
    )
    return writer.model([X], [yhat], metadata)


def write_layers(writer: Writer, network: Network, X: str, prefix: str = "") -> str:
    """a_L of a network; its names begin with ``prefix``."""
    h = X
    for i in range(1, network.depth + 1):
        writer.prefix = f"{prefix}layer.{i}"
        W, b = (writer.constant(to_numpy(getattr(network, family)[i]), f"{prefix}{family}.{i}") for family in "Wb")
        h = writer.node("Gemm", h, W, b, name=f"{prefix}a.{i}", transB=1)
        if i < network.depth:
            h = _activated(writer, network.activations[i - 1], h, f"activations[{i - 1}]")
    return h


def write_output(writer: Writer, network: Network, a: str) -> str:
    """ŷ from a_L."""
    if isinstance(network.output, ElementWise):
        return _activated(writer, network.output.activation, a, "output")
    return writer.node("Softmax", a, axis=-1)


def _activated(writer: Writer, g: Activation, a: str, argument: str) -> str:
    """g(a)."""
    makers = PLAIN | (WIDE if writer.dtype == np.float64 else NARROW)
    if type(g) not in makers:
        raise InputError(f"{argument} is {g!r}, an activation of your own, which ONNX does not have.")
    return makers[type(g)](writer, g, a)


def _leaky(writer: Writer, g: Any, a: str) -> str:
    below = writer.node("Min", a, writer.constant(0.0))
    return writer.node("Add", writer.node("Relu", a), writer.node("Mul", below, writer.constant(g.slope)))


def _exponential(writer: Writer, scale: float, alpha: float, a: str, divisor: float = 1.0) -> str:
    """λ·max(a, 0) + λα(e^{min(a, 0)/divisor} − 1)."""
    above = writer.node("Mul", writer.node("Relu", a), writer.constant(scale))
    low = writer.node("Min", a, writer.constant(0.0))
    power = writer.node("Exp", low if divisor == 1 else writer.node("Div", low, writer.constant(divisor)))
    below = writer.node("Mul", writer.node("Sub", power, writer.constant(1.0)), writer.constant(scale * alpha))
    return writer.node("Add", above, below)


def _clipped(writer: Writer, a: str, low: float, high: float) -> str:
    """min(max(low, a), high)."""
    return writer.node("Clip", a, writer.constant(low), writer.constant(high))


def _hard_sigmoid(writer: Writer, a: str) -> str:
    """min(max(0, a/6 + ½), 1)."""
    line = writer.node("Add", writer.node("Mul", a, writer.constant(1 / 6)), writer.constant(0.5))
    return _clipped(writer, line, 0.0, 1.0)


def _softsign(writer: Writer, a: str) -> str:
    """a/(1 + |a|)."""
    return writer.node("Div", a, writer.node("Add", writer.node("Abs", a), writer.constant(1.0)))


def _silu(writer: Writer, a: str) -> str:
    """a/(1 + e^−a): in float32 a·σ(a) is wrong by 1e-6 at −16, since onnxruntime's σ is wrong by 8e-8 there."""
    growth = writer.node("Exp", writer.node("Neg", a))
    return writer.node("Div", a, writer.node("Add", growth, writer.constant(1.0)))


def _softplus(writer: Writer, a: str) -> str:
    """max(a, 0) + log(1 + e^−|a|)."""
    decay = writer.node("Exp", writer.node("Neg", writer.node("Abs", a)))
    tail = writer.node("Log", writer.node("Add", decay, writer.constant(1.0)))
    return writer.node("Add", writer.node("Relu", a), tail)


def _gelu(writer: Writer, a: str) -> str:
    """max(a, 0) − |a|·Φ(−|a|), since onnxruntime has no error function in float64.

    Φ(−z) = e^{−z²/2}·½erfcx(z/√2), and with u = 2/(1 + z/4) − 1, which is in [−1, 1], ½erfcx is a polynomial of degree
    20 in u, by which gelu is wrong by 1e-15 at most.
    """

    def scaled_tail(u: np.ndarray) -> np.ndarray:
        return erfcx(4 * (2 / (u + 1) - 1) / math.sqrt(2)) / 2

    coefficients = Chebyshev.interpolate(scaled_tail, 20).convert(kind=Polynomial).coef
    z, one = writer.node("Abs", a), writer.constant(1.0)
    stretched = writer.node("Add", writer.node("Mul", z, writer.constant(0.25)), one)
    u = writer.node("Sub", writer.node("Div", writer.constant(2.0), stretched), one)
    total = writer.constant(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = writer.node("Add", writer.node("Mul", u, total), writer.constant(coefficient))
    decay = writer.node("Exp", writer.node("Mul", writer.node("Mul", z, z), writer.constant(-0.5)))
    tail = writer.node("Mul", z, writer.node("Mul", decay, total))
    return writer.node("Sub", writer.node("Relu", a), tail)


def _gelu_tanh(writer: Writer, a: str) -> str:
    """½a(1 + tanh u), u = √(2/π)(a + 0.044715 a³)."""
    cube = writer.node("Mul", a, writer.node("Mul", a, a))
    inner = writer.node("Add", a, writer.node("Mul", cube, writer.constant(GELUTanh.CUBIC)))
    normal = writer.node("Tanh", writer.node("Mul", inner, writer.constant(GELUTanh.SCALE)))
    half = writer.node("Mul", a, writer.constant(0.5))
    return writer.node("Mul", half, writer.node("Add", normal, writer.constant(1.0)))


Maker = Callable[[Writer, Any, str], str]
PLAIN: dict[type[Activation], Maker] = {
    activations.Identity: lambda writer, g, a: a,
    activations.ReLU: lambda writer, g, a: writer.node("Relu", a),
    activations.Sigmoid: lambda writer, g, a: writer.node("Sigmoid", a),
    activations.Tanh: lambda writer, g, a: writer.node("Tanh", a),
    activations.SiLU: lambda writer, g, a: _silu(writer, a),
    activations.Exponential: lambda writer, g, a: writer.node("Exp", a),
    activations.HardSigmoid: lambda writer, g, a: _hard_sigmoid(writer, a),
    activations.HardSwish: lambda writer, g, a: writer.node("Mul", a, _hard_sigmoid(writer, a)),
    activations.HardTanh: lambda writer, g, a: _clipped(writer, a, -1.0, 1.0),
    activations.ReLU6: lambda writer, g, a: _clipped(writer, a, 0.0, 6.0),
}
NARROW: dict[type[Activation], Maker] = {  # float32
    activations.LeakyReLU: lambda writer, g, a: writer.node("LeakyRelu", a, alpha=g.slope),
    activations.ELU: lambda writer, g, a: writer.node("Elu", a, alpha=g.alpha),
    activations.SELU: lambda writer, g, a: writer.node("Selu", a),
    activations.GELU: lambda writer, g, a: writer.node("Gelu", a),
    activations.GELUTanh: lambda writer, g, a: writer.node("Gelu", a, approximate="tanh"),
    activations.Softplus: lambda writer, g, a: writer.node("Softplus", a),
    activations.Mish: lambda writer, g, a: writer.node("Mish", a),
    activations.Softsign: lambda writer, g, a: writer.node("Softsign", a),
    activations.CELU: lambda writer, g, a: writer.node("Celu", a, alpha=g.alpha),
}
WIDE: dict[type[Activation], Maker] = {  # float64
    activations.LeakyReLU: _leaky,
    activations.ELU: lambda writer, g, a: _exponential(writer, 1.0, g.alpha, a),
    activations.SELU: lambda writer, g, a: _exponential(writer, SELU.SCALE, SELU.ALPHA, a),
    activations.GELU: lambda writer, g, a: _gelu(writer, a),
    activations.GELUTanh: lambda writer, g, a: _gelu_tanh(writer, a),
    activations.Softplus: lambda writer, g, a: _softplus(writer, a),
    activations.Mish: lambda writer, g, a: writer.node("Mul", a, writer.node("Tanh", _softplus(writer, a))),
    activations.Softsign: lambda writer, g, a: _softsign(writer, a),
    activations.CELU: lambda writer, g, a: _exponential(writer, 1.0, g.alpha, a, g.alpha),
}
