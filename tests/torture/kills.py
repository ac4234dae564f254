"""Runs that are killed at random instants, and end as if they never were."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

from .works import FitRun, TableRun, import_all, require_code, start, wait

KILLS_OF_A_CHAIN = 6  # then it may end
WATCHED = ["run/metrics.json", "run/model.safetensors", "run/.before", "run/.lock", "run/checkpoint-1.safetensors"]
WATCHED += ["run/checkpoint-2.safetensors"]
WATCHED_SHARE = 0.4  # of the kills, just after one of these appeared


def torture_by_kills(place: Path, kills: int, seed: int = 0) -> Counter[str]:
    """So many kills, in turns of each work; gives how many fell into which phase."""
    draw, phases = random.Random(seed), Counter[str]()
    works = []
    for name, work in {"train": TableRun, "over": lambda place: TableRun(place, over=True), "fit": FitRun}.items():
        (place / name).mkdir()
        works.append((name, work(place / name)))
    whole, seconds = {}, {}
    for name, work in works:
        work.begin()
        work.clear()
        import_all(work.step, place / "names")
        work.clear()
        began = time.monotonic()
        require_code(wait(start(work.step)), 0)
        seconds[name], whole[name] = time.monotonic() - began, work.results()
        print(f"{name}: {seconds[name]:.2f} s", flush=True)
    number, chain = 0, min(KILLS_OF_A_CHAIN, math.ceil(kills / len(works)))  # a few kills are for all works
    while kills:
        name, work = works[number % len(works)]
        number += 1
        work.clear()
        for _ in range(chain):
            if not kills:
                break
            child = start(work.step, place / "said")
            _wait_for_instant(draw, work.place, seconds[name], child)
            phase = work.phase()
            os.kill(child, signal.SIGKILL)
            if wait(child) != -signal.SIGKILL:
                require_no_error(place / "said")
                break
            kills -= 1
            phases[f"{name}: {phase}"] += 1
            work.require_sound()
        code = wait(start(work.step, place / "said"))
        require_no_error(place / "said")
        require_code(code, 0)
        found = work.results()
        differs = [each for each in {*found, *whole[name]} if found.get(each) != whole[name].get(each)]
        assert not [each for each in differs if each != "last"], (name, differs)
        assert "last" not in differs or "last" not in found, "the measures of the last epoch differ"
    return phases


def require_no_error(said: Path) -> None:
    """Nothing went wrong in a way that nobody meant."""
    text = said.read_text(errors="replace")
    assert "internal error" not in text, text
    assert "Traceback" not in text, text


def _wait_for_instant(draw: random.Random, place: Path, seconds: float, child: int) -> None:
    """Until an instant of the whole time, or some milliseconds after a file appeared."""
    until = time.monotonic() + draw.uniform(0, seconds)
    if draw.random() < WATCHED_SHARE:
        path, until = place / draw.choice(WATCHED), time.monotonic() + 2 * seconds
        there = path.exists()
        while path.exists() == there and time.monotonic() < until and not _has_ended(child):
            time.sleep(0.0002)
        until = time.monotonic() + draw.uniform(0, 0.01)
    while time.monotonic() < until and not _has_ended(child):
        time.sleep(0.0005)


def _has_ended(child: int) -> bool:
    """Whether it has; it can still be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
