"""What comes in: accepted in every harmless form, refused in every other with a sentence, and never changed."""

from __future__ import annotations

import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from backtalk import InputError, InputTypeError, Network, forward, gradients
from backtalk.core.arrays import to_numpy
from backtalk.core.inputs import as_input, as_weight

NETWORK = Network.create([3, 4, 2], activation="tanh", rng=0)
REGRESSION = Network.create([3, 4, 1], activation="tanh", loss="squared_error", rng=0)
SINGLE = Network.create([3, 4, 2], activation="tanh", rng=0, dtype="float32")
BITS = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]])  # exact in every dtype
X, Y, WEIGHT = BITS.astype(float), np.array([0, 1, 1, 0, 1]), np.array([1.0, 2.0, 0.0, 1.0, 1.0])
EXPECTED = gradients(NETWORK, X, Y, WEIGHT)
HALF_MISSING = np.where(np.eye(5, 3) == 1, np.nan, X)


def assert_same(actual, expected, rtol=1e-13):
    assert to_numpy(actual.loss) == pytest.approx(to_numpy(expected.loss), rel=rtol)
    for family in ("a", "h", "W", "b"):
        for layer, array in getattr(expected, family).items():
            ours = to_numpy(getattr(actual, family)[layer])
            np.testing.assert_allclose(ours, array, rtol=rtol, atol=rtol)


def refused(kind, message, network, *batch):
    with pytest.raises(kind, match=r"^" + re.escape(message)) as caught:
        gradients(network, *batch)
    assert caught.type is kind


# Accepted

FORMS = {
    "lists": lambda v: v.tolist(),
    "tuples": lambda v: tuple(map(tuple, v.tolist())) if v.ndim == 2 else tuple(v.tolist()),
    "list of arrays": list,
    "Fortran order": np.asfortranarray,
    "negative strides": lambda v: np.ascontiguousarray(v[::-1])[::-1],
    "every other row": lambda v: np.repeat(v, 2, axis=0)[::2],
    "big endian": lambda v: v.astype(v.dtype.newbyteorder(">")),
    "pandas": lambda v: pd.DataFrame(v, index=range(9, 4, -1)) if v.ndim == 2 else pd.Series(v, index=range(9, 4, -1)),
    "nullable pandas": lambda v: pd.DataFrame(v) if v.ndim == 2 else pd.Series(v).convert_dtypes(),
    "read only": lambda v: np.broadcast_to(v, v.shape),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_same_batch_gives_the_same_gradients(form):
    assert_same(gradients(NETWORK, *map(FORMS[form], (X, Y, WEIGHT))), EXPECTED)


@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
@pytest.mark.parametrize("form", ["lists", "tuples", "pandas", "nullable pandas"])
def test_lists_and_tables_go_into_a_network_of_any_library(form, library):
    network = NETWORK.to(pytest.importorskip(library))
    assert_same(gradients(network, *map(FORMS[form], (X, Y, WEIGHT))), EXPECTED)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "float16", "float32", "float64", "longdouble"])
def test_every_dtype_of_the_same_batch_gives_the_same_gradients(dtype):
    grads = gradients(NETWORK, X.astype(dtype), Y.astype(dtype), WEIGHT.astype(dtype))
    assert_same(grads, EXPECTED)
    assert grads.W[1].dtype == grads.a[2].dtype == np.float64


def test_a_batch_of_bool_is_one_of_0_and_1():
    weight = [True, True, False, True, True]
    assert_same(gradients(NETWORK, X == 1, Y == 1, weight), gradients(NETWORK, X, Y, [1, 1, 0, 1, 1]))


def test_a_float32_network_counts_in_float32_whatever_comes_in():
    grads = gradients(SINGLE, X, Y, WEIGHT)
    arrays = [grads.loss, *(array for f in (grads.a, grads.h, grads.W, grads.b) for array in f.values())]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert_same(grads, EXPECTED, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
def test_dtypes_of_other_libraries_give_the_same_gradients(library, dtype):
    xp = pytest.importorskip(library)
    batch = (xp.asarray(values, dtype=getattr(xp, dtype)) for values in (X, Y))
    assert_same(gradients(NETWORK.to(xp), *batch, xp.asarray(WEIGHT)), EXPECTED)


def test_torch_inputs_that_require_a_gradient_are_taken():
    torch = pytest.importorskip("torch")
    batch = (torch.tensor(X, requires_grad=True), torch.tensor(Y), torch.tensor(WEIGHT, requires_grad=True))
    assert_same(gradients(NETWORK.to(torch), *batch), EXPECTED)


def test_the_arrays_of_the_caller_are_never_changed():
    for network, y in ((NETWORK, Y), (NETWORK, np.eye(2)[Y]), (REGRESSION, X[:, 0])):
        given = [X.copy(), y.copy(), WEIGHT.copy()]
        gradients(network, *given)
        for array, before in zip(given, (X, y, WEIGHT), strict=True):
            np.testing.assert_array_equal(array, before)


def test_read_only_arrays_are_enough():
    given = [X.copy(), Y.copy(), WEIGHT.copy()]
    for array in given:
        array.flags.writeable = False
    assert_same(gradients(NETWORK, *given), EXPECTED)


def test_weights_sum_to_one_and_are_equal_where_none_are_given():
    np.testing.assert_array_equal(as_weight(NETWORK, None, 4), np.full(4, 0.25))
    np.testing.assert_allclose(as_weight(NETWORK, [1, 0, 3], 3), [0.25, 0, 0.75])
    assert as_weight(SINGLE, None, 3).dtype == np.float32


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1e300, 1.7e308])
def test_weights_may_be_of_any_size(scale):
    grads = gradients(NETWORK, X, Y, np.full(5, scale))
    assert_same(grads, gradients(NETWORK, X, Y), rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-60, 1e-30, 1e30, 1e38, 1e60])
