"""Training: optimizers and the loop.

optimizers.py   SGD, Nesterov, Adam, AdamW: from gradients to the next parameters
lbfgs.py        L-BFGS, on whole batches
schedules.py    learning rates over time
plan.py         the settings of a run, checked
records.py      what training tells: epochs, measures, progress, the result
batch.py        the examples that steps are taken on; the error for a loss that is not finite
sources.py      where the examples of an epoch come from
shard.py        ``Shard``: arrays of which each process of a cluster holds some rows
validation.py   the loss on a validation set; class weights
steps.py        what the kinds of steps share
kinds.py        which kind an engine's name stands for
formula.py      steps by the formulas, on arrays of any library
native.py       steps by the native kernels
compiled.py     steps by JAX's compiler, on one device or on a cluster's
windows.py      examples in the order in which compiled steps take them, on the devices
callbacks.py    who is told, and may stop
checkpoint.py   where training stands, in a file
interrupt.py    Ctrl-C between two chunks of steps
together.py     what the processes of a cluster must have alike
run.py          a run, from the first step to the last
loop.py         ``fit`` and ``resume``
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
