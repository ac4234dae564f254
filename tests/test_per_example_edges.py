"""per_example at its edges: sizes, memory, numbers that are not finite, zero gradients, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backtalk import Network, gradients, per_example
from backtalk.core.arrays import to_numpy
from backtalk.core.losses import SquaredError
from backtalk.engines.native import passes as native
from backtalk.errors import InputError, InputTypeError, LayerError, UnknownNameError
from engines import SOFTSIGN, run_python
from oracle import JAX_ACTIVATIONS
from test_per_example import LIBRARIES

SINE = replace(SOFTSIGN, name="own_sine", function=np.sin, derivative=np.cos)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(9, 4)), RNG.integers(3, size=9)
NET = Network.create([4, 6, 3], activation="tanh", rng=1)
ALL = (
    per_example.norms, per_example.losses, per_example.moments, per_example.noise_scale,
    per_example.kronecker_factors, per_example.unit_importance, per_example.cosines, per_example.gram,
    lambda net, X, y, **more: list(per_example.gradients(net, X, y, **more)),
    lambda net, X, y, **more: per_example.clipped_sum(net, X, y, 1.0, **more),
)  # fmt: skip
WITH_MEMORY = [verb for verb in ALL if verb is not per_example.losses]


def arrays(result):
    """Every array in a result, whatever it is made of."""
    if isinstance(result, list | tuple):
        return [array for part in result for array in arrays(part)]
    if hasattr(result, "values"):
        return arrays(list(result.values()))
    if hasattr(result, "__slots__") and not isinstance(result, np.ndarray):
        return [array for name in result.__slots__ for array in arrays(getattr(result, name))]
    return [np.asarray(result, dtype=float)] if isinstance(result, np.ndarray | float) else []


# The tangent kernel


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("sizes", [[3, 2], [3, 5, 1], [3, 5, 4, 2]])
def test_the_tangent_kernel_is_that_of_jacobians(sizes, library):
    rng = np.random.default_rng(len(sizes))
    net = Network.create(sizes, activation="tanh", rng=rng)
    X, other = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))

    def outputs(parameters, x):
        W, b = parameters
        for i in range(len(W) - 1):
            x = JAX_ACTIVATIONS["tanh"](W[i] @ x + b[i])
        return W[-1] @ x + b[-1]

    parameters = tuple([np.asarray(part) for part in family] for family in net.to_lists())

    def jacobian(X):
        found = jax.vmap(jax.jacobian(outputs), (None, 0))(parameters, X)
        return np.concatenate([np.asarray(part).reshape(len(X), sizes[-1], -1) for part in jax.tree.leaves(found)], 2)

    pairs = np.einsum("njp,mlp->nmjl", jacobian(X), jacobian(other))
    xp = LIBRARIES[library]
    net, X, other = net.to(xp), xp.asarray(X), xp.asarray(other)
    expected = {
        "pairs": pairs,
        "each": np.einsum("nmjj->nmj", pairs),
        "sum": np.einsum("nmjj->nm", pairs),
    }
    for outputs_, kernel in expected.items():
        found = to_numpy(per_example.tangent_kernel(net, X, other, outputs=outputs_, memory_limit=5000))
        np.testing.assert_allclose(found, kernel, rtol=1e-12, atol=1e-12)
    own = to_numpy(per_example.tangent_kernel(net, X))
    np.testing.assert_allclose(own, own.T, rtol=1e-12)


def test_the_gram_matrix_of_the_loss_is_the_tangent_kernel_between_the_gradients_of_the_outputs():
    grads = gradients(NET, X, Y).a[2] * len(X)
    kernel = per_example.tangent_kernel(NET, X, outputs="pairs")
    np.testing.assert_allclose(per_example.gram(NET, X, Y), np.einsum("nj,nmjl,ml->nm", grads, kernel, grads))


# Explicit gradients, and sums of them


def test_explicit_gradients_are_those_of_single_examples_and_their_shares_add_up():
    weight = RNG.uniform(0, 2, len(X))
    alone = [gradients(NET, X[n : n + 1], Y[n : n + 1]) for n in range(len(X))]
    blocks = list(per_example.gradients(NET, X, Y, memory_limit=4000))
    assert len(blocks) > 1
    batch = gradients(NET, X, Y, weight)
    shares = list(per_example.gradients(NET, X, Y, weight, scale="share"))
    for i in (1, 2):
        W, b = (np.concatenate([getattr(block, name)[i] for block in blocks]) for name in "Wb")
        np.testing.assert_allclose(W, [grads.W[i] for grads in alone], atol=1e-15)
        np.testing.assert_allclose(b, [grads.b[i] for grads in alone], atol=1e-15)
        np.testing.assert_allclose(sum(block.W[i].sum(axis=0) for block in shares), batch.W[i], atol=1e-15)
        np.testing.assert_allclose(sum(block.b[i].sum(axis=0) for block in shares), batch.b[i], atol=1e-15)


def test_explicit_gradients_stay_within_their_memory_and_are_of_the_layers_asked_for():
    one = 8 * (2 * 4 + 4 * 9 + 7 * 3)
    blocks = list(per_example.gradients(NET, X, Y, layers=[2], memory_limit=3 * one))
    assert [block.rows for block in blocks] == [slice(0, 3), slice(3, 6), slice(6, 9)]
    assert all(list(block.W) == list(block.b) == [2] for block in blocks)
    with pytest.raises(InputError, match=rf"memory_limit is {one - 1} bytes, but one example with .* takes {one}: "):
        per_example.gradients(NET, X, Y, layers=[2], memory_limit=one - 1)


def test_a_clip_norm_that_nobody_reaches_leaves_the_sum_of_all_gradients():
    total = per_example.clipped_sum(NET, X, Y, 1e6)
    assert total.share_clipped == 0
    np.testing.assert_allclose(total.W[1] / len(X), gradients(NET, X, Y).W[1], atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_seeded_and_has_the_deviation_that_was_asked_for(dtype):
    net = Network.create([100, 200, 3], rng=0, dtype=dtype)
    total = per_example.clipped_sum(net, RNG.normal(size=(9, 100)), Y, 0.5)
    one, same, other = (per_example.add_noise(total, 3.0, rng) for rng in (7, 7, 8))
    np.testing.assert_array_equal(one.W[1], same.W[1])
    assert not np.array_equal(one.W[1], other.W[1])
    assert one.W[1].dtype == one.b[2].dtype == dtype
    assert one.noise == 1.5
    noise = one.W[1].astype(float) - total.W[1]
    assert abs(noise.std() / 1.5 - 1) < 0.03
    assert abs(noise.mean()) < 0.05
    np.testing.assert_array_equal(per_example.add_noise(total, 0, 1).W[1], total.W[1])
    with pytest.raises(InputError, match=r"already has noise of 1\.5"):
        per_example.add_noise(one, 1.0, 0)


# Engines, dtypes, libraries


def test_float32_is_that_of_float64_to_its_precision():
    rng = np.random.default_rng(3)
    net = Network.create([70, 90, 33, 5], rng=3)
    X, y = rng.normal(size=(300, 70)), rng.integers(5, size=300)
    single = net.to(np, dtype="float32")
    for verb in ALL:
        for ours, exact in zip(arrays(verb(single, X, y)), arrays(verb(net.to(np), X, y)), strict=True):
            scale = np.abs(exact).max()
            assert np.abs(ours - exact).max() <= 1e-4 * scale


@pytest.mark.parametrize("engine", ["native", "formula"])
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_norms_whose_squares_leave_float32_are_right(engine, size, monkeypatch):
    if engine == "formula":
        monkeypatch.setattr(native, "serves", lambda network: False)
    net = Network([[[size] * 20] * 3], [[0.0] * 3], loss="squared_error").to(np, dtype="float32")
    found = per_example.norms(net, np.full((2, 20), 2.0), np.zeros((2, 3)))
    np.testing.assert_allclose(found.a[1], 40 * size * np.sqrt(3), rtol=1e-5)
    np.testing.assert_allclose(found.whole, 40 * size * np.sqrt(3) * np.sqrt(81), rtol=1e-5)


@pytest.mark.parametrize("activation", [SOFTSIGN, SINE], ids=str)
def test_an_activation_of_the_users_own(activation, monkeypatch):
    net = Network.create([4, 5, 3], activation=activation, rng=0)
    ours = per_example.norms(net, X, Y).whole
    monkeypatch.setattr(native, "serves", lambda network: False)
    np.testing.assert_allclose(ours, per_example.norms(net, X, Y).whole, rtol=1e-12)


def test_a_loss_of_the_users_own():
    class TripledError(SquaredError):
        def value(self, yhat, target):
            return 3 * super().value(yhat, target)

        def gradient(self, yhat, target):
            return 3 * super().gradient(yhat, target)

    plain = Network.create([4, 5, 3], loss="squared_error", rng=0)
    net = Network(*plain.to_lists(), plain.activations, TripledError())
    y = RNG.normal(size=(9, 3))
    np.testing.assert_allclose(per_example.norms(net, X, y).whole, 3 * per_example.norms(plain, X, y).whole)


def test_any_layout_and_kind_of_input_gives_the_same():
    import pandas as pd

    expected = per_example.norms(NET, X, Y).whole
    backwards = X[::-1].copy()[::-1]
    frozen = X.copy()
    frozen.flags.writeable = False
    for given in (np.asfortranarray(X), backwards, frozen, X.tolist(), pd.DataFrame(X)):
        np.testing.assert_array_equal(per_example.norms(NET, given, Y.tolist()).whole, expected)
    np.testing.assert_array_equal(per_example.norms(NET, X, Y.astype(np.int8)[:, None]).whole, expected)


@pytest.mark.parametrize("kernels", ["", "x86-64-v3", "x86-64-v2", "portable"])
@pytest.mark.parametrize("threads", ["1", "3"])
def test_results_are_the_same_to_the_bit_for_any_threads_and_close_for_any_build(kernels, threads):
    code = """
