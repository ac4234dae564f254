"""The head of a network: its output function with its loss, and what the first talk starts from.

By the chain rule ∂ℓ/∂a_L = Jᵀ ∂ℓ/∂ŷ, for any pair. Some pairs have a closed form, which keeps digits that ŷ has
rounded away: for softmax with cross-entropy, ∂ℓ/∂a_L collapses to ŷ − e(y), and stays exact where ŷ is 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .activations import Activation, RegisteredActivation
from .arrays import Array, ArraySpec, namespace
from .closed_forms import CLOSED_FORMS, ClosedForm
from .losses import CrossEntropy, Loss, RegisteredLoss, as_loss
from .outputs import Output, Softmax, as_output
from .targets import labels, one_hot

OF_USERS = (RegisteredActivation, RegisteredLoss)
TINY_STEP, TINY_STEP_OF_FLOAT32 = 2.0**-200, 2.0**-40  # of a complex step: squares are nothing, and no digit is lost


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """An output function O with a loss ℓ. Arrays a, ŷ (``yhat``) and t (``target``) have shape (B, k).

    >>> import numpy as np
    >>> from backtalk import Network
    >>> head = Network.create([2, 2], loss="squared_error", output="softmax", rng=0).head
    >>> a, target = np.zeros((1, 2)), np.array([[1.0, 0.0]])
    >>> yhat = head.output.value(a)
    >>> head.value(a, yhat, target), head.gradient(a, yhat, target)
    (array([0.25]), array([[-0.25,  0.25]]))
    """

    output: Output
    loss: Loss

    @property
    def closed_form(self) -> ClosedForm | None:
        """ℓ and ∂ℓ/∂a as functions of a, for a pair that has them."""
        return CLOSED_FORMS.get((self.output.name, type(self.loss)))

    def value(self, a: Array, yhat: Array, target: Array) -> Array:
        """ℓ for each example, shape (B,)."""
        closed = self.closed_form
        return closed.value(self.loss, a, yhat, target) if closed else self.loss.value(yhat, target)

    def gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        """∂ℓ/∂a for each example, shape (B, k)."""
        closed = self.closed_form
        if closed:
            return closed.gradient(self.loss, a, yhat, target)
        # forward: ŷ = O(a)
        return self.output.gradient(a, yhat, self.loss.gradient(yhat, target))

    def output_gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        """∂ℓ/∂ŷ for each example, shape (B, k), ℓ as a function of ŷ alone, each ŷ_j free."""
        closed = self.closed_form
        return closed.output_gradient(self.loss, a, yhat, target) if closed else self.loss.gradient(yhat, target)

    def curvature(self, a: Array, yhat: Array, target: Array, along: Array) -> Array:
        """∂²ℓ/∂a² times a direction of a, for each example, shape (B, k); at a kink from one side.

        The derivative of ``gradient`` along the direction: d/dε at ε = 0 is the imaginary part of
        gradient(a + iε·along)/ε, which loses no digit however small ε is (Squire and Trapp 1998).
        """
        xp = namespace(a)
        own = [part for part in (self.loss, getattr(self.output, "activation", None)) if type(part) in OF_USERS]
        if own:  # what it does with complex numbers is not known
            raise InputError(
                f"Hessian products are known for backtalk's own losses and outputs alone, not for {own[0]}."
            )
        step = TINY_STEP if a.dtype == xp.float64 else TINY_STEP_OF_FLOAT32
        # of several directions, (M, B, k), each is a batch of its own
        turned = xp.reshape(a + along * (1j * step), (-1, a.shape[-1]))
        targets = xp.reshape(xp.broadcast_to(target, along.shape), turned.shape)
        found = self.gradient(turned, self.output.value(turned), targets)
        real = not xp.isdtype(found.dtype, "complex floating")
        return xp.zeros_like(along) if real else xp.reshape(xp.imag(found) / step, along.shape)

    @property
    def is_natural(self) -> bool:
        """Whether the output function is the one that goes with the loss unless another is asked for."""
        return repr(self.output) == self.loss.natural_output

    @property
    def takes_labels(self) -> bool:
        """Whether y may be labels 0 … k−1, of which t is the one-hot form."""
        return self.loss.takes_classes or (isinstance(self.output, Softmax) and self.loss.outputs_for(1) == 1)

    @property
    def is_softmax_of_labels(self) -> bool:
        """Whether it is softmax with cross-entropy, and the target of labels just their one-hot form."""
        return (
            isinstance(self.output, Softmax) and isinstance(self.loss, CrossEntropy) and not self.loss.label_smoothing
        )

    def labels(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array | None:
        """y as labels, shape (B,), checked; None if it holds a number for each output."""
        return (
            labels(y, count, outputs, spec) if self.takes_labels and (outputs > 1 or self.loss.takes_classes) else None
        )

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        """t of shape (B, k) from the y of a user, checked."""
        found = self.labels(y, count, outputs, spec)
        target = self.loss.target(y, count, outputs, spec) if found is None else one_hot(found, outputs, spec)
        return self.loss.smoothed(target)


def as_head(loss: str | Loss, output: str | Output | Activation | None = None) -> Head:
    """A loss with its natural output function, or with another one.

    >>> as_head("poisson_deviance").output, as_head("poisson_deviance", "softplus").output
    (exp, softplus)
    """
    loss = as_loss(loss)
    return Head(as_output(loss.natural_output if output is None else output), loss)


NATURAL_LOSSES = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "exp": "poisson_deviance"}


def natural_loss(output: Output) -> Loss:
    """The loss that goes with an output function unless another is asked for: squared error with most of them.

    >>> natural_loss(as_output("sigmoid")), natural_loss(as_output("tanh"))
    (binary_cross_entropy, squared_error)
    """
    return as_loss(NATURAL_LOSSES.get(output.name, "squared_error"))
