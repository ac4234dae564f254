"""A page of the lab without a browser: it says what the page says, and reads what the page reads."""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from backtalk.apps.lab.app import make_app
from backtalk.apps.lab.readers import Readers
from backtalk.apps.lab.upload import read_upload

TOKEN, PORT = "t" * 43, 8642
ADDRESS = f"http://127.0.0.1:{PORT}"
_names = count(1)
MOST_MESSAGES = 5000  # in which something is waited for


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The JSON and the arrays of a frame."""
    (length,) = struct.unpack_from("<I", message)
    place = 4 + length
    assert place % 4 == 0
    facts, arrays = json.loads(message[4:place]), {}
    for each in facts["arrays"]:
        size = int(np.prod(each["shape"]))
        arrays[each["name"]] = np.frombuffer(message, "<f4", size, place).reshape(each["shape"])
        place += 4 * size
    assert place == len(message)
    return facts, arrays


class Page:
    """One tab, connected."""

    def __init__(self, socket: Any, session: str) -> None:
        self.socket, self.session = socket, session
        self.hello = self.hear()

    def say(self, kind: str, **message: Any) -> None:
        self.socket.send_text(json.dumps({"type": kind, **message}))

    def receive(self) -> str | bytes:
        message = self.socket.receive()
        if message["type"] == "websocket.close":
            raise ConnectionError(message["code"], message.get("reason"))
        text = message.get("text")
        return message["bytes"] if text is None else text

    def hear(self) -> dict[str, Any]:
        """The next message that is text."""
        message = self.receive()
        assert isinstance(message, str), unpack(message)[0]
        return json.loads(message)

    def hear_frame(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The next message, a frame, which is not yet said to be drawn."""
        message = self.receive()
        assert isinstance(message, bytes), message
        return unpack(message)

    def frame(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The next message, a frame, drawn."""
        found = self.hear_frame()
        self.say("drawn")
        return found

    def closed(self) -> int:
        """The code with which the server closes the connection, whatever it says before."""
        try:
            while True:
                self.receive()
        except ConnectionError as error:
            return error.args[0]

    def configure(self, **settings: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
        """Configure; gives the setup and the first frame, drawn."""
        self.say("configure", **settings)
        setup = self.hear()
        assert setup["type"] == "setup", setup
        return setup, *self.frame()

    def step(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        self.say("step")
        return self.frame()

    def until(self, kind: str) -> dict[str, Any]:
        """The next text message of a type; frames on the way are drawn."""
        for _ in range(MOST_MESSAGES):
            message = self.receive()
            if isinstance(message, bytes):
                self.say("drawn")
            elif json.loads(message)["type"] == kind:
                return json.loads(message)
        raise AssertionError(f"no {kind} came")


class Lab:
    """An app that is served within the test."""

    def __init__(self, client: TestClient, app: Any) -> None:
        self.client, self.app = client, app

    @contextmanager
    def page(self, session: str | None = None, token: str = TOKEN, origin: str | None = ADDRESS, host: str = ""):
        session = session or f"session-{next(_names):04}"
        headers = ({} if origin is None else {"Origin": origin}) | ({"Host": host} if host else {})
        address = f"ws://127.0.0.1:{PORT}/live?token={token}&session={session}"
        with self.client.websocket_connect(address, headers=headers) as socket:
            yield Page(socket, session)

    def upload(self, session: str, name: str, content: Any, token: str = TOKEN, **query: str) -> Any:
        query |= {"token": token, "session": session, "name": name}
        return self.client.post("/upload", params=query, content=content, headers={"Origin": ADDRESS})


class HereReaders(Readers):
    """Reads uploads in this process, since one of their own takes seconds to start."""

    def read(self, path: Path, label: str, target: str | None) -> Any:
        return read_upload(path, label, target)

    def warm_up(self) -> None:
        pass


@contextmanager
def serving(readers: Any = None, **options: Any):
    app = make_app(TOKEN, PORT, readers=readers or HereReaders(), **options)
    with TestClient(app, base_url=ADDRESS) as client:
        yield Lab(client, app)