import hashlib, numpy as np
from backtalk import Network, per_example
rng = np.random.default_rng(0)
X, y = rng.normal(size=(2000, 60)).astype('f'), rng.integers(5, size=2000)
net = Network.create([60, 130, 70, 5], rng=0, dtype='float32')
found, total = per_example.norms(net, X, y, batch_gradient=True), per_example.clipped_sum(net, X, y, 2.0)
parts = [found.whole, found.batch_gradient.W[1], total.W[2], total.b[1]]
print(hashlib.sha256(b''.join(part.tobytes() for part in parts)).hexdigest(), found.whole.sum(), total.W[2].sum())
"""
    where = {"OMP_NUM_THREADS": threads, "BACKTALK_KERNELS": kernels}
    digest, *sums = run_python(code, **where).split()
    again, *expected = run_python(code, OMP_NUM_THREADS="2", BACKTALK_KERNELS=kernels).split()
    assert digest == again
    reference = run_python(code, OMP_NUM_THREADS="1").split()[1:]
    np.testing.assert_allclose(list(map(float, sums)), list(map(float, reference)), rtol=1e-4)
    assert sums == expected


# Few, many, nothing, zero, infinite


def test_one_example():
    for verb in ALL:
        if verb is not per_example.noise_scale:
            assert all(np.isfinite(array).all() for array in arrays(verb(NET, X[:1], Y[:1])))
    np.testing.assert_allclose(per_example.cosines(NET, X[:1], Y[:1]).whole, [1.0])
    with pytest.raises(InputError, match="X has 1 example, but how gradients vary is seen on 2 or more"):
        per_example.noise_scale(NET, X[:1], Y[:1])
    with pytest.raises(InputError, match="sample_weight leaves all weight on one example"):
        per_example.noise_scale(NET, X, Y, np.arange(9) == 3)


def test_one_class_has_no_gradient_and_no_angle_which_is_said():
    net = Network.create([4, 5, 1], rng=0)  # softmax of one output is 1
    y = np.zeros(9, int)
    assert (per_example.norms(net, X, y).whole == 0).all()
    assert (per_example.clipped_sum(net, X, y, 1.0).W[1] == 0).all()
    with pytest.warns(per_example.UndefinedCosineWarning, match="the gradient of the batch is 0"):
        found = per_example.cosines(net, X, y)
    assert np.isnan(found.whole).all()
    assert found.undefined == tuple(range(9))
    assert per_example.noise_scale(net, X, y).value == np.inf


def test_a_zero_gradient_has_no_angle_which_is_said():
    net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    with pytest.warns(per_example.UndefinedCosineWarning, match=r"the gradient of example 1 is 0 \(and of 1 others\)"):
        found = per_example.cosines(net, [[1.0], [2.0], [3.0], [4.0]], [0.0, 2.0, 1.0, 4.0])
    assert found.undefined == (1, 3)
    np.testing.assert_array_equal(np.isnan(found.whole), [False, True, False, True])
    np.testing.assert_array_equal(np.isnan(found.layers[1]), [False, True, False, True])


def test_cosines_of_gradients_whose_squares_vanish():
    net = Network([[[1e-200]]], [[0.0]], loss="squared_error")
    found = per_example.cosines(net, [[1.0], [-1.0], [1.0]], [0.0, 0.0, 3e-200])
    np.testing.assert_allclose(found.whole[1], -found.whole[2] * -1, rtol=1e-9)
    assert np.isfinite(found.whole).all()


@pytest.mark.parametrize("engine", ["native", "formula"])
def test_what_is_not_finite_is_never_dropped(engine, monkeypatch):
    if engine == "formula":
        monkeypatch.setattr(native, "serves", lambda network: False)
    net = Network([[[1e200, 0.0], [1.0, 1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]], "relu", "squared_error")
    X, y = np.array([[1e200, 1.0], [0.0, 1.0]]), np.array([0.0, 0.0])
    found = per_example.norms(net, X, y)
    assert not np.isfinite(found.whole[0])
    assert np.isfinite(found.whole[1])
    assert not np.isfinite(per_example.clipped_sum(net, X, y, 1.0).W[2]).all()
    assert not np.isfinite(per_example.moments(net, X, y).variance.W[2]).all()
    assert np.isnan(per_example.noise_scale(net, X, y).value)
    assert not np.isfinite(per_example.kronecker_factors(net, X, y).a[1]).all()
    assert not np.isfinite(per_example.unit_importance(net, X, y)[0]).all()
    assert not np.isfinite(per_example.gram(net, X, y)).all()
    cosines = per_example.cosines(net, X, y)
    assert np.isnan(cosines.whole).all()  # the batch's gradient is not finite
    assert cosines.undefined == ()
    # an example without weight has no part
    weighted = per_example.moments(net, X, y, [0.0, 1.0])
    assert np.isfinite(weighted.second_moment.W[1]).all()
    assert np.isfinite(per_example.norms(net, X, y, [0.0, 1.0], scale="share").whole).all()


@pytest.mark.parametrize("verb", WITH_MEMORY)
def test_the_size_of_the_blocks_does_not_matter(verb):
    expected = arrays(verb(NET, X, Y))
    for limit in (2000, 3000, 10_000):
        found = arrays(verb(NET, X, Y, memory_limit=limit))
        if len(found) == len(expected):  # gradients() gives its blocks as they are
            for ours, theirs in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


def test_a_million_examples_within_a_tiny_limit():
    net = Network.create([2, 2], rng=0, dtype="float32")
    X, y = np.ones((1_000_000, 2), np.float32), np.zeros(1_000_000, int)
    X[-1] = 3
    found = per_example.norms(net, X, y, memory_limit=4096)
    assert found.whole.shape == (1_000_000,)
    np.testing.assert_allclose(found.whole[:-1], found.whole[0])
    total = per_example.clipped_sum(net, X, y, 1e-3, memory_limit=4096)
    assert total.share_clipped == 1


def test_memory_stays_bounded():
    code = """
