"""What a notebook shows of each result: escaped, small, without scripts, and nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from backtalk import (
    Layers,
    Network,
    PrivacySpent,
    Training,
    check,
    diagnose,
    exercise,
    explain,
    explain_step,
    fit,
    forward,
    gradients,
    hessian_product,
    hypergradients,
    influence,
    loss_line,
    loss_plane,
    paths,
)
from backtalk.analysis.check.report import CheckReport, CheckRow
from backtalk.pages.view import MOST_ROWS, STYLE, Bar, Verdict, rows_table, view

NETWORK = Network.create([2, 3, 2], "tanh", rng=0)
X, Y = np.array([[1.0, -2.0], [0.5, 1.0], [2.0, 2.0]]), np.array([0, 1, 1])

RECORDED = fit(NETWORK, X, Y, epochs=2, batch_size=3, optimizer="sgd", rng=0, record=True)
FAR = np.random.default_rng(0).normal(size=(60, 2)) * [1, 5000]  # the scale of a column is what is wrong
SICK, CLASSES = Network.create([2, 4, 2], "tanh", rng=0), (FAR[:, 0] > 0).astype(int)


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
    "marks": lambda: exercise(0).check({"yhat": exercise(0).answers["yhat"], "loss": 7}),
    "Hessian": lambda: hessian_product(NETWORK, X, Y, NETWORK),
    "hypergradients": lambda: hypergradients(RECORDED, (X, Y)),
    "diagnosis": lambda: diagnose(NETWORK, X, Y),
    "repaired": lambda: diagnose(SICK, FAR, CLASSES).fix(SICK, FAR, CLASSES, epochs=2),
    "privacy": lambda: PrivacySpent(1e-5, 1.1, 0.01, 100, 1.0, "flat", "rdp"),
    "derivation": lambda: explain(NETWORK, X[0], 0, "h[1,2]"),
    "loss plane": lambda: loss_plane(NETWORK, X, Y, paths={"<b>": RECORDED.record}, directions="random"),
    "loss line": lambda: loss_line(NETWORK, X, Y, optimizer="lbfgs"),
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


def test_the_product_with_the_hessian_stands_with_bars_and_the_slope():
    product = hessian_product(NETWORK, X, Y, NETWORK)
    shown = product._repr_html_()
    assert shown.count("class='bar'") == 2 * 2
    assert f"{np.linalg.norm(product.W[1]):.4g}" in shown
    assert f"{float(product.slope):.6g}" in shown


def test_words_and_numbers_can_be_read_in_light_and_in_dark():
    """Of what has a colour of its own, as it is mixed with the ink: at least 4.5 : 1 (WCAG 2.2)."""

    def luminance(colour: np.ndarray) -> float:
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    mixed = re.findall(r"color: color-mix\(in srgb, currentColor (\d+)%, #(\w{6})\)", STYLE)
    assert len(mixed) == 2
    for share, written in mixed:
        colour = np.array([int(written[k : k + 2], 16) for k in (0, 2, 4)]) / 255
        for ink, paper in ((0.11, 1.0), (0.87, 0.11)):
            seen = luminance(int(share) / 100 * ink + (1 - int(share) / 100) * colour)
            dark, light = sorted((seen, luminance(np.full(3, paper))))
            assert (light + 0.05) / (dark + 0.05) > 4.5


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
