"""Feedforward networks with every gradient of back-propagation as a first-class result.

A public name is imported when it is first asked for, so that each program loads what it needs: ``backtalk --help``
neither NumPy nor any network.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import starting  # noqa: F401

if TYPE_CHECKING:
    from .analysis import per_example
    from .analysis.check import CheckReport, check, check_step
    from .analysis.diagnose import Diagnosis, Doctor, Finding, diagnose
    from .analysis.influence import (
        Hypergradients,
        Influence,
        el2n,
        grand,
        hypergradients,
        influence,
        retrain,
        score_influence,
        self_influence,
    )
    from .analysis.landscape import LossLine, LossPlane, loss_line, loss_plane
    from .analysis.torch_hooks import Heard, PrivateSteps, listen
    from .analysis.torch_hooks.watch import watch
    from .apps.estimators import HiddenUnits, MLPClassifier, MLPRegressor
    from .apps.estimators.tables import TableClassifier, TableRegressor
    from .apps.onnx import to_onnx
    from .apps.tables.loaded import Run, load_run
    from .core.activations import Activation, register_activation
    from .core.backward import Gradients
    from .core.curvature import HessianProduct
    from .core.dropout import Dropout
    from .core.forward import Trace
    from .core.layers import Layers
    from .core.losses import Loss, register_loss
    from .core.mean import mean_network
    from .core.network import Network
    from .core.predictor import Predictor
    from .data.streams import MemoryMapped, ParquetFiles
    from .engines.passes import backward, forward, gradients, hessian_product
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
    from .interop import load, load_members, save
    from .interop.keras import from_keras
    from .interop.onnx.convert import from_onnx
    from .interop.scikit_learn import from_sklearn, to_sklearn
    from .interop.torch import from_torch, to_torch
    from .teaching.derivations import Derivation, Paths, StepDerivation, explain, explain_step, paths
    from .teaching.exercises import Exercise, exercise
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
        Metric,
        Momentum,
        Nadam,
        Nesterov,
        Privacy,
        PrivacySpent,
        Progress,
        Recording,
        RMSprop,
        Shard,
        Training,
        TrainingInterrupted,
        fit,
        fit_many,
        resume,
    )

__all__ = [
    "LBFGS", "SGD", "AMSGrad", "Activation", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "BacktalkError",
    "Callback", "CheckReport", "Checkpoint", "Derivation", "Diagnosis", "DivergedError", "Doctor", "Dropout", "Epoch",
    "Exercise", "FileFormatError", "Finding", "GradientDescent", "Gradients", "Heard", "HessianProduct", "HiddenUnits",
    "Hypergradients", "Influence", "InputError", "InputTypeError", "LayerError", "LayerMeasures", "Layers", "Lion",
    "Loss", "LossLine", "LossPlane", "MLPClassifier", "MLPRegressor", "MemoryMapped", "Metric", "MissingLibraryError",
    "Momentum", "Nadam", "Nesterov", "Network", "ParquetFiles", "Paths", "Predictor", "Privacy", "PrivacySpent",
    "PrivateSteps", "ProcessLostError", "Progress", "RMSprop", "Recording", "Run", "Shard", "StepDerivation",
    "TableClassifier", "TableRegressor", "Trace", "Training", "TrainingInterrupted", "UnknownNameError", "backward",
    "check", "check_step", "diagnose", "el2n", "exercise", "explain", "explain_step", "fit", "fit_many", "forward",
    "from_keras", "from_onnx", "from_sklearn", "from_torch", "gradients", "grand", "hessian_product", "hypergradients",
    "influence", "listen", "load", "load_members", "load_run", "loss_line", "loss_plane", "mean_network", "paths",
    "per_example", "register_activation", "register_loss", "resume", "retrain", "save", "score_influence",
    "self_influence", "to_onnx", "to_sklearn", "to_torch", "watch",
]  # fmt: skip

HOMES = {  # the module of each public name
    **dict.fromkeys(("CheckReport", "check", "check_step"), "analysis.check"),
    **dict.fromkeys(("Diagnosis", "Doctor", "Finding", "diagnose"), "analysis.diagnose"),
    **dict.fromkeys(
        (
            "Hypergradients", "Influence", "el2n", "grand", "hypergradients", "influence", "retrain",
            "score_influence", "self_influence",
        ),
        "analysis.influence",
    ),
    **dict.fromkeys(("LossLine", "LossPlane", "loss_line", "loss_plane"), "analysis.landscape"),
    **dict.fromkeys(("Heard", "PrivateSteps", "listen"), "analysis.torch_hooks"),
    "watch": "analysis.torch_hooks.watch",
    **dict.fromkeys(("HiddenUnits", "MLPClassifier", "MLPRegressor"), "apps.estimators"),
    **dict.fromkeys(("TableClassifier", "TableRegressor"), "apps.estimators.tables"),
    "to_onnx": "apps.onnx",
    **dict.fromkeys(("Run", "load_run"), "apps.tables.loaded"),
    **dict.fromkeys(("Activation", "register_activation"), "core.activations"),
    "Gradients": "core.backward",
    "HessianProduct": "core.curvature",
    "Dropout": "core.dropout",
    "Trace": "core.forward",
    "Layers": "core.layers",
    "mean_network": "core.mean",
    **dict.fromkeys(("Loss", "register_loss"), "core.losses"),
    "Network": "core.network",
    "Predictor": "core.predictor",
    **dict.fromkeys(("MemoryMapped", "ParquetFiles"), "data.streams"),
    **dict.fromkeys(("backward", "forward", "gradients", "hessian_product"), "engines.passes"),
    **dict.fromkeys(
        (
            "BacktalkError", "DivergedError", "FileFormatError", "InputError", "InputTypeError", "LayerError",
            "MissingLibraryError", "ProcessLostError", "UnknownNameError",
        ),
        "errors",
    ),
    **dict.fromkeys(("load", "load_members", "save"), "interop"),
    "from_keras": "interop.keras",
    "from_onnx": "interop.onnx",
    **dict.fromkeys(("from_sklearn", "to_sklearn"), "interop.scikit_learn"),
    **dict.fromkeys(("from_torch", "to_torch"), "interop.torch"),
    **dict.fromkeys(
        ("Derivation", "Paths", "StepDerivation", "explain", "explain_step", "paths"), "teaching.derivations"
    ),
    **dict.fromkeys(("Exercise", "exercise"), "teaching.exercises"),
    **dict.fromkeys(
        (
            "LBFGS", "SGD", "AMSGrad", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Callback", "Checkpoint",
            "Epoch", "GradientDescent", "LayerMeasures", "Lion", "Metric", "Momentum", "Nadam", "Nesterov", "Privacy",
            "PrivacySpent", "Progress", "RMSprop", "Recording", "Shard", "Training", "TrainingInterrupted", "fit",
            "fit_many", "resume",
        ),
        "train",
    ),
}  # fmt: skip
FOLDERS = (
    "analysis",
    "apps",
    "core",
    "data",
    "distributed",
    "engines",
    "errors",
    "interop",
    "pages",
    "teaching",
    "train",
)


def __getattr__(name: str) -> Any:
    if name in HOMES:
        if HOMES[name] != "errors":
            import_module(".engines.passes", __name__)  # whose kernels serve the predictor of a network
        found = getattr(import_module(f".{HOMES[name]}", __name__), name)
    elif name in (*FOLDERS, "per_example"):
        found = import_module(f".{name}", __name__)
    elif name == "__version__":
        from importlib.metadata import version

        found = version("backtalk")
    else:
        raise AttributeError(f"module 'backtalk' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