import resource, numpy as np
from backtalk import Network, per_example
net = Network.create([16, 128, 128, 10], rng=0, dtype='float32')
X, y = np.ones((80_000, 16), np.float32), np.zeros(80_000, int)
for few in (per_example.norms, per_example.moments, per_example.kronecker_factors):
    few(net, X[:2000], y[:2000])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
per_example.norms(net, X, y, batch_gradient=True)
per_example.moments(net, X, y)
per_example.kronecker_factors(net, X, y)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    assert float(run_python(code)) < 50  # MiB; the hidden units of 80,000 examples take 80


# What is refused


@pytest.mark.parametrize("verb", WITH_MEMORY)
def test_a_limit_that_holds_no_example_is_refused(verb):
    with pytest.raises(InputError, match=r"memory_limit is 10 bytes, but one example .*takes"):
        verb(NET, X, Y, memory_limit=10)
    for wrong in ("64 MiB", 1e6, True, None):
        with pytest.raises(InputTypeError, match=r"memory_limit is .*, expected a whole number of bytes"):
            verb(NET, X, Y, memory_limit=wrong)


@pytest.mark.parametrize("verb", ALL)
def test_input_that_does_not_fit_is_refused_as_elsewhere(verb):
    with pytest.raises(InputError, match="X has 3 columns"):
        verb(NET, X[:, :3], Y)
    with pytest.raises(InputError, match="X has no rows"):
        verb(NET, X[:0], Y[:0])
    with pytest.raises(InputError, match=r"X holds nan at index \[2, 1\]"):
        verb(NET, np.where(np.arange(36).reshape(9, 4) == 9, np.nan, X), Y)
    with pytest.raises(InputError, match="y"):
        verb(NET, X, Y + 1)
    with pytest.raises(InputError, match="y has 4 labels"):
        verb(NET, X, Y[:4])
    with pytest.raises(InputTypeError, match="network is a str"):
        verb("digits", X, Y)


