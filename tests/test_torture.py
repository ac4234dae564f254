"""A little of ``make torture``: some kills, each in a process of its own; the rest takes minutes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from limits import LIMIT


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_runs_that_are_killed_end_as_if_they_never_were():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-m", "torture", "--kills", "6", "--writes", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    assert "6 kills in" in done.stdout
