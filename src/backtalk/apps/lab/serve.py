"""The port, the server, and its end at Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ...errors import InputError
from ..visible import say
from .app import make_app
from .datasets import LabData
from .live import MOST_MESSAGE
from .security import read_or_make_token, token_path

ADDRESS = "127.0.0.1"
PORT = 8642
TRIED = 100  # ports from there on
HEAD_TIMEOUT = 15.0  # seconds for the whole head of a request, else some that never end would keep all others out
MOST_IDLE = 64  # connections; a browser opens six
LEAVING_SECONDS = 1.0


def listen(port: int | None) -> socket.socket:
    """A socket on loopback at this port; if none is named, at 8642 or the next one that is free.

    Raises :class:`~backtalk.errors.InputError` for a port that is not free.
    """
    for each in range(PORT, PORT + TRIED) if port is None else [port]:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # at once after an earlier lab has ended
        try:
            found.bind((ADDRESS, each))
            found.listen()
        except OSError as error:
            found.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            continue
        return found
    if port is None:
        raise InputError(f"port is not given, and {PORT} to {PORT + TRIED - 1} are all taken: name a free one.")
    raise InputError(f"port is {port}, which is not free: name another, or leave it out.")


def serve(
    given: LabData | None, port: int | None, open_browser: bool, tell: Callable[[str], object], settings: str = ""
) -> None:
    """Serve the lab until Ctrl-C; ``tell`` is called with each line that the user should read.

    ``settings``: what the page begins with, as in its address after #.
    """
    listening = listen(port)
    with contextlib.closing(listening):
        number = listening.getsockname()[1]
        token = read_or_make_token(token_path())
        address = f"http://{ADDRESS}:{number}/?token={token}" + (f"#{settings}" if settings else "")
        if port is None and number != PORT:
            tell(f"port {PORT} is taken, so this is {number}")
        tell(f"lab at {address}")
        tell("Ctrl-C ends it")
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server = _Server(
            uvicorn.Config(
                make_app(token, number, given),
                http=_GuardedProtocol,
                log_level="error",
                access_log=False,  # it would hold the token
                ws_max_size=MOST_MESSAGE,
                ws_per_message_deflate=False,  # the way is short
                ws_ping_interval=20,
                ws_ping_timeout=20,
                server_header=False,
                timeout_graceful_shutdown=10,  # never reached: see _Server
                limit_concurrency=200,
            )
        )
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:  # the way in which a server ends: no failure
            server.say_goodbye()


class _GuardedProtocol(H11Protocol):
    """Keeps those without a token from taking all connections: uvicorn has no setting for that.

    A connection on which the head of a request takes too long is closed. So is, if there are more than MOST_IDLE of
    them, the one that was heard from least lately among those for which the server is not at work.
    """

    _timer: asyncio.TimerHandle | None = None
    _heard = 0.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._note()
        idle = [each for each in self.connections if isinstance(each, _GuardedProtocol) and each.is_idle]
        for each in sorted(idle, key=lambda each: each._heard)[:-MOST_IDLE]:
            each.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note()

    @property
    def is_idle(self) -> bool:
        """Whether no answer is being made; one that the other side does not read counts as made."""
        return self.cycle is None or self.cycle.response_complete or self.flow.write_paused

    def _note(self) -> None:
        """Note when it was heard from, and time the head of a request: bytes that follow do not prolong it."""
        self._heard = self.loop.time()
        waiting = self.conn.their_state is h11.IDLE
        if waiting and self._timer is None:
            self._timer = self.loop.call_later(HEAD_TIMEOUT, self.transport.close)
        elif not waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Server(uvicorn.Server):
    """Leaves a second after Ctrl-C also while threads are at work, which cannot be stopped and would be waited for."""

    _ended = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            timer = threading.Timer(LEAVING_SECONDS, self._leave, [sig])
            timer.daemon = True
            timer.start()
        super().handle_exit(sig, frame)

    def say_goodbye(self) -> None:
        """Once, whoever comes first."""
        if not self._ended:
            self._ended = True
            say("\nlab ended", flush=True)

    def _leave(self, sig: int) -> None:
        if sig == signal.SIGINT:
            self.say_goodbye()
        os._exit(0 if sig == signal.SIGINT else 128 + sig)
