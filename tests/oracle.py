"""The independent oracle: the same networks written with JAX's and PyTorch's own functions, and autodiff.

Nothing here uses backtalk's formulas. Hidden gradients come from zero perturbations added to every a_i and h_i.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

try:
    import torch
    import torch.nn.functional as F
except ImportError:  # tested where it is installed
    torch = None

JAX_ACTIVATIONS = {
    "identity": lambda a: a,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": lambda a: jax.nn.leaky_relu(a, 0.01),
    "leaky_relu(slope=0.3)": lambda a: jax.nn.leaky_relu(a, 0.3),
    "elu": jax.nn.elu,
    "elu(alpha=0.5)": lambda a: jax.nn.elu(a, 0.5),
    "selu": jax.nn.selu,
    "gelu": lambda a: jax.nn.gelu(a, approximate=False),
    "gelu_tanh": lambda a: a * jax.nn.sigmoid((8 / np.pi) ** 0.5 * (a + 0.044715 * a**3)),
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "mish": jax.nn.mish,
    "exp": jnp.exp,
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "hard_tanh": jax.nn.hard_tanh,
    "hard_swish": jax.nn.hard_swish,
    "softsign": jax.nn.soft_sign,
    "relu6": jax.nn.relu6,
    "celu": jax.nn.celu,
    "celu(alpha=0.5)": lambda a: jax.nn.celu(a, 0.5),
}


def _log(t: Any) -> Any:
    """log t, of a t that is 0 or a count."""
    return jnp.log(jnp.maximum(t, 1e-9))


def _times_log(t: Any, p: Any) -> Any:
    return jnp.where(t == 0, 0, t * jnp.log(jnp.where(t == 0, 1, p)))


def _gaussian(xp: Any, p: Any, t: Any, *axis: Any) -> Any:
    mean, log_variance, t = p[:, : p.shape[1] // 2], p[:, p.shape[1] // 2 :], t[:, : p.shape[1] // 2]
    return 0.5 * (log_variance + (t - mean) ** 2 * xp.exp(-log_variance) + np.log(2 * np.pi)).sum(*axis)


def _quantiles(xp: Any, p: Any, t: Any, *axis: Any) -> Any:
    half = p.shape[1] // 2
    low, high = (t - p)[:, :half], (t - p)[:, half:]
    return (xp.maximum(0.2 * low, -0.8 * low) + xp.maximum(0.9 * high, -(1 - 0.9) * high)).sum(*axis)


# Each loss: (ŷ from a, ℓ per example from a, ℓ per example from ŷ), t of shape (B, k)
JAX_LOSSES = {
    "cross_entropy": (
        jax.nn.softmax,
        lambda a, t: -jnp.sum(t * jax.nn.log_softmax(a), axis=-1),
        lambda p, t: -jnp.sum(_times_log(t, p), axis=-1),
    ),
    "binary_cross_entropy": (
        jax.nn.sigmoid,
        lambda a, t: -jnp.sum(t * jax.nn.log_sigmoid(a) + (1 - t) * jax.nn.log_sigmoid(-a), axis=-1),
        lambda p, t: -jnp.sum(_times_log(t, p) + _times_log(1 - t, 1 - p), axis=-1),
    ),
    "squared_error": (lambda a: a, *[lambda p, t: 0.5 * jnp.sum((p - t) ** 2, axis=-1)] * 2),
    "absolute_error": (lambda a: a, *[lambda p, t: jnp.sum(jnp.abs(p - t), axis=-1)] * 2),
    "huber": (
        lambda a: a,
        *[lambda p, t: jnp.sum(jnp.where(jnp.abs(p - t) <= 1, (p - t) ** 2 / 2, jnp.abs(p - t) - 0.5), axis=-1)] * 2,
    ),
    "poisson_deviance": (
        jnp.exp,
        # the terms of t log t − ta − t + e^a cancel where e^a is near t
        lambda a, t: 2 * jnp.sum(jnp.where(t > 0, t * (jnp.expm1(u := a - _log(t)) - u), jnp.exp(a)), axis=-1),
        lambda p, t: 2 * jnp.sum(jax.scipy.special.xlogy(t, t) - _times_log(t, p) - t + p, axis=-1),
    ),
    "kl_divergence": (
        jax.nn.softmax,
        lambda a, t: jnp.sum(jax.scipy.special.xlogy(t, t) - t * jax.nn.log_softmax(a), axis=-1),
        lambda p, t: jnp.sum(jax.scipy.special.xlogy(t, t) - _times_log(t, p), axis=-1),
    ),
    "focal": (
        jax.nn.softmax,
        lambda a, t: -jnp.sum(t * (1 - jax.nn.softmax(a)) ** 2 * jax.nn.log_softmax(a), axis=-1),
        lambda p, t: -jnp.sum((1 - p) ** 2 * _times_log(t, p), axis=-1),
    ),
    "categorical_hinge": (
        lambda a: a,
        *[lambda p, t: jnp.maximum(0, 1 + jnp.max(jnp.where(t == 1, -jnp.inf, p), axis=-1) - jnp.sum(t * p, axis=-1))]
        * 2,
    ),
    "quantile(level=0.9)": (
        lambda a: a,
        *[lambda p, t: jnp.sum(jnp.maximum(0.9 * (t - p), -0.1 * (t - p)), axis=-1)] * 2,
    ),
    "quantiles(levels=[0.2, 0.9])": (lambda a: a, *[lambda p, t: _quantiles(jnp, p, t, -1)] * 2),
    "gaussian_nll": (lambda a: a, *[lambda p, t: _gaussian(jnp, p, t, -1)] * 2),
}
JAX_OUTPUTS = {"softmax": jax.nn.softmax, **JAX_ACTIVATIONS}


class Expected(NamedTuple):
    """Gradients as lists of NumPy arrays, first layer first (h begins with h_0), and the loss."""

    loss: float
    a: list[np.ndarray]
    h: list[np.ndarray]
    W: list[np.ndarray]
    b: list[np.ndarray]


def _perturbations(W: list[Any], count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    widths = [W[0].shape[1], *(w.shape[0] for w in W)]
    return [np.zeros((count, n)) for n in widths[1:]], [np.zeros((count, n)) for n in widths]


def jax_gradients(
    activations: list[str],
    loss: str,
    W: Any,
    b: Any,
    X: Any,
    t: Any,
    w: Any,
    masks: Any = None,
    output_name: Any = None,
) -> Expected:
    """By ``jax.grad``. ∇_{a_L} is taken through the logits, ∇_{h_L} of ℓ as a function of ŷ alone.

    ``masks``: of dropout, one for each hidden layer. ``output_name``: another output function than the loss's own.
    """
    output, from_logits, from_output = JAX_LOSSES[loss]
    if output_name is not None:
        output = JAX_OUTPUTS[output_name]
        from_logits = lambda a, t: from_output(output(a), t)  # noqa: E731

    def run(W: Any, b: Any, da: Any, dh: Any, tail: Any) -> Any:
        h = X + dh[0]
        for i in range(len(W)):
            a = h @ W[i].T + b[i] + da[i]
            if i < len(W) - 1:
                h = JAX_ACTIVATIONS[activations[i]](a)
                h = (h if masks is None else h * masks[i]) + dh[i + 1]
        return tail(a, dh[-1])

    def through_logits(W: Any, b: Any, da: Any, dh: Any) -> Any:
        return run(W, b, da, dh, lambda a, _: jnp.sum(w * from_logits(a, t)))

    def through_output(dh: Any) -> Any:
        return run(W, b, da, dh, lambda a, d: jnp.sum(w * from_output(output(a) + d, t)))

    da, dh = _perturbations(W, len(X))
    value, (grad_W, grad_b, grad_a, grad_h) = jax.value_and_grad(through_logits, (0, 1, 2, 3))(W, b, da, dh)
    grad_h[-1] = jax.grad(through_output)(dh)[-1]
    return Expected(float(value), *([np.asarray(g) for g in family] for family in (grad_a, grad_h, grad_W, grad_b)))


TORCH_ACTIVATIONS = {} if torch is None else {
    "identity": lambda a: a,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda a: F.leaky_relu(a, 0.01),
    "leaky_relu(slope=0.3)": lambda a: F.leaky_relu(a, 0.3),
    "elu": F.elu,
    "elu(alpha=0.5)": lambda a: F.elu(a, 0.5),
    "selu": torch.selu,
    # F.gelu's 1 + erf and 1 + tanh lose the digits of the tail
    "gelu": lambda a: a * torch.special.erfc(-a / 2**0.5) / 2,
    "gelu_tanh": lambda a: a * torch.sigmoid((8 / np.pi) ** 0.5 * (a + 0.044715 * a**3)),
    "silu": F.silu,
    "softplus": lambda a: F.softplus(a, threshold=1e9),
    "mish": F.mish,
    "exp": torch.exp,
    "hard_sigmoid": lambda a: F.relu6(a + 3) / 6,  # F.hardsigmoid has a slope of float32, also in float64
    "hard_tanh": F.hardtanh,
    "hard_swish": F.hardswish,
    "softsign": F.softsign,
    "relu6": F.relu6,
    "celu": F.celu,
    "celu(alpha=0.5)": lambda a: F.celu(a, 0.5),
}  # fmt: skip
TORCH_LOSSES = {} if torch is None else {
    "cross_entropy": (
        lambda a: torch.softmax(a, -1),
        lambda a, t: F.cross_entropy(a, t, reduction="none"),
        lambda p, t: -(t * torch.log(p)).sum(-1),
    ),
    "binary_cross_entropy": (
        torch.sigmoid,
        lambda a, t: F.binary_cross_entropy_with_logits(a, t, reduction="none").sum(-1),
        lambda p, t: -(t * torch.log(p) + (1 - t) * torch.log1p(-p)).sum(-1),
    ),
    "squared_error": (lambda a: a, *[lambda p, t: F.mse_loss(p, t, reduction="none").sum(-1) / 2] * 2),
    "absolute_error": (lambda a: a, *[lambda p, t: F.l1_loss(p, t, reduction="none").sum(-1)] * 2),
    "huber": (lambda a: a, *[lambda p, t: F.huber_loss(p, t, reduction="none").sum(-1)] * 2),
    "poisson_deviance": (
        torch.exp,
        lambda a, t: 2 * torch.where(t > 0, t * (torch.expm1(u := a - t.clamp(1e-9).log()) - u), torch.exp(a)).sum(-1),
        lambda p, t: 2 * (torch.xlogy(t, t) - torch.xlogy(t, p) - t + p).sum(-1),
    ),
    "kl_divergence": (
        lambda a: torch.softmax(a, -1),
        lambda a, t: F.kl_div(F.log_softmax(a, -1), t, reduction="none").sum(-1),
        lambda p, t: (torch.xlogy(t, t) - torch.xlogy(t, p)).sum(-1),
    ),
    "focal": (
        lambda a: torch.softmax(a, -1),
        lambda a, t: -(t * (1 - torch.softmax(a, -1)) ** 2 * F.log_softmax(a, -1)).sum(-1),
        lambda p, t: -((1 - p) ** 2 * torch.xlogy(t, p)).sum(-1),
    ),
    "categorical_hinge": (
        lambda a: a,
        *[lambda p, t: torch.relu(1 + p.masked_fill(t == 1, -torch.inf).max(-1).values - (t * p).sum(-1))] * 2,
    ),
    "quantile(level=0.9)": (
        lambda a: a, *[lambda p, t: torch.maximum(0.9 * (t - p), -0.1 * (t - p)).sum(-1)] * 2,
    ),
    "quantiles(levels=[0.2, 0.9])": (lambda a: a, *[lambda p, t: _quantiles(torch, p, t, -1)] * 2),
    "gaussian_nll": (lambda a: a, *[lambda p, t: _gaussian(torch, p, t, -1)] * 2),
}  # fmt: skip


def torch_gradients(activations: list[str], loss: str, W: Any, b: Any, X: Any, t: Any, w: Any) -> Expected:
    """By ``torch.autograd``, the same way."""
    output, from_logits, from_output = TORCH_LOSSES[loss]
    W, b, (X, t, w) = (list(map(torch.tensor, family)) for family in (W, b, (X, t, w)))
    da, dh = (list(map(torch.tensor, family)) for family in _perturbations(W, len(X)))
    leaves = [*W, *b, *da, *dh]
    for leaf in leaves:
        leaf.requires_grad_()
    h = X + dh[0]
    for i in range(len(W)):
        a = h @ W[i].T + b[i] + da[i]
        if i < len(W) - 1:
            h = TORCH_ACTIVATIONS[activations[i]](a) + dh[i + 1]
    value = (w * from_logits(a, t)).sum()
    grads = torch.autograd.grad(value, leaves, allow_unused=True, retain_graph=True)
    last = torch.autograd.grad((w * from_output(output(a) + dh[-1], t)).sum(), dh[-1])[0]
    L = len(W)
    grad_W, grad_b, grad_a, grad_h = (
        grads[:L],
        grads[L : 2 * L],
        grads[2 * L : 3 * L],
        [*grads[3 * L : -1], last],
    )
    return Expected(
        value.item(), *([g.detach().numpy() for g in family] for family in (grad_a, grad_h, grad_W, grad_b))
    )
