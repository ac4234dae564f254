"""Networks and runs that were made sick on purpose: what was done to them is the doctor's first finding."""

from dataclasses import replace

import numpy as np
import pytest

from backtalk import DivergedError, Epoch, Network, fit
from backtalk.analysis.diagnose import NETWORK_RULES, Doctor, diagnose
from backtalk.data import load_data

CASES = {}


def sick(kind):
    """Register a case: a function that gives a diagnosis whose first finding is of this kind."""

    def register(function):
        CASES[function.__name__] = (kind, function)
        return function

    return register


@pytest.mark.parametrize("name", CASES)
def test_the_right_finding_comes_first(name):
    kind, make = CASES[name]
    diagnosis = make()
    found = [(each.kind, each.severity, round(each.excess, 2)) for each in diagnosis.findings]
    assert found, "nothing was found"
    assert found[0][0] == kind, found
    assert diagnosis.findings[0].severity != "note" or kind in ONLY_NOTES, found
    assert diagnosis.healthy == (kind in ONLY_NOTES), found


ONLY_NOTES = {kind for kind, rule in NETWORK_RULES.items() if rule.warning is None and rule.severe is None}


def test_every_kind_has_a_sick_network():
    assert {kind for kind, _ in CASES.values()} == set(NETWORK_RULES)


def trained(network, X, y, weight=None, *, validation=None, X_seen=None, y_seen=None, **settings):
    """Train with a doctor at the bedside, then diagnose; ``X_seen``, ``y_seen``: what fit is given in their place."""
    doctor = Doctor()
    told = {"epochs": 15, "rng": 0, "measure_every": 4, "callbacks": doctor} | settings
    seen = X if X_seen is None else X_seen, y if y_seen is None else y_seen
    try:
        network = fit(network, *seen, weight, validation=validation, **told).network
    except DivergedError as error:
        network = error.network
    return diagnose(network, X, y, weight, validation=validation, history=doctor)


def digits(rows=slice(None)):
    data = load_data("digits")
    return data.X[rows], data.y[rows]


def breast_cancer_as_it_is():
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def spiral():
    rng = np.random.default_rng(0)
    y, t = np.arange(400) % 2, np.sqrt(rng.uniform(0.02, 1, 400))
    angle = 3 * np.pi * t + np.pi * y
    return 2 * t[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), y


def diabetes():
    data = load_data("diabetes")
    return data.X, (data.y - data.y.mean()) / data.y.std()


# Values that are not finite


@sick("non_finite_data")
def a_hole_in_one_column():
    X, y = digits()
    network = fit(Network.create([64, 16, 10], rng=0), X, y, epochs=3, rng=0).network
    X = X.copy()
    X[[7, 900], 20] = np.nan
    return diagnose(network, X, y)


@sick("non_finite_data")
def a_target_that_is_missing():
    X, y = diabetes()
    network = fit(Network.create([10, 16, 1], loss="squared_error", rng=0), X, y, epochs=3, rng=0).network
    y = y.copy()
    y[17] = np.nan
    return diagnose(network, X, y)


@sick("non_finite")
def units_that_leave_the_range_of_float32():
    X, y = digits()
    start = Network.create([64, 32, 32, 10], rng=0, dtype="float32")
    W = [np.asarray(part) * factor for part, factor in zip(start.W.values(), (1e18, 1e18, 1e6), strict=True)]
    return diagnose(Network(W, list(start.b.values()), "relu", "cross_entropy"), X, y)


# Targets


@sick("one_target")
def rows_sorted_by_class_and_cut():
    data = load_data("wine")
    first = data.y == 0
    return trained(Network.create([13, 8, 3], rng=0), data.X[first], data.y[first])


@sick("wrong_loss")
def squared_error_on_class_labels():
    X, y = digits()
    return trained(Network.create([64, 32, 1], loss="squared_error", rng=0), X, y)


@sick("wrong_loss")
def squared_error_on_one_hot_classes():
    X, y = digits()
    return trained(Network.create([64, 32, 10], loss="squared_error", rng=0), X, np.eye(10)[y])


@sick("wrong_loss")
def a_sigmoid_for_each_of_classes_that_exclude_one_another():
    data = load_data("wine")
    return trained(Network.create([13, 16, 3], loss="binary_cross_entropy", rng=0), data.X, np.eye(3)[data.y])


@sick("wrong_loss")
def a_softmax_over_one_output():
    data = load_data("breast_cancer")
    return trained(Network.create([30, 16, 1], rng=0), data.X, np.zeros(len(data.y), int))


