"""Every loss: its value and gradients by other people's formulas, at the ends of the range, and its targets."""

from __future__ import annotations

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from sklearn import metrics

from backtalk import InputError, InputTypeError, Network, gradients
from backtalk.core.head import as_head
from backtalk.core.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    PoissonDeviance,
    SquaredError,
    as_loss,
)
from engines import by_formula, losses_for

RNG = np.random.default_rng(0)
A, NUMBERS = RNG.normal(size=(6, 3)) * 2, RNG.normal(size=(6, 3))
LABELS, COUNTS = np.array([0, 2, 1, 1, 2, 0]), RNG.poisson(2.0, size=(6, 3))
BITS, SHARES = RNG.integers(2, size=(6, 3)), RNG.dirichlet(np.ones(3), size=6)
SOFT = special.softmax(A, axis=1)[np.arange(6), LABELS]  # ŷ of each label
SAMPLE_WEIGHT = np.array([1.0, 2.0, 0.5, 0.0, 3.0, 1.0])
DTYPES = [np.float32, np.float64]
SIGMA_40 = 4.248354255291588977e-18  # σ(−40), mpmath


def echo(loss, k: int = 3, dtype=np.float64) -> Network:
    """The network with a_1 = x, so that X holds the logits."""
    return Network([np.eye(k, dtype=dtype)], [np.zeros(k, dtype)], loss=loss)


def refused(y, loss, message: str, kind=InputError, k: int = 3, count: int = 2) -> None:
    with pytest.raises(kind, match=r"^" + re.escape(message)) as caught:
        gradients(echo(loss, k), np.zeros((count, k)), y)
    assert caught.type is kind


def poisson_deviance(y, yhat, sample_weight):
    parts = [metrics.mean_poisson_deviance(y[:, j], yhat[:, j], sample_weight=sample_weight) for j in range(3)]
    return sum(parts)


REFERENCES = {
    "cross_entropy": (LABELS, lambda w: metrics.log_loss(LABELS, special.softmax(A, axis=1), sample_weight=w)),
    "binary_cross_entropy": (
        BITS,
        lambda w: sum(metrics.log_loss(BITS[:, j], special.expit(A[:, j]), sample_weight=w) for j in range(3)),
    ),
    "squared_error": (NUMBERS, lambda w: 3 / 2 * metrics.mean_squared_error(NUMBERS, A, sample_weight=w)),
    "absolute_error": (NUMBERS, lambda w: 3 * metrics.mean_absolute_error(NUMBERS, A, sample_weight=w)),
    "huber": (NUMBERS, lambda w: np.average(special.huber(1, A - NUMBERS).sum(axis=1), weights=w)),
    "huber(delta=0.3)": (NUMBERS, lambda w: np.average(special.huber(0.3, A - NUMBERS).sum(axis=1), weights=w)),
    "poisson_deviance": (COUNTS, lambda w: poisson_deviance(COUNTS, np.exp(A), w)),
    "kl_divergence": (
        SHARES,
        lambda w: np.average(special.rel_entr(SHARES, special.softmax(A, axis=1)).sum(axis=1), weights=w),
    ),
    "focal": (LABELS, lambda w: np.average((1 - SOFT) ** 2 * -np.log(SOFT), weights=w)),
    "focal(gamma=0.0)": (LABELS, lambda w: metrics.log_loss(LABELS, special.softmax(A, axis=1), sample_weight=w)),
    "categorical_hinge": (LABELS, lambda w: metrics.hinge_loss(LABELS, A, sample_weight=w)),
    "quantile(level=0.9)": (
        NUMBERS,
        lambda w: 3 * metrics.mean_pinball_loss(NUMBERS, A, alpha=0.9, sample_weight=w),
    ),
    "quantile": (NUMBERS, lambda w: 3 * metrics.mean_pinball_loss(NUMBERS, A, alpha=0.5, sample_weight=w)),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", REFERENCES)
def test_the_loss_is_that_of_scikit_learn_and_scipy(loss, weighted):
    y, expected = REFERENCES[loss]
    weight = SAMPLE_WEIGHT if weighted else None
    assert gradients(echo(loss), A, y, weight).loss == pytest.approx(expected(weight), rel=1e-13)


def test_every_loss_has_a_reference_here():
    assert set(LOSSES) - {"gaussian_nll", "quantiles"} <= set(REFERENCES)  # whose outputs are even, below


def test_the_loss_of_several_quantiles_is_the_sum_of_scikit_learns():
    A4, y, levels = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2)), (0.2, 0.9)
    expected = sum(
        metrics.mean_pinball_loss(y[:, j], A4[:, 2 * n + j], alpha=level, sample_weight=SAMPLE_WEIGHT)
        for n, level in enumerate(levels)
        for j in range(2)
    )
    found = gradients(echo("quantiles(levels=[0.2, 0.9])", 4), A4, y, SAMPLE_WEIGHT).loss
    assert found == pytest.approx(expected, rel=1e-13)


