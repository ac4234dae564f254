"""The loggers, each read back by the library that it writes for."""

from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from backtalk import (
    Checkpoint,
    DivergedError,
    Epoch,
    InputTypeError,
    LayerMeasures,
    MissingLibraryError,
    Network,
    fit,
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


@pytest.mark.usefixtures("client")
def test_a_server_that_is_gone_warns_and_training_goes_on(monkeypatch):
    log = MLflow("digits")

    def refuse(*_, **__):
        raise ConnectionError("the server is gone\nand more")

    def lose(_):
        monkeypatch.setattr(log._client, "log_batch", refuse)

    with pytest.warns(UserWarning, match=r"did not write epoch 2 \(the server is gone\); training goes on"):
        training = fit(NETWORK, X, Y, epochs=2, callbacks=[log, lose])
    assert len(training.losses) == 2


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