def test_settings_that_do_not_exist_are_refused():
    with pytest.raises(UnknownNameError, match="scale is 'mean'"):
        per_example.norms(NET, X, Y, scale="mean")
    with pytest.raises(UnknownNameError, match="outputs is 'all'"):
        per_example.tangent_kernel(NET, X, outputs="all")
    for wrong in (0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match=r"clip_norm is .*, expected a finite number above 0"):
            per_example.clipped_sum(NET, X, Y, wrong)
    with pytest.raises(InputTypeError, match="clip_norm is 'big'"):
        per_example.clipped_sum(NET, X, Y, "big")
    total = per_example.clipped_sum(NET, X, Y, 1.0)
    with pytest.raises(InputError, match="noise_multiplier is -1"):
        per_example.add_noise(total, -1, 0)
    with pytest.raises(InputTypeError, match="noise_multiplier is None"):
        per_example.add_noise(total, None, 0)
    with pytest.raises(InputTypeError, match="other is not"):
        per_example.gram(NET, X, Y, X)
    with pytest.raises(InputError, match="other: X has 3 columns"):
        per_example.tangent_kernel(NET, X, X[:, :3])
    with pytest.raises(LayerError, match="layers holds 3, expected whole numbers from 1 to 2"):
        per_example.gram(NET, X, Y, layers=[1, 3])
    with pytest.raises(InputTypeError, match="layers is 2, expected a list"):
        per_example.gradients(NET, X, Y, layers=2)
    with pytest.raises(InputError, match=r"layers is \[1, 1\], expected at least one layer, and none twice"):
        per_example.gradients(NET, X, Y, layers=[1, 1])


