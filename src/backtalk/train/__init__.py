"""Training: ``fit`` and ``resume``.

loop.py         ``fit`` and ``resume``
run.py          a run, from the first step to the last
settings.py     the settings of a run, checked
schedules.py    learning rates over time
lbfgs.py        L-BFGS, on whole batches
validation.py   the loss on a validation set
callbacks.py    who is called during training, and may stop it; loggers/: callbacks that log
records.py      what training reports: epochs, progress, the result
checkpoint.py   where training stands, in a file
interrupt.py    Ctrl-C between two chunks of steps
agreement.py    what the processes of a cluster must have in common
"""

from ..core.optimizers import LBFGS, SGD, Adam, AdamEpsilonHat, AdamW, Nesterov, Optimizer
from ..data.shards import Shard
from ..data.sources import Stream
from ..engines.steps import LayerMeasures, StepState
from .callbacks import Callback
from .checkpoint import Checkpoint
from .records import Epoch, Progress, Training, TrainingInterrupted
from .schedules import Adaptive, Constant, Cosine, InverseScaling, OneCycle, Schedule, StepDecay
from .verbs import fit, resume

__all__ = [
    "LBFGS",
    "SGD",
    "Adam",
    "AdamEpsilonHat",
    "AdamW",
    "Adaptive",
    "Callback",
    "Checkpoint",
    "Constant",
    "Cosine",
    "Epoch",
    "InverseScaling",
    "LayerMeasures",
    "Nesterov",
    "OneCycle",
    "Optimizer",
    "Progress",
    "Schedule",
    "Shard",
    "StepDecay",
    "StepState",
    "Stream",
    "Training",
    "TrainingInterrupted",
    "fit",
    "resume",
]
