"""Dropout: which hidden units are silenced in a step, drawn so that every engine draws the same.

A unit's draw depends on the seed, the step, the layer, the example's place in the batch and the unit, and on nothing
else: not on threads, blocks or engines. The draws are 16 bits each of NumPy's Philox generator (Salmon et al. 2011),
with the counter at (0, layer, step, 0); each example's begin at a multiple of 16.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from ..errors import InputError, InputTypeError
from .arrays import Array, ArraySpec

LEVELS = 1 << 16  # a rate is kept as a whole number of these
DRAWS = 16  # of one block of the generator


@dataclass(frozen=True, slots=True)
class Dropout:
    """In every step, each unit of hidden layer i is silenced with probability ``rates[i − 1]``, independently.

    h_i = m_i ⊙ g(a_i), where m is 0 for a silent unit and 1/(1 − rate) for the others, so that the mean of h_i is the
    same as without dropout (Srivastava et al. 2014, in the form that scales in training). The mask is part of the
    gradient: ∇_{a_i} = ∇_{h_i} ⊙ m_i ⊙ g′(a_i).

    ``rates``: one number in [0, 1) for all hidden layers, or a list with one for each; rounded to 1/65536. ``seed``: a
    whole number from 0 to 2⁶⁴ − 1. ``step``, from 1: the same seed draws other masks in another step.

    >>> dropout = Dropout(0.5, seed=0)
    >>> dropout.mask(1, (2, 4))
    array([[2., 2., 2., 0.],
           [2., 0., 2., 2.]])
    """

    rates: float | tuple[float, ...]
    seed: int = 0
    step: int = 1

    def __post_init__(self) -> None:
        rates = self.rates
        if not isinstance(rates, Real):
            if isinstance(rates, str) or not isinstance(rates, Sequence):
                raise InputTypeError(
                    f"is {rates!r}, expected a number, or a list with one per hidden layer.", argument="dropout"
                )
            object.__setattr__(self, "rates", tuple(rates))
        for rate in [rates] if isinstance(rates, Real) else rates:
            if isinstance(rate, bool) or not isinstance(rate, Real):
                raise InputTypeError(f"is {rates!r}, expected numbers in [0, 1).", argument="dropout")
            if not 0 <= float(rate) <= 1 - 1 / LEVELS:
                raise InputError(f"is {rates!r}, expected numbers of 0 or more, and below 1.", argument="dropout")
        for name, least, most in (("seed", 0, 2**64), ("step", 1, 2**63)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise InputTypeError(f"of dropout is {value!r}, expected a whole number.", argument=name)
            if not least <= value < most:
                raise InputError(
                    f"of dropout is {value}, expected a whole number from {least} to {most - 1}.", argument=name
                )

    def levels(self, hidden_layers: int) -> list[int]:
        """The rate of each hidden layer in units of 1/65536; refuses a list of another length."""
        rates = self.rates
        if isinstance(rates, tuple) and len(rates) != hidden_layers:
            raise InputError(
                f"has {len(rates)} rates, expected {hidden_layers}: one for each hidden layer of the network.",
                argument="dropout",
            )
        return [round(rate * LEVELS) for rate in (rates if isinstance(rates, tuple) else [rates] * hidden_layers)]

    def at(self, step: int) -> Dropout:
        """The same dropout in another step."""
        return Dropout(self.rates, self.seed, step)

    def mask(self, layer: int, shape: tuple[int, int]) -> np.ndarray:
        """m of a hidden layer for a batch, ``shape`` (B, n_i), float64: 0 or 1/(1 − rate)."""
        rate = self.rates[layer - 1] if isinstance(self.rates, tuple) else self.rates
        level = round(rate * LEVELS)
        count, units = shape
        blocks = -(-units // DRAWS)
        generator = np.random.Philox(
            counter=np.array([0, layer, self.step, 0], np.uint64), key=np.array([self.seed, 0], np.uint64)
        )
        words = generator.random_raw(count * blocks * DRAWS // 4)
        draws = words.astype("<u8" if sys.byteorder == "big" else np.uint64).view("<u2").reshape(count, -1)[:, :units]
        return np.where(draws < level, 0.0, LEVELS / (LEVELS - level))

    def masks(self, sizes: Sequence[int], count: int, spec: ArraySpec) -> list[Array]:
        """The masks of all hidden layers of a network with these sizes, as arrays of its library."""
        self.levels(len(sizes) - 2)
        return [
            spec.xp.asarray(self.mask(i, (count, sizes[i])), dtype=spec.dtype, device=spec.device)
            for i in range(1, len(sizes) - 1)
        ]
