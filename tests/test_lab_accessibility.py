"""The states of the lab's page, judged by axe-core: contrast, names, roles, what the keyboard reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parents[1] / "web/node_modules/axe-core/axe.min.js"
JUDGE = """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations.flatMap(
  ({id, nodes}) => nodes.map(({html, failureSummary}) => `${id}: ${html.slice(0, 200)} ${failureSummary}`)))"""


def begin(page: Any) -> None:
    page.wait_for_selector("#start:not([hidden])")


def derive(page: Any) -> None:
    page.click("#start-close")
    page.fill("#quantity", "W[1,2,1]")
    page.press("#quantity", "Enter")
    page.wait_for_selector("#derivation .in-short .katex")
    page.click("#by-hand-double")
    page.wait_for_selector("#by-hand-effect b")


def look(page: Any) -> None:
    page.keyboard.press("Escape")
    page.evaluate("document.querySelectorAll('details').forEach((box) => (box.open = true))")
    page.click("#color-picture")
    page.click("#diagnose")
    page.wait_for_selector("#findings > *")
    page.wait_for_selector(".spread")


def walk(page: Any) -> None:
    page.click("#walk-on")
    page.wait_for_selector("#walk-slide .katex")
    page.keyboard.press("t")
    page.wait_for_selector(".one-term")


def talk_back(page: Any) -> None:
    while not page.locator(".talk-hidden").count() or not page.locator("#term-all").count():
        at = page.inner_text("#walk-at")
        page.keyboard.press("n")
        page.wait_for_function("at => document.getElementById('walk-at').textContent !== at", arg=at)
    page.click("#term-all")
    page.wait_for_selector(".added b")


def practise(page: Any) -> None:
    page.keyboard.press("Escape")
    page.wait_for_selector("body:not(.walking)")
    page.evaluate("document.getElementById('settings').open = true")
    page.click("#exercise-open")
    page.wait_for_selector("#exercise-sheet input")
    for field in page.locator(".question").first.locator("input").all():
        field.fill("7")
        field.press("Enter")
    page.wait_for_selector("#exercise-sheet .said:not([hidden])")


def ask_for_help(page: Any) -> None:
    page.click("#exercise-close")
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")


def compare(page: Any) -> None:
    page.keyboard.press("Escape")
    page.click("#compare-open")
    page.wait_for_selector(".comparing #compare-title")


STATES = [begin, derive, look, walk, talk_back, practise, ask_for_help, compare]


@pytest.mark.parametrize(("width", "dark", "projector"), [(1280, False, False), (390, True, True)])
def test_axe_finds_nothing_wrong_in_any_state_of_the_page(tab, width, dark, projector):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in web/")
    opened = tab(width=width, dark=dark, script=AXE.read_text(encoding="utf-8"))
    if projector:
        opened.press("b")
    for state in STATES:
        state(opened.page)
        assert opened.page.evaluate(JUDGE) == [], state.__name__
