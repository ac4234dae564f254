"""diagnosis.fix: what it changes, how it compares, what it gives back, and what it leaves alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from backtalk import (
    DivergedError,
    Doctor,
    InputError,
    InputTypeError,
    Network,
    UnknownNameError,
    diagnose,
    fit,
    forward,
)
from backtalk.analysis.diagnose import NETWORK_RULES, RULES, Finding
from backtalk.analysis.diagnose.fix.actions import ACTIONS, act
from backtalk.analysis.diagnose.fix.case import Case
from backtalk.analysis.diagnose.fix.plan import Plan
from backtalk.analysis.diagnose.fix.scaling import fold, scale_of_inputs, scale_of_targets
from backtalk.analysis.diagnose.fix.scores import Scores
from backtalk.analysis.diagnose.telemetry import Telemetry


def clusters(rows=240, seed=0):
    """Three classes that are easy to tell apart; the last quarter is held out."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 3
    X = rng.normal(size=(rows, 4)) + 3 * np.eye(3, 4)[y]
    return X[: rows * 3 // 4], y[: rows * 3 // 4], X[rows * 3 // 4 :], y[rows * 3 // 4 :]


def numbers(rows=240, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    y = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * rng.normal(size=rows)
    return X[: rows * 3 // 4], y[: rows * 3 // 4], X[rows * 3 // 4 :], y[rows * 3 // 4 :]


def fixed(network, data, change=lambda X: X, target=lambda y: y, rng=0, **settings):
    """Train, diagnose and fix, with the last quarter as validation."""
    X, y, X_test, y_test = data
    X, X_test, y, y_test = change(X), change(X_test), target(y), target(y_test)
    doctor = Doctor()
    try:
        network = fit(network, X, y, callbacks=doctor, measure_every=2, rng=0, **settings).network
    except DivergedError as error:
        network = error.network
    diagnosis = diagnose(network, X, y, history=doctor, validation=(X_test, y_test))
    return diagnosis.fix(network, X, y, validation=(X_test, y_test), rng=rng), network, (X_test, y_test)


CASES = {
    "inputs_not_scaled": (
        clusters, {"sizes": [4, 8, 3], "activation": "tanh"}, {"epochs": 40}, {"change": lambda X: X * [1, 1, 1, 5000]}
    ),
    "inputs_too_small": (clusters, {"sizes": [4, 8, 3]}, {"epochs": 40}, {"change": lambda X: X * 1e-5}),
    "targets_not_scaled": (
        numbers, {"sizes": [4, 8, 1], "loss": "squared_error"}, {"epochs": 40}, {"target": lambda y: y * 400 + 3000}
    ),
    "wrong_loss": (
        clusters, {"sizes": [4, 8, 3], "loss": "squared_error"}, {"epochs": 5}, {"target": lambda y: np.eye(3)[y]}
    ),
    "wrong_output": (
        numbers, {"sizes": [4, 8, 1], "loss": "squared_error", "output": "sigmoid"}, {"epochs": 60}, {}
    ),
    "learning_rate_too_high": (
        clusters, {"sizes": [4, 8, 3], "activation": "tanh"},
        {"epochs": 20, "optimizer": "sgd(learning_rate=60)"}, {},
    ),
    "learning_rate_too_low": (
        clusters, {"sizes": [4, 8, 3]}, {"epochs": 20, "optimizer": "adam(learning_rate=1e-7)"}, {}
    ),
    "symmetry": (clusters, {"sizes": [4, 8, 3], "initialization": "zeros"}, {"epochs": 40}, {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_the_first_round_acts_on_the_first_finding_and_the_held_out_rows_get_better(kind):
    data, made, settings, change = CASES[kind]
    result, before, (X, y) = fixed(Network.create(rng=0, **made), data(), **change, **settings)
    first = result.rounds[0]
    assert first.finding.kind == kind, [each.finding.kind for each in result.rounds]
    assert result.is_better, str(result)
    assert len(result.rounds) <= 3
    assert result.network is not before
    assert result.network.sizes[0] == 4
    first_score = next(iter(result.before))  # accuracy, or RMSE
    if first_score == "accuracy":  # the network takes X as it is
        said = forward(result.network, X).output.argmax(axis=1)
        truth = y.argmax(axis=1) if np.ndim(y) == 2 else y
        assert float((said == truth).mean()) == pytest.approx(result.after["accuracy"])
    else:  # and predicts in the unit of the targets
        wrong = forward(result.network, X).output[:, 0] - y
        assert float(np.sqrt((wrong**2).mean())) == pytest.approx(result.after["rmse"])
        assert result.after["rmse"] < result.before["rmse"]


def test_a_healthy_network_stays_and_nothing_is_trained():
    X, y, *_ = clusters()
    network = fit(Network.create([4, 8, 3], "tanh", rng=0), X, y, epochs=60, rng=0).network
    result = diagnose(network, X, y).fix(network, X, y)
    assert (result.rounds, result.ended, result.network is network) == ((), "healthy", True)
    assert result.before == result.after
    assert "nothing was trained" in str(result)


def test_what_did_not_help_is_taken_back_and_the_network_given_is_the_result():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 4)), rng.integers(2, size=300)  # nothing to learn, so that nothing gets better
    network = fit(Network.create([4, 32, 2], rng=0), X[:200], y[:200], epochs=30, rng=0).network
    found = diagnose(network, X[:200], y[:200])
    told = Finding("dead_units", "warning", 1.0, "dead units in layer 1", "", "", layer=1)
    result = replace(found, findings=(told,)).fix(network, X[:200], y[:200], validation=(X[200:], y[200:]), epochs=5)
    assert not result.is_better, str(result)
    assert result.network is network
    assert result.after == result.before
    assert "so the network stays as it was" in result.verdict


def test_without_a_validation_set_one_row_of_five_is_held_out_of_every_class():
    X, y, *_ = clusters()
    X = X * [1, 1, 1, 5000]
    network = Network.create([4, 8, 3], "tanh", rng=0)
    result = diagnose(network, X, y).fix(network, X, y, epochs=20)
    assert result.examples == len(X) // 5
    assert "may have learned from them" in result.heading
    again = diagnose(network, X, y).fix(network, X, y, epochs=20)
    assert again.after == result.after  # the same seed gives the same


def test_settings_of_the_run_are_kept_but_for_what_is_changed_and_what_is_given():
    X, y, *held_out = clusters()
    X, held_out = X * 1e-5, (held_out[0] * 1e-5, held_out[1])
    doctor = Doctor()
    told = {"epochs": 7, "batch_size": 11, "optimizer": "sgd(learning_rate=0.05)", "l2_penalty": 1e-4, "dropout": 0.1}
    network = fit(Network.create([4, 8, 3], rng=0, dtype="float32"), X, y, callbacks=doctor, rng=0, **told).network
    diagnosis = diagnose(network, X, y, history=doctor)
    first = diagnosis.fix(network, X, y, validation=held_out).rounds[0].settings
    assert {name: first[name] for name in ("epochs", "batch_size", "l2_penalty", "dropout")} == {
        "epochs": 7, "batch_size": 11, "l2_penalty": 1e-4, "dropout": 0.1,
    }  # fmt: skip
    assert first["optimizer"] == "sgd(learning_rate=0.05)"
    result = diagnosis.fix(network, X, y, validation=held_out, epochs=9)
    assert result.rounds[0].settings["epochs"] == 9
    assert result.network.W[1].dtype == np.float32


def test_rows_that_are_not_finite_are_left_out():
    X, y, *held_out = clusters()
    network = Network.create([4, 8, 3], "tanh", rng=0)
    X = X.copy()
    X[::7, 1] = np.nan
    result = diagnose(network, X, y).fix(network, X, y, validation=held_out, epochs=30)
    assert (result.rounds[0].finding.kind, result.is_better) == ("non_finite_data", True)
    assert result.after["accuracy"] > 0.9


def test_labels_that_were_taken_for_numbers_are_judged_as_classes():
    result, _, _ = fixed(
        Network.create([4, 8, 1], loss="squared_error", rng=0), clusters(), target=lambda y: y.astype(float), epochs=20
    )
    assert result.network.sizes == (4, 8, 3)
    assert result.after["accuracy"] > result.before["accuracy"]
    assert result.before["log_loss"] is None


def test_classes_of_very_different_weight_are_judged_alike():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 3))
    y = (X[:, 0] + 0.3 * rng.normal(size=900) > 2.0).astype(int)
    result, _, _ = fixed(Network.create([3, 8, 2], rng=0), (X[:600], y[:600], X[600:], y[600:]), epochs=12)
    assert result.rounds[0].settings["class_weight"] == "balanced"
    assert result.after["balanced_accuracy"] > result.before["balanced_accuracy"]


def test_the_report_stands_side_by_side_and_is_json():
    data, made, settings, change = CASES["inputs_too_small"]
    result, _, _ = fixed(Network.create(rng=0, **made), data(), **change, **settings)
    lines = str(result).splitlines()
    assert lines[0] == "60 held-out rows: the validation set"
    assert lines[1].split()[:5] == ["held-out", "rows", "before", "round", "1"]
    assert any(line.startswith("accuracy") for line in lines)
    assert any(line.startswith("1. inputs are very small → scaled each column") for line in lines)
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["is_better"] is True
    assert told["rounds"][0]["finding"]["kind"] == "inputs_too_small"
    assert told["after"]["accuracy"] == result.after["accuracy"]
    assert repr(result).startswith("Fixed: round 1 is the best")


def test_nothing_that_is_given_is_changed():
    X, y, *_ = clusters()
    X = X * 5000
    network = Network.create([4, 8, 3], rng=0)
    before = X.copy(), y.copy(), network.W[1].copy()
    diagnosis = diagnose(network, X, y)
    findings = diagnosis.findings
    diagnosis.fix(network, X, y, epochs=3)
    assert all(np.array_equal(*pair) for pair in zip(before, (X, y, network.W[1]), strict=True))
    assert diagnosis.findings is findings


def test_a_fixed_network_is_no_longer_said_to_have_unscaled_inputs_or_targets():
    X, y, *_ = numbers()
    X, y = X * [1, 1, 900, 1], y * 500 + 4000
    network = Network.create([4, 8, 1], loss="squared_error", rng=0)
    result = diagnose(network, X, y).fix(network, X, y, epochs=60)
    assert [each.finding.kind for each in result.rounds][:2] == ["inputs_not_scaled", "targets_not_scaled"]
    assert not {"inputs_not_scaled", "targets_not_scaled"} & {
        each.kind for each in diagnose(result.network, X, y).findings
    }


def test_arguments_that_do_not_fit_are_refused():
    X, y, *_ = clusters()
    network = Network.create([4, 8, 3], rng=0)
    diagnosis = diagnose(network, X * 5000, y)
    with pytest.raises(UnknownNameError, match="epoch"):
        diagnosis.fix(network, X, y, epoch=3)
    with pytest.raises(InputError, match="epochs is 0"):
        diagnosis.fix(network, X, y, epochs=0)
    with pytest.raises(InputTypeError, match="validation is neither"):
        diagnosis.fix(network, X, y, validation=X)
    with pytest.raises(InputError, match="is not the one that was diagnosed"):
        diagnosis.fix(Network.create([5, 3], rng=0), np.ones((12, 5)), np.arange(12) % 3)
    with pytest.raises(InputError, match="expected 10 or more"):
        diagnosis.fix(network, X[:6], y[:6])


# Scales


@pytest.mark.parametrize("output", ["identity", "relu", "leaky_relu", "exp"])
def test_folded_scales_give_what_scaling_gives(output):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3)) * [1, 1e3, 1e-3] + [0, 5e4, 1]
    X = np.column_stack([X, np.full(50, 7.0)])  # one column never changes
    t = np.abs(rng.normal(size=(50, 2))) * [30, 4000] + 10
    inner = Network.create([4, 5, 2], "tanh", "squared_error", output=output, rng=0)
    inputs, targets = scale_of_inputs(X), scale_of_targets(t, inner.output)
    whole = fold(inner, inputs, targets)
    expected = forward(inner, inputs.apply(X)).output * targets.size + targets.mean
    assert forward(whole, X).output == pytest.approx(expected, rel=1e-9)
    other = X + np.array([0, 0, 0, 100])  # what never changed in training says nothing
    assert forward(whole, other).output == pytest.approx(expected, rel=1e-9)


