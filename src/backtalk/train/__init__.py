"""Training: ``fit`` and ``resume``.

verbs.py        ``fit`` and ``resume``: look at what is given, and train
settings.py     the settings of training, checked
run.py          a run of ``fit``: the loop, with all that watches over it
loop.py         the one loop, over epochs and chunks of steps
state.py        where training stands, as one value; checkpoint.py: in a file
history.py      what the epochs brought: losses, the best network
schedules.py    learning rates over time
validation.py   the validation set
callbacks.py    who is told during training, and may stop it; loggers/: callbacks that log
lbfgs.py        L-BFGS, on whole batches
records.py      what training reports: epochs, progress, the result
interrupt.py    Ctrl-C between two chunks of steps
agreement.py    what the processes of a group must have alike
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
    "LBFGS", "SGD", "Adam", "AdamEpsilonHat", "AdamW", "Adaptive", "Callback", "Checkpoint", "Constant", "Cosine",
    "Epoch", "InverseScaling", "LayerMeasures", "Nesterov", "OneCycle", "Optimizer", "Progress", "Schedule", "Shard",
    "StepDecay", "StepState", "Stream", "Training", "TrainingInterrupted", "fit", "resume",
]  # fmt: skip
