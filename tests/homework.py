"""Passes as students write them, each in the layout and the style of its own, and what goes wrong in them.

A mistake is a line of a right pass with another one in its place, and the names by which it may be told.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# tanh, then sigmoid with binary cross-entropy; examples as columns; parameters and a cache as dictionaries
COLUMNS = """
def forward_propagation(X, parameters):
    W1, b1, W2, b2 = (parameters[key] for key in ("W1", "b1", "W2", "b2"))
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def compute_cost(A2, Y):
    m = Y.shape[1]
    per_example = Y * np.log(A2) + (1 - Y) * np.log(1 - A2)
    return -np.sum(per_example) / m

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - A1**2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""

# relu, then softmax with cross-entropy; examples as rows; W (in, out); the loss comes with the gradients
ROWS = """
def scores(params, X):
    z1 = X.dot(params["W1"]) + params["b1"]
    a1 = np.maximum(0, z1)
    z2 = a1.dot(params["W2"]) + params["b2"]
    shifted = z2 - z2.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    probs = powers / powers.sum(axis=1, keepdims=True)
    return {"z1": z1, "a1": a1, "z2": z2, "a2": probs}

def loss_and_gradients(params, X, y):
    N = X.shape[0]
    passed = scores(params, X)
    h1, probs = passed["a1"], passed["a2"]
    loss = -np.log(probs[np.arange(N), y]).sum() / N
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads = {}
    grads["W2"] = h1.T.dot(dscores)
    grads["b2"] = dscores.sum(axis=0)
    dhidden = dscores.dot(params["W2"].T)
    dhidden[h1 <= 0] = 0
    grads["W1"] = X.T.dot(dhidden)
    grads["b1"] = dhidden.sum(axis=0)
    return loss, grads
"""

# any depth, sigmoid, then identity with half the squared error; lists; columns; biases before weights
LISTS = """
def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))

def feedforward(weights, biases, x):
    activations, zs = [x], []
    for k, (w, b) in enumerate(zip(weights, biases)):
        z = w @ activations[-1] + b
        zs.append(z)
        activations.append(sigmoid(z) if k < len(weights) - 1 else z)
    return activations, zs

def loss(weights, biases, x, y):
    out = feedforward(weights, biases, x)[0][-1]
    return 0.5 * np.sum((out - y) ** 2) / x.shape[1]

def backprop(weights, biases, x, y):
    nabla_w = [np.zeros(w.shape) for w in weights]
    nabla_b = [np.zeros(b.shape) for b in biases]
    activations, zs = feedforward(weights, biases, x)
    delta = (activations[-1] - y) / x.shape[1]
    nabla_b[-1] = delta.sum(axis=1, keepdims=True)
    nabla_w[-1] = delta @ activations[-2].T
    for l in range(2, len(weights) + 1):
        sp = sigmoid_prime(zs[-l])
        delta = (weights[-l + 1].T @ delta) * sp
        nabla_b[-l] = delta.sum(axis=1, keepdims=True)
        nabla_w[-l] = delta @ activations[-l - 1].T
    return nabla_b, nabla_w
"""

# the arguments one by one, relu and softmax, columns, and everything returned in one row
SEPARATE = """
def softmax(z):
    e = np.exp(z - np.max(z, axis=0))
    return e / np.sum(e, axis=0)

def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = softmax(Z2)
    return Z1, A1, Z2, A2

def cost(A2, Y):
    return -np.mean(np.sum(Y * np.log(A2), axis=0))

def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    m = Y.shape[1]
    dZ2 = A2 - Y
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2, 1)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1, 1)
    return dW1, db1, dW2, db2
"""