def test_one_of_several_quantiles_is_the_quantile_loss():
    one, several = (gradients(echo(loss), A, NUMBERS) for loss in ("quantile(level=0.3)", "quantiles(levels=[0.3])"))
    assert one.loss == several.loss
    assert np.array_equal(one.a[1], several.a[1])


def test_the_prediction_of_quantiles_is_the_level_nearest_to_one_half():
    loss = as_loss("quantiles(levels=[0.1, 0.4, 0.9])")
    assert loss.prediction(np.array([[1.0, 2.0, 3.0]])).tolist() == [[2.0]]
    assert loss.outputs_for(2) == 6


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ("[0.9, 0.1]", "levels of quantiles is [0.9, 0.1], expected numbers that rise."),
        ("[0.5, 0.5]", "levels of quantiles is [0.5, 0.5], expected numbers that rise."),
        ("[0.1, 1]", "level of quantile is 1.0, expected a number in (0, 1)."),
        ("0.5", "levels of quantiles is 0.5, expected a list of numbers."),
        ("[]", "loss is 'quantiles(levels=[])', expected the form name(parameter=number)."),
        ("[0.1; 0.9]", "loss is 'quantiles(levels=[0.1; 0.9])', expected the form name(parameter=number)."),
    ],
)
def test_levels_that_are_none_are_refused(levels, said):
    with pytest.raises((InputError, InputTypeError), match=f"^{re.escape(said)}"):
        as_loss(f"quantiles(levels={levels})")


def test_quantiles_need_as_many_outputs_for_each_level():
    with pytest.raises(InputError, match=r"expected a multiple of 2 outputs, not 3"):
        echo("quantiles", 3)


def test_the_gaussian_likelihood_is_that_of_scipy():
    A4, y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2))
    expected = -stats.norm.logpdf(y, A4[:, :2], np.exp(A4[:, 2:] / 2)).sum(axis=1)
    found = gradients(echo("gaussian_nll", 4), A4, y, SAMPLE_WEIGHT).loss
    assert found == pytest.approx(np.average(expected, weights=SAMPLE_WEIGHT), rel=1e-13)


@pytest.mark.parametrize(
    ("loss", "name", "function"),
    [
        ("cross_entropy", "softmax", lambda a: special.softmax(a, axis=1)),
        ("binary_cross_entropy", "sigmoid", special.expit),
        ("squared_error", "identity", lambda a: a),
        ("absolute_error", "identity", lambda a: a),
        ("huber", "identity", lambda a: a),
        ("poisson_deviance", "exp", np.exp),
    ],
)
def test_the_output_function_belongs_to_the_loss(loss, name, function):
    assert as_loss(loss).natural_output == as_head(loss).output.name == name
    np.testing.assert_allclose(as_head(loss).output.value(A), function(A), rtol=1e-14)


