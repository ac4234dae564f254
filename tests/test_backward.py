"""Backward: the three talks, worked by hand, and what must hold for any network and batch."""

from __future__ import annotations

import dataclasses
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backtalk import Gradients, InputError, InputTypeError, Layers, Network, Trace, backward, forward, gradients
from backtalk.core.arrays import to_numpy
from backtalk.core.backward import talk_to_hidden, talk_to_weights
from backtalk.core.losses import LOSSES

SIZES = [[1, 1], [3, 1], [1, 3], [3, 2], [3, 1, 2], [2, 4, 1], [1, 1, 1, 1], [3, 5, 4, 3, 2]]
LIBRARIES = ["numpy", "jax.numpy", "torch", "array_api_strict"]
FAMILIES = ("a", "h", "W", "b")


def case(sizes=(3, 5, 4, 2), count=4, loss="cross_entropy", activation="tanh"):
    network = Network.create(sizes, activation=activation, loss=loss, rng=0)
    rng = np.random.default_rng(1)
    return network, rng.normal(size=(count, sizes[0])), network.loss.draw_target(rng, count, sizes[-1])


def assert_same(actual: Gradients, expected: Gradients, rtol: float = 1e-12, families=FAMILIES) -> None:
    np.testing.assert_allclose(to_numpy(actual.loss), to_numpy(expected.loss), rtol=rtol)
    for family in families:
        ours, theirs = getattr(actual, family), getattr(expected, family)
        assert list(ours) == list(theirs)
        for i in ours:
            scale = np.abs(to_numpy(theirs[i])).max()
            np.testing.assert_allclose(to_numpy(ours[i]), to_numpy(theirs[i]), rtol=rtol, atol=rtol * scale)


def assert_same_bits(one: Gradients, other: Gradients) -> None:
    assert to_numpy(one.loss).tobytes() == to_numpy(other.loss).tobytes()
    for family in FAMILIES:
        for i in getattr(one, family):
            ours, theirs = (to_numpy(getattr(grads, family)[i]) for grads in (one, other))
            assert ours.tobytes() == theirs.tobytes()


# By hand


def test_a_worked_2_2_2_network_gives_the_numbers_worked_out_by_hand():
    network = Network([[[1, -1], [0.5, 1]], [[2, 0], [-1, 1]]], [[0, 0.5], [0.25, -0.25]], "sigmoid", "cross_entropy")
    x1, x2 = 0.5, -1.0  # one example, of class 1

    # forward
    a11, a12 = 1 * x1 - 1 * x2 + 0, 0.5 * x1 + 1 * x2 + 0.5
    h11, h12 = 1 / (1 + math.exp(-a11)), 1 / (1 + math.exp(-a12))
    a21, a22 = 2 * h11 + 0 * h12 + 0.25, -1 * h11 + 1 * h12 - 0.25
    total = math.exp(a21) + math.exp(a22)
    y1, y2 = math.exp(a21) / total, math.exp(a22) / total
    # to the output units: ŷ − e(y)
    d21, d22 = y1 - 0, y2 - 1
    # to the hidden units: along every path, then times g′ = h(1 − h)
    dh11, dh12 = d21 * 2 + d22 * -1, d21 * 0 + d22 * 1
    d11, d12 = dh11 * h11 * (1 - h11), dh12 * h12 * (1 - h12)
    # to the input, along every path
    dx1, dx2 = d11 * 1 + d12 * 0.5, d11 * -1 + d12 * 1

    trace = forward(network, [[x1, x2]])
    np.testing.assert_allclose(trace.a[1], [[a11, a12]], rtol=1e-14)
    np.testing.assert_allclose(trace.h[1], [[h11, h12]], rtol=1e-14)
    np.testing.assert_allclose(trace.a[2], [[a21, a22]], rtol=1e-14)
    np.testing.assert_allclose(trace.output, [[y1, y2]], rtol=1e-14)

    grads = backward(network, trace, [1])
    assert grads.loss == pytest.approx(-math.log(y2), rel=1e-14)
    expected = {
        "a": {1: [[d11, d12]], 2: [[d21, d22]]},
        "h": {0: [[dx1, dx2]], 1: [[dh11, dh12]], 2: [[0, -1 / y2]]},
        "W": {1: [[d11 * x1, d11 * x2], [d12 * x1, d12 * x2]], 2: [[d21 * h11, d21 * h12], [d22 * h11, d22 * h12]]},
        "b": {1: [d11, d12], 2: [d21, d22]},
    }
    for family, layers in expected.items():
        for i, values in layers.items():
            np.testing.assert_allclose(getattr(grads, family)[i], values, rtol=1e-13, err_msg=f"{family}[{i}]")


