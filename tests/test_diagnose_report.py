"""A diagnosis as a page, in a terminal, in a notebook and as JSON: whatever was measured, and whatever it is named."""

from __future__ import annotations

import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from backtalk import Network, fit
from backtalk.analysis.diagnose import NETWORK_RULES, Diagnosis, Doctor, Finding, diagnose
from backtalk.analysis.diagnose.words import runs, verdict, where
from backtalk.apps.terminal import make_console, show_diagnosis, show_finding
from test_tables_report import drawn

NASTY = "<script>alert('x & \"y\"')</script>"


def classified(rows: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(seed).normal(size=(rows, 3))
    return X, (X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def trained() -> Diagnosis:
    """Of a run, with all that can be drawn: curves of losses and updates, validation, classes."""
    X, y = classified()
    doctor = Doctor()
    network = Network.create([3, 8, 6, 2], "tanh", rng=0)
    options = {"epochs": 12, "measure_every": 1, "rng": 0, "validation": classified(20, 1)}
    training = fit(network, X, y, callbacks=doctor, **options)
    return diagnose(training.network, X, y, validation=classified(20, 1), history=doctor, columns=["a", "b", "c"])


def self_contained(page: str) -> None:
    """Nothing of the page comes from elsewhere, or runs."""
    assert not re.search(r"<(script|link|iframe|img|object|embed)|https?:|url\(|@import|\bon\w+=", page)
    assert page.startswith("<!doctype html>")


def test_the_page_has_every_picture_and_needs_nothing_else(trained):
    page = trained.to_html("my title")
    self_contained(page)
    drawn(page)
    titles = re.findall(r"<h2>(?:<span class='badge'>\w+</span>)?(.*?)</h2>", page)
    assert titles[len(trained.findings) :] == [
        "Layers",
        "Gradient of each layer",
        "Activations of each layer",
        "Dead and saturated units",
        "Loss",
        "Size of the updates",
        "Loss of the examples",
        "Gradient of the examples",
        "Classes",
        "Examples with the largest loss",
    ]
    assert "<title>my title</title>" in page
    assert "healthy" in page


def test_the_page_for_users_has_every_finding_with_its_thresholds():
    text = (Path(__file__).parents[1] / "docs" / "diagnose.md").read_text(encoding="utf-8")
    means = {kind: words.strip() for kind, words in re.findall(r"^\| `(\w+)` \|(.*?)\|", text, re.MULTILINE)}
    lines = []
    for kind, rule in NETWORK_RULES.items():
        numbers = ("" if value is None else f"{value:g}" for value in (rule.note, rule.warning, rule.severe))
        lines.append(" | ".join([f"| `{kind}`", means.get(kind, "(say here what it means)"), rule.compared, *numbers]))
    table = "\n".join(f"{line} |" for line in lines)
    assert text.endswith(f"|---|---|---|---|---|---|\n{table}\n"), f"docs/diagnose.md should end with\n{table}"


def test_the_page_has_both_colour_schemes_and_a_narrow_form(trained):
    page = trained.to_html()
    assert "color-scheme: light dark" in page
    assert page.count("prefers-color-scheme: dark") == 2
    assert "@media (max-width: 520px)" in page
    assert "name='viewport'" in page


def test_names_from_the_data_are_escaped():
    X, y = classified()
    diagnosis = diagnose(Network.create([3, 4, 2], rng=0), X * [1, 1, 1e5], y, columns=["a", "b", NASTY])
    assert NASTY in diagnosis.findings[0].said
    page = diagnosis.to_html(NASTY, classes=[NASTY, "b"])
    self_contained(page)
    drawn(page)
    assert page.count(html.escape(NASTY)) >= 4  # title twice, the finding, the class


CASES = {
    "one example": ([3, 2], "cross_entropy", np.ones((1, 3)), [1]),
    "one layer": ([3, 2], "cross_entropy", *classified()),
    "one output": ([3, 4, 1], "binary_cross_entropy", *classified()),
    "several numbers": ([3, 4, 2], "squared_error", classified()[0], classified()[0][:, :2]),
    "all is zero": ([3, 4, 2], "squared_error", np.zeros((40, 3)), np.zeros((40, 2))),
    "nan in X": ([3, 4, 2], "cross_entropy", np.where(np.eye(60, 3), np.nan, 1.0), classified()[1]),
    "all nan": ([3, 4, 2], "cross_entropy", np.full((40, 3), np.nan), np.arange(40) % 2),
    "inf in X": ([3, 4, 2], "cross_entropy", np.where(np.eye(60, 3), -np.inf, 1.0), classified()[1]),
    "huge": ([3, 4, 1], "squared_error", np.full((40, 3), 1e200), np.full(40, -1e200)),
    "tiny": ([3, 4, 1], "squared_error", np.full((40, 3), 1e-300), np.full(40, 1e-300)),
    "many classes": ([3, 4, 70], "cross_entropy", classified(700)[0], np.arange(700) % 70),
}


@pytest.mark.parametrize("case", CASES)
def test_whatever_was_measured_can_be_shown(case):
    sizes, loss, X, y = CASES[case]
    diagnosis = diagnose(Network.create(sizes, "tanh", loss, rng=0), X, y)
    page = diagnosis.to_html()
    self_contained(page)
    if "<svg" in page:
        drawn(page)
    json.dumps(diagnosis.to_dict(), allow_nan=False)
    console = Console(file=io.StringIO(), width=80)
    show_diagnosis(console, diagnosis)
    assert verdict(diagnosis.findings) in console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_value_that_is_not_finite_is_told_where_it_cannot_be_drawn():
    X, y = classified()
    X[4, 1] = np.nan
    page = diagnose(Network.create([3, 4, 2], "tanh", rng=0), X, y).to_html()
    assert page.count(">1 not finite<") == 2  # the loss and the gradient of one example
    assert "not finite, so not shown: ‖∇a‖, median of layer 1" in page
    worst = re.findall(r"<tr><td>(\d+)</td><td class='n'>(\S+)</td>", page)
    assert ("5", "nan") in worst


def test_a_dead_layer_is_told_where_it_cannot_be_drawn():
    X, y = classified()
    network = Network.create([3, 4, 2], rng=0)
    dead = network.replace(list(network.W.values()), [np.full(4, -100.0), network.b[2]])
    diagnosis = diagnose(dead, X, y)
    assert "0, so not shown: ‖∇a‖, median of layer 1, ‖∇W‖ of layer 1" in diagnosis.to_html()
    assert "100 % and 0 %" in diagnosis.to_html()


def test_a_notebook_shows_the_findings_with_their_advice_and_the_layers_and_no_frame(trained):
    shown = replace(trained, findings=(finding("severe", title="a < b"), finding("note")))._repr_html_()
    assert "1 severe finding, 1 note" in shown
    assert "<td class='bad'>severe</td><td>a &lt; b</td>" in shown
    assert shown.count("What to do. ") == 2 * 20
    assert shown.count("class='bar'") == 2 * len(trained.measurements.layers)
    assert "<iframe" not in shown


def test_printed_it_says_the_verdict_and_the_titles(trained):
    findings = (finding("severe"), finding("note"))
    text = repr(replace(trained, findings=findings))
    assert text.splitlines() == ["1 severe finding, 1 note", "severe   some title", "note     some title"]


def finding(severity: str = "severe", **rest) -> Finding:
    text = Finding("dead_units", severity, 2.0, "some title", "What was found. " * 20, "What to do. " * 20)
    return replace(text, **rest)


@pytest.mark.parametrize(
    ("severities", "words"),
    [
        ([], "healthy: no finding above a note"),
        (["note", "note"], "healthy: no finding above a note"),
        (["severe", "warning"], "1 severe finding, 1 warning"),
        (["severe", "severe", "warning", "note", "note"], "2 severe findings, 1 warning, 2 notes"),
        (["warning", "warning"], "2 warnings"),
    ],
)
def test_the_verdict_counts_the_findings(severities, words):
    assert verdict([finding(severity) for severity in severities]) == words


def test_units_columns_and_examples_are_listed_where_sentences_do_not_hold_them():
    assert where(finding(units=(1, 2)), [], 3) == ""
    assert where(finding(units=tuple(range(20)), layer=1), [], 3) == "units 1-20"
    assert where(finding(units=(1, 3, 5, 7, 9, 11), layer=1), [], 3) == "units 2, 4, 6, …"
    assert where(finding(units=tuple(range(50)), layer=1), [], 3) == "units 1-50, …"  # there may be more
    assert where(finding(units=tuple(range(6)), layer=0), list("abcdef"), 9) == "columns a, b, c, d, e, f"
    assert where(finding(examples=(9, 1, 5, 3, 7, 0)), [], 9) == "examples 10, 2, 6, 4, 8, 1"
    assert where(finding(examples=(9, 1, 5, 3, 7, 0)), [], 9, 0) == "examples 9, 1, 5, 3, 7, 0"  # as they were given
    assert runs([]) == []


def shown(width: int, terminal: bool) -> list[str]:
    console = make_console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    show_finding(console, finding(units=tuple(range(0, 60, 2)), layer=1))
    return console.file.getvalue().splitlines()  # pyright: ignore[reportAttributeAccessIssue]


def test_in_a_terminal_lines_are_wrapped_beside_the_severity():
    lines = shown(80, True)
    assert max(map(len, lines)) <= 80
    assert lines[0] == "severe    some title"
    assert all(line.startswith(" " * 10) for line in lines[1:])
    (arrow,) = [k for k, line in enumerate(lines) if line.startswith(" " * 10 + "→ What to do.")]
    assert all(line.startswith(" " * 12) for line in lines[arrow + 1 :])


def test_on_a_wide_terminal_lines_stay_readable():
    assert max(map(len, shown(300, True))) <= 100


def test_in_a_pipe_every_sentence_stays_in_one_line():
    lines = shown(40, False)
    assert len(lines) == 4
    assert lines[1].strip() == ("What was found. " * 20).strip()


def test_brackets_in_names_are_no_markup():
    console = make_console(file=io.StringIO(), width=200)
    show_finding(console, finding(said="column [bold]a[/] and [/red]", advice="[link]"))
    text = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert "column [bold]a[/] and [/red]" in text
    assert "[link]" in text
