"""Who may speak with the lab, and how much: each of these fails where its check is taken out."""

from __future__ import annotations

import asyncio
import http.client
import io
import os
import socket
import stat
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from backtalk.apps.lab import app as app_module
from backtalk.apps.lab import session as session_module
from backtalk.apps.lab import upload as upload_module
from backtalk.apps.lab.app import make_app
from backtalk.apps.lab.security import CONTENT_SECURITY_POLICY, is_token, read_or_make_token, token_path
from backtalk.apps.lab.serve import listen
from backtalk.errors import InputError
from lab_page import ADDRESS, PORT, TOKEN, HereReaders, serving
from test_lab_server import TABLE, served


@pytest.fixture
def static(tmp_path):
    folder = tmp_path / "site" / "static"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<p>the page")
    (folder / "page.js").write_text("1")
    (tmp_path / "site" / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "site" / "secret.txt")
    return folder


@pytest.fixture
def lab(static):
    with serving(static=static) as found:
        yield found


def refused(lab, **how: str | None) -> bool:
    """Whether a WebSocket is refused before it is accepted."""
    try:
        with lab.page(**how):
            return False
    except WebSocketDisconnect:
        return True


# The token


def test_the_page_needs_the_token(lab):
    assert lab.client.get("/", params={"token": TOKEN}).text == "<p>the page"
    for query in ({}, {"token": ""}, {"token": TOKEN[:-1]}, {"token": TOKEN + "t"}, {"token": "ü" * 43}):
        answer = lab.client.get("/", params=query)
        assert answer.status_code == 403
        assert "needs the token" in answer.text
        assert "the page" not in answer.text.replace("This page", "")
        assert TOKEN not in answer.text


def test_the_socket_needs_the_token(lab):
    assert not refused(lab)
    assert refused(lab, token="wrong")
    assert refused(lab, token="")


def test_an_upload_needs_the_token(lab):
    with lab.page() as page:
        assert lab.upload(page.session, "a.csv", TABLE, token="wrong").status_code == 403
        assert lab.upload(page.session, "a.csv", TABLE).status_code == 200


def test_tokens_are_compared_in_the_same_time_whatever_is_given(monkeypatch):
    compared = []
    monkeypatch.setattr("secrets.compare_digest", lambda a, b: compared.append((a, b)) or a == b)
    assert not is_token("x", TOKEN)
    assert is_token(TOKEN, TOKEN)
    assert len(compared) == 2
    assert not is_token(None, TOKEN)


@pytest.mark.parametrize("name", ["short", "a" * 65, "../../../etc", "a b c d e f", "ä" * 10, ""])
def test_a_session_has_a_plain_name(lab, name):
    address = f"ws://127.0.0.1:{PORT}/live"
    client = lab.client
    with pytest.raises(WebSocketDisconnect):  # noqa: SIM117
        with client.websocket_connect(f"{address}?token={TOKEN}&session={name}", headers={"Origin": ADDRESS}):
            pass


def test_the_token_is_in_a_file_for_the_user_alone(tmp_path):
    path = token_path({"XDG_STATE_HOME": str(tmp_path / "state")})
    before = os.umask(0)
    try:
        token = read_or_make_token(path)
    finally:
        os.umask(before)
    assert len(token) == 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_or_make_token(path) == token
    assert [each.name for each in path.parent.iterdir()] == ["lab-token"]


def test_a_relative_state_folder_is_not_believed(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert token_path({"XDG_STATE_HOME": "here"}) == tmp_path / ".local/state/backtalk/lab-token"
    assert token_path({}) == tmp_path / ".local/state/backtalk/lab-token"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_token_that_others_could_read_or_write_is_made_anew(tmp_path, mode):
    path = tmp_path / "lab-token"
    path.write_text(TOKEN)
    path.chmod(mode)
    assert read_or_make_token(path) != TOKEN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 43, b"a" * 43 + b"more", b"a b" * 20])