def test_the_second_example_of_a_batch_adds_its_half():
    network = Network([[[2.0]], [[3.0]]], [[0.0], [1.0]], "relu", "squared_error")
    grads = gradients(network, [[1.0], [-1.0]], [5.0, 0.0])  # ŷ = 7 and 1, so ŷ − t = 2 and 1
    assert grads.loss == (2**2 / 2 + 1**2 / 2) / 2
    assert grads.a[2].tolist() == [[1.0], [0.5]]
    assert grads.h[1].tolist() == [[3.0], [1.5]]
    assert grads.a[1].tolist() == [[3.0], [0.0]]
    assert grads.h[0].tolist() == [[6.0], [0.0]]
    assert grads.W[2].tolist() == [[2.0]]
    assert grads.b[2].tolist() == [1.5]
    assert grads.W[1].tolist() == [[3.0]]
    assert grads.b[1].tolist() == [3.0]


def test_the_hidden_talk_sums_along_every_path():
    network = Network([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], [[0.0, 0.0]])
    assert talk_to_hidden(network, 0, np.array([[1.0, 10.0], [0.0, 1.0]])).tolist() == [[41, 52, 63], [4, 5, 6]]


def test_the_weights_talk_sums_over_the_batch():
    grad_W, grad_b = talk_to_weights(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]]))
    assert grad_W.tolist() == [[1, 3, 5], [2, 4, 8]]
    assert grad_b.tolist() == [4, 6]


# Shapes


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_gradient_has_the_number_and_shape_of_the_thing_itself(sizes, count):
    network, X, y = case(sizes, count)
    trace, grads = forward(network, X), gradients(network, X, y)
    pairs = [(grads.a, trace.a), (grads.h, trace.h), (grads.W, network.W), (grads.b, network.b)]
    for ours, theirs in pairs:
        assert isinstance(ours, Layers)
        assert list(ours) == list(theirs)
        assert [array.shape for array in ours.values()] == [array.shape for array in theirs.values()]
    assert grads.loss.shape == ()
    assert all(np.isfinite(array).all() for family, _ in pairs for array in family.values())


def test_one_class_has_loss_0_and_gradients_0():
    network, X, _ = case([3, 4, 1])
    grads = gradients(network, X, [0] * 4)
    assert grads.loss == 0
    assert not any(array.any() for array in (*grads.a.values(), *grads.W.values(), *grads.b.values()))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_identity_of_the_three_talks_holds(sizes):
    network, X, y = case(sizes)
    trace, grads = forward(network, X), gradients(network, X, y, [1.0, 0.0, 2.0, 0.5])
    for i in range(1, network.depth + 1):
        np.testing.assert_allclose(grads.h[i - 1], grads.a[i] @ network.W[i], rtol=1e-14)
        np.testing.assert_allclose(grads.W[i], grads.a[i].T @ trace.h[i - 1], rtol=1e-12)
        np.testing.assert_allclose(grads.b[i], grads.a[i].sum(axis=0), rtol=1e-12, atol=1e-16)
        if i < network.depth:
            expected = grads.h[i] * network.activations[i - 1].g_prime(trace.a[i])
            np.testing.assert_allclose(grads.a[i], expected, rtol=1e-14)


# The trace


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_backward_from_a_trace_equals_gradients_to_the_bit(loss, name):
    library = pytest.importorskip(name)
    network, X, y = case(loss=loss)
    network, X, y = network.to(library), library.asarray(X), library.asarray(y)
    weight = library.asarray([1.0, 2.0, 0.0, 0.5])
    trace = forward(network, X)
    for _ in range(2):
        assert_same_bits(backward(network, trace, y, weight), gradients(network, X, y, weight))


