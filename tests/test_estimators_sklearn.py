"""scikit-learn's own tests of its perceptrons, run against ours, and its checks of every estimator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.utils.estimator_checks import parametrize_with_checks

from backtalk import HiddenUnits, MLPClassifier, MLPRegressor

THEIRS = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
# The tests that fail, and why
DIFFERENT = {
    "test_fit": "writes weights and counters into an estimator that was never fitted, under private names",
    "test_gradient": "calls the private _loss_grad_lbfgs; ours is proven by tests/test_one_rule.py",
    "test_mlp_partial_fit_after_fit[MLPClassifier]": "wants partial_fit to refuse early_stopping=True; ours does it",
    "test_mlp_partial_fit_after_fit[MLPRegressor]": "wants partial_fit to refuse early_stopping=True; ours does it",
}
PLUGIN = '''
"""Puts our estimators in the place of scikit-learn's while its tests are imported."""
import pytest
import sklearn.neural_network
from backtalk import MLPClassifier, MLPRegressor
sklearn.neural_network.MLPClassifier = MLPClassifier
sklearn.neural_network.MLPRegressor = MLPRegressor

@pytest.fixture
def global_random_seed():  # of scikit-learn's own conftest
    return 0
'''


@pytest.mark.skipif(not THEIRS.exists(), reason="scikit-learn was installed without its tests")
def test_scikit_learns_own_tests_pass_but_for_those_that_are_named(tmp_path):
    (tmp_path / "backtalk_for_sklearn.py").write_text(PLUGIN)
    (tmp_path / "test_mlp_theirs.py").write_text(THEIRS.read_text())
    command = [
        sys.executable, "-m", "pytest", "-p", "backtalk_for_sklearn", "-p", "no:cacheprovider", "-q", "-rA",
        "--tb=no", "--rootdir", str(tmp_path), str(tmp_path / "test_mlp_theirs.py"),
    ]  # fmt: skip
    found = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    lines = [line.split(" - ")[0].split("::") for line in found.stdout.splitlines() if "::" in line]
    passed = {name for verdict, name in lines if verdict.startswith("PASSED")}
    failed = {name for verdict, name in lines if verdict.startswith(("FAILED", "ERROR"))}
    assert len(passed) > 50, found.stdout[-3000:] + found.stderr[-3000:]
    assert failed == set(DIFFERENT), found.stdout[-6000:]
    assert len(passed) >= 0.9 * (len(passed) + len(failed))


@parametrize_with_checks(
    [MLPClassifier(max_iter=50), MLPRegressor(max_iter=50), HiddenUnits(MLPClassifier(max_iter=5, random_state=0))]
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks_of_every_estimator(estimator, check):
    check(estimator)


BAD_INPUTS = {
    "NaN": np.array([[1.0, np.nan]]),
    "infinity": np.array([[1.0, -np.inf], [0.0, 0.0]]),
    "a column too many": np.zeros((3, 3)),
    "no rows": np.zeros((0, 2)),
    "one dimension": np.zeros(2),
    "three dimensions": np.zeros((1, 2, 1)),
    "complex numbers": np.zeros((1, 2), complex),
}


@pytest.mark.parametrize("what", BAD_INPUTS)
def test_a_prediction_refuses_what_scikit_learn_refuses_in_its_words(what):
    def refusal(model):
        with pytest.raises((ValueError, TypeError)) as caught:
            model.predict_proba(BAD_INPUTS[what])
        return type(caught.value), str(caught.value)

    theirs = sklearn.neural_network.MLPClassifier([2], solver="lbfgs", max_iter=20000, alpha=10.0)
    theirs.fit([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    assert refusal(MLPClassifier.from_sklearn(theirs)) == refusal(theirs)


def test_a_prediction_takes_numbers_whose_sum_is_too_large_for_their_dtype():
    theirs = sklearn.neural_network.MLPClassifier([2], solver="lbfgs", max_iter=20000, alpha=10.0)
    theirs.fit(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32), [0, 1])
    X = np.full((4, 2), 3e38, np.float32)
    assert np.isfinite(MLPClassifier.from_sklearn(theirs).predict_proba(X)).all()
