"""Prediction: ŷ alone, again and again, in memory that is made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, InputTypeError
from .arrays import Array, dtype_name, is_array, library_name, namespace
from .forward import pre_activation, unit_output

if TYPE_CHECKING:
    from .network import Network

# (network, rows) → (x, out) → ŷ, or None if x and out are not as an engine takes them; or None if no engine serves
Engine = Callable[["Network", int], Callable[[Any, Any], Any] | None]
_engines: list[Engine] = []


def register_engine(engine: Engine) -> None:
    """Let an engine predict for the networks that it serves; others are computed by the formulas."""
    _engines.append(engine)


class Predictor:
    """ŷ for one example, or for up to ``rows`` of them: what ``network.predictor(rows)`` gives.

    ``predictor(x)`` takes x of shape (n_0,) and gives ŷ of shape (k,), or takes (B, n_0) with 1 ≤ B ≤ rows and gives
    (B, k): the bits of ``forward(network, X).output``, but for an activation of your own, which the formulas compute.
    ``predictor(x, out=out)`` writes ŷ into ``out`` and returns it. A call takes microseconds: the memory is made with
    the predictor, no hidden unit is kept, and nothing is checked but the library, the dtype, the shape and the memory
    of x and out. So x is not converted, and a NaN in it goes through to ŷ. Several threads may call one predictor at
    once.

    Raises :class:`~backtalk.errors.InputTypeError` (a ``TypeError``) for another library, dtype or width, for an array
    of NumPy that is not contiguous, and for an ``out`` that cannot be written; :class:`~backtalk.errors.InputError` (a
    ``ValueError``) for more rows than promised, and for an ``out`` of another shape or in the memory of x.

    >>> import numpy as np
    >>> from backtalk import Network
    >>> net = Network([[[2.0]], [[1.0]]], [[0.0], [0.5]], "relu", "squared_error")
    >>> predictor = net.predictor(rows=2)
    >>> predictor(np.array([3.0]))
    array([6.5])
    >>> out = np.empty((2, 1))
    >>> predictor(np.array([[3.0], [-1.0]]), out=out) is out, out.tolist()
    (True, [[6.5], [0.5]])
    """

    __slots__ = ("_by_engine", "_network", "rows")

    rows: int

    def __init__(self, network: Network, rows: int = 1) -> None:
        if isinstance(rows, bool) or not isinstance(rows, int | np.integer):
            found = repr(rows) if isinstance(rows, bool | float | str) else f"a {type(rows).__name__}"
            raise InputTypeError(f"rows is {found}, expected a whole number: the largest batch of a call.")
        if rows < 1:
            raise InputError(f"rows is {rows}, expected 1 or more: the largest batch of a call.")
        self.rows = int(rows)
        self._network = network
        found = (engine(network, self.rows) for engine in _engines)
        self._by_engine = next((each for each in found if each is not None), None)

    def __call__(self, x: Array, out: Array | None = None) -> Array:
        """ŷ of x: (n_0,) → (k,), or (B, n_0) → (B, k) with B up to ``rows``; in ``out`` if that is given."""
        if self._by_engine is not None:
            output = self._by_engine(x, out)
            if output is not None:
                return output
        self._require_input(x)
        if out is not None:
            self._require_output(out, x)
        h = x if x.ndim == 2 else x[None, :]
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(1, self._network.depth + 1):
                h = unit_output(self._network, i, pre_activation(self._network, i, h))
        output = h if x.ndim == 2 else h[0, :]
        if out is None:
            return output
        out[...] = output
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        return Predictor, (self._network, self.rows)

    def __repr__(self) -> str:
        path = " → ".join(str(size) for size in self._network.sizes)
        return f"Predictor of a network {path}, for up to {self.rows} rows of {self._network.spec}"

    def _require_input(self, x: Any) -> None:
        inputs = self._network.sizes[0]
        self._require_kind(x, "x")
        if x.ndim not in (1, 2):
            raise InputError(f"x has shape {tuple(x.shape)}, expected ({inputs},) or (rows, {inputs}).")
        if x.shape[-1] != inputs:
            raise InputTypeError(
                f"x has {x.shape[-1]} columns, but the network has {inputs} inputs: expected shape ({inputs},) or "
                f"(rows, {inputs})."
            )
        if x.ndim == 2 and not 1 <= x.shape[0] <= self.rows:
            wanted = "1" if self.rows == 1 else f"1 to {self.rows}"
            advice = f": make the predictor with network.predictor(rows={x.shape[0]})" if x.shape[0] else ""
            raise InputError(f"x has {x.shape[0]} rows, expected {wanted}{advice}.")

    def _require_output(self, out: Any, x: Array) -> None:
        self._require_kind(out, "out")
        shape = (*x.shape[:-1], self._network.sizes[-1])
        if tuple(out.shape) != shape:
            raise InputError(f"out has shape {tuple(out.shape)}, expected {shape}.")
        if library_name(self._network.spec.xp) == "jax":
            raise InputTypeError("out is an array of jax, which cannot be written: leave it out.")
        if isinstance(out, np.ndarray):
            if not out.flags.writeable:
                raise InputTypeError("out is read-only, expected an array that can be written.")
            if np.may_share_memory(out, x):
                raise InputError("out shares memory with x, expected an array of its own.")

    def _require_kind(self, array: Any, name: str) -> None:
        """Library and dtype are the network's, and memory is contiguous if it is NumPy's."""
        spec = self._network.spec
        wanted = f"an array of {library_name(spec.xp)} in {spec.dtype_name}"
        if isinstance(array, np.ma.MaskedArray):
            raise InputTypeError(f"{name} is a masked array: fill the masked values first, with .filled(…).")
        if not is_array(array):
            raise InputTypeError(f"{name} is a {type(array).__name__}, expected {wanted}.")
        library = library_name(namespace(array))
        if library != library_name(spec.xp) or array.dtype != spec.dtype:
            found = f"an array of {library} in {dtype_name(array.dtype)}"
            if library == "numpy" and not array.dtype.isnative:
                found += ", in the byte order of other machines"
            raise InputTypeError(
                f"{name} is {found}, expected {wanted}: a predictor converts nothing, so convert {name}, or the "
                "network with .to(…, dtype=…)."
            )
        if isinstance(array, np.ndarray) and not (array.flags.c_contiguous and array.flags.aligned):
            raise InputTypeError(
                f"{name} is not contiguous in memory: expected an array such as np.ascontiguousarray({name}) gives."
            )