def test_a_damaged_token_is_made_anew(tmp_path, content):
    path = tmp_path / "lab-token"
    path.write_bytes(content)
    path.chmod(0o600)
    token = read_or_make_token(path)
    assert len(token) == 43
    assert path.read_text() == token


def test_a_link_in_the_token_s_place_is_refused_and_what_it_leads_to_stays(tmp_path, monkeypatch):
    target = tmp_path / "other"
    target.write_text(TOKEN)
    target.chmod(0o600)
    (tmp_path / "lab-token").symlink_to(target)
    with pytest.raises(InputError, match="is a link to another file: remove it"):
        read_or_make_token(tmp_path / "lab-token")
    assert target.read_text() == TOKEN
    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_symlink", lambda _: False)  # as where it becomes one after it was looked at
        with pytest.raises(InputError, match="is a link"):
            read_or_make_token(tmp_path / "lab-token")
    (tmp_path / "dangling").symlink_to(tmp_path / "not-there")
    with pytest.raises(InputError, match="is a link"):
        read_or_make_token(tmp_path / "dangling")
    assert not (tmp_path / "not-there").exists()


def test_a_folder_or_a_pipe_in_the_token_s_place_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for name in ("pipe", "folder"):
        with pytest.raises(InputError, match="is no ordinary file: remove it"):
            read_or_make_token(tmp_path / name)


def test_a_token_s_folder_that_is_not_the_user_s_alone_is_refused(tmp_path):
    folder = tmp_path / "backtalk"
    folder.mkdir()
    for mode in (0o777, 0o720):
        folder.chmod(mode)
        with pytest.raises(InputError, match="can be written by others: run chmod 700 on it"):
            read_or_make_token(folder / "lab-token")
    folder.chmod(0o700)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(InputError, match="is a link to another folder: remove it"):
        read_or_make_token(tmp_path / "link" / "lab-token")
    assert not list(folder.iterdir())


def test_a_file_in_place_of_the_token_s_folder_is_said_with_what_to_do(tmp_path):
    (tmp_path / "backtalk").write_text("")
    with pytest.raises(
        InputError, match=r"cannot be made \(File exists\): mend that, or name another place by XDG_STATE"
    ):
        read_or_make_token(tmp_path / "backtalk" / "lab-token")


def test_another_user_s_token_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "lab-token"
    read_or_make_token(path)
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(InputError, match="belongs to another user"):
        read_or_make_token(path)


# Host and Origin


FOREIGN_HOSTS = [
    "evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", "localhost", f"127.0.0.2:{PORT}",
    f"127.0.0.1.evil.example:{PORT}", f"0.0.0.0:{PORT}", f"user@127.0.0.1:{PORT}", "",
]  # fmt: skip
FOREIGN_ORIGINS = [
    "http://evil.example", "null", f"https://127.0.0.1:{PORT}", "http://127.0.0.1", f"http://127.0.0.1:{PORT + 1}",
    f"http://localhost:{PORT}", f"http://127.0.0.1:{PORT}.evil.example", "",
]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_gets_nothing(lab, host):
    for path in ("/", "/static/page.js"):
        answer = lab.client.get(path, params={"token": TOKEN}, headers={"Host": host})
        assert answer.status_code == 421
    with lab.page() as page:
        query = {"token": TOKEN, "session": page.session, "name": "a.csv"}
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert lab.client.post("/upload", params=query, content=TABLE, headers=headers).status_code == 421
    if host:
        assert refused(lab, host=host, origin=f"http://{host}")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_our_own_host_is_served(lab, name):
    host = f"{name}:{PORT}"
    assert lab.client.get("/", params={"token": TOKEN}, headers={"Host": host}).status_code == 200
    assert not refused(lab, host=host, origin=f"http://{host.lower()}")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_of_another_site_cannot_connect(lab, origin):
    assert refused(lab, origin=origin)


