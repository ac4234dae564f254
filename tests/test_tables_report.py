"""The pictures of report.html, and the page for tables that are wide or have many classes."""

from __future__ import annotations

import io
import math
import re
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from backtalk import Network
from backtalk.apps.cli.table_views import show_quality
from backtalk.apps.tables import train
from backtalk.apps.tables.failures import true_and_predicted, worst_rows
from backtalk.apps.tables.model import Model
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.report import Facts, write_report
from backtalk.apps.tables.report.names import best_of, compared_in, scores_beside
from backtalk.apps.tables.target import Target
from backtalk.pages import charts, plots
from one_network import Options


def drawn(page: str) -> list[ElementTree.Element]:
    """Each picture of a page, which must be well-formed, with numbers that are finite and inside of it."""
    pictures = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]
    assert pictures
    for picture in pictures:
        width, height = map(float, picture.attrib["viewBox"].split()[2:])
        for point in picture.iter():
            for pair in point.attrib.get("points", "").split():
                x, y = map(float, pair.split(","))
                assert 0 <= x <= width
                assert 0 <= y <= height
    return pictures


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize(
    "line",
    [
        [1.0],
        [2.0, 2.0, 2.0],
        [1e-300, 1e300],
        [0.0, None, 3.0],
        [math.nan, math.inf, 1.0],
        [-1.0, 0.0, 1.0, 2.0],
        list(range(1, 5000)),
        [5e-324, 1.0, -math.inf, 1e308],
    ],
)
def test_curves_of_any_numbers_stay_inside(line, logarithmic):
    drawn(plots.curves({"a & b": line}, label="<loss>", logarithmic=logarithmic, mark=1))


def test_curves_without_a_value_say_so():
    assert "nothing was measured" in plots.curves({"a": [None, math.nan]}, label="loss")
    assert "nothing was measured" in plots.curves({"a": [0.0, -1.0]}, label="loss", logarithmic=True)


@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [3.0, 3.0],
        [-1e9, 1e9, 0.0],
        list(np.random.default_rng(0).normal(size=5000)),
        [1.0, math.inf, -math.inf, math.nan, 1e308, 2.0],
        [-1e306, 1e306],
        [0.0, 5e-324, -5e-324],
        [1.0, 1 + 2e-16],
    ],
)
def test_points_and_bars_of_any_numbers_stay_inside(values):
    drawn(plots.points(values, values[::-1], x_label="true", y_label="predicted"))
    drawn(plots.bars(values, label="residual"))


def test_numbers_that_cannot_be_drawn_are_told():
    assert "no number that can be drawn" in plots.points([math.inf], [1.0], x_label="x", y_label="y")
    assert "no number that can be drawn" in plots.bars([math.nan, -math.inf], label="x")


def test_bars_count_every_value():
    (picture,) = drawn(plots.bars([0.0, 0.0, 31.0], label="x"))
    heights = [float(bar.attrib["height"]) for bar in picture.iter("rect")]
    assert (len(heights), sum(height > 0 for height in heights)) == (plots.BARS, 2)
    assert heights[0] == pytest.approx(2 * heights[-1], abs=0.2)


@pytest.mark.parametrize("values", [[3.0], [1e-300, 1e300], [1.0, 1.5], [1e-12, 1e-3, 1.0, 50.0, 50.0]])
def test_bars_of_equal_factors_count_every_value(values):
    (picture,) = drawn(plots.bars(values, label="x", logarithmic=True))
    bars = list(picture.iter("rect"))
    assert len(bars) == plots.BARS
    assert sum(float(bar.attrib["height"]) > 0 for bar in bars) == len(set(values))
    for bar in bars:
        assert 0 <= float(bar.attrib["x"]) <= plots.WIDTH - plots.RIGHT


