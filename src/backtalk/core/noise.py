"""Normal noise for the sums of clipped gradients, which nobody can predict, drawn so that every engine draws the same.

A number depends on the key, the step, the layer and its place in [W_i b_i], and on nothing else: not on threads, blocks
or engines. The bits are those of ChaCha20 (RFC 8439), by the library cryptography, with the layer and the step as the
nonce. Whoever does not know the key cannot tell them from random ones.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import MissingLibraryError

INSTALL = "pip install 'backtalk[privacy]'"
KEY_BYTES = 32
WORDS = 16  # of 32 bits in a block of the generator
GRID = 24  # noisy sums are multiples of σ/2^24, or of up to twice as much
BLOCKS_AT_ONCE = 2**11  # whose numbers stay in the processor's cache


def noise_for(
    key: bytes, layer: int, step: int, rows: int, columns: int, dtype: str = "float64", *, first: int = 0
) -> np.ndarray:
    """Standard normal numbers, (rows, columns), float64: those of a layer in a step, for its [W_i b_i].

    ``dtype``: that in which they are needed. For float64 each pair takes 128 bits, for others 64. The numbers of row j
    and the columns from c on stand in block c/16 · rows + j of the generator (c/8 for float64), c counted in so many;
    ``first`` is the block from which blocks are counted.

    Source: Box and Muller 1958, "A note on the generation of random normal deviates": √(−2 log u) (cos φ, sin φ).
    Raises :class:`~backtalk.errors.MissingLibraryError` without the library cryptography.

    >>> noise_for(bytes(32), layer=1, step=1, rows=2, columns=3).round(2)
    array([[-1.87, -0.45,  0.37],
           [ 0.28, -0.69, -0.32]])
    """
    is_wide = dtype == "float64"
    drawn = WORDS // 2 if is_wide else WORDS
    groups = -(-columns // drawn)
    words = stream(key, layer, step, groups * rows, first).reshape(groups, rows, -1, 4 if is_wide else 2)
    if is_wide:
        u = words[..., 1] * 2.0**-32 + (words[..., 0] + 1.0) * 2.0**-64
        angle = (words[..., 3] & 0x3FFFFFFF) * 2.0**-30 + (words[..., 2] >> 10) * 2.0**-52
    else:
        u = words[..., 0] * 2.0**-32 + ((words[..., 1] & 255) + 1.0) * 2.0**-40
        angle = (words[..., 1] >> 8 & 0x3FFFFF) * 2.0**-22
    quarter = words[..., -1] >> 30
    radius, phi = np.sqrt(-2 * np.log(u)), math.pi / 2 * (angle - 0.5 + quarter)
    normal = np.stack([radius * np.cos(phi), radius * np.sin(phi)], axis=-1)
    return normal.reshape(groups, rows, drawn).transpose(1, 0, 2).reshape(rows, -1)[:, :columns]


def add_on_grid(total: np.ndarray, noise: np.ndarray, deviation: float) -> np.ndarray:
    """``total`` + ``deviation`` · ``noise``, in float64, rounded to multiples of a power of 2, about deviation/2²⁴.

    So any total can lead to any result, and the last bits tell nothing of it. Source: Mironov 2012, "On significance of
    the least significant bits for differential privacy".

    >>> add_on_grid(np.array([1.0, 1.0]), np.array([0.0, 0.1]), 1.0) * 2**24
    array([16777216., 18454938.])
    """
    grid = grid_of(deviation)
    return np.rint((total + deviation * noise) / grid) * grid


def add_noise(total: np.ndarray, key: bytes, layer: int, step: int, deviation: float) -> None:
    """Add the noise of a layer of one row to ``total``, (n,), in place, by :func:`add_on_grid`.

    The noise is in float64, also for a ``total`` in float32, whose sum is rounded to that last.

    >>> total = np.zeros(3)
    >>> add_noise(total, bytes(32), layer=1, step=1, deviation=1.0)
    >>> total.round(2)
    array([-1.87, -0.45,  0.37])
    """
    drawn = WORDS // 2
    for first in range(0, -(-total.size // drawn), BLOCKS_AT_ONCE):
        part = total[first * drawn : (first + BLOCKS_AT_ONCE) * drawn]
        noise = noise_for(key, layer, step, 1, part.size, first=first)
        part[:] = add_on_grid(part, noise[0], deviation)


def stream(key: bytes, layer: int, step: int, blocks: int, first: int = 0) -> np.ndarray:
    """So many blocks of the generator, from number ``first`` on, as words of 32 bits.

    >>> stream(bytes(32), 0, 0, 1)[:2].tolist()  # RFC 8439, A.1, test vector 1
    [2917185654, 2419978656]
    """
    require_cipher()
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

    nonce = first.to_bytes(4, "little") + layer.to_bytes(4, "little") + step.to_bytes(8, "little")
    words = np.empty(blocks * WORDS, "<u4")
    cipher = Cipher(algorithms.ChaCha20(key, nonce), mode=None)
    cipher.encryptor().update_into(bytes(words.nbytes), words.view(np.uint8).data)
    return words


def grid_of(deviation: float) -> float:
    """The power of 2 of which noisy numbers are multiples."""
    return math.ldexp(1.0, math.frexp(deviation)[1] - 1 - GRID)


def require_cipher() -> None:
    """Raise :class:`~backtalk.errors.MissingLibraryError` without the library cryptography."""
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise MissingLibraryError(
            f"noise of private training is made by the library cryptography, which is not installed: {INSTALL}."
        ) from None