def test_a_socket_without_an_origin_is_refused(lab):
    assert refused(lab, origin=None)


@pytest.mark.parametrize("origin", [*FOREIGN_ORIGINS, None])
def test_a_page_of_another_site_cannot_upload(lab, origin):
    with lab.page() as page:
        query = {"token": TOKEN, "session": page.session, "name": "a.csv"}
        headers = {} if origin is None else {"Origin": origin}
        assert lab.client.post("/upload", params=query, content=TABLE, headers=headers).status_code == 403
        page.say("configure", data="file:1")
        assert page.hear()["type"] == "error"


def test_a_page_of_another_site_cannot_read_the_page(lab):
    answer = lab.client.get("/", params={"token": TOKEN}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_two_hosts_or_none_are_refused(lab):
    sent = []
    for hosts in ([], [b"evil.example", f"127.0.0.1:{PORT}".encode()]):
        scope = {
            "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": f"token={TOKEN}".encode(),
            "headers": [(b"host", host) for host in hosts], "http_version": "1.0", "scheme": "http", "root_path": "",
        }  # fmt: skip

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        asyncio.run(lab.app(scope, receive, send))
    assert [each["status"] for each in sent if "status" in each] == [421, 421]


# What every answer carries


def test_every_answer_carries_the_headers(lab):
    answers = [
        lab.client.get("/", params={"token": TOKEN}),
        lab.client.get("/"),
        lab.client.get("/static/page.js"),
        lab.client.get("/static/none.js"),
        lab.client.get("/nothing"),
        lab.client.post("/", headers={"Origin": ADDRESS}),
        lab.client.get("/", headers={"Host": "evil.example"}),
        lab.upload("unknown-session", "a.csv", TABLE),
    ]
    assert [each.status_code for each in answers] == [200, 403, 200, 404, 404, 405, 421, 409]
    for answer in answers:
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"
    assert answers[0].headers["cache-control"] == "no-store"


def test_the_policy_lets_nothing_in_but_our_own_files():
    rules = {rule.split()[0]: " ".join(rule.split()[1:]) for rule in CONTENT_SECURITY_POLICY.split(";")}
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


# Files


@pytest.mark.parametrize(
    "path", ["/static/../secret.txt", "/static/..%2fsecret.txt", "/static/%2e%2e/secret.txt", "/static/link.txt",
             "/static//etc/passwd", "/static/..\\secret.txt", "/static/.%00/page.js", "/static/"]
)  # fmt: skip
def test_no_path_leads_out_of_the_page_s_files(static, path):
    """Asked without a client that tidies the path."""
    sent = []

    async def ask(app):
        from urllib.parse import unquote

        scope = {
            "type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"host", f"127.0.0.1:{PORT}".encode())], "http_version": "1.1", "scheme": "http",
            "root_path": "",
        }  # fmt: skip

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        await app(scope, receive, send)

    asyncio.run(ask(make_app(TOKEN, PORT, static=static, readers=HereReaders())))
    assert sent[0]["status"] in (404, 405, 400)
    assert b"secret" not in b"".join(each.get("body", b"") for each in sent)


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/etc/evil.csv", "..\\..\\evil.csv", "C:\\evil.csv", "a/../evil.csv", "%2e%2e/evil.csv"]
)
def test_a_file_s_name_is_a_label_and_no_path(lab, tmp_path, monkeypatch, name):
    opened = []
    real = upload_module.place_for

    def watched(suffix):
        folder, path = real(suffix)
        opened.append(path)
        return folder, path

    monkeypatch.setattr(app_module, "place_for", watched)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    with lab.page() as page:
        answer = lab.upload(page.session, name, TABLE)
    assert answer.json()["name"] == "evil.csv"
    (path,) = opened
    assert path.name == "upload.csv"
    assert path.parent.parent == tmp_path
    assert sorted(tmp_path.rglob("*")) == before  # and nothing is left