@pytest.mark.parametrize("loss", REFERENCES)
def test_the_loss_as_a_function_of_the_output_alone_is_the_same(loss):
    head, (y, _) = as_head(loss), REFERENCES[loss]
    target, yhat = head.target(y, 6, 3, echo(loss).spec), head.output.value(A)
    np.testing.assert_allclose(head.loss.value(yhat, target), head.value(A, yhat, target), rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", REFERENCES)
def test_everything_stays_in_the_dtype_of_the_network(loss, dtype):
    grads = gradients(echo(loss, dtype=dtype), A, REFERENCES[loss][0], SAMPLE_WEIGHT)
    families = [grads.loss, *grads.a.values(), *grads.h.values(), *grads.W.values(), *grads.b.values()]
    assert {np.asarray(array).dtype for array in families} == {np.dtype(dtype)}


# Extreme logits


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("label", "loss", "gradient"), [(0, 0, [0, 0, 0]), (1, 1e4, [1, -1, 0]), (2, 2e4, [1, 0, -1])])
def test_softmax_of_logits_of_ten_thousand_is_exactly_right(label, loss, gradient, dtype):
    grads = gradients(echo("cross_entropy", dtype=dtype), [[1e4, 0, -1e4]], [label])
    assert grads.loss == loss
    assert grads.a[1].tolist() == [gradient]
    assert np.isfinite(grads.W[1]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("a", [1e4, -1e4])
def test_softmax_of_equal_huge_logits_is_uniform(a, dtype):
    grads = gradients(echo("cross_entropy", 2, dtype), [[a, a]], [1])
    assert grads.loss == pytest.approx(math.log(2), rel=1e-6)
    assert grads.a[1].tolist() == [[0.5, -0.5]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_label_smoothing_of_huge_logits_is_finite_and_right(dtype):
    grads = gradients(echo(CrossEntropy(0.3), dtype=dtype), [[1e4, 0, -1e4]], [0])
    assert grads.loss == pytest.approx(0.1 * 1e4 + 0.1 * 2e4, rel=1e-6)
    np.testing.assert_allclose(grads.a[1], [[0.2, -0.1, -0.1]], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "y", "loss", "gradient"), [(1e4, 1, 0, 0), (1e4, 0, 1e4, 1), (-1e4, 0, 0, 0), (-1e4, 1, 1e4, -1)]
)
def test_sigmoid_of_logits_of_ten_thousand_is_exactly_right(a, y, loss, gradient, dtype):
    grads = gradients(echo("binary_cross_entropy", 1, dtype), [[a]], [y])
    assert grads.loss == loss
    assert grads.a[1].tolist() == [[gradient]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_share_between_0_and_1_of_a_huge_logit_is_right(dtype):
    grads = gradients(echo("binary_cross_entropy", 2, dtype), [[1e4, -1e4]], [[0.25, 0.25]])
    assert grads.loss == 0.75 * 1e4 + 0.25 * 1e4
    assert grads.a[1].tolist() == [[0.75, -0.25]]


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_of_numbers_are_right_for_outputs_of_ten_thousand(loss, dtype):
    expected = {"squared_error": (1e8, 1e4), "absolute_error": (2e4, 1), "huber": (2e4 - 1, 1)}[loss]
    grads = gradients(echo(loss, 2, dtype), [[1e4, -1e4]], [[0, 0]])
    assert grads.loss == pytest.approx(expected[0], rel=1e-6)
    assert grads.a[1].tolist() == [[expected[1], -expected[1]]]


def test_the_softmax_gradient_keeps_its_digits_where_the_output_has_rounded_to_1():
    grads = gradients(echo("cross_entropy", 2), [[40.0, 0.0]], [0])
    assert as_head("cross_entropy").output.value(np.array([[40.0, 0.0]]))[0, 0] == 1
    np.testing.assert_allclose(grads.a[1], [[-SIGMA_40, SIGMA_40]], rtol=1e-14)


@pytest.mark.parametrize(("a", "y"), [(40.0, 1), (-40.0, 0)])
def test_the_sigmoid_loss_and_gradient_keep_their_digits_where_the_output_has_rounded_to_1(a, y):
    grads = gradients(echo("binary_cross_entropy", 1), [[a]], [y])
    assert grads.a[1][0, 0] == pytest.approx(math.copysign(SIGMA_40, -a), rel=1e-14, abs=0)
    assert grads.loss == pytest.approx(SIGMA_40, rel=1e-14, abs=0)


def test_the_gradients_of_the_logits_of_one_example_sum_to_zero():
    for y in (LABELS, SHARES):
        assert np.abs(gradients(echo("cross_entropy"), A, y).a[1].sum(axis=1)).max() < 1e-16


# Label smoothing


@pytest.mark.parametrize("s", [0.1, 0.5, 0.99])
def test_label_smoothing_mixes_the_target_with_the_uniform_one(s):
    smooth = (1 - s) * np.eye(3)[LABELS] + s / 3
    grads, expected = (
        gradients(echo(loss), A, y) for loss, y in ((CrossEntropy(s), LABELS), ("cross_entropy", smooth))
    )
    assert grads.loss == pytest.approx(expected.loss, rel=1e-14)
    np.testing.assert_allclose(grads.a[1], expected.a[1], rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(grads.h[1], expected.h[1], rtol=1e-13)


def test_label_smoothing_is_that_of_torch():
    torch = pytest.importorskip("torch")
    expected = torch.nn.functional.cross_entropy(torch.tensor(A), torch.tensor(LABELS), label_smoothing=0.2)
    assert gradients(echo(CrossEntropy(0.2)), A, LABELS).loss == pytest.approx(expected.item(), rel=1e-14)


def test_binary_label_smoothing_draws_both_labels_to_one_half():
    grads = gradients(echo(BinaryCrossEntropy(0.2)), A, BITS)
    expected = gradients(echo("binary_cross_entropy"), A, 0.8 * BITS + 0.1)
    assert grads.loss == pytest.approx(expected.loss, rel=1e-14)
    np.testing.assert_allclose(grads.a[1], expected.a[1], rtol=1e-13)


# ∂ℓ/∂ŷ where ŷ has rounded to an end of its range


@pytest.mark.parametrize(
    ("loss", "yhat", "target", "expected"),
    [
        (CrossEntropy(), 0.0, 1.0, -math.inf),
        (CrossEntropy(), 0.0, 0.0, 0.0),
        (CrossEntropy(), 0.5, 1.0, -2.0),
        (PoissonDeviance(), 0.0, 3.0, -math.inf),
        (PoissonDeviance(), 0.0, 0.0, 2.0),
        (PoissonDeviance(), 2.0, 3.0, -1.0),
    ],
)
def test_the_output_gradient_at_an_output_of_0(loss, yhat, target, expected):
    yhat, target = np.array([[yhat]]), np.array([[target]])
    assert loss.gradient(yhat, target).tolist() == [[expected]]


@pytest.mark.parametrize(
    ("a", "target", "expected"), [(-1e4, 1, -math.inf), (-1e4, 0, 1), (1e4, 0, math.inf), (1e4, 1, -1), (0, 1, -2)]
)
def test_the_output_gradient_of_the_sigmoid_at_its_ends(a, target, expected):
    a = np.array([[float(a)]])
    head = as_head("binary_cross_entropy")
    assert head.output_gradient(a, head.output.value(a), np.array([[float(target)]])).tolist() == [[expected]]


def test_an_infinite_output_gradient_reaches_the_caller_and_nothing_else():
    grads = gradients(echo("cross_entropy", 2), [[1e4, -1e4]], [1])
    assert grads.h[1].tolist() == [[0, -math.inf]]
    assert np.isfinite(grads.h[0]).all()


@pytest.mark.parametrize("loss", REFERENCES)
def test_the_output_gradient_is_the_derivative_of_the_loss_by_the_output(loss):
    head, (y, _) = as_head(loss), REFERENCES[loss]
    target, yhat = head.target(y, 6, 3, echo(loss).spec), head.output.value(A)
    for j in range(3):
        step = 1e-6 * np.eye(3)[j]
        difference = (head.loss.value(yhat + step, target) - head.loss.value(yhat - step, target)) / 2e-6
        np.testing.assert_allclose(head.output_gradient(A, yhat, target)[:, j], difference, rtol=1e-4, atol=1e-6)


# Kinks


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0])
def test_huber_joins_its_pieces_at_delta(delta):
    residuals = np.array([[-delta, delta, 0.0], [-2 * delta, 2 * delta, delta / 2]])
    loss, zero = Huber(delta), np.zeros((2, 3))
    np.testing.assert_array_equal(loss.gradient(residuals, zero)[0], [-delta, delta, 0])
    np.testing.assert_array_equal(loss.gradient(residuals, zero)[1], [-delta, delta, delta / 2])
    np.testing.assert_allclose(loss.value(residuals, zero), [delta**2, (1.5 + 1.5 + 0.125) * delta**2])


def test_huber_counts_a_residual_of_delta_apart_from_its_pieces():
    residuals = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]])
    sides = Huber(1.0).kink_side(residuals, np.zeros((1, 5)))[0]
    assert sides[1] == sides[3] == 0
    assert len({*sides.tolist()}) == 4