def test_jax_arrays_stay_jax_arrays():
    net = NET.to(jnp)
    found = per_example.norms(net, jnp.asarray(X), jnp.asarray(Y))
    assert isinstance(found.whole, jax.Array)
    assert isinstance(per_example.gram(net, jnp.asarray(X), jnp.asarray(Y)), jax.Array)


def test_jit_of_jax():
    net = NET.to(jnp)

    def found(X, y):
        norms, moments = per_example.norms(net, X, y), per_example.moments(net, X, y)
        return norms.whole, moments.variance.W[1], per_example.gram(net, X, y), per_example.losses(net, X, y)

    arguments = jnp.asarray(X), jnp.asarray(Y)
    for jitted, plain in zip(jax.jit(found)(*arguments), found(*arguments), strict=True):
        np.testing.assert_allclose(jitted, plain, rtol=1e-10, atol=1e-12)


# At the ends of the range


def linear(inputs=1, dtype="float64"):
    return Network([np.zeros((1, inputs))], [np.zeros(1)], loss="squared_error").to(np, dtype=dtype)


@pytest.fixture(params=["native", "formula"])
def engine(request, monkeypatch):
    if request.param == "formula":
        monkeypatch.setattr(native, "serves", lambda network: False)


@pytest.mark.usefixtures("engine")
def test_nothing_goes_unclipped_into_a_sum():
    found = per_example.clipped_sum(linear(400), np.full((1, 400), 1e154), [0.99e154], 1.0)
    assert not np.isfinite(found.W[1]).any()  # its norm is beyond float64
    net, big = linear(dtype="float32"), np.array([[1e25]], np.float32)
    np.testing.assert_allclose(per_example.clipped_sum(net, big, big[0], 1.0).W[1], -1, rtol=1e-6)


