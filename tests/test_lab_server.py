"""The lab without a browser: what a page says, and what it is answered."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect, WebSocketState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import backtalk
from backtalk import Network, fit, forward, gradients, save
from backtalk.apps.lab import live, session, trainer
from backtalk.apps.lab.datasets import SETS, named_data
from backtalk.apps.lab.given import read_given
from backtalk.apps.lab.settings import Settings
from backtalk.apps.lab.trainer import Trainer
from backtalk.errors import InputError
from backtalk.teaching.derivations.records import derivation_record
from lab_page import Page, serving
from one_network import ALONE_IN_WORDS

TABLE = "age,city,income,buys\n" + "".join(
    f"{20 + i % 50},{['Oslo', 'Rome', 'Lima'][i % 3]},{'' if i % 7 == 0 else i * 10},{'yes' if i % 3 == 1 else 'no'}\n"
    for i in range(90)
)


# What it says at first


def test_hello_lists_what_there_is(page):
    assert page.hello["type"] == "hello"
    assert not page.hello["resumed"]
    assert [each["name"] for each in page.hello["data"]] == [*SETS]
    assert {"tanh", "relu"} <= set(page.hello["activations"])
    assert page.hello["start"]["type"] == "configure"


@pytest.mark.parametrize("data", SETS)
def test_each_data_set_is_what_hello_says(page, data):
    (listed,) = (each for each in page.hello["data"] if each["name"] == data)
    setup, _, arrays = page.configure(data=data)
    assert setup["network"]["sizes"] == [listed["inputs"], 8, 8, len(listed["classes"]) or 1]
    assert setup["classes"] == listed["classes"]
    assert len(setup["columns"]) == listed["inputs"]
    assert (setup["points"] is not None) == ("surface" in arrays) == (listed["inputs"] == 2)


def test_hello_says_how_to_start(page):
    start = page.hello["start"]
    del start["type"]
    setup, _, _ = page.configure(**start)
    assert setup["configuration"] == start


@pytest.mark.parametrize(
    ("loss", "output", "outputs"),
    [("auto", "auto", 2), ("focal(gamma=1.0)", "auto", 2), ("squared_error", "softmax", 2), ("huber", "sigmoid", 2),
     ("binary_cross_entropy", "auto", 2), ("gaussian_nll", "auto", 4)],
)  # fmt: skip
def test_any_output_function_goes_with_any_loss_and_the_score_is_the_accuracy(page, loss, output, outputs):
    setup, frame, arrays = page.configure(loss=loss, output=output)
    chosen, network = setup["configuration"], setup["network"]
    assert (chosen["loss"], chosen["output"], setup["task"]) == (loss, output, "classification")
    assert network["loss"] == (loss if loss != "auto" else "cross_entropy")
    assert network["output"] == (output if output != "auto" else network["auto"]["output"])
    assert (network["auto"]["loss"], network["sizes"][-1]) == ("cross_entropy", outputs)
    assert arrays["surface"].shape == (40, 40, 2)
    assert frame["example"]["label"] in ("0", "1")
    assert frame["example"]["prediction"] in ("0", "1")
    for _ in range(60):
        frame, _ = page.step()
    assert frame["score"] > 0.7


# Frames


def test_a_frame_holds_the_library_s_numbers(page):
    setup, facts, arrays = page.configure(data="digits", layers=[32, 32], activation="tanh", seed=5)
    data = named_data("digits")
    net = Network.create([64, 32, 32, 10], "tanh", rng=5)
    grads, trace = gradients(net, data.X[:1], data.y[:1]), forward(net, data.X[:1])
    assert setup["network"]["parameters"] == net.parameter_count
    for i in range(4):
        np.testing.assert_array_equal(arrays[f"h.{i}"], trace.h[i][0].astype("f4"))
        np.testing.assert_array_equal(arrays[f"grad_h.{i}"], grads.h[i][0].astype("f4"))
    for i in range(1, 4):
        np.testing.assert_array_equal(arrays[f"a.{i}"], trace.a[i][0].astype("f4"))
        np.testing.assert_array_equal(arrays[f"grad_a.{i}"], grads.a[i][0].astype("f4"))
        np.testing.assert_array_equal(arrays[f"W.{i}"], net.W[i].astype("f4"))
        np.testing.assert_array_equal(arrays[f"grad_W.{i}"], grads.W[i].astype("f4"))
        np.testing.assert_array_equal(arrays[f"b.{i}"], net.b[i].astype("f4"))
        np.testing.assert_array_equal(arrays[f"grad_b.{i}"], grads.b[i].astype("f4"))
    assert facts["example"]["loss"] == float(grads.loss)
    assert facts["example"]["prediction"] == str(trace.output[0].argmax())
    assert facts["example"]["label"] == str(data.y[0])
    assert facts["step"] == facts["epoch"] == 0
    held_out = forward(net, data.X[data.held_out]).output.argmax(axis=1)
    assert facts["score"] == (held_out == data.y[data.held_out]).mean()
    assert facts["validation_loss"] == pytest.approx(
        float(gradients(net, data.X[data.held_out], data.y[data.held_out]).loss), rel=1e-12
    )


def test_the_surface_is_the_output_on_a_grid(page):
    setup, _, arrays = page.configure(data="circles", layers=[3], seed=1)
    x0, x1, y0, y1 = setup["bounds"]
    net = Network.create([2, 3, 2], "tanh", rng=1)
    corners = forward(net, [[x0, y0], [x1, y0], [x0, y1]]).output.astype("f4")
    surface = arrays["surface"]
    assert surface.shape == (40, 40, 2)
    np.testing.assert_allclose([surface[0, 0], surface[0, -1], surface[-1, 0]], corners, rtol=1e-6)


def test_the_flow_is_the_norm_of_each_layer_s_gradient_over_the_last_mini_batch():
    run = Trainer(Settings(data="wine", layers=(4,), activation=("tanh",), batch=30), named_data("wine"))
    order = run.loop.order.copy()
    run.advance(1)
    data = named_data("wine")
    rows = data.training[order[:30]]
    grads = gradients(run.network, data.X[rows], data.y[rows])
    np.testing.assert_allclose(run.flow(), [np.linalg.norm(G) for G in grads.W.values()], rtol=1e-12)


def test_another_example_is_shown(page):
    page.configure(data="wine")
    page.say("example", row=177)
    facts, arrays = page.frame()
    assert facts["example"]["row"] == 177
    assert facts["example"]["label"] == "grower 2"
    np.testing.assert_array_equal(arrays["h.0"], named_data("wine").X[177].astype("f4"))


def test_no_frame_comes_before_the_last_one_is_drawn(page):
    page.say("configure")
    page.hear()
    page.hear_frame()
    page.say("run")
    for _ in range(5):
        page.say("rate", rate=-1)
        assert page.hear()["type"] == "error"  # and no frame in between
    page.say("drawn")
    assert page.hear_frame()[0]["running"]
    page.say("step")
    page.say("step")
    page.say("rate", rate=-1)
    assert page.hear()["type"] == "error"
    page.say("drawn")
    before, _ = page.frame()
    assert not before["running"]


def test_a_network_too_large_is_drawn_in_part_and_says_so(page):
    page.say("configure", data="digits", layers=[512] * 8, activation="relu")
    setup = page.hear()
    message = page.receive()
    assert len(message) < 100_000
    drawn = setup["drawn"]
    assert not drawn["whole"]
    assert "of the 512 units of layer 1" in drawn["note"]
    page.say("drawn")
    page.say("step")
    _, arrays = page.frame()
    net = Network.create([64, *[512] * 8, 10], "relu", rng=0)
    assert sum(array.size for name, array in arrays.items() if name.startswith("W.")) <= 6000
    units = {int(i): np.array(each) - 1 for i, each in drawn["units"].items()}
    assert arrays["W.2"].shape == (len(units[2]), len(units[1]))
    page.say("reset")
    _, arrays = page.frame()
    np.testing.assert_array_equal(arrays["W.2"], net.W[2][np.ix_(units[2], units[1])].astype("f4"))


# Training


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "nesterov", "adamw", "rmsprop", "nadam"])
def test_the_lab_learns_to_the_bit_what_fit_learns(optimizer):
    data = named_data("wine")
    settings = Settings("wine", (6,), ("relu",), optimizer=optimizer, rate=0.01, batch=25, seed=3)
    run = Trainer(settings, data)
    for _ in range(6):
        run.advance(1)
    run.advance(6)
    assert run.epoch == 2
    rows = data.training
    net = Network.create([13, 6, 3], "relu", rng=3)
    learned = fit(
        net, data.X[rows], data.y[rows], epochs=2, batch_size=25, optimizer=f"{optimizer}(learning_rate=0.01)", rng=3
    )
    for i in (1, 2):
        np.testing.assert_array_equal(run.network.W[i], learned.network.W[i])
    assert run.recorder.telemetry.losses == pytest.approx(learned.losses, rel=1e-12)


def test_a_step_is_one_update(page):
    page.configure(data="moons", layers=[4], batch=32, rate=0.02)
    _, arrays = page.step()
    run = Trainer(Settings("moons", (4,), ("tanh",), rate=0.02), named_data("moons", 0.1))
    run.advance(1)
    facts, again = page.step()
    np.testing.assert_array_equal(arrays["W.1"], run.network.W[1].astype("f4"))
    assert facts["step"] == 2
    assert (again["W.1"] != arrays["W.1"]).any()


def test_it_runs_until_it_pauses(page):
    page.configure()
    page.say("run")
    steps = [page.frame()[0]["step"] for _ in range(5)]
    assert steps == sorted(set(steps))
    page.say("pause")
    while (facts := page.frame()[0])["running"]:
        pass
    page.say("example", row=1)
    assert page.frame()[0]["step"] == facts["step"]


def test_the_speed_is_steps_between_two_frames(page):
    page.configure()
    page.say("speed", steps=7)
    page.say("run")
    steps = [page.frame()[0]["step"] for _ in range(3)]
    assert np.diff(steps).tolist() == [7, 7]


def test_steps_that_take_long_do_not_keep_a_frame_waiting(monkeypatch):
    monkeypatch.setattr(trainer, "TIMEOUT", 0.0)
    run = Trainer(Settings("digits"), named_data("digits"))
    run.advance(100_000)
    assert 0 < run.step < 100_000


def test_the_rate_alone_changes_while_it_runs(page):
    _, _, first = page.configure(optimizer="sgd", rate=0.5)
    page.say("rate", rate=1e-9)
    _, arrays = page.step()
    np.testing.assert_allclose(arrays["W.1"], first["W.1"], atol=1e-6)
    assert (arrays["W.1"] != first["W.1"]).any() or (arrays["b.1"] != first["b.1"]).any()


def test_a_reset_goes_back_to_the_first_step(page):
    _, _, first = page.configure()
    _, once = page.step()
    page.say("reset")
    facts, arrays = page.frame()
    assert facts["step"] == 0
    np.testing.assert_array_equal(arrays["W.2"], first["W.2"])
    _, again = page.step()
    np.testing.assert_array_equal(again["W.2"], once["W.2"])


def test_training_that_diverges_stops_with_a_sentence_and_the_last_good_network(page):
    page.configure(data="wine", optimizer="sgd", rate=1e6, layers=[8] * 4, activation="identity")
    page.say("run")
    stopped = page.until("stopped")
    assert re.match(r"Training diverged at step \d+: .* use a smaller learning rate", stopped["message"])
    assert ".network" not in stopped["message"]
    facts, arrays = page.frame()
    assert not facts["running"]
    assert np.isfinite(arrays["W.1"]).all()
    page.say("run")
    refused = page.until("error")
    assert refused["about"] == "run"
    assert "reset" in refused["message"]
    page.say("reset")
    assert page.frame()[0]["step"] == 0
    page.say("rate", rate=0.001)
    assert page.step()[0]["step"] == 1


def test_a_class_of_numbers_is_learned_by_squared_error(lab, page):
    table = "x,y\n" + "".join(f"{i / 10},{3 * i + 1000.5}\n" for i in range(100))
    answer = lab.upload(page.session, "line.csv", table).json()
    setup, facts, _ = page.configure(data=answer["data"], layers=[], rate=0.05)
    assert setup["task"] == "regression"
    assert setup["network"]["loss"] == "squared_error"
    assert facts["example"]["label"] == "1000.5"
    page.say("speed", steps=500)
    page.say("run")
    page.frame()
    facts, _ = page.frame()
    assert facts["score"] > 0.99
    assert abs(float(facts["example"]["prediction"]) - 1000.5) < 20


# The walk through a step


def test_a_walk_goes_forward_then_back_and_ends_with_the_step(page):
    _, _, first = page.configure(layers=[3, 2])
    talks, at = [], 0
    while True:
        page.say("slide", at=at)
        slide = page.hear()
        facts, arrays = page.frame()
        if slide["at"] == 0 and at > 0:
            break
        assert facts["step"] == 0
        assert slide["at"] == at
        talks.append(slide["talk"])
        at += 1
    assert at == slide["count"] == len(talks)
    assert talks == sorted(talks, key=["forward", "output", "hidden", "weights", "update"].index)
    assert facts["step"] == 1
    assert (arrays["W.1"] != first["W.1"]).any()
    page.say("slide", at=None)
    assert page.hear() == {"type": "slide", "at": None}
    page.frame()
    page.say("reset")
    page.frame()
    _, stepped = page.step()
    np.testing.assert_array_equal(arrays["W.1"], stepped["W.1"])


def test_another_example_has_its_own_slide(page):
    page.configure(data="wine", layers=[3])
    page.say("slide", at=0)
    at = 0
    while (slide := page.until("slide"))["title"] != "What it collapses to":
        at += 1
        page.say("slide", at=at)
    page.say("example", row=177)
    other = page.until("slide")
    assert other["title"] == slide["title"]
    assert slide["arrays"]["target"] == [1, 0, 0]
    assert other["arrays"]["target"] == [0, 0, 1]


def test_a_walk_stops_training_and_a_step_ends_the_walk(page):
    page.configure()
    page.say("run")
    page.frame()
    page.say("slide", at=0)
    assert page.until("slide")["at"] == 0
    while page.frame()[0]["running"]:
        pass
    page.say("step")
    assert page.until("slide")["at"] is None


# Derivations and findings


def test_a_derivation_is_the_library_s(page):
    page.configure(data="wine", layers=[4])
    page.say("example", row=100)
    page.frame()
    page.say("explain", quantity="W[1,2,3]")
    answer = page.hear()
    net, data = Network.create([13, 4, 3], "tanh", rng=0), named_data("wine")
    expected = derivation_record(backtalk.explain(net, data.X[100], data.y[100], "W[1,2,3]"))
    assert answer["type"] == "derivation"
    assert answer["row"] == 100
    assert answer["derivation"] == json.loads(json.dumps(expected))
    expected = backtalk.paths(net, data.X[100], data.y[100], "W[1,2,3]").to_dict()
    assert answer["paths"]["count"] == expected["count"]
    assert [each["contribution"] for each in answer["paths"]["paths"]] == [
        each["contribution"] for each in expected["paths"]
    ]


def test_a_whole_layer_is_derived_without_paths(page):
    page.configure()
    page.say("explain", quantity="h[1]")
    answer = page.hear()
    assert answer["type"] == "derivation"
    assert answer["paths"] is None


@pytest.mark.parametrize("quantity", ["W[9,1,1]", "", "nonsense", "W[1,1,1]" * 100, 7, None, ["W[1,1,1]"]])
def test_a_quantity_that_does_not_exist_is_refused(page, quantity):
    page.configure()
    page.say("explain", quantity=quantity)
    answer = page.hear()
    assert (answer["type"], answer["about"]) == ("error", "explain")
    assert answer["message"].lower().startswith("quantity is")
    assert len(answer["message"]) < 400


def test_findings_are_those_of_diagnose(page):
    page.configure(data="digits", layers=[16])
    page.say("diagnose")
    answer = page.hear()
    data = named_data("digits")
    rows = data.training
    net = Network.create([64, 16, 10], "tanh", rng=0)
    validation = data.X[data.held_out], data.y[data.held_out]
    expected = backtalk.diagnose(net, data.X[rows], data.y[rows], validation=validation, columns=data.columns)
    assert [each["kind"] for each in answer["findings"]] == [each.kind for each in expected.findings]
    assert answer["healthy"] == expected.healthy


def test_the_doctor_sees_the_course_of_training(page):
    page.configure(data="wine", optimizer="sgd", rate=1e-7)
    page.say("speed", steps=200)
    page.say("run")
    for _ in range(3):
        page.frame()
    page.say("pause")
    page.say("diagnose")
    assert "learning_rate_too_low" in [each["kind"] for each in page.until("findings")["findings"]]


def test_findings_name_rows_of_the_data(lab, page):
    y = np.arange(200) % 2
    X = np.column_stack([y * 4.0 - 2, np.arange(200) % 7 - 3.0])
    wrong = named_data("moons").training  # any rows: the ones trained on differ from all by their numbers
    wrong = [int(row) for row in wrong if row < 200][50:52]
    y[wrong] = 1 - y[wrong]
    content = io.BytesIO()
    np.savez(content, X=X, y=y)
    answer = lab.upload(page.session, "x.npz", content.getvalue()).json()
    page.configure(data=answer["data"], layers=[4], rate=0.02)
    page.say("speed", steps=300)
    page.say("run")
    for _ in range(2):
        page.frame()
    page.say("pause")
    page.say("diagnose")
    found = {each["kind"]: each for each in page.until("findings")["findings"]}
    wrong = [row for row in wrong if row not in trainer_rows(200)]
    assert set(found["mislabelled_examples"]["examples"]) == set(wrong)
    named = re.findall(r"(\d+) \(\d, rather \d\)", found["mislabelled_examples"]["said"])
    assert {int(row) - 1 for row in named} == set(wrong)  # the page counts from 1


def trainer_rows(count: int) -> list[int]:
    from backtalk.apps.lab.datasets import hold_out

    return hold_out(count).tolist()


def test_questions_wait_in_a_line_of_some(page, monkeypatch):
    monkeypatch.setattr(live, "explain_message", lambda *_: time.sleep(0.05) or {"type": "derivation"})
    page.configure()
    for _ in range(30):
        page.say("explain", quantity="h[1]")
    answers = [page.hear() for _ in range(30)]
    refused = [each for each in answers if each["type"] == "error"]
    assert refused
    assert "wait for their answers" in refused[0]["message"]


# What is wrong


@pytest.mark.parametrize(
    ("message", "about", "said"),
    [
        ({"data": "moos"}, "configure", "Data is 'moos', which is not known: did you mean 'moons'?"),
        ({"data": 3}, "configure", "Data is 3, expected a name."),
        ({"data": "given"}, "configure", "Data is 'given', which is not known"),
        ({"data": "file:1"}, "configure", "a file that is no longer here: load it again."),
        ({"data": "/etc/passwd"}, "configure", "which is not known"),
        ({"layers": 8}, "configure", "Layers is 8, expected a list of units"),
        ({"layers": [8] * 9}, "configure", "Layers has 9 entries, expected 8 hidden layers at the most."),
        ({"layers": [0]}, "configure", "Layers[0] is 0, expected a whole number from 1 to 512."),
        ({"layers": [8, 513]}, "configure", "Layers[1] is 513"),
        ({"layers": [8.5]}, "configure", "Layers[0] is 8.5, expected a whole number."),
        ({"layers": [True]}, "configure", "Layers[0] is True, expected a whole number."),
        ({"activation": "tahn"}, "configure", "did you mean 'tanh'?"),
        ({"activation": ["tanh"]}, "configure", "Activation has 1 entries, expected 2"),
        ({"activation": {"a": 1}}, "configure", "expected a name"),
        ({"activation": ["tanh", 5]}, "configure", "Activation[1] is 5"),
        ({"activation": "leaky_relu(slope=1e999)"}, "configure", "expected the form name(parameter=number)"),
        ({"loss": "fokal"}, "configure", "did you mean 'focal'?"),
        ({"loss": 3}, "configure", "Loss is 3, expected a name, or 'auto'."),
        ({"output": "sofmax"}, "configure", "did you mean 'softmax'?"),
        ({"optimizer": "adm"}, "configure", "did you mean 'adam'?"),
        ({"optimizer": "lbfgs"}, "configure", "Optimizer is 'lbfgs', which is not known"),
        ({"rate": 0}, "configure", "Rate is 0, expected a number above 0."),
        ({"rate": -1}, "configure", "Rate is -1"),
        ({"rate": "fast"}, "configure", "Rate is 'fast', expected a number."),
        ({"rate": 1e300}, "configure", "expected a number from 0 to 1e+06"),
        ({"rate": 10**400}, "configure", "expected a number from 0 to 1e+06"),
        ({"batch": 0}, "configure", "Batch is 0"),
        ({"batch": 10**9}, "configure", "from 1 to 4096"),
        ({"seed": -1}, "configure", "Seed is -1"),
        ({"seed": 2**32}, "configure", "Seed is 4294967296"),
        ({"noise": 2}, "configure", "Noise is 2"),
        ({"nois": 0.1}, "configure", "Setting is 'nois', which is not known: did you mean 'noise'?"),
        ({"type": "rate"}, "rate", "Rate is None, expected a number."),
        ({"type": "rate", "rate": True}, "rate", "Rate is True, expected a number."),
        ({"type": "speed", "steps": 0}, "speed", "Steps is 0"),
        ({"type": "speed", "steps": "fast"}, "speed", "Steps is 'fast'"),
        ({"type": "example", "row": 400}, "example", "Row is 400, expected a whole number from 0 to 399."),
        ({"type": "example", "row": -1}, "example", "Row is -1"),
        ({"type": "example"}, "example", "Row is None"),
        ({"type": "slide", "at": 99}, "slide", "At is 99, expected a whole number from 0 to"),
        ({"type": "slide", "at": "end"}, "slide", "At is 'end'"),
        ({"type": "explain"}, "explain", "Quantity is missing"),
        ({"type": "run", "speed": 3}, "message", "The message 'run' has no 'speed': it takes none."),
        ({"type": "steep"}, "message", "did you mean 'step'?"),
        ({"type": 3}, "message", "no type"),
    ],
)
def test_a_wrong_message_is_refused_and_changes_nothing(page, message, about, said):
    _, _, before = page.configure()
    page.socket.send_json({"type": "configure"} | message)
    answer = page.hear()
    assert answer["type"] == "error"
    assert answer["about"] == about
    assert said in answer["message"]
    assert len(answer["message"]) < 400
    page.say("example", row=0)
    facts, arrays = page.frame()
    assert facts["step"] == 0
    for name, array in before.items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize(
    "text", ["", "{", "nonsense", "[]", "null", "3", '"run"', "{}", '{"type":null}', "[" * 10_000, "9" * 5000, "\x00"]
)
def test_text_that_is_no_message_is_refused(page, text):
    page.configure()
    page.socket.send_text(text)
    answer = page.hear()
    assert (answer["type"], answer["about"]) == ("error", "message")
    assert page.step()[0]["step"] == 1


def test_numbers_that_json_does_not_know_are_refused(page):
    page.socket.send_text('{"type":"configure","rate":NaN}')
    assert "Rate is nan" in page.hear()["message"]
    page.socket.send_text('{"type":"configure","noise":Infinity}')
    assert "Noise is inf" in page.hear()["message"]


def test_a_binary_message_is_refused(page):
    page.socket.send_bytes(b"\x00\xff")
    assert page.hear()["message"] == "The message is binary, expected JSON text."
    page.configure()


def test_nothing_is_done_before_something_is_configured(page):
    for kind in ("run", "step", "reset", "diagnose", "pause"):
        page.say(kind)
        assert page.hear() == {
            "type": "error",
            "message": "Nothing is configured yet: send a configure message first.",
            "about": kind,
        }


def test_a_flood_of_messages_is_answered_one_by_one(page):
    page.configure()
    for _ in range(300):
        page.say("step")
        page.say("drawn")
        page.say("rate", rate=-1)
    refused, step = 0, 0
    while refused < 300 or step < 300:
        message = page.receive()
        if isinstance(message, bytes):
            page.say("drawn")
            from lab_page import unpack

            step = unpack(message)[0]["step"]
        else:
            refused += 1
    assert (refused, step) == (300, 300)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError("a bug"), "ZeroDivisionError: a bug; this is a bug"),
        (MemoryError("Unable to allocate 7 GiB"), "memory ran out (Unable to allocate 7 GiB): take fewer examples"),
    ],
)
def test_a_bug_is_said_and_the_tab_lives_on(page, monkeypatch, error, said):
    page.configure()

    def broken(*_: object) -> bytes:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(session, "frame", lambda *_, **__: broken())
        page.say("run")
        answer = page.hear()
        assert answer["about"] == "frame"
        assert said.lower() in answer["message"].lower()
    page.say("step")
    assert not page.frame()[0]["running"]


# Sessions


def test_two_tabs_are_independent(lab):
    with lab.page() as first, lab.page() as second:
        first.configure(data="moons")
        second.configure(data="wine", layers=[3])
        first.say("run")
        first.frame()
        facts, arrays = second.step()
        assert facts["step"] == 1
        assert not facts["running"]
        assert arrays["W.1"].shape == (3, 13)
        assert first.frame()[0]["running"]


def test_a_session_outlives_its_connection(lab):
    with lab.page("the-session") as page:
        page.configure(data="wine", layers=[3])
        _, before = page.step()
    with lab.page("the-session") as page:
        assert page.hello["resumed"]
        assert page.hear()["network"]["sizes"] == [13, 3, 3]
        facts, arrays = page.frame()
        assert facts["step"] == 1
        np.testing.assert_array_equal(arrays["W.1"], before["W.1"])


def test_training_that_ran_goes_on_after_a_drop(lab):
    with lab.page("the-session") as page:
        page.configure()
        page.say("run")
        step = page.frame()[0]["step"]
    with lab.page("the-session") as page:
        page.hear()
        facts, _ = page.frame()
        assert facts["running"]
        assert page.frame()[0]["step"] > facts["step"] > step


def test_a_session_without_a_page_is_forgotten_in_time(lab):
    sessions = lab.app.state.sessions
    sessions.keep_seconds = 0.01
    with lab.page("the-session") as page:
        page.configure()
    until = time.monotonic() + 20
    while sessions.by_name and time.monotonic() < until:
        time.sleep(0.01)
    with lab.page("the-session") as page:
        assert not page.hello["resumed"]


def test_a_session_that_is_resumed_is_not_forgotten(lab):
    sessions = lab.app.state.sessions
    sessions.keep_seconds = 0.3
    with lab.page("the-session") as page:
        page.configure()
    with lab.page("the-session") as page:
        page.hear()
        page.frame()
        time.sleep(0.5)
        assert page.step()[0]["step"] == 1


@pytest.mark.parametrize("error", [WebSocketDisconnect(1006), RuntimeError("closed")])
def test_a_session_is_taken_over_also_from_a_connection_that_dropped_unheard(error):
    class Dropped:
        application_state = WebSocketState.CONNECTED

        async def close(self, *_):
            raise error

    socket: Any = Dropped()
    asyncio.run(live.Live(socket, session.Session(Settings(), None, ThreadPoolExecutor(1))).close())


def test_a_second_connection_takes_a_session_over(lab):
    with lab.page("the-session") as first:
        first.configure()
        first.step()
        with lab.page("the-session") as second:
            assert second.hello["resumed"]
            second.hear()
            assert second.frame()[0]["step"] == 1
            assert first.closed() == 4001
            assert second.step()[0]["step"] == 2


def test_a_page_that_leaves_in_the_middle_leaves_the_session_whole(lab):
    with lab.page("the-session") as page:
        page.configure(data="digits", layers=[256, 256], batch=1024)
        page.say("speed", steps=50)
        page.say("run")
    with lab.page("the-session") as page:
        page.hear()
        page.frame()
        page.say("pause")
        while page.frame()[0]["running"]:
            pass
        page.say("reset")
        assert page.frame()[0]["step"] == 0
        _, arrays = page.step()
    run = Trainer(Settings("digits", (256, 256), ("tanh", "tanh"), batch=1024), named_data("digits"))
    run.advance(1)
    np.testing.assert_array_equal(arrays["b.1"], run.network.b[1][np.array(drawn_units(run)[1])].astype("f4"))


def drawn_units(run: Trainer) -> list[np.ndarray]:
    from backtalk.apps.lab.payloads import Drawn

    return list(Drawn.of(run.network.sizes).units)


# Files


def test_a_table_is_understood_as_train_does(lab, page):
    answer = lab.upload(page.session, "shop.csv", TABLE).json()
    assert answer["data"] == "file:1"
    assert answer["columns"] == ["age", "city", "income", "buys"]
    assert answer["target"] == "buys"
    assert answer["rows"] == 90
    setup, facts, _ = page.configure(data="file:1")
    assert setup["task"] == "classification"
    assert setup["classes"] == ["no", "yes"]
    assert setup["columns"] == ["age", "income", "income is missing", "city = Lima", "city = Oslo", "city = Rome"]
    assert facts["example"]["label"] == "no"
    page.say("speed", steps=300)
    page.say("run")
    page.frame()
    assert page.frame()[0]["score"] == 1


def test_another_column_can_be_the_target(lab, page):
    answer = lab.upload(page.session, "shop.csv", TABLE, target="city").json()
    assert answer["target"] == "city"
    setup, _, _ = page.configure(data=answer["data"])
    assert setup["classes"] == ["Lima", "Oslo", "Rome"]


def test_rows_without_a_target_are_left_out_and_told(lab, page):
    answer = lab.upload(page.session, "shop.csv", TABLE + "30,Oslo,10,\n").json()
    assert answer["rows"] == 90
    assert "1 row without a value of 'buys'" in answer["said"][0]


def test_a_parquet_file_is_read(lab, page):
    import polars as pl

    content = io.BytesIO()
    pl.DataFrame({"x": np.arange(50.0), "name": ["a", None] * 25, "y": np.arange(50.0) ** 2}).write_parquet(content)
    answer = lab.upload(page.session, "t.PARQUET", content.getvalue()).json()
    setup, _, _ = page.configure(data=answer["data"])
    assert setup["task"] == "regression"


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (np.arange(60) % 3, "classification", ["0", "1", "2"]),
        (np.array(["no", "yes"] * 30), "classification", ["no", "yes"]),
        (np.arange(60) % 2 == 0, "classification", ["false", "true"]),
        (np.linspace(0, 1, 60), "regression", []),
        (np.random.default_rng(0).normal(size=(60, 2)), "regression", []),
    ],
)
def test_arrays_are_read(lab, page, y, task, classes):
    content = io.BytesIO()
    X = np.random.default_rng(0).normal(size=(60, 2))
    np.savez(content, X=X, y=y)
    answer = lab.upload(page.session, "a.npz", content.getvalue()).json()
    setup, _, arrays = page.configure(data=answer["data"])
    assert setup["task"] == task
    assert [each.lower() for each in setup["classes"]] == classes
    np.testing.assert_array_equal(arrays["h.0"], X[0].astype("f4"))
    page.step()


NPZ_OF = {
    "no_y.npz": {"X": np.zeros((5, 2))},
    "short.npz": {"X": np.zeros((5, 2)), "y": np.zeros(4)},
    "cube.npz": {"X": np.zeros((5, 2, 2)), "y": np.zeros(5)},
    "words.npz": {"X": np.array([["a"]] * 5), "y": np.zeros(5)},
    "nan.npz": {"X": np.array([[1.0], [np.nan]]), "y": np.array([0, 1])},
    "inf.npz": {"X": np.zeros((2, 1)), "y": np.array([0, np.inf])},
    "empty.npz": {"X": np.zeros((0, 2)), "y": np.zeros(0)},
    "complex.npz": {"X": np.zeros((5, 2), complex), "y": np.zeros(5)},
}


def npz(name: str) -> bytes:
    content = io.BytesIO()
    np.savez(content, **NPZ_OF[name])
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "query", "said"),
    [
        ("a.csv", b"", {}, "a.csv is empty."),
        ("a.csv", b"a,b\n", {}, "names of columns but no rows"),
        ("a.csv", b"a,b\n1,2\n3\n", {}, "a.csv has 1 cell in line 3, expected 2, as in its first line."),
        ("a.csv", b"a,b\n1,2\n", {}, "a.csv has 1 row with a target, expected 2 or more."),
        ("a.csv", b"a,b\n" + b"1,2\n" * 20, {}, "target 'b' is '2' in every row"),
        ("a.csv", TABLE.encode(), {"target": "bus"}, "Target is 'bus', which is not known: did you mean 'buys'?"),
        ("a.csv", b"\x00\x01\x02", {}, "a.csv holds binary data"),
        ("a.csv", b"a,b\n\x81,2\n", {}, "a.csv is not text in UTF-8"),
        ("a.parquet", b"PAR1 no", {}, "a.parquet cannot be read"),
        ("a.npz", b"PK no", {}, "a.npz is not an .npz file, or is damaged."),
        ("a.npz", b"", {}, "a.npz is empty."),
        ("a.xlsx", b"PK", {}, "a.xlsx is no .csv, .parquet or .npz file"),
        ("", b"1", {}, "File is no .csv, .parquet or .npz file"),
        ("no_y.npz", npz("no_y.npz"), {}, "holds the arrays ['X'], expected X and y"),
        ("short.npz", npz("short.npz"), {}, "has 5 rows of X and 4 of y"),
        ("cube.npz", npz("cube.npz"), {}, "X of shape (5, 2, 2)"),
        ("words.npz", npz("words.npz"), {}, "expected numbers (examples, columns)"),
        ("nan.npz", npz("nan.npz"), {}, "X[1, 0] = nan, expected finite numbers"),
        ("inf.npz", npz("inf.npz"), {}, "values of y that are not finite"),
        ("empty.npz", npz("empty.npz"), {}, "X of shape (0, 2) and kind float64, expected at least one number"),
        ("complex.npz", npz("complex.npz"), {}, "kind complex128"),
        ("short.npz", npz("short.npz"), {"target": "y"}, "has no columns to choose from"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(lab, page, name, content, query, said):
    answer = lab.upload(page.session, name, content, **query)
    assert answer.status_code == 400
    assert said.lower() in answer.json()["error"].lower()
    assert "/tmp" not in answer.json()["error"]
    assert "upload" not in answer.json()["error"]
    page.configure()


def arrays_as_npz(X, y) -> bytes:
    content = io.BytesIO()
    np.savez(content, X=X, y=y)
    return content.getvalue()


def with_header(header: str) -> bytes:
    """An .npz file whose X has this header, and nothing below it."""
    content, y = io.BytesIO(), io.BytesIO()
    np.save(y, np.zeros(4))
    with zipfile.ZipFile(content, "w") as file:
        head = header.encode()
        file.writestr("X.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
        file.writestr("y.npy", y.getvalue())
    return content.getvalue()


def not_an_array() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("X.npy", b"hello")
        file.writestr("y.npy", b"hello")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("many.npz", arrays_as_npz(np.zeros((4000, 2)), np.array([f"k{i % 1500}" for i in range(4000)])), "1500 outp"),
        ("wide.npz", arrays_as_npz(np.zeros((4, 2)), np.zeros((4, 2000))), "gives 2000 outputs or classes, more than"),
        ("many.csv", b"x,y\n" + b"".join(b"%d,k%d\n" % (i, i % 1200) for i in range(3000)), "gives 1200 outputs or"),
        ("far.npz", arrays_as_npz(np.array([[1e200], [0.0]]), np.array([0, 1])), "of X as large as 1e+200, expected"),
        ("far.npz", arrays_as_npz(np.zeros((2, 1)), np.array([0, -1e200])), "of y as large as 1e+200, expected 1e+30"),
        ("far.npz", arrays_as_npz(np.zeros((2, 1)), np.array([[0, 1e200], [0, 0]])), "of y as large as 1e+200"),
        ("far.csv", b"x,y\n" + b"".join(b"%d,%d.5e35\n" % (i, i) for i in range(40)), "of y as large as 3.95e+36"),
        ("none.npz", not_an_array(), "none.npz holds X, which is no array, expected"),
        ("text.npz", arrays_as_npz(np.zeros((4, 1)), np.array(["a", "b", "a", "\ud800"])), "could not be read as a ."),
        ("head.npz", with_header("((((" + " " * 60), "head.npz is not an .npz file, or is damaged."),
        ("head.npz", with_header("{'descr':'<f8','fortran_order':False,'shape':(0,10000000000),}"), "one number"),
        ("head.npz", with_header("{'descr':'|V0','fortran_order':False,'shape':(4,10000000000),}"), "one number"),
        ("long.csv", b"x," + b"y" * 3000 + b"\n" + b"1,2\n" * 20, "…"),
    ],
)  # fmt: skip
def test_a_file_that_no_lab_can_hold_is_refused_with_a_sentence(lab, page, name, content, said):
    answer = lab.upload(page.session, name, content)
    assert answer.status_code == 400, answer.json()
    assert said in answer.json()["error"]
    assert len(answer.json()["error"]) <= 601
    page.configure()


def test_numbers_of_128_bits_are_read_or_refused(lab, page):
    answer = lab.upload(page.session, "a.npz", arrays_as_npz(np.eye(40), np.linspace(0, 1, 40, dtype=np.longdouble)))
    assert answer.status_code == 200
    page.configure(data=answer.json()["data"])


def test_whatever_reading_raises_is_a_sentence(lab, page, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of a library")

    monkeypatch.setattr("backtalk.apps.lab.upload._read_table", broken)
    answer = lab.upload(page.session, "a.csv", TABLE)
    assert answer.status_code == 400
    assert answer.json()["error"] == "a.csv could not be read as a .csv file (of a library)."


def test_a_table_of_too_many_columns_is_refused_before_it_is_learned(lab, page, monkeypatch):
    def learned(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr("backtalk.apps.tables.reading.tables.read_table", learned)
    for separator in (",", ";"):
        table = separator.join(f"c{i}" for i in range(1002)) + "\n" + separator.join("1" * 1002) + "\n"
        answer = lab.upload(page.session, "a.csv", table)
        assert answer.status_code == 400
        assert "more than 1000 columns" in answer.json()["error"]


def test_a_target_that_is_a_long_word_is_not_repeated_in_full(lab, page):
    answer = lab.upload(page.session, "a.csv", TABLE, target="t" * 3000)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Target is 'tttt")
    assert len(answer.json()["error"]) < 300


def test_the_largest_numbers_that_are_taken_can_be_shown_and_diagnosed(lab, page):
    X = np.random.default_rng(0).normal(size=(60, 2)) * 2e29
    answer = lab.upload(page.session, "a.npz", arrays_as_npz(X, np.arange(60) % 2)).json()
    setup, _, _ = page.configure(data=answer["data"])
    assert np.isfinite(setup["bounds"]).all()
    page.step()
    page.say("diagnose")
    assert page.hear()["type"] == "findings"


def test_long_names_are_cut_where_they_are_shown(lab, page):
    long = "n" * 400
    table = f"{long},y\n" + "".join(f"{i % 7},{'k' * 400}{'o' if i % 2 else 'e'}\n" for i in range(40))
    answer = lab.upload(page.session, "a.csv", table).json()
    assert answer["columns"] == [long, "y"]  # of which one can be asked for as the target
    setup, facts, _ = page.configure(data=answer["data"])
    assert setup["classes"] == ["k" * 100 + "…" + "k" * 98 + end for end in "eo"]  # still told apart
    assert setup["columns"] == ["n" * 100 + "…" + "n" * 99]
    assert facts["example"]["label"] == setup["classes"][0]


def test_the_numbers_of_a_table_are_shown_as_they_stand_there(lab, page):
    table = "x,y\n" + "".join(f"{i % 7},{[-0.001, 1.23456, 7.5][i % 3]}\n" for i in range(60))
    answer = lab.upload(page.session, "a.csv", table).json()
    page.configure(data=answer["data"])
    shown = []
    for row in range(3):
        page.say("example", row=row)
        shown.append(page.frame()[0]["example"]["label"])
    assert shown == ["-0.001", "1.23456", "7.5"]


def test_the_numbers_of_a_run_are_shown_without_what_float32_adds():
    y = ((np.array([[-0.001], [1.23456]]) - 3) / 2).astype(np.float32)
    data = dataclasses.replace(
        named_data("moons"), y=y, loss=backtalk.core.losses.as_loss("huber"), mean=3.0, scale=2.0
    )
    assert [data.label(0), data.label(1)] == ["-0.001", "1.23456"]


def test_given_data_with_numbers_too_large_are_refused(tmp_path):
    (tmp_path / "d.csv").write_text("a,b,y\n1e200,1,0\n1,2,1\n")
    save(Network.create([2, 2], rng=0), tmp_path / "n.safetensors")
    with pytest.raises(InputError, match=r"d.csv has numbers of X as large as 1e\+200"):
        read_given(tmp_path / "n.safetensors", str(tmp_path / "d.csv"), [])


def test_a_file_belongs_to_its_tab_and_only_the_last_ones_stay(lab):
    with lab.page() as first, lab.page() as second:
        names = [lab.upload(first.session, "shop.csv", TABLE).json()["data"] for _ in range(4)]
        assert names == ["file:1", "file:2", "file:3", "file:4"]
        first.configure(data="file:4")
        first.say("configure", data="file:1")
        assert "no longer here" in first.hear()["message"]
        second.say("configure", data="file:4")
        assert "no longer here" in second.hear()["message"]


def test_a_page_that_the_server_does_not_know_uploads_nothing(lab):
    answer = lab.upload("unknown-session", "shop.csv", TABLE)
    assert answer.status_code == 409
    assert "load it again" in answer.json()["error"]


# The network of the command line


def test_a_given_network_comes_first(tmp_path):
    net = Network.create([64, 12, 10], "relu", rng=7)
    save(net, tmp_path / "net.safetensors")
    given = read_given(tmp_path / "net.safetensors", "digits", [])
    with serving(given=given) as lab, lab.page() as page:
        assert page.hello["data"][0]["title"] == "net.safetensors on digits"
        start = page.hello["start"]
        assert (start["data"], start["layers"], start["activation"]) == ("given", [12], ["relu"])
        setup, _, arrays = page.configure(**{key: start[key] for key in ("data", "layers", "activation")})
        np.testing.assert_array_equal(arrays["W.1"], net.W[1].astype("f4"))
        assert setup["image"] == [8, 8]
        assert setup["held_out"] == 0  # any row may be one that it was trained on
        page.step()
        page.say("reset")
        np.testing.assert_array_equal(page.frame()[1]["W.1"], net.W[1].astype("f4"))
        _, _, arrays = page.configure(data="given", layers=[5])
        assert arrays["W.1"].shape == (5, 64)


def test_a_given_network_may_be_larger_than_what_can_be_asked_for(tmp_path):
    net = Network.create([13, *[4] * 11, 600, 3], "tanh", rng=7)
    save(net, tmp_path / "net.safetensors")
    given = read_given(tmp_path / "net.safetensors", "wine", [])
    with serving(given=given) as lab, lab.page() as page:
        start = page.hello["start"]
        del start["type"]
        setup, _, _ = page.configure(**start)
        assert setup["network"]["sizes"] == list(net.sizes)
        page.say("slide", at=0)
        page.hear()


@pytest.mark.parametrize("loss", ["squared_error", "huber", "binary_cross_entropy", "absolute_error"])
def test_a_given_network_keeps_its_loss(tmp_path, loss):
    (tmp_path / "d.csv").write_text("a,b,y\n" + "".join(f"{i % 5},{i % 3},{i % 2}\n" for i in range(40)))
    save(Network.create([2, 4, 1], "tanh", loss, rng=0), tmp_path / "n.safetensors")
    with serving(given=read_given(tmp_path / "n.safetensors", str(tmp_path / "d.csv"), [])) as lab, lab.page() as page:
        setup, facts, _ = page.configure(**{k: v for k, v in page.hello["start"].items() if k != "type"})
        assert setup["network"]["loss"] == loss
        assert facts["score"] is None
        assert facts["example"]["label"] == "0"
        page.step()
        page.say("slide", at=5)
        page.hear()


@pytest.mark.parametrize("members", [ALONE_IN_WORDS, ["--members", "3"]])
def test_a_run_of_train_can_be_looked_at(tmp_path, call, members):
    (tmp_path / "shop.csv").write_text(TABLE)
    code, _, err = call("train", "shop.csv", "--target", "buys", "--out", "run", "--epochs", "2", *members)
    assert code == 0, err
    given = read_given(tmp_path / "run", str(tmp_path / "shop.csv"), [])
    with serving(given=given) as lab, lab.page() as page:
        setup, facts, _ = page.configure(**{k: v for k, v in page.hello["start"].items() if k != "type"})
        assert setup["classes"] == ["no", "yes"]
        assert setup["held_out"] == 0
        assert setup["network"]["sizes"] == list(backtalk.load(tmp_path / "run" / "model.safetensors").sizes)
        assert facts["example"]["label"] in ("no", "yes")
        page.say("explain", quantity="W[1,1,1]")
        assert page.until("derivation")["derivation"]["steps"]
        page.step()


# The command line and the real server


def test_the_command_line_refuses_what_does_not_fit(call, tmp_path):
    save(Network.create([3, 2], rng=0), tmp_path / "n.safetensors")
    code, _, err = call("lab", "n.safetensors", "--no-browser")
    assert (code, "DATA is missing" in err) == (2, True)
    code, _, err = call("lab", "--target", "y", "--no-browser")
    assert (code, "there is no DATA" in err) == (2, True)
    code, _, err = call("lab", "mixed.csv", "--no-browser")
    assert (code, "MODEL is mixed.csv, which is data and no network: start 'backtalk lab'" in err) == (2, True)
    for more in ([], ["wine"]):
        code, _, err = call("lab", "m.safetensors", *more, "--no-browser")
        assert (code, "MODEL is m.safetensors, which does not exist" in err) == (2, True)
    code, _, err = call("lab", "n.safetensors", "wine", "--no-browser")
    assert (code, "DATA has 13 columns, but the network has 3 inputs" in err) == (2, True)


@pytest.mark.parametrize("library", ["starlette", "uvicorn", "websockets"])
def test_without_the_extra_a_sentence_says_what_to_install(call, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    code, out, err = call("lab", "--no-browser")
    assert code == 2
    assert "pip install 'backtalk[lab]'" in err
    assert not out


def test_a_port_that_is_taken_is_said(call):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, err = call("lab", "--no-browser", "--port", port)
    assert code == 2
    assert f"port is {port}, which is not free" in err


class Served:
    """`backtalk lab` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.lines = process, []
        assert process.stdout is not None
        while not self.lines or "Ctrl-C" not in self.lines[-1]:
            line = process.stdout.readline()
            assert line, "the server ended"
            self.lines.append(line)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]+)", "".join(self.lines))
        assert found
        self.port, self.token = int(found[1]), found[2]

    @contextmanager
    def page(self, session: str = "a-session"):
        origin = f"http://127.0.0.1:{self.port}"
        address = f"ws://127.0.0.1:{self.port}/live?token={self.token}&session={session}"
        with connect(address, origin=origin, proxy=None) as real:  # pyright: ignore[reportArgumentType]
            yield Page(_Socket(real), session)

    def end(self, by: int = signal.SIGINT) -> str:
        self.process.send_signal(by)
        return self.process.communicate(timeout=30)[0]


