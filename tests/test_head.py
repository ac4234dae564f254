"""Any output function with any loss: pairs by hand, at the ends of the range, a user's own, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backtalk import InputError, Network, UnknownNameError, check, fit, forward, gradients, load, register_loss, save
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.closed_forms import CLOSED_FORMS
from backtalk.core.head import as_head
from backtalk.core.losses import LOSSES, as_loss
from engines import SOFTSIGN, by_formula, error, needs_kernels, same_bits

ECHO = [np.eye(3)], [np.zeros(3)]


def test_a_loss_has_its_natural_output_function_unless_another_is_asked_for():
    assert repr(Network(*ECHO).output) == "softmax"
    network = Network(*ECHO, loss="squared_error", output="leaky_relu(slope=0.2)")
    assert (repr(network.output), repr(network.loss)) == ("leaky_relu(slope=0.2)", "squared_error")
    assert "leaky_relu(slope=0.2)" in repr(network)
    assert "squared_error" in repr(network)


def test_softmax_with_squared_error_is_the_jacobian_times_the_residual():
    network = Network(*ECHO, loss="squared_error", output="softmax")
    yhat = np.array([0.2, 0.5, 0.3])
    grads = gradients(network, np.log(yhat)[None], [1])  # labels are one-hot targets of a softmax
    residual = yhat - [0, 1, 0]
    assert grads.loss == pytest.approx(residual @ residual / 2)
    np.testing.assert_allclose(grads.h[1][0], residual, rtol=1e-14)
    np.testing.assert_allclose(grads.a[1][0], (np.diag(yhat) - np.outer(yhat, yhat)) @ residual, rtol=1e-13)


def test_another_output_function_multiplies_by_its_slope():
    network = Network(*ECHO, loss="squared_error", output="tanh")
    a = np.array([[0.5, -1.0, 0.0]])
    expected = (np.tanh(a) - 1) * (1 - np.tanh(a) ** 2)
    np.testing.assert_allclose(gradients(network, a, np.ones((1, 3))).a[1], expected, rtol=1e-14)


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy", "focal", "kl_divergence"])
def test_a_pair_of_probabilities_keeps_its_digits_where_the_output_has_rounded_to_1(loss, output):
    if (output, type(LOSSES[loss]())) not in CLOSED_FORMS:
        return
    # far in the tail the gradient is that of the leading term: e^-40 at a lead of 40
    network = Network([np.eye(2)], [np.zeros(2)], loss=loss, output=output)
    grad = gradients(network, [[40.0, 0.0]], [[1.0, 0.0]]).a[1][0, 0]
    small = math.exp(-40)
    order = {"cross_entropy": -small, "kl_divergence": -small, "squared_error": -2 * small**2, "focal": -3 * small**3}
    if output == "sigmoid" and loss == "squared_error":
        order[loss] = -(small**2)
    assert grad == pytest.approx(order[loss], rel=1e-9, abs=0)


def test_poisson_with_softplus_is_right_where_the_rate_is_0_to_the_last_digit():
    grads = gradients(Network([[[1.0]]], [[0.0]], loss="poisson_deviance", output="softplus"), [[-800.0]], [3.0])
    assert grads.a[1][0, 0] == -6
    assert grads.loss == pytest.approx(2 * (3 * math.log(3) - 3 + 3 * 800))


def test_an_output_outside_of_the_domain_has_an_infinite_loss():
    network = Network([[[1.0]]], [[0.0]], loss="binary_cross_entropy", output="relu")
    assert gradients(network, [[-1.0]], [1.0]).loss == math.inf
    assert gradients(network, [[2.0]], [0.0]).loss == math.inf
    assert gradients(network, [[0.5]], [1.0]).loss == pytest.approx(math.log(2))


@needs_kernels
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_kernels_compute_every_pair_as_the_formulas_do(loss, dtype):
    rng = np.random.default_rng(0)
    X, tolerance = rng.normal(size=(33, 5)), {"float32": 1e-4, "float64": 1e-12}[dtype]
    for output in ["softmax", *ACTIVATIONS, SOFTSIGN]:
        b = np.full(18, -0.5 if output in ("exp", "softplus") else 0.5)
        network = Network([rng.normal(size=(18, 5)) * 0.1], [b], "relu", loss, output=output).to(np, dtype=dtype)
        y = network.loss.draw_target(rng, 33, 18)
        trace, grads = forward(network, X), gradients(network, X, y)
        expected = by_formula(network, X.astype(dtype), y, None, trace)
        assert error(trace.output, network.output.value(trace.a[1])) < tolerance
        for ours, theirs in ((grads.a[1], expected.a[1]), (grads.h[1], expected.h[1]), (grads.W[1], expected.W[1])):
            assert error(ours, theirs) < tolerance, output


@needs_kernels
def test_training_by_the_kernels_is_that_of_the_formulas_for_other_pairs():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.integers(3, size=60)
    for loss, output in (("squared_error", "softmax"), ("focal", "softmax"), ("cross_entropy", "sigmoid")):
        network = Network.create([4, 6, 3], "tanh", loss, output=output, rng=0)
        ours, theirs = (fit(network, X, y, epochs=3, rng=0, engine=engine) for engine in ("native", "formula"))
        np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-12)
        assert ours.losses[-1] < ours.losses[0]


def test_every_pair_passes_its_check():
    rng = np.random.default_rng(1)
    for loss in LOSSES:
        for output in ("softmax", "sigmoid", "tanh", "relu", "softplus", "exp", "identity"):
            b = np.full(4, -0.5 if output in ("exp", "softplus") else 0.5)
            network = Network([rng.normal(size=(4, 3)) * 0.1], [b], loss=loss, output=output)
            y = network.loss.draw_target(rng, 4, 4)
            report = check(network, rng.normal(size=(4, 3)), y)
            assert report.passed, f"{loss} {output}\n{report}"


def test_a_network_comes_back_from_a_file_with_its_output_function(tmp_path):
    for loss, output in (("squared_error", "softmax"), ("gaussian_nll", None), ("poisson_deviance", "softplus")):
        network = Network.create([2, 3, 2], "tanh", loss, output=output, rng=0)
        save(network, tmp_path / "n.safetensors")
        back = load(tmp_path / "n.safetensors")
        assert same_bits(back, network)
        assert (back.output, back.loss) == (network.output, network.loss)


def test_a_loss_of_ones_own_is_registered_and_used_by_name():
    register_loss(
        "logcosh",
        lambda yhat, t: np.logaddexp(yhat - t, t - yhat).sum(axis=-1) - yhat.shape[-1] * math.log(2),
        lambda yhat, t: np.tanh(yhat - t),
    )
    try:
        network = Network.create([3, 4, 2], "tanh", "logcosh", rng=0)
        X, y = np.eye(3), np.ones((3, 2))
        assert gradients(network, X, y).loss == pytest.approx(np.log(np.cosh(forward(network, X).output - y)).sum() / 3)
        assert fit(network, X, y, epochs=5, rng=0).losses[-1] > 0
        register_loss("logcosh", lambda yhat, t: ((yhat - t) ** 2).sum(), lambda yhat, t: 2 * (yhat - t))  # run again
        assert network.loss != as_loss("logcosh")
        with pytest.raises(InputError, match="one number for each example, the sum over the last axis"):
            gradients(Network.create([3, 2], loss="logcosh", rng=0), X, y)
        with pytest.raises(InputError, match="which is taken"):
            register_loss("huber", lambda yhat, t: yhat, lambda yhat, t: yhat)
    finally:
        LOSSES.pop("logcosh")  # the table is everyone's


def test_a_loss_of_ones_own_may_work_in_place_and_need_no_complex_numbers():
    register_loss("in_place", lambda yhat, t: np.abs(t.__isub__(yhat)).sum(axis=-1), lambda yhat, t: np.sign(yhat - t))
    try:
        X, y = np.eye(3), np.ones((3, 2))
        network, ours = (Network.create([3, 4, 2], "tanh", loss, rng=0) for loss in ("in_place", "absolute_error"))
        np.testing.assert_allclose(gradients(network, X, y).W[1], gradients(ours, X, y).W[1], rtol=1e-14)
        assert y.tolist() == np.ones((3, 2)).tolist()
        assert check(network, X, y).passed
    finally:
        LOSSES.pop("in_place")


@needs_kernels
def test_the_hinge_tells_large_outputs_apart_as_the_formulas_do():
    network = Network([np.eye(3)], [np.zeros(3)], loss="categorical_hinge").to(np, dtype="float32")
    grads = gradients(network, [[3e7, 3e7, 0.0]], [1])
    assert grads.loss == 1
    assert grads.a[1].tolist() == [[1, -1, 0]]


def test_what_is_no_pair_is_refused():
    with pytest.raises(UnknownNameError, match=r"^output is 'sofmax', which is not known: did you mean 'softmax'"):
        Network(*ECHO, output="sofmax")
    with pytest.raises(InputError, match="expected an even number of outputs, not 3"):
        Network(*ECHO, loss="gaussian_nll")
    with pytest.raises(InputError, match="expected 2 outputs or more, not 1"):
        Network([[[1.0]]], [[0.0]], loss="categorical_hinge")
    with pytest.raises(InputError, match=r"gamma of focal is 0\.5, expected 0 or a number of 1 or more"):
        as_head("focal(gamma=0.5)")