@pytest.mark.usefixtures("engine")
def test_a_cosine_of_a_gradient_that_is_not_finite_is_nan():
    found = per_example.cosines(linear(2), [[1.0, 1.0], [1e200, 0.0]], [1.0, 1e200], [1, 0])
    np.testing.assert_array_equal(np.isnan(found.whole), [False, True])
    assert found.undefined == ()


@pytest.mark.usefixtures("engine")
def test_an_example_without_weight_has_no_part_whatever_its_hidden_units_are():
    net = Network([np.full((2, 1), 100.0), np.ones((1, 2))], [np.zeros(2), np.zeros(1)], "relu", "squared_error")
    X, y, weight = np.array([[0.01], [0.02], [1e308]]), [1.0, 2.0, 0.0], [1, 1, 0]
    found = per_example.norms(net, X, y, weight, batch_gradient=True)
    np.testing.assert_allclose(found.batch_gradient.W[2], [[2.5, 2.5]])
    np.testing.assert_allclose(per_example.noise_scale(net, X, y, weight).value, noise_scale_of_two(net, X, y))
    assert np.isfinite(per_example.cosines(net, X, y, weight).whole[:2]).all()


def noise_scale_of_two(net, X, y):
    return per_example.noise_scale(net, X[:2], y[:2]).value


@pytest.mark.usefixtures("engine")
def test_a_variance_is_never_below_zero_and_overflow_is_seen():
    net = Network.create([20, 30, 3], rng=0, dtype="float32")
    same = per_example.noise_scale(net, np.tile(RNG.random((1, 20)), (50, 1)), [1] * 50)
    assert same.trace >= 0
    assert same.value >= 0
    assert np.isnan(per_example.noise_scale(linear(), np.ones((3, 1)), [1e160, 1e160, 1.0]).value)
    found = per_example.moments(linear(dtype="float32"), np.ones((3, 1)), [999.0, 1000.0, 1001.0])
    np.testing.assert_allclose(found.variance.W[1], 2 / 3, rtol=1e-9)


def test_memory_does_not_grow_with_the_number_of_blocks():
    import tracemalloc

    net = Network.create([100, 500, 10], rng=0, dtype="float32")  # 0.2 MB
    X, y = RNG.random((20_000, 100), np.float32), np.zeros(20_000, int)
    for few in (lambda **more: per_example.norms(net, X, y, batch_gradient=True, **more),
                lambda **more: per_example.clipped_sum(net, X, y, 1.0, **more)):  # fmt: skip
        tracemalloc.start()
        few(memory_limit=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10e6


def test_what_is_no_clipped_sum_is_refused():
    for wrong in (None, np.ones(3)):
        with pytest.raises(InputTypeError, match=r"clipped is a .*, expected what clipped_sum gives"):
            per_example.add_noise(wrong, 1.0, 0)
    with pytest.raises(InputError, match="clip_norm is inf"):
        per_example.clipped_sum(NET, X, Y, 10**400)
    with pytest.raises(InputError, match="other: y has 4 labels"):
        per_example.gram(NET, X, Y, (X, Y[:4]))
    with pytest.raises(InputError, match=r"memory_limit is 304 bytes, but one example takes \d+"):
        per_example.cosines(NET, X, Y, memory_limit=304)
