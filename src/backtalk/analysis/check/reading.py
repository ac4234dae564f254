"""What a student's function returned, as our arrays: in any container, in the layout that they use."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from ...core.arrays import is_array, to_numpy
from ...core.backward import Gradients
from ...core.forward import Trace
from ...errors import InputError, InputTypeError
from .layouts import OURS, Layout
from .substitute import Scene

FAMILIES = ("a", "h", "W", "b")
Quantity = tuple[str, int]
Families = dict[str, Any]  # of each family a list in the order of the layers, or a mapping by layer

NUMBERED = re.compile(r"(?:d|grad_?|nabla_?|delta_?)?([WwBbZzAaHh])_?(\d+)")
WHOLE = {
    **dict.fromkeys(("dW", "dw", "nabla_w", "weights"), "W"),
    **dict.fromkeys(("db", "nabla_b", "biases"), "b"),
    **dict.fromkeys(("dZ", "dz", "da", "Z", "z"), "a"),
    **dict.fromkeys(("dA", "dh", "A"), "h"),
}


def is_number(value: Any) -> bool:
    """Whether it is one number, or an array that holds one."""
    return isinstance(value, Real | np.number) or (is_array(value) and value.ndim <= 2 and math.prod(value.shape) == 1)


def take_loss(given: Any) -> tuple[Any, Any]:
    """The loss that came with gradients, or None, and the rest: a pair (loss, gradients), or a key 'loss' or 'cost'."""
    if isinstance(given, Gradients):
        return given.loss, given
    if isinstance(given, Mapping):
        key = next((key for key in ("loss", "cost") if key in given), None)
        return (None, given) if key is None else (given[key], {k: v for k, v in given.items() if k != key})
    if isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[1], Mapping | tuple | list | Gradients):
        loss, rest = given
        if isinstance(loss, Real | np.number) or (is_array(loss) and loss.ndim == 0):
            return loss, rest
    return None, given


def read_gradients(given: Any, scene: Scene, layout: Layout = OURS) -> dict[Quantity, np.ndarray]:
    """A user's gradients by (family, layer): a :class:`Gradients`, a mapping, pairs, or a list of all of them.

    A family is a mapping by layer number, or a list in the order of the layers (that of h begins with h_0).
    """
    families = _as_families(given, scene, layout)
    found = _as_arrays(families, "backward", scene, layout)
    if not found:
        raise InputError("backward returned no gradient, expected some of 'a', 'h', 'W' and 'b'.")
    if isinstance(given, Mapping) and not set(given) <= set(FAMILIES):
        found = _share(found, scene)
    return found


def _as_families(given: Any, scene: Scene, layout: Layout) -> Families:
    L = scene.network.depth
    if isinstance(given, Gradients):
        return {family: getattr(given, family) for family in FAMILIES}
    if isinstance(given, Mapping):
        return by_name(given, "backward", L)
    if isinstance(given, tuple | list):
        arranged = list(_arrangements(given, L))
        fitting = (families for families in arranged if _fits(families, scene, layout))
        if families := next(fitting, arranged[0] if arranged else None):
            return families
    raise InputTypeError(
        f"backward returned a {type(given).__name__}, expected Gradients, a dictionary with some of "
        "'a', 'h', 'W', 'b', or with keys such as 'dW1', 'db1', or a pair of lists: the gradients of the weights and "
        "those of the biases."
    )


def by_name(given: Mapping[Any, Any], whose: str, L: int) -> Families:
    """Families from keys such as 'W', 'dW', 'dW1' and 'grad_W1', or pairs (W, b) by layer number.

    Z is a_i, A is h_i; a lower-case a with a number is h_i, unless an h stands beside it.
    """
    if given and set(given) <= set(range(1, L + 1)):
        pairs = {i: pair for i, pair in given.items() if isinstance(pair, tuple | list) and len(pair) == 2}
        if len(pairs) == len(given):
            return {"W": {i: pair[0] for i, pair in pairs.items()}, "b": {i: pair[1] for i, pair in pairs.items()}}
    matches = {key: NUMBERED.fullmatch(key) for key in given if isinstance(key, str)}
    letters = {match[1] for match in matches.values() if match}
    families: Families = {}
    for key, array in given.items():
        match = matches.get(key) if isinstance(key, str) else None
        if match:
            family = {"w": "W", "B": "b", "Z": "a", "z": "a", "A": "h", "H": "h"}.get(match[1], match[1])
            if match[1] == "a" and not letters & {"h", "H"}:
                family = "h"
            families.setdefault(family, {})[int(match[2])] = array
        elif key in FAMILIES or key in WHOLE:
            families[WHOLE.get(key, key)] = array
        else:
            raise InputError(f"{whose} returned {key!r}, expected some of 'a', 'h', 'W' and 'b'.")
    return families


def _arrangements(given: Sequence[Any], L: int) -> Iterator[Families]:
    """What a list may hold: W and b, each a list; a pair for each layer; all of them in one row."""

    def layers(weights: Sequence[Any], biases: Sequence[Any]) -> Families:
        return {"W": dict(enumerate(weights, 1)), "b": dict(enumerate(biases, 1))}

    if len(given) == 2 and not all(is_array(part) for part in given):
        yield {"W": given[0], "b": given[1]}
        yield {"W": given[1], "b": given[0]}
    if len(given) == L and all(isinstance(pair, Mapping) for pair in given):
        named = [by_name({f"{key}1": array for key, array in pair.items()}, "backward", L) for pair in given]
        yield {family: [pair[family][1] for pair in named if family in pair] for family in ("W", "b")}
    if len(given) == L and all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in given):
        first, second = ([pair[k] for pair in given] for k in (0, 1))
        yield layers(first, second)
        yield layers(second, first)
    if len(given) == 2 * L and all(is_array(part) or is_number(part) for part in given):
        pairs = ((given[::2], given[1::2]), (given[:L], given[L:]))
        for one, other in pairs:
            yield layers(one, other)
            yield layers(other, one)
            yield layers(one[::-1], other[::-1])
            yield layers(other[::-1], one[::-1])


def _fits(families: Families, scene: Scene, layout: Layout) -> bool:
    for family, arrays in families.items():
        by_layer = arrays if isinstance(arrays, Mapping) else dict(enumerate(arrays, 1))
        if set(by_layer) != set(range(1, scene.network.depth + 1)):
            return False
        for i, array in by_layer.items():
            try:
                shape = layout.read(family, np.asarray(to_numpy(array))).shape
            except (TypeError, ValueError):
                return False
            if shape != scene.value(family, i).shape:
                return False
    return True


def _as_arrays(families: Families, whose: str, scene: Scene, layout: Layout) -> dict[Quantity, np.ndarray]:
    found: dict[Quantity, np.ndarray] = {}
    depth = scene.network.depth
    for family, arrays in families.items():
        first = 0 if family == "h" else 1
        if not isinstance(arrays, Mapping):
            if whose == "forward" and family == "h" and isinstance(arrays, Sequence) and len(arrays) == depth:
                first = 1
            if not isinstance(arrays, Sequence) or len(arrays) != depth + 1 - first:
                held = f"{len(arrays)} arrays" if isinstance(arrays, Sequence) else f"a {type(arrays).__name__}"
                raise InputError(
                    f"{whose} returned {held} for {family}, expected {depth + 1 - first}, for layers {first} … {depth}."
                )
            arrays = dict(enumerate(arrays, first))
        for i, array in arrays.items():
            if i not in range(0 if family == "h" else 1, depth + 1):
                raise InputError(f"{whose} returned {family}[{i!r}], expected layers {first} … {depth}.")
            found[family, i] = as_value(array, family, i, whose, scene, layout, arrays)
    return {key: found[key] for key in sorted(found, key=lambda key: (key[1], FAMILIES.index(key[0])))}


def as_value(
    array: Any, family: str, i: int, whose: str, scene: Scene, layout: Layout, arrays: Mapping[int, Any] | None = None
) -> np.ndarray:
    """One array, float64, in our layout, of the shape of the quantity itself."""
    try:
        values = np.asarray(to_numpy(array))
        if values.dtype.kind not in "biufO":  # complex numbers would lose a part
            raise TypeError
        values = values.astype(np.float64)
    except (TypeError, ValueError):
        raise InputTypeError(f"{whose} returned {family}[{i}] that holds no numbers.") from None
    wanted = scene.value(family, i)
    if whose == "forward" and wanted.shape[-1] == 1 and values.shape == (len(scene.weight),):
        return values[:, None]
    read = layout.read(family, values)
    if read.shape != wanted.shape:
        from .mistakes import reason_for_shape  # seldom needed

        reason = reason_for_shape(family, i, read.shape, scene, arrays or {})
        if layout != OURS:  # the advice behind the colon is for our own layout
            reason = reason.partition(":")[0]
        raise InputError(
            f"{whose} returned {family}[{i}] with shape {values.shape}, expected {layout.lay(family, wanted).shape}, "
            f"the shape of {family}[{i}] itself{reason and f'; likely {reason}'}"
            f"{_other_layout(family, values.shape, wanted, layout)}."
        )
    return np.array(read)


def _other_layout(family: str, shape: tuple[int, ...], wanted: np.ndarray, layout: Layout) -> str:
    """What to say if the array is right in another layout, as of a function that holds its own weights."""
    if family == "W" and layout.weights == "(out, in)" and shape == wanted.T.shape:
        return f"; or, if your weights are (in, out), say layout='{layout.examples}, (in, out)'"
    if family in "ah" and layout.examples == "rows" and shape == wanted.T.shape:
        return "; or, if your examples are columns, say layout='columns'"
    if family == "b" and layout.biases == "(n,)" and shape in ((1, *wanted.shape), (*wanted.shape, 1)):
        fitting = "rows, (1, n)" if shape[0] == 1 else "columns"
        return f"; or, if your biases are {'(1, n)' if shape[0] == 1 else '(n, 1)'}, say layout='{fitting}'"
    return ""


def _share(found: dict[Quantity, np.ndarray], scene: Scene) -> dict[Quantity, np.ndarray]:
    """∇_a and ∇_h by other names, as dZ1, are often each example's own: then each takes its share w."""
    from ...core.backward import talk_back

    units = [quantity for quantity in found if quantity[0] in "ah"]
    if not units:
        return found
    right = talk_back(scene.network, scene.trace, scene.target, scene.weight)
    top = max(units, key=lambda quantity: (quantity[1], quantity[0]))
    ours, theirs = getattr(right, top[0])[top[1]], found[top]
    if np.abs(theirs * scene.weight[:, None] - ours).max() >= np.abs(theirs - ours).max():
        return found
    return found | {quantity: found[quantity] * scene.weight[:, None] for quantity in units}