def test_weights_in_float64_may_be_of_any_size_in_a_float32_network(scale):
    assert_same(gradients(SINGLE, X, Y, np.full(5, scale)), gradients(SINGLE, X, Y), rtol=1e-5)


def test_an_input_that_fits_is_not_copied():
    assert as_input(NETWORK, X) is X


def test_traced_values_pass_unchecked():
    loss = jax.jit(lambda x, w: gradients(NETWORK.to(jnp), x, jnp.asarray(Y), w).loss)
    assert jnp.isnan(loss(jnp.asarray(HALF_MISSING), jnp.asarray(WEIGHT)))


# X refused

WRONG_X = {
    "too narrow": (X[:, :2], "X has 2 columns, but the network has 3 inputs: expected one column each."),
    "too wide": (np.ones((5, 4)), "X has 4 columns, but the network has 3 inputs: expected one column each."),
    "a vector": (X[0], "X has shape (3,), expected (examples, 3); for one example use X[None, :]."),
    "a number": (1.0, "X has shape (), expected (examples, 3)."),
    "a cube": (X[None], "X has shape (1, 5, 3), expected (examples, 3)."),
    "no rows": (X[:0], "X has no rows, expected at least one example."),
    "an empty list": ([], "X has shape (0,), expected (examples, 3)"),
    "NaN": (HALF_MISSING, "X holds nan at index [0, 0], expected finite numbers."),
    "inf": (np.where(BITS, np.inf, X), "X holds inf at index [0, 1], expected finite numbers."),
    "-inf": ([[0, 1, 2], [0, 0, -np.inf]], "X holds -inf at index [1, 2], expected finite numbers."),
}


@pytest.mark.parametrize("what", WRONG_X)
def test_an_input_that_does_not_fit_is_refused(what):
    value, message = WRONG_X[what]
    refused(InputError, message, NETWORK, value, Y)
    with pytest.raises(InputError, match=r"^" + re.escape(message)):
        forward(NETWORK, value)


@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
@pytest.mark.parametrize("what", WRONG_X)
def test_an_input_of_another_library_that_does_not_fit_is_refused(what, library):
    xp = pytest.importorskip(library)
    value, message = WRONG_X[what]
    refused(InputError, message, NETWORK.to(xp), xp.asarray(value), xp.asarray(Y))


def test_an_input_too_big_for_the_dtype_of_the_network_is_refused():
    refused(InputError, "X holds", SINGLE, np.full((5, 3), 1e39), Y)
    refused(InputError, "y holds", Network.create([3, 1], loss="squared_error", dtype="float32"), X, np.full(5, 1e39))


# Of a kind that cannot be used, for each argument

KINDS = {
    "object": (lambda v: v.astype(object), "holds dtype object, expected real numbers"),
    "text": (lambda v: v.astype(str), "holds text, expected real numbers"),
    "complex": (lambda v: v + 1j, "holds dtype complex128, expected real numbers"),
    "dates": (lambda v: v.astype("M8[s]"), "holds dtype datetime64[s], expected real numbers"),
    "masked": (np.ma.array, "is a masked array: fill the masked values first, with .filled(…)."),
    "sparse": (lambda v: scipy.sparse.csr_array(np.atleast_2d(v)), "is a sparse matrix: make it dense first"),
    "ragged": (lambda v: [[1, 2, 3], [1, 2]], "is a list whose parts differ in length, expected a rectangular array"),
    "table with text": (lambda v: pd.DataFrame({"a": ["x"] * 5, "b": [1] * 5}), "holds "),
    "dictionary": (lambda v: {"a": 1}, "holds dtype object, expected real numbers"),
}


