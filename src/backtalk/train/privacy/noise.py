"""Random numbers that nobody can predict: Gaussian noise, and Poisson samples of rows.

The bits are those of ChaCha20 (RFC 8439), by the library cryptography. Whoever does not know the key cannot tell them
from random ones. The generators of NumPy and PyTorch are statistically sound, but their state follows from some of
their numbers, even if it began at the system's entropy.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from ...core.arrays import Array, dtype_name, is_array, namespace
from ...core.noise import grid_of, require_cipher
from ...errors import InputError, InputTypeError, a_kind
from .accounting import as_sampling_rate

MARK = b"\xff" * 4  # of numbers that are drawn one after another, and not by layer and step
CHUNK = 2**15  # normal numbers that are made at once, so that they stay in the processor's cache
LEAST, MOST = 1e-280, 1e280  # of σ, so that its multiples and fractions are normal numbers too


class NoiseSource:
    """Gaussian noise and samples of rows, of cryptographic quality.

    ``seed``: a whole number of 0 or more, of which the key is made by SHA-256: the same numbers each time, for tests
    and for runs that are to be repeated. Whoever knows the seed can take the noise away again. Without it, the key is
    drawn from the operating system, and never leaves this object.

    Raises :class:`~backtalk.errors.InputError` or :class:`~backtalk.errors.InputTypeError` for another seed,
    :class:`~backtalk.errors.MissingLibraryError` without the library cryptography.

    >>> noise = NoiseSource(seed=0)
    >>> noise.normal((2, 3), scale=1.0).round(2)
    array([[ 0.49,  0.14,  1.46],
           [-0.93, -0.25,  0.62]])
    >>> noise.sample(1000, rate=0.005)
    array([152, 199, 595])
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None:
            if isinstance(seed, bool) or not isinstance(seed, Integral):
                raise InputTypeError(f"seed is {seed!r}, expected a whole number, or None for one that nobody knows.")
            if seed < 0:
                raise InputError(f"seed is {seed}, expected a whole number of 0 or more.")
        self._open(None if seed is None else int(seed), 0)

    def normal(self, shape: int | Sequence[int], scale: float) -> np.ndarray:
        """Independent normal numbers with mean 0 and standard deviation ``scale``, float64, of this shape.

        They are rounded as :meth:`add` rounds, which is what a sum of gradients needs.
        """
        return self.add(np.zeros(shape), scale)

    def add(self, total: Array, scale: float) -> Array:
        """``total`` with independent normal noise of standard deviation ``scale``: a new array, of its shape and dtype.

        ``total``: an array of NumPy, or a tensor of PyTorch on the CPU. The sum is formed in float64 and rounded to a
        multiple of a power of 2, about scale/2²⁴. So any total can lead to any result, and the last bits tell nothing:
        of noise that is only added in floating point, the values that it can take give the total away (Mironov 2012,
        "On significance of the least significant bits for differential privacy"). What is not covered: rounding within
        ``total`` itself, and how long anything takes.

        Source: Box and Muller 1958, "A note on the generation of random normal deviates", in float64 from 52 bits
        each; no number lies beyond 8.5 standard deviations, where a normal one does once in 5·10¹⁶.
        """
        if not is_array(total):
            raise InputTypeError(f"total is {a_kind(total)}, expected an array.")
        xp = namespace(total)
        if not xp.isdtype(total.dtype, "real floating"):
            raise InputTypeError(f"total has dtype {dtype_name(total.dtype)}, expected real floating-point numbers.")
        if isinstance(scale, bool) or not isinstance(scale, Real):
            raise InputTypeError(f"scale is {scale!r}, expected a number.")
        scale = float(scale)
        if scale != 0 and not LEAST <= scale <= MOST:
            raise InputError(f"scale is {scale!r}, expected 0, or a number from {LEAST:g} to {MOST:g}.")
        given = xp.reshape(total, (-1,))
        result = xp.asarray(given, copy=True)
        grid = grid_of(scale)
        for first in range(0, given.shape[0] if scale else 0, CHUNK):
            part = slice(first, first + CHUNK)
            count = given[part].shape[0]
            noise = _box_muller(xp.asarray(self._bits(2 * -(-count // 2))))[:count]
            noise *= scale
            noise += given[part]
            noise /= grid
            result[part] = xp.round(noise) * grid
        return xp.reshape(result, total.shape)

    def sample(self, count: int, rate: float) -> np.ndarray:
        """The rows, out of 0 … count − 1, that a Poisson sample takes: each with probability ``rate``, independently.

        In their order, int64; there may be none. Source: the gaps between them have a geometric distribution (Devroye
        1986, "Non-uniform random variate generation", chapter X.2), so that the cost is that of the rows taken.
        """
        if isinstance(count, bool) or not isinstance(count, Integral):
            raise InputTypeError(f"count is {count!r}, expected a whole number.")
        if count < 0:
            raise InputError(f"count is {count}, expected a whole number of 0 or more.")
        rate = as_sampling_rate(rate)
        if rate == 1:
            return np.arange(count)
        found, last = [], -1.0
        while last < count:
            expected = (count - last) * rate
            most = int(expected + 6 * math.sqrt(expected)) + 16
            gaps = np.floor(np.log(_uniform(self._bits(most))) / math.log1p(-rate)) + 1
            rows = last + np.cumsum(gaps)
            found.append(rows[rows < count])
            last = float(rows[-1])
        return np.concatenate(found).astype(np.int64)

    def state(self) -> dict[str, Any]:
        """Numbers for a checkpoint: the seed, and how much was drawn. Without a seed nothing that tells of the key."""
        return {"seed": self._seed, "drawn": None if self._seed is None else self._drawn}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken; from a source without a seed, with a new key of the operating system."""
        known = isinstance(state, Mapping) and {"seed", "drawn"} <= set(state)
        seed, drawn = (state["seed"], state["drawn"]) if known else (-1, -1)
        if seed is not None and not all(isinstance(each, int) and each >= 0 for each in (seed, drawn)):
            raise InputError(f"state is {state!r}, expected what state() of a NoiseSource gave.")
        self._open(seed, drawn or 0)

    def __repr__(self) -> str:
        return "NoiseSource()" if self._seed is None else f"NoiseSource({self._seed})"

    def __reduce__(self) -> Any:
        raise InputTypeError(
            f"{self!r} holds a key that is to stay here, and cannot be copied or pickled: use state()."
        )

    def _open(self, seed: int | None, drawn: int) -> None:
        require_cipher()
        self._key = secrets.token_bytes(32) if seed is None else hashlib.sha256(f"backtalk {seed}".encode()).digest()
        self._seed, self._drawn = seed, drawn

    def _bits(self, count: int) -> np.ndarray:
        """Random integers of 64 bits, those of a nonce of their own: how many were drawn before, and a mark."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

        nonce = bytes(4) + MARK + self._drawn.to_bytes(8, "little")  # after the counter, which begins at 0
        bits = np.empty(count, "<i8")
        stream = Cipher(algorithms.ChaCha20(self._key, nonce), mode=None).encryptor()
        stream.update_into(bytes(bits.nbytes), bits.view(np.uint8).data)
        self._drawn += 1
        return bits


def _uniform(bits: Array) -> Array:
    """Numbers in (0, 1], multiples of 2⁻⁵²: 2 minus that of [1, 2) whose fraction the bits are."""
    return 2.0 - ((bits >> 12) & (2**52 - 1) | 0x3FF << 52).view(namespace(bits).float64)


def _box_muller(bits: Array) -> Array:
    """Standard normal numbers of an even number of bits: √(−2 log u) cos 2πv, then the same with sin."""
    xp, half = namespace(bits), bits.shape[0] // 2
    numbers = _uniform(bits)
    radius, angle = xp.sqrt(-2.0 * xp.log(numbers[:half])), (2 * math.pi) * numbers[half:]
    return xp.concat([radius * xp.cos(angle), radius * xp.sin(angle)])
