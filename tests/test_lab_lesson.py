"""A lesson: what is recorded, and the page that shows it without a server."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from backtalk import explain, paths
from backtalk.apps.lab.address import read_address
from backtalk.apps.lab.datasets import named_data
from backtalk.apps.lab.lesson import make_lesson, recording
from backtalk.apps.lab.lesson.packing import pack_text
from backtalk.apps.lab.lesson.page import lesson_page
from backtalk.apps.lab.lesson.recording import record
from backtalk.apps.lab.settings import Settings
from backtalk.apps.lab.trainer import Trainer
from backtalk.errors import InputError, InputTypeError
from backtalk.teaching.derivations.quantity import as_quantity
from browser_page import Tab
from lab_page import TOKEN, serving
from test_lab_formulas import COLLECT, written

STEPS = 4
SMALL = Settings(layers=(8, 3), activation=("relu", "tanh"), rate=0.3)
QUANTITIES = ("W[1,2,1]", "b[1,3]", "h[1,4]", "a[2]", "h[0]", "x[2]", "W[3,2,1]", "yhat[1]", "h[3]", "W[2]", "b[3,1]")


def unpacked(page: bytes):
    """The facts and arrays of a lesson, read as docs of the packing say."""
    inside = re.search(rb'id="lesson">(.*?)</script>', page)
    assert inside is not None
    packed = json.loads(inside[1])
    data = zlib.decompress(base64.b64decode(packed["deflated"]), -zlib.MAX_WBITS)
    (length,) = struct.unpack_from("<I", data)
    facts, place, arrays = json.loads(data[4 : 4 + length]), 4 + length, {}
    for each in facts["arrays"]:
        count = int(np.prod(each["shape"]))
        if each["type"] == "uint8":
            found = np.cumsum(
                np.frombuffer(data, np.uint8, count, place).reshape(each["shape"]), axis=0, dtype=np.uint8
            )
        else:
            found = np.frombuffer(data, np.uint8, 8 * count, place).reshape(8, count).T.copy().view("<f8")
        arrays[each["name"]] = found.reshape(each["shape"])
        place += found.nbytes
    assert place == len(data)
    return facts, arrays


def networks(settings: Settings = SMALL):
    """The network before each step, and the data, as the lab trains it."""
    trainer = Trainer(settings, named_data("moons", 0.1))
    found = [trainer.network]
    for _ in range(STEPS):
        trainer.advance(1)
        found.append(trainer.network)
    return found, trainer.data


@pytest.fixture(scope="module")
def lesson() -> bytes:
    return make_lesson(SMALL, named_data("moons", 0.1), STEPS, 2, row=5)


# What is recorded


def test_every_step_of_training_is_recorded_to_the_bit(lesson):
    facts, arrays = unpacked(lesson)
    trained, data = networks()
    assert [step["step"] for step in facts["steps"]] == list(range(STEPS + 1))
    for step, net in enumerate(trained):
        for i in (1, 2, 3):
            np.testing.assert_array_equal(arrays[f"W.{i}"][step], net.W[i])
    rows = facts["setup"]["shown"]
    assert 5 in rows
    assert len(rows) == 2
    np.testing.assert_array_equal(arrays["h.0"], np.broadcast_to(data.X[rows], arrays["h.0"].shape))


def test_two_hundred_steps_of_a_small_network_take_less_than_three_megabytes():
    page = make_lesson(Settings(), named_data("moons", 0.1), 50, 6)
    empty = len(lesson_page("", "", trains=True))
    assert empty < 900_000
    assert empty + 4 * (len(page) - empty) < 3_000_000


def test_examples_of_every_class_are_recorded_and_the_one_that_is_shown():
    trainer = Trainer(Settings(), named_data("wine"))
    rows = recording.chosen_rows(trainer, 6, 100)
    assert 100 in rows
    assert len(rows) == 6
    assert rows == sorted(set(rows))
    assert set(trainer.data.y[rows]) == {0, 1, 2}
    assert recording.chosen_rows(trainer, 1, 100) == [100]


def test_training_that_diverges_ends_the_recording():
    settings = Settings(
        layers=(3,), activation=("relu",), optimizer="gd", rate=1e6, loss="squared_error", output="identity"
    )
    facts, arrays = record(settings, named_data("moons", 0.1), 50, 1)
    assert facts["stopped"].startswith(f"The recording ends after step {len(facts['steps']) - 1}: ")
    assert 1 < len(facts["steps"]) == len(arrays["W.1"]) < 51


def test_a_lesson_that_is_too_large_says_what_to_leave_out(monkeypatch):
    monkeypatch.setattr(recording, "MOST_BYTES", 200_000)
    with pytest.raises(InputError, match=r"would hold 2 MB .* at most 0: record at most 21 steps, or fewer examples"):
        record(Settings(), named_data("moons", 0.1), 200)
    with pytest.raises(InputError, match="drawn whole: choose smaller layers"):
        record(Settings(layers=(100,), activation=("tanh",)), named_data("moons", 0.1), 1)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"steps": 0}, InputError),
        ({"steps": 2001}, InputError),
        ({"examples": 0}, InputError),
        ({"row": 400}, InputError),
    ],
)
def test_numbers_out_of_their_bounds_are_refused(changed, error):
    with pytest.raises(error, match=f"{next(iter(changed))} is {next(iter(changed.values()))}, expected"):
        record(SMALL, named_data("moons", 0.1), **changed)


def test_names_of_the_user_cannot_leave_the_recording():
    data = replace(named_data("moons", 0.1), title="</script><script>alert(1)</script>", classes=("</script>", "<!--"))
    page = make_lesson(Settings(layers=(2,), activation=("tanh",)), data, 1, 1).decode()
    assert "<script>alert" not in page
    assert "&lt;/script&gt;" in page
    assert page.count("</script>") == 3
    assert unpacked(page.encode())[0]["setup"]["classes"] == ["</script>", "<!--"]


def test_an_address_says_what_to_begin_with():
    settings, beside = read_address("#data=wine&layers=&loss=focal(gamma%3D1.0)&batch=8&rate=1e-3&example=7", None)
    assert (settings.data, settings.layers, settings.activation, settings.batch) == ("wine", (), (), 8)
    assert settings.rate == 0.001
    assert settings.loss == "focal(gamma=1.0)"
    assert beside == {"example": "7"}
    for text, error, said in [
        ("size=3", InputError, "setting is 'size'"),
        ("batch=many", InputTypeError, "batch is 'many'"),
        ("layers=8,x", InputTypeError, "layers"),
        ("nonsense", InputError, "setting is 'nonsense'"),
        ("data=file:1", InputError, "no longer here"),
    ]:
        with pytest.raises(error, match=said):
            read_address(text, None)


def test_the_server_gives_what_is_configured_as_a_lesson():
    with serving() as lab, lab.page() as page:
        query = {"token": TOKEN, "session": page.session, "steps": "2", "example": "7", "quantity": "W[1,1,1]"}
        assert lab.client.get("/lesson", params=query).status_code == 409
        page.configure(layers=[2], seed=3)
        answer = lab.client.get("/lesson", params=query)
        assert answer.headers["content-disposition"] == 'attachment; filename="lesson-moons.html"'
        facts, _ = unpacked(answer.content)
        assert facts["setup"]["configuration"]["seed"] == 3
        assert facts["hello"]["start"]["quantity"] == "W[1,1,1]"
        assert 7 in facts["setup"]["shown"]
        for changed, status, said in [
            ({"token": "t"}, 403, "needs the token"),
            ({"steps": "many"}, 400, "Steps is 'many', expected a whole number."),
            ({"steps": "0"}, 400, "Steps is 0, expected a whole number from 1 to 2000."),
            ({"examples": "51"}, 400, "Examples is 51, expected a whole number from 1 to 50."),
            ({"example": "400"}, 400, "Row is 400"),
        ]:
            refused = lab.client.get("/lesson", params=query | changed)
            assert refused.status_code == status
            assert said in refused.json()["error"]


# The command line


def test_the_command_line_writes_a_lesson(call, tmp_path):
    path = tmp_path / "lesson.html"
    begin = "data=circles&layers=2&example=9"
    code, out, _ = call("lab", "--export", path, "--steps", "2", "--examples", "1", "--settings", begin)
    assert code == 0
    assert re.search(r"wrote .*lesson\.html: 0\.\d MB", out.replace("\n", ""))
    facts, _ = unpacked(path.read_bytes())
    assert facts["setup"]["configuration"]["data"] == "circles"
    assert facts["setup"]["shown"] == [9]
    assert len(facts["steps"]) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "3"], "no lesson to record"),
        (["--export", "lesson.txt"], "ends in .html"),
        (["--export", "lesson.html", "--settings", "example=first"], "example is 'first'"),
        (["--export", "lesson.html", "--steps", "100000"], "steps is 100000"),
        (["--export", "missing/lesson.html", "--steps", "1", "--settings", "layers=2"], "missing"),
    ],
)
def test_a_lesson_that_cannot_be_written_is_refused(call, tmp_path, arguments, said):
    code, _, error = call("lab", *arguments)
    assert code != 0
    assert said in error.replace("\n", " ")
    assert not list(tmp_path.iterdir())


# The page


def at_step(tab: Tab, step: int) -> None:
    slider = "const s = document.getElementById('timeline-step'); s.value = v; s.dispatchEvent(new Event('input'));"
    tab.page.evaluate(f"v => {{ {slider} }}", step)
    tab.wait_for_step(step)


def test_the_page_derives_every_quantity_of_every_step_as_python_does(open_lesson, lesson):
    trained, data = networks()
    rows = unpacked(lesson)[0]["setup"]["shown"]
    tab = open_lesson(lesson, "#quantity=W[1,1,1]")
    tab.page.wait_for_selector("#derivation[data-quantity]")
    ask = "quantity => { const f = document.getElementById('quantity'); f.value = quantity; f.form.requestSubmit(); }"
    choose = "const e = document.getElementById('example'); e.value = row + 1; e.dispatchEvent(new Event('change'));"
    for step, row in ((0, rows[0]), (STEPS, rows[1])):
        at_step(tab, step)
        tab.page.evaluate(f"row => {{ {choose} }}", row)
        tab.wait_until("document.getElementById('example-said').textContent.includes(`Example ${v[0]} `)", row + 1)
        tab.page.evaluate(COLLECT)
        for quantity in QUANTITIES:
            tab.page.evaluate(ask, quantity)
        names = [str(as_quantity(trained[step], quantity)) for quantity in QUANTITIES]
        tab.wait_until("v.every(name => window.shown.some(([shown]) => shown === name))", *names)
        shown = dict(tab.page.evaluate("window.shown"))
        for name in names:
            assert shown[name] == written(explain(trained[step], data.X[row], data.y[row], name))
        expected = paths(trained[step], data.X[row], data.y[row], QUANTITIES[-1]).to_dict()["paths"]
        listed = tab.page.locator("#derivation .paths .amount").all_inner_texts()
        assert len(listed) == len(expected)


def test_the_strongest_paths_are_those_of_python(open_lesson, lesson):
    trained, data = networks()
    row = unpacked(lesson)[0]["setup"]["shown"][0]
    tab = open_lesson(lesson)
    tab.explain("W[1,2,1]")
    expected = paths(trained[0], data.X[row], data.y[row], "W[1,2,1]")
    shown = tab.page.locator("#derivation .paths meter").evaluate_all("all => all.map(each => each.value)")
    shares = [path.share for path in expected.strongest]
    np.testing.assert_allclose(shown, np.array(shares) / max(shares), rtol=1e-9)


def test_a_lesson_is_played_walked_and_gone_through_by_hand(open_lesson, lesson):
    tab = open_lesson(lesson)
    tab.wait_for_step(0)
    assert tab.page.locator("#settings").is_hidden()
    assert "relu, tanh" in tab.text("#about-settings")
    tab.page.click("#run")
    tab.wait_for_step(STEPS)
    assert "ends after 4 steps" in tab.text("#notice")
    tab.page.click("#reset")
    tab.wait_for_step(0)
    tab.page.click("#walk-on")
    count = int(tab.text("#walk-at").split()[-1])
    for _ in range(count):
        tab.press("n")
    tab.wait_for_step(1)
    assert tab.text("#walk-at") == f"1 of {count}"
    tab.press("Escape")
    tab.press("s")
    tab.wait_for_step(2)
    tab.press("d")
    tab.wait_until("document.getElementById('findings').textContent.includes('step')")
    assert tab.overflow() == 0


def test_a_quantity_or_an_example_that_is_not_there_is_refused_in_words(open_lesson, lesson):
    tab = open_lesson(lesson, width=390)
    tab.wait_for_step(0)
    tab.page.fill("#quantity", "W[9,1,1]")
    tab.page.press("#quantity", "Enter")
    tab.page.wait_for_selector("#explain-error:not([hidden])")
    assert "does not have W[9,1,1]" in tab.text("#explain-error")
    tab.page.fill("#example", "2")
    tab.page.press("#example", "Enter")
    tab.page.wait_for_selector("#example-error:not([hidden])")
    assert "The lesson holds the examples 6 and" in tab.text("#example-error")
    assert tab.overflow() == 0


def test_the_button_saves_the_network_that_is_configured(tab, tmp_path):
    page = tab("#data=moons&layers=3&seed=7&example=2").page
    page.fill("#lesson-steps", "2")
    page.fill("#lesson-examples", "1")
    with page.expect_download(timeout=60_000) as saved:
        page.click("#lesson-save")
    assert saved.value.suggested_filename == "lesson-moons.html"
    saved.value.save_as(tmp_path / "saved.html")
    facts, _ = unpacked((tmp_path / "saved.html").read_bytes())
    configuration = facts["setup"]["configuration"]
    assert (configuration["layers"], configuration["seed"], len(facts["steps"])) == ([3], 7, 3)
    assert (facts["hello"]["start"]["example"], facts["setup"]["shown"]) == (2, [2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda page: page.replace(b'"format": 1', b'"format": 2'), "reads formats up to 1"),
        (lambda page: page.replace(b'{"format": 1', b'{"format": '), "is damaged"),
        (lambda page: re.sub(rb'"deflated": "....', b'"deflated": "AAAA', page), "is damaged"),
    ],
)
def test_a_recording_that_cannot_be_read_is_told(open_lesson, lesson, change, said):
    tab = open_lesson(change(lesson))
    tab.page.wait_for_selector("#notice:not([hidden])")
    assert said in tab.text("#notice")


def test_packed_arrays_come_back_as_they_were():
    rng = np.random.default_rng(0)
    arrays = {"W.1": rng.normal(size=(3, 2, 4)), "surface": rng.integers(0, 256, (3, 5), np.uint8)}
    text = pack_text({"step": 1}, arrays)
    facts, found = unpacked(b'id="lesson">' + json.dumps({"deflated": text}).encode() + b"</script>")
    assert facts["step"] == 1
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_recording_is_of_a_page_that_can_be_opened_anywhere(lesson):
    """No address of a server is in it: neither to load from, nor to ask."""
    text = re.sub(rb"base64,[A-Za-z0-9+/=]+", b"", lesson)
    assert b"/static/" not in text
    assert b"default-src 'none'" in text
