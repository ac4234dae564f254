"""The loggers, each read back by the library that it writes for."""

from __future__ import annotations

import copy
import gc
import json
import math
import pickle
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone

from backtalk import (
    Checkpoint,
    DivergedError,
    Epoch,
    InputError,
    InputTypeError,
    LayerMeasures,
    MissingLibraryError,
    MLPClassifier,
    Network,
    fit,
    fit_many,
    load,
    resume,
)
from backtalk.train.loggers import JsonLines, MLflow, TensorBoard
from backtalk.train.loggers.logger import MEASURES, numbers

needs_tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 5)), RNG.integers(0, 3, 60)
NETWORK = Network.create([5, 4, 3], rng=0)


def train(log, **settings):
    return fit(NETWORK, X, Y, rng=1, callbacks=[log], **{"epochs": 3, **settings})


def interrupt(_):
    raise KeyboardInterrupt


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


# the numbers of an epoch


def test_the_numbers_of_an_epoch_are_what_it_tells_and_the_measures_of_each_layer():
    found = []
    fit(NETWORK, X, Y, epochs=1, rng=0, validation=0.2, measure_every=1, callbacks=[found.append])
    told = numbers(found[0])
    of_the_output = {"grad_W/layer_2", "W/layer_2", "update/layer_2"}
    assert set(told) - {f"{name}/layer_1" for name in MEASURES} - of_the_output == {
        "loss", "validation_loss", "learning_rate"
    }  # fmt: skip
    assert len(told) == 3 + len(MEASURES) + 3
    assert told["grad_W/layer_2"] == found[0].measures[1].grad_W
    assert told["validation_loss"] == found[0].validation_loss


def test_what_an_epoch_does_not_know_is_left_out():
    assert numbers(Epoch(1, 0.5, NETWORK)) == {"loss": 0.5}


# JSON lines


def test_json_lines_holds_one_object_for_each_epoch(tmp_path):
    training = train(JsonLines(tmp_path / "log.jsonl"), validation=(X, Y), measure_every=2)
    found = lines(tmp_path / "log.jsonl")
    assert [each["epoch"] for each in found] == [1, 2, 3]
    assert tuple(each["loss"] for each in found) == training.losses
    assert tuple(each["validation_loss"] for each in found) == training.validation_losses
    assert all(each["grad_W/layer_1"] > 0 for each in found)


def test_json_lines_are_there_as_soon_as_the_epoch_is_over(tmp_path):
    seen = []
    path = tmp_path / "log.jsonl"
    fit(NETWORK, X, Y, epochs=2, callbacks=[JsonLines(path), lambda epoch: seen.append(len(lines(path)))])
    assert seen == [1, 2]


def test_a_new_run_writes_the_json_lines_anew(tmp_path):
    log = JsonLines(tmp_path / "log.jsonl")
    train(log, epochs=5)
    train(log, epochs=2)
    assert [each["epoch"] for each in lines(log.path)] == [1, 2]


def test_a_resumed_run_goes_on_in_the_json_lines_and_replaces_the_epochs_that_were_lost(tmp_path):
    log, place = JsonLines(tmp_path / "log.jsonl"), Checkpoint(tmp_path / "run.safetensors")
    train(log, epochs=2, checkpoint=place)
    with log.path.open("a") as file:
        file.write('{"epoch": 3, "loss": 7.0}\n{"epoch": 4, "lo')
    training = resume(place, X, Y, epochs=4, callbacks=[log])
    assert [(each["epoch"], each["loss"]) for each in lines(log.path)] == list(enumerate(training.losses, 1))


def test_a_number_that_is_not_finite_is_null_in_json(tmp_path):
    log = JsonLines(tmp_path / "log.jsonl")
    log.on_start({})
    log.on_epoch(Epoch(1, math.inf, NETWORK, (LayerMeasures(1, None, None, math.nan, 1.0, 2.0, None),)))
    assert lines(log.path) == [
        {"epoch": 1, "loss": None, "grad_W/layer_1": None, "W/layer_1": 1.0, "update/layer_1": 2.0}
    ]


def test_a_file_that_cannot_be_written_is_an_error_before_the_first_step(tmp_path):
    with pytest.raises(FileNotFoundError):
        train(JsonLines(tmp_path / "nowhere" / "log.jsonl"))


def test_a_log_that_fails_later_warns_and_training_goes_on(tmp_path):
    path = tmp_path / "log.jsonl"

    def block(epoch):
        if epoch.number == 1:
            path.unlink()
            path.mkdir()

    with pytest.warns(UserWarning, match=r"JsonLines\(.*did not write epoch 2 .*training goes on"):
        training = fit(NETWORK, X, Y, epochs=2, callbacks=[JsonLines(path), block])
    assert len(training.losses) == 2


@pytest.mark.parametrize("logger", [JsonLines, TensorBoard, MLflow])
def test_a_place_that_is_no_text_is_refused(logger):
    with pytest.raises(InputTypeError, match="is 3, expected"):
        logger(3)


# TensorBoard


def read_tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def scalars(events, tag):
    return [(each.step, each.value) for each in events.Scalars(tag)]


