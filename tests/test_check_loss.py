"""A loss of the table, or of a user's own: is its gradient the derivative of its value?"""

from __future__ import annotations

import numpy as np
import pytest

from backtalk import InputError, Network, UnknownNameError, check, gradients, register_loss
from backtalk.core.losses import LOSSES


@pytest.fixture
def registered():
    """register_loss, with the names taken out of the table afterwards."""
    before = set(LOSSES)
    yield register_loss
    for name in set(LOSSES) - before:
        del LOSSES[name]


@pytest.mark.parametrize("method", ["auto", "central_differences"])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_of_the_table_passes(loss, method):
    report = check(loss, method=method)
    assert report.passed, str(report)
    assert report.compared > 200


def test_a_loss_with_a_wrong_gradient_fails_and_says_where(registered):
    loss = registered("quartic", lambda yhat, t: ((yhat - t) ** 4).sum(axis=-1), lambda yhat, t: 3 * (yhat - t) ** 3)
    report = check("quartic")
    assert not report.passed
    assert report.largest_error == pytest.approx(0.25)
    assert "∂ℓ/∂ŷ at example" in report.verdict
    assert not check(loss).passed


def test_a_right_loss_of_a_users_own_passes_and_so_does_a_network_with_it(registered):
    registered(
        "logistic",
        lambda yhat, t: (-t * np.log(yhat) - (1 - t) * np.log(1 - yhat)).sum(axis=-1),
        lambda yhat, t: (1 - t) / (1 - yhat) - t / yhat,
        output="sigmoid",
        domain=(0, 1),
    )
    assert check("logistic").passed
    network = Network.create([3, 4, 2], "tanh", "logistic", rng=0)
    X, y = np.random.default_rng(0).normal(size=(5, 3)), np.eye(2)[[0, 1, 1, 0, 1]]
    assert check(network, X, y).passed
    half = lambda net, X, y: {"W": [each / 2 for each in gradients(net, X, y).W.values()]}  # noqa: E731
    assert check(network, X, y, backward=half).mistake is not None


def test_a_loss_that_takes_no_complex_numbers_is_checked_by_central_differences(registered):
    registered("size", lambda yhat, t: abs(yhat - t).sum(axis=-1), lambda yhat, t: np.sign(yhat - t))
    assert check("size").method == "central differences"
    assert check("size").passed
    with pytest.raises(InputError, match="size does not carry complex numbers"):
        check("size", method="complex_step")


def test_a_loss_that_raises_or_has_another_shape_is_refused(registered):
    registered("broken", lambda yhat, t: (yhat - t).sum(axis=-1), lambda yhat, t: 1 / 0)
    with pytest.raises(InputError, match="gradient of broken raises ZeroDivisionError"):
        check("broken")
    registered("each", lambda yhat, t: yhat - t, lambda yhat, t: yhat - t)
    with pytest.raises(InputError, match=r"loss each gives value of shape \(60, 4\), expected \(60,\)"):
        check("each")


def test_what_belongs_to_a_network_is_refused_and_a_wrong_name_gets_the_nearest():
    with pytest.raises(InputError, match="subject is a loss, which takes no X, y"):
        check("huber", [[1.0]], [1.0])
    with pytest.raises(UnknownNameError, match="did you mean 'huber'"):
        check("hubber")


def test_a_network_whose_loss_has_a_wrong_gradient_is_told_that_this_is_the_cause(registered):
    registered("tripled", lambda yhat, t: ((yhat - t) ** 4).sum(axis=-1), lambda yhat, t: 3 * (yhat - t) ** 3)
    report = check(Network.create([2, 3, 1], "tanh", "tripled", rng=0))
    assert not report.passed
    assert [mistake.name for mistake in report.mistakes] == ["loss_derivative_wrong"]
    cause = "∂ℓ/∂ŷ of the loss 'tripled' is not the derivative of its ℓ; check('tripled') shows it"
    assert cause in report.verdict
    assert cause in str(report)
