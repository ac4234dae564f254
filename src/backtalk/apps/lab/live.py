"""The conversation with one tab over its WebSocket.

Three tasks: one reads what the page asks, one sends frames whenever there is something new and the page has drawn the
last one, one answers questions that take longer, so that neither waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ...errors import BacktalkError, InputError, InputTypeError, bug, unknown_name
from .answers import explain_message, findings_message
from .compare import plane_message, prepared_message
from .exercises import exercise_message, marks_message
from .greeting import greeting
from .session import Session, finish
from .settings import LONGEST, MOST_SPEED, shown, whole

MOST_MESSAGE = 65_536  # bytes of a message of the page
MOST_QUESTIONS = 8  # that wait for their answers
SURFACE_SECONDS = 0.15  # between two surfaces while training runs
TAKEN_OVER = 4001
KEYS: dict[str, tuple[str, ...]] = {
    "rate": ("rate",),
    "run": (),
    "pause": (),
    "step": (),
    "reset": (),
    "speed": ("steps",),
    "example": ("row",),
    "set": ("quantity", "value"),
    "look": ("maps", "histograms"),
    "slide": ("at",),
    "explain": ("quantity",),
    "diagnose": (),
    "compare": ("left", "right"),
    "plane": ("directions",),
    "alone": (),
    "exercise": ("exercise",),
    "mark": ("exercise", "answers"),
    "drawn": (),
}
NOT_SHOWN = {"rate", "speed", "explain", "diagnose", "plane", "exercise", "mark", "drawn"}  # in frames
OF_ONE = {"rate", "example", "set", "look", "slide", "explain", "diagnose"}  # not while two networks are compared


class Live:
    """A connection of a session."""

    socket: WebSocket
    session: Session
    news: asyncio.Event
    drawn: asyncio.Event
    questions: asyncio.Queue[tuple[str, Callable[[], Awaitable[None]]]]
    last_surface: float
    sending: asyncio.Lock

    def __init__(self, socket: WebSocket, session: Session) -> None:
        self.socket, self.session = socket, session
        self.news = asyncio.Event()  # there is something to show
        self.drawn = asyncio.Event()  # the page has drawn the last frame
        self.drawn.set()
        self.questions = asyncio.Queue(MOST_QUESTIONS)
        self.last_surface = 0.0
        self.sending = asyncio.Lock()

    async def serve(self, resumed: bool) -> None:
        """Until the page leaves, or another connection takes the session over."""
        session = self.session
        if session.connection is not None:
            await session.connection.close()
        session.connection = self
        tasks: list[asyncio.Task[None]] = []
        try:
            described = await session.work(session.describe) if resumed else []
            await self.send(self.greeting(bool(described)))
            for setup in described:
                await self.send(setup)
                self.news.set()
            tasks = [asyncio.create_task(job()) for job in (self.send_frames, self.answer_questions)]
            while True:
                await self.receive()
        except WebSocketDisconnect:
            pass
        finally:
            for task in tasks:
                task.cancel()
            try:
                await finish(tasks)
            finally:
                if session.connection is self:
                    session.connection = None

    async def close(self) -> None:
        """Another connection has taken the session over."""
        if self.socket.application_state == WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it had dropped, which nobody has heard yet
                await self.socket.close(TAKEN_OVER, "another page took this session over")

    def greeting(self, resumed: bool) -> dict[str, Any]:
        hello = greeting(self.session.start, self.session.given)
        return {**hello, "comparisons": prepared_message(), "resumed": resumed}

    async def send(self, message: dict[str, Any] | bytes) -> None:
        """Send a message; raises ``WebSocketDisconnect`` if the page has left."""
        try:
            async with self.sending:
                if isinstance(message, bytes):
                    await self.socket.send_bytes(message)
                else:
                    await self.socket.send_text(json.dumps(message, allow_nan=False, separators=(",", ":")))
        except (RuntimeError, OSError):
            raise WebSocketDisconnect(1006) from None

    async def send_error(self, error: BacktalkError | str, about: str) -> None:
        await self.send({"type": "error", "message": sentence(error), "about": about})

    async def receive(self) -> None:
        """One message of the page."""
        received = await self.socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1006))
        text = received.get("text")
        try:
            message = read_message(text)
        except BacktalkError as error:
            await self.send_error(error, "message")
            return
        await self.report_errors(message["type"], lambda: self.handle(message["type"], message))

    async def report_errors(self, about: str, job: Callable[[], Awaitable[None]]) -> None:
        """Do something; an error is a message, also one that is a bug of ours, so that the tab lives on."""
        try:
            await job()
        except BacktalkError as error:
            await self.send_error(error, about)
        except (WebSocketDisconnect, asyncio.CancelledError):
            raise
        except Exception as error:
            if os.environ.get("BACKTALK_TRACEBACK"):
                traceback.print_exc()
            await self.send_error(bug(error), about)

    async def handle(self, kind: str, message: dict[str, Any]) -> None:
        """Do what a message says, or refuse it and change nothing."""
        session = self.session
        if session.pair is not None and kind in OF_ONE:
            raise InputError(f"two networks are compared, and {kind!r} is about one: send 'alone' first.")
        match kind:
            case "drawn":
                self.drawn.set()
            case "configure":
                await self.send(await session.work(session.configure, message))
            case "compare":
                await self.send(await session.work(session.compare, message))
            case "alone":
                await session.work(session.leave_pair)
            case "rate":
                await session.work(lambda: session.require().set_rate(message.get("rate")))
            case "speed":
                session.require_something()
                session.speed = whole(message.get("steps"), "steps", 1, MOST_SPEED)
            case "run":
                await session.work(session.run)
            case "pause":
                session.require_something()
                session.running = False
            case "step":
                await self.step()
            case "reset":
                await self.end_walk()
                await session.work(session.reset)
            case "example":
                slide = await session.work(session.choose, message.get("row"))
                if slide is not None:
                    await self.send(slide)
            case "set":
                await session.work(session.set_by_hand, message.get("quantity"), message.get("value"))
            case "look":
                session.look(maps=message.get("maps", False), histograms=message.get("histograms", False))
            case "slide":
                slide, why = await session.work(session.slide, message.get("at"))
                await self.send(slide)
                await self.send_stop(why)
            case _:
                await self.queue_question(kind, message)
        if kind not in NOT_SHOWN:
            self.news.set()

    async def step(self) -> None:
        """One step, and then a pause."""
        session = self.session
        session.require_going()
        session.running = False
        await self.end_walk()
        await self.send_stop(await session.work(session.advance, 1))

    async def end_walk(self) -> None:
        if self.session.walk is not None:
            self.session.walk = None
            await self.send({"type": "slide", "at": None})

    async def send_stop(self, why: str) -> None:
        if why:
            await self.send({"type": "stopped", "message": sentence(why)})

    async def queue_question(self, kind: str, message: dict[str, Any]) -> None:
        """Put a question to the task that answers."""
        session = self.session
        job: Callable[[], Any]
        if kind == "plane":
            views, pair = await session.work(lambda: (session.views(), session.pair))
            job = partial(plane_message, views, message.get("directions", "path"))
            await self.put_question(kind, job, lambda: session.pair is pair)
            return
        trainer = session.require()
        network, row = trainer.network, session.row
        if kind == "explain":
            if "quantity" not in message:
                raise InputError("quantity is missing, expected a text such as 'W[1,1,1]'.")
            job = partial(
                explain_message, network, trainer.example(row)[0], trainer.data.y[row], row, message["quantity"]
            )
        elif kind == "exercise":
            job = partial(exercise_message, message.get("exercise"))
        elif kind == "mark":
            job = partial(marks_message, message.get("exercise"), message.get("answers"))
        else:
            telemetry = await session.work(lambda: trainer.recorder.telemetry)
            job = partial(findings_message, trainer, network, telemetry)
        await self.put_question(kind, job)

    async def put_question(self, kind: str, job: Callable[[], Any], wanted: Callable[[], bool] = lambda: True) -> None:
        """Let a job of some time wait its turn; what it makes is sent, or why it fails, if it is still wanted then."""

        async def answer() -> None:
            if not wanted():
                return
            try:
                found = await asyncio.get_running_loop().run_in_executor(self.session.threads, job)
            except BacktalkError:
                if wanted():
                    raise
                return
            if wanted():
                await self.send(found)

        try:
            self.questions.put_nowait((kind, answer))
        except asyncio.QueueFull:
            raise InputError(f"{MOST_QUESTIONS} questions wait for their answers: ask again later.") from None

    async def answer_questions(self) -> None:
        """Answer one question after another."""
        while True:
            await self.report_errors(*await self.questions.get())

    async def send_frames(self) -> None:
        """Send frames: while training runs, one after so many steps; else one for each change."""
        session = self.session
        while True:
            if not session.running:
                await self.news.wait()
            await self.drawn.wait()
            await self.report_errors("frame", self._send_frame)

    async def _send_frame(self) -> None:
        session = self.session
        try:
            if session.running:
                await self.send_stop(await session.work(self._advance_if_running))
            self.news.clear()  # what comes from here on is news to this frame
            now = time.monotonic()
            surface = not session.running or now - self.last_surface >= SURFACE_SECONDS
            message = await session.work(session.frame, surface)
        except Exception:
            session.running = False  # else it would fail again, at once and for ever
            raise
        self.last_surface = now if surface else self.last_surface
        self.drawn.clear()
        await self.send(message)

    def _advance_if_running(self) -> str:
        """No step, if a pause came while another job was at work."""
        return self.session.advance(self.session.speed) if self.session.running else ""


def read_message(text: str | None) -> dict[str, Any]:
    """A message of the page, of a known type and with known keys."""
    if text is None:
        raise InputTypeError("the message is binary, expected JSON text.")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"the message is no JSON: {shown(text)}.") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise InputError("the message has no type, expected a JSON object with a text under 'type'.")
    kind = message["type"]
    if kind != "configure":
        if kind not in KEYS:
            raise unknown_name("type", kind[:LONGEST], ["configure", *KEYS])
        for key in message:
            if key not in ("type", *KEYS[kind]):
                wanted = f"it takes {', '.join(KEYS[kind])}" if KEYS[kind] else "it takes none"
                raise InputError(f"the message {kind!r} has no {shown(key)}: {wanted}.")
    return message


def sentence(error: BacktalkError | str) -> str:
    """An error as it is shown: its first word with a capital letter, unless that is a letter or the name of a file."""
    text = str(error)
    return text[:1].upper() + text[1:] if re.match(r"[a-z]{2,}(\[\d+\])? ", text) else text
