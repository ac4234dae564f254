"""Feedforward networks with every gradient of back-propagation as a first-class result."""

from typing import TYPE_CHECKING, Any

from . import per_example
from .activations import Activation, register_activation
from .backward import Gradients
from .check import CheckReport, check
from .diagnose import Diagnosis, Doctor, Finding, diagnose
from .dropout import Dropout
from .errors import (
    BacktalkError,
    DivergedError,
    FileFormatError,
    InputError,
    InputTypeError,
    LayerError,
    MissingLibraryError,
    UnknownNameError,
)
from .forward import Trace
from .influence import Influence, el2n, grand, influence, self_influence
from .interop import load, save
from .layers import Layers
from .losses import Loss
from .network import Network
from .train import (
    LBFGS,
    SGD,
    Adam,
    AdamW,
    Callback,
    Checkpoint,
    Epoch,
    LayerMeasures,
    Nesterov,
    Progress,
    Training,
    TrainingInterrupted,
    fit,
    resume,
)
from .train.streams import MemoryMapped, ParquetFiles
from .verbs import backward, forward, gradients

if TYPE_CHECKING:
    from .estimators import HiddenUnits, MLPClassifier, MLPRegressor

__all__ = [
    "LBFGS",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "BacktalkError",
    "Callback",
    "CheckReport",
    "Checkpoint",
    "Diagnosis",
    "DivergedError",
    "Doctor",
    "Dropout",
    "Epoch",
    "FileFormatError",
    "Finding",
    "Gradients",
    "HiddenUnits",
    "Influence",
    "InputError",
    "InputTypeError",
    "LayerError",
    "LayerMeasures",
    "Layers",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "MemoryMapped",
    "MissingLibraryError",
    "Nesterov",
    "Network",
    "ParquetFiles",
    "Progress",
    "Trace",
    "Training",
    "TrainingInterrupted",
    "UnknownNameError",
    "backward",
    "check",
    "diagnose",
    "el2n",
    "fit",
    "forward",
    "gradients",
    "grand",
    "influence",
    "load",
    "per_example",
    "register_activation",
    "resume",
    "save",
    "self_influence",
]


ESTIMATORS = ("HiddenUnits", "MLPClassifier", "MLPRegressor")  # imported when asked for, since scikit-learn is slow


def __getattr__(name: str) -> Any:
    if name in ESTIMATORS:
        from . import estimators

        return getattr(estimators, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("backtalk")
    raise AttributeError(f"module 'backtalk' has no attribute {name!r}")
