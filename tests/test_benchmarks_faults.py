"""The suite of faulty programs: its tables, what it counts, and one small program of each library from end to end."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.faults import command
from benchmarks.faults.program import DEVELOPMENT, MISTAKES, Healthy, Program, Recipe
from benchmarks.faults.run import Outcome, Said, Unwatched, run, score_of
from benchmarks.faults.score import judge, summarize
from benchmarks.faults.suite import BACKTALK, PYTORCH, Suite, library, suite

from backtalk import Network
from backtalk.analysis.diagnose import RULES

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def found() -> Suite:
    half = suite(DEVELOPMENT)
    assert half is not None
    return half


def test_every_program_has_a_name_of_its_own_a_source_and_words_of_its_repair(found):
    every = [*found.programs, *found.healthy]
    assert len({each.name for each in every}) == len(every)
    assert all(each.source and each.description and each.causes and all(each.fixes) for each in found.programs)


def test_causes_are_kinds_of_findings(found):
    kinds = {kind for each in found.programs for kind in each.causes}
    assert kinds <= set(RULES), kinds - set(RULES)


def test_each_mistake_that_only_pytorch_can_make_has_a_program(found):
    assert {each.mistake for each in found.programs} == {None, *range(1, len(MISTAKES) + 1)}
    assert all(library(each) == PYTORCH for each in found.programs if each.mistake is not None)


def test_both_libraries_have_enough_of_each_kind(found):
    dense = [each for each in found.programs if each.mistake is None]
    assert min(sum(library(each) == name for each in dense) for name in (BACKTALK, PYTORCH)) >= 16
    assert sum(library(each) == BACKTALK for each in found.healthy) >= 12
    assert sum(library(each) == PYTORCH for each in found.healthy) >= 14


def test_networks_fit_their_data(found):
    recipes = [twin for each in found.programs if library(each) == BACKTALK for twin in (each.faulty, each.repaired)]
    recipes += [each.run for each in found.healthy if library(each) == BACKTALK]
    for recipe in recipes:
        X, y, X_test, y_test = recipe.data()
        assert X.shape[1] == X_test.shape[1] == recipe.sizes[0]
        assert len(X) == len(y)
        assert len(X_test) == len(y_test) >= 40
        assert y.ndim == 1 or y.shape[1] == recipe.sizes[-1]
        Network.create(recipe.sizes, **recipe.network)


def line() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    X, X_test = rng.normal(size=(60, 2)), rng.normal(size=(40, 2))
    return X, X[:, 0], X_test, X_test[:, 0]


def tiny(**network) -> Recipe:
    return Recipe(
        line, (2, 1), {"loss": "squared_error", **network}, {"epochs": 40, "optimizer": "adam(learning_rate=0.05)"}
    )


BELOW_ZERO = Program(
    "a line", "none", "ReLU for numbers below 0", ("wrong_output",), ("identity",), tiny(output="relu"), tiny()
)
STEADY = Healthy("steady", "a line", tiny())


def test_a_network_is_trained_diagnosed_and_repaired():
    faulty, repaired = run(BELOW_ZERO.faulty, fix=True), run(BELOW_ZERO.repaired)
    assert not faulty.problem, faulty.problem
    assert (faulty.findings[0].kind, faulty.loud, repaired.loud) == ("wrong_output", True, False)
    assert faulty.score < repaired.score
    assert faulty.repairs
    assert faulty.better
    verdict = judge(BELOW_ZERO, faulty, repaired)
    assert verdict.detected
    assert verdict.first
    assert verdict.fix
    assert verdict.silent
    assert Outcome.of(faulty.to_dict()) == faulty


def train_a_line(watch):
    import torch

    X, y, X_test, y_test = (torch.as_tensor(each, dtype=torch.float32) for each in line())
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            optimizer.zero_grad()
            loss = (model(X)[:, 0] - y).square().mean()
            loss.backward()
            doctor.step(loss)
    return doctor, -float((model(X_test)[:, 0] - y_test).square().mean())


def test_a_program_of_pytorch_is_watched():
    found = run(train_a_line)
    assert not found.problem, found.problem
    assert "weights_do_not_change" in [each.kind for each in found.findings if each.severity != "note"]
    assert found.score < -0.1
    assert run(train_a_line, watched=False).findings == ()


def test_without_a_doctor_the_losses_are_kept():
    with Unwatched() as doctor:
        doctor.step(2.0)
        doctor.validate(1.0)
    assert doctor.losses == [2.0]


def crash(_):
    raise ZeroDivisionError("on purpose")


def test_a_program_that_crashes_is_missed_and_named():
    crashed = run(crash)
    assert crashed.problem.startswith("ZeroDivisionError: on purpose (test_benchmarks_faults.py:")
    verdict = judge(BELOW_ZERO, crashed, crashed)
    assert not any((verdict.detected, verdict.named, verdict.first, verdict.fix, verdict.silent))
    summary = summarize([BELOW_ZERO], [STEADY], dict.fromkeys(KEYS, crashed))
    assert summary["all"]["false_alarms"] == summary["all"]["without_fault"] == 2
    assert list(summary["crashes"]) == ["a line, faulty", "a line, repaired", "steady, healthy"]


KEYS = [("a line", "faulty"), ("a line", "repaired"), ("steady", "healthy")]


def said(kind: str, severity: str, advice: str = "") -> Said:
    return Said(kind, severity, kind, "", advice)


def test_a_cause_that_comes_later_or_as_a_note_is_not_first():
    right = said("wrong_output", "warning", "Use output='Identity'.")
    later = judge(BELOW_ZERO, Outcome((said("dead_units", "severe"), right)), Outcome())
    assert (later.detected, later.named, later.first, later.fix) == (True, True, False, True)
    note = judge(BELOW_ZERO, Outcome((said("wrong_output", "note"),)), Outcome((said("dead_units", "note"),)))
    assert (note.detected, note.named, note.first, note.fix, note.silent) == (False, True, False, False, True)


def test_a_repair_is_better_if_it_raises_the_score_or_makes_it_finite():
    assert Outcome(before=0.5, after=0.6).better
    assert Outcome(before=None, after=-3.0).better
    assert not Outcome(before=0.5, after=0.5).better
    assert not Outcome(before=0.5, after=None).better


def test_scores_are_shares_of_right_classes_or_determination():
    network = Network([[[1.0, 0.0]]], [[0.0]], loss="squared_error")
    X = np.array([[0.2, 9.0], [1.1, 9.0], [1.9, 9.0]])
    assert score_of(network, X, np.array([0, 1, 1])) == 1.0
    assert score_of(network, X, X[:, 0]) == 1.0
    assert score_of(Network([[[1e9, 0.0]]], [[0.0]], loss="squared_error"), X * 1e307, X[:, 0]) is None


def test_the_command_says_that_the_other_half_is_not_there(capsys, monkeypatch):
    monkeypatch.setattr(command, "suite", lambda half: None)
    command.main(["--half", "held-out"])
    out = capsys.readouterr().out
    assert "there is no benchmarks/faults/held_out" in out
    assert out.splitlines()[-1] == "{}"


def test_the_tables_show_what_was_missed(capsys, monkeypatch, tmp_path):
    outcomes = {
        KEYS[0]: Outcome((said("dead_units", "severe"), said("wrong_output", "severe", "identity"))),
        KEYS[1]: Outcome((said("overfitting", "warning"),)),
        KEYS[2]: Outcome(),
    }
    monkeypatch.setattr(command, "suite", lambda half: Suite((BELOW_ZERO,), (STEADY,)))
    monkeypatch.setattr(command, "run_all", lambda *_, **__: outcomes)
    command.main(["--json", str(tmp_path / "found.json"), "--say"])
    out = capsys.readouterr().out
    assert "a line, repaired: false alarm: warning overfitting" in out
    assert "detected 1 of 1 (100 %), cause named 1 of 1 (100 %), cause first 0 of 1 (0 %)" in out
    assert (tmp_path / "found.json").read_text().startswith("{")
    command.main(["--scores"])
    assert "repaired" in capsys.readouterr().out
