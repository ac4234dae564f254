"""The lab's page in a real browser: headless Chromium, and a lab in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import Any

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The path of the browser; without one the test is skipped, or fails where BACKTALK_REQUIRE_BROWSER is set."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.environ.get("BACKTALK_REQUIRE_BROWSER"):
        pytest.fail("there is no chromium on PATH, and BACKTALK_REQUIRE_BROWSER is set")
    pytest.skip("there is no chromium on PATH")


class Lab:
    """`backtalk lab` in a process of its own, with its own token."""

    def __init__(self, state: Any) -> None:
        self.state = state
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it, or start it anew at the same port."""
        command = [sys.executable, "-m", "backtalk", "lab", "--no-browser", "--port", str(self.port)]
        environment = {**os.environ, "XDG_STATE_HOME": str(self.state)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S+", line)
        assert found, line
        self.address, self.port = found[0], int(found[1])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Tab:
    """A page of the lab, and what it did that it should not do."""

    def __init__(self, page: Any, port: int) -> None:
        self.page, self.complaints, self.foreign = page, [], []
        self.origin = f"http://127.0.0.1:{port}"
        page.set_default_timeout(20_000)
        page.on(
            "console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text)
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.note_request(request.url))

    def note_request(self, url: str) -> None:
        if not url.startswith((self.origin + "/", "data:")):
            self.foreign.append(url)

    def forgive(self, *causes: str) -> None:
        """Take back complaints that the browser makes of what the test brought about."""
        self.complaints = [text for text in self.complaints if not any(cause in text for cause in causes)]

    def open(self, address: str) -> Tab:
        self.page.goto(address)
        self.page.wait_for_selector("html[data-step]")
        return self

    @property
    def step(self) -> int:
        """The step of the frame that was drawn last."""
        return int(self.page.evaluate("document.documentElement.dataset.step"))

    def wait_until(self, condition: str, *values: Any) -> None:
        """Until a JavaScript expression of `document` and `v`, a list of values, is true."""
        self.page.wait_for_function(f"v => {condition}", arg=list(values))

    def wait_for_step(self, step: int) -> None:
        self.wait_until("document.documentElement.dataset.step === String(v[0])", step)

    def wait_beyond(self, step: int) -> None:
        self.wait_until("Number(document.documentElement.dataset.step) > v[0]", step)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def explain(self, quantity: str) -> float:
        """Ask for a derivation by typing; gives the number that is shown, not rounded."""
        self.page.fill("#quantity", quantity)
        self.page.press("#quantity", "Enter")
        return self.explained(quantity)

    def explained(self, quantity: str) -> float:
        """The number of a derivation that was asked for."""
        self.page.wait_for_selector(f'#derivation[data-quantity="{quantity}"] #derivation-value')
        return float(self.page.locator("#derivation-value").get_attribute("value"))

    def overflow(self) -> float:
        """Pixels that the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - innerWidth")


@contextmanager
def browsing():
    """A browser, for as long as tests need it."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
