"""Slides and steps as SVG: the network with its path lit on each, few digits, and themes."""

from __future__ import annotations

import re
import subprocess
from xml.etree import ElementTree

import pytest

from backtalk import InputError, Network, UnknownNameError, explain, paths
from backtalk.teaching.derivations import write


def network():
    return Network.create([2, 3, 2], "tanh", rng=0)


def lecture(quantity):
    return explain(network(), [1.0, 2.0], 1, quantity, detail="lecture")


@pytest.mark.parametrize("detail", ["brief", "lecture"])
def test_every_slide_shows_the_network_with_its_path_lit(detail):
    net = network()
    derivation = explain(net, [1.0, 2.0], 1, "W[1,2,1]", detail=detail)
    for frame in derivation.to_slides(paths(net, [1.0, 2.0], 1, "W[1,2,1]", 2)).split(r"\begin{frame}")[1:]:
        assert frame.count(r"\begin{tikzpicture}") == 1
        assert r"\draw[edge now]" in frame or "unit now" in frame or "inside" in frame


def test_the_pictures_of_paths_light_one_unit_of_each_layer():
    net = network()
    derivation = explain(net, [1.0, 2.0], 1, "x[1]")
    found = paths(net, [1.0, 2.0], 1, "x[1]", 2)
    section = derivation.document(found).paths
    assert section is not None
    for path, passage in zip(found.strongest, section.passages, strict=True):
        assert passage.picture is not None
        lit = [[k for k, node in enumerate(column.nodes, 1) if node.light] for column in passage.picture.columns]
        assert lit == [[unit] for _, unit in path.units] + [[1]]


def test_brief_derivations_have_pictures_on_slides_and_in_svg_alone():
    brief = explain(network(), [1.0, 2.0], 1, "h[1,2]")
    assert r"\begin{tikzpicture}" in brief.to_slides()
    assert r"\begin{tikzpicture}" not in brief.to_latex()
    assert "<svg" not in brief.to_html()
    assert "```text" not in brief.to_markdown()


def test_numbers_have_three_digits_on_slides_unless_another_count_is_asked_for():
    def shown(**options):
        made = explain(Network([[[1.0]]], [[0.0]], loss="squared_error"), [1.23456789], [0.0], "W[1,1,1]", **options)
        return made.to_slides(), "".join(made.to_svg()), made.to_latex()

    slides, svg, latex = shown()
    for short in (slides, svg):
        assert "1.23" in short
        assert "1.235" not in short
    assert "1.23457" in latex
    assert all("1.2346" in form for form in shown(digits=5))


def test_themes_are_light_dark_or_those_of_beamer():
    made = lecture("b[1,1]")
    assert r"{paper}{HTML}{FFFFFF}" in made.to_slides()
    assert r"{paper}{HTML}{15191F}" in made.to_slides(theme="dark")
    theirs = made.to_slides(theme="Madrid")
    assert r"\usetheme{Madrid}" in theirs
    assert r"\setbeamertemplate{footline}" not in theirs
    with pytest.raises(InputError, match="theme is 'a}b', expected light, dark, or the name of a Beamer theme"):
        made.to_slides(theme="a}b")
    with pytest.raises(InputError, match="theme is 'dark', which html does not have"):
        write(made, "html", theme="dark")
    with pytest.raises(UnknownNameError, match="theme"):
        made.to_svg(theme="Madrid")


def test_slides_in_a_theme_of_beamer_compile_and_nothing_runs_off(pdflatex, tmp_path):
    made = explain(network(), [1.0, 2.0], 1, "W[1,2,1]")
    (tmp_path / "it.tex").write_text(made.to_slides(theme="Berlin"), encoding="utf-8")
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "it.tex"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=True)
    assert "Overfull" not in (tmp_path / "it.log").read_text(errors="replace")


def test_each_step_is_a_picture_in_svg_that_stands_alone():
    made = lecture("W[1,2,1]")
    pictures = made.to_svg()
    titles = [passage.title for section in made.document().talks for passage in section.passages]
    assert len(pictures) == len(titles)
    for title, picture in zip(titles, pictures, strict=True):
        root = ElementTree.fromstring(picture)
        texts = [" ".join("".join(text.itertext()).split()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert " ".join(texts).startswith(title)
        assert not re.search("class=| style=|url|var\\(|<script", picture)
        assert root.find(".//{http://www.w3.org/2000/svg}circle") is not None
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        assert all(float(text.get("y", 0)) < height for text in root.iter("{http://www.w3.org/2000/svg}text"))
        assert width > 600