@pytest.mark.parametrize("argument", ["X", "y", "sample_weight"])
@pytest.mark.parametrize("what", KINDS)
def test_what_holds_no_real_numbers_is_refused_in_every_argument(what, argument):
    make, message = KINDS[what]
    batch = {"X": X, "y": Y, "sample_weight": WEIGHT}
    batch[argument] = make(batch[argument])
    refused(InputTypeError, f"{argument} {message}", NETWORK, *batch.values())


@pytest.mark.parametrize("argument", ["X", "y"])
def test_none_is_refused(argument):
    batch = {"X": X, "y": Y} | {argument: None}
    refused(InputTypeError, f"{argument} ", NETWORK, *batch.values())


# Libraries that do not go together

LIBRARIES = ["numpy", "jax.numpy", "torch"]


@pytest.mark.parametrize("argument", ["X", "y", "sample_weight"])
@pytest.mark.parametrize(("ours", "theirs"), [*itertools.permutations(LIBRARIES, 2)])
def test_an_array_of_another_library_is_refused_with_the_way_out(ours, theirs, argument):
    own, other = pytest.importorskip(ours), pytest.importorskip(theirs)
    batch = {"X": own.asarray(X), "y": own.asarray(Y), "sample_weight": own.asarray(WEIGHT)}
    batch[argument] = other.asarray(np.array(to_numpy(batch[argument])))
    name, needed = theirs.removesuffix(".numpy"), ours.removesuffix(".numpy")
    message = (
        f"{argument} is an array of {name}, but the network's are of {needed}: "
        f"use network.to({theirs}), or give {argument} as an array of {needed}."
    )
    refused(InputTypeError, message, NETWORK.to(own), *batch.values())


def test_a_tensor_on_another_device_is_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"^X is on device meta, but the network is on cpu"):
        forward(NETWORK.to(torch), torch.ones(5, 3, device="meta"))


def test_a_sparse_tensor_is_refused():
    torch = pytest.importorskip("torch")
    refused(InputTypeError, "X is a sparse", NETWORK.to(torch), torch.tensor(X).to_sparse(), torch.tensor(Y))


# y refused; what each loss wants of y stands in test_losses.py


def test_a_target_of_another_length_is_refused():
    refused(InputError, "y has 3 labels, but X has 5 rows: expected one for each example.", NETWORK, X, Y[:3])
    refused(InputError, "y has 3 rows, but X has 5: expected one target for each example.", REGRESSION, X, X[:3, 0])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_target_that_is_not_finite_is_refused(bad):
    y = np.where(Y == 1, bad, 0.0)
    refused(InputError, f"y holds {bad} at index [1], expected finite numbers.", NETWORK, X, y)
    refused(InputError, f"y holds {bad} at index [1, 0], expected finite numbers.", REGRESSION, X, y)


def test_a_missing_label_is_refused():
    y = pd.Series([0, None, 1, 0, 1], dtype="Int64")
    refused(InputError, "y holds nan at index [1], expected finite numbers.", NETWORK, X, y)


# sample_weight refused

WRONG_WEIGHTS = {
    "too short": ([1, 2], "sample_weight has shape (2,), expected (5,): one for each row of X."),
    "a column": (WEIGHT[:, None], "sample_weight has shape (5, 1), expected (5,): one for each row of X."),
    "a number": (2.0, "sample_weight has shape (), expected (5,): one for each row of X."),
    "negative": ([1, 1, -0.5, 1, 1], "sample_weight holds -0.5, expected weights of 0 or more."),
    "all negative": ([-1] * 5, "sample_weight holds -1.0, expected weights of 0 or more."),
    "all zero": ([0] * 5, "sample_weight is 0 for every example, expected at least one above 0."),
    "NaN": ([1, 1, 1, np.nan, 1], "sample_weight holds nan at index [3], expected finite numbers."),
    "inf": ([np.inf, 1, 1, 1, 1], "sample_weight holds inf at index [0], expected finite numbers."),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("what", WRONG_WEIGHTS)
def test_weights_that_do_not_fit_are_refused(what, library):
    xp = pytest.importorskip(library)
    value, message = WRONG_WEIGHTS[what]
    refused(InputError, message, NETWORK.to(xp), xp.asarray(X), xp.asarray(Y), xp.asarray(value))


def test_the_text_of_a_refusal_holds_no_address_of_an_object():
    with pytest.raises(InputTypeError) as caught:
        gradients(NETWORK, (row for row in X), Y)
    assert "0x" not in str(caught.value)


@pytest.mark.parametrize("verb", [forward, lambda n, x: gradients(n, x, Y)], ids=["forward", "gradients"])
def test_what_is_no_network_is_refused(verb):
    with pytest.raises(InputTypeError, match=r"^network is "):
        verb([X, Y], X)
