"""Where values stop being finite: the first place in the order of computing, and all of its examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...core.network import Network
from .examples import ExampleBlock, Examples
from .measure import NonFinite
from .thresholds import LIMITS


class Locator:
    """Looks at every quantity: X, y, then W_i, b_i, a_i, h_i from layer 1 up, ℓ, ∇_{a_i} from layer L down, ∇_{W_i}."""

    found: dict[tuple[int, int], NonFinite]
    depth: int

    def __init__(self, examples: Examples) -> None:
        network = examples.network
        self.found = {}
        self.depth = network.depth
        self._look_at_parameters(network)
        if examples.unknown.any():
            y = np.where(examples.unknown, np.nan, 0.0)[:, None]
            self._note((0, 1), "y", None, y, 0)

    def _look_at_parameters(self, network: Network) -> None:
        for i in range(1, network.depth + 1):
            for stage, name, array in ((0, "W", network.W[i]), (1, "b", network.b[i])):
                # the unit talked to is the row of W
                self._note((i, stage), name, i, array.reshape(len(array), -1).T, None)

    def look(self, block: ExampleBlock) -> None:
        """At a block of examples."""
        first = block.rows.start
        self._note((0, 0), "X", None, block.trace.h[0], first)
        for i in range(1, self.depth + 1):
            self._note((i, 2), "a", i, block.trace.a[i], first)
            self._note((i, 3), "h", i, block.trace.h[i], first)
            self._note((2 * self.depth - i + 2, 0), "gradient of a", i, block.grad_a[i], first)
        self._note((self.depth + 1, 0), "loss", self.depth, block.losses[:, None], first)

    def look_at_gradient(self, i: int, grad_W: np.ndarray, grad_b: np.ndarray) -> None:
        """At the gradient of the whole set."""
        place = 2 * self.depth + 1 + i
        self._note((place, 1), "gradient of W", i, grad_W.T, None)
        self._note((place, 2), "gradient of b", i, grad_b[None, :], None)

    def _note(self, order: tuple[int, int], name: str, layer: int | None, array: np.ndarray, first: int | None) -> None:
        finite = np.isfinite(array)
        if finite.all():
            return
        rows, columns = (np.flatnonzero(~finite.all(axis=axis)) for axis in (1, 0))
        known = self.found.get(order) or _first(name, layer, array, finite, first)
        more = () if first is None else (first + rows[: LIMITS.listed - len(known.rows)]).tolist()
        self.found[order] = replace(
            known,
            examples=known.examples + len(rows),
            rows=(*known.rows, *more),
            columns=tuple(sorted({*known.columns, *columns.tolist()}))[: LIMITS.listed],
        )

    def places(self) -> tuple[NonFinite, ...]:
        """What was found, in the order of computing."""
        return tuple(self.found[order] for order in sorted(self.found))


def _first(name: str, layer: int | None, array: np.ndarray, finite: np.ndarray, first: int | None) -> NonFinite:
    row, unit = divmod(int(np.argmin(finite)), array.shape[1])
    example = None if first is None else first + row
    return NonFinite(name, layer, example, None if name in ("y", "loss") else unit, str(float(array[row, unit])), 0)
