"""Mistakes of an update rule: each computes the next parameters in the wrong way."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.optimizers import SGD, Adagrad, Adam, AdamEpsilonHat, AdamW, Optimizer, RMSprop
from .steps_of_all import of_decay, of_every_optimizer, of_other_numbers
from .steps_of_kinds import of_adam, of_momentum, of_squares
from .update_rules import KnownStep


def known_steps(optimizer: Optimizer) -> Iterator[KnownStep]:
    """Each mistake that can be made with this optimizer, likelier ones first."""
    yield from of_every_optimizer(optimizer)
    if type(optimizer) in (Adam, AdamEpsilonHat, AdamW):  # what is built on Adam has a rule of its own
        yield from of_adam(optimizer)
    if isinstance(optimizer, SGD):
        yield from of_momentum(optimizer)
    if isinstance(optimizer, Adagrad) or (isinstance(optimizer, RMSprop) and not optimizer.centered):
        yield from of_squares(optimizer)
    yield from of_decay(optimizer)
    yield from of_other_numbers(optimizer)
