"""Processes that train together take the steps that one takes, and stop together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import cluster_work
from backtalk import Shard, fit, load, resume
from backtalk.data.shards import ShardSource
from backtalk.distributed import ALONE, joined_group
from backtalk.distributed.join import ENDING
from backtalk.engines.devices import Devices, device_bytes
from backtalk.errors import InputError
from cluster_work import PLAIN, ROWS, X, Y, network
from limits import LIMIT
from ports import free_port

pytest.importorskip("jax")
SAME = [  # the same in any number of processes
    "arrays", "many_settings", "single_precision", "shards", "parquet", "memory_mapped", "parameters_in_parts",
    "gone_on", "held_by_one",
]  # fmt: skip
SAME_IN_THREE = ["shards", "parquet", "parameters_in_parts", "gone_on"]
WORKS = [
    "cut_short",
    *SAME,
    "groups_read",
    "stopped_by_one",
    "interrupted_in_one",
    "differing",
    "diverging",
    "seeds",
    "together",
]
IN_THREE = [*SAME_IN_THREE, "groups_read", "stopped_by_one", "interrupted_in_one", "differing", "together"]
# JAX starts a program in a process of its own for each; what C++ prints is not Python's
ENVIRONMENT = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONWARNINGS": "error", "TF_CPP_MIN_LOG_LEVEL": "3"}


def start(count: int, folder: Path, works: list[str], **variables: str) -> list[subprocess.Popen[str]]:
    port = free_port()
    script = Path(__file__).with_name("cluster_work.py")
    return [
        subprocess.Popen(
            [sys.executable, str(script), str(process), str(count), str(port), str(folder), *works],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT | variables,
        )
        for process in range(count)
    ]  # fmt: skip


def answers(process: subprocess.Popen[str]) -> tuple[dict, str]:
    """What a process printed as JSON, and all that it said."""
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        err += "\nended by the test: it took too long"
    found: dict = {}
    for line in out.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    return found, f"ended with {process.returncode}\n{err[-4000:]}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import pyarrow
    import pyarrow.parquet

    place = tmp_path_factory.mktemp("cluster")
    (place / "data").mkdir()
    columns = {f"x{j}": X[:, j] for j in range(6)} | {"kind": np.array(["a", "b", "c"])[Y]}
    np.save(place / "X.npy", X)
    np.save(place / "y.npy", Y)
    pyarrow.parquet.write_table(pyarrow.table(columns), place / "data" / "one.parquet", row_group_size=30)
    return place


@pytest.fixture(scope="module")
def one(folder):
    """The answers of this process alone, which leaves the checkpoint of the others; of two processes and of three."""
    runs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster_work, "FOLDER", folder)
        alone = {"cut_short": cluster_work.answer("cut_short")}
        for count, works in ((2, WORKS), (3, IN_THREE)):
            every = [answers(process) for process in start(count, folder, works)]
            for found, said in every:
                assert list(found) == works, said
            runs[count] = [found for found, _ in every]
        alone |= {work: cluster_work.answer(work) for work in WORKS if work not in ("cut_short", "together")}
    return alone, runs


@pytest.fixture(params=[2, 3])
def both(one, request):
    alone, runs = one
    return alone, runs[request.param]


@pytest.mark.parametrize(("count", "work"), [*((2, work) for work in SAME), *((3, work) for work in SAME_IN_THREE)])
def test_the_loss_curve_is_that_of_one_process(one, count, work):
    alone, runs = one
    every = runs[count]
    tolerance = 1e-5 if work == "single_precision" else 1e-10
    for found in every:
        np.testing.assert_allclose(found[work]["losses"], alone[work]["losses"], rtol=tolerance)
        np.testing.assert_allclose(found[work]["validation"], alone[work]["validation"], rtol=tolerance)
        np.testing.assert_allclose(found[work]["parameters"], alone[work]["parameters"], rtol=1e-3, atol=10 * tolerance)
        assert found[work]["reason"] == alone[work]["reason"]


def test_many_devices_of_one_process_are_used_alike(one, folder):
    alone, _ = one
    works = ["arrays", "many_settings", "shards", "parameters_in_parts"]
    found, said = answers(start(1, folder, works, XLA_FLAGS="--xla_force_host_platform_device_count=3")[0])
    assert list(found) == works, said
    for work in works:
        np.testing.assert_allclose(found[work]["losses"], alone[work]["losses"], rtol=1e-10)


def test_each_process_reads_its_own_row_groups(both):
    alone, every = both
    groups = alone["groups_read"]["groups"]
    assert groups == list(range(7))
    assert [found["groups_read"]["groups"] for found in every] == [groups[k :: len(every)] for k in range(len(every))]


def test_every_process_has_the_same_bits(both):
    _, every = both
    for work in every[0]:
        if work not in ("parameters_in_parts", "groups_read", "differing"):
            assert all(found[work] == every[0][work] for found in every), work


def test_a_checkpoint_goes_on_with_another_number_of_processes(both):
    alone, every = both
    whole = fit(network(), Shard(X, Y), **PLAIN)
    for found in (alone, *every):
        np.testing.assert_allclose(found["gone_on"]["losses"], whole.losses, rtol=1e-10)


def test_one_process_stops_all(both):
    alone, every = both
    assert len(alone["stopped_by_one"]["losses"]) == 2
    for found in every:
        assert found["stopped_by_one"]["reason"] == "callback"
        assert found["stopped_by_one"]["losses"] == pytest.approx(alone["stopped_by_one"]["losses"], rel=1e-10)
        assert found["interrupted_in_one"]["error"] == "TrainingInterrupted"
        assert found["interrupted_in_one"]["step"] >= 8


def test_processes_that_differ_are_told_what_differs(both):
    _, every = both
    for found in every:
        sentences = found["differing"]
        assert "differ in the weights of the network" in sentences["weights"]
        assert "differ in the setting l2_penalty: 0.0 in process 0, 0.1 in process" in sentences["settings"]
        assert "differ in the data" in sentences["data"]
        assert "differ in the sizes of the layers: [6, 4, 3] in process 0, [6, 5, 3] in process" in sentences["layers"]
        assert "differ in the validation set" in sentences["validation"]
        last = len(every) - 1
        for what, said in (("rows of one", "X holds nan"), ("labels of one", "expected labels")):
            assert said in sentences[what]
            assert sentences[what].startswith("InputError: " + f"process {last}: " * (found is not every[-1]))
        for what in ("a callback", "progress"):
            told = "InputError: this one does not" if found is every[-1] else "ProcessLostError: a callback raised"
            assert sentences[what].startswith(told)
        assert "X is a Shard, of a cluster, but engine is 'auto'" in sentences["engine"]
    assert not any(value for name, value in both[0]["differing"].items())


def test_all_see_the_same_divergence(one):
    alone, runs = one
    every = runs[2]
    assert alone["diverging"]
    assert all(found["diverging"] == alone["diverging"] for found in every)


def test_values_are_gathered_in_the_order_of_the_processes(both):
    _, every = both
    count = len(every)
    for found in every:
        answer = found["together"]
        assert answer["gather"] == [{"number": k, "third": k / 3} for k in range(count)]
        whole = [np.arange(6.0).reshape(3, 2)[:k] + k / 3 for k in range(count)]
        assert answer["concatenate"] == np.concatenate(whole).tolist()
        assert answer["any_of"] == [True, True, False]


@pytest.mark.parametrize("lost", [0, 1])
def test_when_a_process_is_killed_the_other_stops_and_the_checkpoint_goes_on(tmp_path, lost):
    folder = tmp_path / str(lost)
    folder.mkdir()
    processes = start(2, folder, ["killed"])
    assert "ended with -9" in answers(processes[lost])[1]
    began = time.monotonic()
    found, said = answers(processes[1 - lost])
    assert time.monotonic() - began < ENDING
    if found:  # else JAX itself ended the process, as it does where process 0 is lost
        assert found["killed"]["error"].startswith(f"ProcessLostError: process {lost} no longer answers"), said
        assert "run.safetensors goes on, also with another number of processes" in found["killed"]["error"]
    else:
        assert lost == 0, said
    assert load(folder / "run.safetensors").sizes == (6, 8, 7, 3)
    whole = fit(network(), Shard(X, Y), **(PLAIN | {"epochs": 6}))
    gone_on = resume(folder / "run.safetensors", Shard(X, Y))
    np.testing.assert_allclose(gone_on.losses, whole.losses, rtol=1e-10)


def test_alone_a_shard_is_the_same_as_arrays():
    assert joined_group() == ALONE
    arrays, shard = fit(network(), X, Y, **PLAIN), fit(network(), Shard(X, Y), **PLAIN)
    assert arrays.losses == shard.losses
    formula = fit(network(), Shard(X, Y), **(PLAIN | {"engine": "auto"}))
    np.testing.assert_allclose(formula.losses, arrays.losses, rtol=1e-10)


@pytest.mark.parametrize("bad", [{"X": X[:0], "y": Y[:0]}, {"X": X, "y": Y[:3]}, {"X": X * np.nan, "y": Y}])
def test_a_shard_alone_refuses_what_arrays_are_refused_for(bad):
    with pytest.raises(InputError):
        fit(network(), Shard(**bad), **PLAIN)


def test_the_fingerprint_of_a_shard_tells_rows_and_their_order_apart():
    def of(X, y=Y):
        source = Shard(X, y).source(network(), True, None)
        assert isinstance(source, ShardSource)
        return source.fingerprint()

    swapped = X.copy()
    swapped[[0, 1]] = X[[1, 0]]
    assert len({of(X), of(swapped), of(X + 1e-12), of(X, (Y + 1) % 3), of(X[:-1], Y[:-1])}) == 5
    assert of(np.asfortranarray(X)) == of(X)


def test_the_memory_of_a_device_can_be_told(monkeypatch):
    import jax

    assert device_bytes(jax.local_devices()[0]) > 1e8
    monkeypatch.setenv("BACKTALK_DEVICE_BYTES", "many")
    with pytest.raises(InputError, match="BACKTALK_DEVICE_BYTES is 'many', expected a number of bytes"):
        device_bytes(jax.local_devices()[0])


def test_one_device_needs_no_parts(monkeypatch):
    import jax

    monkeypatch.setenv("BACKTALK_DEVICE_BYTES", "1")
    assert not Devices.of(jax, ALONE, parameter_bytes=10**9).sharded
    assert ROWS % 2
