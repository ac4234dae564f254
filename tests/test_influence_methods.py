"""Influence by curvature and through the run, beside retraining; and what each answer says about itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backtalk import (
    InputError,
    InputTypeError,
    Network,
    Training,
    UnknownNameError,
    fit,
    gradients,
    hypergradients,
    influence,
    retrain,
    score_influence,
    self_influence,
)
from backtalk.analysis.influence.agreement import Agreement, agreement_of
from backtalk.analysis.influence.curved import Exact, Kronecker, course_of
from backtalk.analysis.influence.curved.response import Response
from backtalk.analysis.influence.methods import METHODS
from backtalk.analysis.influence.scoring import SCORED
from backtalk.analysis.per_example.examples import as_batch

RNG = np.random.default_rng(0)
N, M = 30, 12
X = RNG.normal(size=(N + M, 3))
Y = (X[:, 0] + 0.5 * RNG.normal(size=N + M) > 0).astype(int)
TRAIN, TEST = (X[:N], Y[:N]), (X[N:], Y[N:])
BY_RUN = ["ekfac", "fisher", "unrolled"]


def trained(seed: int = 0, **more: Any) -> Training:
    settings = {"epochs": 10, "batch_size": 10, "optimizer": "sgd(learning_rate=0.1, momentum=0)", "record": True}
    return fit(Network.create([3, 4, 2], "tanh", rng=seed), *TRAIN, rng=seed, **(settings | more))


@pytest.fixture(scope="module")
def training() -> Training:
    return trained()


def gradient_of(network: Network, x: np.ndarray, y: Any) -> np.ndarray:
    """One example's own gradient, unit by unit: its weights and its bias."""
    grads = gradients(network, x[None], np.asarray([y]))
    return np.concatenate([np.concatenate([grads.W[i], grads.b[i][:, None]], axis=1).ravel() for i in grads.W])


def gauss_newton(network: Network) -> np.ndarray:
    """The mean over the examples of TRAIN of Jᵀ (diag p − p pᵀ) J, by differences of a_L."""
    from backtalk import forward

    columns, e = [], 1e-6
    parameters = [np.concatenate([network.W[i], network.b[i][:, None]], axis=1) for i in network.W]
    for layer, parameter in enumerate(parameters):
        for place in np.ndindex(parameter.shape):
            ends = []
            for sign in (1, -1):
                moved = [each.copy() for each in parameters]
                moved[layer][place] += sign * e
                other = network.replace([each[:, :-1] for each in moved], [each[:, -1] for each in moved])
                ends.append(forward(other, TRAIN[0]).a[network.depth])
            columns.append((ends[0] - ends[1]) / (2 * e))
    J = np.stack(columns, axis=2)
    p = forward(network, TRAIN[0]).output
    H = np.einsum("nk,kl->nkl", p, np.eye(p.shape[1])) - p[:, :, None] * p[:, None, :]
    return np.einsum("nkp,nkl,nlq->pq", J, H, J) / N


@pytest.mark.parametrize("count", [N, 4])
def test_fisher_of_a_network_is_the_damped_inverse_of_the_gauss_newton_matrix(training, count, monkeypatch):
    network = training.network
    train = tuple(each[:count] for each in TRAIN)  # with 4 examples the Gram matrix is smaller
    G = gauss_newton(network) if count == N else None
    if G is None:
        monkeypatch.setitem(globals(), "N", count)
        monkeypatch.setitem(globals(), "TRAIN", train)
        G = gauss_newton(network)
    lam = 0.3 * np.trace(G) / len(G)
    ours, theirs = (
        np.array([gradient_of(network, *each) for each in zip(*pair, strict=True)]) for pair in (TEST, train)
    )
    expected = ours @ np.linalg.solve(G + lam * np.eye(len(G)), theirs.T) / count
    found = influence(network, train, TEST, method="fisher", damping=0.3, matrix=True).matrix
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


def test_ekfac_is_exact_for_one_layer_whose_factors_are_independent():
    # a linear layer with squared error: E[δδᵀ] is the identity for every example, so G is their product exactly
    y = RNG.normal(size=(N, 2))
    network = Network.create([3, 2], loss="squared_error", rng=0)
    for method in ("ekfac", "fisher"):
        found = influence(network, (TRAIN[0], y), (TEST[0], y[:M]), method=method, damping=0.1, matrix=True).matrix
        if method == "ekfac":
            first = found
    np.testing.assert_allclose(first, found, rtol=1e-8)


def test_a_run_that_never_ends_inverts_and_a_short_one_takes_one_step():
    values = np.array([0.0, 1e-9, 1e3])
    np.testing.assert_allclose(Response().of(values, 1.0), [1, 1, 1e-3], rtol=1e-8)
    np.testing.assert_allclose(Response(damping=0.5).of(np.array([0.0, 1.0]), 2.0), [1, 0.5])


