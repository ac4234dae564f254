"""Process 0's part of the meeting: it receives the others, and decides whether all fit together."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .address import Address
from .meet import AGAIN, ANSWER, LONGEST, PATIENCE, Hello, Met, Tell, as_line, shown

LINGER = 5.0  # seconds in which those who come late hear why it ended
MOST_NAMED = 8  # processes that are listed


def receive(address: Address, hello: Hello, wait: float, tell: Tell = None) -> Met:
    """Wait for the other processes."""
    began = time.monotonic()
    while True:
        try:
            foreign = not address.is_of_this_machine()
            break
        except OSError as error:  # a name may come late, as in Kubernetes
            if time.monotonic() - began > wait:
                raise InputError(
                    f"coordinator is {address}, but no machine named {address.host!r} was found within {wait:g} s "
                    f"({error.strerror}): give the name or the number of the machine of process 0."
                ) from None
        time.sleep(AGAIN)
    listener, place = address.listen()
    with _Meeting(listener, address, hello, foreign) as meeting:
        return Met(place, meeting.wait(began, wait, tell))


def listed(numbers: Iterable[int]) -> str:
    """Processes by their numbers.

    >>> listed([1]), listed([1, 2, 5]), listed(range(1, 40))
    ('process 1', 'processes 1, 2 and 5', 'processes 1, 2, 3, 4, 5, 6, 7, 8 and 31 more')
    """
    names = [str(number) for number in numbers]
    if len(names) == 1:
        return f"process {names[0]}"
    if len(names) > MOST_NAMED + 1:
        names[MOST_NAMED:] = [f"{len(names) - MOST_NAMED} more"]
    return f"processes {', '.join(names[:-1])} and {names[-1]}"


@dataclass(slots=True, eq=False)
class _Guest:
    connection: socket.socket
    address: str
    came: float
    heard: bytes = b""
    hello: Hello | None = None


class _Meeting:
    """Who is there, and whether they fit together."""

    def __init__(self, listener: socket.socket, address: Address, hello: Hello, foreign: bool) -> None:
        self.listener, self.address, self.hello, self.foreign = listener, address, hello, foreign
        self.present: dict[int, _Guest] = {}
        self.stranger = ""  # what something else said
        self._knocks = selectors.DefaultSelector()
        self._knocks.register(listener, selectors.EVENT_READ)

    def __enter__(self) -> _Meeting:
        return self

    def __exit__(self, *_: object) -> None:
        for guest in self._guests():
            self._close(guest)
        self._knocks.close()
        self.listener.close()

    def wait(self, began: float, wait: float, tell: Tell) -> str:
        """Until all are there, and each of them knows; who could not be reached in training, if any."""
        problem = ""
        while not problem and self._missing():
            spent = time.monotonic() - began
            if spent > wait:
                problem = self._who_did_not_come(wait)
                break
            if tell is not None and spent > PATIENCE:
                tell(f"process 0 waits at {self.address} for {listed(self._missing())} of {self.hello.processes}.")
                tell = None
            problem = self._listen(min(AGAIN, wait - spent))
        if problem:
            self._tell_all(problem)
            raise InputError(problem)
        self._knocks.unregister(self.listener)
        self.listener.close()  # JAX listens there next
        unreachable = self._unreachable()
        for guest in self.present.values():
            _send(guest, {"welcome": True, "unreachable": unreachable})
        for guest in self.present.values():  # they close first, and so the port is free at once
            with suppress(OSError):
                guest.connection.settimeout(ANSWER)
                while guest.connection.recv(LONGEST):
                    pass
        return unreachable

    def _missing(self) -> list[int]:
        return [number for number in range(1, self.hello.processes) if number not in self.present]

    def _guests(self) -> list[_Guest]:
        return [key.data for key in self._knocks.get_map().values() if key.data is not None]

    def _listen(self, seconds: float) -> str:
        """Hear who comes, who says who it is, and who goes; what does not fit together."""
        problem = ""
        for key, _ in self._knocks.select(max(0.0, seconds)):
            if key.data is None:
                self._receive()
            else:
                problem = self._hear(key.data) or problem
        now = time.monotonic()
        for guest in self._guests():
            if guest.hello is None and now - guest.came > ANSWER:
                self._turn_away(guest)
        return problem

    def _receive(self) -> None:
        try:
            connection, end = self.listener.accept()
        except OSError:  # it went at once
            return
        connection.setblocking(False)
        guest = _Guest(connection, _plain(end), time.monotonic())
        self._knocks.register(connection, selectors.EVENT_READ, guest)
        with suppress(OSError):
            connection.send(self.hello.line())

    def _hear(self, guest: _Guest) -> str:
        try:
            part = guest.connection.recv(LONGEST)
        except OSError:
            part = b""
        if guest.hello is not None:
            if not part:  # it went, and may come again
                self.present.pop(guest.hello.process, None)
                self._close(guest)
            return ""
        guest.heard += part
        if part and b"\n" not in guest.heard and len(guest.heard) < LONGEST:
            return ""
        line, end, _ = guest.heard.partition(b"\n")
        guest.hello = Hello.read(line) if end else None
        if guest.hello is None:
            self._turn_away(guest)
            return ""
        return self._welcome(guest, guest.hello)

    def _turn_away(self, guest: _Guest) -> None:
        if guest.heard:
            self.stranger = f"{guest.address} {shown(guest.heard)}"
        _send(guest, {"refused": "this is process 0 of backtalk, which waits for the other processes of a cluster."})
        self._close(guest)

    def _welcome(self, guest: _Guest, other: Hello) -> str:
        """Take in a process; what does not fit, if anything."""
        if other.processes != self.hello.processes:
            return (
                f"the processes differ in the number of processes: {self.hello.processes} in {self.hello}, "
                f"{other.processes} in {other}; start all of them with the same."
            )
        before = self.present.get(other.process)
        if before is not None or not 0 < other.process < self.hello.processes:
            hello = self.hello if before is None or before.hello is None else before.hello
            return (
                f"process {other.process} was started twice (on {hello.where}, and on {other.where}): give each "
                f"process a number of its own, from 0 to {self.hello.processes - 1}."
            )
        for name, here in self.hello.versions.items():
            if other.versions.get(name) != here:
                return (
                    f"the processes differ in the version of {name}: {here} in {self.hello}, "
                    f"{other.versions.get(name, 'none')} in {other}; install the same everywhere."
                )
        self.present[other.process] = guest
        return ""

    def _unreachable(self) -> str:
        """A machine whose own name means a number that other machines cannot reach, where there are several."""
        ends: list[tuple[Hello, str]] = []
        for guest in self.present.values():
            own = _plain(guest.connection.getsockname())
            if own != guest.address and guest.hello is not None:  # it is another machine
                ends += [(self.hello, own), (guest.hello, guest.address)]
        for hello, number in ends:
            if hello.means.startswith("127."):
                return (
                    f"{hello} runs on a machine whose own name, {hello.host}, means {hello.means} there, which the "
                    f"others cannot reach: give the name its number {number} in /etc/hosts of that machine."
                )
        return ""

    def _who_did_not_come(self, wait: float) -> str:
        missing, of = self._missing(), self.hello.processes
        came = f"{of - len(missing)} of {of} processes were" if len(missing) < of - 1 else "no other process was"
        sentence = f"after {wait:g} s {came} at {self.address}: {listed(missing)} did not come"
        if self.foreign:
            return f"{sentence}; {self.address.host} is not the machine where process 0 runs: name that machine."
        if self.stranger:
            sentence += f" (but {self.stranger})"
        return f"{sentence}; see whether they run, with this coordinator, and whether the network lets the port pass."

    def _tell_all(self, problem: str) -> None:
        """Say what is wrong to those who are there, and for a while to those who come."""
        untold, until = set(range(1, self.hello.processes)), time.monotonic() + LINGER
        while True:
            for guest in self._guests():
                if guest.hello is not None:
                    _send(guest, {"refused": problem})
                    self._close(guest)
                    untold.discard(guest.hello.process)
            if not untold or time.monotonic() > until:
                return
            self._listen(AGAIN)

    def _close(self, guest: _Guest) -> None:
        with suppress(KeyError):
            self._knocks.unregister(guest.connection)
        guest.connection.close()


def _plain(end: tuple[Any, ...]) -> str:
    return str(end[0]).removeprefix("::ffff:")  # an IPv4 number, as one that listens for both says it


def _send(guest: _Guest, facts: dict[str, object]) -> None:
    with suppress(OSError):
        guest.connection.send(as_line(facts))