# the network as it is given, three layers, tanh, softmax
GIVEN = """
def forward(network, X):
    W, b = network.W, network.b
    a, h = [], [X]
    for i in range(1, 4):
        a.append(h[-1] @ W[i].T + b[i])
        if i < 3:
            h.append(np.tanh(a[-1]))
    top = a[-1] - a[-1].max(axis=1, keepdims=True)
    h.append(np.exp(top) / np.exp(top).sum(axis=1, keepdims=True))
    return {"a": a, "h": h}

def loss(network, X, y):
    yhat = forward(network, X)["h"][-1]
    return float(np.mean(-np.log(yhat[np.arange(len(y)), y])))

def backward(network, X, y):
    W, (a, h) = network.W, forward(network, X).values()
    target = np.eye(4)[y]
    d3 = (h[3] - target) / len(X)
    d2 = (d3 @ W[3]) * (1 - h[2] ** 2)
    d1 = (d2 @ W[2]) * (1 - h[1] ** 2)
    return [(d1.T @ h[0], d1.sum(0)), (d2.T @ h[1], d2.sum(0)), (d3.T @ h[2], d3.sum(0))]
"""

ADAM = """
def initialize_adam(parameters):
    v = {"d" + key: np.zeros_like(value) for key, value in parameters.items()}
    s = {"d" + key: np.zeros_like(value) for key, value in parameters.items()}
    return v, s

def update(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    for key in parameters:
        g = grads["d" + key]
        v["d" + key] = beta1 * v["d" + key] + (1 - beta1) * g
        s["d" + key] = beta2 * s["d" + key] + (1 - beta2) * g**2
        v_hat = v["d" + key] / (1 - beta1**t)
        s_hat = s["d" + key] / (1 - beta2**t)
        parameters[key] = parameters[key] - learning_rate * v_hat / (np.sqrt(s_hat) + epsilon)
    return parameters, v, s
"""

# one parameter after another, each with a dictionary of its own
MOMENTUM = """
def update(w, dw, config=None):
    config = {} if config is None else config
    config.setdefault("learning_rate", 0.01)
    config.setdefault("momentum", 0.9)
    v = config.get("velocity", np.zeros_like(w))
    v = config["momentum"] * v - config["learning_rate"] * dw
    next_w = w + v
    config["velocity"] = v
    return next_w, config
"""

# lists, with a state of the student's own making
ADAMW = """
def update(parameters, gradients, state, t):
    if state is None:
        state = [(0 * p, 0 * p) for p in parameters]
    new, kept = [], []
    for p, g, (m, v) in zip(parameters, gradients, state):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        step = 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        decay = 0.01 * 0.1 * p if p.ndim == 2 else 0
        new.append(p - step - decay)
        kept.append((m, v))
    return new, kept
"""

# changes the arrays that it is given, and returns nothing
DESCENT = """
def update(parameters, grads, learning_rate):
    for key in parameters:
        parameters[key] -= learning_rate * grads["d" + key]
"""


class Homework(NamedTuple):
    """A source text, the network that it is for, and what its functions are called."""

    text: str
    sizes: tuple[int, ...] = ()
    activation: str = ""
    loss_name: str = ""
    forward: str = ""
    loss: str = ""
    backward: str = ""
    optimizer: str = ""

    def functions(self, old: str = "", new: str = "", *, every: bool = False) -> dict[str, object]:
        """The functions of the text, ``old`` exchanged for ``new`` in it."""
        assert not old or old in self.text, old
        names: dict[str, object] = {"np": np}
        exec(self.text.replace(old, new) if every else self.text.replace(old, new, 1), names)
        return names


HOMEWORK = {
    "columns": Homework(COLUMNS, (3, 4, 1), "tanh", "binary_cross_entropy",
                        "forward_propagation", "compute_cost", "backward_propagation"),
    "rows": Homework(ROWS, (4, 6, 3), "relu", "cross_entropy", "scores", "", "loss_and_gradients"),
    "lists": Homework(LISTS, (2, 5, 4, 3), "sigmoid", "squared_error", "feedforward", "loss", "backprop"),
    "separate": Homework(SEPARATE, (4, 5, 3), "relu", "cross_entropy", "forward_prop", "cost", "backward_prop"),
    "given": Homework(GIVEN, (3, 5, 5, 4), "tanh", "cross_entropy", "forward", "loss", "backward"),
    "adam": Homework(ADAM, optimizer="adam(learning_rate=0.02)"),
    "momentum": Homework(MOMENTUM, optimizer="sgd(learning_rate=0.05)"),
    "adamw": Homework(ADAMW, optimizer="adamw(learning_rate=0.01, weight_decay=0.1)"),
    "descent": Homework(DESCENT, optimizer="sgd(learning_rate=0.3, momentum=0)"),
}  # fmt: skip

