"""A stack of layers of another library, gathered from below, and the network that it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..core.activations import Activation, Identity
from ..core.head import Head, as_head, natural_loss
from ..core.losses import Loss
from ..core.network import Network
from ..core.outputs import Output, as_output
from ..errors import InputError, MissingLibraryError


def need_library(name: str, purpose: str, command: str) -> Any:
    """The module of an optional library; :class:`MissingLibraryError` with the command that installs it."""
    try:
        return import_module(name)
    except ImportError:
        raise MissingLibraryError(f"{purpose} needs {name}, which is not installed: {command}.") from None


@dataclass(eq=False, slots=True)
class Stack:
    """The layers found so far. A function is an activation, or 'softmax'.

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
            if isinstance(self.function, str):
                raise InputError(
                    f"{self.place} stands between two layers, but {self.function} is an output function: "
                    "expected it at the end, or not at all."
                )
            self.activations.append(self.function or Identity())
        self.W.append(W)
        self.b.append(b)
        self.function = None

    def add_function(self, function: Activation | str, place: str) -> None:
        """An activation, or 'softmax', on the layer that came last."""
        if isinstance(function, Identity):
            return
        if not self.W:
            raise InputError(f"{place} comes before the first layer with weights: a Network has no activation there.")
        if self.function is not None:
            raise InputError(f"{place} follows {self.place}, but a layer of a Network has one activation.")
        self.function, self.place = function, place

    def network(self, loss: str | Loss | None, output: str | Output | Activation | None = None) -> Network:
        """The network; what is not given follows from what the model ends with."""
        if not self.W:
            raise InputError(f"{self.source} has no layer with weights, expected at least one.")
        head = self.head(loss, output)
        return Network(self.W, self.b, self.activations, head.loss, output=head.output)

    def head(self, loss: str | Loss | None, output: str | Output | Activation | None = None) -> Head:
        """The output function that the model ends with, or the one that is given if it ends with a layer; and the loss.

        Without a loss it is the natural one of the output function, so that ŷ is what the model gives. Without an
        output function, a layer at the end gives the a_L of the loss.
        """
        end = self.output()
        asked = None if output is None else as_output(output)
        if self.function is None:
            chosen = asked or (end if loss is None else None)
        elif asked in (None, end):
            chosen = end
        else:
            raise InputError(
                f"output is {str(output)!r}, but {self.source} ends with {self.place}: leave output out for {end}, or "
                "take that end off."
            )
        return as_head(natural_loss(chosen or end) if loss is None else loss, chosen)

    def output(self) -> Output:
        """The output function that the model ends with."""
        return as_output(self.function or Identity())