def test_float32_becomes_float64_where_a_folded_layer_would_lose_digits():
    network = Network.create([1, 2], rng=0, dtype="float32")
    near, far = (scale_of_inputs(np.array([[0.0], [1.0]]) + shift) for shift in (0, 1e6))
    assert fold(network, near, None).W[1].dtype == np.float32
    assert fold(network, far, None).W[1].dtype == np.float64


# Scores


def test_accuracy_decides_beyond_chance_and_else_the_log_loss():
    def scores(right, log_loss):
        flags, weight = np.arange(100) < right, np.full(100, 0.01)
        return Scores({"accuracy": right / 100, "log_loss": log_loss}, flags.astype(float), weight)

    assert scores(80, 2.0).beats(scores(60, 0.5))  # accuracy, whatever the log loss is
    assert scores(79, 0.4).beats(scores(80, 0.5))  # one row is chance
    assert not scores(81, 0.5).beats(scores(80, 0.5))
    assert scores(81, None).beats(scores(80, 0.5))


# Actions


def case(sizes=(4, 8, 3), data=clusters, **made):
    X, y, *_ = data()
    network = Network.create(sizes, rng=0, **made)
    found = diagnose(network, X, y)
    told = Telemetry(settings={"epochs": 20, "batch_size": 32, "optimizer": "sgd(learning_rate=0.1)"})
    return Case(Plan.of(network, told, {}, len(X)), found.measurements, len(X), first=True, epochs=20)


