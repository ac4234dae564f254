"""Feedforward networks with every gradient of back-propagation as a first-class result."""

from .activations import Activation, register_activation
from .backward import Gradients, backward, gradients
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
from .layers import Layers
from .losses import Loss
from .network import Network
