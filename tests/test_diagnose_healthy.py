"""Networks that were trained well: the doctor has nothing to say but notes."""

import numpy as np
import pytest

from backtalk import Network, fit
from backtalk.analysis.diagnose import Doctor, diagnose
from backtalk.data import load_data

# data, hidden layers, activation, loss, what fit is told
RUNS = {
    "digits_relu": ("digits", [32], "relu", "cross_entropy", {"epochs": 30}),
    "digits_tanh": ("digits", [64, 32], "tanh", "cross_entropy", {"epochs": 20}),
    "digits_deep_relu": ("digits", [64, 64, 32, 32], "relu", "cross_entropy", {"epochs": 20, "dropout": 0.1}),
    "digits_sgd": ("digits", [48], "relu", "cross_entropy", {"epochs": 30, "optimizer": "sgd(learning_rate=0.03)"}),
    "wine_relu": ("wine", [16], "relu", "cross_entropy", {"epochs": 60, "patience": 10}),
    "wine_tanh": ("wine", [16, 8], "tanh", "cross_entropy", {"epochs": 60, "optimizer": "adam(learning_rate=3e-3)"}),
    "breast_cancer_relu": ("breast_cancer", [16], "relu", "binary_cross_entropy", {"epochs": 30, "patience": 10}),
    "breast_cancer_tanh": ("breast_cancer", [16, 16], "tanh", "cross_entropy", {"epochs": 20, "l2_penalty": 1e-3}),
    "diabetes_relu": ("diabetes", [16], "relu", "squared_error", {"epochs": 60, "patience": 10}),
    "diabetes_tanh": ("diabetes", [16, 8], "tanh", "squared_error", {"epochs": 60, "patience": 10}),
    "diabetes_huber": ("diabetes", [16], "tanh", "huber", {"epochs": 60, "patience": 10}),
}


def run(name, seed):
    source, hidden, activation, loss, settings = RUNS[name]
    data = load_data(source)
    order = np.random.default_rng(seed).permutation(len(data.X))
    X, y = data.X[order], data.y[order]
    if source == "diabetes":
        y = (y - y.mean()) / y.std()
    held_out = len(X) // 5
    train, validation = (X[held_out:], y[held_out:]), (X[:held_out], y[:held_out])
    outputs = 1 if loss in ("squared_error", "huber", "binary_cross_entropy") else len(np.unique(y))
    network = Network.create([X.shape[1], *hidden, outputs], activation, loss, rng=seed)
    doctor, told = Doctor(), []
    doctor.tell = told.append
    training = fit(
        network, *train, validation=validation, callbacks=doctor, measure_every=3, rng=seed, **settings
    )  # fmt: skip
    diagnosis = diagnose(training.network, *train, validation=validation, history=doctor, columns=data.columns)
    return diagnosis, doctor, told


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", RUNS)
def test_a_healthy_run_has_no_finding_above_note(name, seed):
    diagnosis, doctor, told = run(name, seed)
    assert diagnosis.healthy, [(each.kind, each.severity, each.said) for each in diagnosis.findings]
    assert all(each.severity == "note" for each in doctor.findings)
    assert not [text for text in told if "warning" in text or "severe" in text]
