"""The networks of a run: each is what fit makes of its rows, together they predict, and a run of several goes on."""

from __future__ import annotations

import json
import shutil
from itertools import islice
from statistics import median

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

from backtalk import DivergedError, TrainingInterrupted, fit, forward, load, load_members
from backtalk.analysis.diagnose import diagnose as examine
from backtalk.apps.tables import Options, diagnose, evaluate, predict, resume, train
from backtalk.apps.tables.folder import CHECKPOINT, DIAGNOSIS, DIAGNOSIS_PAGE, HISTORY, METRICS, MODEL, RUN, numbered
from backtalk.apps.tables.in_memory import learn
from backtalk.apps.tables.metrics import scores
from backtalk.apps.tables.options import settings_of
from backtalk.apps.tables.prepare import prepare, seeds_of
from backtalk.apps.tables.use import examples_of
from backtalk.apps.tables.weights import validation_of
from backtalk.errors import FileFormatError, InputError
from groups import call as in_processes
from one_network import ALONE

SMALL = {"hidden": (4,), "epochs": 4, "patience": 2}
OFTEN = SMALL | {"checkpoint_seconds": 1e-9}


def frame(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows)).round(3)
    w, t = rng.integers(1, 4, rows), np.arange(rows) // 2
    return pl.DataFrame({"a": a, "b": b, "y": np.where(a > b, "more", "less"), "z": a - b, "w": w, "t": t})


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    frame().write_csv(path)
    return path


@pytest.fixture(scope="module")
def five(table):
    """The folder of a run of five networks that nothing disturbed."""
    train(table, table.parent / "five" / "run", Options("y", **OFTEN))
    return table.parent / "five" / "run"


@pytest.fixture(scope="module")
def refitted(table):
    """That of a run of one network, trained after its folds."""
    train(table, table.parent / "refitted" / "run", Options("y", members=1, **OFTEN))
    return table.parent / "refitted" / "run"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def stop_at(member, epoch, error=None):
    def progress(now):
        if (now.member, now.epoch) == (member, epoch):
            raise error or KeyboardInterrupt

    return progress


# What each of them is


