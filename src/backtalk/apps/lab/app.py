"""The routes: the page, its files, the WebSocket, the upload."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from ...errors import BacktalkError, InputError
from .datasets import LabData
from .lesson import make_lesson
from .lesson.recording import EXAMPLES, STEPS
from .live import Live, sentence
from .readers import Readers
from .security import Guard, is_token
from .session import MOST_SESSIONS, NAME, Session, Sessions, start_settings
from .settings import LONGEST_QUANTITY, shown
from .upload import MOST_BYTES, label_of, place_for, suffix_of

MOST_UPLOADS = 4  # at once, one of a page
BODY_TIMEOUT = 30.0  # seconds without a byte of a file
LONGEST_ERROR = 600  # letters
STATIC = Path(__file__).parent / "static"
REFUSED = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>backtalk lab</title>"
    "<p>This page needs the token of the lab: open the whole address that <code>backtalk lab</code> printed."
)
NOT_BUILT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>backtalk lab</title>"
    "<p>The page of the lab is not built: run <code>npm run build</code> in <code>web/</code>."
)
TOO_MANY = f"{MOST_SESSIONS} pages of the lab are open, which is the most: close some."


def make_app(
    token: str, port: int, given: LabData | None = None, static: Path = STATIC, readers: Readers | None = None
) -> Starlette:
    """The lab as an ASGI application; ``given``: a network of the user's own with its data.

    ``readers``: the processes that read uploads, which end with it.
    """
    readers = readers or Readers()
    sessions = Sessions(start_settings(given), given)
    uploading: set[Session] = set()
    recording: set[Session] = set()

    async def page(request: Request) -> Response:
        if not is_token(request.query_params.get("token"), token):
            return HTMLResponse(REFUSED, 403)
        index = static / "index.html"
        return HTMLResponse(index.read_text(encoding="utf-8") if index.exists() else NOT_BUILT)

    async def live(socket: WebSocket) -> None:
        name = socket.query_params.get("session", "")
        if not is_token(socket.query_params.get("token"), token) or not NAME.fullmatch(name):
            await socket.close(1008)  # before it is accepted: 403
            return
        with contextlib.suppress(WebSocketDisconnect):  # the page has left
            await converse(socket, name)

    async def converse(socket: WebSocket, name: str) -> None:
        await socket.accept()
        opened = sessions.open(name)
        if opened is None:
            await socket.send_json({"type": "error", "message": TOO_MANY, "about": "session"})
            await socket.close(1013, "too many pages")
            return
        session, resumed = opened
        await asyncio.get_running_loop().run_in_executor(session.threads, readers.warm_up)
        conversation = Live(socket, session)
        try:
            await conversation.serve(resumed)
        finally:
            if session.connection is None:
                sessions.left(name, session)

    async def upload(request: Request) -> Response:
        query = request.query_params
        if not is_token(query.get("token"), token):
            return _error("this needs the token of the lab.", 403)
        session = sessions.by_name.get(query.get("session", ""))
        if session is None:
            return _error("the server does not know this page: load it again.", 409)
        if session in uploading or len(uploading) >= MOST_UPLOADS:
            return _error("another file is still coming in: wait until it is there.", 429)
        uploading.add(session)
        try:
            return JSONResponse(await _receive(request, session, readers))
        except _TooLargeError:
            return _error(f"the file has more than {MOST_BYTES // 2**20} MB, which is the most.", 413)
        except TimeoutError:
            return _error("the file came in no further, so it was given up: send it again.", 408, Connection="close")
        except ClientDisconnect:
            return Response(status_code=400)
        except BacktalkError as error:
            return _error(error, 400)
        except OSError as error:
            return _error(f"the file could not be kept for reading ({error.strerror}).", 400)
        finally:
            uploading.remove(session)

    async def lesson(request: Request) -> Response:
        query = request.query_params
        if not is_token(query.get("token"), token):
            return _error("this needs the token of the lab.", 403)
        session = sessions.by_name.get(query.get("session", ""))
        if session is None or session.trainer is None:
            return _error("the server does not know this page: load it again.", 409)
        if session in recording:
            return _error("a lesson of this page is being recorded: wait until it is there.", 429)
        recording.add(session)
        try:
            return await _lesson(session, dict(query))
        except BacktalkError as error:
            return _error(error, 400)
        finally:
            recording.remove(session)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            sessions.close()
            readers.close()

    app = Starlette(
        routes=[
            Route("/", page),
            WebSocketRoute("/live", live),
            Route("/upload", upload, methods=["POST"]),
            Route("/lesson", lesson),
            Mount("/static", StaticFiles(directory=static, check_dir=False)),
        ],
        middleware=[Middleware(Guard, port=port)],
        exception_handlers={HTTPException: _http_error},
        lifespan=lifespan,
    )
    app.state.sessions = sessions
    return app


class _TooLargeError(Exception):
    """More bytes than an upload may have."""


async def _receive(request: Request, session: Session, readers: Readers) -> dict[str, Any]:
    """The file of a request, read: it is counted while it comes in, and never lies in memory as a whole."""
    query = request.query_params
    label = label_of(query.get("name", ""))
    suffix = suffix_of(label)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 12 or int(announced) > MOST_BYTES):
        raise _TooLargeError
    folder, path = place_for(suffix)
    with folder:
        count, loop = 0, asyncio.get_running_loop()
        with path.open("wb") as file:
            async with asyncio.timeout(BODY_TIMEOUT) as timeout:
                async for block in request.stream():
                    timeout.reschedule(loop.time() + BODY_TIMEOUT)
                    count += len(block)
                    if count > MOST_BYTES:
                        raise _TooLargeError
                    file.write(block)
        if not count:
            raise InputError(f"{label} is empty.")
        asked = query.get("target") or None
        data, columns, target = await loop.run_in_executor(session.threads, readers.read, path, label, asked)
    return {
        "data": session.add_file(data),
        "name": label,
        "rows": len(data.X),
        "columns": columns,
        "target": target,
        "task": data.task,
        "inputs": data.X.shape[1],
        "said": data.remarks,
    }


async def _lesson(session: Session, query: dict[str, str]) -> Response:
    """What is configured as a lesson, recorded from its first weights on, while the session goes on."""
    trainer = session.require()
    show = {name: query[name][:LONGEST_QUANTITY] for name in ("color", "quantity") if query.get(name)}
    usual = {"steps": STEPS, "examples": EXAMPLES, "example": 0}
    steps, examples, row = (_number(query.get(name, str(default)), name) for name, default in usual.items())
    make = partial(make_lesson, trainer.settings, trainer.data, steps, examples, row=row, show=show)
    page = await asyncio.get_running_loop().run_in_executor(session.threads, make)
    name = re.sub(r"[^A-Za-z0-9-]+", "-", trainer.settings.data)
    return HTMLResponse(page, headers={"Content-Disposition": f'attachment; filename="lesson-{name}.html"'})


def _number(text: str, name: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise InputError(f"{name} is {shown(text)}, expected a whole number.")
    return int(text)


def _error(error: BacktalkError | str, status: int, **headers: str) -> Response:
    text = sentence(error)
    text = text if len(text) <= LONGEST_ERROR else text[:LONGEST_ERROR] + "…"  # it may repeat names from the file
    return JSONResponse({"error": text}, status, headers)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(error.detail, error.status_code)