class _Socket:
    """A real WebSocket that looks like starlette's in a test."""

    def __init__(self, real) -> None:
        self.real = real

    def send_text(self, text: str) -> None:
        self.real.send(text)

    def receive(self) -> dict:
        try:
            message = self.real.recv(timeout=30)
        except ConnectionClosed as closed:
            return {"type": "websocket.close", "code": closed.rcvd.code if closed.rcvd else 1006}
        return {"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message}


@contextmanager
def served(state, *arguments: str, before: str = ""):
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also behind a shell's &
    code = f"{hear}\n{before}\nfrom backtalk.apps.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "lab", "--no-browser", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"XDG_STATE_HOME": str(state)},
    )
    try:
        yield Served(process)
    finally:
        process.kill()
        process.communicate()


def test_the_real_server_trains_and_ctrl_c_ends_it(tmp_path):
    with served(tmp_path, "--port", "0") as server:
        with server.page() as page:
            page.configure(data="digits", layers=[32, 32])
            page.say("run")
            steps = [page.frame()[0]["step"] for _ in range(20)]
            assert steps == sorted(set(steps))
            rest = server.end()
        assert server.process.returncode == 0
        assert "Traceback" not in rest
        assert rest.strip() == "lab ended"


def test_ctrl_c_ends_it_also_while_a_thread_is_at_work(tmp_path):
    busy = "import time; from backtalk.apps.lab.session import Session; Session.reset = lambda self: time.sleep(60)"
    with served(tmp_path, "--port", "0", before=busy) as server, server.page() as page:
        page.configure()
        page.say("reset")
        page.say("rate", rate=-1)
        rest = server.end()
        assert server.process.returncode == 0
        assert rest.strip() == "lab ended"


