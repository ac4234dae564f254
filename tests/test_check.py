"""The checker itself: it sees what is wrong, says where, and leaves alone what is right."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import backtalk
from backtalk import Gradients, InputError, InputTypeError, Layers, Network, UnknownNameError, check, gradients
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.losses import LOSSES
from limits import LIMIT

METHODS = ["complex_step", "central_differences"]


@pytest.fixture
def registered():
    """register_activation, with the names taken out of the table afterwards."""
    before = set(ACTIVATIONS)
    yield backtalk.register_activation
    for name in set(ACTIVATIONS) - before:
        del ACTIVATIONS[name]


def batch(network: Network, count: int = 4, seed: int = 0, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(count, network.sizes[0])) * scale
    return X, network.loss.draw_target(rng, count, network.sizes[-1])


def changed(grads: Gradients, family: str, layer: int, change: Any) -> Gradients:
    """The same gradients with one array changed."""
    families = {name: dict(getattr(grads, name)) for name in ("a", "h", "W", "b")}
    array = np.array(families[family][layer])
    change(array)
    families[family][layer] = array
    return Gradients(
        grads.loss, **{name: Layers(arrays.values(), first=min(arrays)) for name, arrays in families.items()}
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coordinates", ["every", "random"])
@pytest.mark.parametrize("loss", LOSSES)
def test_our_gradients_pass_for_every_loss_method_and_choice_of_coordinates(loss, coordinates, method):
    network = Network.create([3, 5, 4, 2], activation=["mish", "relu"], loss=loss, rng=1)
    report = check(network, *batch(network), [1.0, 2.0, 0.0, 0.5], method=method, coordinates=coordinates)
    assert report.passed, str(report)
    assert report.compared > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_the_table_passes(activation, method):
    assert check(activation, method=method).passed
    assert check(Network.create([2, 4, 4, 2], activation=activation, rng=3), method=method).passed


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coordinates", ["every", "random"])
@pytest.mark.parametrize("quantity", [(f, i) for f in ("a", "h", "W", "b") for i in (0, 1, 2) if i or f == "h"])
def test_one_coordinate_wrong_by_a_thousandth_is_found_and_located(quantity, coordinates, method):
    network = Network.create([4, 6, 3], activation="tanh", rng=0)
    X, y = batch(network, 5)
    family, layer = quantity
    right = getattr(gradients(network, X, y), family)[layer]
    where = tuple(int(i) for i in np.unravel_index(np.abs(right).argmax(), right.shape))

    def wrong(net: Network, X: Any, y: Any) -> Gradients:
        return changed(
            gradients(net, X, y), family, layer, lambda array: array.__setitem__(where, array[where] * 1.001)
        )

    report = check(network, X, y, backward=wrong, method=method, coordinates=coordinates)
    assert [row.quantity for row in report.rows if not row.passed] == [f"{family}[{layer}]"]
    assert report.worst.where == where
    assert report.worst.given == pytest.approx(1.001 * right[where], rel=1e-12)
    assert report.worst.derivative == pytest.approx(right[where], rel=1e-6)
    if coordinates == "every":
        assert report.largest_error == pytest.approx(1e-3, rel=2e-3)


@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6])
def test_a_small_coordinate_wrong_by_a_thousandth_is_found_too(size):
    network = Network([[[1.0, size]], [[1.0], [-1.0]]], [[0.1], [0.0, 0.2]], "tanh")
    X, y = np.array([[0.3, 0.5]]), [0]

    def wrong(net: Network, X: Any, y: Any) -> Gradients:
        return changed(gradients(net, X, y), "h", 0, lambda array: array.__setitem__((0, 1), array[0, 1] * 1.001))

    report = check(network, X, y, backward=wrong)
    assert not report.passed
    assert report.worst.where == (0, 1)


def test_one_wrong_weight_among_many_is_located_by_halving():
    network = Network.create([60, 80, 50, 10], rng=2)
    X, y = batch(network, 8)
    calls = 0

    def wrong(net: Network, X: Any, y: Any) -> Gradients:
        nonlocal calls
        calls += 1
        return changed(gradients(net, X, y), "W", 2, lambda array: array.__setitem__((17, 31), array[17, 31] + 1e-3))

    report = check(network, X, y, backward=wrong)
    assert report.coordinates == "random directions"
    assert [row.quantity for row in report.rows if not row.passed] == ["W[2]"]
    assert report.worst.where == (17, 31)
    assert calls == 1


def test_the_cost_of_random_directions_does_not_depend_on_the_parameter_count():
    small, large = (check(Network.create([n, n, 5], rng=0), coordinates="random") for n in (4, 200))
    assert small.compared == large.compared


def test_a_backward_pass_may_return_a_pair_of_lists():
    network = Network.create([2, 3, 2], activation="sigmoid", rng=0)

    def mine(net: Network, X: Any, y: Any) -> Any:
        grads = gradients(net, X, y)
        return list(grads.W.values()), list(grads.b.values())

    report = check(network, *batch(network), backward=mine)
    assert report.passed
    assert [row.quantity for row in report.rows] == ["W[1]", "b[1]", "W[2]", "b[2]"]


def test_a_backward_pass_may_return_a_dictionary_of_lists_or_mappings():
    network = Network.create([2, 3, 2], activation="sigmoid", rng=0)

    def mine(net: Network, X: Any, y: Any) -> Any:
        grads = gradients(net, X, y)
        return {"a": grads.a, "h": list(grads.h.values()), "W": {2: grads.W[2].tolist()}}

    report = check(network, *batch(network), backward=mine)
    assert report.passed
    assert [row.quantity for row in report.rows] == ["h[0]", "a[1]", "h[1]", "a[2]", "h[2]", "W[2]"]


def test_a_backward_pass_written_by_hand_is_checked_with_its_sample_weight():
    network = Network.create([2, 2], rng=0)

    def mine(net: Network, X: Any, y: Any, sample_weight: Any) -> Any:
        powers = np.exp(X @ net.W[1].T + net.b[1])
        delta = (powers / powers.sum(1, keepdims=True) - np.eye(2)[y]) * (sample_weight / sample_weight.sum())[:, None]
        return [delta.T @ X], [delta.sum(0)]

    X, y = batch(network)
    assert check(network, X, y, np.array([1.0, 0.0, 2.0, 3.0]), backward=mine).passed

    def unweighted(net: Network, X: Any, y: Any, sample_weight: Any) -> Any:
        return mine(net, X, y, np.ones_like(sample_weight))

    assert not check(network, X, y, np.array([1.0, 0.0, 2.0, 3.0]), backward=unweighted).passed


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (None, InputTypeError, "returned a NoneType"),
        ({"V": []}, InputError, "returned 'V', expected some of 'a', 'h', 'W' and 'b'"),
        (([1], [2], [3]), InputTypeError, "expected Gradients, a dictionary"),
        (([np.zeros((2, 2))], []), InputError, "returned 0 arrays for b, expected 1"),
        (([np.zeros((2, 3))], [np.zeros(2)]), InputError, r"W\[1\] with shape \(2, 3\), expected \(2, 2\)"),
        ({"W": {3: 0}}, InputError, r"W\[3\], expected layers 1 … 1"),
        ({}, InputError, "returned no gradient"),
        ((["a"], [np.zeros(2)]), InputTypeError, r"W\[1\] that holds no numbers"),
    ],
)
def test_what_a_backward_pass_may_not_return_is_named(returned, error, words):
    with pytest.raises(error, match=words):
        check(Network.create([2, 2], rng=0), backward=lambda net, X, y: returned)


def test_a_gradient_of_nan_fails():
    network = Network.create([2, 2], rng=0)
    report = check(network, backward=lambda net, X, y: ([np.full((2, 2), np.nan)], [np.zeros(2)]))
    assert not report.passed
    assert report.largest_error == np.inf
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["largest_error"] is None


@pytest.mark.parametrize("method", METHODS)
def test_a_kink_inside_the_step_is_undecided_and_not_a_failure(method):
    network = Network([[[1.0], [1.0]], [[1.0, 2.0]]], [[0.0, 1.0], [0.0]], "relu", "squared_error")
    report = check(network, [[0.0], [2.0]], [0.5, 1.0], method=method)
    assert report.passed, str(report)
    rows = {row.quantity: row for row in report.rows}
    assert rows["a[1]"].undecided == 1
    assert rows["b[1]"].undecided == 1
    assert rows["W[2]"].undecided == 0


def test_a_target_that_is_met_exactly_is_a_kink_of_the_absolute_error():
    network = Network([[[1.0]]], [[0.0]], loss="absolute_error")
    report = check(network, [[2.0]], [2.0])
    assert report.passed
    assert report.compared == 0
    assert report.undecided == 5


@pytest.mark.parametrize(("coordinates", "count"), [("every", "5 coordinates"), ("random", "40 random directions")])
def test_a_check_that_could_judge_nothing_says_so(coordinates, count):
    network = Network([[[1.0]]], [[0.0]], loss="absolute_error")
    report = check(network, [[2.0]], [2.0], coordinates=coordinates)
    assert report.verdict.startswith(f"nothing could be judged: each of {count} meets a kink")
    assert report.rows[0].verdict == "not judged"
    assert "ok" not in str(report)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coordinates", ["every", "random"])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "poisson_deviance"])
@pytest.mark.parametrize("size", [5, 10, 16, 18, 20, 40, 100, 640])
def test_outputs_near_an_end_of_their_range_do_not_fail(size, loss, coordinates, method):
    network = Network([np.eye(3)], [np.zeros(3)], loss=loss)
    X = np.array([[size, -size, 0.0], [-size, -size, 1.0], [0.5, 0.0, size]])
    y = [1, 2, 0] if loss == "cross_entropy" else [[0, 1, 1], [1, 0, 0], [0, 1, 0]]
    report = check(network, X, y, method=method, coordinates=coordinates)
    assert report.passed, str(report)
    assert report.rows[2].quantity == "h[1]"
    assert report.rows[2].compared > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coordinates", ["every", "random"])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "poisson_deviance"])
def test_a_gradient_of_a_small_output_wrong_by_a_thousandth_is_found(loss, coordinates, method):
    network = Network([np.eye(2)], [np.zeros(2)], loss=loss)
    X, y = [[0.0, -15.0], [1.0, 0.5]], [[0.0, 1.0], [1.0, 0.0]]

    def wrong(net: Network, X: Any, y: Any) -> Gradients:
        return changed(gradients(net, X, y), "h", 1, lambda array: array.__setitem__((0, 1), array[0, 1] * 1.001))

    report = check(network, X, y, backward=wrong, method=method, coordinates=coordinates)
    assert not report.passed
    assert report.worst.where == (0, 1)


@pytest.mark.parametrize("method", METHODS)
def test_a_gradient_of_a_small_output_that_the_loss_does_not_hear_is_0_and_nothing_else(method):
    network = Network([np.eye(2)], [np.zeros(2)])

    def wrong(net: Network, X: Any, y: Any) -> Gradients:
        return changed(gradients(net, X, y), "h", 1, lambda array: array.__setitem__((0, 1), 1e-3))

    assert check(network, [[0.0, -25.0]], [0], method=method).passed
    assert not check(network, [[0.0, -25.0]], [0], method=method, backward=wrong).passed


def test_the_gradients_of_an_activation_of_your_own_pass_where_outputs_are_small(registered):
    registered("own_softsign", lambda a: a / (1 + np.abs(a)), lambda a: 1 / (1 + np.abs(a)) ** 2, kinks=(0,))
    network = Network.create([3, 6, 4], activation="own_softsign", rng=0)
    W, b = network.to_lists()
    report = check(Network([W[0], 30 * W[1]], b, "own_softsign"), *batch(network, 8))
    assert report.method == "central differences"
    assert report.passed, str(report)


@pytest.mark.parametrize("coordinates", ["every", "random"])
def test_columns_of_very_different_scale_do_not_fail(coordinates):
    rng, scale = np.random.default_rng(0), np.array([1e-6, 1.0, 1e6])
    network = Network([rng.normal(size=(4, 3)) / scale, rng.normal(size=(2, 4))], [np.zeros(4), np.zeros(2)], "tanh")
    X, y = rng.normal(size=(5, 3)) * scale, [0, 1, 1, 0, 1]
    report = check(network, X, y, method="central_differences", coordinates=coordinates)
    assert report.passed, str(report)


def test_an_example_without_weight_has_no_part_also_where_its_loss_is_infinite():
    network = Network([[[1.0]]], [[0.0]], loss="poisson_deviance")
    with np.errstate(over="ignore"):
        assert check(network, [[1.0], [800.0]], [1.0, 1.0], [1.0, 0.0]).passed


@pytest.mark.parametrize("coordinates", ["every", "random"])
def test_a_loss_that_is_not_finite_is_refused(coordinates):
    network = Network([[[1.0]]], [[0.0]], loss="poisson_deviance")
    with pytest.raises(InputError, match="the loss of the network is inf on these examples, expected a finite number"):
        check(network, [[800.0], [1.0]], [1.0, 2.0], coordinates=coordinates)


def test_the_verdict_names_a_few_of_many_wrong_quantities():
    network = Network.create([2, *[3] * 40, 2], activation="tanh", rng=0)
    nothing = lambda net, X, y: ([0 * W for W in net.W.values()], [0 * b for b in net.b.values()])  # noqa: E731
    verdict = check(network, backward=nothing).verdict
    assert "and 74 more: " in verdict
    assert len(verdict) < 300


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 30.0, 1e4])
def test_saturated_outputs_and_large_inputs_do_not_fail(loss, scale):
    network = Network.create([5, 6, 3], activation="tanh", loss=loss, rng=0)
    assert check(network, *batch(network, scale=scale)).passed


def test_vanishing_gradients_do_not_fail():
    network = Network.create([3, *[4] * 12, 2], activation="sigmoid", rng=0)
    assert check(network).passed


def test_float32_networks_are_checked_in_float64():
    report = check(Network.create([3, 4, 2], activation="tanh", rng=0, dtype="float32"))
    assert report.passed
    assert report.largest_error < 1e-9


def test_torch_and_jax_networks_are_checked():
    jnp = pytest.importorskip("jax.numpy")
    assert check(Network.create([3, 4, 2], rng=0).to(jnp)).passed
    torch = pytest.importorskip("torch")
    network = Network.create([3, 4, 2], rng=0).to(torch)
    assert check(network).passed
    assert check(network, torch.randn(4, 3), torch.tensor([0, 1, 1, 0])).passed


def test_an_activation_with_a_wrong_derivative_fails_and_says_where(registered):
    report = check(registered("cube", lambda a: a**3, lambda a: 3 * a**2 * 1.001))
    assert not report.passed
    assert report.largest_error == pytest.approx(1e-3, rel=2e-3)
    assert "g′ at" in report.verdict


def test_an_activation_whose_kink_is_not_named_fails_at_it(registered):
    hinge = registered("hinge", lambda a: np.maximum(a, 0), lambda a: (a > 0) * 1.0)
    report = check(hinge, method="central_differences")
    assert not report.passed
    assert report.rows[0].quantity == "g′ at 0"
    named = registered("named_hinge", lambda a: np.maximum(a, 0), lambda a: (a > 0) * 1.0, kinks=(0,))
    assert check(named).passed


def test_an_activation_is_judged_where_it_is_finite(registered):
    report = check(registered("logarithm", np.log, lambda a: 1 / a, kinks=(0,)))
    assert report.passed
    assert (report.compared, report.undecided) == (740, 761)
    assert not check(registered("logarithm_twice", np.log, lambda a: 2 / a, kinks=(0,))).passed


def test_an_activation_that_raises_is_named(registered):
    with pytest.raises(InputError, match=r"g′ raises ZeroDivisionError \(division by zero\), expected an array"):
        check(registered("broken", lambda a: a, lambda a: 1 / 0))


def test_what_belongs_to_a_network_is_refused_for_an_activation():
    with pytest.raises(InputError, match="subject is an activation, which takes no X, y, sample_weight or backward"):
        check("relu", [[1.0]], [1.0])


def test_an_activation_that_takes_no_complex_numbers_is_checked_by_central_differences(registered):
    registered("own_softsign", lambda a: a / (1 + np.abs(a)), lambda a: 1 / (1 + np.abs(a)) ** 2, kinks=(0,))
    assert check("own_softsign").method == "central differences"
    network = Network.create([3, 4, 2], activation="own_softsign", rng=0)
    report = check(network)
    assert report.method == "central differences"
    assert report.passed
    with pytest.raises(InputError, match="does not carry complex numbers"):
        check(network, method="complex_step")


def test_a_network_with_a_wrong_derivative_fails_below_it_only(registered):
    registered("wrong_square", lambda a: a * a, lambda a: 2.002 * a)
    report = check(Network.create([3, 4, 2], activation="wrong_square", rng=0))
    assert {row.quantity for row in report.rows if not row.passed} == {"h[0]", "a[1]", "W[1]", "b[1]"}


def test_the_report_reads_as_a_table():
    network = Network.create([2, 2], rng=0)
    text = str(check(network, backward=lambda net, X, y: ([np.ones((2, 2))], [np.zeros(2)])))
    assert "wrong at row " in text
    assert text.splitlines()[-1].startswith("failed in W[1], b[1]: ")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"method": "complex"}, UnknownNameError, "did you mean 'complex_step'"),
        ({"coordinates": "all"}, UnknownNameError, "coordinates is 'all'"),
        ({"directions": 0}, InputError, "directions is 0"),
        ({"tolerance": 2}, InputError, "tolerance is 2"),
        ({"tolerance": "small"}, InputTypeError, "tolerance is 'small', expected a number between 0 and 1"),
        ({"method": ["complex_step"]}, UnknownNameError, r"method is \['complex_step'\]"),
        ({"backward": "mine"}, InputTypeError, "backward is 'mine', expected a function"),
        ({"X": [[1.0, 2.0]]}, InputError, "X and y belong together"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        check(Network.create([2, 2], rng=0), **arguments)


def test_a_subject_of_another_kind_is_refused():
    with pytest.raises(InputTypeError, match="subject is a int, expected a Network or an activation"):
        check(3)
    with pytest.raises(UnknownNameError, match="did you mean 'relu'"):
        check("rellu")


def test_a_network_of_a_jax_without_float64_is_checked_in_numpy():
    code = (
        "import jax.numpy as jnp, backtalk as bt\n"
        "network = bt.Network.create([3, 4, 2], activation='tanh', rng=0).to(jnp)\n"
        "print(bt.check(network).passed, bt.check(network, jnp.ones((2, 3)), jnp.array([0, 1])).passed)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT)
    assert found.stdout.split() == ["True", "True"], found.stderr


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_an_output_that_has_rounded_to_its_target_is_not_accused(output):
    network = Network([120 * np.eye(2)], [np.zeros(2)], loss="squared_error", output=output)
    report = check(network, [[1.0, 0.0], [0.0, 1.0], [0.3, -0.3]], np.array([[1.0, 0], [0, 1], [1, 0]]))
    assert report.passed, str(report)


@pytest.mark.parametrize(
    ("W", "activations", "loss", "x", "y"),
    [
        ([[[0.0]], [[1e200]]], ["tanh"], "squared_error", [1.0], [1e120]),  # ∇a_1 overflows, and meets a weight of 0
        ([[[0.0, 1.0]], [[1e200]]], ["tanh"], "squared_error", [1.0, 0.0], [1e120]),
        ([[[1.0]], [[1.7e308]], [[-5e-324]]], ["identity"] * 2, "quantile(level=0.5)", [0.5], [-0.4]),  # it underflows
    ],
)
def test_what_overflows_or_underflows_on_the_way_back_is_not_judged(W, activations, loss, x, y):
    network = Network([np.array(part) for part in W], [np.zeros(len(part)) for part in W], activations, loss)
    report = check(network, [x], [y])
    assert report.passed
    assert sum(row.undecided for row in report.rows) > 0
