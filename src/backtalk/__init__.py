"""Feedforward networks with every gradient of back-propagation as a first-class result."""

from .activations import Activation, register_activation
from .backward import Gradients
from .check import CheckReport, check
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
from .interop import load, save
from .layers import Layers
from .losses import Loss
from .network import Network
from .train import SGD, Adam, AdamW, Epoch, LayerMeasures, Nesterov, Training, TrainingInterrupted, fit
from .verbs import backward, forward, gradients

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "BacktalkError",
    "CheckReport",
    "DivergedError",
    "Epoch",
    "FileFormatError",
    "Gradients",
    "InputError",
    "InputTypeError",
    "LayerError",
    "LayerMeasures",
    "Layers",
    "Loss",
    "MissingLibraryError",
    "Nesterov",
    "Network",
    "Trace",
    "Training",
    "TrainingInterrupted",
    "UnknownNameError",
    "backward",
    "check",
    "fit",
    "forward",
    "gradients",
    "load",
    "register_activation",
    "save",
]


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("backtalk")
    raise AttributeError(f"module 'backtalk' has no attribute {name!r}")
