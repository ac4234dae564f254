"""network.predictor(): ŷ alone has the bits of forward, whatever the network and the rows, and bad input is named."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, Network, Predictor, forward
from backtalk.core.activations import ACTIVATIONS, Activation
from backtalk.engines.native.kernels import available
from backtalk.engines.passes import ends_in_blocks, output_of
from engines import needs_kernels, run_python

NATURAL = [("cross_entropy", 3), ("binary_cross_entropy", 1), ("squared_error", 20), ("poisson_deviance", 2)]


def network_of(sizes, activation="relu", loss="cross_entropy", output=None, dtype="float32", rng=0):
    network = Network.create(sizes, activation, loss, output=output, dtype=dtype, rng=rng)
    generator = np.random.default_rng(rng)
    return network.replace(
        network.W.values(), [generator.normal(size=b.shape).astype(dtype) for b in network.b.values()]
    )


def rows_of(network, count, rng=1):
    return np.random.default_rng(rng).normal(size=(count, network.sizes[0])).astype(network.W[1].dtype)


KNOWN = sorted(name for name, kind in ACTIVATIONS.items() if isinstance(kind, type))  # others are registered


def same_bits(one, other):
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", KNOWN)
def test_prediction_has_the_bits_of_forward_for_every_activation_inside_and_as_output(name, dtype):
    for network in (
        network_of([5, 19, 3], name, dtype=dtype),
        network_of([5, 19, 3], "tanh", "squared_error", output=name, dtype=dtype),
    ):
        X = 3 * rows_of(network, 9)
        assert same_bits(network.predictor(9)(X), forward(network, X).output)


@pytest.mark.parametrize(("loss", "outputs"), NATURAL)
def test_prediction_has_the_bits_of_forward_for_the_natural_outputs(loss, outputs):
    network = network_of([7, 33, outputs], "gelu", loss)
    X = rows_of(network, 70)
    assert same_bits(network.predictor(70)(X), forward(network, X).output)


def test_prediction_has_the_bits_of_forward_for_any_number_of_rows():
    network = network_of([300, 40, 11, 5])
    X = rows_of(network, 150)
    whole, predictor = forward(network, X).output, network.predictor(150)
    for count in (*range(1, 15), 63, 64, 65, 66, 67, 128, 133, 150):
        assert same_bits(predictor(X[:count]), whole[:count]), count


def test_prediction_has_the_bits_of_forward_for_networks_of_random_shapes():
    generator = np.random.default_rng(0)
    for case in range(30):
        sizes = [int(size) for size in generator.integers(1, 90, size=generator.integers(2, 6))]
        network = network_of(sizes, rng=case)
        X = rows_of(network, int(generator.integers(1, 40)), rng=case)
        assert same_bits(network.predictor(40)(X), forward(network, X).output), sizes


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr("backtalk.engines.native.passes.threads", lambda: 3)


@pytest.mark.usefixtures("three_threads")
def test_prediction_has_the_same_bits_when_the_threads_share_the_rows_or_the_units():
    wide = network_of([1500, 1500, 4])
    X = rows_of(wide, 40)
    whole, predictor = forward(wide, X).output, wide.predictor(40)
    for count in (1, 2, 9, 40):
        assert same_bits(predictor(X[:count]), whole[:count]), count


@pytest.mark.parametrize("name", available())
def test_every_build_of_the_kernels_predicts_with_the_bits_of_its_forward(name, monkeypatch):
    monkeypatch.setattr("backtalk.engines.native.passes.kernels", lambda: name)
    network = network_of([70, 37, 10])
    X = rows_of(network, 13)
    assert same_bits(network.predictor(13)(X), forward(network, X).output)


def test_one_example_gives_one_vector_and_out_is_written_and_returned():
    network = network_of([6, 4, 3])
    X = rows_of(network, 4)
    whole, predictor = forward(network, X).output, network.predictor(4)
    assert same_bits(predictor(X[2]), whole[2])
    out, row = np.empty((4, 3), np.float32), np.empty(3, np.float32)
    assert predictor(X, out=out) is out
    assert same_bits(out, whole)
    assert predictor(X[1], row) is row
    assert same_bits(row, whole[1])


def test_an_activation_of_the_users_own_is_predicted_by_the_formulas():
    class Twice(Activation):
        name = "twice"

        def g(self, a):
            return 2 * a

        def g_prime(self, a):
            return 2 + 0 * a

    network = network_of([4, 3, 2], Twice(), dtype="float64")
    X = rows_of(network, 5)
    np.testing.assert_allclose(network.predictor(5)(X), forward(network, X).output, rtol=1e-14)
    assert same_bits(output_of(network, X), forward(network, X).output)


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
def test_networks_of_other_libraries_predict_by_the_formulas(library):
    xp = pytest.importorskip(library)
    network = network_of([4, 3, 2]).to(xp, dtype="float32")
    X = rows_of(network_of([4, 3, 2]), 3)
    x = xp.asarray(X)
    assert isinstance(network.predictor(3)(x), type(x))
    np.testing.assert_array_equal(np.asarray(network.predictor(3)(x)), np.asarray(forward(network, x).output))
    if library == "torch":
        out = xp.empty((3, 2))
        assert network.predictor(3)(x, out) is out
    else:
        with pytest.raises(InputTypeError, match="cannot be written"):
            network.predictor(3)(x, xp.zeros((3, 2), "float32"))
    with pytest.raises(InputTypeError, match="of numpy in float32, expected an array of"):
        network.predictor(3)(X)


@pytest.mark.usefixtures("three_threads")
def test_several_threads_may_call_one_predictor_at_once():
    network = network_of([64, 200, 10])
    X = rows_of(network, 400)
    whole, predictor, wrong = forward(network, X).output, network.predictor(400), []

    def call(count):
        for _ in range(30):
            if not same_bits(predictor(X[:count]), whole[:count]):
                wrong.append(count)

    workers = [threading.Thread(target=call, args=(count,)) for count in (1, 7, 100, 400)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


def test_a_nan_goes_through_to_the_prediction():
    network = network_of([3, 4, 2], "tanh", "squared_error")
    X = rows_of(network, 2)
    X[1, 0] = np.nan
    output = network.predictor(2)(X)
    assert np.isfinite(output[0]).all()
    assert np.isnan(output[1]).all()


def test_a_predictor_outlives_the_network_that_made_it():
    network = network_of([3, 4, 2])
    X = rows_of(network, 2)
    predictor, whole = network.predictor(2), forward(network, X).output
    del network
    assert same_bits(predictor(X), whole)
    assert "3 → 4 → 2" in repr(predictor)
    assert same_bits(pickle.loads(pickle.dumps(predictor))(X), whole)


def test_input_that_does_not_fit_is_named_with_what_was_expected():
    predictor = network_of([3, 4, 2]).predictor(rows=2)
    fits = np.zeros((2, 3), np.float32)
    with pytest.raises(InputTypeError, match="numpy in float64, expected an array of numpy in float32"):
        predictor(fits.astype(np.float64))
    with pytest.raises(InputTypeError, match="x has 4 columns, but the network has 3 inputs"):
        predictor(np.zeros((2, 4), np.float32))
    with pytest.raises(InputTypeError, match="x has 4 columns"):
        predictor(np.zeros(4, np.float32))
    with pytest.raises(InputError, match=r"x has 5 rows, expected 1 to 2.*predictor\(rows=5\)"):
        predictor(np.zeros((5, 3), np.float32))
    with pytest.raises(InputError, match="x has 0 rows"):
        predictor(np.zeros((0, 3), np.float32))
    with pytest.raises(InputError, match="x has shape"):
        predictor(np.zeros((1, 2, 3), np.float32))
    with pytest.raises(InputTypeError, match="x is not contiguous"):
        predictor(np.zeros((3, 2), np.float32).T)
    for x, found in (
        ([[1.0, 2.0, 3.0]], "x is a list"),
        (None, "x is a NoneType"),
        (memoryview(fits), "x is a memoryview"),
        (np.ma.masked_array(fits, mask=True), "x is a masked array"),
        (fits.astype(">f4"), "in the byte order of other machines"),
    ):
        with pytest.raises(InputTypeError, match=found):
            predictor(x)
    with pytest.raises(InputTypeError, match="out is a memoryview"):
        predictor(fits, out=memoryview(np.zeros((2, 2), np.float32)))


def test_an_out_that_does_not_fit_is_named_and_not_written():
    network = network_of([2, 4, 2])
    predictor, x = network.predictor(rows=4), np.ones((2, 2), np.float32)
    for out, message in (
        (np.ones((2, 3), np.float32), r"out has shape \(2, 3\), expected \(2, 2\)"),
        (np.ones(2, np.float32), r"expected \(2, 2\)"),
        (np.ones((2, 2)), "out is an array of numpy in float64, expected"),
        (np.ones((4, 2), np.float32)[::2], "out is not contiguous"),
        (x, "out shares memory with x"),
    ):
        with pytest.raises((InputError, InputTypeError), match=message):
            predictor(x, out)
        assert (out == 1).all()
    out = np.ones((2, 2), np.float32)
    out.flags.writeable = False
    with pytest.raises(InputTypeError, match="out is read-only"):
        predictor(x, out)


@pytest.mark.parametrize("rows", [0, -1])
def test_rows_below_one_are_refused(rows):
    with pytest.raises(InputError, match=f"rows is {rows}"):
        network_of([2, 2]).predictor(rows)


@pytest.mark.parametrize("rows", [1.5, True, "2", None])
def test_rows_that_are_no_whole_number_are_refused(rows):
    with pytest.raises(InputTypeError, match="expected a whole number"):
        Predictor(network_of([2, 2]), rows)


def test_the_ends_of_a_network_are_those_of_its_trace():
    network = network_of([5, 8, 3])
    X = rows_of(network, 11)
    trace = forward(network, X)
    ((rows, a, yhat),) = ends_in_blocks(network, X)
    assert rows == slice(0, 11)
    assert same_bits(a, trace.a[2])
    assert same_bits(yhat, trace.output)
    assert same_bits(output_of(network, np.asfortranarray(X)), trace.output)


@needs_kernels
def test_the_kernels_serve_a_predictor_whatever_was_imported():
    code = "from backtalk import Network; print(Network.create([2, 3, 2], rng=0).predictor()._by_engine is not None)"
    assert run_python(code) == "True\n"