@sick("wrong_output")
def a_relu_output_for_a_probability():
    data = load_data("breast_cancer")
    X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    return trained(Network.create([30, 16, 1], "tanh", "binary_cross_entropy", output="relu", rng=0), X, data.y)


@sick("wrong_output")
def a_tanh_output_for_targets_beyond_it():
    data = load_data("diabetes")
    y = (data.y - data.y.mean()) / data.y.std()
    return trained(Network.create([10, 16, 1], loss="squared_error", output="tanh", rng=0), data.X, y)


@sick("wrong_loss")
def absolute_error_on_yes_or_no():
    data = load_data("breast_cancer")
    return trained(Network.create([30, 16, 1], loss="absolute_error", rng=0), data.X, data.y)


@sick("targets_not_scaled")
def blood_sugar_in_its_own_unit():
    data = load_data("diabetes")
    return trained(Network.create([10, 16, 1], loss="squared_error", rng=0), data.X, data.y)


@sick("targets_not_scaled")
def large_targets_and_momentum():
    data = load_data("diabetes")
    network = Network.create([10, 32, 1], loss="squared_error", rng=0)
    return trained(network, data.X, data.y * 50, optimizer="sgd(learning_rate=0.01)")


@sick("targets_too_small")
def targets_in_kilometres_of_things_in_millimetres():
    X, y = diabetes()
    return trained(Network.create([10, 16, 1], "tanh", "squared_error", rng=0), X, y * 1e-6)


@sick("missing_classes")
def one_output_too_many():
    data = load_data("wine")
    return trained(Network.create([13, 16, 4], rng=0), data.X, data.y, epochs=40)


@sick("class_imbalance")
def one_digit_is_rare():
    X, y = digits()
    nine = np.flatnonzero(y == 8)
    kept = np.sort(np.concatenate([np.flatnonzero(y != 8), nine[:6]]))
    return trained(Network.create([64, 16, 10], rng=0), X[kept], y[kept], epochs=8)


# Inputs


@sick("inputs_not_scaled")
def columns_from_a_thousandth_to_thousands():
    X, y = breast_cancer_as_it_is()
    return trained(Network.create([30, 16, 2], "tanh", rng=0), X, y)


@sick("inputs_not_scaled")
def columns_as_they_are_and_relu():
    X, y = breast_cancer_as_it_is()
    return trained(Network.create([30, 16, 1], "relu", "binary_cross_entropy", rng=0), X, y)


@sick("inputs_too_small")
def inputs_divided_twice():
    X, y = digits()
    return trained(Network.create([64, 32, 10], rng=0), X / 255 / 16, y)


@sick("constant_columns")
def columns_that_never_change():
    data = load_data("wine")
    X = np.column_stack([data.X, np.ones((len(data.X), 3))])
    return trained(Network.create([16, 16, 3], rng=0), X, data.y, epochs=80)


@sick("duplicate_columns")
def columns_twice():
    data = load_data("wine")
    X = np.column_stack([data.X, data.X[:, 4:7]])
    return trained(Network.create([16, 16, 3], rng=0), X, data.y, epochs=80)


# Weights and layers


@sick("symmetry")
def all_weights_alike():
    X, y = digits()
    W = [np.full((16, 64), 0.1), np.full((10, 16), 0.1)]
    network = Network(W, [np.zeros(16), np.zeros(10)], "tanh")
    return trained(network, X, y)


@sick("symmetry")
def all_weights_zero():
    X, y = digits()
    network = Network([np.zeros((16, 64)), np.zeros((10, 16))], [np.zeros(16), np.zeros(10)], "tanh")
    return trained(network, X, y)


@sick("exploding_gradient")
def weights_three_times_too_large_in_a_deep_network():
    X, y = digits()
    start = Network.create([64] + [32] * 9 + [10], rng=0)
    W = [W * 3.0 for W in start.W.values()]
    return diagnose(Network(W, list(start.b.values()), "relu"), X, y)


@sick("vanishing_gradient")
def ten_layers_of_sigmoids():
    X, y = digits()
    return trained(Network.create([64] + [32] * 9 + [10], "sigmoid", rng=0), X, y, epochs=8)


@sick("vanishing_gradient")
def weights_too_small_in_a_deep_network():
    X, y = digits()
    start = Network.create([64] + [32] * 6 + [10], "tanh", rng=0)
    W = [W * 0.2 for W in start.W.values()]
    return trained(Network(W, list(start.b.values()), "tanh"), X, y, epochs=6, optimizer="sgd(learning_rate=0.01)")