def test_the_absolute_error_has_gradient_0_at_0():
    grads = gradients(echo("absolute_error"), [[-2.0, 0.0, 3.0]], [[0, 0, 0]])
    assert grads.loss == 5
    assert grads.a[1].tolist() == [[-1, 0, 1]]
    assert AbsoluteError().kink_side(np.array([[-2.0, 0.0, 3.0]]), np.zeros((1, 3))).tolist() == [[-1, 0, 1]]


def test_smooth_losses_have_no_kinks():
    for loss in (CrossEntropy(), BinaryCrossEntropy(), SquaredError(), PoissonDeviance()):
        assert loss.kink_side(np.ones((1, 2)), np.ones((1, 2))) is None


def test_a_network_with_1_output_knows_label_0_alone_and_the_error_says_what_to_use():
    network = Network.create([2, 1], rng=0)
    assert float(gradients(network, [[1.0, 2.0]], [0]).loss) == 0
    with pytest.raises(InputError, match="expected label 0, the only one of a network with 1 output; for yes or no"):
        gradients(network, [[1.0, 2.0]], [1])


@pytest.mark.parametrize(
    ("loss", "target", "room"),
    [
        ("cross_entropy", [1.0, 0.0, 0.5], [0.25, np.inf, 1e-9]),
        ("binary_cross_entropy", [1.0, 0.0, 0.5], [0.25, 0.25, 1e-9]),
        ("poisson_deviance", [3.0, 0.0, 0.5], [0.25, np.inf, 1e-9]),
        ("squared_error", [1.0, 0.0, 0.5], [np.inf] * 3),
    ],
)
def test_room_is_the_distance_to_the_end_of_the_range_that_the_loss_hears(loss, target, room):
    found = as_loss(loss).room(np.array([[0.25, 0.75, 1e-9]]), np.array([target]))
    assert found.tolist() == [room]


