"""JAX counts in float64 in these tests, on the CPU, quietly, and with few optimizations: most of its programs run once,
and to compile them is what takes the time (those of test_compiled.py are optimized as a user's are). NumPy's products
have one thread each, and OpenMP's threads sleep while they wait, since those of several workers would take the
processors from one another. The files that take longest begin first. And the command line can be called, and the lab
served and opened.
"""

import os
import re
import shutil
import sys
from importlib.util import find_spec
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import jax
import pytest

from backtalk.apps.cli import main
from backtalk.engines.native.kernels import kernels

jax.config.update("jax_enable_x64", True)

# Those of more than half a minute: at the end, one of them would keep one worker while the others have nothing to do
LONGEST = [
    "test_cluster", "test_cluster_tables", "test_cli_cluster", "test_torture", "test_cli_train", "test_tables_folder",
    "test_threads", "test_cli", "test_watch", "test_tables_baseline", "test_lab_browser",
]  # fmt: skip


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Calls the command line in an empty folder; gives the exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["backtalk", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err  # pyright: ignore[reportReturnType]

    return called


@pytest.fixture
def lab():
    """The lab's server, within the test."""
    from lab_page import serving

    with serving() as found:
        yield found


@pytest.fixture
def page(lab):
    """A page that is connected to it, without a browser."""
    with lab.page() as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    """Chromium."""
    from browser_page import browsing

    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def lab_process(tmp_path_factory):
    """`backtalk lab` in a process of its own, for pages in the browser."""
    from browser_page import Lab

    found = Lab(tmp_path_factory.mktemp("state"))
    yield found
    found.stop()


@pytest.fixture
def tab(browser, lab_process):
    """Opens tabs; at the end none of them may have complained, or asked another server for something."""
    from browser_page import Tab

    opened: list[Tab] = []

    def open_tab(
        fragment: str = "",
        *,
        lab: Any = lab_process,
        width: int = 1280,
        height: int = 844,
        dark: bool = False,
        pass_on: Any = None,
        script: str = "",
    ) -> Tab:
        """`pass_on`: what stands between the page and the server. `script`: what runs before those of the page."""
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        found = Tab(context.new_page(), lab.port)
        if pass_on:
            found.page.route_web_socket(re.compile("/live"), pass_on)
        if script:
            found.page.add_init_script(script)
        opened.append(found)
        return found.open(lab.address + fragment)

    yield open_tab
    for each in opened:
        assert not each.foreign
        assert not each.complaints
        each.page.context.close()


@pytest.fixture
def open_lesson(browser, tmp_path):
    """Opens a lesson from a file; it may not ask anyone for anything, nor complain. ``script`` runs before its own."""
    from browser_page import Tab

    opened: list[Tab] = []

    def open_file(page: bytes, fragment: str = "", *, width: int = 1280, script: str = "") -> Tab:
        path = tmp_path / "lesson.html"
        path.write_bytes(page)
        context = browser.new_context(viewport={"width": width, "height": 844}, reduced_motion="reduce")
        tab = Tab(context.new_page(), 0)
        tab.page.set_default_timeout(60_000)
        tab.page.add_init_script(script)
        tab.origin = path.as_uri().removesuffix("/lesson.html")
        opened.append(tab)
        tab.page.goto(path.as_uri() + fragment)
        return tab

    yield open_file
    for tab in opened:
        assert not tab.complaints
        assert not tab.foreign
        tab.page.context.close()


@pytest.fixture(scope="session")
def pdflatex():
    """The program; where it has to be there, a test fails without it instead of being skipped."""
    program = shutil.which("pdflatex")
    if program is None and not os.environ.get("BACKTALK_REQUIRE_LATEX"):
        pytest.skip("pdflatex is not installed")
    return program or "pdflatex"


@pytest.fixture
def asked_anew(monkeypatch):
    """kernels() looks at the environment again, in this test and after it."""
    kernels.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    kernels.cache_clear()


def pytest_collection_modifyitems(items):
    """The longest files come first. Examples of libraries that not everybody has are left out if those are missing."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)
    for item in items:
        example = getattr(item, "dtest", None)
        if example is not None:
            text = example.docstring or ""
            imported = re.findall(r"^\s*>>> import (torch|keras|onnxruntime)$", text, re.MULTILINE)
            if re.search(r"bytes\(32\)|\b(Privacy|PrivacySpent|Accountant|NoiseSource|epsilon)\(", text):
                imported += ["dp_accounting", "cryptography"]
            for name in imported:
                if find_spec(name) is None:
                    item.add_marker(pytest.mark.skip(reason=f"{name} is not installed"))
