"""Output functions from 0 upwards, with the digits that ŷ loses near 0 and near 1."""

from __future__ import annotations

from .activations import sigmoid, sigmoid_prime, softplus
from .arrays import Array, namespace, real_part
from .losses.loss import log_of_rest


class Tails:
    """What a and ŷ = g(a) tell of an element-wise output function that ŷ alone has rounded away.

    >>> import numpy as np
    >>> a, yhat = np.array([[40.0]]), np.array([[1.0]])
    >>> TAILS["sigmoid"].rest(a, yhat), TAILS["sigmoid"].log(a, yhat)
    (array([[4.24835426e-18]]), array([[-4.24835426e-18]]))
    """

    def log(self, a: Array, yhat: Array) -> Array:
        """log ŷ."""
        raise NotImplementedError

    def rest(self, a: Array, yhat: Array) -> Array:
        """1 − ŷ."""
        raise NotImplementedError

    def log_of_rest(self, a: Array, yhat: Array) -> Array:
        """log(1 − ŷ)."""
        return log_of_rest(yhat)

    def slope(self, a: Array, yhat: Array) -> Array:
        """g′(a)."""
        raise NotImplementedError

    def slope_of_log(self, a: Array, yhat: Array) -> Array:
        """g′(a)/g(a)."""
        raise NotImplementedError


class SigmoidTails(Tails):
    """1 − σ(a) = σ(−a), and so is σ′/σ."""

    def log(self, a: Array, yhat: Array) -> Array:
        return -softplus(-a)

    def rest(self, a: Array, yhat: Array) -> Array:
        return sigmoid(-a)

    def slope(self, a: Array, yhat: Array) -> Array:
        return sigmoid_prime(a)

    def slope_of_log(self, a: Array, yhat: Array) -> Array:
        return sigmoid(-a)


class ExpTails(Tails):
    """log e^a = a."""

    def log(self, a: Array, yhat: Array) -> Array:
        return a

    def rest(self, a: Array, yhat: Array) -> Array:
        return -namespace(a).expm1(a)

    def slope(self, a: Array, yhat: Array) -> Array:
        return yhat

    def slope_of_log(self, a: Array, yhat: Array) -> Array:
        return namespace(a).ones_like(a)


class SoftplusTails(Tails):
    """log ŷ is a, and σ(a)/ŷ is 1, to the last digit where a is below ``LOW``."""

    LOW = -40.0

    def log(self, a: Array, yhat: Array) -> Array:
        xp = namespace(a)
        low = real_part(a) < self.LOW
        return xp.where(low, a, xp.log(xp.where(low, xp.ones_like(yhat), yhat)))

    def rest(self, a: Array, yhat: Array) -> Array:
        return 1 - yhat

    def slope(self, a: Array, yhat: Array) -> Array:
        return sigmoid(a)

    def slope_of_log(self, a: Array, yhat: Array) -> Array:
        xp = namespace(a)
        low, one = real_part(a) < self.LOW, xp.ones_like(a)
        return xp.where(low, one, sigmoid(a) / xp.where(low, one, yhat))


TAILS: dict[str, Tails] = {"sigmoid": SigmoidTails(), "exp": ExpTails(), "softplus": SoftplusTails()}
