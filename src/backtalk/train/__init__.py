"""Training: ``fit``, ``fit_many`` and ``resume``.

verbs.py        ``fit`` and ``resume``: look at what is given, and train
many.py         ``fit_many``: several networks at once; shared_examples.py: on the same X; team.py: threads take turns
prepare.py      a run before its first step, from what is given
settings.py     the settings of training, checked
run.py          a run of ``fit``: the loop, with all that watches over it
loop.py         the one loop, over epochs and chunks of steps
state.py        where training stands, as one value; checkpoint.py: in a file
history.py      what the epochs brought: losses, the best network
schedules/      learning rates over time
validation.py   the validation set; metric.py: what decides on it instead of the loss
callbacks.py    who is told during training, and may stop it; loggers/: callbacks that log
whole_batch.py  what an optimizer does that searches: lbfgs.py, descent.py, on objective.py
privacy/        private training: how much noise, from where, and what it guarantees
recording.py    what is kept of a run to take its steps again, also in a file; recorder.py: who notes it
records.py      what training reports: epochs, progress, the result
interrupt.py    Ctrl-C between two chunks of steps
agreement.py    what the processes of a group must have alike
"""

from ..core.optimizers import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamEpsilonHat,
    AdamUncorrected,
    AdamW,
    AMSGrad,
    GradientDescent,
    Lion,
    Momentum,
    Nadam,
    Nesterov,
    Optimizer,
    RMSprop,
)
from ..data.shards import Shard
from ..data.sources import Stream
from ..engines.steps import LayerMeasures, StepState
from .callbacks import Callback
from .checkpoint import Checkpoint
from .many import fit_many
from .metric import Metric
from .privacy import Privacy, PrivacySpent
from .recording import Recording
from .records import Epoch, Progress, Training, TrainingInterrupted
from .schedules import (
    Adaptive,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseScaling,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
)
from .verbs import fit, resume

__all__ = [
    "LBFGS", "SGD", "AMSGrad", "Adadelta", "Adagrad", "Adam", "AdamEpsilonHat", "AdamUncorrected", "AdamW",
    "Adamax", "Adaptive", "Callback", "Checkpoint", "Constant", "Cosine", "CosineRestarts", "Epoch", "Exponential",
    "GradientDescent", "InverseScaling", "LayerMeasures", "Lion", "Metric", "Momentum", "Nadam", "Nesterov", "OneCycle",
    "Optimizer", "Polynomial", "Privacy", "PrivacySpent", "Progress", "RMSprop", "Recording", "ReduceOnPlateau",
    "Schedule", "Shard", "StepDecay", "StepState", "Stream", "Training", "TrainingInterrupted", "fit", "fit_many",
    "resume",
]  # fmt: skip
