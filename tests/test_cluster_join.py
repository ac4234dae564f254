"""Processes that meet: who is refused, in which words; JAX's own aborts in words; SLURM, Open MPI, Kubernetes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backtalk import InputError
from backtalk.distributed import ALONE, rendezvous
from backtalk.distributed.aborts import reason
from backtalk.distributed.join import Launched, _explained, join, launched
from backtalk.distributed.rendezvous import parse_address
from backtalk.errors import ProcessLostError
from limits import LIMIT
from ports import free_port

LAUNCHED_BY = ("SLURM_", "OMPI_", "KUBERNETES_", "JOB_COMPLETION_INDEX", "JAX_")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(port, monkeypatch):
    """Starts one of the processes, in a thread; gives what came of it, an exception included."""
    monkeypatch.setattr(rendezvous, "LINGER", 0.2)
    pool = ThreadPoolExecutor(8)

    def started(process: int, processes: int = 2, timeout: float = 10.0, at: str = f"localhost:{port}", **options):
        return pool.submit(rendezvous.rendezvous, at, processes, process, timeout=timeout, **options)

    yield started
    pool.shutdown()


def sentence(future) -> str:
    error = future.exception(30)
    assert isinstance(error, InputError), (error, future)
    assert str(error).endswith(".")
    return str(error)


def connect(port: int) -> socket.socket:
    """A connection to process 0, as soon as it listens."""
    until = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 10)
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.01)


def answer(connection: socket.socket) -> str:
    with connection.makefile("rb") as file:
        return json.loads(file.readline())["problem"]


@pytest.fixture
def listener(port):
    """Something else that listens at the address; called with what it does with a connection."""
    server = socket.create_server(("127.0.0.1", port))
    threads = []

    def serve(respond) -> None:
        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    respond(connection)

        threads.append(threading.Thread(target=run))
        threads[0].start()

    yield serve
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    for thread in threads:
        thread.join(10)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("node1:7777", ("node1", 7777)),
        ("10.0.0.1:1", ("10.0.0.1", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("job-0.service.space.svc:7777", ("job-0.service.space.svc", 7777)),
    ],
)
def test_an_address_is_a_host_and_a_port(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "node1", "7777", ":7777", "node1:", "node1:0", "node1:65536", "node1:-1", "::1:7777", "http://a:1", "a:²"],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InputError, match="expected HOST:PORT"):
        parse_address(text)


def test_processes_that_fit_together_find_one_another_in_any_order_and_leave_the_port(port, start):
    late = [start(process, 4) for process in (3, 1)]
    first = start(0, 4)
    found = [each.result(10) for each in (*late, first, start(2, 4))]
    assert found == [None, None, f"127.0.0.1:{port}", None]
    socket.create_server(("127.0.0.1", port)).close()


def test_for_a_name_every_address_of_the_machine_is_listened_at(port, start):
    name = f"{socket.gethostname()}:{port}"
    first, second = start(0, at=name), start(1)
    assert first.result(10) in (f"[::]:{port}", f"0.0.0.0:{port}")
    second.result(10)


def test_a_number_of_processes_that_differs_is_said_by_all(start, monkeypatch):
    monkeypatch.setattr(rendezvous, "LINGER", 10.0)
    every = [start(0, 3), start(1, 3), start(2, 4)]
    said = {sentence(each) for each in every}
    assert len(said) == 1
    assert "the processes differ in the number of processes: 3 in process 0 (" in said.pop()


def test_a_process_that_is_started_twice_is_said_by_all(start, monkeypatch):
    monkeypatch.setattr(rendezvous, "LINGER", 1.0)
    every = [start(0, 4), start(1, 4), start(1, 4), start(2, 4)]  # it is not over before all of these came
    said = {sentence(each) for each in every}
    assert len(said) == 1
    assert "process 1 was started twice (on " in said.pop()


def test_who_did_not_come_is_said_to_those_who_did(start):
    every = [start(0, 4, timeout=1), start(2, 4)]
    said = {sentence(each) for each in every}
    assert len(said) == 1
    assert "after 1 s 2 of 4 processes were at localhost:" in (said := said.pop())
    assert ": processes 1 and 3 did not come; see whether they run" in said


def test_one_that_comes_when_it_is_over_is_told_why(start, monkeypatch):
    monkeypatch.setattr(rendezvous, "LINGER", 10.0)
    first, second = start(0, 3), start(1, 4)
    differs = sentence(second)
    assert sentence(start(2, 3)) == differs == sentence(first)


def test_nobody_at_the_address_is_said(port, start):
    said = sentence(start(1, timeout=0.3))
    assert said.startswith(
        f"process 1 found no process 0 at localhost:{port} within 0.3 s (Connection refused): start process 0"
    )


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b"])
def test_a_name_of_no_machine_is_said(start, host):
    said = sentence(start(1, timeout=0.3, at=f"{host}:7777"))
    assert f"found no process 0 at {host}:7777 within 0.3 s (" in said
    assert f"see whether {host} is the name or the number of its machine" in said


@pytest.mark.usefixtures("listener")
def test_a_port_in_use_is_said(port, start):
    assert f"process 0 cannot listen at port {port} (Address already in use): give another" in sentence(start(0))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", "it said 'HTTP/1.1 400 Bad Request'"),
        (b"\x00\x00\x04\x00\n", "it said '....'"),
        (b'["backtalk"]\n', "it said '[\"backtalk\"]'"),
        (b'{"backtalk": {"process": 0}}\n', "it said '{"),
        (b"x" * 100_000, "it said 'xxxx"),
    ],
)
def test_something_else_at_the_address_is_said(start, listener, words, said):
    def respond(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(words)

    listener(respond)
    assert said in (whole := sentence(start(1)))
    assert "is no process 0 that waits for others" in whole


def test_something_else_that_connects_is_turned_away_and_the_others_are_waited_for(port, start, monkeypatch):
    monkeypatch.setattr(rendezvous, "HELLO", 0.3)
    first = start(0)
    with connect(port) as web, connect(port) as endless, connect(port) as silent, connect(port):
        web.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert "this is process 0 of backtalk" in answer(web)
        endless.sendall(b"x" * 4096)
        assert answer(endless)
        assert answer(silent)  # after HELLO
    start(1).result(10)
    first.result(10)


def test_a_process_that_goes_may_come_again(port, start):
    first = start(0, 3)
    with connect(port) as connection:
        connection.sendall(b'{"process": 1, "processes": 3, "place": "node1, pid 7"}\n')
        time.sleep(0.5)
    for each in (first, start(1, 3), start(2, 3)):
        each.result(10)


def test_a_process_0_that_ends_while_others_wait_is_lost(start, listener):
    listener(lambda connection: connection.recv(10_000))
    with pytest.raises(ProcessLostError, match=r"process 0 at localhost:.* ended before all 2 processes were there"):
        start(1).result(10)


def test_one_that_waits_for_long_says_so_once(start, monkeypatch):
    monkeypatch.setattr(rendezvous, "REPORT_AFTER", 0.1)
    said = []
    sentence(start(0, 3, timeout=1.0, report=said.append))
    sentence(start(1, 3, timeout=1.0, report=said.append))
    assert len(said) == 2
    assert "for processes 1 and 2 of 3." in said[0]
    assert "(Connection refused)." in said[1]


def test_a_machine_whose_own_name_nobody_else_can_reach_is_named():
    gloo = "UNKNOWN: Gloo context initialization failed: timed out connecting: remote=[127.0.1.1]:7574$0"
    error = ProcessLostError("process 1 no longer answers", process=0, processes=2)
    error.__cause__ = RuntimeError(gloo)
    assert "another process says that it is at 127.0.1.1, which only its own" in str(_explained(error, None))


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, None),  # in the script, not under srun
        (
            {"SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "n[1-2]", "SLURM_LOCALID": "0", "SLURM_NTASKS": "4"}
            | {"SLURM_PROCID": "3"},
            Launched("SLURM", 3, 4),
        ),
        ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2"}, Launched("Open MPI", 2, 4)),
        ({"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"}, None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "1"}, Launched("Kubernetes", 1, None)),
    ],
)
def test_what_started_several_processes_is_told_by_the_environment(environment, found):
    assert launched(environment) == found


@pytest.fixture
def alone(monkeypatch):
    for name in list(os.environ):
        if name.startswith(LAUNCHED_BY):
            monkeypatch.delenv(name)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("node1:7777", None, None), "processes is missing: coordinator, processes and process belong together"),
        (("node1:7777", 2, None), "process is missing"),
        ((None, 2, 0), "coordinator is missing"),
        (("node1", 2, 0), "expected HOST:PORT"),
        (("node1:7777", 0, 0), "processes is 0, expected 1 or more"),
        (("node1:7777", 2, 2), "process is 2, expected a number from 0 to 1, as there are 2 processes."),
        (("node1:7777", 2, -1), "process is -1"),
        (("node1:7777", 1, 1), "process is 1, expected 0"),
    ],
)
def test_arguments_that_do_not_say_who_this_is_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        join(*arguments)


@pytest.mark.usefixtures("alone")
def test_alone_the_group_is_one_process():
    assert join() == join("node1:7777", 1, 0) == ALONE


# -- in processes of their own

JOINED = """
import json, sys
from backtalk.distributed.join import join
group = join(*json.loads(sys.argv[1]), timeout=30)
print(group.count, group.index, group.all_gather(group.index), flush=True)
"""
IDLE = """
import json, os, sys, time
from backtalk.distributed import aborts
from backtalk.distributed.join import join
def end(why):
    print("end:", why, file=sys.stderr, flush=True)
    os._exit(2)