def read_forward(given: Any, scene: Scene, layout: Layout = OURS) -> tuple[dict[Quantity, np.ndarray], Any]:
    """A user's a_i and h_i by (family, layer), and what a backward pass of theirs may want: the cache.

    ``given``: ŷ; or a dictionary; or ŷ and a dictionary; or the lists of h and of a; or every a and h in a row.
    """
    L = scene.network.depth
    if isinstance(given, Trace):
        return _as_arrays({"a": given.a, "h": given.h}, "forward", scene, layout), given
    if isinstance(given, Mapping):
        return _nonempty(_as_arrays(_forward_names(given, L), "forward", scene, layout)), given
    if is_array(given):
        return {("h", L): as_value(given, "h", L, "forward", scene, layout)}, given
    if isinstance(given, tuple | list) and given:
        if len(given) == 2 and all(isinstance(part, list) for part in given):
            lists = sorted(given, key=len)
            if len(lists[0]) == L and len(lists[1]) == L + 1:
                return _as_arrays({"a": lists[0], "h": lists[1]}, "forward", scene, layout), given
        if len(given) == 2 * L and all(is_array(part) for part in given):
            units = {"a": dict(enumerate(given[::2], 1)), "h": dict(enumerate(given[1::2], 1))}
            return _as_arrays(units, "forward", scene, layout), given
        if is_array(given[0]) and len(given) > 1:
            cache = given[1] if len(given) == 2 else given[1:]
            found: dict[Quantity, np.ndarray] = {}
            if isinstance(cache, Mapping):
                found = _as_arrays(_forward_names(cache, L), "forward", scene, layout)
            return found | {("h", L): as_value(given[0], "h", L, "forward", scene, layout)}, cache
    raise InputTypeError(
        f"forward returned a {type(given).__name__}, expected a dictionary {{'a': […], 'h': […]}}, or ŷ alone, "
        "or ŷ and a cache."
    )


def _forward_names(given: Mapping[Any, Any], L: int) -> Families:
    known = {key: array for key, array in given.items()
             if key in ("a", "h", "A", "Z", "z") or (isinstance(key, str) and NUMBERED.fullmatch(key))}  # fmt: skip
    return {family: arrays for family, arrays in by_name(known, "forward", L).items() if family in "ah"}


def _nonempty(found: dict[Quantity, np.ndarray]) -> dict[Quantity, np.ndarray]:
    if not found:
        raise InputError("forward returned a dictionary without units, expected lists 'a' and 'h', or keys as 'Z1'.")
    return found