def as_float32(values):
    return list(enumerate(np.float32(values).tolist(), start=1))


@needs_tensorboard
def test_tensorboard_reads_the_losses_rates_and_measures(tmp_path):
    training = train(TensorBoard(tmp_path / "runs/1"), validation=0.2, measure_every=1, schedule="step(every=1)")
    events = read_tensorboard(tmp_path / "runs/1")
    assert scalars(events, "loss") == as_float32(training.losses)
    assert scalars(events, "validation_loss") == as_float32(training.validation_losses)
    assert scalars(events, "learning_rate") == as_float32([1e-3, 1e-4, 1e-5])
    assert {"grad_W/layer_1", "grad_W/layer_2", "grad_h/layer_1", "update/layer_2"} <= set(events.Tags()["scalars"])


@needs_tensorboard
def test_tensorboard_reads_the_settings(tmp_path):
    from tensorboard.plugins.hparams import metadata

    train(TensorBoard(tmp_path), dropout=[0.25], optimizer="adam(learning_rate=0.01)")
    content = read_tensorboard(tmp_path).SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    found = metadata.parse_session_start_info_plugin_data(content).hparams
    assert found["batch_size"].number_value == 32
    assert found["optimizer"].string_value.startswith("adam(learning_rate=0.01")
    assert found["dropout"].string_value == "(0.25,)"
    assert found["clip_norm"].string_value == "None"


@needs_tensorboard
def test_tensorboard_can_be_read_while_training_goes_on(tmp_path):
    seen = []

    def look(_):
        seen.append(len(read_tensorboard(tmp_path).Scalars("loss")))

    fit(NETWORK, X, Y, epochs=2, callbacks=[TensorBoard(tmp_path), look])
    assert seen == [1, 2]


@needs_tensorboard
def test_a_resumed_run_goes_on_in_its_folder_of_tensorboard(tmp_path):
    folder, place = tmp_path / "board", Checkpoint(tmp_path / "run.safetensors")
    train(TensorBoard(folder), epochs=2, checkpoint=place)
    lost = TensorBoard(folder)
    lost.on_start({})
    lost.on_epoch(Epoch(3, 7.0, NETWORK))  # an epoch that the checkpoint does not know
    del lost
    gc.collect()
    training = resume(place, X, Y, epochs=4, callbacks=[TensorBoard(folder)])
    assert scalars(read_tensorboard(folder), "loss") == as_float32(training.losses)


# MLflow


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A real client on a store of files, which MLflow keeps for tests such as these."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    return pytest.importorskip("mlflow").MlflowClient()


def runs(client, experiment="digits"):
    return client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def history(client, run, name):
    return [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, name)]


def test_mlflow_reads_the_settings_losses_rates_and_measures(client):
    log = MLflow("digits")
    training = train(log, validation=0.2, measure_every=1, class_weight={0: 2.0})
    (run,) = runs(client)
    assert run.info.run_id == log.run_id
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == "3"
    assert run.data.params["class_weight"] == "{0: 2.0}"
    assert run.data.tags["reason"] == "epochs"
    assert run.data.metrics["best_epoch"] == training.best_epoch
    assert history(client, run, "loss") == list(enumerate(training.losses, start=1))
    assert history(client, run, "validation_loss") == list(enumerate(training.validation_losses, start=1))
    assert [step for step, _ in history(client, run, "grad_W/layer_2")] == [1, 2, 3]


def test_mlflow_keeps_the_network_as_an_artifact(client, tmp_path):
    log = MLflow("digits")
    training = train(log)
    found = load(client.download_artifacts(log.run_id, "network.safetensors", str(tmp_path)))
    assert all((found.W[i] == training.network.W[i]).all() for i in found.W)


def test_each_training_is_a_run_of_mlflow_of_its_own(client):
    log = MLflow("digits", client.tracking_uri)
    train(log, epochs=1)
    train(log, epochs=2)
    assert sorted(run.data.params["epochs"] for run in runs(client)) == ["1", "2"]


def test_training_that_was_interrupted_is_a_killed_run(client):
    log = MLflow("digits")
    with pytest.raises(KeyboardInterrupt):
        fit(NETWORK, X, Y, callbacks=[log, interrupt])
    (run,) = runs(client)
    assert (run.info.status, run.data.tags["reason"]) == ("KILLED", "interrupted")
    assert [each.path for each in client.list_artifacts(log.run_id)] == ["network.safetensors"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_training_that_an_error_ended_is_a_failed_run_once_its_logger_goes(client):
    log = MLflow("digits")
    with pytest.raises(DivergedError):
        fit(NETWORK, X, Y, optimizer="sgd(learning_rate=1e200)", callbacks=[log])
    del log
    gc.collect()
    assert [run.info.status for run in runs(client)] == ["FAILED"]


def test_a_server_that_is_gone_warns_and_training_goes_on(client, monkeypatch):
    log = MLflow("digits")

    def refuse(*_, **__):
        raise ConnectionError("the server is gone\nand more")

    def lose(_):
        monkeypatch.setattr(type(client), "log_batch", refuse)

    with pytest.warns(UserWarning, match=r"did not write epoch 2 \(the server is gone\); training goes on"):
        training = fit(NETWORK, X, Y, epochs=2, callbacks=[log, lose])
    assert len(training.losses) == 2


def test_an_experiment_that_another_run_makes_at_the_same_time_is_used(client, monkeypatch):
    look = type(client).get_experiment_by_name

    def look_too_early(_, name):
        monkeypatch.setattr(type(client), "get_experiment_by_name", look)
        client.create_experiment(name)

    monkeypatch.setattr(type(client), "get_experiment_by_name", look_too_early)
    train(MLflow("digits"), epochs=1)
    assert len(runs(client)) == 1


# copies, as scikit-learn makes them

COPY = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda log: pickle.loads(pickle.dumps(log))}