aborts.speak_for_aborts(end)
join(*json.loads(sys.argv[1]), timeout=30)
os.write(1, b"from C++")
print("joined", flush=True)
time.sleep(60)
"""


def process(code: str, *arguments, **environment: str) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHED_BY)}
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(arguments)],
        env={**kept, "JAX_PLATFORMS": "cpu", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(each: subprocess.Popen) -> tuple[int, str, str]:
    try:
        out, err = each.communicate(timeout=LIMIT)
    finally:
        each.kill()
    return each.returncode, out, err


def test_without_others_nothing_is_joined_and_jax_stays_away():
    code = "import sys; from backtalk.distributed.join import join; join(); join('node1:7777', 1, 0); "
    assert ended(process(code + "print('jax' in sys.modules)"))[:2] == (0, "False\n")


def test_two_processes_join_and_sigterm_is_not_jax_own():
    place = f"localhost:{free_port()}"
    code = JOINED + "join(*json.loads(sys.argv[1]))\nimport os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    every = [process(code, place, 2, number) for number in range(2)]
    for number, (status, out, err) in enumerate(map(ended, every)):
        assert f"2 {number} [0, 1]" in out, err
        assert status == -signal.SIGTERM


def test_slurm_says_who_the_processes_are():
    told = {"SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
    told |= {"JAX_COORDINATOR_PORT": str(free_port()), "http_proxy": "http://127.0.0.1:9"}
    every = [process(JOINED, **told, SLURM_PROCID=f"{number}", SLURM_LOCALID=f"{number}") for number in range(2)]
    for number, (status, out, err) in enumerate(map(ended, every)):
        assert f"2 {number} [0, 1]" in out, err
        assert status == 0


def test_versions_that_differ_are_named():
    place = f"localhost:{free_port()}"
    other = "import backtalk.distributed.join as module; versions = module.versions()\n"
    other += "module.versions = lambda: versions | {'the version of jax': '0.0.1'}\n"
    every = [process(JOINED, place, 2, 0), process(other + JOINED, place, 2, 1)]
    for _, _, err in map(ended, every):
        assert "InputError: the processes differ in the version of jax: " in err
        assert "0.0.1 in process 1; install the same versions everywhere." in err


def test_what_open_mpi_says_is_used_for_what_is_not_given():
    place = f"localhost:{free_port()}"
    told = {"OMPI_COMM_WORLD_SIZE": "2"}
    every = [process(JOINED, place, **told, OMPI_COMM_WORLD_RANK=f"{number}") for number in range(2)]
    for number, (_, out, err) in enumerate(map(ended, every)):
        assert f"2 {number} [0, 1]" in out, err


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"},
            "Open MPI started this as process 1 of 2, but JAX cannot find process 0 by that (",
        ),
        (
            {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"},
            "give --coordinator HOST:PORT --processes N --process $JOB_COMPLETION_INDEX, or --processes 1 to train",
        ),
    ],
)
def test_where_jax_cannot_tell_who_the_processes_are_the_way_out_is_said(told, said):
    status, _, err = ended(process(JOINED, **told))
    assert status == 1
    assert said in err.splitlines()[-1]


def test_to_join_as_another_one_is_refused():
    place = f"localhost:{free_port()}"
    code = JOINED + f"join({place!r}, 3, 2)"
    for _, _, err in map(ended, [process(code, place, 2, number) for number in range(2)]):
        assert "process is 2 of 3, but this is process" in err


def test_to_join_after_jax_has_computed_is_refused():
    place = f"localhost:{free_port()}"
    code = "import jax.numpy as jnp; jnp.ones(3) + 1\n" + JOINED
    for _, _, err in map(ended, [process(code, place, 2, number) for number in range(2)]):
        assert "InputError: JAX has computed in this process already: join" in err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_abort_of_jax_is_a_sentence_and_an_exit_code():
    place = f"localhost:{free_port()}"
    first, second = (process(IDLE, place, 2, number) for number in range(2))
    assert first.stdout.readline() == second.stdout.readline() == "joined\n"
    first.kill()
    ended(first)
    assert ended(second) == (2, "", "end: process 0 no longer answers\n")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            "absl::Status: UNAVAILABLE: tasks are unhealthy (stopped sending heartbeats):\n1\n3\nThe",
            "processes 1 and 3 no longer answer",
        ),
        (
            "absl::Status: UNAVAILABLE: Failed to send RPC to coordination service. Either",
            "process 0 no longer answers",
        ),
        ("absl::Status: INTERNAL: Shutdown barrier has failed.\nBarrier result", "not all processes came to an end"),
        ("absl::Status: DEADLINE_EXCEEDED: Deadline Exceeded\n\nRPC: /RegisterTask", "not all processes came"),
        ("absl::Status: DEADLINE_EXCEEDED: Deadline Exceeded\n\nRPC: /Heartbeat", "process 0 no longer answers"),
        ("absl::Status: INTERNAL: something new.\nmore", "JAX's runtime gave up (INTERNAL: something new)"),
        ("", "JAX's runtime gave up"),
    ],
)
def test_what_the_runtime_says_is_put_in_words(log, said):
    assert reason(log) == said