@sick("dead_units")
def most_biases_far_below_zero():
    X, y = digits()
    start = Network.create([64, 32, 10], rng=0)
    b = [np.where(np.arange(32) < 26, -8.0, 0.0), np.zeros(10)]
    return trained(Network(list(start.W.values()), b, "relu"), X, y)


@sick("nothing_arrives")
def all_biases_far_below_zero():
    X, y = digits()
    start = Network.create([64, 32, 10], rng=0)
    return trained(Network(list(start.W.values()), [np.full(32, -8.0), np.zeros(10)], "relu"), X, y)


@sick("nothing_arrives")
def an_output_of_relu_that_is_below_zero_for_every_row():
    X, y = diabetes()
    start = Network.create([10, 16, 1], loss="squared_error", output="relu", rng=0)
    network = start.replace(list(start.W.values()), [np.zeros(16), np.full(1, -20.0)])
    return trained(network, X, y - y.min())


@sick("linear_layers")
def layers_without_an_activation():
    X, y = digits()
    return trained(Network.create([64, 32, 32, 10], ["relu", "identity"], rng=0), X, y)


@sick("symmetry")
def one_layer_of_equal_weights_that_training_parts():
    X, y = digits()
    start = Network.create([64, 16, 10], "tanh", rng=0)
    return trained(start.replace([np.full((16, 64), 0.05), start.W[2]], list(start.b.values())), X, y)


@sick("symmetry")
def one_layer_of_zeros():
    X, y = digits()
    start = Network.create([64, 16, 16, 10], rng=0)
    return trained(start.replace([start.W[1], np.zeros((16, 16)), start.W[3]], list(start.b.values())), X, y)


@sick("exploding_gradient")
def initial_weights_far_too_large():
    X, y = digits()
    return trained(Network.create([64, 32, 32, 10], initialization="normal(std=5)", rng=0), X, y)


@sick("saturated_units")
def weights_too_large_for_tanh():
    X, y = digits()
    start = Network.create([64, 32, 10], "tanh", rng=0)
    W = [start.W[1] * 60, start.W[2]]
    return trained(Network(W, list(start.b.values()), "tanh"), X, y)


@sick("layer_not_learning")
def a_layer_that_the_optimizer_was_not_given():
    X, y = digits()
    network, doctor, state = Network.create([64, 32, 32, 10], rng=0), Doctor(), None
    for number in range(1, 9):
        training = fit(network, X, y, epochs=1, rng=number, state=state)
        W, b = training.network.to_lists()
        W[1], b[1] = network.W[2], network.b[2]  # as where a list of parameters leaves one layer out
        network, state = Network(W, b, "relu"), training.state
        doctor.on_epoch(Epoch(number, training.losses[-1], network))
    return diagnose(network, X, y, history=doctor)


# Examples


