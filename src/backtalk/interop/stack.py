"""A stack of layers of another library, gathered from below, and the network that it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..core.activations import Activation, Exponential, Identity, Sigmoid
from ..core.losses import Loss, as_loss
from ..core.network import Network
from ..errors import InputError, MissingLibraryError

# The loss that belongs to what a model ends with, so that ŷ is what the model gives
LOSS_OF_OUTPUT = {
    "identity": "squared_error",
    "softmax": "cross_entropy",
    "sigmoid": "binary_cross_entropy",
    "exp": "poisson_deviance",
}


def need_library(name: str, purpose: str, command: str) -> Any:
    """The module of an optional library; :class:`MissingLibraryError` with the command that installs it."""
    try:
        return import_module(name)
    except ImportError:
        raise MissingLibraryError(f"{purpose} needs {name}, which is not installed: {command}.") from None


@dataclass(eq=False, slots=True)
class Stack:
    """The layers found so far. A function is an activation, or an output function by its name.

    ``source``: how a message names the model. Where a layer stands is said by its ``place``, such as
    ``model[2] (Softmax)``.
    """

    source: str
    W: list[Any] = field(default_factory=list)
    b: list[Any] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)
    function: Activation | str | None = None  # the one that came last, with no layer after it yet
    place: str = ""

    def add_layer(self, W: Any, b: Any) -> None:
        """A layer a = W h + b, W of shape (units, units heard)."""
        if self.W:
            function = Exponential() if self.function == "exp" else self.function
            if isinstance(function, str):
                raise InputError(
                    f"{self.place} stands between two layers, but {function} is an output function: "
                    "expected it at the end, or not at all."
                )
            self.activations.append(function or Identity())
        self.W.append(W)
        self.b.append(b)
        self.function = None

    def add_function(self, function: Activation | str, place: str) -> None:
        """An activation, or 'softmax' or 'exp', on the layer that came last."""
        if isinstance(function, Identity):
            return
        if not self.W:
            raise InputError(f"{place} comes before the first layer with weights: a Network has no activation there.")
        if self.function is not None:
            raise InputError(f"{place} follows {self.place}, but a layer of a Network has one activation.")
        self.function, self.place = function, place

    def network(self, loss: str | Loss | None) -> Network:
        """The network; without a loss, with the one whose output function the model ends with."""
        if not self.W:
            raise InputError(f"{self.source} has no layer with weights, expected at least one.")
        return Network(self.W, self.b, self.activations, self.loss(loss))

    def loss(self, given: str | Loss | None) -> Loss:
        """The loss that is given, which must fit the end of the model, or the one that belongs to it."""
        output = self.output()
        if given is None:
            return as_loss(LOSS_OF_OUTPUT[output])
        loss = as_loss(given)
        if output not in ("identity", loss.natural_output):
            raise InputError(
                f"loss is {str(given)!r}, which takes {loss.natural_output}, but {self.source} ends with {self.place}: "
                f"leave loss out for {LOSS_OF_OUTPUT[output]!r}, or take that end off."
            )
        return loss

    def output(self) -> str:
        """The output function that the model ends with."""
        if self.function is None:
            return "identity"
        if isinstance(self.function, str):
            return self.function
        if isinstance(self.function, Sigmoid):
            return "sigmoid"
        raise InputError(
            f"{self.source} ends with {self.place}, which is no output function of a Network: "
            "expected softmax, sigmoid, exp or nothing after the last layer."
        )
