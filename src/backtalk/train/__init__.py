"""Training: optimizers and the loop.

optimizers.py   SGD, Nesterov, Adam, AdamW: from gradients to the next parameters
records.py      what training tells: epochs, measures, the result
batch.py        the examples and their mini-batches; the error for a loss that is not finite
formula.py      steps by the formulas, on arrays of any library
native.py       steps by the native kernels
loop.py         ``fit``: seeded shuffling, one record for each epoch
"""

from .loop import fit
from .optimizers import SGD, Adam, AdamW, Nesterov, Optimizer
from .records import Epoch, LayerMeasures, Training, TrainingInterrupted

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Epoch",
    "LayerMeasures",
    "Nesterov",
    "Optimizer",
    "Training",
    "TrainingInterrupted",
    "fit",
]
