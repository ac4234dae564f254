"""The training loop: it learns, repeats to the bit, and stops with the last good network when it diverges."""

from __future__ import annotations

import pickle
import signal
import threading
import tracemalloc

import numpy as np
import pytest

from backtalk import (
    SGD,
    Adam,
    AdamW,
    Callback,
    DivergedError,
    Dropout,
    InputError,
    InputTypeError,
    Nesterov,
    Network,
    TrainingInterrupted,
    UnknownNameError,
    fit,
    gradients,
)
from backtalk.core.activations import RegisteredActivation
from backtalk.train.interrupt import held_back

X = np.random.default_rng(0).normal(size=(50, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def network(seed: int = 0, **options) -> Network:
    return Network.create([3, 16, 2], activation="tanh", rng=seed, **options)


@pytest.mark.parametrize("optimizer", ["sgd", "adam(learning_rate=0.02)", SGD(0.5, momentum=0), Adam(0.02)])
def test_training_lowers_the_loss(optimizer):
    training = fit(network(), X, Y, epochs=60, optimizer=optimizer, rng=0)
    assert len(training.losses) == 60
    assert training.losses[-1] < 0.35 < 0.6 < training.losses[0]
    assert float(gradients(training.network, X, Y).loss) < 0.35


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    first, again, other = (fit(network(), X, Y, epochs=3, rng=seed).network for seed in (5, 5, 6))
    assert all(np.array_equal(first.W[i], again.W[i]) for i in (1, 2))
    assert not np.array_equal(first.W[1], other.W[1])


def test_the_network_given_is_not_changed():
    given = network()
    before = [array.copy() for family in given.to_lists() for array in family]
    fit(given, X, Y, epochs=2, rng=0)
    after = [array for family in given.to_lists() for array in family]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_one_full_batch_step_of_plain_sgd_is_minus_the_learning_rate_times_the_gradient():
    start = network()
    grads = gradients(start, X, Y)
    end = fit(start, X, Y, epochs=1, batch_size=50, optimizer=SGD(0.1, momentum=0), rng=0).network
    for i in (1, 2):
        np.testing.assert_allclose(end.W[i], start.W[i] - 0.1 * grads.W[i], rtol=1e-12)
        np.testing.assert_allclose(end.b[i], start.b[i] - 0.1 * grads.b[i], rtol=1e-12, atol=1e-15)


def test_every_optimizer_follows_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    theta0, grads = rng.normal(size=(7, 1)), rng.normal(size=(20, 7, 1))
    for ours, theirs in (
        (SGD(0.05, momentum=0.8), lambda p: torch.optim.SGD([p], 0.05, momentum=0.8)),
        (Nesterov(0.05, momentum=0.8), lambda p: torch.optim.SGD([p], 0.05, momentum=0.8, nesterov=True)),
        (Adam(0.01, beta_1=0.8, epsilon=1e-3), lambda p: torch.optim.Adam([p], 0.01, (0.8, 0.999), 1e-3)),
        (AdamW(0.01, 0.8, epsilon=1e-3), lambda p: torch.optim.AdamW([p], 0.01, (0.8, 0.999), 1e-3, 0.01)),
        (AdamW(0.01, weight_decay=0.3), lambda p: torch.optim.AdamW([p], 0.01, weight_decay=0.3)),
    ):
        theta, state = [theta0], ours.start([theta0])
        parameter = torch.tensor(theta0, requires_grad=True)
        peer = theirs(parameter)
        for t, grad in enumerate(grads, start=1):
            theta, state = ours.step(theta, [grad], state, t=t)
            parameter.grad = torch.tensor(grad)
            peer.step()
        np.testing.assert_allclose(theta[0], parameter.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize("engine", ["auto", "formula"])
@pytest.mark.parametrize("optimizer", [SGD, Nesterov, Adam, AdamW])
def test_weight_decay_shrinks_the_matrices_and_leaves_the_biases(optimizer, engine):
    start = network()
    start = Network([*start.W.values()], [np.ones(16), np.ones(2)], "tanh")
    options = {"epochs": 1, "batch_size": 50, "rng": 0, "engine": engine}
    plain, decayed = (fit(start, X, Y, optimizer=optimizer(0.1, weight_decay=rate), **options) for rate in (0, 0.5))
    for i in (1, 2):
        # in the first step the two differ by the decay alone
        np.testing.assert_allclose(decayed.network.W[i], plain.network.W[i] - 0.05 * start.W[i], rtol=0, atol=1e-15)
        np.testing.assert_array_equal(decayed.network.b[i], plain.network.b[i])


def test_numbers_in_order_are_the_learning_rate_and_what_the_method_is_known_by():
    assert SGD(0.1, 0.5) == SGD(learning_rate=0.1, momentum=0.5)
    assert Adam(0.1, 0.5, 0.6, 0.7) == Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.6, epsilon=0.7)
    with pytest.raises(TypeError):
        SGD(0.1, 0.5, 0.01)


def test_sample_weights_count_as_repeated_rows_in_a_full_batch():
    weights = np.arange(50) % 3
    repeated = np.repeat(np.arange(50), weights)
    options = {"epochs": 3, "batch_size": 100, "optimizer": SGD(0.1), "rng": 0}
    one = fit(network(), X, Y, weights, **options)
    other = fit(network(), X[repeated], Y[repeated], **options)
    np.testing.assert_allclose(one.network.W[1], other.network.W[1], rtol=1e-10)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-10)


def test_a_mini_batch_without_weight_is_left_out():
    weights = np.zeros(50)
    weights[3] = 2.0
    training = fit(network(), X, Y, weights, epochs=2, batch_size=1, rng=0)
    alone = fit(network(), X[3:4], Y[3:4], epochs=2, batch_size=1, rng=0)
    np.testing.assert_allclose(training.network.W[1], alone.network.W[1], rtol=1e-12)


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples_also_with_a_short_last_batch():
    start = network()
    frozen = SGD(1e-300, momentum=0)
    training = fit(start, X, Y, epochs=1, batch_size=7, optimizer=frozen, rng=0)
    assert training.losses[0] == pytest.approx(float(gradients(start, X, Y).loss), rel=1e-12)


def test_the_callback_sees_every_epoch():
    seen = []
    training = fit(network(), X, Y, epochs=3, rng=0, callbacks=seen.append)
    assert [epoch.number for epoch in seen] == [1, 2, 3]
    assert tuple(epoch.loss for epoch in seen) == training.losses
    assert seen[-1].network is training.network


def test_torch_and_jax_networks_train_to_the_same_weights():
    expected = fit(network(), X, Y, epochs=2, rng=0).network
    jnp = pytest.importorskip("jax.numpy")
    libraries = [jnp]
    try:
        import torch
    except ImportError:
        pass
    else:
        libraries.append(torch)
    for library in libraries:
        trained = fit(network().to(library), library.asarray(X), library.asarray(Y), epochs=2, rng=0).network
        assert type(trained.W[1]) is type(network().to(library).W[1])
        np.testing.assert_allclose(np.asarray(trained.W[1]), expected.W[1], rtol=1e-9)


def test_float32_stays_float32():
    trained = fit(network(dtype="float32"), X, Y, epochs=1, rng=0).network
    assert {str(array.dtype) for family in trained.to_lists() for array in family} == {"float32"}


@pytest.mark.parametrize("optimizer", ["sgd(learning_rate=1e200)", "adam(learning_rate=1e300)"])
def test_divergence_stops_with_the_step_the_layer_and_the_last_good_network(optimizer):
    start = Network.create([3, 4, 4, 1], activation="relu", loss="squared_error", rng=0)
    with pytest.raises(DivergedError, match=r"diverged at step \d+: .* first value that is not finite") as caught:
        fit(start, X, X[:, 0], optimizer=optimizer, rng=0)
    error = caught.value
    assert error.step >= 1
    assert error.quantity in {"W", "b", "a", "h", "loss"}
    assert 1 <= error.layer <= 3
    assert np.isfinite(float(gradients(error.network, X, X[:, 0]).loss)) or error.step > 1
    assert all(np.isfinite(array).all() for family in error.network.to_lists() for array in family)
    assert pickle.loads(pickle.dumps(error)).step == error.step


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"epochs": 0}, InputError, "epochs is 0, expected 1 or more"),
        ({"epochs": 1.5}, InputTypeError, "epochs is 1.5, expected a whole number"),
        ({"batch_size": -1}, InputError, "batch_size is -1"),
        ({"optimizer": "adm"}, UnknownNameError, "did you mean 'adam'"),
        ({"optimizer": "adam(rate=1)"}, InputError, "adam has no parameter 'rate': did you mean 'learning_rate'"),
        ({"optimizer": "sgd(momentum=1)"}, InputError, r"momentum of sgd is 1.0, expected a number in \[0, 1\)"),
        ({"optimizer": "sgd(learning_rate=0)"}, InputError, r"learning_rate of sgd is 0.0"),
        ({"optimizer": 3}, InputTypeError, "optimizer is 3, expected a name"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        fit(network(), X, Y, **arguments)


@pytest.mark.parametrize("engine", ["auto", "formula"])
@pytest.mark.parametrize("most", [0.05, 1e6])
def test_a_gradient_that_is_too_long_is_scaled_down_to_the_norm(most, engine):
    start = network()
    grads = gradients(start, X, Y)
    norm = np.sqrt(sum((part**2).sum() for family in (grads.W, grads.b) for part in family.values()))
    options = {"epochs": 1, "batch_size": 50, "optimizer": SGD(0.1, momentum=0), "rng": 0, "engine": engine}
    end = fit(start, X, Y, clip_norm=most, **options).network
    scale = min(1, most / norm)
    for i in (1, 2):
        np.testing.assert_allclose(end.W[i], start.W[i] - 0.1 * scale * grads.W[i], rtol=1e-10)
        np.testing.assert_allclose(end.b[i], start.b[i] - 0.1 * scale * grads.b[i], rtol=1e-10, atol=1e-15)


def test_clipping_includes_the_share_of_the_penalty():
    start = network()
    grads = gradients(start, X, Y)
    whole = [grads.W[i] + 0.3 * start.W[i] for i in (1, 2)] + [grads.b[1], grads.b[2]]
    norm = np.sqrt(sum((part**2).sum() for part in whole))
    options = {"epochs": 1, "batch_size": 50, "optimizer": SGD(0.1, momentum=0), "rng": 0, "l2_penalty": 0.3}
    for engine in ("auto", "formula"):
        end = fit(start, X, Y, clip_norm=0.2, engine=engine, **options).network
        np.testing.assert_allclose(end.W[2], start.W[2] - 0.1 * 0.2 / norm * whole[1], rtol=1e-10)


@pytest.mark.parametrize("engine", ["auto", "formula"])
def test_class_weights_are_weights_of_the_examples(engine):
    options = {"epochs": 2, "batch_size": 8, "rng": 0, "engine": engine}
    by_class = fit(network(), X, Y, class_weight={1: 3.0}, **options)
    by_example = fit(network(), X, Y, np.where(Y == 1, 3.0, 1.0), **options)
    np.testing.assert_allclose(by_class.network.W[1], by_example.network.W[1], rtol=1e-10)
    balanced = fit(network(), X, Y, class_weight="balanced", **options)
    by_example = fit(network(), X, Y, np.where(Y == 1, 25 / Y.sum(), 25 / (50 - Y.sum())), **options)
    np.testing.assert_allclose(balanced.network.W[1], by_example.network.W[1], rtol=1e-10)


def test_class_weights_multiply_sample_weights():
    weights = np.arange(50.0)
    options = {"epochs": 2, "batch_size": 8, "rng": 0}
    both = fit(network(), X, Y, weights, class_weight={0: 0.5}, **options)
    product = fit(network(), X, Y, np.where(Y == 0, 0.5, 1) * weights, **options)
    np.testing.assert_allclose(both.network.W[1], product.network.W[1], rtol=1e-10)


def test_a_validation_set_is_not_trained_on_and_its_loss_is_the_networks():
    seen = []
    training = fit(network(), X, Y, epochs=3, rng=0, validation=(X[:10], Y[:10]), callbacks=seen.append)
    alone = fit(network(), X, Y, epochs=3, rng=0)
    np.testing.assert_array_equal(training.network.W[1], alone.network.W[1])
    expected = [float(gradients(epoch.network, X[:10], Y[:10]).loss) for epoch in seen]
    np.testing.assert_allclose(training.validation_losses, expected, rtol=1e-12)
    assert [epoch.validation_loss for epoch in seen] == list(training.validation_losses)


def test_the_weights_of_a_validation_set_count():
    weights = np.arange(10.0)
    training = fit(network(), X, Y, epochs=1, rng=0, validation=(X[:10], Y[:10], weights))
    expected = float(gradients(training.network, X[:10], Y[:10], weights).loss)
    assert training.validation_losses[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("engine", ["auto", "formula"])
def test_a_fraction_of_the_rows_is_held_out(engine):
    rng = np.random.default_rng(3)
    order = rng.permutation(50)
    held_out, kept = np.sort(order[:10]), np.sort(order[10:])
    training = fit(network(), X, Y, epochs=2, rng=3, validation=0.2, engine=engine)
    alone = fit(network(), X[kept], Y[kept], epochs=2, rng=rng, engine=engine)
    np.testing.assert_array_equal(training.network.W[1], alone.network.W[1])
    expected = float(gradients(training.network, X[held_out], Y[held_out]).loss)
    assert training.validation_losses[-1] == pytest.approx(expected, rel=1e-10)


def test_early_stopping_gives_the_network_of_the_best_epoch():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2, 50)  # nothing to learn, so that the validation loss soon rises
    seen = []
    options = {"optimizer": "adam(learning_rate=0.05)", "rng": 0, "validation": (X[:20], noise[:20][::-1])}
    training = fit(network(), X, noise, epochs=500, patience=5, callbacks=seen.append, **options)
    assert training.reason == "patience"
    assert training.best_epoch == np.argmin(training.validation_losses) + 1
    assert len(training.losses) == training.best_epoch + 5
    np.testing.assert_array_equal(training.network.W[1], seen[training.best_epoch - 1].network.W[1])


def test_without_a_validation_set_patience_watches_the_loss():
    training = fit(network(), X, Y, epochs=500, optimizer="sgd(learning_rate=1e-9)", tolerance=1e-3, patience=4, rng=0)
    assert training.reason == "patience"
    assert len(training.losses) == 5


def test_a_callback_ends_training_and_hears_of_start_and_end():
    told = []

    class Watch(Callback):
        def on_start(self, settings):
            told.append(settings["optimizer"])

        def on_epoch(self, epoch):
            told.append(epoch.number)
            return epoch.number == 2

        def on_end(self, training):
            told.append(training.reason)

    training = fit(network(), X, Y, epochs=9, rng=0, callbacks=[Watch(), lambda epoch: told.append("function")])
    assert told == ["adam", 1, "function", 2, "function", "callback"]
    assert len(training.losses) == 2


def test_progress_counts_up_and_ends_training():
    seen = []
    training = fit(network(), X, Y, epochs=2, batch_size=8, rng=0, progress=seen.append)
    assert (seen[-1].epoch, seen[-1].epochs, seen[-1].examples, seen[-1].count, seen[-1].step) == (2, 2, 50, 50, 14)
    assert seen[-1].loss == training.losses[-1]
    stopped = fit(network(), X, Y, epochs=2, batch_size=8, rng=0, progress=lambda progress: True)
    assert stopped.reason == "callback"


@pytest.mark.parametrize("engine", ["auto", "formula"])
@pytest.mark.parametrize("optimizer", ["adam", "nesterov", "adamw", "adam_epsilon_hat"])
def test_training_goes_on_with_the_optimizers_state(optimizer, engine):
    rng = np.random.default_rng(0)
    whole = fit(network(), X, Y, epochs=4, optimizer=optimizer, rng=rng, engine=engine)
    rng = np.random.default_rng(0)
    half = fit(network(), X, Y, epochs=2, optimizer=optimizer, rng=rng, engine=engine)
    rest = fit(half.network, X, Y, epochs=2, optimizer=optimizer, rng=rng, engine=engine, state=half.state)
    np.testing.assert_array_equal(rest.network.W[1], whole.network.W[1])
    assert half.losses + rest.losses == whole.losses


@pytest.mark.parametrize("engine", ["auto", "formula"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_lbfgs_finds_the_minimum_that_scipy_finds(loss, engine):
    start = Network.create([3, 2], loss=loss, rng=0)
    y = Y if loss == "cross_entropy" else X @ [[1.0, 0.0], [2.0, -1.0], [0.0, 3.0]]
    training = fit(
        start, X, y, epochs=300, optimizer="lbfgs(tolerance=1e-9, reduction=0)", l2_penalty=0.1, engine=engine
    )
    assert training.reason == "converged"
    grads = gradients(training.network, X, y)
    np.testing.assert_allclose(grads.W[1], -0.1 * training.network.W[1], atol=1e-6)
    penalty = 0.05 * (training.network.W[1] ** 2).sum()
    assert training.losses[-1] == pytest.approx(float(grads.loss) + penalty, rel=1e-12)
    assert (np.diff(training.losses) <= 0).all()


def test_lbfgs_takes_weights_a_validation_set_and_callbacks():
    weights, seen = np.arange(50) % 3, []
    repeated = np.repeat(np.arange(50), weights)
    options = {"epochs": 9, "optimizer": "lbfgs", "l2_penalty": 0.01}
    one = fit(network(), X, Y, weights, callbacks=seen.append, validation=(X, Y), **options)
    other = fit(network(), X[repeated], Y[repeated], **options)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-8)
    assert len(seen) == len(one.validation_losses) == len(one.losses)
    stopped = fit(network(), X, Y, callbacks=lambda epoch: epoch.number == 3, **options)
    assert (len(stopped.losses), stopped.reason) == (3, "callback")


@pytest.mark.parametrize(
    "argument",
    [{"dropout": 0.5}, {"clip_norm": 1.0}, {"schedule": "cosine"}, {"measure_every": 1}, {"checkpoint": "run"}],
)
def test_what_lbfgs_cannot_use_is_refused(argument):
    with pytest.raises(InputError, match="'lbfgs'"):
        fit(network(), X, Y, optimizer="lbfgs", **argument)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"patience": 0}, InputError, "patience is 0"),
        ({"tolerance": -1}, InputError, "tolerance is -1"),
        ({"clip_norm": 0}, InputError, "clip_norm is 0, expected a number above 0"),
        ({"validation": 1.0}, InputError, "validation is 1.0, expected a fraction"),
        ({"validation": 0.999}, InputError, "leaves none of 50 rows"),
        ({"validation": "x"}, InputTypeError, "validation is neither"),
        ({"validation": (X,)}, InputTypeError, "validation is neither"),
        ({"class_weight": "x"}, InputTypeError, "class_weight is 'x', expected 'balanced' or a mapping"),
        ({"class_weight": {7: 1.0}}, InputError, "class_weight names the class 7, which does not occur"),
        ({"class_weight": {1: -1.0}}, InputError, "class_weight gives class 1 the weight -1.0"),
        ({"callbacks": 3}, InputTypeError, "callbacks holds 3"),
        ({"progress": 3}, InputTypeError, "progress is 3"),
        ({"state": 3}, InputTypeError, "state is a int"),
        ({"checkpoint": "."}, InputError, "checkpoint is '.', which is a folder"),
        ({"checkpoint": "no/such/file"}, InputError, "which lies in no/such, which is no folder"),
        ({"dropout": []}, InputError, "dropout has 0 rates, expected 1"),
        ({"callbacks": [Callback]}, InputTypeError, "callbacks holds <class"),
        ({"checkpoint": 3}, InputTypeError, "checkpoint is 3"),
        ({"schedule": 3}, InputTypeError, "schedule is 3, expected a name"),
        ({"engine": "natve"}, UnknownNameError, "did you mean 'native'"),
    ],
)
def test_what_a_run_cannot_use_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        fit(network(), X, Y, **arguments)