@sick("mislabelled_examples")
def labels_that_were_flipped():
    X, y = digits()
    rng, wrong = np.random.default_rng(0), y.copy()
    rows = rng.choice(len(y), len(y) // 20, replace=False)
    wrong[rows] = (y[rows] + rng.integers(1, 10, len(rows))) % 10
    diagnosis = trained(Network.create([64, 32, 10], rng=0), X, wrong, epochs=15)
    listed = diagnosis.findings[0].examples
    assert len(set(listed) & set(rows.tolist())) >= 0.9 * len(listed)
    return diagnosis


@sick("dominating_examples")
def three_targets_with_a_slipped_decimal_point():
    X, y = diabetes()
    y = y.copy()
    y[[5, 80, 300]] *= 200
    diagnosis = trained(Network.create([10, 16, 1], "tanh", "squared_error", rng=0), X, y / y.std())
    assert set(diagnosis.findings[0].examples[:3]) == {5, 80, 300}
    return diagnosis


# Steps


@sick("batch_too_small")
def one_example_a_step():
    X, y = diabetes()
    network = Network.create([10, 16, 1], "tanh", "squared_error", rng=0)
    return trained(network, X, y, batch_size=1, epochs=20, optimizer="sgd(learning_rate=0.05, momentum=0)")


@sick("learning_rate_too_high")
def steps_a_hundred_times_too_long():
    X, y = digits()
    return trained(Network.create([64, 32, 10], rng=0), X, y, optimizer="adam(learning_rate=0.3)", batch_size=256)


@sick("learning_rate_too_high")
def steps_that_diverge():
    X, y = diabetes()
    network = Network.create([10, 32, 1], "tanh", "squared_error", rng=0)
    return trained(network, X, y, optimizer="sgd(learning_rate=0.6, momentum=0.9)", batch_size=442)


@sick("learning_rate_too_high")
def a_rate_that_silences_units_of_a_regression():
    X, y = diabetes()
    network = Network.create([10, 64, 64, 1], loss="squared_error", rng=0)
    return trained(network, X, y, optimizer="sgd(learning_rate=0.1)", measure_every=10)


@sick("learning_rate_too_high")
def steps_that_diverge_in_the_first_epoch():
    X, y = diabetes()
    network = Network.create([10, 64, 64, 1], loss="squared_error", rng=0)
    return trained(network, X, y, optimizer="sgd(learning_rate=5)")


@sick("learning_rate_too_low")
def an_end_that_is_worse_than_a_constant():
    X, y = diabetes()
    network = Network.create([10, 16, 1], loss="squared_error", rng=2)
    return trained(network, X, y, optimizer="adam(learning_rate=1e-5)", epochs=50)


@sick("learning_rate_too_low")
def steps_a_thousand_times_too_short():
    X, y = digits()
    return trained(Network.create([64, 32, 10], rng=0), X, y, optimizer="adam(learning_rate=1e-6)")


@sick("training_too_short")
def stopped_on_the_way():
    data = load_data("wine")
    network = Network.create([13, 16, 3], "tanh", rng=0)
    return trained(network, data.X, data.y, optimizer="sgd(learning_rate=0.001, momentum=0)", epochs=30)


@sick("training_too_short")
def one_epoch():
    X, y = digits()
    return trained(Network.create([64, 32, 10], rng=0), X, y, epochs=1)


# Fit


@sick("overfitting")
def forty_examples_by_heart():
    X, y = diabetes()
    network = Network.create([10, 64, 64, 1], loss="squared_error", rng=0)
    return trained(network, X[:60], y[:60], validation=(X[60:], y[60:]), epochs=150)


@sick("underfitting")
def a_straight_line_through_circles():
    rng = np.random.default_rng(0)
    radius, angle = np.repeat([0.5, 1.5], 300), rng.uniform(0, 2 * np.pi, 600)
    X = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    start = Network([rng.normal(size=(2, 2)) * 2], [np.zeros(2)])
    return trained(start, X, (radius > 1).astype(int), epochs=30)


@sick("underfitting")
def few_units_for_a_spiral():
    X, y = spiral()
    return trained(Network.create([2, 3, 2], "tanh", rng=0), X, y, epochs=200, optimizer="adam(learning_rate=0.01)")


@sick("penalty_too_strong")
def a_penalty_that_leaves_nothing():
    X, y = digits()
    return trained(Network.create([64, 32, 10], "tanh", rng=0), X, y, l2_penalty=1.0, epochs=10)


@sick("penalty_too_strong")
def a_penalty_that_leaves_little():
    X, y = digits()
    return trained(Network.create([64, 32, 10], rng=0), X, y, l2_penalty=0.1, epochs=10)


@sick("penalty_too_strong")
def a_decay_that_is_decoupled():
    X, y = digits()
    return trained(Network.create([64, 32, 10], rng=0), X, y, optimizer="adamw(weight_decay=10)", epochs=10)


@sick("dropout_too_strong")
def nine_of_ten_units_are_dropped():
    X, y = digits()
    return trained(Network.create([64, 32, 10], rng=0), X, y, dropout=0.9, epochs=10)


@sick("uninformative_features")
def targets_of_other_rows():
    X, y = diabetes()
    return trained(Network.create([10, 16, 1], loss="squared_error", rng=0), X, np.random.default_rng(0).permutation(y))


@sick("uninformative_features")
def targets_of_other_rows_learned_by_heart():
    X, y = diabetes()
    y = np.random.default_rng(0).permutation(y)
    network = Network.create([10, 64, 64, 1], loss="squared_error", rng=0)
    return trained(network, X, y, epochs=80, optimizer="adam(learning_rate=0.005)")


@sick("loss_stands_still")
def steps_that_lead_nowhere():
    X, y = spiral()
    networks = [Network.create([2, 8, 2], "tanh", rng=number) for number in range(1, 13)]
    networks = [each.replace([0.1 * W for W in each.W.values()], list(each.b.values())) for each in networks]
    return diagnose(networks[-1], X, y, history=[Epoch(k, 0.695, each) for k, each in enumerate(networks, start=1)])


def test_a_finding_of_a_sick_run_can_be_replaced():
    """Findings are frozen values; what changes one makes another."""
    first = a_straight_line_through_circles().findings[0]
    assert replace(first, severity="note").severity == "note"
