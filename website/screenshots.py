"""Take the pictures of docs/images anew: make screenshots, or some of them: python website/screenshots.py walk

They show the real pages: the lab in Chromium, and what the commands write. So take them again when a page has changed.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
sys.path.append(str(ROOT / "tests"))

from browser_page import Lab, Tab, browsing  # noqa: E402

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


def walk(page: Any, server: Lab) -> None:
    """One step, slide by slide: the first one of the second talk, with all terms of the sum of a unit."""
    tab = Tab(page, server.port).open(server.address + "#start=walk")
    page.wait_for_selector("body.walking")
    all_terms = page.get_by_role("button", name="All", exact=True)
    while "To the hidden units" not in tab.text("#walk-slide") or not all_terms.count():
        tab.press("n")
        page.wait_for_timeout(100)
    all_terms.click()


LAB = {"lab": lab, "derivation": derivation, "walk": walk}  # how the page comes to show it
HEIGHTS = {"lab": 780, "derivation": 800, "walk": 640}
PARTS = {"derivation": "section.explain"}  # of the page, if not all that the window shows


def write(page: Any, name: str, scheme: str) -> None:
    """As a PNG of 256 colours, which is a third of the size."""
    taken = page.locator(PARTS[name]).screenshot() if name in PARTS else page.screenshot()
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2)
    path = IMAGES / f"{name}{'-dark' if scheme == 'dark' else ''}.png"
    picture.save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} KB")


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as state, browsing() as browser:
        server = Lab(state)
        try:
            for name in names or LAB:
                for scheme in ("light", "dark"):
                    size = {"width": 1280, "height": HEIGHTS[name]}
                    page = browser.new_page(viewport=size, color_scheme=scheme, device_scale_factor=1.25)
                    LAB[name](page, server)
                    page.wait_for_timeout(1000)  # until all is drawn
                    write(page, name, scheme)
                    page.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