def test_a_state_that_does_not_fit_is_refused():
    state = fit(network(), X, Y, epochs=1, rng=0).state
    with pytest.raises(InputError, match="state holds m, v, which is not of sgd"):
        fit(network(), X, Y, optimizer="sgd", state=state)
    with pytest.raises(InputError, match="state is of a network with other layers"):
        fit(Network.create([3, 15, 2], rng=0), X, Y, state=state)


def test_ctrl_c_in_lbfgs_keeps_the_last_iteration():
    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        fit(network(), X, Y, optimizer="lbfgs", callbacks=interrupt)
    training = caught.value.training
    assert (len(training.losses), training.reason) == (3, "interrupted")
    assert float(gradients(training.network, X, Y).loss) == pytest.approx(training.losses[-1], rel=1e-12)


def test_progress_hears_of_lbfgs_and_ends_it():
    seen = []
    fit(network(), X, Y, epochs=4, optimizer="lbfgs", progress=seen.append)
    assert [progress.epoch for progress in seen] == [1, 2, 3, 4]
    assert fit(network(), X, Y, optimizer="lbfgs", progress=lambda progress: True).reason == "callback"


def test_a_fraction_held_out_is_judged_without_class_weights():
    options = {"epochs": 1, "rng": 0, "validation": 0.4, "optimizer": SGD(1e-300, momentum=0)}
    weighted = fit(network(), X, Y, class_weight={0: 9.0}, **options)
    assert weighted.validation_losses[0] == pytest.approx(fit(network(), X, Y, **options).validation_losses[0])