def test_an_output_that_rounded_to_1_leaves_no_room_to_a_label_of_0():
    yhat, target = np.array([[1.0, 1 - 1e-10, 1.0]]), np.array([[0.0, 0.5, 1.0]])
    assert as_loss("binary_cross_entropy").room(yhat, target).tolist() == [[0, 0, 1]]


def test_the_deviance_of_a_count_of_0_is_twice_the_rate():
    grads = gradients(echo("poisson_deviance"), [[0.0, 1.0, -800.0]], [[0, 0, 0]])
    assert grads.loss == pytest.approx(2 * (1 + math.e))
    np.testing.assert_allclose(grads.a[1], [[2, 2 * math.e, 0]])


def test_the_deviance_is_0_where_the_rate_is_the_count():
    grads = gradients(echo("poisson_deviance"), np.log([[1.0, 2.0, 3.0]]), [[1, 2, 3]])
    assert grads.loss == pytest.approx(0, abs=1e-14)
    np.testing.assert_allclose(grads.a[1], 0, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_drawn_targets_are_such_as_the_loss_takes(loss):
    for k in (1, 3, 4):
        if loss in losses_for(k):
            y = as_loss(loss).draw_target(np.random.default_rng(0), 5, k)
            assert np.isfinite(gradients(echo(loss, k), np.zeros((5, k)), y).loss)


# Parameters


@pytest.mark.parametrize("kind", [CrossEntropy, BinaryCrossEntropy])
@pytest.mark.parametrize("s", [-0.1, 1, 1.0, 2.0, math.nan])
def test_label_smoothing_outside_0_to_1_is_refused(kind, s):
    with pytest.raises(InputError, match=rf"^label_smoothing of {kind.name} is .*, expected a number in \[0, 1\)"):
        kind(s)


@pytest.mark.parametrize("delta", [0, 0.0, -1.0, math.inf, math.nan])
def test_a_delta_that_is_not_positive_is_refused(delta):
    with pytest.raises(InputError, match=r"^delta of huber is .*, expected a number in \(0, inf\)"):
        Huber(delta)


@pytest.mark.parametrize("make", [lambda: Huber("1"), lambda: CrossEntropy(None), lambda: BinaryCrossEntropy(True)])
def test_a_parameter_that_is_no_number_is_refused(make):
    with pytest.raises(InputTypeError, match="expected a number"):
        make()


# Targets


@pytest.mark.parametrize("library", ["numpy", "jax.numpy", "torch"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"])
def test_labels_may_be_of_any_dtype(dtype, library):
    xp = pytest.importorskip(library)
    network, labels = echo("cross_entropy", 2), [0, 1, 1, 0]
    expected = gradients(network, A[:4, :2], labels)
    y = xp.asarray(labels, dtype=getattr(xp, dtype))
    grads = gradients(network.to(xp), xp.asarray(A[:4, :2]), y)
    assert float(grads.loss) == pytest.approx(float(expected.loss), rel=1e-14)
    np.testing.assert_allclose(np.asarray(grads.a[1]), expected.a[1], rtol=1e-13)


def test_uint8_labels_may_go_to_300_classes():
    grads = gradients(echo("cross_entropy", 300), np.zeros((2, 300)), np.array([0, 255], np.uint8))
    assert grads.a[1][1, 255] < 0


def test_labels_may_be_a_column_and_targets_of_one_output_a_vector():
    columns = gradients(echo("cross_entropy"), A, LABELS[:, None])
    np.testing.assert_array_equal(columns.a[1], gradients(echo("cross_entropy"), A, LABELS).a[1])
    for loss in ("binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson_deviance"):
        one, other = (gradients(echo(loss, 1), A[:, :1], y) for y in (BITS[:, 0], BITS[:, :1]))
        np.testing.assert_array_equal(one.a[1], other.a[1])


def test_one_hot_targets_are_the_same_as_labels():
    for y in (np.eye(3)[LABELS], np.eye(3, dtype=int)[LABELS], np.eye(3, dtype=bool)[LABELS]):
        grads = gradients(echo("cross_entropy"), A, y)
        np.testing.assert_array_equal(grads.a[1], gradients(echo("cross_entropy"), A, LABELS).a[1])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool, np.float16])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "squared_error", "poisson_deviance"])
