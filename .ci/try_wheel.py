"""A wheel holds what belongs into it, and works where no compiler is found: python .ci/try_wheel.py FILE.whl

Further names are those of required libraries that it is tried without, where they have no wheel: they are for a part of
what backtalk does.
"""

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
    r"|backtalk/apps/lab/lesson/kernels\.wasm|backtalk/engines/native/_native\.[\w.-]+|backtalk-[\w.]+\.dist-info/.*"
    r"|backtalk\.libs/[\w.-]+"  # what auditwheel adds
)
REQUIRED = re.compile(r"^Requires-Dist: (([\w-]+)[^;\n]*)$", re.MULTILINE)  # those of extras have a marker
PLACES = [b"/home/", b"/root/", b"/tmp/", os.fsencode(Path.cwd())]
SMOKE = str(Path(__file__).with_name("smoke.py"))


def main(wheel: Path, *without: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        about = next(name for name in names if name.endswith(".dist-info/METADATA"))
        required = REQUIRED.findall(archive.read(about).decode())
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
        libraries = [library for library, name in required if name not in without]
        for command in (
            [sys.executable, "-m", "venv", folder],
            [python, "-m", "pip", "install", *quiet, *libraries],
            [python, "-m", "pip", "install", *quiet, "--no-deps", str(wheel.resolve())],
            [python, SMOKE],
        ):
            subprocess.run(command, check=True, env=environment, cwd=folder)
    lacking = f", and without {', '.join(without)}" if without else ""
    print(f"{wheel}: {wheel.stat().st_size / 1e6:.2f} MB, serves in a new environment without a compiler{lacking}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
