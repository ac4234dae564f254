"""Private training: how much noise, from where, and what it guarantees.

settings.py     ``Privacy``: what a user asks for
plan.py         what that means for a run, and what is refused
spent.py        ``PrivacySpent``: what the steps have cost
poisson.py      the mini-batches of the steps
accounting.py   ε of the steps that were taken, and the noise that a target ε needs
noise.py        random numbers of cryptographic quality: Gaussian noise, and Poisson samples of rows
"""

from .accounting import (
    ACCOUNTANTS,
    Accountant,
    epsilon,
    noise_multiplier_for,
    require_accounting,
    require_delta,
)
from .noise import NoiseSource
from .plan import PrivacyPlan
from .settings import Privacy
from .spent import PrivacySpent

__all__ = [
    "ACCOUNTANTS", "Accountant", "NoiseSource", "Privacy", "PrivacyPlan", "PrivacySpent", "epsilon",
    "noise_multiplier_for", "require_accounting", "require_delta",
]  # fmt: skip
