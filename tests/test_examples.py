"""The examples of examples/ run, and find what they say they find."""

from __future__ import annotations

import doctest
import importlib.util
import itertools
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from limits import LIMIT

FOLDER = Path(__file__).parent.parent / "examples"
SCORES = ["plain loss", "GraNd", "EL2N", "self-influence"]


@pytest.fixture(scope="module")
def flipped_labels():
    example = runpy.run_path(str(FOLDER / "flipped_labels.py"))
    return example, example["main"](["--seed", "0"])


# Measured over seeds 0 … 9, as mean (least … most) of recall, which equals precision:
#   epochs  plain loss         GraNd              EL2N               self-influence
#        1  0.84 (0.75 … 0.90) 0.78 (0.67 … 0.85) 0.84 (0.68 … 0.89) 0.78 (0.65 … 0.83)
#       10  0.96 (0.93 … 0.97) 0.92 (0.89 … 0.94) 0.96 (0.93 … 0.99) 0.94 (0.92 … 0.96)
#       60  0.59 (0.49 … 0.64) 0.58 (0.46 … 0.64) 0.60 (0.47 … 0.65) 0.93 (0.90 … 0.96)
@pytest.mark.parametrize("score", SCORES)
def test_every_score_finds_most_flipped_labels_before_they_are_learned(flipped_labels, score):
    recall = {row.epochs: row.recall for row in flipped_labels[1] if row.score == score}
    assert recall[1] > 0.4
    assert recall[10] > 0.8


def test_self_influence_still_finds_them_when_the_networks_know_them_by_heart(flipped_labels):
    recall = {row.score: row.recall for row in flipped_labels[1] if row.epochs == 60}
    assert recall["self-influence"] > 0.8
    assert max(recall[score] for score in SCORES[:3]) < recall["self-influence"]


def test_every_score_is_reported_at_every_moment(flipped_labels):
    assert {(row.score, row.epochs) for row in flipped_labels[1]} == {(s, e) for s in SCORES for e in (1, 10, 60)}
    assert all(row.flipped == row.looked_at == 72 for row in flipped_labels[1])


def test_exactly_the_share_of_labels_is_flipped_each_to_another(flipped_labels):
    import numpy as np

    y = np.arange(1000) % 10
    wrong, flipped = flipped_labels[0]["flip"](y, np.random.default_rng(0))
    assert flipped.sum() == 50
    np.testing.assert_array_equal(wrong != y, flipped)
    assert ((wrong >= 0) & (wrong < 10)).all()


def test_the_report_names_the_best_score_and_the_best_at_the_end(flipped_labels, capsys):
    from rich.console import Console

    example, table = flipped_labels
    example["show"](table, {1: 0.0, 10: 0.0, 60: 0.9}, Console(width=100))
    said = capsys.readouterr().out
    assert all(score in said for score in SCORES)
    assert "with 90% of the wrong labels learned: self-influence after 60 epochs" in " ".join(said.split())


