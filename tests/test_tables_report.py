"""The pictures of report.html, and the page for tables that are wide or have many classes."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from backtalk.apps.tables import train
from backtalk.pages import plots
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
