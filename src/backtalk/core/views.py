"""Layers, traces, gradients and their products with the Hessian as a notebook shows them: a row for each layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pages.view import Cell, bars, rows_table, sentence, view
from .arrays import to_numpy
from .norms import euclidean_norm

if TYPE_CHECKING:
    from .backward import Gradients
    from .curvature import HessianProduct
    from .forward import Trace
    from .layers import Layers


def layers_view(layers: Layers) -> str:
    """The shape of each array, its norm with a bar, and its least, mean and largest entry."""
    first, last = min(layers, default=0), max(layers, default=0)
    return view(f"Layers {first} to {last}", arrays_table("layer", {str(i): array for i, array in layers.items()}))


def arrays_table(what: str, arrays: Mapping[str, Any]) -> str:
    """The same of arrays by name; ``what`` the names are."""
    norms = bars([_norm(array) for array in arrays.values()])
    rows = [[name, *_facts(array)] for name, array in arrays.items()]
    table = [[*facts[:3], norm, *facts[3:]] for facts, norm in zip(rows, norms, strict=True)]
    return rows_table([what, "shape", "dtype", "norm", "least", "mean", "largest"], table, words=3)


def trace_view(trace: Trace) -> str:
    """What each layer computed: the mean and the standard deviation of its a and h over the batch."""
    rows = []
    for i in sorted(trace.h, reverse=True):
        h = trace.h[i]
        a = _moments(trace.a[i]) if i else ("", "")
        rows.append([str(i), str(tuple(h.shape)), *a, *_moments(h)])
    names = ["layer", "shape", "mean of a", "std of a", "mean of h", "std of h"]
    with_masks = "" if trace.masks is None else ", with dropout"
    note = "The output layer is first, the input last: h[0] is the input, h[L] the output ŷ."
    title = f"Forward pass of {trace.h[0].shape[0]} examples{with_masks}"
    return view(title, rows_table(names, rows, words=2), sentence(note))


def gradients_view(grads: Gradients) -> str:
    """The norm of each gradient with a bar, layer by layer, in the order of the talk: the output layer first."""
    layers = sorted(grads.h, reverse=True)
    columns = []
    for family in (grads.a, grads.h, grads.W, grads.b):
        columns.append(bars([_norm(family[i]) if i in family else None for i in layers]))
    rows = [[str(i), *cells] for i, *cells in zip(layers, *columns, strict=True)]
    loss = float(to_numpy(grads.loss))
    note = "Euclidean norms over the whole batch. A bar is the share of the largest in its column."
    title = f"Gradients of ℒ = {loss:.6g}, layer by layer, the output layer first"
    return view(title, rows_table(["layer", "‖∇a‖", "‖∇h‖", "‖∇W‖", "‖∇b‖"], rows), sentence(note))


def hessian_view(product: HessianProduct) -> str:
    """The norm of ∇²ℒ v by each layer's weights and biases, with a bar, the output layer first; and the slope."""
    layers = sorted(product.W, reverse=True)
    columns = (bars([_norm(family[i]) for i in layers]) for family in (product.W, product.b))
    rows = [[str(i), *cells] for i, *cells in zip(layers, *columns, strict=True)]
    told = np.atleast_1d(to_numpy(product.slope))
    slope = f"{told[0]:.6g} along v" if told.size == 1 else f"{told.min():.4g} to {told.max():.4g} along {told.size} v"
    note = "Euclidean norms of the product, layer by layer. A bar is the share of the largest in its column."
    title = f"∇²ℒ v; the slope of ℒ is {slope}"
    return view(title, rows_table(["layer", "‖∇²ℒ v‖ at W", "‖∇²ℒ v‖ at b"], rows), sentence(note))


def _norm(array: Any) -> float:
    return euclidean_norm(array) if to_numpy(array).size else 0.0


def _facts(array: Any) -> list[Cell]:
    values = to_numpy(array)
    with np.errstate(all="ignore"):
        numbers = [values.min(), values.mean(dtype=np.float64), values.max()] if values.size else []
    told = [f"{float(number):.4g}" for number in numbers] or ["", "", ""]
    return [" × ".join(map(str, values.shape)), str(values.dtype), *told]


def _moments(array: Any) -> tuple[str, str]:
    values = to_numpy(array).astype(np.float64)
    if not values.size:
        return "", ""
    with np.errstate(all="ignore"):
        return f"{values.mean():.4g}", f"{values.std():.4g}"