def test_every_kind_that_a_training_can_mend_has_an_action_and_no_other_kind_has():
    of_the_data_alone = {
        "one_target", "constant_columns", "duplicate_columns", "missing_classes", "uninformative_features",
        "mislabelled_examples",
    }  # fmt: skip
    assert set(ACTIONS) == set(NETWORK_RULES) - of_the_data_alone
    assert set(ACTIONS) <= set(RULES)


@pytest.mark.parametrize(
    ("kind", "made", "settings", "name", "expected"),
    [
        ("linear_layers", {"activation": "identity"}, {}, "activations", ("relu",)),
        ("vanishing_gradient", {"activation": "sigmoid"}, {}, "activations", ("relu",)),
        ("dead_units", {}, {}, "activations", ("leaky_relu",)),
        ("penalty_too_strong", {}, {"l2_penalty": 1.0}, "l2_penalty", 1e-4),
        ("dropout_too_strong", {}, {"dropout": 0.95}, "dropout", 0.2),
        ("class_imbalance", {}, {}, "class_weight", "balanced"),
        ("dominating_examples", {}, {}, "clip_norm", 1.0),
        ("batch_too_small", {}, {}, "schedule", "cosine"),
        ("training_too_short", {}, {}, "epochs", 40),
        ("overfitting", {}, {}, "patience", 5),
        ("learning_rate_too_low", {}, {"optimizer": "sgd(learning_rate=1e-5)"}, "optimizer", "sgd"),
        ("learning_rate_too_high", {}, {"optimizer": "adam(learning_rate=1)"}, "optimizer", "adam(learning_rate=0.01)"),
        ("underfitting", {}, {"optimizer": "adam"}, "sizes", (4, 32, 3)),
    ],
)
def test_an_action_does_what_the_advice_says(kind, made, settings, name, expected):
    given = case(**made)
    given = replace(given, plan=given.plan.with_settings(**settings), first=False)
    plan, said, _ = act(Finding(kind, "warning", 10.0, "", "", ""), given)
    found = getattr(plan, name) if hasattr(plan, name) else getattr(plan.settings, name)
    assert (found if isinstance(expected, float | int | tuple) else f"{found}") == expected
    assert said


