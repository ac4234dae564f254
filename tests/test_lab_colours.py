"""The colours of the lab's page: numbers can be read on them, and who is colour-blind can tell them apart."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

STYLE = (Path(__file__).parents[1] / "web/src/style/colours.css").read_text()
READABLE = 4.5  # WCAG 2.2, 1.4.3: the contrast of text
SEEN = 3.0  # 1.4.11: the contrast of what is drawn
APART = 6.5  # of ΔE in OKLab, of which 2 is just noticed
# Machado, Oliveira and Fernandes 2009, severity 1: linear RGB as seen without the long, the middle, the short cones
SIGHTS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def colours(dark: bool, projector: bool) -> dict[str, np.ndarray]:
    """The colours of the style sheet, as linear RGB."""
    sheets = [STYLE.split(":root[data-theme")[0]] + [STYLE.split(":root[data-projector]")[1]] * projector
    found: dict[str, np.ndarray] = {}
    for sheet in sheets:
        for name, *pair in re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)", sheet):
            found[name] = linear(*(int(pair[dark][k : k + 2], 16) for k in (0, 2, 4)))
    return found


def linear(*parts: float) -> np.ndarray:
    values = np.array(parts) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    low, high = sorted(float(np.dot((0.2126, 0.7152, 0.0722), colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The smallest difference of two colours that any of the sights sees: 100 times the distance in OKLab."""
    return min(
        100 * float(np.linalg.norm(oklab(sight @ one) - oklab(sight @ other)))
        for sight in map(np.array, SIGHTS.values())
    )


def oklab(colour: np.ndarray) -> np.ndarray:
    """Ottosson 2020."""
    cones = np.cbrt(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
        @ np.clip(colour, 0, 1)
    )
    return (
        np.array(
            [
                [0.2104542553, 0.793617785, -0.0040720468],
                [1.9779984951, -2.428592205, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.808675766],
            ]
        )
        @ cones
    )


@pytest.mark.parametrize("projector", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_text_and_marks_stand_out_and_colours_are_told_apart(dark, projector):
    found = colours(dark, projector)
    for name in ("ink", "quiet", "accent", "good", "warning", "severe"):
        for ground in ("card", "page", "field"):
            assert contrast(found[name], found[ground]) >= READABLE, (name, ground)
    assert contrast(found["on-primary"], found["primary"]) >= READABLE
    classes = [f"class-{k}" for k in range(8)]
    for name in (*classes, "layer-first", "layer-last", "mini-batch", "negative", "positive"):
        assert contrast(found[name], found["card"]) >= SEEN, name
    for one, other in combinations(classes, 2):
        assert difference(found[one], found[other]) >= APART, (one, other)
    for name in classes[:3]:
        for sign in ("negative", "positive", "accent"):
            assert difference(found[name], found[sign]) >= 1.5 * APART, (name, sign)
    assert difference(found["negative"], found["positive"]) >= 3 * APART
    sides = ("side-left", "side-right")
    for side in sides:
        assert contrast(found[side], found["card"]) >= READABLE, side
        for other in ("negative", "positive", "accent", *classes[:2]):
            assert difference(found[side], found[other]) >= 6, (side, other)
    assert difference(*(found[side] for side in sides)) >= 2 * APART


NOTE = """() => {
  window.noted = [];
  const {prototype} = CanvasRenderingContext2D, {fill, fillText} = prototype;
  let ground = null;
  prototype.fill = function (...all) {
    if (this.canvas.id === "network") ground = [this.fillStyle, this.globalAlpha];
    return fill.apply(this, all);
  };
  prototype.fillText = function (text, ...at) {
    if (ground && this.textAlign === "center" && /^[−.\\d]/.test(text) && this.canvas.id === "network")
      window.noted.push([text, this.fillStyle, this.globalAlpha, ...ground]);
    ground = null;
    return fillText.call(this, text, ...at);
  };
}"""


def rgb(colour: str) -> np.ndarray:
    if colour.startswith("#"):
        return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], float)
    return np.array([float(part) for part in re.findall(r"[\d.]+", colour)[:3]])


def test_every_number_in_a_unit_can_be_read_in_every_theme(tab):
    opened = tab("#data=worked&layers=2,8&quantity=h[0,1]", script=f"({NOTE})()")
    page = opened.page
    page.wait_for_selector("#by-hand:not([hidden])")
    for dark, projector in ((False, False), (True, True)):
        page.evaluate(
            "theme => document.querySelector(`input[name=theme][value=${theme}]`).click()",
            "dark" if dark else "light",
        )
        if projector:
            opened.press("b")
        page.click("input[name=color][value=value]")
        card = page.evaluate("getComputedStyle(document.getElementById('walk')).backgroundColor")
        page.evaluate("window.noted = []")
        for value in np.linspace(-2, 2, 4) ** 3:  # up and down the whole scale
            before = page.evaluate("window.noted.length")
            page.fill("#by-hand-value", f"{value:.3f}")
            page.press("#by-hand-value", "Enter")
            page.wait_for_function("before => window.noted.length > before", arg=before)
        opened.press("Escape")
        for key in "cn":  # gradients; then a slide, on which most is faint
            page.keyboard.press(key)
        page.wait_for_selector("#walk-slide .katex")
        noted = page.evaluate("window.noted")
        page.keyboard.press("Escape")
        assert {text[0] for text, *_ in noted} > {"−", "."}
        for text, ink, strength, ground, alpha in noted:
            below = alpha * rgb(ground) + (1 - alpha) * rgb(card)
            above = strength * rgb(ink) + (1 - strength) * below
            assert contrast(linear(*below), linear(*above)) >= READABLE, (text, ink, ground, alpha)
        page.evaluate("document.getElementById('quantity').value = 'h[0,1]'")
        page.click("#explain-go")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()  # theme and projector are remembered
    page.wait_for_selector("html[data-step][data-theme=dark][data-projector]")