@pytest.fixture(params=[JsonLines, pytest.param(TensorBoard, marks=needs_tensorboard), MLflow])
def log(request, tmp_path):
    """A logger of each kind, before it trains."""
    if request.param is MLflow:
        request.getfixturevalue("client")
        return MLflow("digits")
    return request.param(tmp_path / "log")


def of_its_run(log):
    return log.run_id if isinstance(log, MLflow) else log.written


def epochs_in(log):
    if isinstance(log, JsonLines):
        return [each["epoch"] for each in lines(log.written)]
    if isinstance(log, TensorBoard):
        return [each.step for each in read_tensorboard(log.written).Scalars("loss")]
    from mlflow import MlflowClient

    return [each.step for each in MlflowClient().get_metric_history(log.run_id, "loss")]


@pytest.mark.parametrize("way", COPY)
@pytest.mark.parametrize("trained", [False, True])
def test_a_copy_has_the_arguments_and_none_of_the_run(log, way, trained):
    if trained:
        train(log, epochs=1)
    found = COPY[way](log)
    assert repr(found) == repr(log)
    assert of_its_run(found) is None
    assert (of_its_run(log) is not None) == trained


def test_a_logger_writes_nothing_before_training_begins(log, tmp_path):
    before = sorted(tmp_path.rglob("*"))  # MLflow's client looks for its store
    clone(MLPClassifier(callbacks=[pickle.loads(pickle.dumps(log))]))
    assert sorted(tmp_path.rglob("*")) == before


def test_each_copy_writes_a_place_of_its_own_and_leaves_that_of_the_others(log):
    copies = [copy.deepcopy(log) for _ in range(3)]
    for epochs, each in enumerate((log, *copies), start=1):
        train(each, epochs=epochs)
    assert len({of_its_run(each) for each in (log, *copies)}) == 4
    assert [epochs_in(each) for each in (log, *copies)] == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]


def test_copies_are_numbered_from_the_place_that_they_name(tmp_path):
    (tmp_path / "runs").mkdir()  # a folder without events is free
    for log, expected in [
        (JsonLines(tmp_path / "log.jsonl"), ["log.jsonl", "log-2.jsonl", "log-3.jsonl"]),
        (TensorBoard(tmp_path / "runs"), ["runs", "runs/2", "runs/3"]),
    ]:
        found = []
        for _ in expected:
            log = copy.deepcopy(log)  # of a copy, too, the place that the first one names counts
            train(log, epochs=1)
            found.append(log.written.relative_to(tmp_path).as_posix())
        assert found == expected


def test_a_copy_that_trains_again_keeps_its_place(log):
    train(log, epochs=1)
    other = copy.deepcopy(log)
    train(other, epochs=3)
    first = of_its_run(other)
    train(other, epochs=2)
    assert epochs_in(other) == [1, 2]
    assert (of_its_run(other) == first) == (not isinstance(log, MLflow))


def test_two_loggers_of_one_place_are_refused(tmp_path):
    (tmp_path / "a").mkdir()
    place, same = tmp_path / "log.jsonl", tmp_path / "a" / ".." / "log.jsonl"
    with pytest.raises(InputError, match=r"callbacks holds 2 loggers that write to '.*log.jsonl'.*another place"):
        fit(NETWORK, X, Y, callbacks=[JsonLines(place), JsonLines(same)])
    with pytest.raises(InputError, match="callbacks holds 2 loggers that write to"):
        fit_many([NETWORK] * 2, X, Y, each=[{"callbacks": JsonLines(each)} for each in (place, same)])
    assert not place.exists()
    copies = [{"callbacks": copy.copy(JsonLines(place))} for _ in range(2)]
    fit_many([NETWORK] * 2, X, Y, epochs=1, each=copies)
    assert sorted(each.name for each in tmp_path.glob("*.jsonl")) == ["log-2.jsonl", "log.jsonl"]


# the libraries


@pytest.mark.parametrize(("logger", "library"), [(TensorBoard, "tensorboard"), (MLflow, "mlflow")])
def test_a_library_that_is_missing_is_an_error_that_says_what_to_install(logger, library, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibraryError, match=rf"pip install 'backtalk\[{library}\]'"):
        logger(str(tmp_path))


def test_the_loggers_are_imported_without_the_libraries_that_they_write_for():
    loaded = "[name for name in ('tensorboard', 'mlflow') if name in sys.modules]"
    code = f"import sys, backtalk.train.loggers; print({loaded})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