def test_a_linear_run_without_noise_is_followed_by_fisher_as_exactly_as_by_the_derivative():
    # gradient descent on a quadratic with a small rate: (1 − (1 − ηΛ)^T)/Λ is nearly (1 − e^{−ηTΛ})/Λ
    y = (X[:, :1] + 0.1 * RNG.normal(size=(N + M, 1))) * 2
    train, test = (X[:N], y[:N]), (X[N:], y[N:])
    start = Network.create([3, 1], loss="squared_error", rng=0)
    training = fit(start, *train, epochs=80, optimizer="gd(learning_rate=0.05)", record=True)
    unrolled, fisher = (
        influence(training, train, test, method=method, matrix=True, agreement=0).matrix for method in BY_RUN[:0:-1]
    )
    assert np.corrcoef(unrolled.ravel(), fisher.ravel())[0, 1] > 0.85
    scores = score_influence(training, train, test, ["fisher", "unrolled"], sets=20)
    assert scores["unrolled"].leave_one_out > 0.95


def test_unrolled_is_the_negative_of_the_hypergradient(training):
    found = influence(training, TRAIN, TEST, method="unrolled", matrix=True, k=N, agreement=0)
    np.testing.assert_array_equal(found.matrix, -hypergradients(training, TEST).examples)
    np.testing.assert_array_equal(np.take_along_axis(found.matrix, found.proponents, 1), found.proponent_scores)
    assert (np.diff(found.opponent_scores) >= 0).all()


def test_influence_is_the_rise_without_the_example(training):
    scores = score_influence(training, TRAIN, TEST, sets=20)
    assert list(scores) == list(SCORED)
    for method in BY_RUN:
        assert scores[method].leave_one_out > 0.75
        assert scores[method].lds > 0.7
    assert scores["unrolled"].leave_one_out > 0.98
    assert "leave one out" in repr(scores)


@pytest.mark.parametrize(
    "optimizer", ["adam(learning_rate=0.01)", "adamw(learning_rate=0.01)", "sgd(learning_rate=0.02)"]
)
def test_the_methods_agree_with_retraining_for_optimizers_with_a_state(optimizer):
    training = trained(optimizer=optimizer, l2_penalty=0.01)
    for method in BY_RUN:
        found = influence(training, TRAIN, TEST, method=method)
        assert found.agreement.correlation > 0.6, found
        assert method in repr(found)


def test_several_trainings_give_the_mean(training):
    both = [training, trained(1)]
    each = [influence(one, TRAIN, TEST, method="unrolled", matrix=True, agreement=0).matrix for one in both]
    found = influence(both, TRAIN, TEST, method="unrolled", matrix=True)
    np.testing.assert_allclose(found.matrix, np.mean(each, axis=0))
    assert found.agreement.networks == 8
    three = influence([*both, both[0]], TRAIN, TEST, method="unrolled", matrix=True, agreement=0)
    np.testing.assert_allclose(three.matrix, each[0])  # the median


def test_the_result_does_not_depend_on_the_limit(training):
    for method in BY_RUN:
        found, little = (
            influence(training, TRAIN, TEST, method=method, matrix=True, agreement=0, memory_limit=limit).matrix
            for limit in (2**30, 60_000)
        )
        np.testing.assert_allclose(little, found, rtol=1e-9, atol=1e-12)


def test_tracin_of_a_recorded_training_is_that_of_its_epochs():
    kept = []
    training = trained(callbacks=[kept.append])
    found, expected = (influence(each, TRAIN, TEST, matrix=True) for each in (training, kept))
    np.testing.assert_array_equal(found.matrix, expected.matrix)
    assert found.agreement is not None
    assert expected.agreement is None


def test_held_out_examples_have_no_influence():
    training = trained(validation=0.2)
    left = np.setdiff1d(np.arange(N), training.record.epochs[0].order)
    for method in BY_RUN:
        matrix = influence(training, TRAIN, TEST, method=method, matrix=True, agreement=0).matrix
        assert not matrix[:, left].any()
        assert matrix.any()


def test_sample_weights_count():
    weight = np.ones(N)
    weight[3] = 2
    once, twice = (
        influence(trained(sample_weight=w), TRAIN, TEST, method="fisher", matrix=True, agreement=0).matrix[:, 3]
        for w in (np.ones(N), weight)
    )
    assert np.abs(twice).sum() > 1.3 * np.abs(once).sum()


