"""What a notebook shows of each result: escaped, small, without scripts, and nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from backtalk import Layers, Network, Training, check, exercise, explain_step, fit, forward, gradients, influence, paths
from backtalk.analysis.check.report import CheckReport, CheckRow
from backtalk.pages.view import MOST_ROWS, Bar, Verdict, rows_table, view

NETWORK = Network.create([2, 3, 2], "tanh", rng=0)
X, Y = np.array([[1.0, -2.0], [0.5, 1.0], [2.0, 2.0]]), np.array([0, 1, 1])


def wrong(network, X, y):
    grads = gradients(network, X, y)
    return list(grads.W.values()), [b / len(X) for b in grads.b.values()]


RESULTS = {
    "check": lambda: check(NETWORK, X, Y),
    "failed check": lambda: check(NETWORK, X, Y, backward=wrong),
    "gradients": lambda: gradients(NETWORK, X, Y),
    "gradients of float32": lambda: gradients(NETWORK.to(np, dtype="float32"), X.astype("float32"), Y),
    "layers": lambda: NETWORK.W,
    "trace": lambda: forward(NETWORK, X),
    "paths": lambda: paths(NETWORK, X[0], 0, "W[1,2,1]"),
    "training": lambda: fit(NETWORK, X, Y, epochs=5, batch_size=1, rng=0, validation=(X, Y)),
    "influence": lambda: influence(NETWORK, (X, Y), (X, Y), k=2),
    "exercise": lambda: exercise(1),
    "key": lambda: exercise(1).key,
    "marks": lambda: exercise(0).check({"yhat": ["1/3", "2/3"], "loss": 7}),
    "update": lambda: explain_step(NETWORK, X, Y, "adam", "W[1,2,1]"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_view_is_well_formed_and_small_and_loads_and_runs_nothing(name):
    shown = RESULTS[name]()._repr_html_()
    ElementTree.fromstring(f"<all>{re.sub('<wbr>|&#x2061;', '', shown)}</all>")
    assert len(shown) < 40_000
    assert not re.findall(r"<script|<link|@import|https?://|\bon[a-z]+=", shown)


def test_the_gradients_of_each_layer_stand_with_bars():
    shown = gradients(NETWORK, X, Y)._repr_html_()
    assert shown.count("<tr>") == 1 + 3
    assert shown.count("class='bar'") == 2 * 4 + 1
    assert f"{np.linalg.norm(gradients(NETWORK, X, Y).W[2]):.4g}" in shown


def test_an_exercise_shows_its_sheet_and_no_answer():
    made = exercise(0)
    assert made._repr_html_() == made.sheet._repr_html_() != made.key._repr_html_()
    assert made._repr_html_().count("____") > 20


def test_the_verdict_and_the_mistake_of_a_check_are_told():
    report = check(NETWORK, X, Y, backward=wrong)
    shown = report._repr_html_()
    assert report.mistake is not None
    assert report.mistake.said in shown
    assert "class='bad'" in shown
    assert "class='bad'" not in check(NETWORK, X, Y)._repr_html_()


def test_losses_that_are_not_positive_or_missing_are_drawn_too():
    for losses in ((1.0, 0.0, -1.0), (1.0,), (np.inf, 1.0), (np.nan,), ()):
        shown = Training(NETWORK, losses)._repr_html_()
        ElementTree.fromstring(shown)
        assert not re.findall("[=',]nan", shown)


def test_arrays_that_are_empty_or_not_finite_are_shown():
    shown = Layers([np.zeros((0, 2)), np.array([[np.nan, np.inf]])])._repr_html_()
    assert "0 × 2" in shown
    assert "nan" in shown


def test_text_is_escaped():
    evil = "<img src=x onerror=alert(1)>&'\""
    row = CheckRow(evil, 1, 0, 0.0, None, 0.0, 0.0, True)
    report = CheckReport(evil, evil, evil, 1e-6, (row,))
    assert "<img" not in report._repr_html_()
    assert "<img" not in view(evil, rows_table([evil], [[evil], [Bar(evil, 1.0)], [Verdict(evil, False)]]))


def test_of_many_rows_the_first_are_shown_and_the_rest_counted():
    shown = rows_table(["k"], [[str(k)] for k in range(1000)])
    assert shown.count("<tr>") == 1 + MOST_ROWS + 1
    assert f"… and {1000 - MOST_ROWS} more" in shown


def test_views_and_plots_are_imported_when_one_is_shown():
    program = (
        "import backtalk, sys; print([n for n in sys.modules if n in ('backtalk.pages.view', 'backtalk.core.views')])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"


def test_what_is_printed_of_a_result_is_a_few_lines():
    training = RESULTS["training"]()
    first, network, *_, best = repr(training).splitlines()
    assert first == "Training: 5 epochs, as many as asked for"
    assert network.strip() == repr(NETWORK).splitlines()[0]
    assert best == f"  best epoch {training.best_epoch}"
    assert str(training) == repr(training)
    assert len(repr(training).splitlines()) == 5
    report = RESULTS["failed check"]()
    assert repr(report) == f"Check of {report.subject}: {report.verdict}"
    assert repr(RESULTS["marks"]()) == "Marks: 1 of 2 right\n  wrong: loss"
