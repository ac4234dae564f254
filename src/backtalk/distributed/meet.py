"""The processes meet before JAX starts, so that what is wrong with them is a sentence, said by all, and at once.

Process 0 listens at the coordinator's address, each other process connects to it. Both send a line of JSON, that says
who they are; when all are there, or when two do not fit together, process 0 sends each of them a line more, with what
it decided. Then the port is free again, for JAX.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..errors import InputError, ProcessLostError
from .address import Address

Tell = Callable[[str], Any] | None
LONGEST = 4096  # bytes of a line
ANSWER = 10.0  # seconds in which another process says who it is
PATIENCE = 5.0  # seconds after which one that waits says so
AGAIN = 0.2  # seconds until the next try
CLOSED = 3  # times that the connection may be closed without a word
PACKAGES = ("backtalk", "jax", "jaxlib")


@dataclass(frozen=True, slots=True)
class Hello:
    """Who a process is: ``process`` of ``processes``, with the versions of what must be alike.

    ``means``: the number that its machine has by its own name, which JAX's runtime tells the others.
    """

    process: int
    processes: int
    host: str
    means: str
    pid: int
    versions: dict[str, str]

    @classmethod
    def of(cls, process: int, processes: int) -> Hello:
        host = socket.gethostname()
        try:
            means = socket.gethostbyname(host)
        except (OSError, UnicodeError):
            means = "127.0.0.1"
        return cls(process, processes, host, means, os.getpid(), versions())

    def __str__(self) -> str:
        return f"process {self.process} ({self.where})"

    @property
    def where(self) -> str:
        return f"{self.host}, pid {self.pid}"

    def line(self) -> bytes:
        return as_line({"backtalk": asdict(self)})

    @classmethod
    def read(cls, line: bytes) -> Hello | None:
        """The process that speaks, or None where it is something else."""
        facts: Any = (read_line(line) or {}).get("backtalk")
        try:
            hello = cls(**{name: facts[name] for name in cls.__slots__})
        except (TypeError, KeyError):
            return None
        if not isinstance(hello.versions, dict):
            return None
        texts = all(isinstance(text, str) for text in (hello.host, hello.means, *hello.versions.values()))
        numbers = all(type(number) is int for number in (hello.process, hello.processes, hello.pid))
        return hello if texts and numbers else None


def versions() -> dict[str, str]:
    """What must be the same in all processes."""
    found = {"Python": "{}.{}".format(*sys.version_info)}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


def as_line(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"


def read_line(line: bytes) -> dict[str, Any] | None:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def shown(line: bytes) -> str:
    """What something else said, in a sentence.

    >>> shown(b"HTTP/1.1 400 Bad Request\\r\\nServer: x"), shown(b"")
    ("said 'HTTP/1.1 400 Bad Request'", 'said nothing')
    """
    first = line.splitlines()[0] if line.strip() else b""
    text = "".join(letter if letter.isprintable() else "." for letter in first.decode("latin-1"))
    return f"said {text[:60]!r}{'…' * (len(text) > 60)}" if text else "said nothing"


@dataclass(frozen=True, slots=True)
class Met:
    """All have come. ``listened``: where process 0 did, in numbers; ``unreachable``: why processors could not talk.

    GPUs find each other otherwise, so that what is unreachable is no matter for them.
    """

    listened: str = ""
    unreachable: str = ""


def meet(address: Address, processes: int, process: int, *, wait: float = 300.0, tell: Tell = None) -> Met:
    """Wait until all processes are there, for ``wait`` seconds.

    ``tell`` is called with a sentence where one has waited for long. Raises :class:`~backtalk.InputError` where
    processes do not fit together, or did not come; :class:`~backtalk.ProcessLostError` where process 0 went meanwhile.
    """
    hello, until = Hello.of(process, processes), time.monotonic() + wait
    if process == 0:
        from .host import receive

        return receive(address, hello, wait, tell)
    visit = _Visit(address, hello, wait, tell)
    while (met := visit.make()) is None:
        if time.monotonic() > until:
            raise visit.refusal()
        time.sleep(min(AGAIN, max(0.0, until - time.monotonic())))
    return met


class _Visit:
    """Tries to be received by process 0."""

    def __init__(self, address: Address, hello: Hello, wait: float, tell: Tell) -> None:
        self.address, self.hello, self.wait, self.tell = address, hello, wait, tell
        self.began = time.monotonic()
        self.found, self.closed, self.why = False, 0, ""

    def make(self) -> Met | None:
        """That process 0 was there and all have come; None: try again."""
        try:
            self.address.resolve()
            self.found = True
            room = max(0.1, self.wait - (time.monotonic() - self.began))
            with socket.create_connection((self.address.host, self.address.port), min(ANSWER, room)) as connection:
                return self._speak(connection)
        except ProcessLostError:
            raise
        except OSError as error:
            self.why = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        if self.tell is not None and time.monotonic() - self.began > PATIENCE:
            self.tell(f"process {self.hello.process} looks for process 0 at {self.address} ({self.why}).")
            self.tell = None
        return None

    def refusal(self) -> InputError:
        number, place = self.hello.process, self.address
        if not self.found:
            return InputError(
                f"coordinator is {place}, but no machine named {place.host!r} was found within {self.wait:g} s "
                f"({self.why}): give the name or the number of the machine of process 0."
            )
        return InputError(
            f"process {number} found no process 0 at {place} within {self.wait:g} s ({self.why}): start process 0 "
            "there, and see whether the network between them lets the port pass."
        )

    def _speak(self, connection: socket.socket) -> Met | None:
        connection.sendall(self.hello.line())
        lines = _Lines(connection)
        try:
            greeting = lines.next(ANSWER)
        except TimeoutError:
            raise self._stranger(f"{shown(lines.rest)} for {ANSWER:g} s") from None
        if not greeting:
            self.closed, self.why = self.closed + 1, "the connection was closed without a word"
            if self.closed == CLOSED:
                raise self._stranger("closed the connection without a word")
            return None
        if Hello.read(greeting) is None:
            raise self._stranger(shown(greeting))
        try:
            decided = read_line(lines.next(self.wait + ANSWER))  # process 0 has waited for longer, and says so before
        except OSError:
            decided = None
        if decided is None:
            raise ProcessLostError(
                f"process 0 at {self.address} ended before all {self.hello.processes} processes were there: see what "
                "it said."
            )
        if refused := decided.get("refused"):
            raise InputError(str(refused))
        return Met(unreachable=str(decided.get("unreachable", "")))

    def _stranger(self, said: str) -> InputError:
        return InputError(
            f"what answers at {self.address} is no process 0 that waits for others (it {said}): give the address of "
            "process 0, with a port that nothing else uses, and start each process once."
        )


class _Lines:
    """Lines that come over a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.rest = b""

    def next(self, seconds: float) -> bytes:
        """The next line; what was said without an end to the line, where the other side closed; b'' for nothing."""
        until = time.monotonic() + seconds
        while b"\n" not in self.rest and len(self.rest) < LONGEST:
            self._connection.settimeout(max(0.001, until - time.monotonic()))
            if not (part := self._connection.recv(LONGEST)):
                break
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        return line
