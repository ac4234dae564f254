"""Arrays of any library: told apart, brought in, or refused with a sentence."""

from __future__ import annotations

import math
import sys
import tracemalloc

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from backtalk import InputError, InputTypeError
from backtalk.core.arrays import (
    ArraySpec,
    as_array,
    erfc,
    is_concrete,
    jax_has_float64,
    library_name,
    namespace,
    real_part,
    refuse_non_finite,
    resolve_namespace,
    to_numpy,
)

LIBRARIES = ["numpy", "jax.numpy", "torch", "array_api_strict"]


def module(name):
    return pytest.importorskip(name)


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_library_of_an_array_has_a_plain_name(name):
    array = module(name).asarray([1.0])
    assert library_name(namespace(array)) == name.removesuffix(".numpy")
    assert library_name(resolve_namespace(module(name), "library")) == name.removesuffix(".numpy")


@pytest.mark.parametrize("name", LIBRARIES)
def test_to_numpy_keeps_values_and_dtype(name):
    xp = module(name)
    values = to_numpy(xp.asarray([[1.5, -2.0]], dtype=xp.float32))
    assert type(values) is np.ndarray
    assert values.dtype == np.float32
    assert values.tolist() == [[1.5, -2.0]]


def test_to_numpy_takes_a_torch_tensor_out_of_its_graph():
    torch = module("torch")
    assert to_numpy(torch.ones(2, requires_grad=True) * 2).tolist() == [2, 2]


@pytest.mark.parametrize("name", LIBRARIES)
def test_erfc_is_of_the_library_or_refused_with_another_way(name):
    xp = module(name)
    array = xp.asarray([0.5, 20.0], dtype=xp.float64)
    if name == "array_api_strict":
        with pytest.raises(InputError, match="array_api_strict has none: use 'gelu_tanh'"):
            erfc(array)
    else:
        result = erfc(array)
        assert type(result) is type(array)
        np.testing.assert_allclose(to_numpy(result), [math.erfc(0.5), math.erfc(20.0)], rtol=1e-13)


def test_the_real_part_of_a_real_array_is_itself():
    real = np.array([1.0, -2.0])
    assert real_part(real) is real
    assert real_part(real + 3j).tolist() == [1, -2]


def test_an_array_is_concrete_unless_jax_traces():
    seen = []
    jax.jit(lambda x: seen.append(is_concrete(x)) or x)(jnp.ones(2))
    assert seen == [False]
    assert is_concrete(jnp.ones(2))
    assert is_concrete(np.ones(2))


def test_an_array_is_concrete_where_jax_was_never_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "jax")
    assert is_concrete(np.ones(2))


def test_jax_tells_whether_it_has_float64():
    assert jax_has_float64()
    jax.config.update("jax_enable_x64", False)
    try:
        assert not jax_has_float64()
    finally:
        jax.config.update("jax_enable_x64", True)


def test_a_home_says_dtype_and_library_and_no_device_but_a_special_one():
    assert str(ArraySpec.of(np.ones(1, np.float32))) == "float32, numpy"
    assert str(ArraySpec.of(jnp.ones(1))) == "float64, jax"
    strict = array_api_strict.asarray([1.0], device=array_api_strict.Device("device1"))
    assert ArraySpec.of(strict).dtype_name == "float64"
    assert "array_api_strict on " in str(ArraySpec.of(strict))


def test_a_home_is_equal_to_that_of_an_array_beside_it():
    assert ArraySpec.of(np.ones(1)) == ArraySpec.of(np.zeros((2, 2)))
    assert ArraySpec.of(np.ones(1)) != ArraySpec.of(np.ones(1, np.float32))


def test_an_array_of_the_same_library_is_received_as_it_is():
    array = np.ones(2, np.float32)
    spec = ArraySpec.of(np.ones(1))
    assert spec.receive(array, "X") is array
    assert spec.cast(array).dtype == np.float64
    double = np.ones(2)
    assert spec.cast(double) is double


@pytest.mark.parametrize("name", LIBRARIES)
def test_lists_are_received_into_every_library(name):
    spec = ArraySpec.of(module(name).asarray([1.0]))
    array = spec.receive([[1, 2], [3, 4]], "X")
    assert ArraySpec.of(array).xp is spec.xp
    assert to_numpy(spec.cast(array)).tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("name", ["numpy", "jax.numpy", "torch"])
