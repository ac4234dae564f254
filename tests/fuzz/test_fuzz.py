"""A few mutations of every file and message that comes from outside, always the same; and those that once failed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from fuzz.cases import Case
from fuzz.targets import TARGETS

FOUND = Path(__file__).parent / "found"
CASES, SLOW = 25, 4  # of each target, and of those that train, examine or talk


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if not target.may_abort])
def test_mutated_files_are_read_or_refused_in_a_sentence(name, tmp_path):
    target, draw = TARGETS[name], Random(name)
    case = Case(target, tmp_path)
    for path in sorted((FOUND / name).glob("*")):
        failure = case.run(path.read_bytes())
        assert failure is None, f"{path}: {failure}"
    for number in range(SLOW if name.startswith(("run_", "lab", "upload", "table")) else CASES):
        content, forged = target.draw(draw)
        failure = case.run(content, forged)
        assert failure is None, f"case {number}: {failure}"