def test_backward_leaves_the_trace_as_it_was():
    network, X, y = case()
    trace = forward(network, X)
    before = [array.copy() for array in (*trace.a.values(), *trace.h.values())]
    backward(network, trace, y)
    for array, copied in zip((*trace.a.values(), *trace.h.values()), before, strict=True):
        np.testing.assert_array_equal(array, copied)


@pytest.mark.parametrize("sizes", [[3, 5, 2], [3, 4], [3, 5, 4, 3]])
def test_the_trace_of_another_network_is_refused(sizes):
    other, X, y = case(sizes)
    network = case()[0]
    message = f"trace has layers of {tuple(sizes)} units, but the network has (3, 5, 4, 2): expected its own."
    with pytest.raises(InputError, match=r"^" + re.escape(message)):
        backward(network, forward(other, X), y)


def test_the_trace_of_the_same_network_in_another_library_is_refused():
    network, X, y = case()
    with pytest.raises(InputTypeError, match=r"^trace"):
        backward(network.to(jnp), forward(network, X), y.tolist())


def test_what_is_no_trace_is_refused():
    network, X, y = case()
    with pytest.raises(InputTypeError, match=r"^trace"):
        backward(network, X, y)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_trace_of_inputs_that_are_not_finite_is_refused(name):
    library = pytest.importorskip(name)
    network, X, y = case()
    network, spoilt = network.to(library), np.array(X)
    trace = forward(network, library.asarray(X))
    spoilt[1, 0] = np.nan
    wrong = Trace(trace.a, Layers((library.asarray(spoilt), *list(trace.h.values())[1:]), first=0))
    with pytest.raises(InputError, match=r"^trace.h\[0\] holds nan at index \[1, 0\], expected finite numbers"):
        backward(network, wrong, library.asarray(y))


def test_backward_checks_target_and_weights_against_the_trace():
    network, X, y = case()
    trace = forward(network, X)
    with pytest.raises(InputError, match=r"^y has 3 labels, but X has 4 rows"):
        backward(network, trace, y[:3])
    with pytest.raises(InputError, match=r"^sample_weight has shape \(3,\), expected \(4,\)"):
        backward(network, trace, y, [1, 1, 1])


# Examples and their weights


@pytest.mark.parametrize("loss", LOSSES)
def test_the_weighted_mean_is_that_of_repeated_rows(loss):
    network, X, y = case(loss=loss)
    times = np.array([2, 0, 1, 3])
    weighted = gradients(network, X, y, times)
    repeated = gradients(network, np.repeat(X, times, axis=0), np.repeat(y, times, axis=0))
    assert_same(weighted, repeated, families=("W", "b"))


@pytest.mark.parametrize("loss", LOSSES)
def test_only_the_ratio_of_the_weights_counts(loss):
    network, X, y = case(loss=loss)
    weight = np.array([1.0, 0.0, 0.3, 2.5])
    for scale in (1e-200, 7.0, 1e200):
        assert_same(gradients(network, X, y, scale * weight), gradients(network, X, y, weight))


def test_equal_weights_are_none():
    network, X, y = case()
    assert_same(gradients(network, X, y, np.full(4, 3.0)), gradients(network, X, y))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_of_one_is_a_row_of_the_batch(loss):
    network, X, y = case(loss=loss)
    whole, ones = gradients(network, X, y), [gradients(network, X[[n]], y[[n]]) for n in range(4)]
    np.testing.assert_allclose(whole.loss, np.mean([one.loss for one in ones]), rtol=1e-13)
    for family in ("a", "h"):
        for i, array in getattr(whole, family).items():
            rows = np.concatenate([getattr(one, family)[i] for one in ones])
            np.testing.assert_allclose(4 * array, rows, rtol=1e-11, atol=1e-15)
    for family in ("W", "b"):
        for i, array in getattr(whole, family).items():
            mean = np.mean([getattr(one, family)[i] for one in ones], axis=0)
            np.testing.assert_allclose(array, mean, rtol=1e-11, atol=1e-15)


