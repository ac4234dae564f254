"""Forward: a_i and h_i of every layer, for every shape of network and batch."""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backtalk import Layers, Network, Trace, forward
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.arrays import to_numpy
from backtalk.core.forward import pre_activation, propagate, unit_output

SIZES = [[1, 1], [3, 1], [1, 3], [3, 2], [3, 1, 2], [2, 4, 1], [1, 1, 1, 1], [3, 5, 4, 3, 2]]
LIBRARIES = ["numpy", "jax.numpy", "torch", "array_api_strict"]


def network_and_input(sizes, count=4, **kind):
    network = Network.create(sizes, rng=0, **kind)
    return network, np.random.default_rng(1).normal(size=(count, sizes[0]))


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_layer_has_its_shape_and_number(sizes, count):
    network, X = network_and_input(sizes, count)
    trace = forward(network, X)
    L = len(sizes) - 1
    assert list(trace.a) == list(range(1, L + 1))
    assert list(trace.h) == list(range(L + 1))
    for i in range(1, L + 1):
        assert trace.a[i].shape == trace.h[i].shape == (count, sizes[i])
    assert trace.h[0].shape == (count, sizes[0])
    assert trace.output is trace.h[L]


def test_a_worked_network_gives_the_numbers_worked_out_by_hand():
    network = Network([[[1, -1], [0.5, 1]], [[2, 0], [-1, 1]]], [[0, 0.5], [0, 1]], "relu", "cross_entropy")
    trace = forward(network, [[1, 2], [3, -1]])
    assert trace.h[0].tolist() == [[1, 2], [3, -1]]
    assert trace.a[1].tolist() == [[-1, 3], [4, 1]]
    assert trace.h[1].tolist() == [[0, 3], [4, 1]]
    assert trace.a[2].tolist() == [[0, 4], [8, -2]]
    expected = [[1 / (1 + math.exp(4)), 1 / (1 + math.exp(-4))], [1 / (1 + math.exp(-10)), 1 / (1 + math.exp(10))]]
    np.testing.assert_allclose(trace.output, expected, rtol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_layer_follows_from_the_one_before(activation):
    network, X = network_and_input([3, 5, 4, 2], activation=activation)
    by_formula = propagate(network, X)
    tiny = float(np.finfo(float).tiny)  # a power of e below it may count as 0
    for trace, exact in ((forward(network, X), {"rtol": 1e-13, "atol": tiny}), (by_formula, {"rtol": 0})):
        for i in (1, 2, 3):
            np.testing.assert_allclose(trace.a[i], trace.h[i - 1] @ network.W[i].T + network.b[i], rtol=1e-13)
            g = network.activations[i - 1].g if i < 3 else network.output.value
            np.testing.assert_allclose(trace.h[i], g(trace.a[i]), **exact)
            np.testing.assert_allclose(pre_activation(network, i, trace.h[i - 1]), trace.a[i], **exact)
            np.testing.assert_allclose(unit_output(network, i, trace.a[i]), trace.h[i], **exact)


def test_biases_are_added_to_every_example():
    network = Network([np.zeros((2, 3))], [[1.0, -2.0]], loss="squared_error")
    assert forward(network, np.ones((2, 3))).output.tolist() == [[1, -2], [1, -2]]


def test_the_output_of_softmax_sums_to_one():
    network, X = network_and_input([3, 5, 4])
    np.testing.assert_allclose(forward(network, X).output.sum(axis=1), 1, rtol=1e-15)


def test_one_class_has_probability_one():
    network, X = network_and_input([3, 1])
    assert forward(network, X).output.tolist() == [[1.0]] * 4


def test_one_example_gives_its_row_of_the_batch():
    network, X = network_and_input([3, 5, 4, 2], activation="gelu")
    trace = forward(network, X)
    for n in range(4):
        one = forward(network, X[n : n + 1])
        for family, whole in ((one.a, trace.a), (one.h, trace.h)):
            for i, array in family.items():
                np.testing.assert_allclose(array[0], whole[i][n], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_trace_is_of_the_library_and_dtype_of_the_network(name):
    library = pytest.importorskip(name)
    network, X = network_and_input([3, 4, 2], activation="tanh")
    expected = forward(network, X)
    for dtype, tolerance in (("float64", 1e-13), ("float32", 1e-5)):
        there = network.to(library, dtype=dtype)
        trace = forward(there, library.asarray(X))
        for family, other in ((trace.a, expected.a), (trace.h, expected.h)):
            for i, array in family.items():
                assert type(array) is type(there.W[1])
                assert array.dtype == there.W[1].dtype
                np.testing.assert_allclose(to_numpy(array), other[i], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_same_call_gives_the_same_bits(name):
    library = pytest.importorskip(name)
    network, X = network_and_input([30, 40, 20], count=50, activation="silu")
    network, X = network.to(library), library.asarray(X)
    one, other = forward(network, X), forward(network, X)
    for i in one.h:
        np.testing.assert_array_equal(to_numpy(one.h[i]), to_numpy(other.h[i]))


def test_forward_runs_under_jit_and_vmap():
    network, X = network_and_input([3, 4, 2])
    expected = forward(network, X).output
    there = network.to(jnp)
    traced = jax.jit(forward)(there, jnp.asarray(X))
    assert isinstance(traced, Trace)
    np.testing.assert_allclose(traced.output, expected, rtol=1e-13)
    mapped = jax.vmap(lambda x: forward(there, x[None]).output[0])(jnp.asarray(X))
    np.testing.assert_allclose(mapped, expected, rtol=1e-13)


def test_a_trace_cannot_be_changed():
    trace = forward(*network_and_input([3, 2]))
    assert isinstance(trace.a, Layers)
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.a = None
    with pytest.raises(TypeError):
        trace.h[1] = trace.h[0]