def test_curves_over_layers_have_a_dot_for_every_value():
    (picture,) = drawn(plots.curves({"a": [1.0, None, 100.0]}, label="norm", logarithmic=True, over="layer", first=0))
    assert len(list(picture.iter("circle"))) == 2
    assert [text.text for text in picture.iter("text")][-2:] == ["layer", "norm"]


def test_meters_show_parts_of_the_whole_and_escape_their_names():
    page = plots.meters(["<a>", "b"], {"x": [1.0, 9.0], "y": [0.0, math.nan]}, ["1 & 0", "9"], full=4.0)
    assert re.findall(r"width:([\d.]+)%", page) == ["25.00", "0.00", "100.00", "0.00"]
    assert "&lt;a&gt;" in page
    assert "1 &amp; 0" in page
    assert plots.meters(["a"], {"x": [0.0]}, [""], full=0.0).count("width:0.00%") == 1


def test_a_matrix_shows_its_counts_and_escapes_its_names():
    (picture,) = drawn(plots.matrix([[3, 1], [0, 4]], ["<a>", "b & c"]))
    assert [text.text for text in picture.iter("text")] == ["<a>", "3", "1", "b & c", "4", "<a>", "b & c"]


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize(
    "pairs", [[(0.0, 1.0)], [(0.5, 0.2), (0.1, 0.9)], [(math.nan, 1.0), (0.3, 0.4), (0.5, math.inf)]]
)
def test_lines_of_any_points_stay_inside(pairs, shares):
    marks = {"here": (0.4, 0.4), "nowhere": (math.nan, 0.0)}
    band = [(0.2, 0.1, 0.9), (0.4, 0.0, 1.0)]
    page = charts.lines({"a": pairs}, x_label="x", y_label="y", shares=shares, diagonal=shares, marks=marks, band=band)
    (picture,) = drawn(page)
    assert len(list(picture.iter("polygon"))) == 1
    assert [text.text for text in picture.iter("text")].count("here") == 1


def test_lines_may_have_names_on_their_axis():
    (picture,) = drawn(charts.lines({"": [(0, 1), (1, 2)]}, x_label="day", y_label="y", names={0: "<May>", 1: "June"}))
    assert {"<May>", "June"} <= {text.text for text in picture.iter("text")}


def test_ranges_show_values_with_their_intervals_inside_of_the_bar():
    page = charts.ranges(["<a>", "b", "c"], [2.0, -1.0, math.nan], [(1.0, 3.0), None, (math.inf, 0)], ["2", "-1", ""])
    shares = [float(each) for each in re.findall(r"(?:left|width):([\d.-]+)%", page)]
    assert all(0 <= share <= 100 for share in shares)
    assert page.count("class='span'") == 1
    assert "&lt;a&gt;" in page


# The page, from plain values