def test_a_path_in_a_message_opens_nothing(lab, tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    with lab.page() as page:
        for data in (str(tmp_path / "a.csv"), "../a.csv", f"file:{tmp_path}/a.csv", "iris"):
            page.say("configure", data=data)
            assert page.hear()["type"] == "error"


def test_a_label_shows_no_control_characters(lab):
    with lab.page() as page:
        answer = lab.upload(page.session, "c" * 300 + "a\x1b[31m\n\u202eb.csv", TABLE).json()
    assert answer["name"].isprintable()
    assert len(answer["name"]) <= 80


def test_a_file_that_is_announced_as_too_large_is_refused_at_once(lab):
    with lab.page() as page:
        answer = lab.upload(page.session, "a.csv", b"a" * (upload_module.MOST_BYTES + 1))
    assert answer.status_code == 413
    assert answer.json() == {"error": "The file has more than 32 MB, which is the most."}


def test_nothing_is_read_of_a_file_that_is_announced_as_too_large(static):
    app = make_app(TOKEN, PORT, static=static, readers=HereReaders())
    app.state.sessions.open("the-session")
    for announced in (b"33554433", b"9" * 5000):
        sent = []
        scope = {
            "type": "http", "method": "POST", "path": "/upload", "raw_path": b"/upload", "http_version": "1.1",
            "query_string": f"token={TOKEN}&session=the-session&name=a.csv".encode(), "scheme": "http",
            "root_path": "", "headers": [
                (b"host", f"127.0.0.1:{PORT}".encode()), (b"origin", ADDRESS.encode()), (b"content-length", announced)
            ],
        }  # fmt: skip

        async def receive():
            raise AssertionError("it was read")

        async def send(message, sent=sent):
            sent.append(message)

        asyncio.run(app(scope, receive, send))
        assert sent[0]["status"] == 413


@pytest.mark.parametrize("announced", [None, b"10"])
def test_a_file_that_grows_too_large_is_refused_while_it_comes_in(static, tmp_path, monkeypatch, announced):
    """Without an announcement, or with a wrong one: it is counted, and nothing beyond the limit is read."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = make_app(TOKEN, PORT, static=static, readers=HereReaders())
    app.state.sessions.open("the-session")
    blocks, sent, largest = 0, [], 0
    headers = [(b"host", f"127.0.0.1:{PORT}".encode()), (b"origin", ADDRESS.encode())]
    scope = {
        "type": "http", "method": "POST", "path": "/upload", "raw_path": b"/upload", "http_version": "1.1",
        "query_string": f"token={TOKEN}&session=the-session&name=a.csv".encode(), "scheme": "http", "root_path": "",
        "headers": headers + ([] if announced is None else [(b"content-length", announced)]),
    }  # fmt: skip

    async def receive():
        nonlocal blocks, largest
        blocks += 1
        assert blocks < 100, "it reads on and on"
        largest = max(largest, *(path.stat().st_size for path in tmp_path.rglob("upload.csv")))
        return {"type": "http.request", "body": b"a" * 2**20, "more_body": True}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 413
    assert blocks == 33
    assert largest <= upload_module.MOST_BYTES
    assert not list(tmp_path.rglob("upload.csv"))


def test_a_file_that_comes_in_no_further_is_given_up(static, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(app_module, "BODY_TIMEOUT", 0.05)
    app = make_app(TOKEN, PORT, static=static, readers=HereReaders())
    app.state.sessions.open("the-session")
    messages, sent = [{"type": "http.request", "body": b"a,b\n", "more_body": True}], []

    async def receive():
        if not messages:
            await asyncio.sleep(60)
        return messages.pop()

    async def send(message):
        sent.append(message)

    asyncio.run(app(upload_scope("the-session"), receive, send))
    assert sent[0]["status"] == 408
    assert b"send it again" in sent[1]["body"]
    assert not list(tmp_path.glob("backtalk-lab-*"))


def test_only_some_files_come_in_at_once_one_of_a_page(static, monkeypatch):
    monkeypatch.setattr(app_module, "MOST_UPLOADS", 2)
    app = make_app(TOKEN, PORT, static=static, readers=HereReaders())
    for name in ("session-one", "session-two", "session-three"):
        app.state.sessions.open(name)

    async def ask() -> list[int]:
        gate, found = asyncio.Event(), []

        async def receive():
            await gate.wait()
            return {"type": "http.request", "body": TABLE.encode(), "more_body": False}

        async def send(message):
            if "status" in message:
                found.append(message["status"])

        tasks = []
        for name in ("session-one", "session-one", "session-two", "session-three"):
            tasks.append(asyncio.create_task(app(upload_scope(name), receive, send)))
            await asyncio.sleep(0.05)
        assert found == [429, 429]  # the second of the first page, and the third page
        gate.set()
        await asyncio.gather(*tasks)
        await app(upload_scope("session-three"), receive, send)
        return found

    assert asyncio.run(ask()) == [429, 429, 200, 200, 200]


def upload_scope(session: str) -> dict:
    return {
        "type": "http", "method": "POST", "path": "/upload", "raw_path": b"/upload", "http_version": "1.1",
        "query_string": f"token={TOKEN}&session={session}&name=a.csv".encode(), "scheme": "http", "root_path": "",
        "headers": [(b"host", f"127.0.0.1:{PORT}".encode()), (b"origin", ADDRESS.encode())],
    }  # fmt: skip


def test_a_head_that_never_ends_is_given_up(tmp_path):
    impatient = "from backtalk.apps.lab import serve; serve.HEAD_TIMEOUT = 0.3"
    with served(tmp_path, "--port", "0", before=impatient) as server:
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: a"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                connection.sendall(sent)
                assert connection.recv(100) == b""  # it was closed
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            own = f"127.0.0.1:{server.port}"
            connection.sendall(f"GET /static/none HTTP/1.1\r\nHost: {own}\r\n\r\n".encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 404")
            connection.sendall(b"GET / HT")
            while connection.recv(1000):  # the rest of the answer
                pass
        with server.page() as page:
            page.configure()
            time.sleep(0.5)  # longer than a head may take
            assert page.step()[0]["step"] == 1


def test_a_page_that_leaves_while_it_uploads_leaves_nothing(static, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = make_app(TOKEN, PORT, static=static, readers=HereReaders())
    session, _ = app.state.sessions.open("the-session")
    messages = iter([{"type": "http.request", "body": b"a,b\n", "more_body": True}, {"type": "http.disconnect"}])
    scope = {
        "type": "http", "method": "POST", "path": "/upload", "raw_path": b"/upload", "http_version": "1.1",
        "query_string": f"token={TOKEN}&session=the-session&name=a.csv".encode(), "scheme": "http", "root_path": "",
        "headers": [(b"host", f"127.0.0.1:{PORT}".encode()), (b"origin", ADDRESS.encode())],
    }  # fmt: skip

    async def receive():
        return next(messages)

    async def send(_):
        pass

    asyncio.run(app(scope, receive, send))
    assert not session.files
    assert not list(tmp_path.glob("backtalk-lab-*"))


def test_pickled_objects_are_refused(lab, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "it-ran"),)

    content = io.BytesIO()
    np.savez(content, X=np.array([[Evil()]], dtype=object), y=np.zeros(1))
    with lab.page() as page:
        answer = lab.upload(page.session, "a.npz", content.getvalue())
    assert answer.status_code == 400
    assert "Python objects" in answer.json()["error"]
    assert not (tmp_path / "it-ran").exists()


def test_a_file_that_is_small_only_while_packed_is_refused(lab, monkeypatch):
    import polars as pl

    def loaded(*_, **__):
        raise AssertionError("it was unpacked")

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("X.npy", bytes(200_000_000))
    packed = io.BytesIO()
    pl.DataFrame({"x": pl.repeat(0, 30_000_000, eager=True)}).write_parquet(packed)
    assert max(len(content.getvalue()), len(packed.getvalue())) < upload_module.MOST_BYTES
    with lab.page() as page, monkeypatch.context() as patch:
        patch.setattr(np, "load", loaded)
        patch.setattr(pl, "read_parquet", loaded)
        answer = lab.upload(page.session, "a.npz", content.getvalue())
        assert "unpacked, too much for the lab" in answer.json()["error"]
        answer = lab.upload(page.session, "a.parquet", packed.getvalue())
        assert "too many for the lab" in answer.json()["error"]


def test_a_table_with_too_many_inputs_is_refused(lab, monkeypatch):
    monkeypatch.setattr(upload_module, "MOST_INPUTS", 3)
    with lab.page() as page:
        answer = lab.upload(page.session, "a.csv", TABLE)
        assert "gives 6 inputs, more than the 3" in answer.json()["error"]
        monkeypatch.setattr(upload_module, "MOST_INPUTS", 300)
        monkeypatch.setattr(upload_module, "MOST_CELLS", 100)
        assert "too many for the lab" in lab.upload(page.session, "a.csv", TABLE).json()["error"]


# How much


def test_sessions_are_limited_and_one_without_a_page_gives_way(lab, monkeypatch):
    monkeypatch.setattr(session_module, "MOST_SESSIONS", 2)
    with lab.page("the-first-one"):
        with lab.page("the-second-one") as second:
            second.configure()
            with lab.page("the-third-one") as third:
                assert third.hello["about"] == "session"
                assert "close some" in third.hello["message"]
                assert third.closed() == 1013
            assert second.step()[0]["step"] == 1
        with lab.page("the-fourth-one") as fourth:
            assert fourth.hello["type"] == "hello"
        assert set(lab.app.state.sessions.by_name) == {"the-first-one", "the-fourth-one"}


def test_a_message_that_is_too_long_ends_its_connection_alone(tmp_path):
    with served(tmp_path, "--port", "0") as server, server.page("another-one") as other:
        with server.page() as page:
            page.configure()
            page.socket.real.send('{"type":"' + "a" * 70_000 + '"}')
            assert page.closed() == 1009
        other.configure()
        assert other.step()[0]["step"] == 1


# The real server


def test_the_real_server_listens_on_loopback_alone():
    with listen(0) as found:
        assert found.getsockname()[0] == "127.0.0.1"


def test_the_real_server_refuses_the_same(tmp_path):
    with served(tmp_path, "--port", "0") as server:
        own = f"127.0.0.1:{server.port}"
        address = f"ws://{own}/live?token={server.token}&session=the-session"
        for origin in ("http://evil.example", None):
            with pytest.raises(InvalidStatus) as refusal:
                connect(address, proxy=None, origin=origin)  # pyright: ignore[reportArgumentType]
            assert refusal.value.response.status_code == 403
        found = []
        for host, path in (
            (own, f"/?token={server.token}"),
            ("evil.example", f"/?token={server.token}"),
            (own, "/"),
            (own, "/static/../app.py"),
            (own, "/static/%2e%2e/app.py"),
            (own, "/static/..%2fapp.py"),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.putrequest("GET", path, skip_host=True)
            connection.putheader("Host", host)
            connection.endheaders()
            answer = connection.getresponse()
            found.append(answer.status)
            assert answer.getheader("content-security-policy") == CONTENT_SECURITY_POLICY
            assert b"Starlette" not in answer.read()
            connection.close()
        assert found == [200, 421, 403, 404, 404, 404]
        assert server.token not in server.end()  # no log holds it


def test_the_token_file_of_the_real_server_is_for_the_user_alone(tmp_path):
    with served(tmp_path, "--port", "0") as server:
        path = Path(tmp_path) / "backtalk" / "lab-token"
        assert path.read_text() == server.token
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
