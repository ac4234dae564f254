"""Passes as students write them are judged rightly, and their mistakes are named; nobody is accused who is right."""

from __future__ import annotations

import numpy as np
import pytest

from backtalk import CheckReport, InputError, Network, check, check_step
from homework import CORRECT, DEVELOPED, HELD_OUT, HOMEWORK, Slip


def hand_in(name: str, old: str = "", new: str = "") -> CheckReport:
    """The report on a homework, with ``new`` in it instead of ``old``."""
    work = HOMEWORK[name]
    functions = work.functions(old, new)
    if work.optimizer:
        return check_step(functions["update"], work.optimizer)
    rng = np.random.default_rng(5)
    W, _ = Network.create(work.sizes, work.activation, work.loss_name, rng=3).to_lists()
    network = Network(W, [rng.normal(size=n) / 2 for n in work.sizes[1:]], work.activation, work.loss_name)
    X = rng.normal(size=(7, work.sizes[0]))
    y = network.loss.draw_target(rng, 7, work.sizes[-1])
    own = {key: functions[getattr(work, key)] for key in ("forward", "loss", "backward") if getattr(work, key)}
    return check(network, X, np.eye(3)[y] if name == "separate" else y, **own)


@pytest.mark.parametrize("slip", [*DEVELOPED, *HELD_OUT], ids=lambda slip: f"{slip[0]}: {slip[2][:40]}")
def test_a_mistake_in_homework_is_found_and_named(slip: Slip):
    name, old, new, names = slip
    if " " in names and "_" not in names:  # a shape that is refused with its reason
        with pytest.raises(InputError, match=names):
            hand_in(name, old, new)
        return
    report = hand_in(name, old, new)
    assert not report.passed
    assert len(report.mistakes) == 1, report.verdict
    assert report.mistakes[0].name in names.split(), report.verdict


@pytest.mark.parametrize(("name", "old", "new"), CORRECT)
def test_right_homework_passes_in_every_layout_and_style(name, old, new):
    report = hand_in(name, old, new)
    assert report.passed, str(report)
    assert report.mistakes == ()


def test_there_are_sixty_mistakes_and_half_of_them_were_held_out():
    assert (len(DEVELOPED), len(HELD_OUT), len({slip[:3] for slip in (*DEVELOPED, *HELD_OUT)})) == (30, 30, 60)
    assert len(CORRECT) >= 15
