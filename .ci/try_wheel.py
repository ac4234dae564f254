"""A wheel holds what belongs into it, and works where no compiler is found: python .ci/try_wheel.py FILE.whl"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

BELONGS = re.compile(
    r"backtalk/.*\.py|backtalk/py\.typed|backtalk/apps/lab/static/(index\.html|lab\.(js|css)|LICENSES|KaTeX_[\w-]+\.woff2)"
    r"|backtalk/engines/native/_native\.[\w.-]+|backtalk-[\w.]+\.dist-info/.*"
)
PLACES = [b"/home/", b"/root/", b"/tmp/", os.fsencode(Path.cwd())]
WORK = """
import json, subprocess, sys, sysconfig
import numpy as np, backtalk
from backtalk.engines.native.kernels import kernels

rng = np.random.default_rng(0)
X, y = rng.standard_normal((300, 7)), rng.integers(0, 3, 300)
start = backtalk.Network.create([7, 33, 3], rng=0)
native, formula = (backtalk.fit(start, X, y, epochs=3, rng=0, engine=e).network for e in ("native", "formula"))
for i in (1, 2):
    np.testing.assert_allclose(native.W[i], formula.W[i], rtol=1e-8, atol=1e-10)
grads = backtalk.gradients(native, X, y)
assert grads.h[0].shape == X.shape and np.isfinite(grads.loss)
facts = json.loads(subprocess.check_output([sysconfig.get_path("scripts") + "/backtalk", "info", "--json"]))
assert facts["engine"] == "native" and facts["kernels"] == kernels(), facts
print(f"{facts['kernels']} on {facts['threads']} threads, Python {facts['python']}")
"""


def main(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        strangers = [name for name in names if not BELONGS.fullmatch(name)]
        paths = [(name, place) for name in names for place in PLACES if place in archive.read(name)]
    assert "backtalk/apps/lab/static/index.html" in names, f"{wheel} lacks the page of the lab"
    assert "backtalk/engines/native/_native.pyi" in names, f"{wheel} lacks the types of the compiled module"
    assert not strangers, f"{wheel} holds {strangers}"
    assert not paths, f"{wheel} tells of this machine: {paths}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": "/nonexistent", "CC": "/nonexistent", "CXX": "/nonexistent", "HOME": folder}
        environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        environment |= {"BACKTALK_REQUIRE_NATIVE": "1"}
        python = str(Path(folder, "bin", "python"))
        quiet = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        for command in (
            [sys.executable, "-m", "venv", folder],
            [python, "-m", "pip", "install", *quiet, str(wheel.resolve())],
            [python, "-c", WORK],
        ):
            subprocess.run(command, check=True, env=environment, cwd=folder)
    print(f"{wheel}: {wheel.stat().st_size / 1e6:.2f} MB, serves in a new environment without a compiler")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
