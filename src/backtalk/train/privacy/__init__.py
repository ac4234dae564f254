"""Private training: how much noise, from where, and what it guarantees.

accounting.py   ε of the steps that were taken, and the noise that a target ε needs
noise.py        random numbers of cryptographic quality: Gaussian noise, and Poisson samples of rows
"""

from .accounting import ACCOUNTANTS, Accountant, epsilon, noise_multiplier_for
from .noise import NoiseSource

__all__ = ["ACCOUNTANTS", "Accountant", "NoiseSource", "epsilon", "noise_multiplier_for"]