def facts(**more) -> Facts:
    metrics = {
        "target": "y",
        "classes": ["no", "yes"],
        "weight": None,
        "judged": "out_of_fold",
        "verdict": [{"name": "worse_than_baseline", "sentence": "boosted trees do better", "advice": "use them"}],
        "constant": {"shares": [0.7, 0.3]},
        "scores": {
            "training": {"rows": 10, "accuracy": 0.9, "log_loss": 0.1},
            "out_of_fold": {"rows": 10, "accuracy": 0.7, "log_loss": 0.5, "confusion_matrix": [[6, 1], [2, 1]]},
        },
        "baselines": [
            {"name": "constant", "scores": {"out_of_fold": {"accuracy": 0.7, "log_loss": 0.6}}},
            {"name": "boosted trees", "scores": {"out_of_fold": {"rows": 5, "accuracy": 0.8, "log_loss": 0.4}},
             "sampled": True, "training_rows": 8, "network": {"out_of_fold": {"rows": 5, "log_loss": 0.45}}},
        ],
        "importance": [{"column": "<x>", "value": 0.2, "low": 0.1, "high": 0.3}],
        "importance_of": {"measure": "log loss", "part": "out_of_fold", "rows": 10},
        "copies": [{"columns": ["a", "b"], "value": 0.25, "low": 0.2, "high": 0.3}],
        "dependence": {
            "<x>": {"kind": "number", "values": [1.0, 2.0, None],
                    "curves": [{"of": "yes", "mean": [0.2, 0.4, 0], "low": [0.1, 0.2, 0], "high": [0.3, 0.6, 1]}]},
            "town": {"kind": "category", "values": ["A & B", None],
                     "curves": [{"of": "yes", "mean": [0.2, 0.4], "low": [0.1, 0.2], "high": [0.3, 0.6]}]},
            "day": {"kind": "date", "values": ["2024-01-01", "2024-02-01"],
                    "curves": [{"of": of, "mean": [0.2, 0.4], "low": [0.1, 0.2], "high": [0.3, 0.6]} for of in "ab"]},
        },
        "worst_rows": [
            {"row": 1234, "truth": "yes", "prediction": "no", "probability": 0.02, "cells": {"<x>": "5", "t": "A & B"}}
        ],
        "reliability": {"bins": [{"rows": 10, "said": 0.3, "found": 0.4}], "error": 0.1},
        "roc": [{"class": "yes", "points": [[0, 0], [0.2, 0.9], [1, 1]]}],
        "precision_recall": [{"class": "yes", "points": [[0.5, 1], [1, 0.3]]}],
        "members": 2,
        "trainings": [
            {"epochs": 2, "kept_epoch": 1, "reason": "patience", "sizes": [3, 8, 2], "weight": 0.5,
             "losses": [1.0, 0.5], "validation_losses": [0.8, 0.9]}
        ] * 2,
    }  # fmt: skip
    column = {"name": "<x>", "kind": "number", "examples": ["5"], "remark": "mean 5"}
    epoch = {"loss": 1.0, "validation_loss": 0.8, "validation_score": 0.5, "learning_rate": 0.01, "layers": []}
    target = {"name": "y", "kind": "target", "examples": ["no"], "remark": ""}
    history = [[epoch, epoch]] * 2
    columns, networks = [target, column], {"Network": 2}
    return Facts("t.csv: y", "10 rows", metrics | more, columns, history, networks, "cross_entropy", ["a note"])


def test_the_report_answers_in_the_order_in_which_a_person_asks():
    page = write_report(facts())
    asked = [
        "boosted trees do better",
        "0.5000",
        "How good it is</h2>",
        "What it depends on</h2>",
        "Where it fails</h2>",
    ]
    asked += [
        "What was made of the columns</h2>",
        "How to predict</h2>",
        "How it was trained</h2>",
        "beside each other",
    ]
    places = [page.index(each) for each in asked]
    assert places == sorted(places)
    drawn(page)
    assert "<x>" not in page
    for words in ("Worst rows", "1,234", "A &amp; B", "Do probabilities hold?", "ROC curve", "near copies", "a note"):
        assert words in page
    assert "Boosted trees learned from 8 rows only." in page
    assert "on which this run has log loss 0.4500" in page


def test_a_run_without_what_else_could_be_measured_has_a_report_as_well():
    bare = dict.fromkeys(["importance", "dependence", "copies", "worst_rows", "reliability", "roc", "precision_recall"])
    page = write_report(facts(**bare, baselines=[]))
    assert "What it depends on" not in page
    assert "Confusion matrix" in page


def test_scores_are_compared_by_the_metric_first_and_the_best_is_told():
    metrics = facts().metrics
    assert list(scores_beside(metrics)) == ["this run", "boosted trees, 5 rows", "always 'no'"]
    assert compared_in(metrics) == ["log_loss", "accuracy"]
    assert compared_in(metrics | {"metric": "accuracy"}) == ["accuracy", "log_loss"]
    assert best_of("log_loss", {"a": 0.5, "b": 0.4, "c": None}) == {"b"}
    assert best_of("accuracy", {"a": 0.5, "b": 0.4, "c": 0.50000001}) == {"a", "c"}
    assert best_of("accuracy", {"a": 0.5, "b": 0.5}) == set()