def test_an_activation_of_ones_own_is_checked_and_learns_like_others(monkeypatch, capsys):
    from backtalk.core.activations import ACTIVATIONS

    monkeypatch.setitem(ACTIVATIONS, "squareplus", None)  # so that it is out of the table afterwards
    results = runpy.run_path(str(FOLDER / "own_activation.py"))["main"](["--goal", "1"])
    assert [each.activation for each in results] == ["relu", "tanh", "softplus", "squareplus"]
    assert all(each.epochs and each.epochs < 20 and each.accuracy > 0.6 and each.flow > 0.3 for each in results)
    said = capsys.readouterr().out
    assert "passed: largest relative error" in said
    assert all(f"{each.activation:12} {each.epochs:>6}" in said for each in results)


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Each 'train …' or 'resume …' of backtalk in a script, with the options that it is given."""
    joined = re.sub(r"\\\n|\n +(?=--)", " ", text)
    here = re.findall(r'here="(.*)"', joined)
    for line in here:
        joined = joined.replace("$here", line)
    found = re.findall(r"(?:backtalk |work=\()(train|resume)\b([^\n)]*)", joined)
    return [(name, re.findall(r"(--[a-z-]+)", rest)) for name, rest in found]


def options_of(command: str) -> set[str]:
    from typer.main import get_command

    from backtalk.apps.cli import app

    return {option for each in get_command(app).commands[command].params for option in each.opts}


@pytest.mark.parametrize("name", ["cluster.slurm", "cluster.yaml"])
def test_what_the_scripts_of_clusters_give_to_backtalk_is_there(name):
    found = commands((FOLDER / name).read_text())
    assert {command for command, _ in found} == {"train", "resume"}
    for command, options in found:
        assert set(options) <= options_of(command)
    assert any("--engine" in options and "--out" in options for _, options in found)


def test_the_script_for_slurm_is_bash_that_knows_what_to_do(tmp_path):
    """With stand-ins for srun and scontrol that write down how they were called."""
    (tmp_path / "srun").write_text(f'#!/bin/bash\necho "$@" >>{tmp_path}/calls\nexit "$(cat {tmp_path}/status)"\n')
    (tmp_path / "scontrol").write_text(f'#!/bin/bash\necho "scontrol $@" >>{tmp_path}/calls\n')
    for name in ("srun", "scontrol"):
        (tmp_path / name).chmod(0o755)
    run, calls = tmp_path / "run", tmp_path / "calls"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_CPUS_PER_TASK": "2", "SLURM_JOB_ID": "17"}

    def submit(status: int, restarts: int = 0) -> tuple[int, str]:
        (tmp_path / "status").write_text(str(status))
        calls.write_text("")
        command = ["bash", str(FOLDER / "cluster.slurm"), "a table.csv", "y", str(run)]
        queued = environment | ({"SLURM_RESTART_COUNT": str(restarts)} if restarts else {})
        done = subprocess.run(command, env=queued, capture_output=True, text=True, timeout=LIMIT)
        return done.returncode, calls.read_text()

    code, said = submit(130)
    assert code == 130
    assert f"backtalk train a table.csv --target y --out {run}" in said
    assert "scontrol requeue 17" in said
    for lost in (75, 137):  # a process was lost
        assert submit(lost)[0] == lost
        assert "scontrol requeue 17" in submit(lost, restarts=19)[1]
        assert "scontrol" not in submit(lost, restarts=20)[1]
    assert "scontrol" in submit(130, restarts=99)[1]
    assert "scontrol" not in submit(2)[1]
    run.mkdir()
    (run / "checkpoint.safetensors").touch()
    code, said = submit(0)
    assert code == 0
    assert f"backtalk resume {run} a table.csv" in said
    assert "scontrol" not in said
    (run / "model.safetensors").touch()
    assert submit(0) == (2, "")
    assert submit(0, restarts=1) == (0, "")
    alone = subprocess.run(["bash", str(FOLDER / "cluster.slurm")], capture_output=True, text=True, timeout=LIMIT)
    assert (alone.returncode, alone.stderr) == (2, "usage: sbatch cluster.slurm TABLE COLUMN FOLDER\n")


def test_the_job_for_kubernetes_has_as_many_processes_as_pods_that_find_the_first():
    yaml = pytest.importorskip("yaml")
    service, job = yaml.safe_load_all((FOLDER / "cluster.yaml").read_text())
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    container = pod["containers"][0]
    processes = {each["name"]: each["value"] for each in container["env"]}["PROCESSES"]
    assert spec["completionMode"] == "Indexed"
    assert str(spec["completions"]) == str(spec["parallelism"]) == processes
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    assert pod["subdomain"] == service["metadata"]["name"]
    script = container["command"][-1]
    assert f"--coordinator {job['metadata']['name']}-0.{pod['subdomain']}:" in script
    checked = subprocess.run(["sh", "-n", "-c", script], capture_output=True, text=True, timeout=LIMIT)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_job_for_kubernetes_starts_pods_again_but_where_that_would_not_help():
    from backtalk.apps.cli import INTERRUPTED
    from backtalk.apps.cli.cluster import LOST

    yaml = pytest.importorskip("yaml")
    _, job = yaml.safe_load_all((FOLDER / "cluster.yaml").read_text())
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"  # Kubernetes refuses podFailurePolicy otherwise
    rules = job["spec"]["podFailurePolicy"]["rules"]
    codes = {code: rule["action"] for rule in rules if "onExitCodes" in rule for code in rule["onExitCodes"]["values"]}
    assert codes == {2: "FailJob", LOST: "Ignore", INTERRUPTED: "Ignore"}
    assert rules[-1] == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def test_a_pod_trains_goes_on_or_says_that_nothing_is_left_to_do(tmp_path):
    yaml = pytest.importorskip("yaml")
    _, job = yaml.safe_load_all((FOLDER / "cluster.yaml").read_text())
    script = job["spec"]["template"]["spec"]["containers"][0]["command"][-1]
    (tmp_path / "backtalk").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "backtalk").chmod(0o755)
    run = tmp_path / "run"
    run.mkdir()
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TABLE": "a table.csv", "TARGET": "y", "RUN": str(run)}
    environment |= {"PROCESSES": "8", "JOB_COMPLETION_INDEX": "3"}

    def start() -> str:
        done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=LIMIT)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    here = "--coordinator backtalk-0.backtalk:7777 --processes 8 --process 3"
    said = start()
    assert said.startswith(f"train a table.csv --target y --out {run} ")
    assert here in said
    (run / "checkpoint.safetensors").touch()
    assert start() == f"resume {run} a table.csv {here}\n"
    (run / "model.safetensors").touch()
    assert start() == f"{run} holds a run that has ended\n"


@pytest.fixture(scope="module")
def scaling():
    spec = importlib.util.spec_from_file_location("scaling", FOLDER / "scaling.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["scaling"] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["scaling"]


def test_the_examples_in_the_docstrings_of_the_model_are_right(scaling):
    failed, tried = doctest.testmod(scaling)
    assert (failed, tried) == (0, 8)


def test_the_operations_of_the_model_are_those_of_the_benchmark(scaling):
    works = runpy.run_path(str(FOLDER.parent / "benchmarks" / "work.py"))["WORKS"]
    for work in works.values():
        assert work.batch * scaling.operations(work.sizes) == work.operations


def test_its_parameters_are_those_of_a_network(scaling):
    from backtalk import Network

    net = Network.create([7, 5, 3], rng=0)
    assert scaling.parameters(net.sizes) == sum(array.size for array in (*net.W.values(), *net.b.values()))


def test_one_host_talks_to_nobody_and_its_time_is_that_of_the_operations(scaling):
    hosts = scaling.Hosts(rate=1e9, update=0.0)
    step = scaling.predict([3, 2], 10, 1, hosts)
    assert step.communication == 0
    assert step.seconds == pytest.approx(10 * (2 * 2 * 3 * 2) / 1e9)


@pytest.mark.parametrize("ring", [True, False])
@pytest.mark.parametrize("rate", [1e11, 1e13])
def test_the_batch_for_an_efficiency_is_the_smallest_one(scaling, ring, rate):
    sizes, hosts = [784, 256, 128, 10], scaling.Hosts(ring=ring, rate=rate)
    for count in (2, 8, 64):
        batch = scaling.least_batch(sizes, count, 0.8, hosts)
        assert batch % count == 0
        assert scaling.efficiency(sizes, batch, count, hosts) >= 0.8
        assert scaling.efficiency(sizes, batch - count, count, hosts) < 0.8


def test_as_many_rows_go_to_another_process_as_the_model_says_at_the_most(scaling):
    """Rows drawn at random, sorted by who holds them and cut into equal pieces, as backtalk does it."""
    import numpy as np

    rng, batch = np.random.default_rng(0), 1024
    for processes in (2, 8, 64):
        most = []
        for _ in range(200):
            holder = np.sort(rng.permutation(np.repeat(np.arange(processes), 20 * batch // processes))[:batch])
            taker = np.repeat(np.arange(processes), batch // processes)
            most.append(np.bincount(holder[holder != taker], minlength=processes).max())
        sent = scaling.sent([1, 1], batch, processes) - 8 * (processes - 1) / processes * 2
        assert 0.3 * sent / 4 < np.mean(most) < 1.5 * sent / 4


def test_the_tables_of_the_documentation_are_what_the_model_says(scaling):
    said = (FOLDER.parent / "docs" / "scale.md").read_text()
    tables = re.findall(r"^python examples/scaling.py(.*)$", said, re.MULTILINE)
    assert tables
    for arguments in tables:
        assert "\n".join(scaling.main(arguments.split())) in said


@pytest.mark.parametrize(
    "wrong",
    ["--processes 0", "--processes 1,,2", "--sizes 784", "--sizes a", "--sizes 4,0", "--rate 0", "--rate nan",
     "--batch 0", "--batch 1.5", "--batch 1,2", "--batch", "--what"],
)  # fmt: skip
def test_wrong_options_of_the_model_are_refused_in_a_sentence(scaling, capsys, wrong):
    with pytest.raises(SystemExit) as raised:
        scaling.main(wrong.split())
    said = capsys.readouterr()
    assert (raised.value.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert wrong.split()[0] in said.err


def test_a_network_without_latency_may_be_asked_for(scaling):
    assert "| 2 |" in scaling.main(["--latency", "0", "--update", "0", "--processes", "2"])[-1]


def test_every_option_of_the_model_says_what_it_is(scaling):
    assert all(action.help for action in scaling.parser()._actions)


def test_the_rule_of_thumb_is_that_of_the_model(scaling):
    """What is divided by N four times as long as the rest of the step: an efficiency of 80 %, or a little more."""
    for sizes in ([784, 256, 128, 10], [64, 128, 128, 10]):
        for count in (2, 8, 64):
            batch = next(
                B for B in itertools.count(count, count)
                if (step := scaling.predict(sizes, B, count)).compute >= 4 * (step.seconds - step.compute)
            )  # fmt: skip
            assert 0.8 <= scaling.efficiency(sizes, batch, count) < 0.83
