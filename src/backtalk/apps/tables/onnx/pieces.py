"""What encodings compute of numbers, in ONNX operators and in float64; a column of N rows has the shape (N, 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....interop.onnx.writer import Writer
from ..scaling import END, FAR, MIDDLE, NEAR


def constant(writer: Writer, values: object) -> str:
    """Numbers in float64."""
    return writer.constant(values, dtype=np.float64)


def binary(writer: Writer, kind: str, x: str, value: object) -> str:
    """An operator of x and constants."""
    return writer.node(kind, x, constant(writer, value))


def joined(writer: Writer, columns: Sequence[str]) -> str:
    """Columns side by side."""
    return columns[0] if len(columns) == 1 else writer.node("Concat", *columns, axis=1)


def chosen(writer: Writer, x: str, places: Sequence[int]) -> str:
    """Those columns of x, in this order."""
    return writer.node("Gather", x, writer.constant(places, dtype=np.int64), axis=1)


def in_order(writer: Writer, x: str, columns: int) -> str:
    """The same with the numbers of each row in order, the least one first."""
    found, count = f"{writer.prefix}.in_order", writer.constant([columns], dtype=np.int64)
    outputs = [found, f"{found}.places"]
    writer.nodes.append(writer.onnx.helper.make_node("TopK", [x, count], outputs, name=found, axis=1, largest=0))
    return found


def floats(writer: Writer, x: str) -> str:
    """The same in float32; truth values as 0 and 1."""
    return writer.node("Cast", x, to=writer.onnx.TensorProto.FLOAT)


def doubles(writer: Writer, x: str) -> str:
    """The same in float64."""
    return writer.node("Cast", x, to=writer.onnx.TensorProto.DOUBLE)


def clipped(writer: Writer, x: str, low: float, high: float) -> str:
    """min(max(low, x), high)."""
    return writer.node("Clip", x, constant(writer, low), constant(writer, high))


def shares_of_bins(writer: Writer, x: str, edges: np.ndarray) -> str:
    """(N, bins): how far x has come through each bin between two edges, 0 to 1."""
    widths = np.diff(edges)
    return clipped(writer, binary(writer, "Div", binary(writer, "Sub", x, [edges[:-1]]), [widths]), 0.0, 1.0)


def normal_ranks(writer: Writer, x: str, quantiles: np.ndarray) -> str:
    """What :func:`~backtalk.apps.tables.scaling.normal_ranks` computes.

    The rank rises from each quantile to the next larger one in a straight line. If several are equal, it jumps there,
    and has come half of the way at the number itself.
    """
    shares, edges = np.linspace(0, 1, len(quantiles)), np.unique(quantiles)
    first, last = (np.searchsorted(quantiles, edges, side) for side in ("left", "right"))
    parts: list[str] = []
    if len(edges) > 1:
        rise = shares[first[1:]] - shares[last[:-1] - 1]
        parts.append(writer.node("MatMul", shares_of_bins(writer, x, edges), constant(writer, rise[:, None])))
    jumps = shares[last - 1] - shares[first]
    if (many := jumps > 0).any():
        half = constant(writer, jumps[many][:, None] / 2)
        for kind in ("GreaterOrEqual", "Greater"):
            passed = doubles(writer, binary(writer, kind, x, [edges[many]]))
            parts.append(writer.node("MatMul", passed, half))
    rank = parts[0]
    for part in parts[1:]:
        rank = writer.node("Add", rank, part)
    above = binary(writer, "Greater", binary(writer, "Add", x, END), quantiles[-1])
    below = binary(writer, "Less", binary(writer, "Sub", x, END), quantiles[0])
    rank = writer.node("Where", above, constant(writer, 1.0), rank)
    rank = writer.node("Where", below, constant(writer, 0.0), rank)
    end = END - np.spacing(1)
    return clipped(writer, rank, end, 1 - end)


def normal_points(writer: Writer, shares: str) -> str:
    """What :func:`~backtalk.apps.tables.scaling.normal_points` computes."""
    q = binary(writer, "Sub", shares, 0.5)
    other = writer.node("Sub", constant(writer, 1.0), shares)
    tail = writer.node("Sqrt", writer.node("Neg", writer.node("Log", writer.node("Min", shares, other))))
    within = writer.node("Sub", constant(writer, 0.180625), writer.node("Mul", q, q))
    middle = writer.node("Mul", q, _ratio(writer, within, *MIDDLE))
    near, far = (_ratio(writer, binary(writer, "Sub", tail, less), *ratio) for less, ratio in ((1.6, NEAR), (5, FAR)))
    ends = writer.node("Where", binary(writer, "LessOrEqual", tail, 5.0), near, far)
    is_middle = binary(writer, "LessOrEqual", writer.node("Abs", q), 0.425)
    return writer.node("Where", is_middle, middle, writer.node("Mul", ends, writer.node("Sign", q)))


def _ratio(writer: Writer, x: str, above: Sequence[float], below: Sequence[float]) -> str:
    return writer.node("Div", _polynomial(writer, x, above), _polynomial(writer, x, below))


def _polynomial(writer: Writer, x: str, coefficients: Sequence[float]) -> str:
    total = constant(writer, coefficients[0])
    for coefficient in coefficients[1:]:
        total = binary(writer, "Add", writer.node("Mul", total, x), coefficient)
    return total