def same(network, other):
    for family in ("W", "b"):
        for i, array in getattr(network, family).items():
            np.testing.assert_array_equal(array, getattr(other, family)[i])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"target": "z", "members": 2},
        {"patience": 0, "members": 2},
        {"class_weight": "balanced", "members": 2},
        {"weight": "w", "members": 2},
        {"test": 0.3, "members": 2},
        {"optimizer": "lbfgs", "members": 2},
        {"optimizer": "gd", "members": 2},
        {"engine": "formula", "members": 2},
        {"engine": "compiled", "members": 2},
        {"validation": 0.2, "members": 3},
        {"split": "time=t", "members": 2},
    ],
    ids=lambda asked: ",".join(f"{name}={value}" for name, value in asked.items()),
)
def test_each_member_is_what_fit_makes_of_its_rows_to_the_bit(asked):
    options = Options(**{"target": "y", **SMALL, **asked})
    finished = learn(frame(), options)
    ready = finished.ready
    X, y, *weight = (*ready.parts["training"], *(ready.weights[part] for part in ready.weights if part == "training"))
    rows = len(X) - (len(X) // ready.plan.folds if ready.plan.folds else 0)
    settings = settings_of(ready.plan.options, rows).arguments()
    for k, rng in zip(range(ready.plan.trainings), seeds_of(options.seed), strict=False):
        seen = slice(None) if ready.seen(k) is None else ready.seen(k)
        own = [array[seen] for array in (X, y, *weight)]
        validation = validation_of(ready.beside(k), options)
        alone = fit(
            ready.networks[k], *own, validation=validation, class_weight=options.class_weight, rng=rng, **settings
        )
        found = finished.trained.trainings[k]
        same(found.network, alone.network)
        assert (found.losses, found.validation_losses) == (alone.losses, alone.validation_losses)


def test_members_with_a_validation_set_share_it_and_differ_by_their_seeds():
    ready = learn(frame(), Options("y", validation=0.2, members=3, **SMALL)).ready
    assert ready.fold is None
    assert [len(ready.truth[part]) for part in ("training", "validation", "test")] == [36, 12, 12]
    assert len({network.W[1].tobytes() for network in ready.networks}) == 3


@pytest.mark.parametrize("asked", [{}, {"patience": 0}, {"optimizer": "lbfgs", "schedule": "constant"}, {"test": 0.2}])
def test_one_member_is_trained_on_all_rows_for_the_median_epoch_of_the_folds(asked):
    options = Options("y", members=1, **SMALL | {"epochs": 7, "schedule": "cosine"} | asked)
    finished = learn(frame(), options)
    *folds, last = finished.trained.trainings
    kept = [each.best_epoch if options.patience else len(each.losses) for each in folds]
    epochs = round(median(kept))
    assert len(last.losses) == epochs
    ready = finished.ready
    settings = {**settings_of(ready.plan.options, len(ready.truth["training"])).arguments(), "patience": None}
    *_, rng = islice(seeds_of(options.seed), 6)
    X, y = ready.parts["training"]
    alone = fit(ready.networks[0], X, y, rng=rng, callbacks=lambda epoch: epoch.number >= epochs, **settings)
    same(last.network, alone.network)
    assert finished.trained.members == (last.network,)


# What they say together


@pytest.mark.parametrize("run", ["five", "refitted"])
def test_each_row_is_judged_by_the_network_that_did_not_see_it(run, table, request):
    folder = request.getfixturevalue(run)
    options = Options("y", members=1 if run == "refitted" else None, **OFTEN)
    ready = prepare(table, options)
    X, y = ready.parts["training"]
    output = np.empty((len(X), 2), np.float32)
    for k in range(5):
        of_fold = numbered(CHECKPOINT, k, 6)
        own = load(folder / of_fold) if run == "refitted" else load(folder, member=k + 1)
        held_out = ready.held_out(k)
        output[held_out] = forward(own, X[held_out]).output
    metrics = json.loads((folder / METRICS).read_text())
    if run == "five":  # a checkpoint holds the last network, and not the best
        expected = scores(ready.target, y, output, load(folder))
        for name in ("accuracy", "log_loss", "roc_auc"):
            assert metrics["scores"]["out_of_fold"][name] == pytest.approx(expected[name])
    assert metrics["scores"]["out_of_fold"]["rows"] == len(X)
    assert metrics["judged"] == "out_of_fold"


@pytest.mark.parametrize("target", ["y", "z"])
def test_the_prediction_is_that_of_the_mean_of_the_members(target, table, five, tmp_path):
    folder = five
    if target == "z":
        folder = tmp_path / "run"
        train(table, folder, Options("z", members=2, **SMALL))
    model, (X, _), _, _ = examples_of(folder, table)
    output = forward(load(folder), X).output
    np.testing.assert_allclose(model.output_of(X), output, rtol=1e-5, atol=1e-6)
    a = np.mean([forward(each, X).a[2] for each in load_members(folder)], axis=0)
    np.testing.assert_allclose(forward(load(folder), X).a[2], a, rtol=1e-5, atol=1e-6)
    found = predict(folder, table)[0]
    if target == "y":
        np.testing.assert_allclose(found["probability of more"], output[:, 1], rtol=1e-5, atol=1e-6)
    else:
        decoded = model.target.decode(output)
        np.testing.assert_allclose(found["prediction"], decoded, rtol=1e-4, atol=1e-5)
    assert evaluate(folder, table)[0]["rows"] == 60


def test_the_mean_of_members_is_diagnosed_without_a_word_on_the_zeros_beside_its_diagonal():
    """They are no units that are dead, and no weights that vanish."""
    members = learn(frame(200), Options("y", hidden=(6, 5), epochs=15)).model
    X, y = prepare(frame(200), Options("y", members=1, validation=0.0, test=0.0)).parts["training"]
    alone = {finding.kind for member in members.members for finding in examine(member, X, y).findings}
    assert {finding.kind for finding in examine(members.network, X, y).findings} <= alone


def test_a_member_is_chosen_by_its_number(table, five):
    found = [diagnose(five, table, member)[0] for member in (1, 2)]
    trainings = json.loads((five / METRICS).read_text())["trainings"]
    for each, training in zip(found, trainings, strict=False):
        assert each.to_dict()["measurements"]["telemetry"]["losses"] == training["losses"]
    for wrong in (0, 6):
        with pytest.raises(InputError, match=f"member is {wrong}, but the run has 5 networks: expected 1 to 5"):
            diagnose(five, table, wrong)
    for wrong in (0, 6, True, "2"):
        with pytest.raises(InputError, match="expected 1 to 5"):
            load(five, member=wrong)
    assert len(load_members(five)) == 5


def test_the_network_on_all_rows_is_diagnosed_with_its_own_history(table, refitted):
    trainings = json.loads((refitted / METRICS).read_text())["trainings"]
    found = diagnose(refitted, table)[0].to_dict()
    assert found["measurements"]["telemetry"]["losses"] == trainings[5]["losses"]
    assert trainings[5]["reason"] == "refit"


# A run that ends early goes on


@pytest.mark.parametrize("at", [(1, 1), (3, 2), (5, 4)])
def test_a_run_that_is_interrupted_among_its_members_goes_on_to_the_same_bits(at, table, five, tmp_path):
    with pytest.raises(TrainingInterrupted):
        train(table, tmp_path / "run", Options("y", **OFTEN), progress=stop_at(*at))
    assert not (tmp_path / "run" / MODEL).exists()
    with pytest.raises(InputError, match="resume"):
        predict(tmp_path / "run", table)
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(five)


@pytest.mark.parametrize(("at", "error"), [((2, 2), None), ((6, 1), MemoryError()), ((6, 2), None)])
def test_a_run_that_ends_before_or_in_its_last_training_goes_on_to_the_same_bits(at, error, table, refitted, tmp_path):
    with pytest.raises(type(error) if error else TrainingInterrupted):
        train(table, tmp_path / "run", Options("y", members=1, **OFTEN), progress=stop_at(*at, error))
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(refitted)


@pytest.mark.parametrize("lost", [[1, 2, 3, 4, 5], [2, 4], [5]])
def test_a_run_whose_later_checkpoints_were_never_written_goes_on_to_the_same_bits(lost, table, five, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    gone = {METRICS, MODEL, *(numbered(name, k - 1, 5) for k in lost for name in (CHECKPOINT, HISTORY))}
    for name, content in contents(five).items():
        if name not in gone:
            (folder / name).write_bytes(content)
    resume(folder, table)
    assert contents(folder) == contents(five)


@pytest.mark.parametrize("run", ["five", "refitted"])
def test_a_finished_run_gives_its_result_again(run, request):
    folder = request.getfixturevalue(run)
    before = contents(folder)
    found = resume(folder).metrics
    assert contents(folder) == before
    assert found == {name: value for name, value in json.loads(before[METRICS]).items() if name != "version"}


def test_a_member_that_diverges_is_told_and_the_earlier_run_stays(table, five, tmp_path):
    shutil.copytree(five, tmp_path / "run")
    wild = Options("y", optimizer="sgd(learning_rate=1e30)", activation="identity", **SMALL)
    with pytest.raises(DivergedError):
        train(table, tmp_path / "run", wild, overwrite=True)
    assert contents(tmp_path / "run") == contents(five)


# Files


def test_another_number_of_members_leaves_no_file_of_the_earlier_run(table, five, tmp_path):
    shutil.copytree(five, tmp_path / "run")
    train(table, tmp_path / "run", Options("y", members=2, **OFTEN), overwrite=True)
    own = {numbered(name, k, 2) for name in (CHECKPOINT, HISTORY) for k in range(2)}
    whole = {name for name in contents(five) if not name.startswith(("checkpoint", "history"))}
    assert set(contents(tmp_path / "run")) == own | whole
    train(table, tmp_path / "run", Options("y", **ALONE, **OFTEN), overwrite=True)
    assert set(contents(tmp_path / "run")) == {CHECKPOINT, HISTORY} | whole


def test_the_doctor_looks_at_the_first_member(table, tmp_path):
    result = train(table, tmp_path / "run", Options("y", members=2, diagnose=True, **SMALL))
    assert result.diagnosis is not None
    losses = result.diagnosis.to_dict()["measurements"]["telemetry"]["losses"]
    assert losses == result.metrics["trainings"][0]["losses"]
    assert {DIAGNOSIS, DIAGNOSIS_PAGE} <= set(contents(tmp_path / "run"))


def test_a_run_whose_members_are_damaged_is_refused(table, five, tmp_path):
    shutil.copytree(five, tmp_path / "run")
    model = tmp_path / "run" / MODEL
    model.write_bytes(model.read_bytes()[:-8])
    with pytest.raises(FileFormatError, match="truncated"):
        predict(tmp_path / "run", table)
    arrays = load_file(five / MODEL)
    arrays["2.W.1"] = arrays["2.W.1"] + 1
    save_file(arrays, model)
    with pytest.raises(FileFormatError, match="not a network saved by backtalk"):
        load(tmp_path / "run")
    shutil.copy(five / numbered(CHECKPOINT, 1, 5), model)
    with pytest.raises(InputError, match="has 1: expected 1, its only network"):
        load(tmp_path / "run", member=2)


def test_a_run_of_an_earlier_version_goes_on_as_one_network(table, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as earlier:  # numbers had no pieces and no levels
        for name in ("edges_of", "levels_of"):
            earlier.setattr(f"backtalk.apps.tables.learning.{name}", lambda _: [])
        whole = train(table, tmp_path / "whole", Options("y", **ALONE, **OFTEN)).metrics
        with pytest.raises(TrainingInterrupted):
            train(table, folder, Options("y", **ALONE, **OFTEN), progress=stop_at(1, 3))
    facts = json.loads((folder / RUN).read_text())
    del facts["members"], facts["run"]
    (folder / RUN).write_text(json.dumps(facts))
    metrics = resume(folder).metrics
    assert (metrics["members"], metrics["folds"], metrics["judged"]) == (1, 0, "test")
    assert metrics["trainings"] == whole["trainings"]
    same(load(folder), load(tmp_path / "whole"))


def test_what_an_earlier_version_wrote_of_its_scores_is_enough_to_diagnose(table, tmp_path):
    train(table, tmp_path / "run", Options("y", **ALONE, **SMALL))
    facts = json.loads((tmp_path / "run" / METRICS).read_text())
    earlier = facts.pop("trainings")[0] | {name: facts[name] for name in ("version", "run", "target", "task", "scores")}
    (tmp_path / "run" / METRICS).write_text(json.dumps(earlier))
    found = diagnose(tmp_path / "run", table)[0].to_dict()
    assert found["measurements"]["telemetry"]["losses"] == earlier["losses"]


# Where there can be one only


def test_processes_that_train_together_refuse_several_members_and_train_one_by_default(table):
    for error in in_processes(2, lambda group: prepare(table, Options("y", engine="compiled", members=3), group)):
        assert "members is 3, but 2 processes train together on one network" in str(error)
    for ready in in_processes(2, lambda group: prepare(table, Options("y", engine="compiled"), group)):
        assert (ready.plan.members, ready.plan.folds, list(ready.parts)) == (1, 0, ["training", "validation", "test"])
        assert "one network, without folds, since 2 processes train together." in ready.said