def test_an_answer_that_retraining_contradicts_says_so():
    rises = RNG.normal(size=(5, 8))
    low = agreement_of("unrolled", RNG.normal(size=(5, 8)) * 1e6, rises, 15)
    assert "does not agree" in repr(low)
    assert "no small change" in repr(low)
    assert "retrain" in repr(low)
    assert "times too large" in repr(agreement_of("unrolled", 1e3 * rises, rises, 15))
    good = agreement_of("ekfac", 2 * rises, rises, 15)
    assert (good.correlation, good.factor) == pytest.approx((1, 0.5))
    assert "well" in repr(good)


def test_a_notebook_shows_the_agreement(training):
    assert "retrained" in influence(training, TRAIN, TEST, method="ekfac")._repr_html_()


def test_self_influence_by_each_method_is_the_diagonal(training, monkeypatch):
    monkeypatch.setattr("backtalk.analysis.influence.methods.ON_DIAGONAL", 7)
    for method in METHODS:
        matrix = influence(training, TRAIN, TRAIN, method=method, matrix=True, agreement=0).matrix
        np.testing.assert_allclose(self_influence(training, *TRAIN, method=method), np.diag(matrix), rtol=1e-9)


def test_scores_of_own_matrices_stand_beside_the_methods(training):
    truth = np.stack([_rises(training, row) for row in range(N)], axis=1)
    scores = score_influence(training, TRAIN, TEST, {"own": truth, "noise": RNG.normal(size=(M, N))}, sets=10)
    assert scores["own"].leave_one_out == pytest.approx(1)
    assert abs(scores["noise"].leave_one_out) < 0.5


def _rises(training: Training, row: int) -> np.ndarray:
    (other,) = retrain(training, [row])
    rows = range(M)
    after, before = (
        np.array([gradients(network, TEST[0][[q]], TEST[1][[q]]).loss for q in rows])
        for network in (other, training.network)
    )
    return after - before


def test_curvature_follows_the_whole_run_if_it_was_recorded(training):
    batch = as_batch(training.network, *TRAIN)
    along, alone = (
        course_of(training.network, batch, training.record, None, 1.0),
        course_of(training.network, batch, None, None, 1.0),
    )
    assert len(along.networks) > len(alone.networks) == 1
    assert along.times[0][0, 0] == pytest.approx(0.1 * training.record.steps)
    assert alone.response.damping is not None
    short = replace(along, times=[1e-6 * each for each in along.times])
    queries = as_batch(training.network, *TEST)
    # a run too short to bend is a step along each gradient: both methods are the plain inner product
    found, expected = Kronecker(short, 2**30).of(queries), Exact(short, 2**30).of(queries)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "magic"}, UnknownNameError, "magic"),
        ({"method": "ekfac", "damping": 0}, InputError, "damping is 0"),
        ({"method": "ekfac", "damping": "much"}, InputTypeError, "damping"),
        ({"method": "unrolled", "damping": 1.0}, InputError, "has none"),
        ({"damping": 1.0}, InputError, "tracin"),
        ({"method": "ekfac", "layers": 1}, InputError, "layers is given"),
        ({"method": "fisher", "memory_limit": 100}, InputError, r"takes \d+ bytes.*ekfac"),
        ({"method": "unrolled", "memory_limit": 100}, InputError, "bytes at least"),
        ({"agreement": 1}, InputError, "3 networks"),
        ({"agreement": True}, InputTypeError, "agreement"),
    ],
)
def test_what_cannot_be_asked_is_said(training, options, error, message):
    with pytest.raises(error, match=message):
        influence(training, TRAIN, TEST, **options)


def test_a_run_that_was_not_recorded_is_refused_where_it_is_needed():
    plain = trained(record=False)
    with pytest.raises(InputError, match="record=True"):
        influence(plain, TRAIN, TEST, method="unrolled")
    with pytest.raises(InputError, match="agreement"):
        influence(plain.network, TRAIN, TEST, method="ekfac", agreement=5)
    with pytest.raises(InputTypeError, match="Network"):
        influence(plain.network, TRAIN, TEST, method="unrolled")
    with pytest.raises(InputError, match="not recorded"):
        score_influence(plain, TRAIN, TEST)
    assert influence(plain, TRAIN, TEST, method="ekfac").agreement is None


@pytest.mark.parametrize("method", ["tracin", *BY_RUN])
def test_other_examples_than_those_of_the_run_are_refused(training, method):
    with pytest.raises(InputError, match="not the X"):
        influence(training, (X[1 : N + 1], TRAIN[1]), TEST, method=method)
    with pytest.raises(InputError, match="other labels"):
        influence(training, (TRAIN[0], 1 - TRAIN[1]), TEST, method=method)


def test_agreement_prints_what_to_do():
    assert "fisher" in repr(Agreement("ekfac", 8, 15, 0.4, 1.0))
