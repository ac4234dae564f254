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
    ProcessLostError,
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
    Shard,
    Training,
    TrainingInterrupted,
    fit,
    resume,
)
from .train.streams import MemoryMapped, ParquetFiles
from .verbs import backward, forward, gradients

if TYPE_CHECKING:
    from .derivations import Derivation, Exercise, Paths, exercise, explain, paths
    from .estimators import HiddenUnits, MLPClassifier, MLPRegressor
    from .interop.keras import from_keras
    from .interop.onnx import from_onnx, to_onnx
    from .interop.scikit_learn import from_sklearn, to_sklearn
    from .interop.torch import from_torch, to_torch
    from .listening import Heard, listen

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
    "Derivation",
    "Diagnosis",
    "DivergedError",
    "Doctor",
    "Dropout",
    "Epoch",
    "Exercise",
    "FileFormatError",
    "Finding",
    "Gradients",
    "Heard",
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
    "Paths",
    "ProcessLostError",
    "Progress",
    "Shard",
    "Trace",
    "Training",
    "TrainingInterrupted",
    "UnknownNameError",
    "backward",
    "check",
    "diagnose",
    "el2n",
    "exercise",
    "explain",
    "fit",
    "forward",
    "from_keras",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "gradients",
    "grand",
    "influence",
    "listen",
    "load",
    "paths",
    "per_example",
    "register_activation",
    "resume",
    "save",
    "self_influence",
    "to_onnx",
    "to_sklearn",
    "to_torch",
]


LATER = {  # imported when asked for: what few programs need, or what imports a slow library
    **dict.fromkeys(("HiddenUnits", "MLPClassifier", "MLPRegressor"), "estimators"),
    **dict.fromkeys(("Derivation", "Exercise", "Paths", "exercise", "explain", "paths"), "derivations"),
    "from_keras": "interop.keras",
    **dict.fromkeys(("from_onnx", "to_onnx"), "interop.onnx"),
    **dict.fromkeys(("from_sklearn", "to_sklearn"), "interop.scikit_learn"),
    **dict.fromkeys(("from_torch", "to_torch"), "interop.torch"),
    **dict.fromkeys(("Heard", "listen"), "listening"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in LATER:
        return getattr(import_module(f".{LATER[name]}", __name__), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("backtalk")
    raise AttributeError(f"module 'backtalk' has no attribute {name!r}")