# (homework, the right line, what stands there instead, the names of the mistake)
Slip = tuple[str, str, str, str]

DEVELOPED: list[Slip] = [
    # the gradients
    ("columns", "dZ2 = A2 - Y", "dZ2 = Y - A2", "output_sign"),
    ("columns", "(1 - A1**2)", "A1 * (1 - A1)", "g_prime_of_other_function"),
    (
        "columns",
        "db2 = np.sum(dZ2, axis=1, keepdims=True) / m",
        "db2 = np.sum(dZ2, axis=1, keepdims=True)",
        "sum_for_mean",
    ),
    ("columns", "dW1 = np.dot(dZ1, X.T) / m", "dW1 = np.dot(dZ1, X.T)", "sum_for_mean"),
    ("rows", "dscores /= N\n", "pass\n", "sum_for_mean"),
    ("rows", "dhidden[h1 <= 0] = 0", "pass", "no_g_prime"),
    ("rows", "dscores[np.arange(N), y] -= 1", "dscores[np.arange(N), y] -= y", "label_as_number"),
    (
        "lists",
        "delta = (activations[-1] - y) / x.shape[1]",
        "delta = (activations[-1] - y) * sigmoid_prime(zs[-1]) / x.shape[1]",
        "g_prime_at_output",
    ),
    ("lists", "sp = sigmoid_prime(zs[-l])", "sp = sigmoid_prime(activations[-l])", "g_prime_at_h"),
    (
        "lists",
        "delta = (activations[-1] - y) / x.shape[1]",
        "delta = 2 * (activations[-1] - y) / x.shape[1]",
        "factor_two",
    ),
    ("separate", "db1 = 1 / m * np.sum(dZ1, 1)", "db1 = 1 / m * np.sum(dZ1)", "summed over everything"),
    ("separate", "(Z1 > 0)", "Z1", "a_for_g_prime"),
    ("given", "(d2 @ W[2])", "(d2 @ W[2].T)", "W_not_transposed"),
    ("given", "d3 = (h[3] - target) / len(X)", "d3 = 0.5 * (h[3] - target) / len(X)", "constant_factor"),
    (
        "given",
        "d1.T @ h[0], d1.sum(0)",
        "np.clip(d1.T @ h[0], -0.01, 0.01), np.clip(d1.sum(0), -0.01, 0.01)",
        "clipped_values",
    ),
    # the forward pass
    ("columns", "Z1 = np.dot(W1, X) + b1", "Z1 = np.dot(W1, X)", "bias_forgotten"),
    (
        "rows",
        "powers / powers.sum(axis=1, keepdims=True)",
        "powers / powers.sum(axis=0, keepdims=True)",
        "softmax_over_examples",
    ),
    ("separate", "np.exp(z - np.max(z, axis=0))", "np.exp(z)", "maximum_not_subtracted"),
    (
        "given",
        "if i < 3:\n            h.append(np.tanh(a[-1]))",
        "if i < 3:\n            h.append(a[-1])",
        "activation_left_out",
    ),
    (
        "lists",
        "activations.append(sigmoid(z) if k < len(weights) - 1 else z)",
        "activations.append(sigmoid(z))",
        "activation_at_output",
    ),
    # the loss
    ("columns", "return -np.sum(per_example) / m", "return -np.sum(per_example)", "loss_summed"),
    ("rows", "-np.log(probs[np.arange(N), y]).sum() / N", "-np.log2(probs[np.arange(N), y]).sum() / N", "loss_base_2"),
    ("lists", "0.5 * np.sum((out - y) ** 2) / x.shape[1]", "np.mean((out - y) ** 2)", "loss_mean_over_outputs"),
    ("separate", "np.log(A2)", "np.log(A2 + 1e-3)", "loss_epsilon"),
    # the step
    ("adam", 'v_hat = v["d" + key] / (1 - beta1**t)', 'v_hat = v["d" + key]', "first_bias_correction_left_out"),
    ("adam", "(np.sqrt(s_hat) + epsilon)", "np.sqrt(s_hat + epsilon)", "epsilon_inside_root"),
    ("adam", "(np.sqrt(s_hat) + epsilon)", "(s_hat + epsilon)", "root_left_out"),
    (
        "momentum",
        'config["momentum"] * v - config["learning_rate"] * dw',
        'config["momentum"] * v + config["learning_rate"] * dw',
        "ascent",
    ),
    ("adamw", "decay = 0.01 * 0.1 * p if p.ndim == 2 else 0", "decay = 0.01 * 0.1 * p", "decay_on_biases"),
    ("descent", "-= learning_rate * grads", "-= grads", "learning_rate_left_out"),
]

