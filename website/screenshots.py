"""Take the pictures of docs/images anew: make screenshots, or some of them: make screenshots NAMES=walk

They show the real pages: the lab in Chromium, and what the commands write. So take them again when a page has changed.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from sklearn.datasets import load_wine

from backtalk import Network, diagnose, fit
from browser_page import Lab, Tab, browsing

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
BACKTALK = [sys.executable, "-m", "backtalk"]

SPIRALS = "#data=spirals&layers=8,8&activation=tanh&optimizer=adam&rate=0.03&noise=0.05&seed=0&example=5&color=picture"


def lab(page: Any, server: Lab) -> None:
    """The lab after two thousand steps: units as pictures, what the network decides, the gradient flow."""
    tab = Tab(page, server.port).open(server.address + SPIRALS)
    page.eval_on_selector("#speed", "speed => { speed.value = 50; speed.dispatchEvent(new Event('change')) }")
    page.click("#run")
    tab.wait_beyond(2000)
    page.click("#run")


def derivation(page: Any, server: Lab) -> None:
    """The derivation of the gradient of one weight."""
    Tab(page, server.port).open(server.address + "#start=explain")
    page.wait_for_selector("#derivation-value")
    page.click("#derivation summary:has-text('to the output units')")  # folded, it leaves room for the others
    page.eval_on_selector("header", "header => { header.style.position = 'static' }")  # which would cover its top


def walk(page: Any, server: Lab) -> None:
    """One step, slide by slide: the first one of the second talk, with all terms of the sum of a unit."""
    tab = Tab(page, server.port).open(server.address + "#start=walk")
    page.wait_for_selector("body.walking")
    all_terms = page.get_by_role("button", name="All", exact=True)
    while "To the hidden units" not in tab.text("#walk-slide") or not all_terms.count():
        tab.press("n")
        page.wait_for_timeout(100)
    all_terms.click()


def report(folder: Path) -> Path:
    """The report of the run of docs/tutorials/table.md."""
    tutorial = (ROOT / "docs" / "tutorials" / "table.md").read_text()
    exec("\n".join(re.findall(r"^>>> (.*)", tutorial, re.MULTILINE)), {})
    subprocess.run([*BACKTALK, "train", "customers.csv", "--target", "left"], check=True, stdout=subprocess.DEVNULL)
    return folder / "customers-run" / "report.html"


def diagnosis(folder: Path) -> Path:
    """What is wrong with the network of docs/tutorials/debug.md."""
    wine = load_wine()
    training = fit(Network.create([13, 32, 3], "tanh", rng=0), wine.data, wine.target, epochs=30, rng=0)
    found = diagnose(training.network, wine.data, wine.target, columns=wine.feature_names)
    page = folder / "diagnosis.html"
    page.write_text(found.to_html())
    return page


LAB = {"lab": lab, "derivation": derivation, "walk": walk}  # how the lab comes to show it
FILES = {"report": report, "diagnosis": diagnosis}  # who writes the page
SIZES = {"lab": (1280, 780), "derivation": (1280, 800), "walk": (1280, 640)}  # of the window
SIZES |= {"report": (1000, 900), "diagnosis": (1000, 760)}
PARTS = {"derivation": "section.explain"}  # of the page, if not all that the window shows


def write(page: Any, name: str, scheme: str) -> None:
    """As a PNG of 256 colours, which is a third of the size."""
    taken = page.locator(PARTS[name]).screenshot() if name in PARTS else page.screenshot()
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2)
    path = IMAGES / f"{name}{'-dark' if scheme == 'dark' else ''}.png"
    picture.save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} KB")


def take(browser: Any, name: str, show: Callable[[Any], Any]) -> None:
    """The picture of that name, for a light page and for a dark one."""
    width, height = SIZES[name]
    for scheme in ("light", "dark"):
        size = {"width": width, "height": height}
        page = browser.new_page(viewport=size, color_scheme=scheme, device_scale_factor=1.25)
        show(page)
        page.wait_for_timeout(1000)  # until all is drawn
        write(page, name, scheme)
        page.close()


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        os.chdir(folder)
        server = Lab(folder)
        try:
            for name in names or (*LAB, *FILES):
                if name in LAB:
                    take(browser, name, lambda page, name=name: LAB[name](page, server))
                else:
                    path = FILES[name](Path(folder))
                    take(browser, name, lambda page, path=path: page.goto(path.as_uri()))
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