def test_the_order_of_the_examples_does_not_matter():
    network, X, y = case()
    order = [2, 0, 3, 1]
    turned, whole = gradients(network, X[order], y[order]), gradients(network, X, y)
    assert_same(turned, whole, families=("W", "b"))
    np.testing.assert_allclose(turned.a[1], whole.a[1][order], rtol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
def test_an_example_without_weight_has_no_part(loss):
    network, X, y = case(loss=loss)
    grads = gradients(network, X, y, [1, 0, 1, 1])
    assert not any(array[1].any() for family in (grads.a, grads.h) for array in family.values())
    rest = [0, 2, 3]
    assert_same(grads, gradients(network, X[rest], y[rest]), families=("W", "b"))


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize(("loss", "x"), [("poisson_deviance", 1e4), ("squared_error", 1e200)])
def test_an_example_without_weight_has_no_part_even_when_its_loss_overflows(loss, x, name):
    library = pytest.importorskip(name)
    network = Network([[[1.0]], [[1.0]]], [[0.0], [0.0]], "relu", loss).to(library)
    with np.errstate(over="ignore"):
        grads = gradients(network, [[1.0], [x]], [1.0, 1.0], [1, 0])
    alone = gradients(network, [[1.0]], [1.0])
    assert_same(grads, alone, families=("W", "b"))
    for family in (grads.a, grads.h):
        assert all(to_numpy(array)[1] == 0 for array in family.values())


# Libraries


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_library_gives_the_same_numbers_in_its_own_arrays(loss, name):
    library = pytest.importorskip(name)
    network, X, y = case(loss=loss)
    expected = gradients(network, X, y)
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-4)):
        there = network.to(library, dtype=dtype)
        grads = gradients(there, library.asarray(X), library.asarray(y))
        assert_same(grads, expected, rtol=tolerance)
        arrays = [grads.loss, *(array for family in FAMILIES for array in getattr(grads, family).values())]
        assert all(array.dtype == there.W[1].dtype for array in arrays)
        assert all(type(array) is type(there.W[1]) for array in arrays[1:])


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_same_call_gives_the_same_bits(name):
    library = pytest.importorskip(name)
    network, X, y = case((30, 40, 20, 10), count=50)
    batch = network.to(library), library.asarray(X), library.asarray(y)
    assert_same_bits(gradients(*batch), gradients(*batch))


def test_torch_inputs_that_require_a_gradient_get_the_one_that_autograd_finds():
    torch = pytest.importorskip("torch")
    network, X, y = case()
    there, X, y = network.to(torch), torch.tensor(X, requires_grad=True), torch.tensor(y)
    grads = gradients(there, X, y)
    grads.loss.backward()
    np.testing.assert_allclose(X.grad.numpy(), to_numpy(grads.h[0]), rtol=1e-12, atol=1e-17)


def test_gradients_run_under_jit_with_labels_and_weights():
    network, X, y = case()
    weight = np.array([1.0, 2.0, 0.0, 0.5])
    there, traced = network.to(jnp), jax.jit(gradients)
    assert_same(traced(there, jnp.asarray(X), jnp.asarray(y)), gradients(network, X, y))
    assert_same(traced(there, *map(jnp.asarray, (X, y, weight))), gradients(network, X, y, weight))
    assert isinstance(traced(there, jnp.asarray(X), jnp.asarray(y)), Gradients)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradients_of_jax_networks_are_those_of_jax_grad(loss):
    network, X, y = case(loss=loss)
    there, X, y = network.to(jnp), jnp.asarray(X), jnp.asarray(y)
    by_jax = jax.grad(lambda n: gradients(n, X, y).loss)(there)
    grads = gradients(there, X, y)
    for i in (1, 2, 3):
        np.testing.assert_allclose(grads.W[i], by_jax.W[i], rtol=1e-10, atol=1e-15)
        np.testing.assert_allclose(grads.b[i], by_jax.b[i], rtol=1e-10, atol=1e-15)


def test_gradients_cannot_be_changed():
    grads = gradients(*case())
    with pytest.raises(dataclasses.FrozenInstanceError):
        grads.loss = 0
    with pytest.raises(TypeError):
        grads.W[1] = 0