HELD_OUT: list[Slip] = [
    # the gradients
    ("columns", 'np.dot(parameters["W2"].T, dZ2) * (1 - A1**2)', 'np.dot(parameters["W2"].T, dZ2)', "no_g_prime"),
    ("columns", "dZ2 = A2 - Y", "dZ2 = (A2 - Y) * A2 * (1 - A2)", "jacobian_twice"),
    ("columns", "dW2 = np.dot(dZ2, A1.T) / m", 'dW2 = np.dot(dZ2, cache["Z1"].T) / m', "a_for_h"),
    ("columns", "(1 - A1**2)", '(1 - cache["Z1"]**2)', "formula_in_h_at_a"),
    ("columns", "(1 - A1**2)", "(1 - A1)", "g_prime_of_other_function"),
    ("rows", "dscores[np.arange(N), y] -= 1", "pass", "target_left_out"),
    ("rows", 'grads["b2"] = dscores.sum(axis=0)', 'grads["b2"] = dscores.mean(axis=0)', "bias_mean"),
    (
        "rows",
        'grads["W2"] = h1.T.dot(dscores)',
        'grads["W2"] = h1.T.dot(dscores) + 0.05 * params["W2"]',
        "weight_decay",
    ),
    ("lists", "nabla_b[-l] = delta.sum(axis=1, keepdims=True)", "pass", "left_at_zero"),
    (
        "lists",
        "nabla_w[-l] = delta @ activations[-l - 1].T",
        "nabla_w[-l] = 0.1 * delta @ activations[-l - 1].T",
        "constant_factor constant_factor_of_layer",
    ),
    ("lists", "(activations[-1] - y) / x.shape[1]", "(activations[-1] - y) / x.shape[0]", "constant_factor"),
    ("separate", "dZ2 = A2 - Y", "dZ2 = A2 * (1 - A2) * (A2 - Y)", "jacobian_twice"),
    ("separate", "(Z1 > 0)", "np.where(Z1 > 0, 1, 0.01)", "g_prime_of_other_function"),
    ("given", "target = np.eye(4)[y]", "target = np.eye(4)[y - 1]", "label_minus_one"),
    ("given", "(d2.T @ h[1], d2.sum(0))", "(d2.T @ h[2], d2.sum(0))", "h_of_other_layer"),
    # the forward pass
    ("columns", "Z2 = np.dot(W2, A1) + b2", "Z2 = np.dot(W2, A1) - b2", "bias_subtracted"),
    ("rows", "a1 = np.maximum(0, z1)", "a1 = np.tanh(z1)", "activation_of_other_function"),
    (
        "rows",
        "probs = powers / powers.sum(axis=1, keepdims=True)",
        "probs = powers / powers.sum(axis=1, keepdims=True)\n"
        "    probs = np.exp(probs) / np.exp(probs).sum(axis=1, keepdims=True)",
        "softmax_twice",
    ),
    ("separate", "return e / np.sum(e, axis=0)", "return e / np.sum(e)", "softmax_over_everything"),
    (
        "given",
        "h.append(np.tanh(a[-1]))",
        "h.append(np.tanh(a[-1]) * (np.random.default_rng(7).random(a[-1].shape) > 0.5) / 0.5)",
        "own_dropout",
    ),
    # the loss
    ("columns", "(1 - Y) * np.log(1 - A2)", "0", "loss_one_term"),
    ("given", "float(np.mean(-np.log", "float(np.mean(np.log", "loss_sign"),
    ("lists", "0.5 * np.sum((out - y) ** 2)", "np.sum((out - y) ** 2)", "loss_factor_two"),
    ("separate", "-np.mean(np.sum(Y * np.log(A2), axis=0))", "-np.mean(Y * np.log(A2))", "loss_mean_over_outputs"),
    # the step
    (
        "adam",
        's_hat = s["d" + key] / (1 - beta2**t)',
        's_hat = s["d" + key] / (1 - beta2**2)',
        "t_fixed second_bias_correction",
    ),
    ("adam", 'beta1 * v["d" + key] + (1 - beta1) * g', 'beta1 * v["d" + key] + g', "share_left_out"),
    ("momentum", 'config["velocity"] = v', "pass", "state_not_kept"),
    ("momentum", "next_w = w + v", "next_w = w - v", "ascent"),
    (
        "adamw",
        "(m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "m / (np.sqrt(v) + 1e-8)",
        "bias_correction_left_out",
    ),
    (
        "adamw",
        "m = 0.9 * m + 0.1 * g",
        "g = g + 0.1 * p if p.ndim == 2 else g; m = 0.9 * m + 0.1 * g",
        "coupled_decay decay_twice",
    ),
]