@pytest.mark.parametrize("change", [lambda t: t, lambda t: t[::-1], lambda t: t.T], ids=["plain", "reversed", "turned"])
def test_pandas_tables_are_received_into_every_library(name, change):
    table = change(pd.DataFrame(np.arange(4.0).reshape(2, 2)))
    array = ArraySpec.of(module(name).asarray([1.0])).receive(table, "X")
    assert to_numpy(array).tolist() == table.to_numpy().tolist()


def test_an_array_of_another_library_is_refused_with_the_way_out():
    with pytest.raises(InputTypeError) as caught:
        ArraySpec.of(np.ones(1)).receive(jnp.ones(1), "X")
    assert str(caught.value) == (
        "X is an array of jax, but the network's are of numpy: use network.to(jax.numpy), "
        "or give X as an array of numpy."
    )


def test_an_array_on_another_device_is_refused():
    device = array_api_strict.Device("device1")
    with pytest.raises(InputError, match=r"^X is on device .*device1.*, but the network is on"):
        ArraySpec.of(array_api_strict.ones(1)).receive(array_api_strict.ones(1, device=device), "X")


@pytest.mark.parametrize(
    "value",
    [[1, 2], (1.5, 2), [True, False], range(3), np.ones(2, np.float16), np.ones(2, np.uint8), pd.Series([1, 2]), 3.0],
    ids=lambda value: type(value).__name__,
)
def test_real_numbers_of_any_kind_become_arrays(value):
    assert isinstance(as_array(value, "X"), np.ndarray | np.generic)


REFUSED = {
    "object": (np.ones(2, object), "X holds dtype object, expected real numbers"),
    "none": (None, "X holds dtype object, expected real numbers"),
    "text": (["a", "b"], "X holds text, expected real numbers"),
    "bytes": ([b"a", b"b"], "X holds text, expected real numbers"),
    "complex": (np.ones(2) + 1j, "X holds dtype complex128, expected real numbers"),
    "dates": (np.zeros(2, "M8[s]"), r"X holds dtype datetime64\[s\], expected real numbers"),
    "records": (np.zeros(2, [("x", float)]), "X holds dtype .*, expected real numbers"),
    "masked": (np.ma.array([1.0, 2.0], mask=[True, False]), "X is a masked array"),
    "sparse matrix": (scipy.sparse.csr_matrix(np.eye(2)), r"X is a sparse matrix: make it dense first, with \.toarray"),
    "sparse array": (scipy.sparse.coo_array(np.eye(2)), r"X is a sparse matrix: make it dense first, with \.toarray"),
    "ragged": ([[1, 2], [3]], "X is a list whose parts differ in length"),
    "jax complex": (jnp.ones(2) + 1j, "X holds dtype complex128, expected real numbers"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_holds_no_real_numbers_is_refused(what):
    value, message = REFUSED[what]
    with pytest.raises(InputTypeError, match=f"^{message}"):
        as_array(value, "X")


def test_a_sparse_torch_tensor_is_refused():
    torch = module("torch")
    with pytest.raises(InputTypeError, match=r"^X is a sparse"):
        as_array(torch.eye(2).to_sparse(), "X")


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_number_that_is_not_finite_is_named(name, bad):
    with pytest.raises(InputError) as caught:
        refuse_non_finite(module(name).asarray([[1.0, 2.0], [bad, math.nan]]), "X")
    assert str(caught.value) == f"X holds {bad} at index [1, 0], expected finite numbers."


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_among_many_that_is_not_finite_is_named(bad):
    many = np.zeros((1000, 100), np.float32)
    many[700, 30] = bad
    many[900, 3] = -bad  # their sum is NaN
    with pytest.raises(InputError, match=r"at index \[700, 30\]"):
        refuse_non_finite(many, "X")


def test_many_finite_numbers_pass_even_if_their_sum_is_infinite_and_take_no_memory():
    refuse_non_finite(np.full((1000, 100), 3e38, np.float32), "X")
    many = np.ones((4000, 1000), np.float32)
    tracemalloc.start()
    refuse_non_finite(many, "X")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < many.size / 2  # an array of truth values takes twice as much; other threads may take some


def test_finite_whole_and_traced_numbers_pass():
    refuse_non_finite(np.array([1.0, -1e308]), "X")
    refuse_non_finite(np.array([1, 2]), "X")
    jax.jit(lambda x: refuse_non_finite(x, "X"))(jnp.array([math.nan]))


@pytest.mark.parametrize("library", ["torch", math, jax, None])
def test_what_is_no_array_library_is_refused(library):
    with pytest.raises(InputTypeError, match=r"^library is .*, expected the module of an array library"):
        resolve_namespace(library, "library")
