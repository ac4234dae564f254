"""Processes that were started by hand find one another before JAX starts, and are told what is wrong in a sentence.

JAX itself would abort them, with a stack trace of C++, or not notice. Process 0 listens at the coordinator's address;
each other process connects to it and sends a line of JSON that says who it is. When all are there, or when two do not
fit together, process 0 answers each of them what is wrong, or nothing. Then the port is free again, for JAX.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from ..errors import InputError, ProcessLostError

Report = Callable[[str], Any] | None
Peer = tuple[socket.socket, dict[str, Any]]  # another process: the connection to it, and what it says of itself
LONGEST = 4096  # bytes of a line
MOST_NAMED = 8  # processes that are listed
HELLO = 5.0  # seconds in which a process that connects says who it is; the others wait meanwhile
REPORT_AFTER = 5.0  # seconds after which a process that waits says so
POLL = 0.2  # seconds until the next try
LINGER = 5.0  # seconds in which processes that come late are told what is wrong


def rendezvous(
    coordinator: str, processes: int, process: int, *, timeout: float = 300.0, report: Report = None
) -> str | None:
    """Wait until all processes are there, for at most ``timeout`` seconds.

    Returns, in process 0, the address at which it listened. Raises :class:`~backtalk.InputError` if processes do not
    fit together or did not come, and :class:`~backtalk.ProcessLostError` if process 0 ended meanwhile.
    """
    host, port = parse_address(coordinator)
    own = {"process": process, "processes": processes, "place": f"{socket.gethostname()}, pid {os.getpid()}"}
    if process != 0:
        return _connect((host, port), coordinator, own, timeout, report)
    with _listen(coordinator, host, port) as server:
        host, port = server.getsockname()[:2]
        peers = _receive(server, coordinator, own, timeout, report)
    for connection, _ in peers:  # now that nothing listens at the port
        _answer(connection, "")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str) -> tuple[str, int]:
    """The machine and the port that HOST:PORT says; raises :class:`~backtalk.InputError`."""
    host, _, port = text.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host or "/" in host:  # an IPv6 address without brackets, a URL
        host = ""
    if not host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
        raise InputError(
            f"coordinator is {text!r}, expected HOST:PORT, the machine of process 0 and a free port there, such as "
            "node1:7777."
        )
    return host, int(port)


def listed(numbers: Iterable[int]) -> str:
    """Processes by their numbers.

    >>> listed([1]), listed([1, 2, 5]), listed(range(1, 40))
    ('process 1', 'processes 1, 2 and 5', 'processes 1, 2, 3, 4, 5, 6, 7, 8 and 31 more')
    """
    names = [str(number) for number in numbers]
    if len(names) > MOST_NAMED + 1:
        names[MOST_NAMED:] = [f"{len(names) - MOST_NAMED} more"]
    return f"processes {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else f"process {names[0]}"


def _listen(coordinator: str, host: str, port: int) -> socket.socket:
    """A socket at localhost, or at every address of the machine, as JAX does: a name may mean another one elsewhere."""
    host = "127.0.0.1" if host in ("localhost", "127.0.0.1") else ""
    both = not host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=both)
    except OSError as error:
        raise InputError(
            f"coordinator is {coordinator}, but process 0 cannot listen at port {port} "
            f"({os.strerror(error.errno or 0)}): give another port, which nothing else uses."
        ) from None


def _receive(
    server: socket.socket, coordinator: str, own: dict[str, Any], timeout: float, report: Report
) -> list[Peer]:
    """What process 0 does; all other processes, when they are there."""
    present: dict[int, Peer] = {}
    processes, began, problem = own["processes"], time.monotonic(), ""
    while missing := [number for number in range(1, processes) if number not in present]:
        new, spent = _accept(server), time.monotonic() - began
        present = {number: peer for number, peer in present.items() if _is_open(peer[0])}  # who went may come again
        if new is not None:
            number, count, place = (new[1][name] for name in ("process", "processes", "place"))
            if count != processes:
                problem = (
                    f"the processes differ in the number of processes: {processes} in process 0 ({own['place']}), "
                    f"{count} in process {number} ({place}); start all of them with the same."
                )
            elif number in present:
                problem = (
                    f"process {number} was started twice (on {present[number][1]['place']}, and on {place}): give each "
                    f"process a number of its own, from 0 to {processes - 1}."
                )
            present[-1 if problem else number] = new
        elif spent > timeout:
            problem = (
                f"after {timeout:g} s {processes - len(missing)} of {processes} processes were at {coordinator}: "
                f"{listed(missing)} did not come; see whether they run, with this coordinator, whether it names the "
                f"machine of process 0 ({own['place']}), and whether the network lets the port pass."
            )
        elif report is not None and spent > REPORT_AFTER:
            report(f"process 0 waits at {coordinator} for {listed(missing)} of {processes}.")
            report = None
        if problem:
            _refuse(server, list(present.values()), set(range(1, processes)), problem)
            raise InputError(problem)
    return list(present.values())


def _accept(server: socket.socket) -> Peer | None:
    """A process that connects, if one does; anything else is sent away."""
    server.settimeout(POLL)
    try:
        connection, _ = server.accept()
    except OSError:
        return None
    connection.settimeout(HELLO)
    if (facts := _read(connection, "process", "processes", "place")[1]) is not None:
        return connection, facts
    _answer(connection, "this is process 0 of backtalk, which waits for the other processes of a cluster.")
    return None


def _is_open(connection: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        if selector.select(0):  # one that waits says nothing: this is the end
            connection.close()
    return connection.fileno() >= 0


def _refuse(server: socket.socket, peers: list[Peer], untold: set[int], problem: str) -> None:
    """Say what is wrong to those who are there, and for a while to those who come."""
    until = time.monotonic() + LINGER
    while peers or (untold and time.monotonic() < until):
        for connection, facts in peers:
            _answer(connection, problem)
            untold.discard(facts["process"])
        peers = [peer] if untold and (peer := _accept(server)) else []


def _connect(address: tuple[str, int], coordinator: str, own: dict[str, Any], timeout: float, report: Report) -> None:
    """What each other process does."""
    began, answer, decision, why = time.monotonic(), None, None, ""
    while answer is None:
        if (spent := time.monotonic() - began) > timeout:
            raise InputError(
                f"process {own['process']} found no process 0 at {coordinator} within {timeout:g} s ({why}): start "
                f"process 0 there, see whether {address[0]} is the name or the number of its machine, and whether the "
                "network lets the port pass."
            )
        try:
            with socket.create_connection(address, max(0.1, timeout - spent)) as connection:
                _send(connection, own)
                connection.settimeout(timeout + LINGER)  # process 0 has waited for longer, and says so before
                answer, decision = _read(connection, "problem")
        except (OSError, UnicodeError) as error:  # UnicodeError: a part of the name is empty, or too long
            why = getattr(error, "strerror", None) or str(error)
            if report is not None and spent > REPORT_AFTER:
                report(f"process {own['process']} looks for process 0 at {coordinator} ({why}).")
                report = None
            time.sleep(POLL)
    if not answer:
        raise ProcessLostError(
            f"process 0 at {coordinator} ended before all {own['processes']} processes were there: see what it said"
        )
    if decision is None:
        text = "".join(letter if letter.isprintable() else "." for letter in answer.decode("latin-1").strip())
        raise InputError(
            f"what answers at {coordinator} is no process 0 that waits for others (it said {text[:60]!r}): give the "
            "address of process 0, with a port that nothing else uses, and start each process once."
        )
    if decision["problem"]:
        raise InputError(decision["problem"])


def _send(connection: socket.socket, facts: dict[str, Any]) -> None:
    connection.settimeout(HELLO)
    connection.sendall(json.dumps(facts).encode() + b"\n")


def _answer(connection: socket.socket, problem: str) -> None:
    with connection, suppress(OSError):
        _send(connection, {"problem": problem})


def _read(connection: socket.socket, *names: str) -> tuple[bytes, dict[str, Any] | None]:
    """A line, empty if none came; and its facts, if it is JSON that holds these names."""
    line, facts = b"", None
    with suppress(OSError, ValueError, RecursionError), connection.makefile("rb") as lines:
        line = lines.readline(LONGEST)
        facts = json.loads(line)
    return line, facts if isinstance(facts, dict) and facts.keys() >= set(names) else None
