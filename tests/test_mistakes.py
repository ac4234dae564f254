"""Mistakes planted into a backward pass that is written here, by itself, are named; what is no mistake is not."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from backtalk import Network, check

G = {
    "tanh": (np.tanh, lambda a: 1 / np.cosh(a) ** 2),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2),
    "relu": (lambda a: np.maximum(a, 0), lambda a: np.where(a > 0, 1.0, 0.0)),
    "softplus": (lambda a: np.log1p(np.exp(a)), lambda a: 1 / (1 + np.exp(-a))),
}


def outputs(loss: str, a: np.ndarray) -> np.ndarray:
    if loss == "cross_entropy":
        powers = np.exp(a)
        return powers / powers.sum(axis=1, keepdims=True)
    return {"binary_cross_entropy": G["sigmoid"][0], "poisson_deviance": np.exp}.get(loss, lambda a: a)(a)


def targets(network: Network, y: np.ndarray) -> np.ndarray:
    k = network.sizes[-1]
    return np.eye(k)[y] if y.ndim == 1 and network.loss.name == "cross_entropy" else np.reshape(y, (len(y), k))


def slopes(loss: str, yhat: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """∂ℓ/∂ŷ and ∂ℓ/∂a_L of each example."""
    r = yhat - t
    if loss == "cross_entropy":
        return -t / yhat, r
    if loss == "binary_cross_entropy":
        return (1 - t) / (1 - yhat) - t / yhat, r
    if loss == "poisson_deviance":
        return 2 * (1 - t / yhat), 2 * r
    if loss == "absolute_error":
        return np.sign(r), np.sign(r)
    if loss == "huber":
        return np.clip(r, -1, 1), np.clip(r, -1, 1)
    return r, r


class Student:
    """A backward pass, one step after another, with one mistake in it. ``returns``: 'Wb', or 'ahWb'."""

    def __init__(self, mistake: str = "", returns: str = "Wb") -> None:
        self.mistake, self.returns = mistake, returns

    def __call__(self, network: Network, X: np.ndarray, y: np.ndarray, sample_weight: Any = None) -> Any:
        m, L, B, loss = self.mistake, network.depth, len(X), network.loss.name
        names = [activation.name for activation in network.activations]
        W, b = dict(network.W), dict(network.b)
        a, h = {}, {0: X}
        for i in range(1, L + 1):
            a[i] = h[i - 1] @ W[i].T + b[i]
            h[i] = G[names[i - 1]][0](a[i]) if i < L else outputs(loss, a[i])
        yhat = h[L]
        s = np.ones(B) if sample_weight is None else np.asarray(sample_weight, float)
        w = s / s.sum()
        if m == "weights_ignored":
            w = np.ones(B) / B
        if m == "weights_divided_by_count":
            w = s / B
        if m == "sum_for_mean":
            w = s
        if m == "mean_twice":
            w = w / B
        if m == "first example":
            w = np.eye(B)[0]
        w = w[:, None]
        t = targets(network, y)
        if m == "label_plus_one":
            t = np.roll(t, 1, axis=1)
        if m == "label_minus_one":
            t = np.roll(t, -1, axis=1)
        top_h, top_a = (each * w for each in slopes(loss, yhat, t))
        top_a = self.at_output(top_h, top_a, loss, yhat, y, t, w)
        if m == "at_a_for_at_yhat":
            top_h = top_a
        if m == "factor_two":
            top_h, top_a = (each * (0.5 if loss == "poisson_deviance" else 2) for each in (top_h, top_a))
        if m == "mean_over_outputs":
            top_h, top_a = top_h / yhat.shape[1], top_a / yhat.shape[1]
        if m == "own_rows":
            top_h, top_a = (each * np.ones((B, 1)) for each in slopes(loss, yhat, t))
        grad_a, grad_h = {L: top_a}, {L: top_h}
        for i in range(L - 1, -1, -1):
            grad_h[i] = self.to_hidden(i, L, W, h, grad_a, grad_h)
            if i:
                grad_a[i] = self.through(i, L, names, a, h, grad_h)
        grads_W, grads_b = {}, {}
        for i in range(1, L + 1):
            share = w if m == "own_rows" else 1.0
            grads_W[i], grads_b[i] = self.to_weights(i, L, a, h, grad_a, grad_h, share)
            if m == "weight_decay":
                grads_W[i] = grads_W[i] + 0.01 * W[i]
        return self.result(grad_a, grad_h, grads_W, grads_b)

    def at_output(self, top_h, top_a, loss, yhat, y, t, w):
        m = self.mistake
        if m == "output_sign":
            return -top_a
        if m == "label_as_number":
            return (yhat - y[:, None]) * w
        if m == "target_left_out":
            return slopes(loss, yhat, 0 * t)[1] * w
        if m == "jacobian_left_out":
            return top_h
        if m == "jacobian_diagonal":
            return top_h * yhat * (1 - yhat)
        if m == "jacobian_twice":
            return top_a * yhat * (1 - yhat)
        if m == "squared_error_for_other":
            return (yhat - t) * w
        return top_a

    def to_hidden(self, i, L, W, h, grad_a, grad_h):
        m, delta = self.mistake, grad_a[i + 1]
        if m == "W_not_transposed" and W[i + 1].shape[0] == W[i + 1].shape[1]:
            return (W[i + 1] @ delta.T).T
        if m == "W_of_other_layer" and i and W[i].shape == W[i + 1].shape:
            return delta @ W[i]
        if m == "W_left_out" and W[i + 1].shape[0] == W[i + 1].shape[1]:
            return delta
        if m == "hidden_from_h":
            return grad_h[i + 1] @ W[i + 1]
        if m == "hidden_from_layer_above" and i + 2 <= L and grad_a[i + 2].shape == delta.shape:
            return grad_a[i + 2] @ W[i + 1]
        if m == "updated_weights":
            return delta @ (W[i + 1] - 0.1 * delta.T @ h[i])
        return delta @ W[i + 1]

    def through(self, i, L, names, a, h, grad_h):
        m, (g, g_prime) = self.mistake, G[names[i - 1]]
        if m == "no_g_prime":
            return grad_h[i]
        if m == "g_prime_at_h":
            return grad_h[i] * g_prime(h[i])
        if m == "formula_in_h_at_a" and names[i - 1] in ("tanh", "sigmoid"):
            return grad_h[i] * (1 - a[i] ** 2 if names[i - 1] == "tanh" else a[i] * (1 - a[i]))
        if m == "g_for_g_prime":
            return grad_h[i] * g(a[i])
        if m == "g_prime_twice":
            return grad_h[i] * g_prime(a[i]) * g_prime(a[i])
        if m == "g_prime_at_gradient":
            return grad_h[i] * g_prime(grad_h[i])
        if m == "g_prime_of_layer_above" and a[i + 1].shape == a[i].shape:
            return grad_h[i] * g_prime(a[i + 1])
        if m == "g_prime_of_layer_below" and i > 1 and a[i - 1].shape == a[i].shape:
            return grad_h[i] * G[names[i - 2]][1](a[i - 1])
        return grad_h[i] * g_prime(a[i])

    def to_weights(self, i, L, a, h, grad_a, grad_h, share):
        m, delta, heard = self.mistake, grad_a[i] * share, h[i - 1]
        grad_W, grad_b = np.einsum("nj,nk->jk", delta, heard), np.einsum("nj->j", delta)
        if m == "W_gradient_transposed" and grad_W.shape[0] == grad_W.shape[1]:
            return grad_W.T, grad_b
        if m == "a_for_h" and i > 1:
            return delta.T @ a[i - 1], grad_b
        if m == "h_of_other_layer" and h[i].shape == heard.shape:
            return delta.T @ h[i], grad_b
        if m == "weights_from_h":
            return grad_h[i].T @ heard, grad_h[i].sum(axis=0)
        if m == "bias_from_h":
            return grad_W, grad_h[i].sum(axis=0)
        if m == "weights_of_other_layer" and i < L and grad_a[i + 1].shape == delta.shape:
            return grad_a[i + 1].T @ heard, grad_a[i + 1].sum(axis=0)
        if m == "product_of_sums":
            return np.outer(delta.sum(axis=0), heard.sum(axis=0)), grad_b
        if m == "bias_over_wrong_axis" and delta.shape[0] == delta.shape[1]:
            return grad_W, delta.sum(axis=1)
        if m == "bias_mean":
            return grad_W, delta.mean(axis=0)
        if m == "one_example_only":
            return np.outer(delta[-1], heard[-1]), delta[-1]
        if m == "negated":
            return -grad_W, -grad_b
        return grad_W, grad_b

    def result(self, grad_a, grad_h, grads_W, grads_b):
        L = len(grads_W)
        W, b = ([each[i] for i in range(1, L + 1)] for each in (grads_W, grads_b))
        if self.mistake == "layers_reversed" and len({array.shape for array in W}) == 1:
            W, b = W[::-1], b[::-1]
        if self.mistake == "left_at_zero":
            W, b = [0 * array for array in W], [0 * array for array in b]
        if self.mistake == "float32":
            W, b = ([array.astype(np.float32) for array in arrays] for arrays in (W, b))
        if self.returns == "Wb":
            return W, b
        return {"a": [grad_a[i] for i in range(1, L + 1)], "h": [grad_h[i] for i in range(L + 1)], "W": W, "b": b}