def test_class_weights_of_any_size_are_taken():
    options = {"epochs": 2, "rng": 0}
    huge = fit(network(), X, Y, class_weight={0: 1e308, 1: 1e308}, **options)
    np.testing.assert_allclose(huge.losses, fit(network(), X, Y, **options).losses)


@pytest.mark.parametrize("engine", ["auto", "formula"])
def test_a_loss_that_is_infinite_with_its_penalty_is_divergence(engine):
    with pytest.raises(DivergedError, match="loss is the first value that is not finite"):
        fit(network(), X, Y, l2_penalty=1.7e308, optimizer="adam", engine=engine, rng=0)


def test_only_true_ends_training_and_any_object_with_the_methods_is_told():
    class Told:
        heard = 0

        def on_epoch(self, epoch):
            Told.heard += 1
            return np.ones(3)

    training = fit(network(), X, Y, epochs=3, rng=0, callbacks=[Told(), lambda epoch: 1, lambda epoch: [epoch]])
    assert (training.reason, Told.heard) == ("epochs", 3)


def test_callbacks_are_told_the_seed_of_dropout():
    told = []

    class Watch(Callback):
        def on_start(self, settings):
            told.append(settings["dropout_seed"])

    start = network()
    options = {"epochs": 1, "batch_size": 50, "optimizer": SGD(0.1, momentum=0), "rng": 0, "callbacks": Watch()}
    trained = fit(start, X, Y, dropout=0.5, **options).network
    order = np.random.default_rng(0)
    order.integers(2**64, dtype=np.uint64)
    rows = order.permutation(50)
    grads = gradients(start, X[rows], Y[rows], dropout=Dropout(0.5, seed=told[0], step=1))
    np.testing.assert_allclose(trained.W[1], start.W[1] - 0.1 * grads.W[1], rtol=1e-10)


