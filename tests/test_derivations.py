"""Every step of a derivation is an equation, and its end is the gradient that the library gives."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import backtalk
from backtalk import InputError, InputTypeError, Network, explain, forward, gradients, register_activation
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.losses import LOSSES, as_loss
from backtalk.teaching.derivations.evaluation import evaluate, with_numbers
from backtalk.teaching.derivations.expressions import Apply, Indicator, Number, Others, Product, Sum, SumOver, Symbol
from engines import can_have

LOSS_NAMES = [*LOSSES, "cross_entropy(label_smoothing=0.1)", "huber(delta=0.3)"]
BUILT_IN = [name for name, kind in ACTIVATIONS.items() if isinstance(kind, type)]  # other tests register more
SIZES = [(2, 2), (3, 4, 3), (2, 5, 4, 3), (3, 2, 1, 4, 1), (1, 1, 1)]
WORKED = Network(
    [[[0.5, -1.0], [1.0, 0.5]], [[1.0, -1.0], [0.0, 2.0]]], [[0.0, 0.5], [0.0, 0.0]], "relu", "cross_entropy"
)


def known(loss: str) -> str:
    """Its name without parameters."""
    return loss.partition("(")[0]


def one_example(network: Network, rng: np.random.Generator):
    return rng.normal(size=network.sizes[0]), network.loss.draw_target(rng, 1, network.sizes[-1])[0]


def every_kind(network: Network) -> list[str]:
    """A number and the whole of each family at the first, a middle and the last layer."""
    L = network.depth
    layers = sorted({1, (L + 1) // 2, L})
    wholes = [f"{family}[{i}]" for family in "haWb" for i in layers] + ["h[0]"]
    n = network.sizes
    last = [f"h[{i},{n[i]}]" for i in (0, *layers)] + [f"a[{i},{n[i]}]" for i in layers]
    return [*wholes, *last, *(f"W[{i},{n[i]},{n[i - 1]}]" for i in layers), *(f"b[{i},1]" for i in layers)]


def require_agreement(step):
    left, right, scale = map(np.asarray, step.both_sides)
    assert left.shape == right.shape
    assert (np.abs(left - right) <= 1e-12 * np.where(scale == 0, 1, scale)).all(), step.title


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_both_sides_of_every_step_agree(loss, sizes):
    if (as_loss(loss).takes_classes and sizes[-1] == 1) or not can_have(loss, sizes[-1]):
        sizes = (*sizes[:-1], 2)
    turn = [*LOSS_NAMES].index(loss) + len(sizes)
    for activation in [*BUILT_IN][turn % 3 :: 3]:  # each loss meets each activation
        rng = np.random.default_rng(zlib.crc32(f"{sizes} {activation} {loss}".encode()))
        network = Network.create(sizes, activation, loss, rng=rng)
        x, y = one_example(network, rng)
        if loss == "focal" and forward(network, x[None]).output.min() == 0:
            with pytest.raises(InputError, match="ŷ has rounded to an end of its range"):
                explain(network, x, y, "W[1]")
            continue
        for quantity in every_kind(network):
            for step in explain(network, x, y, quantity).steps:
                require_agreement(step)


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_the_end_of_a_derivation_is_the_gradient(loss):
    rng = np.random.default_rng(5)
    network = Network.create((3, 4, 3 if can_have(loss, 3) else 4), ["tanh"], loss, rng=rng)
    x, y = one_example(network, rng)
    grads = gradients(network, x[None], y[None])
    for quantity in every_kind(network):
        derivation = explain(network, x, y, quantity)
        family, layer = derivation.quantity.family, derivation.quantity.layer
        array = np.asarray(getattr(grads, family)[layer])
        whole = array if family in "Wb" else array[0]
        indices = tuple(index - 1 for index in derivation.quantity.indices)
        np.testing.assert_array_equal(derivation.value, whole[indices] if indices else whole)
        last = derivation.steps[-1]
        assert last.left == derivation.left
        np.testing.assert_array_equal(np.ravel(last.value), np.ravel(derivation.value))
        assert derivation.loss == float(grads.loss)


def test_a_weight_is_reached_by_the_talks_in_their_order():
    derivation = explain(Network.create([2, 3, 4, 2], rng=0), [1.0, -1.0], 1, "W[1,2,1]")
    talks = [step.talk for step in derivation.steps]
    assert talks == ["forward"] * 7 + ["output"] * 4 + ["hidden"] * 6 + ["weights"]
    assert [step.layer for step in derivation.steps[11:]] == [2, 2, 2, 1, 1, 1, 1]


def test_the_worked_network_by_hand():
    # a_1 = (0, 3), h_1 = (0, 3), a_2 = (-3, 6), ŷ_1 = 1/(1 + e^9)
    derivation = explain(WORKED, [2.0, 1.0], 1, "W[1,2,1]")
    yhat_1 = 1 / (1 + np.exp(9))
    assert derivation.value == pytest.approx((yhat_1 * -1 - yhat_1 * 2) * 1 * 2, rel=1e-12)
    collapsed = next(step for step in derivation.steps if step.title == "What it collapses to")
    np.testing.assert_allclose(collapsed.value, [[yhat_1], [-yhat_1]], rtol=1e-12)


def test_a_unit_at_its_kink_says_which_derivative_is_taken():
    derivation = explain(WORKED, [2.0, 1.0], 1, "a[1,1]")
    slope = next(step for step in derivation.steps if step.title.startswith("The slope"))
    assert "At its kink, a = 0, the derivative from the left" in slope.reason
    assert derivation.value == 0


def test_a_label_that_the_network_gives_no_chance_is_explained_without_dividing_by_yhat():
    network = Network([np.eye(2) * 400], [[0.0, 0.0]], loss="cross_entropy")
    derivation = explain(network, [1.0, -1.0], 1, "W[1,1,1]")
    assert derivation.loss == 800
    assert derivation.value == 1
    assert [step.title for step in derivation.steps if step.talk == "output"] == ["To the output units"]
    for step in derivation.steps:
        require_agreement(step)
    with pytest.raises(InputError, match=r"take a\[1\] instead"):
        explain(network, [1.0, -1.0], 1, "yhat[2]")


@pytest.mark.parametrize("a", [-40.0, -19.0, 19.0, 40.0, 300.0])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy", "poisson_deviance"])
def test_a_network_that_is_nearly_certain_is_explained_through_yhat(loss, a):
    a = min(a, 60.0) if loss == "poisson_deviance" else a
    if loss == "cross_entropy":
        network, targets = Network([[[a], [0.0]]], [[0.0, 0.0]], loss=loss), (0, 1)
    else:
        network, targets = Network([[[a]]], [[0.0]], loss=loss), (0.0, 1.0)
    for y in targets:
        for quantity in ("W[1,1,1]", "a[1]", "yhat[1]"):
            derivation = explain(network, [1.0], y, quantity)
            assert len([step for step in derivation.steps if step.talk == "output"]) == (1 if "yhat" in quantity else 4)
            for step in derivation.steps:
                require_agreement(step)


def test_other_spellings_name_the_same_quantity():
    asked = [("x[2]", "h[0,2]"), ("x", "h[0]"), ("yhat[1]", "h[2,1]"), ("ŷ", "h[2]"), (" W[ 1 , 2,1 ] ", "W[1,2,1]")]
    for written, meant in asked:
        assert str(explain(WORKED, [2.0, 1.0], 1, written).quantity) == meant


@pytest.mark.parametrize(
    ("quantity", "sentence"),
    [
        ("W[3,1,1]", r"'W\[3,1,1\]', which the network does not have: there are h\[0\] \(the input\) to h\[2\]"),
        ("W[0]", r"which the network does not have"),
        ("W[1,3,1]", r"W\[1,1,1\] to W\[1,2,2\] are there, numbered from 1"),
        ("W[1,0,1]", r"W\[1,1,1\] to W\[1,2,2\] are there, numbered from 1"),
        ("W[1,1]", r"expected W\[1\] as a whole, or one number of it, up to W\[1,2,2\]"),
        ("h[1,1,1]", r"expected h\[1\] as a whole"),
        ("loss", "which is none: there are"),
        ("w[1,1,2]", r"which is none: did you mean 'W\[1,1,2\]'\? There are h\[0\]"),
        ("W", "which the network does not have: there are"),
        ("", "which is none: there are"),
        ("a[-1]", "which is none: there are"),
        ("a[99999999999999999999999999]", "which the network does not have"),
        ("W[" + "1," * 200 + "1]", "a text of 404 letters"),
    ],
)
def test_a_quantity_that_does_not_exist_is_answered_by_those_that_do(quantity, sentence):
    with pytest.raises(InputError, match=sentence):
        explain(WORKED, [2.0, 1.0], 1, quantity)


def test_other_input_that_cannot_be_explained_gets_one_sentence():
    with pytest.raises(InputTypeError, match="quantity is 3"):
        explain(WORKED, [2.0, 1.0], 1, 3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputTypeError, match="network is a str"):
        explain("net", [2.0, 1.0], 1, "a[1]")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"x has shape \(2, 2\), expected one example, \(2,\)"):
        explain(WORKED, [[2.0, 1.0], [1.0, 1.0]], 1, "a[1]")
    with pytest.raises(InputError, match="x has 3 numbers, but the network has 2 inputs"):
        explain(WORKED, [2.0, 1.0, 0.0], 1, "a[1]")
    with pytest.raises(InputError, match="X holds nan"):
        explain(WORKED, [np.nan, 1.0], 1, "a[1]")
    with pytest.raises(InputError, match="y is 2"):
        explain(WORKED, [2.0, 1.0], 2, "a[1]")


def test_lists_that_are_no_arrays_are_refused_by_name():
    with pytest.raises(InputTypeError, match="x is a list that is no array of numbers"):
        explain(WORKED, [[1.0], [1.0, 2.0]], 0, "x")
    with pytest.raises(InputTypeError, match="y is a list that is no array of numbers"):
        explain(WORKED, [1.0, 2.0], [[1.0], [1.0, 2.0]], "x")


def test_a_derivation_is_short_where_it_is_shown_and_long_where_it_is_printed():
    derivation = explain(WORKED, [2.0, 1.0], 1, "W[1,2,1]")
    assert repr(derivation) == "Derivation of ∂ℒ/∂W[1,2,1] = -0.000740367 in 13 steps; print it to see them"
    assert len(str(derivation).splitlines()) > 50


def test_values_that_overflow_are_refused_with_their_place():
    network = Network([[[1e200]], [[1e200], [1.0]]], [[0.0], [0.0, 0.0]], "identity")
    with pytest.raises(InputError, match=r"a\[2,1\] is inf for this example"):
        explain(network, [1.0], 0, "W[1,1,1]")


def test_the_network_may_have_arrays_of_another_library_and_float32():
    import jax.numpy as jnp

    network = Network.create([3, 4, 2], "tanh", rng=0, dtype="float32")
    x = np.array([0.5, -1.0, 2.0])
    expected = explain(network, x, 1, "W[1,2,3]")
    found = explain(network.to(jnp), jnp.asarray(x, dtype="float32"), jnp.asarray(1), "W[1,2,3]")
    assert found.value == pytest.approx(expected.value, rel=1e-6)
    assert isinstance(found.value, float)
    grads = gradients(network, x[None].astype("float32"), [1])
    assert float(grads.W[1][1, 2]) == pytest.approx(expected.value, rel=1e-5)


def test_one_example_comes_in_many_forms():
    pandas = pytest.importorskip("pandas")
    forms = [[2, 1], (2.0, 1.0), np.array([[2, 1]]), np.array([9, 2, 9, 1])[1::2], pandas.Series([2.0, 1.0])]
    for x in forms:
        for y in (1, np.int8(1), [1], np.array([0.0, 1.0]), np.array([[0.0, 1.0]])):
            assert explain(WORKED, x, y, "W[1,2,1]").value == pytest.approx(-0.00074036745, rel=1e-6)


def test_a_registered_activation_is_explained_also_with_a_constant_derivative():
    register_activation("tripled", lambda a: 3 * a, lambda a: 3.0)
    try:
        network = Network.create([2, 3, 2], "tripled", rng=0)
        for quantity in ("a[1,2]", "a[1]", "W[1]"):
            for step in explain(network, [1.0, -1.0], 0, quantity).steps:
                require_agreement(step)
    finally:
        del ACTIVATIONS["tripled"]


def test_a_long_sum_keeps_its_largest_terms_and_what_the_others_come_to():
    values = {Symbol("h", 1, (m,)): float((-1) ** m * m) for m in range(1, 21)}
    total = SumOver("m", 20, lambda m: Symbol("h", 1, (m,)))
    shown = with_numbers(total, values)
    assert isinstance(shown, Sum)
    *kept, others = shown.terms
    assert [part.value for part in kept if isinstance(part, Number)] == [14, -15, 16, -17, 18, -19, 20]
    assert isinstance(others, Others)
    assert (others.count, others.value) == (13, sum((-1) ** m * m for m in range(1, 14)))
    assert evaluate(shown, {}) == evaluate(total, values) == 10


def test_a_prediction_that_is_nearly_right_is_measured_by_what_cancels():
    network = Network([[[1.0]]], [[0.0]], loss="poisson_deviance")
    for a in np.log([3.0 + 1e-6, 3.0 - 1e-9, 3.0 + 1e-13]):
        for step in explain(network, [a], [3.0], "a[1]").steps:
            require_agreement(step)


def test_a_wrong_formula_would_be_seen_by_the_scale():
    half = Product((Number(0.5), Sum((Number(1.0), Apply("log", Number(1.0), np.log), Indicator(1, 2)))))
    assert evaluate(half, {}) == 0.5
    assert evaluate(Sum((Number(3.0), Number(-3.0))), {}, absolute=True) == 6


def test_every_loss_of_the_table_has_its_derivation():
    for name in LOSSES:
        loss = as_loss(name)
        network = Network.create([2, 2], loss=loss, rng=0)
        y = loss.draw_target(np.random.default_rng(0), 1, 2)[0]
        assert backtalk.explain(network, [1.0, 2.0], y, "W[1]").steps