def test_after_a_restart_the_same_address_serves_and_the_page_begins_anew(tmp_path):
    with served(tmp_path, "--port", "0") as server, server.page("the-session") as page:
        page.configure()
        port, token = server.port, server.token
        server.end()
    with served(tmp_path, "--port", str(port)) as server:
        assert server.token == token
        with server.page("the-session") as page:
            assert not page.hello["resumed"]
            page.configure()
            assert page.step()[0]["step"] == 1


def test_a_page_comes_in_beside_hundreds_of_idle_connections(tmp_path):
    with served(tmp_path, "--port", "0") as server, ExitStack() as idle:
        place = "127.0.0.1", server.port
        for number in range(400):
            knocking = idle.enter_context(socket.create_connection(place))
            if number % 2:
                knocking.sendall(b"GET / HTTP/1.1\r\nHost:")
        with urlopen(f"http://127.0.0.1:{server.port}/?token={server.token}", timeout=30) as answer:
            assert answer.status == 200
        with server.page() as page:
            page.configure()
        assert server.end().strip() == "lab ended"


def test_a_second_lab_takes_the_next_port(tmp_path):
    with served(tmp_path) as first, served(tmp_path) as second:
        assert second.port > first.port
        assert f"so this is {second.port}" in "".join(second.lines)
