"""Random numbers that nobody can predict: Gaussian noise, and Poisson samples of rows.

The bits are those of core/noise.py, drawn one after another instead of by layer and step. The generators of NumPy and
PyTorch are statistically sound, but their state follows from some of their numbers, even if it began at the system's
entropy.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from ...core.noise import KEY_BYTES, WORDS, require_cipher, stream
from ...engines.noise import add_noise
from ...errors import InputError, InputTypeError, a_kind
from .accounting import as_sampling_rate

MARK = 2**32 - 1  # in place of a layer: numbers that are drawn one after another
LEAST, MOST = 1e-280, 1e280  # of σ, so that its multiples and fractions are normal numbers too


def as_seed(seed: Any) -> int | None:
    """A seed as it was given, checked.

    Raises :class:`~backtalk.errors.InputError` or :class:`~backtalk.errors.InputTypeError` for another.
    """
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise InputTypeError(f"seed is {seed!r}, expected a whole number, or None for noise that nobody can repeat.")
    if seed < 0:
        raise InputError(f"seed is {seed}, expected a whole number of 0 or more.")
    return int(seed)


def key_of(seed: int | None, purpose: str) -> bytes:
    """The key that follows from a seed for one purpose; without a seed, one of the operating system."""
    return secrets.token_bytes(KEY_BYTES) if seed is None else hashlib.sha256(f"{purpose} {seed}".encode()).digest()


class NoiseSource:
    """Gaussian noise and samples of rows, of cryptographic quality.

    ``seed``: a whole number of 0 or more, of which the key is made by SHA-256: the same numbers each time, for tests
    and for runs that are to be repeated. Whoever knows the seed can take the noise away again. Without it, the key is
    drawn from the operating system, and never leaves this object.

    Raises :class:`~backtalk.errors.InputError` or :class:`~backtalk.errors.InputTypeError` for another seed,
    :class:`~backtalk.errors.MissingLibraryError` without the library cryptography.

    >>> noise = NoiseSource(seed=0)
    >>> total = np.ones(3)
    >>> noise.add(total, scale=0.1)
    >>> total.round(2)
    array([1.11, 0.93, 1.08])
    >>> noise.sample(1000, rate=0.005)
    array([152, 199, 595])
    """

    def __init__(self, seed: int | None = None) -> None:
        self._open(as_seed(seed), 0)

    def add(self, total: np.ndarray, scale: float) -> None:
        """Add independent normal noise of standard deviation ``scale`` to ``total``, (n,), in place.

        ``total``: float32 or float64, contiguous. The sum is formed in float64 and rounded to a multiple of a power of
        2, about scale/2²⁴. So any total can lead to any result, and the last bits tell nothing (Mironov 2012). What is
        not covered: rounding within ``total`` itself, and how long anything takes. With and without the kernels, a
        number may differ in its last bits.
        """
        if not isinstance(total, np.ndarray):
            raise InputTypeError(f"total is {a_kind(total)}, expected an array of NumPy.")
        if total.dtype not in (np.float32, np.float64) or total.ndim != 1 or not total.flags.c_contiguous:
            raise InputTypeError(
                f"total has dtype {total.dtype}, shape {total.shape} and strides {total.strides}, expected one row of "
                "contiguous numbers in float32 or float64."
            )
        if isinstance(scale, bool) or not isinstance(scale, Real):
            raise InputTypeError(f"scale is {scale!r}, expected a number.")
        scale = float(scale)
        if scale != 0 and not LEAST <= scale <= MOST:
            raise InputError(f"scale is {scale!r}, expected 0, or a number from {LEAST:g} to {MOST:g}.")
        if scale:
            add_noise(total, self._key, MARK, self._next(), scale)

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
            gaps = np.floor(np.log(self._uniform(most)) / math.log1p(-rate)) + 1
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
        self._key = key_of(seed, "backtalk")
        self._seed, self._drawn = seed, drawn

    def _next(self) -> int:
        """The number of a draw, so that each has numbers of its own."""
        self._drawn += 1
        return self._drawn - 1

    def _uniform(self, count: int) -> np.ndarray:
        """Numbers in (0, 1], multiples of 2⁻⁵²."""
        words = stream(self._key, MARK, self._next(), -(-count // (WORDS // 2)))
        return 1.0 - (words.view("<u8")[:count] >> 12) * 2.0**-52
