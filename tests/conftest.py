"""JAX counts in float64 in these tests, on the CPU, quietly, and with few optimizations: most of its programs run once,
and to compile them is what takes the time (those of test_compiled.py are optimized as a user's are). NumPy's products
have one thread each, since those of several workers would wait for one another. And the command line can be called.
"""

import os
import re
import sys
from importlib.util import find_spec

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax
import pytest

from backtalk.apps.cli import main

jax.config.update("jax_enable_x64", True)


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


def pytest_collection_modifyitems(items):
    """Examples of libraries that not everybody has are left out where those are not installed."""
    for item in items:
        example = getattr(item, "dtest", None)
        if example is not None:
            text = example.docstring or ""
            imported = re.findall(r"^\s*>>> import (torch|keras|onnxruntime)$", text, re.MULTILINE)
            if re.search(r"\b(Privacy|PrivacySpent|Accountant|NoiseSource|epsilon|noise_for)\(", text):
                imported += ["dp_accounting", "cryptography"]
            for name in imported:
                if find_spec(name) is None:
                    item.add_marker(pytest.mark.skip(reason=f"{name} is not installed"))
