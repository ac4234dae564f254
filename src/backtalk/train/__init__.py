"""Training: optimizers and the loop.

optimizers.py   SGD with momentum, Adam: from gradients to the next parameters
loop.py         ``fit``: mini-batches, seeded shuffling, one record for each epoch
"""

from .loop import Epoch, Training, fit
from .optimizers import SGD, Adam, Optimizer

__all__ = ["SGD", "Adam", "Epoch", "Optimizer", "Training", "fit"]