@pytest.mark.parametrize(("kind", "rate", "why"), [("low", 1e-6, True), ("low", 0.02, False), ("high", 5000, True)])
def test_a_rate_far_from_the_usual_one_goes_there_and_it_is_said(kind, rate, why):
    given = case()
    given = replace(given, plan=given.plan.with_settings(optimizer=f"sgd(learning_rate={rate})"))
    _, said, _ = act(Finding(f"learning_rate_too_{kind}", "warning", 10.0, "", "", ""), given)
    assert said.endswith(", which is far from the usual one of sgd") is why


def test_a_network_of_which_no_run_is_known_is_judged_by_simple_models():
    data = load_digits()
    X, y = data.data / 16, data.target
    network = fit(Network.create([64, 16, 10], rng=0), X, y, epochs=1, rng=0).network
    found = diagnose(network, X, y)
    assert [each.kind for each in found.findings if each.severity == "warning"] == ["underfitting"]
    first = found.fix(network, X, y, epochs=10).rounds[0]
    assert (first.change, first.is_better) == ("trained from new random weights, for 10 epochs", True)
    raw = Network.create([64, 16, 10], rng=0)
    assert {each.kind: each.severity for each in diagnose(raw, X, y).findings}["underfitting"] == "note"
    large = Network([10 * raw.W[1], raw.W[2]], [raw.b[1], raw.b[2]])
    assert {each.kind: each.severity for each in diagnose(large, X, y).findings}["underfitting"] == "warning"


def test_an_action_that_was_tried_or_changes_nothing_is_passed_over():
    given = case(activation="leaky_relu")
    finding = Finding("dead_units", "warning", 1.0, "", "", "")
    _, said, action = act(finding, given)
    assert "learning rate" in said  # leaky_relu is there already
    assert act(finding, given, {action}) is None
