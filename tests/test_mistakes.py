"""Mistakes planted into a backward pass that is written here, by itself, are named; what is no mistake is not."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtalk import InputError, Network, check, gradients
from backtalk.analysis.check import CheckReport
from backtalk.analysis.check.mistakes import MISTAKES

LOSSES = [
    "cross_entropy",
    "binary_cross_entropy",
    "squared_error",
    "absolute_error",
    "huber",
    "poisson_deviance",
    "squared_error@softmax",
    "squared_error@tanh",
]

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
    return {"binary_cross_entropy": G["sigmoid"][0], "poisson_deviance": np.exp, "tanh": np.tanh}.get(
        loss, lambda a: a
    )(a)


def natural(network: Network) -> str:
    """The loss that goes with the output function."""
    return {"softmax": "cross_entropy", "tanh": "tanh"}.get(network.output.name, network.loss.name)


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
        if m == "float32":
            X, W, b = X.astype(np.float32), *({i: each[i].astype(np.float32) for i in each} for each in (W, b))
        a, h = {}, {0: X}
        for i in range(1, L + 1):
            a[i] = h[i - 1] @ W[i].T + b[i]
            h[i] = G[names[i - 1]][0](a[i]) if i < L else outputs(natural(network), a[i])
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
        if m == "one_example_only" and self.returns != "Wb":
            w = np.eye(B)[0]
        w = w[:, None]
        t = targets(network, y)
        if loss == "cross_entropy" and network.loss.label_smoothing and m != "smoothing_left_out":
            t = (1 - network.loss.label_smoothing) * t + network.loss.label_smoothing / t.shape[1]
        if m == "label_plus_one":
            t = np.roll(t, 1, axis=1)
        if m == "label_minus_one":
            t = np.roll(t, -1, axis=1)
        top_h, top_a = (each * w for each in slopes(loss, yhat, t))
        if (network.output.name, loss) == ("softmax", "squared_error"):
            top_a = yhat * (top_h - (yhat * top_h).sum(axis=1, keepdims=True))
        if network.output.name == "tanh":
            top_a = top_h * (1 - yhat**2)
        if m == "one_term_at_output" and loss == "binary_cross_entropy":
            top_h = -t / yhat * w
            top_a = top_h * yhat * (1 - yhat)
        top_a = self.at_output(top_h, top_a, loss, yhat, y, t, w)
        if m == "g_prime_at_output" and L > 1:
            top_a = top_a * G[names[-1]][1](a[L])
        if m == "at_a_for_at_yhat":
            top_h = top_a
        if m == "factor_two":
            top_h, top_a = (each * (0.5 if loss == "poisson_deviance" else 2) for each in (top_h, top_a))
        if m == "mean_over_outputs":
            top_h, top_a = top_h / yhat.shape[1], top_a / yhat.shape[1]
        if m == "own_rows":
            top_h, top_a = top_h / w, top_a / w
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
        if m == "closed_form_of_other_loss" and yhat.min() > 0:
            return (yhat - t) * w
        if m == "residual_changed":
            return (yhat - t) ** 2 * w
        if m == "constant_factor":
            return 0.7 * top_a
        if m == "gradient_of_other_loss":
            return np.sign(yhat - t) * w
        if m == "output_slope_of_other_function":
            return top_h * yhat * (1 - yhat)
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
        if m == "a_for_g_prime":
            return grad_h[i] * a[i]
        if m == "g_prime_twice":
            return grad_h[i] * g_prime(a[i]) * g_prime(a[i])
        if m == "g_prime_at_gradient":
            return grad_h[i] * g_prime(grad_h[i])
        if m == "g_prime_of_other_function":
            return grad_h[i] * (1 - h[i] ** 2 if names[i - 1] == "sigmoid" else h[i] * (1 - h[i]))
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
        if m == "one_example_only" and self.returns == "Wb":
            return np.outer(delta[-1], heard[-1]), delta[-1]
        if m == "negated":
            return -grad_W, -grad_b
        if m == "constant_factor_of_layer":
            return 0.7 * grad_W, 0.7 * grad_b
        if m == "clipped_values":
            return np.clip(grad_W, -0.01, 0.01), np.clip(grad_b, -0.01, 0.01)
        return grad_W, grad_b

    def result(self, grad_a, grad_h, grads_W, grads_b):
        L = len(grads_W)
        W, b = ([each[i] for i in range(1, L + 1)] for each in (grads_W, grads_b))
        if self.mistake == "layers_reversed" and len({array.shape for array in W}) == 1:
            W, b = W[::-1], b[::-1]
        if self.mistake == "left_at_zero":
            W, b = [0 * array for array in W], [0 * array for array in b]
        if self.mistake == "float32":
            W, b, grad_a, grad_h = (
                {
                    i: array.astype(np.float32)
                    for i, array in (each.items() if isinstance(each, dict) else enumerate(each))
                }
                for each in (W, b, grad_a, grad_h)
            )
            W, b = list(W.values()), list(b.values())
        if self.returns == "Wb":
            return W, b
        return {"a": [grad_a[i] for i in range(1, L + 1)], "h": [grad_h[i] for i in range(L + 1)], "W": W, "b": b}


MIXED = ["tanh", "sigmoid", "softplus"]
# sizes, activations, loss, examples, what is returned, whether the examples are weighted
CASES = [
    ((3, 3), [], "cross_entropy", 5, "Wb", False),
    ((4, 4, 3), ["tanh"], "cross_entropy", 5, "Wb", False),
    ((4, 4, 4), ["sigmoid"], "cross_entropy(label_smoothing=0.1)", 32, "ahWb", False),
    ((3, 5, 4, 3), ["tanh", "sigmoid"], "cross_entropy", 32, "Wb", True),
    ((5, 5, 5, 5), ["tanh", "softplus"], "binary_cross_entropy", 7, "Wb", False),
    ((4, 4, 4, 4), ["relu", "relu"], "huber", 6, "Wb", False),
    ((4, 3, 3, 3, 3), MIXED, "squared_error", 6, "Wb", True),
    ((2, 4, 4, 4, 3), MIXED, "poisson_deviance", 5, "ahWb", False),
    ((3, 5, 5, 3), ["tanh", "sigmoid"], "absolute_error", 5, "ahWb", True),
    ((3, 4, 4, 3), ["sigmoid", "sigmoid"], "cross_entropy", 1, "ahWb", False),
    ((4, 4, 4, 4, 3), MIXED, "cross_entropy", 1, "Wb", False),
    ((3, 4, 3), ["tanh"], "squared_error", 5, "Wb", False),
    ((4, 4, 3), ["tanh"], "squared_error@softmax", 5, "Wb", False),
    ((3, 5, 4), ["sigmoid"], "squared_error@softmax", 7, "ahWb", True),
    ((3, 4, 3), ["softplus"], "squared_error@tanh", 6, "Wb", False),
]
ONLY_FOR = {
    "label_plus_one": ["cross_entropy"],
    "label_minus_one": ["cross_entropy"],
    "label_as_number": ["cross_entropy"],
    "smoothing_left_out": ["cross_entropy"],
    "jacobian_diagonal": ["cross_entropy", "squared_error@softmax"],
    "jacobian_twice": ["cross_entropy", "binary_cross_entropy", "squared_error@softmax"],
    "factor_two": ["squared_error", "huber", "poisson_deviance", "squared_error@softmax"],
    "squared_error_for_other": ["absolute_error", "huber"],
    "closed_form_of_other_loss": ["squared_error@softmax"],
    "one_term_at_output": ["binary_cross_entropy"],
    "gradient_of_other_loss": ["squared_error"],
    "output_slope_of_other_function": ["squared_error@tanh"],
}
# of which the second is the same deed as the first, where nobody sees what lies between
SAME = {
    ("closed_form_of_other_loss", "jacobian_left_out"),
    ("closed_form_of_other_loss", "weights_from_h"),
    ("no_g_prime", "weights_from_h"),
    ("jacobian_left_out", "weights_from_h"),
    ("output_sign", "negated"),
    ("constant_factor", "constant_factor_of_layer"),
}


def examples(network: Network, count: int, seed: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(repr(seed).encode()))
    X = rng.normal(size=(count, network.sizes[0]))
    return X, network.loss.draw_target(rng, count, network.sizes[-1]), rng.uniform(0.5, 2, count)


def planted(mistake: str, case: tuple[Any, ...]) -> CheckReport:
    sizes, activations, loss, count, returns, weighted = case
    loss, _, output = loss.partition("@")
    network = Network.create(
        sizes, activations, loss, output=output or None, rng=zlib.crc32(repr((mistake, case)).encode())
    )
    X, y, weight = examples(network, count, (mistake, case))
    return check(
        network,
        X,
        y,
        weight if weighted else None,
        backward=Student(mistake, returns),
        coordinates="random",
        directions=2,
    )


@pytest.mark.parametrize("mistake", [known.name for known in MISTAKES])
def test_each_mistake_is_named_wherever_it_makes_a_difference(mistake):
    shown = 0
    for case in CASES:
        loss = case[2].partition("(")[0]
        if loss not in ONLY_FOR.get(mistake, LOSSES):
            continue
        report = planted(mistake, case)
        if report.passed:  # as where the network has no hidden layer, or no square W
            continue
        shown += 1
        found = report.mistakes
        assert len(found) == 1, f"{case}: {report.verdict}"
        names = [found[0].name, *(other.name for other in found[0].others)]
        if case[3] == 1:  # on one example more is the same: without its label, a label after the last is no label
            assert mistake in names or (names[0], mistake) in SAME, f"{case}: {report.verdict}"
            continue
        assert names[0] == mistake or (names[0], mistake) in SAME, f"{case}: {report.verdict}"
        assert set(names[1:]) <= {b for a, b in SAME if a == names[0]}, f"{case}: {report.verdict}"
    rare = ("smoothing_left_out", "bias_over_wrong_axis", "one_term_at_output", "output_slope_of_other_function")
    assert shown >= 1 + (mistake not in rare)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_backward_pass_without_a_mistake_passes(case):
    report = planted("", case)
    assert report.passed, str(report)
    assert report.mistakes == ()
    assert report.mistake is None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_noise_has_no_name(case):
    sizes, activations, loss, count, returns, _ = case
    loss, _, output = loss.partition("@")
    network = Network.create(sizes, activations, loss, output=output or None, rng=0)
    X, y, _ = examples(network, count, case)
    rng = np.random.default_rng(1)

    def noise(network: Network, X: np.ndarray, y: np.ndarray) -> Any:
        right = Student("", "ahWb")(network, X, y)
        return {f: [rng.normal(size=array.shape) for array in right[f]] for f in returns}

    report = check(network, X, y, backward=noise)
    assert report.mistakes == ()
    assert report.mistake is None
    assert report.verdict.endswith("; no mistake that has a name here explains it")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("family", ["W", "b"])
def test_one_wrong_number_has_no_name(family, seed):
    rng = np.random.default_rng(seed)
    network = Network.create([3, 4, 4, 3], ["tanh", "sigmoid"], rng=seed)

    def slip(network: Network, X: np.ndarray, y: np.ndarray) -> Any:
        W, b = Student()(network, X, y)
        array = {"W": W, "b": b}[family][rng.integers(3)]
        array.flat[rng.integers(array.size)] *= rng.choice([-1.0, 2.0, 0.5, 1.001])
        return W, b

    assert check(network, *examples(network, 5, seed)[:2], backward=slip).mistakes == ()


@pytest.mark.parametrize("seed", range(20))
def test_noise_on_a_network_of_single_units_has_no_name(seed):
    network = Network.create([1, 1, 1], "tanh", "squared_error", rng=seed)
    rng = np.random.default_rng(seed)
    noise = lambda net, X, y: ([rng.normal(size=(1, 1)) for _ in (1, 2)], [rng.normal(size=1) for _ in (1, 2)])  # noqa: E731
    assert check(network, backward=noise).mistakes == ()


def test_the_layers_where_it_shows_are_named():
    network = Network.create([3, 4, 4, 4, 3], MIXED, rng=0)
    X, y, _ = examples(network, 5, "layers")

    class OnceWithoutGPrime(Student):
        def through(self, i, *rest):
            self.mistake = "no_g_prime" if i == 2 else ""
            return super().through(i, *rest)

    report = check(network, X, y, backward=OnceWithoutGPrime())
    assert report.mistake is not None
    assert (report.mistake.name, report.mistake.layers, report.mistake.where) == ("no_g_prime", (2,), "i = 2")
    everywhere = check(network, X, y, backward=Student("no_g_prime")).mistake
    assert everywhere is not None
    assert everywhere.layers == (1, 2, 3)


@pytest.mark.parametrize(
    ("activation", "slope"),
    [("tanh", lambda a, h: h * (1 - h)), ("tanh", lambda a, h: a > 0), ("tanh", lambda a, h: 1 - h),
     ("relu", lambda a, h: 1 - h**2), ("sigmoid", lambda a, h: h > 0.5)],
)  # fmt: skip
def test_the_slope_of_another_function_is_named(activation, slope):
    class OtherFunction(Student):
        def through(self, i, L, names, a, h, grad_h):
            return grad_h[i] * slope(a[i], h[i])

    network = Network.create([3, 4, 4, 3], activation, rng=0)
    X, y, _ = examples(network, 8, "other function")
    report = check(network, X, y, backward=OtherFunction(""))
    assert [mistake.name for mistake in report.mistakes] == ["g_prime_of_other_function"]


def test_a_consequence_is_not_blamed():
    network = Network.create([3, 4, 4, 3], "tanh", rng=0)
    X, y, _ = examples(network, 5, "consequence")
    report = check(network, X, y, backward=Student("W_not_transposed", "ahWb"))
    assert {row.quantity for row in report.rows if not row.passed} == {"h[0]", "h[1]", "a[1]", "W[1]", "b[1]"}
    assert report.mistakes is not None
    assert [(mistake.name, mistake.layers) for mistake in report.mistakes] == [("W_not_transposed", (1,))]


def test_a_mistake_is_named_although_something_below_it_is_wrong_as_well():
    network = Network.create([3, 4, 4, 3], "tanh", rng=0)

    def mine(network: Network, X: np.ndarray, y: np.ndarray) -> Any:
        W, b = Student("sum_for_mean")(network, X, y)
        return [np.cos(W[0]), *W[1:]], b

    report = check(network, *examples(network, 5, "below")[:2], backward=mine)
    assert [mistake.name for mistake in report.mistakes] == ["sum_for_mean"]


def test_several_mistakes_are_named_in_the_order_of_the_talks():
    network = Network.create([3, 4, 4, 2], "tanh", rng=0)
    X, y, _ = examples(network, 6, "several")

    class Tired(Student):
        def to_weights(self, *given):
            self.mistake = "bias_mean"
            found = super().to_weights(*given)
            self.mistake = ""
            return found

        def through(self, i, *rest):
            self.mistake = "no_g_prime" if i == 2 else ""
            return super().through(i, *rest)

        def to_hidden(self, i, *rest):
            self.mistake = "W_not_transposed" if i == 1 else ""
            return super().to_hidden(i, *rest)

    report = check(network, X, y, backward=Tired())
    found = [(mistake.name, mistake.layers) for mistake in report.mistakes]
    assert found == [("no_g_prime", (2,)), ("W_not_transposed", (1,)), ("bias_mean", (1, 2, 3))]
    assert report.verdict.count("; and: ") == 2


def test_two_mistakes_at_one_place_are_both_named():
    network = Network.create([3, 4, 3], "tanh", rng=0)

    class Summed(Student):
        def at_output(self, top_h, top_a, loss, yhat, y, t, w):
            return -super().at_output(top_h, top_a, loss, yhat, y, t, w) * len(yhat)

    report = check(network, *examples(network, 7, "two")[:2], backward=Summed("target_left_out"))
    assert report.mistakes == ()  # three at once are too many
    report = check(network, *examples(network, 7, "two")[:2], backward=Summed())
    assert {mistake.name for mistake in report.mistakes} == {"output_sign", "sum_for_mean"}


def test_mistakes_that_cannot_be_told_apart_are_told_together():
    network = Network.create([3, 4, 2], "tanh", rng=0)
    X, y, _ = examples(network, 5, "two classes")
    mistake = check(network, X, y, backward=Student("label_minus_one")).mistake
    assert mistake is not None
    assert {mistake.name, *(other.name for other in mistake.others)} == {"label_plus_one", "label_minus_one"}
    assert mistake.sentence.startswith("either the labels are off by one: e(y + 1)")
    assert ", or the labels are off by one: e(y − 1)" in mistake.sentence


def test_what_makes_no_difference_on_one_example_passes():
    network = Network.create([3, 4, 3], "tanh", rng=0)
    X, y, _ = examples(network, 1, "one")
    for mistake in ("sum_for_mean", "mean_twice", "bias_mean", "one_example_only", "product_of_sums"):
        assert check(network, X, y, backward=Student(mistake)).passed


def test_a_rate_that_nobody_knows_is_found():
    network = Network.create([3, 4, 3], "tanh", rng=0)
    X, y, _ = examples(network, 5, "rate")
    decay, step = (check(network, X, y, backward=Student(each)).mistake for each in ("weight_decay", "updated_weights"))
    assert decay is not None
    assert decay.said == "a weight decay is added, 0.01 times the weights"
    assert step is not None
    assert step.said == "W_{i+1} was updated before it was used, by a step of rate 0.1"


def test_the_mistake_is_told_in_the_report_the_verdict_and_json():
    network = Network.create([3, 4, 3], "tanh", rng=0)
    report = check(network, *examples(network, 5, "told")[:2], backward=Student("no_g_prime"))
    assert report.verdict.endswith("; likely: g′ is left out: ∇_{h_i} is taken for ∇_{a_i} (i = 1)")
    assert "likely mistake: g′ is left out: ∇_{h_i} is taken for ∇_{a_i} (i = 1)" in str(report)
    assert "to do: multiply ∇_{h_i} by g′(a_i), element by element" in str(report)
    told = json.loads(json.dumps(report.to_dict()))["mistakes"]
    assert [mistake["name"] for mistake in told] == ["no_g_prime"]
    assert told[0]["layers"] == [1]
    assert told[0]["formula"] == "∇_{a_i}ℒ = ∇_{h_i}ℒ ⊙ g′(a_i)"


def test_our_own_gradients_are_not_searched_for_mistakes():
    assert check(Network.create([3, 4, 3], rng=0)).to_dict()["mistakes"] == []


def test_gradients_that_are_not_finite_have_no_name():
    network = Network.create([2, 2], rng=0)
    report = check(network, backward=lambda net, X, y: ([np.full((2, 2), np.nan)], [np.zeros(2)]))
    assert report.mistakes == ()


def test_a_deep_network_is_searched_as_well():
    network = Network.create([3, *[3] * 400, 2], "tanh", rng=0)
    X, y, _ = examples(network, 2, "deep")
    report = check(network, X, y, backward=Student("sum_for_mean"), coordinates="random", directions=1)
    assert [mistake.name for mistake in report.mistakes] == ["sum_for_mean"]


@pytest.mark.parametrize(
    ("family", "layer", "change", "words"),
    [
        ("W", 1, lambda array, delta, heard: array.T, "it is transposed"),
        ("W", 2, lambda array, delta, heard: np.einsum("nj,nk->njk", delta, heard), "it is not summed over the batch"),
        ("b", 2, lambda array, delta, heard: delta, r"it is not summed over the batch: use grad_a.sum\(axis=0\)"),
        ("b", 1, lambda array, delta, heard: delta.sum(axis=1), "it is summed over the units and not over the batch"),
        ("b", 1, lambda array, delta, heard: array[None, :], "it keeps an axis of length 1"),
        ("b", 1, lambda array, delta, heard: delta.sum(), "it is summed over everything"),
        ("b", 1, lambda array, delta, heard: array[:, None], "it is a column"),
        ("a", 2, lambda array, delta, heard: array.T, "it is transposed: one example a row"),
        ("h", 1, lambda array, delta, heard: array.sum(axis=0), "it is summed over the batch, or of one example"),
        ("h", 1, lambda array, delta, heard: np.zeros((7, 9)), "the shape of h\\[1\\] itself\\.$"),
    ],
)
def test_a_wrong_shape_is_refused_with_its_likely_reason(family, layer, change, words):
    network = Network.create([3, 4, 2], "tanh", rng=0)

    def mine(network: Network, X: np.ndarray, y: np.ndarray) -> Any:
        found = Student("", "ahWb")(network, X, y)
        arrays = dict(enumerate(found[family], 0 if family == "h" else 1))
        heard = X if layer == 1 else np.tanh(X @ network.W[1].T + network.b[1])
        return {family: {layer: change(arrays[layer], found["a"][layer - 1], heard)}}

    with pytest.raises(InputError, match=words):
        check(network, *examples(network, 5, "shape")[:2], backward=mine)


def test_a_number_is_found_beside_a_mistake_with_the_weights_of_examples():
    network = Network.create([3, 4, 2], "tanh", rng=0)
    X, y, _ = examples(network, 6, "decay")

    def mine(network: Network, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Any:
        W = gradients(network, X, y, weights).W
        return {"W": {2: W[2] * weights.sum(), 1: W[1] * weights.sum() + 0.3 * network.W[1]}}

    found = check(network, X, y, np.linspace(0.5, 2, 6), backward=mine).mistakes
    assert [(mistake.name, mistake.layers) for mistake in found] == [("sum_for_mean", (2,)), ("weight_decay", (1,))]
    assert found[1].said == "a weight decay is added, 0.3 times the weights"


def test_layers_in_the_wrong_order_are_refused_with_that_reason():
    network = Network.create([3, 4, 2], "tanh", rng=0)
    turned = lambda net, X, y: tuple(list(each)[::-1] for each in Student()(net, X, y))  # noqa: E731
    with pytest.raises(InputError, match="likely the layers stand in the wrong order, from the output down"):
        check(network, *examples(network, 5, "order")[:2], backward=turned)


def test_one_output_less_targets_without_a_second_axis_is_named():
    network = Network.create([3, 1], loss="squared_error", rng=0)
    X, y, _ = examples(network, 5, "axes")
    mine = lambda net, X, y: {"a": [(X @ net.W[1].T + net.b[1]) - y]}  # noqa: E731
    with pytest.raises(InputError, match=r"ŷ of shape \(B, 1\) less a target of shape \(B,\) is \(B, B\)"):
        check(network, X, y[:, 0], backward=mine)


def test_the_table_in_the_documentation_is_this_one():
    rows = [f"| `{known.name}` | {known.said.replace('FACTOR', 'r')} | {known.formula} |" for known in MISTAKES]
    text = (Path(__file__).parents[1] / "docs" / "teaching.md").read_text()
    table = "\n".join(rows)
    assert text.endswith(f"|---|---|---|\n{table}\n"), f"docs/teaching.md should end with\n{table}"


def test_the_planted_passes_begin_from_a_right_one():
    network = Network.create([3, 4, 3], "tanh", rng=0)
    X, y, _ = examples(network, 5, "right")
    ours, theirs = gradients(network, X, y), Student("", "ahWb")(network, X, y)
    for family in "ahWb":
        for i, array in enumerate(theirs[family], 0 if family == "h" else 1):
            np.testing.assert_allclose(array, getattr(ours, family)[i], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("factors", "sentences"),
    [
        ({("W", 1): 2.3, ("b", 2): 3.1}, [
            "the gradient of W[1] is 2.3 times what it should be",
            "the gradient of b[2] is 3.1 times what it should be",
        ]),
        ({("W", 1): 2.3, ("b", 1): 4.7}, [
            "the gradient of W[1] is 2.3 times what it should be",
            "the gradient of b[1] is 4.7 times what it should be",
        ]),
        ({("b", 1): 3.1, ("b", 2): 3.1}, ["the gradients of b[1] and b[2] are 3.1 times what they should be"]),
        ({("W", 1): 0.7, ("b", 1): 0.7}, ["the gradient of layer i is 0.7 times what it should be (i = 1)"]),
    ],
)  # fmt: skip
def test_each_factor_is_said_of_the_gradients_that_it_explains(factors, sentences):
    def mine(network: Network, X: Any, y: Any) -> Any:
        found = gradients(network, X, y)
        return {family: {i: factors.get((family, i), 1) * array for i, array in getattr(found, family).items()}
                for family in "Wb"}  # fmt: skip

    # of two outputs of a softmax, ∇_b has one number that is free: too few to tell a factor by
    report = check(Network.create([3, 4, 3], "tanh", rng=0), backward=mine)
    assert [mistake.sentence for mistake in report.mistakes] == sentences
