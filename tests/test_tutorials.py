"""The tutorials of docs/ from top to bottom: what a reader types there gives what stands there."""

from __future__ import annotations

import doctest
import re
import shlex
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

PAGES = sorted(Path(__file__).parent.parent.joinpath("docs", "tutorials").glob("[!R]*.md"))
BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"pip |backtalk lab$|backtalk resume .*&|backtalk train .*--process")  # what a test cannot type
NUMBER = re.compile(r"[+−-]?\d+(\.\d+)?(e-?\d+)?%?")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def words(text: str) -> list[str]:
    """Of what a command prints, without lines and bars."""
    return [word for word in text.replace("...", " ").split() if not re.fullmatch("[─█│]+", word)]


def close(said: str, got: str) -> bool:
    """The same word, or about the same number: the last digits depend on the processor."""
    if NUMBER.fullmatch(said) and NUMBER.fullmatch(got):
        x, y = (float(word.rstrip("%").replace("−", "-")) for word in (said, got))
        return abs(x - y) <= 0.03 + 0.05 * abs(x)
    return said == got


def agree(said: str, got: str) -> bool:
    """Each part of what a page shows, between its lines of '…', stands in what was printed, in this order."""
    left = words(got)
    for part in map(words, re.split(r"^…$", said, flags=re.MULTILINE)):
        places = range(len(left) - len(part) + 1)
        place = next((p for p in places if all(map(close, part, left[p:]))), None)
        if place is None:
            return False
        left = left[place + len(part) :]
    return True


def type_commands(text: str, call) -> None:
    lines = text.replace("\\\n", " ").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")] + [len(lines)]
    for start, end in pairwise(starts):
        command, said = lines[start][2:], "\n".join(lines[start + 1 : end])
        if ELSEWHERE.match(command):
            continue
        program, *arguments = shlex.split(command)
        assert program == "backtalk", command
        code, out, err = call(*arguments)
        assert code == (1 if arguments[0] == "diagnose" else 0), err
        assert agree(said, out), f"{command}\n{out}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_runs_from_top_to_bottom(page, call):
    names, runner = {}, doctest.DocTestRunner(optionflags=FLAGS)
    for number, text in enumerate(BLOCK.findall(page.read_text())):
        if "import torch" in text and not find_spec("torch"):
            pytest.skip("torch is not installed: the tutorial was typed up to where it needs it")
        if text.startswith(">>> "):
            example = doctest.DocTestParser().get_doctest(text, names, f"block {number + 1}", str(page), 0)
            said: list[str] = []
            assert not runner.run(example, out=said.append, clear_globs=False).failed, "".join(said)
            names = example.globs
        elif text.startswith("$ "):
            type_commands(text, call)


def test_another_figure_and_another_word_would_be_noticed():
    said = "accuracy   0.78  0.65\n…\nwrote a/: open"
    assert agree(said, "row accuracy ── 0.79 0.64 and more\n wrote a/: open it")
    assert not agree(said, "accuracy 0.95 0.65\nwrote a/: open")
    assert not agree(said, "accuracy 0.78 0.65\nwrote b/: open")
