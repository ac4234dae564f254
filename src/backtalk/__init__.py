"""Feedforward networks with every gradient of back-propagation as a first-class result."""

from . import starting  # noqa: F401  # before all that takes time

# isort: split
import sys
from typing import TYPE_CHECKING, Any

from .analysis import per_example
from .analysis.check import CheckReport, check, check_step
from .analysis.diagnose import Diagnosis, Doctor, Finding, diagnose
from .analysis.influence import Influence, el2n, grand, influence, self_influence
from .core.activations import Activation, register_activation
from .core.backward import Gradients
from .core.dropout import Dropout
from .core.forward import Trace
from .core.layers import Layers
from .core.losses import Loss, register_loss
from .core.network import Network
from .core.predictor import Predictor
from .data.streams import MemoryMapped, ParquetFiles
from .engines.passes import backward, forward, gradients
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
from .interop import load, save
from .train import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    AMSGrad,
    Callback,
    Checkpoint,
    Epoch,
    GradientDescent,
    LayerMeasures,
    Lion,
    Momentum,
    Nadam,
    Nesterov,
    Progress,
    RMSprop,
    Shard,
    Training,
    TrainingInterrupted,
    fit,
    fit_many,
    resume,
)

if TYPE_CHECKING:
    from .analysis.torch_hooks import Heard, listen
    from .apps.estimators import HiddenUnits, MLPClassifier, MLPRegressor
    from .interop.keras import from_keras
    from .interop.onnx.convert import from_onnx, to_onnx
    from .interop.scikit_learn import from_sklearn, to_sklearn
    from .interop.torch import from_torch, to_torch
    from .teaching.derivations import Derivation, Paths, StepDerivation, explain, explain_step, paths
    from .teaching.exercises import Exercise, exercise

__all__ = [
    "LBFGS", "SGD", "AMSGrad", "Activation", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "BacktalkError",
    "Callback", "CheckReport", "Checkpoint", "Derivation", "Diagnosis", "DivergedError", "Doctor", "Dropout", "Epoch",
    "Exercise", "FileFormatError", "Finding", "GradientDescent", "Gradients", "Heard", "HiddenUnits", "Influence",
    "InputError", "InputTypeError", "LayerError", "LayerMeasures", "Layers", "Lion", "Loss", "MLPClassifier",
    "MLPRegressor", "MemoryMapped", "MissingLibraryError", "Momentum", "Nadam", "Nesterov", "Network", "ParquetFiles",
    "Paths", "Predictor", "ProcessLostError", "Progress", "RMSprop", "Shard", "StepDerivation", "Trace", "Training",
    "TrainingInterrupted", "UnknownNameError", "backward", "check", "check_step", "diagnose", "el2n", "exercise",
    "explain", "explain_step", "fit", "fit_many", "forward", "from_keras", "from_onnx", "from_sklearn", "from_torch",
    "gradients", "grand", "influence", "listen", "load", "paths", "per_example", "register_activation",
    "register_loss", "resume", "save", "self_influence", "to_onnx", "to_sklearn", "to_torch",
]  # fmt: skip


sys.modules[f"{__name__}.per_example"] = per_example  # a public name to import from: backtalk.per_example

LATER = {  # imported when asked for: what few programs need, or what imports a slow library
    **dict.fromkeys(("HiddenUnits", "MLPClassifier", "MLPRegressor"), "apps.estimators"),
    **dict.fromkeys(
        ("Derivation", "Paths", "StepDerivation", "explain", "explain_step", "paths"), "teaching.derivations"
    ),
    **dict.fromkeys(("Exercise", "exercise"), "teaching.exercises"),
    "from_keras": "interop.keras",
    **dict.fromkeys(("from_onnx", "to_onnx"), "interop.onnx"),
    **dict.fromkeys(("from_sklearn", "to_sklearn"), "interop.scikit_learn"),
    **dict.fromkeys(("from_torch", "to_torch"), "interop.torch"),
    **dict.fromkeys(("Heard", "listen"), "analysis.torch_hooks"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in LATER:
        return getattr(import_module(f".{LATER[name]}", __name__), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("backtalk")
    raise AttributeError(f"module 'backtalk' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