def test_the_terminal_shows_the_scores_beside_others_and_those_of_the_training_rows():
    console = Console(file=io.StringIO(), width=120)
    metrics = facts().metrics | {"metric": None}
    show_quality(console, metrics)
    lines = console.file.getvalue().splitlines()
    assert re.split(r" {2,}", lines[0].strip())[1:] == ["this run", "boosted trees, 5 rows", "always 'no'", "training"]
    assert lines[2].split() == ["log", "loss", "0.5000", "0.4000", "0.6000", "0.1000"]
    more = metrics | {"scores": {**metrics["scores"], "test": {"rows": 3, "accuracy": 0.5}}}
    show_quality(console, more)
    assert re.search(r"training +out-of-fold +test", console.file.getvalue())


# Where it fails


def model_of(classes: list[str], loss: str) -> Model:
    preprocessing = Preprocessing.learn(pl.DataFrame({"x": [1.0, 2.0, 4.0]}), np.arange(3))
    target = Target("y", "classification" if classes else "regression", "", classes=classes, mean=10.0, scale=2.0)
    outputs = len(classes) or 1
    return Model((Network.create([1, outputs], loss=loss, rng=0),), preprocessing, target)


def test_the_worst_rows_are_those_whose_class_is_least_likely_with_their_cells():
    frame = pl.DataFrame({"y": ["a", "b", "b", "a"], "x": [1.0, 2.0, 3.0, None], "name": ["p", "q", "r", "s" * 80]})
    output = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7]])
    found = worst_rows(
        model_of(["a", "b"], "cross_entropy"), np.array([0, 1, 1, 0]), output, np.array([11, 12, 13, 14]),
        lambda rows: frame[rows], ["name"],
    )  # fmt: skip
    assert [each["row"] for each in found] == [13, 14, 12]
    assert found[0] == {
        "row": 13, "truth": "b", "prediction": "a", "probability": pytest.approx(0.2),
        "cells": {"name": "r", "x": "3.0"},
    }  # fmt: skip
    assert found[1]["cells"]["x"] == ""
    assert len(found[1]["cells"]["name"]) <= 60


def test_numbers_that_float32_does_not_hold_are_neither_drawn_nor_among_the_worst():
    truth, output = np.array([[0.0], [np.inf]], np.float32), np.array([[0.5], [1.0]])
    model = model_of([], "squared_error")
    assert true_and_predicted(model, truth, output) == {"truth": [10.0], "prediction": [11.0]}
    assert [each["truth"] for each in worst_rows(model, truth, output, None, lambda rows: None)] == [10.0]


def test_the_worst_numbers_are_furthest_off_and_rows_without_weight_do_not_count():
    truth, output = np.array([[0.0], [1.0], [2.0]], np.float32), np.array([[0.5], [4.0], [2.0]])
    model = model_of([], "squared_error")
    found = worst_rows(model, truth, output, None, lambda rows: None)
    assert found == [
        {"truth": 12.0, "prediction": 18.0, "error": 6.0, "cells": {}},
        {"truth": 10.0, "prediction": 11.0, "error": 1.0, "cells": {}},
    ]
    weight = np.array([1.0, 0.0, 1.0])
    assert len(worst_rows(model, truth, output, None, lambda rows: None, weight=weight)) == 1


def test_many_classes_and_many_columns_have_a_page_of_bearable_length(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 80))
    frame = pl.DataFrame({f"x{i}": X[:, i] for i in range(80)}).with_columns(
        y=pl.Series([f"class {k}" for k in rng.integers(0, 30, 900)])
    )
    frame.write_parquet(tmp_path / "wide.parquet")
    train(tmp_path / "wide.parquet", tmp_path / "run", Options("y", epochs=2, hidden=(8,)))
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    drawn(page)
    assert "Most frequent confusions" in page
    assert "<summary>all 81 columns</summary>" in page
