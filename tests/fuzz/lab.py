"""What a page sends to the lab: a file of messages, one a line, which one session hears."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from starlette.websockets import WebSocketState

from backtalk.apps.lab.live import Live
from backtalk.apps.lab.session import Session, start_settings

from .mutations import change_json_lines, damage
from .target import Target

MESSAGES: list[dict[str, Any]] = [
    {"type": "configure", "data": "moons", "layers": [3], "activation": ["tanh"], "loss": "auto", "output": "auto",
     "optimizer": "adam", "rate": 0.03, "batch": 32, "seed": 0, "noise": 0.1},
    {"type": "configure", "data": "wine", "layers": [], "activation": "relu", "loss": "focal(gamma=2)"},
    {"type": "rate", "rate": 0.1}, {"type": "run"}, {"type": "pause"}, {"type": "step"}, {"type": "reset"},
    {"type": "speed", "steps": 5}, {"type": "example", "row": 3}, {"type": "slide", "at": 0},
    {"type": "slide", "at": None}, {"type": "explain", "quantity": "W[1,1,1]"}, {"type": "explain", "quantity": "h[0]"},
    {"type": "diagnose"}, {"type": "drawn"}, {"type": "set", "quantity": "W[1,1,1]", "value": 0.5},
    {"type": "configure", "data": "worked", "layers": [2], "activation": "sigmoid", "optimizer": "sgd(momentum=0)",
     "initialization": "auto", "schedule": "one_cycle", "epochs": 3, "l2_penalty": 0.1, "dropout": 0.5},
    {"type": "set", "quantity": "x[2]", "value": -1}, {"type": "step"},
    {"type": "compare", "left": {"layers": [2]}, "right": {"layers": [2], "optimizer": "sgd", "rate": 0.5}},
    {"type": "step"}, {"type": "plane", "directions": "random"}, {"type": "plane"}, {"type": "alone"},
]  # fmt: skip


class _Socket:
    """A page that sends these texts, and keeps what it is sent."""

    application_state = WebSocketState.CONNECTED

    def __init__(self, texts: list[str | None]) -> None:
        self.texts, self.heard = texts, list[str]()

    async def receive(self) -> dict[str, Any]:
        return {"type": "websocket.receive", "text": self.texts.pop(0)}

    async def send_text(self, text: str) -> None:
        self.heard.append(text)

    async def send_bytes(self, content: bytes) -> None:
        pass


MOST = 10  # messages of a conversation
_THREADS = ThreadPoolExecutor(1)


def _talk(path: Path) -> None:
    texts = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")[:MOST]
    asyncio.run(_converse([text.encode("utf-8", "replace").decode() for text in texts]))


async def _converse(texts: list[str | None]) -> None:
    socket: Any = _Socket(texts)
    live = Live(socket, Session(start_settings(None), None, _THREADS))
    while texts:
        await live.receive()
        while not live.questions.empty():
            await live.report_errors(*live.questions.get_nowait())
    if live.session.trainer is not None or live.session.pair is not None:
        await live.report_errors("frame", live._send_frame)
    for text in socket.heard:
        said = json.loads(text)
        if said.get("type") == "error" and "internal error" in said["message"]:
            raise AssertionError(said["message"])


def _seeds() -> list[bytes]:
    lines = [json.dumps(message).encode() for message in MESSAGES]
    return [
        b"\n".join([lines[0], *each])
        for each in (lines[2:7], lines[8:11], [lines[1], *lines[11:14]], [lines[9]] * 3, lines[15:18], lines[18:])
    ]


def _forge(content: bytes, draw: Random) -> bytes:
    """Other values, and other messages between."""
    lines = content.split(b"\n")
    if draw.random() < 0.5:
        lines.insert(draw.randrange(len(lines) + 1), json.dumps(draw.choice(MESSAGES)).encode())
    return change_json_lines(b"\n".join(lines), draw)


TARGETS = [Target("lab", ".jsonl", _seeds, _talk, damage, _forge)]