def test_targets_of_small_dtypes_do_not_wrap_round(loss, dtype):
    grads = gradients(echo(loss), A, BITS.astype(dtype))
    np.testing.assert_array_equal(grads.a[1], gradients(echo(loss), A, BITS.astype(float)).a[1])


def test_probabilities_are_normalised_where_rounding_has_moved_their_sum():
    grads = gradients(echo("cross_entropy"), A, SHARES * (1 + 5e-5))
    np.testing.assert_allclose(grads.a[1], gradients(echo("cross_entropy"), A, SHARES).a[1], rtol=1e-12, atol=1e-16)
    assert np.abs(grads.a[1].sum(axis=1)).max() < 1e-16


def test_labels_outside_the_classes_are_refused():
    wanted = "expected labels 0 … 2, because the network has 3 outputs."
    refused([0, 3], "cross_entropy", f"y is 3 at row 1, {wanted}")
    refused([-1, 2], "cross_entropy", f"y is -1 at row 0, {wanted}")
    refused(np.array([0, 255], np.uint8), "cross_entropy", f"y is 255 at row 1, {wanted}")
    refused(np.array([0.0, 3.0]), "cross_entropy", f"y is 3.0 at row 1, {wanted}")


def test_labels_that_are_not_whole_are_refused():
    refused([0.0, 1.5], "cross_entropy", "y is 1.5 at row 1, expected labels, which are whole numbers.")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_targets_that_are_not_finite_are_refused(bad):
    refused([0.0, bad], "cross_entropy", f"y holds {bad} at index [1], expected finite numbers.")
    for loss in losses_for(3):
        y = [[0.5, 0.5, 0.0], [0.0, bad, 1.0]]
        refused(y, loss, f"y holds {bad} at index [1, 1], expected finite numbers.")


