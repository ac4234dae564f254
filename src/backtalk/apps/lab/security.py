"""Who may speak with the lab: the token, Host and Origin, and the headers that every answer carries.

The page runs on loopback, where other programs of the user and every page in the user's browser can knock. Host is
checked against DNS rebinding, Origin against pages of other sites, and the token against everybody else.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from ...errors import InputError

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # of 32 random bytes


def token_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the token lies, so that tabs and bookmarks outlive a restart.

    >>> token_path({"XDG_STATE_HOME": "/srv/ada/state"}).as_posix()
    '/srv/ada/state/backtalk/lab-token'
    """
    state = environment.get("XDG_STATE_HOME", "")
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "backtalk" / "lab-token"


def read_or_make_token(path: Path) -> str:
    """The token in a file that the user alone can read; a new one if there is none, or others could have read it.

    Raises :class:`~backtalk.errors.InputError` if a link, a folder or another user's file lies in its place, or
    others could put a file of theirs there.
    """
    _require_folder(path.parent)
    found = _read(path)
    if found is not None:
        return found
    token = secrets.token_urlsafe(32)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return token


def _require_folder(folder: Path) -> None:
    """Make the folder of the token, or refuse one that is not the user's alone."""
    name = f"{folder}, the folder of the lab's token,"
    elsewhere = "or name another place by XDG_STATE_HOME"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        facts = folder.stat()
    except OSError as error:
        raise InputError(f"{name} cannot be made ({error.strerror}): mend that, {elsewhere}.") from None
    if hasattr(os, "getuid") and facts.st_uid != os.getuid():
        raise InputError(f"{name} belongs to another user: remove it, {elsewhere}.")
    if os.name == "posix" and stat.S_IMODE(facts.st_mode) & 0o022:
        raise InputError(f"{name} can be written by others: run chmod 700 on it, {elsewhere}.")
    if folder.is_symlink():
        raise InputError(f"{name} is a link to another folder: remove it, {elsewhere}.")


def _read(path: Path) -> str | None:
    """The token; None if there is none, or it is no secret any more."""

    def refused(why: str, what: str = "file") -> InputError:
        return InputError(f"{path}, the {what} of the lab's token, {why}: remove it.")

    if path.is_symlink():
        raise refused("is a link to another file")
    try:
        # what is no ordinary file by then must neither be followed nor waited for
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # it became a link just now
            raise refused("is a link to another file") from None
        raise
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise refused("is no ordinary file", "place")
        if hasattr(os, "getuid") and facts.st_uid != os.getuid():
            raise refused("belongs to another user")
        content = os.read(descriptor, 100)
    finally:
        os.close(descriptor)
    if os.name == "posix" and stat.S_IMODE(facts.st_mode) & 0o077:
        return None
    text = content.decode("ascii", "replace").strip()
    return text if TOKEN.fullmatch(text) else None


def is_token(given: str | None, token: str) -> bool:
    """Whether it is the token, in the same time whatever was given."""
    return given is not None and secrets.compare_digest(given.encode(), token.encode())


class Guard:
    """Around the whole app: refuses a foreign Host or Origin, and puts the headers on every answer."""

    app: Any
    hosts: set[str]

    def __init__(self, app: Any, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        if port == 80:
            self.hosts |= {"127.0.0.1", "localhost", "[::1]"}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refused = self.refusal(scope)
        if refused is None:
            await self.app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refused[1]})  # before it is accepted: 403
        else:
            await PlainTextResponse(refused[1], refused[0])(scope, receive, send_with_headers)

    def refusal(self, scope: Any) -> tuple[int, str] | None:
        """The status and the sentence, if a request is not from our own page."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return 421, "This server answers only at its own address on this machine."
        origins = headers.getlist("origin")
        must_have = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if (must_have or origins) and origins != [f"http://{hosts[0].lower()}"]:
            return 403, "This server answers only to its own page."
        return None
