"""Feedforward networks with every gradient of back-propagation as a first-class result."""

from .activations import Activation, register_activation
from .backward import Gradients, backward, gradients
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
from .forward import Trace, forward
from .interop import load, save
from .layers import Layers
from .losses import Loss
from .network import Network
from .train import SGD, Adam, Epoch, Training, fit

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "BacktalkError",
    "CheckReport",
    "DivergedError",
    "Epoch",
    "FileFormatError",
    "Gradients",
    "InputError",
    "InputTypeError",
    "LayerError",
    "Layers",
    "Loss",
    "MissingLibraryError",
    "Network",
    "Trace",
    "Training",
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
