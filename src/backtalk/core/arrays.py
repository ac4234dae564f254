"""Arrays of any library: where they live, how values come in, and the little that the standard lacks.

The formulas are written against the Python Array API standard (through array-api-compat), so this is the
only module that knows one array library from another.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import array_api_compat
import numpy as np

from ..errors import InputError, InputTypeError

REAL = "biuf"  # the kinds of NumPy's dtypes that hold real numbers
Array = Any  # an array of any library that follows the standard


@cache
def _numpy_namespace() -> Any:
    """NumPy itself, which follows the standard from 2.1 on; array-api-compat imports all of it, f2py included."""
    if hasattr(np, "__array_namespace_info__"):
        return np
    import array_api_compat.numpy

    return array_api_compat.numpy


def namespace(array: Array) -> Any:
    """The functions of the library that ``array`` comes from."""
    if isinstance(array, (np.ndarray, np.generic)):
        return _numpy_namespace()  # at once: small networks spend their time on questions like this
    return array_api_compat.array_namespace(array)


def is_array(value: Any) -> bool:
    """Whether it is an array of some library, and not a list or a table."""
    return array_api_compat.is_array_api_obj(value)


def is_concrete(array: Array) -> bool:
    """Whether the values can be looked at: false while JAX traces a function."""
    jax = sys.modules.get("jax")
    return jax is None or not isinstance(array, jax.core.Tracer)


def to_numpy(array: Array) -> np.ndarray:
    """The same values as a NumPy array on the CPU."""
    if array_api_compat.is_torch_array(array):
        return array.detach().cpu().numpy()
    if array_api_compat.is_cupy_array(array):
        return array.get()
    return np.asarray(array)


def real_part(array: Array) -> Array:
    """Re(array). ``check`` differentiates with complex numbers; which branch applies is decided on Re."""
    xp = namespace(array)
    return xp.real(array) if xp.isdtype(array.dtype, "complex floating") else array


def log1p(array: Array) -> Array:
    """log(1 + x), with its digits near 0. NumPy's own loses those of the real part of a complex number."""
    xp = namespace(array)
    if not xp.isdtype(array.dtype, "complex floating"):
        return xp.log1p(array)
    x, y = xp.real(array), xp.imag(array)
    return xp.log1p(x * (2 + x) + y * y) / 2 + 1j * xp.atan2(y, 1 + x)


def erfc(array: Array) -> Array:
    """The complementary error function, which the standard lacks and each library has somewhere."""
    library = library_name(namespace(array))
    if library == "numpy":
        from scipy.special import erfc as function
    elif library == "torch":
        from torch.special import erfc as function  # pyright: ignore[reportMissingImports]
    elif library == "jax":
        from jax.scipy.special import erfc as function  # pyright: ignore[reportMissingImports]
    elif library == "cupy":
        from cupyx.scipy.special import erfc as function  # pyright: ignore[reportMissingImports]
    else:
        raise InputError(
            f"activation is 'gelu', which needs the error function, and {library} has none: "
            "use 'gelu_tanh', or arrays of NumPy, PyTorch, JAX or CuPy."
        )
    return function(array)


def library_name(xp: Any) -> str:
    """'numpy', 'torch', 'jax', 'cupy', …

    >>> library_name(namespace(np.zeros(1)))
    'numpy'
    """
    return xp.__name__.removeprefix("array_api_compat.").split(".")[0]


def dtype_name(dtype: Any) -> str:
    """'float32', 'int64', …, in any library and byte order."""
    return dtype.name if isinstance(dtype, np.dtype) else str(dtype).rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """Where a network's arrays live: library, dtype and device. Every input is brought there or refused."""

    xp: Any
    dtype: Any
    device: Any

    @classmethod
    def of(cls, array: Array) -> ArraySpec:
        # JAX places arrays itself, and a traced one has no device to compare
        device = None if array_api_compat.is_jax_array(array) else array_api_compat.device(array)
        return cls(namespace(array), array.dtype, device)

    @property
    def dtype_name(self) -> str:
        """'float32' or 'float64'."""
        return dtype_name(self.dtype)

    def __str__(self) -> str:
        elsewhere = f" on {self.device}" if self.device is not None and str(self.device) != "cpu" else ""
        return f"{self.dtype_name}, {library_name(self.xp)}{elsewhere}"

    def receive(self, value: Any, argument: str) -> Array:
        """``value`` as an array of this library, its dtype kept; lists and tables are converted.

        Arrays of another library or on another device, and dtypes that hold no real numbers, are refused.
        """
        if type(value) is np.ndarray and self.xp is _numpy_namespace() and value.dtype.kind in REAL:
            return value
        array = as_array(value, argument)
        if not array_api_compat.is_array_api_obj(value):
            if library_name(self.xp) != "numpy":
                array = np.array(array, order="C")  # PyTorch takes no read-only memory and no negative strides
            array = self.xp.asarray(array, device=self.device)
        found = ArraySpec.of(array)
        ours, theirs = library_name(self.xp), library_name(found.xp)
        if ours != theirs:
            raise InputTypeError(
                f"{argument} is an array of {theirs}, but the network's are of {ours}: "
                f"use network.to({_module(theirs)}), or give {argument} as an array of {ours}."
            )
        if found.device != self.device:
            raise InputError(
                f"{argument} is on device {found.device}, but the network is on {self.device}: "
                "move one of them, for example with network.to(torch, device=…)."
            )
        return array

    def cast(self, array: Array) -> Array:
        """The same values in this dtype; one too big for it becomes infinite."""
        if array.dtype == self.dtype:
            return array
        with np.errstate(over="ignore"):
            return self.xp.astype(array, self.dtype)

    def cast_finite(self, array: Array, argument: str) -> Array:
        """The same values in this dtype; :class:`InputError` where one is not finite or too big for it."""
        refuse_non_finite(array, argument)
        result = self.cast(array)
        if result is not array and is_concrete(result) and not bool(self.xp.all(self.xp.isfinite(result))):
            found = to_numpy(array).ravel()[to_numpy(~self.xp.isfinite(result)).ravel().argmax()]
            raise InputError(
                f"{argument} holds {found}, which is too big for {self.dtype_name}: scale it, or use a float64 network."
            )
        return result


