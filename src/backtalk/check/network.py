"""Are the gradients of a network the derivatives of its loss? Each quantity at each layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import to_numpy
from ..backward import Gradients, talk_back
from ..errors import InputError, InputTypeError
from ..network import Network
from .measure import CENTRAL_STEP, EPSILON, Method, relative_error
from .report import CheckRow
from .substitute import Scene

FAMILIES = ("a", "h", "W", "b")
Quantity = tuple[str, int]


def read_gradients(given: Any, scene: Scene) -> dict[Quantity, np.ndarray]:
    """A user's gradients by (family, layer): a :class:`Gradients`, a mapping of families, or a pair (W, b).

    A family is a mapping by layer number, or a list in the order of the layers (that of h begins with h_0).
    """
    if isinstance(given, Gradients):
        families = {family: getattr(given, family) for family in FAMILIES}
    elif isinstance(given, Mapping):
        families = dict(given)
    elif isinstance(given, tuple | list) and len(given) == 2:
        families = {"W": given[0], "b": given[1]}
    else:
        raise InputTypeError(
            f"backward returned a {type(given).__name__}, expected Gradients, a dictionary with some of "
            "'a', 'h', 'W', 'b', or a pair of lists: the gradients of the weights and those of the biases."
        )
    families.pop("loss", None)
    found: dict[Quantity, np.ndarray] = {}
    for family, arrays in families.items():
        if family not in FAMILIES:
            raise InputError(f"backward returned {family!r}, expected some of 'a', 'h', 'W' and 'b'.")
        first, depth = (0 if family == "h" else 1), scene.network.depth
        if not isinstance(arrays, Mapping):
            if not isinstance(arrays, Sequence) or len(arrays) != depth + 1 - first:
                held = f"{len(arrays)} arrays" if isinstance(arrays, Sequence) else f"a {type(arrays).__name__}"
                raise InputError(
                    f"backward returned {held} for {family}, expected {depth + 1 - first}, "
                    f"for layers {first} … {depth}."
                )
            arrays = dict(enumerate(arrays, first))
        for i, array in arrays.items():
            if i not in range(first, depth + 1):
                raise InputError(f"backward returned {family}[{i!r}], expected layers {first} … {depth}.")
            wanted = scene.value(family, i).shape
            values = np.asarray(to_numpy(array), dtype=np.float64)
            if values.shape != wanted:
                raise InputError(
                    f"backward returned {family}[{i}] with shape {values.shape}, expected {wanted}, "
                    f"the shape of {family}[{i}] itself."
                )
            found[family, i] = values
    if not found:
        raise InputError("backward returned no gradient, expected some of 'a', 'h', 'W' and 'b'.")
    return {key: found[key] for key in sorted(found, key=lambda key: (key[1], FAMILIES.index(key[0])))}


def magnitudes(scene: Scene) -> dict[Quantity, np.ndarray]:
    """How large the terms are that each gradient sums: the three talks with absolute values.

    Rounding is proportional to these, also where the terms cancel, so no error is judged finer than they allow.
    """
    network, trace, L = scene.network, scene.trace, scene.network.depth
    output = np.abs(trace.output)
    size = {("a", L): scene.weight[:, None] * (output + np.abs(scene.target))}
    grads = talk_back(network, trace, scene.target, scene.weight)
    size["h", L] = np.abs(grads.h[L])
    for i in range(L - 1, -1, -1):
        size["h", i] = size["a", i + 1] @ np.abs(network.W[i + 1])
        if i:
            # 1e-3: where g′ crosses 0, its own terms cancel too
            size["a", i] = size["h", i] * (np.abs(network.activations[i - 1].g_prime(trace.a[i])) + 1e-3)
    for i in range(1, L + 1):
        size["W", i] = size["a", i].T @ np.abs(trace.h[i - 1])
        size["b", i] = size["a", i].sum(axis=0)
    return size


class Comparer:
    """Compares given gradients with measured derivatives, by coordinates or along random directions."""

    def __init__(self, scene: Scene, method: Method, tolerance: float, directions: int, rng: np.random.Generator):
        self.scene, self.method, self.tolerance = scene, method, tolerance
        self.directions, self.rng = directions, rng
        self.size = magnitudes(scene)
        top = self.size["a", scene.network.depth] * (1 + np.abs(scene.trace.a[scene.network.depth]))
        loss = abs(scene.put("a", scene.network.depth, scene.trace.a[scene.network.depth]).loss)
        self.rounding = 10 * EPSILON * (loss + top[np.isfinite(top)].sum())

    def row(self, quantity: Quantity, given: np.ndarray, every_coordinate: bool) -> CheckRow:
        judged = np.isfinite(self.scene.value(*quantity))
        if quantity == ("h", self.scene.network.depth):
            judged &= ~self.scene.network.loss.is_saturated(self.scene.trace.output)
        compare = self._by_coordinates if every_coordinate else self._by_directions
        results = list(compare(quantity, given, judged))
        decided = [result for result in results if result is not None]
        undecided = len(results) - len(decided) + (int((~judged).sum()) if every_coordinate else 0)
        error, where, ours, derivative = max(decided, key=lambda result: result[0], default=(0.0, None, 0.0, 0.0))
        passed = bool(error <= self.tolerance)
        if not passed and where is None:
            where, ours, derivative = self._locate(quantity, given, judged)
        return CheckRow(
            f"{quantity[0]}[{quantity[1]}]", len(decided), undecided, error, where, ours, derivative, passed
        )

    def _by_coordinates(
        self, quantity: Quantity, given: np.ndarray, judged: np.ndarray
    ) -> Iterator[tuple[float, tuple[int, ...] | None, float, float] | None]:
        for place in map(tuple, np.argwhere(judged)):
            where = tuple(int(part) for part in place)
            direction = np.zeros(given.shape)
            direction[where] = 1
            derivative, floor = self._measure(quantity, direction, abs(self.scene.value(*quantity)[where]))
            if derivative is None:
                yield None
                continue
            floor = max(floor, 1e-6 * float(self.size[quantity][where]))
            ours = float(given[where])
            yield relative_error(ours, derivative, floor), where, ours, derivative

    def _by_directions(
        self, quantity: Quantity, given: np.ndarray, judged: np.ndarray
    ) -> Iterator[tuple[float, None, float, float] | None]:
        """Along v with entries ±1/√n: an error anywhere shows in every direction."""
        pairs = []
        scale = 1e-6 * math.sqrt(float((self.size[quantity][judged] ** 2).mean())) if judged.any() else 0.0
        for _ in range(self.directions if judged.any() else 0):
            direction = self.rng.choice([-1.0, 1.0], given.shape) * judged / math.sqrt(judged.sum())
            derivative, floor = self._measure(quantity, direction, 1.0)
            if derivative is None:
                yield None
                continue
            pairs.append((float((given * direction)[judged].sum()), derivative))
            scale = max(scale, floor)
        scale = max([scale, *(abs(derivative) for _, derivative in pairs)])
        for ours, derivative in pairs:
            yield relative_error(ours, derivative, scale), None, ours, derivative

    def _measure(self, quantity: Quantity, direction: np.ndarray, typical: float) -> tuple[float | None, float]:
        """The derivative, or None at a kink; and the smallest number that can be told from 0."""
        family, i = quantity
        heard = float(np.abs(self.scene.trace.h[i - 1]).max()) if family == "W" else 0.0
        step = CENTRAL_STEP * max(1.0, typical) / max(1.0, heard)
        outcome: Callable[[np.ndarray], Any] = lambda value: self.scene.put(family, i, value)  # noqa: E731
        derivative = self.method.derivative(outcome, self.scene.value(family, i), direction, step)
        floor = 0.0 if self.method.is_complex else self.rounding / step / self.tolerance
        return derivative, floor

    def _locate(
        self, quantity: Quantity, given: np.ndarray, judged: np.ndarray
    ) -> tuple[tuple[int, ...], float, float]:
        """The coordinate with the largest error: halve the set, keep the half that is further off, again."""
        places = np.argwhere(judged)
        signs = self.rng.choice([-1.0, 1.0], given.shape)
        while len(places) > 1:
            halves = places[: len(places) // 2], places[len(places) // 2 :]
            places = max(halves, key=lambda half: self._off(quantity, given, half, signs))
        where = tuple(int(part) for part in places[0])
        direction = np.zeros(given.shape)
        direction[where] = 1
        derivative, _ = self._measure(quantity, direction, abs(self.scene.value(*quantity)[where]))
        return where, float(given[where]), math.nan if derivative is None else derivative

    def _off(self, quantity: Quantity, given: np.ndarray, places: np.ndarray, signs: np.ndarray) -> float:
        direction = np.zeros(given.shape)
        index = tuple(places.T)
        direction[index] = signs[index]
        derivative, _ = self._measure(quantity, direction, 1.0)
        error = 0.0 if derivative is None else abs((given * direction)[index].sum() - derivative)
        return math.inf if math.isnan(error) else error


def network_in_float64(network: Network) -> Network:
    """The network in its own library, in float64: the formulas are checked, not the rounding of float32."""
    home = network.home
    return network if home.dtype_name == "float64" else network.to(home.xp, dtype="float64", device=home.device)
