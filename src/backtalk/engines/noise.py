"""Noise for a sum that was formed elsewhere, such as by PyTorch: by the kernels, or by the formula."""

from __future__ import annotations

import numpy as np

from ..core import noise
from .native.kernels import extension, kernels


def add_noise(total: np.ndarray, key: bytes, layer: int, step: int, deviation: float) -> None:
    """What :func:`backtalk.core.noise.add_noise` does: ``total``, (n,), contiguous, is changed in place."""
    if (variant := kernels()) is None:
        noise.add_noise(total, key, layer, step, deviation)
    else:
        extension.add_noise(variant, total, key, layer, step, deviation, noise.grid_of(deviation))