# the same thing said otherwise: nothing is wrong here
CORRECT: list[tuple[str, str, str]] = [
    *((name, "", "") for name in HOMEWORK),
    ("columns", "db2 = np.sum(dZ2, axis=1, keepdims=True) / m", "db2 = dZ2.mean(axis=1)"),
    ("columns", '"db1": db1,', '"db1": db1, "dZ1": dZ1, "dZ2": dZ2, "dA1": parameters["W2"].T @ dZ2,'),
    ("columns", "1 / (1 + np.exp(-Z2))", "0.5 * (1 + np.tanh(Z2 / 2))"),
    ("columns", "np.log(A2)", "np.log(A2 + 1e-15)"),
    ("rows", "dhidden.sum(axis=0)", "dhidden.sum(axis=0, keepdims=True)"),
    (
        "rows",
        "-np.log(probs[np.arange(N), y]).sum() / N",
        '(np.log(powers_of(passed).sum(axis=1)) - passed["z2"][np.arange(N), y]).mean()\n'
        'powers_of = lambda passed: np.exp(passed["z2"])\ndef loss_and_gradients(params, X, y):\n'
        '    N = X.shape[0]\n    passed = scores(params, X)\n    h1, probs = passed["a1"], passed["a2"]\n'
        '    loss = (np.log(powers_of(passed).sum(axis=1)) - passed["z2"][np.arange(N), y]).mean()',
    ),
    ("lists", "return nabla_b, nabla_w", "return nabla_w, nabla_b"),
    ("lists", "return nabla_b, nabla_w", "return list(zip(nabla_w, nabla_b))"),
    ("separate", "return dW1, db1, dW2, db2", "return dW2, db2, dW1, db1"),
    ("separate", "W2.T.dot(dZ2)", 'np.einsum("mj,mn->jn", W2, dZ2)'),
    (
        "given",
        "return [(d1.T",
        "return {i + 1: pair for i, pair in enumerate(pairs(h, d1, d2, d3))}\n"
        "def pairs(h, d1, d2, d3):\n    return [(d1.T",
    ),
    ("given", "d2 = (d3 @ W[3]) * (1 - h[2] ** 2)", "d2 = np.array([W[3].T @ row for row in d3]) / np.cosh(a[1]) ** 2"),
    (
        "adam",
        "learning_rate * v_hat / (np.sqrt(s_hat) + epsilon)",
        "learning_rate * v_hat / (s_hat ** 0.5 + epsilon) * np.ones(1)",
    ),
    (
        "adam",
        "    for key in parameters:\n        g",
        "    parameters, v, s = dict(parameters), dict(v), dict(s)\n    for key in parameters:\n        g",
    ),
    (
        "momentum",
        'v = config["momentum"] * v - config["learning_rate"] * dw\n    next_w = w + v',
        'v = config["momentum"] * v + dw\n    next_w = w - config["learning_rate"] * v',
    ),
    (
        "descent",
        'parameters[key] -= learning_rate * grads["d" + key]',
        'np.subtract(parameters[key], learning_rate * grads["d" + key], out=parameters[key])',
    ),
]