def as_array(value: Any, argument: str) -> Array:
    """``value`` as an array of real numbers: an array stays in its library, anything else goes to NumPy.

    >>> as_array([[1, 2], [3, 4]], "X").shape
    (2, 2)
    >>> as_array([[1, 2], [3]], "X")
    Traceback (most recent call last):
        ...
    backtalk.errors.InputTypeError: X is a list whose parts differ in length, expected a rectangular array of numbers.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise InputTypeError(f"{argument} is a masked array: fill the masked values first, with .filled(…).")
    if type(value).__module__.startswith("scipy.sparse"):
        raise InputTypeError(f"{argument} is a sparse matrix: make it dense first, with .toarray().")
    if array_api_compat.is_torch_array(value) and str(value.layout) != "torch.strided":
        raise InputTypeError(f"{argument} is a sparse tensor: make it dense first, with .to_dense().")
    if isinstance(value, np.matrix):
        value = np.asarray(value)
    if array_api_compat.is_array_api_obj(value):
        array: Array = value
    else:
        try:
            array = np.asarray(value)
        except ValueError:
            raise InputTypeError(
                f"{argument} is a {type(value).__name__} whose parts differ in length, "
                "expected a rectangular array of numbers."
            ) from None
    if isinstance(array, np.ndarray) and array.dtype.kind not in REAL:
        kind = "text" if array.dtype.kind in "US" else f"dtype {array.dtype}"
        raise InputTypeError(
            f"{argument} holds {kind}, expected real numbers: convert it first, for example with .astype(float)."
        )
    xp = namespace(array)
    if not (xp.isdtype(array.dtype, "bool") or xp.isdtype(array.dtype, ("integral", "real floating"))):
        raise InputTypeError(f"{argument} holds dtype {array.dtype}, expected real numbers.")
    return array


MANY = 2**16  # numbers, whose truth values take memory that is worth saving


def _all_finite(array: np.ndarray) -> bool:
    if array.size > MANY:
        with np.errstate(over="ignore", invalid="ignore"):
            if math.isfinite(array.sum()):  # so is each value, and no array of as many truth values was needed
                return True
    return bool(np.isfinite(array).all())


def refuse_non_finite(array: Array, argument: str) -> None:
    """Raise :class:`InputError`, naming the first place, if any value is NaN or infinite."""
    if type(array) is np.ndarray and (array.dtype.kind != "f" or _all_finite(array)):
        return  # at once, as in namespace
    xp = namespace(array)
    if not xp.isdtype(array.dtype, "real floating") or not is_concrete(array):
        return
    if not bool(xp.all(xp.isfinite(array))):
        values = to_numpy(array)
        place = tuple(int(part) for part in np.argwhere(~np.isfinite(values))[0])
        raise InputError(
            f"{argument} holds {values[place]}", place=f"at index {list(place)}", expected="expected finite numbers"
        )


def jax_has_float64() -> bool:
    """Whether JAX keeps float64 (``jax_enable_x64``) or makes float32 of it, its default."""
    import jax  # pyright: ignore[reportMissingImports]

    return bool(jax.config.read("jax_enable_x64"))


def _module(library: str) -> str:
    return "jax.numpy" if library == "jax" else library


def resolve_namespace(library: ModuleType, argument: str) -> Any:
    """The standard's functions for a module the user names: numpy, torch, jax.numpy, cupy, …"""
    name = getattr(library, "__name__", "")
    if name == "numpy":
        return _numpy_namespace()
    if name == "torch" or name == "cupy":
        return __import__(f"array_api_compat.{name}", fromlist=["asarray"])
    if hasattr(library, "asarray") and hasattr(library, "isfinite"):
        return library
    raise InputTypeError(
        f"{argument} is {library!r}, expected the module of an array library, such as numpy, torch or jax.numpy."
    )