def test_a_batch_of_any_size_is_taken():
    huge = fit(network(), X, Y, epochs=2, batch_size=10**30, rng=0)
    assert huge.losses == fit(network(), X, Y, epochs=2, batch_size=50, rng=0).losses


@pytest.mark.parametrize("engine", ["auto", "formula"])
def test_huge_gradients_are_clipped_to_the_norm(engine):
    start = Network([[[1.0, 1.0]]], [[0.0]], loss="absolute_error")
    end = fit(start, [[1e200, 1e200]], [0.0], epochs=1, clip_norm=1.0, optimizer=SGD(1.0, momentum=0), engine=engine)
    np.testing.assert_allclose(end.network.W[1], start.W[1] - np.sqrt(0.5), rtol=1e-10)


def test_an_activation_of_another_shape_is_refused_by_both_engines():
    shrinking = RegisteredActivation(
        name="shrinking", kinks=(), initialization="he_normal", function=lambda a: a[:1], derivative=np.cos
    )
    start = Network.create([3, 4, 2], shrinking, rng=0)
    for engine in ("auto", "formula"):
        with pytest.raises(InputError, match="activation shrinking gives an array of shape"):
            fit(start, X, Y, engine=engine, rng=0)


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
def test_ctrl_c_is_held_back_once():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests may ignore Ctrl-C
    done = []

    def press(times):
        with held_back():
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
            done.append(times)

    try:
        for times in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                press(times)
        assert done == [1]  # the second one is heard within the block
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("loss", "output"), [("focal", None), ("squared_error", "softmax"), ("categorical_hinge", None)]
)
def test_class_weights_go_with_every_loss_of_classes(loss, output):
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], [30, 10])
    network = Network.create([3, 4, 2], "tanh", loss, output=output, rng=0)
    ours = fit(network, X, y, epochs=2, rng=0, class_weight="balanced")
    by_hand = fit(network, X, y, epochs=2, rng=0, sample_weight=np.where(y == 0, 40 / 60, 40 / 20))
    assert ours.losses == by_hand.losses
    with pytest.raises(InputError, match="with the output function identity has no classes"):
        fit(Network.create([3, 2], loss="huber", rng=0), X, y, class_weight="balanced")


def test_a_run_takes_a_few_bytes_a_row_beyond_the_data():
    rows = 200_000
    X, y = np.zeros((rows, 16), np.float32), np.zeros(rows, np.int64)
    net = Network.create([16, 2, 2], rng=0, dtype="float32")
    tracemalloc.start()
    fit(net, X, y, epochs=2, batch_size=1000, rng=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak / rows < 40  # the order of this epoch and of the next one, and what checks the labels