@pytest.mark.parametrize("count", [1, 3])
def test_targets_of_another_number_of_examples_are_refused(count):
    message = f"y has {count} labels, but X has 2 rows: expected one for each example."
    refused([0] * count, "cross_entropy", message)
    for loss in losses_for(3):
        y = np.eye(3)[[0] * count]
        refused(y, loss, f"y has {count} rows, but X has 2: expected one target for each example.")


@pytest.mark.parametrize("loss", losses_for(3))
def test_targets_of_another_width_are_refused(loss):
    labels = "labels of shape (2,), or probabilities of shape " if as_loss(loss).natural_output == "softmax" else ""
    refused(np.full((2, 4), 0.25), loss, f"y has shape (2, 4), expected {labels}(2, 3).")
    refused(0, loss, f"y has shape (), expected {labels}(2, 3).")
    if not as_loss(loss).takes_classes:
        refused([0, 1], loss, "y has shape (2,), expected (2, 3).")


def test_probabilities_that_do_not_sum_to_1_are_refused():
    message = "expected probabilities with sum 1."
    refused([[1, 0, 0], [0.5, 0, 0]], "cross_entropy", f"the sum of a row of y is 0.5 at row 1, {message}")
    refused(np.full((2, 3), 0.334), "cross_entropy", "the sum of a row of y is 1.00")


def test_negative_probabilities_are_refused():
    refused([[1, 0, 0], [1.5, -0.5, 0]], "cross_entropy", "y is -0.5 at row 1, expected probabilities")


@pytest.mark.parametrize("bad", [-0.5, 1.5, 2.0])
def test_binary_targets_outside_0_to_1_are_refused(bad):
    y = [[0, 1, 0.5], [0, bad, 0]]
    refused(y, "binary_cross_entropy", f"y is {bad} at row 1, expected labels 0 or 1, or probabilities.")


def test_negative_counts_are_refused():
    y = [[0, 1, 2], [0, -3, 0]]
    refused(y, "poisson_deviance", "y is -3.0 at row 1, expected counts or rates of 0 or more.")


@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
def test_targets_of_other_libraries_are_checked_too(library):
    xp = pytest.importorskip(library)
    with pytest.raises(InputError, match=r"^y is 3 at row 1, expected labels 0 … 2"):
        gradients(echo("cross_entropy").to(xp), xp.asarray(A[:2]), xp.asarray([0, 3]))
    with pytest.raises(InputError, match=r"^y is -3\.0 at row 0, expected counts"):
        gradients(echo("poisson_deviance", 1).to(xp), xp.asarray(A[:2, :1]), xp.asarray([-3, 0]))


def test_a_smoothed_target_of_a_traced_network_is_not_checked_and_right():
    network = echo(CrossEntropy(0.1)).to(jnp)
    traced = jax.jit(gradients)(network, jnp.asarray(A), jnp.asarray(LABELS))
    np.testing.assert_allclose(traced.loss, gradients(echo(CrossEntropy(0.1)), A, LABELS).loss, rtol=1e-14)


@pytest.mark.parametrize("u", [1e-3, -1e-3, 1e-2, 0.3, -0.3])
@pytest.mark.parametrize("t", [1.0, 7.0, 0.25])
def test_the_deviance_keeps_its_digits_where_the_prediction_is_near_the_target(t, u):
    network = Network([[[1.0]]], [[np.log(t)]], loss="poisson_deviance")
    u = (u + np.log(t)) - np.log(t)  # as a and log t are rounded
    terms = [u**n / math.factorial(n) for n in range(2, 30)]  # of e^u − 1 − u
    for grads in (gradients(network, [[u]], [t]), by_formula(network, np.array([[u]]), [t])):
        assert float(grads.loss) == pytest.approx(2 * t * math.fsum(terms), rel=2e-12)
