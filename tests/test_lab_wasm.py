"""A lesson that trains on: the kernels as WebAssembly in a browser take the steps that Python takes."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import cycle
from urllib.parse import urlencode

import numpy as np
import pytest

from backtalk import Network, explain
from backtalk.apps.lab.datasets import named_data
from backtalk.apps.lab.lesson import make_lesson, training
from backtalk.apps.lab.lesson.recording import record
from backtalk.apps.lab.payloads import Drawn
from backtalk.apps.lab.settings import OFFERED, Settings
from backtalk.apps.lab.slide_message import slide_message
from backtalk.apps.lab.slides import walk_through
from backtalk.apps.lab.trainer import Trainer
from backtalk.errors import DivergedError
from backtalk.teaching.derivations.quantity import as_quantity
from backtalk.train.schedules import SCHEDULES
from browser_page import Tab
from test_lab_formulas import COLLECT, with_subscripts, written

RECORDED = 2  # steps
NO_SIMD = "WebAssembly.validate = () => false;"


@pytest.fixture
def open_lesson(open_lesson):
    """The same, when the first step is there."""

    def open_ready(page: bytes, script: str = "") -> Tab:
        tab = open_lesson(page, script=script)
        tab.wait_for_step(0)
        return tab

    return open_ready


def trained(settings: Settings, data, steps: int) -> Trainer:
    """The network of the lab after so many steps."""
    trainer = Trainer(settings, data)
    while trainer.step < steps:
        trainer.advance(steps - trainer.step)
    return trainer


def train_beyond(tab: Tab, step: int) -> int:
    """Train on from the step that is shown, and pause somewhere beyond a step; gives where."""
    tab.page.select_option("#speed", "20")
    tab.page.click("#timeline-train")
    tab.wait_beyond(step)
    tab.page.click("#run")
    tab.wait_until("document.getElementById('run').textContent === 'Run'")
    tab.page.wait_for_timeout(100)
    return tab.step


def shown_row(tab: Tab) -> int:
    return int(tab.page.input_value("#example")) - 1


def as_float32(settings: Settings):
    """XOR with a network of the user's own, in float32."""
    data = named_data("moons", 0.1)
    network = Network.create([2, 4, 2], "elu", rng=3, dtype="float32")
    return replace(settings, layers=(4,), activation=("elu",)), replace(data, network=network)


CASES = {
    "softmax": Settings(layers=(4, 3), activation=("tanh", "tanh"), schedule="cosine", dropout=0.2, epochs=30),
    "relu": Settings(
        layers=(5,), activation=("relu",), loss="squared_error", output="identity", optimizer="momentum", rate=0.02
    ),
    "sine": Settings(
        data="sine",
        layers=(5,),
        activation=("sigmoid",),
        loss="quantiles",
        optimizer="gd",
        schedule="reduce_on_plateau(patience=1.0)",
    ),
    "sigmoid": Settings(layers=(3,), activation=("gelu",), loss="binary_cross_entropy", l2_penalty=1e-3, seed=5),
    "float32": Settings(rate=0.02),
}


@pytest.mark.parametrize("name", CASES)
def test_a_hundred_steps_give_the_network_of_python(open_lesson, name):
    settings, data = CASES[name], named_data(CASES[name].data, 0.1)
    if name == "float32":
        settings, data = as_float32(settings)
    tab = open_lesson(make_lesson(settings, data, RECORDED, 2))
    tab.press("s")
    tab.wait_for_step(1)  # not the last one that is recorded
    step = train_beyond(tab, 100)
    trainer, row = trained(settings, data, step), shown_row(tab)
    digits = 6 if name != "float32" else 4
    # Letter for letter: every weight of layers this small stands in the derivation, with six digits
    tab.page.evaluate(COLLECT)
    for quantity in ("W[1]", "h[0,1]"):
        tab.page.fill("#quantity", quantity)
        tab.page.press("#quantity", "Enter")
        asked = str(as_quantity(trainer.network, quantity))
        tab.wait_until("window.shown.some(([shown]) => shown === v[0])", asked)
        found = dict(tab.page.evaluate("window.shown"))[asked]
        expected = written(explain(trainer.network, trainer.X[row], trainer.data.y[row], asked))
        if digits == 6:
            assert found == expected
        else:
            assert [part[:2] for part in found] == [part[:2] for part in expected]
            np.testing.assert_allclose(numbers_of(found), numbers_of(expected), rtol=1e-4, atol=1e-5)
    assert number_in(tab, "#readout-held-out") == pytest.approx(trainer.validation_loss(), rel=5e-3)
    before, after = (float(text) for text in tab.text("#readout-loss dd").replace("−", "-").split("→"))
    assert (before, after) == pytest.approx((trainer.loss_before, trainer.loss_after()), rel=5e-3)
    assert number_in(tab, "#readout-epoch") == pytest.approx(trainer.epoch, abs=0.06)
    score = tab.text("#readout-score dd")
    assert float(score.split()[0]) == pytest.approx((trainer.score() or 0) * (100 if "%" in score else 1), rel=1e-2)


def number_in(tab: Tab, selector: str) -> float:
    return float(tab.text(f"{selector} dd").replace("−", "-"))


def numbers_of(steps: list[list[str]]) -> list[float]:
    """Every number in the lines of a derivation."""
    lines = [line for step in steps for line in step[2:] if line.startswith("{}=")]
    return [float(text) for line in lines for text in re.findall(r"-?\d+\.\d+", line)]


def test_every_optimizer_and_schedule_takes_the_steps_of_python(open_lesson):
    settings = Settings(layers=(3,), activation=("tanh",), batch=320, rate=0.05)
    data = named_data("moons", 0.1)
    tab = open_lesson(make_lesson(settings, data, 1, 1))
    row = shown_row(tab)
    for optimizer, schedule in zip(OFFERED, cycle(SCHEDULES), strict=False):
        if optimizer == "lbfgs":
            continue
        chosen = replace(settings, optimizer=optimizer, schedule=schedule, epochs=4)
        asked = urlencode({"optimizer": optimizer, "schedule": schedule, "epochs": 4, "batch": 320, "rate": 0.05})
        tab.page.evaluate("hash => { location.hash = hash; }", asked)
        tab.wait_until("document.getElementById('optimizer').value === v[0] && !v[1].disabled", optimizer, {})
        tab.wait_for_step(0)
        for step in range(1, 6):  # through the whole run of the schedule, and beyond
            tab.press("s")
            tab.wait_for_step(step)
        trainer = trained(chosen, data, 5)
        expected = explain(trainer.network, data.X[row], data.y[row], "W[1,2,1]").steps[-1].value
        assert tab.explain("W[1,2,1]") == pytest.approx(expected, rel=1e-8), (optimizer, schedule)
        tab.page.evaluate("document.activeElement.blur()")


def test_the_walk_through_a_step_has_its_own_numbers(open_lesson):
    settings = Settings(layers=(3,), activation=("relu",), rate=0.05)
    data = named_data("moons", 0.1)
    tab = open_lesson(make_lesson(settings, data, RECORDED, 1))
    step = train_beyond(tab, 30)
    trainer, row = trained(settings, data, step), shown_row(tab)
    walk = walk_through(trainer, row)
    count = sum(slide.talk != "update" for slide in walk.slides)
    read = "[...document.querySelectorAll('#walk-slide annotation')].map(each => each.textContent)"
    for at in range(count):
        tab.press("n")
        tab.wait_until("document.getElementById('walk-at').textContent.startsWith(v[0])", f"{at + 1} of {count + 1}")
        statements = slide_message(walk, at, Drawn.of(trainer.network.sizes))["statements"]
        assert tab.page.evaluate(read) == [line for statement in statements for line in statement["latex"]]
        reasons = tab.page.locator("#walk-slide .reason").all_text_contents()
        assert reasons == [with_subscripts(statement["reason"]) for statement in statements]
    tab.press("n")
    assert "recorded steps alone" in tab.text("#walk-slide")
    tab.press("n")
    tab.wait_for_step(step + 1)


def test_another_rate_goes_on_from_the_step_that_is_shown(open_lesson):
    settings, data = Settings(layers=(3,), activation=("tanh",)), named_data("moons", 0.1)
    tab = open_lesson(make_lesson(settings, data, RECORDED, 1))
    tab.press("s")
    tab.wait_for_step(1)
    tab.page.fill("#rate", "0.5")
    tab.page.press("#rate", "Enter")
    tab.wait_until("document.getElementById('timeline-at').textContent === 'step 1, trained here'")
    tab.page.click("#step")
    tab.wait_for_step(2)
    trainer = trained(settings, data, 1)
    trainer.set_rate(0.5)
    trainer.advance(1)
    row = shown_row(tab)
    expected = explain(trainer.network, data.X[row], data.y[row], "b[1,1]").steps[-1].value
    assert tab.explain("b[1,1]") == pytest.approx(expected, rel=1e-9)
    tab.page.click("#diagnose")
    tab.wait_until("document.getElementById('findings').textContent.includes('Only recorded steps')")
    tab.page.click("#timeline-train")  # back to the recording, whose step 2 is another one
    tab.wait_until("document.getElementById('timeline-at').textContent === 'step 2 of 2'")
    assert tab.page.input_value("#rate") == "0.03"
    expected = explain(trained(settings, data, 2).network, data.X[row], data.y[row], "b[1,1]").steps[-1].value
    tab.wait_until("Math.abs(document.getElementById('derivation-value')?.value - v[0]) < 1e-12", expected)


def test_training_that_diverges_shows_the_last_good_network(open_lesson):
    settings = Settings(
        layers=(3,), activation=("relu",), optimizer="gd", rate=0.1, loss="squared_error", output="identity"
    )
    data = named_data("moons", 0.1)
    tab = open_lesson(make_lesson(settings, data, RECORDED, 1))
    tab.page.fill("#rate", "1e6")
    tab.page.press("#rate", "Enter")
    tab.wait_until("document.getElementById('timeline-at').textContent.includes('trained here')")
    tab.page.click("#run")
    tab.page.wait_for_selector("#notice:not([hidden])")
    trainer = Trainer(settings, data)
    trainer.set_rate(1e6)
    with pytest.raises(DivergedError) as caught:
        trainer.advance(1000)
    assert f"diverged at step {caught.value.step}" in tab.text("#notice")
    row = shown_row(tab)
    expected = explain(trainer.network, trainer.X[row], trainer.data.y[row], "b[2,1]").steps[-1].value
    assert tab.explain("b[2,1]") == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("script", ["delete window.WebAssembly;", NO_SIMD])
def test_without_webassembly_or_simd_the_recording_is_played(open_lesson, script):
    tab = open_lesson(make_lesson(Settings(layers=(2,), activation=("tanh",)), named_data("xor"), RECORDED, 1), script)
    tab.page.click("#timeline-train")
    tab.page.wait_for_selector("#notice:not([hidden])")
    assert "no WebAssembly with SIMD" in tab.text("#notice")
    tab.press("s")
    tab.wait_for_step(1)
    assert tab.text("#timeline-at") == "step 1 of 2"


@pytest.mark.parametrize(
    ("tag", "instead"),
    [
        (rb"<script[^>]* id=.kernels.*?</script>", b""),
        (rb"(?<=kernels.>)....", b"%%%%"),
        (rb"(?<=kernels.>).+?<", b"AwA=<"),
    ],
)  # missing, not base64, and nothing when it is inflated
def test_a_lesson_with_damaged_kernels_says_so_and_plays_the_recording(open_lesson, tag, instead):
    page = make_lesson(Settings(layers=(2,), activation=("tanh",)), named_data("xor"), RECORDED, 1)
    damaged = re.sub(tag, instead, page, count=1)
    assert damaged != page
    tab = open_lesson(damaged)
    tab.page.click("#timeline-train")
    tab.page.wait_for_selector("#notice:not([hidden])")
    assert tab.text("#notice").startswith("The kernels in this file are damaged")
    tab.press("s")
    tab.wait_for_step(1)


def test_settings_that_a_lesson_does_not_have_are_refused_in_words(open_lesson):
    tab = open_lesson(make_lesson(Settings(layers=(2,), activation=("tanh",)), named_data("xor"), RECORDED, 1))
    for asked, said in [
        ("optimizer=adam(beta_1%3D0.5)", "has no optimizer adam(beta_1=0.5)"),
        ("l2_penalty=-1", "L2 penalty is -1"),
        ("schedule=one_cycle&epochs=1", "too few for one_cycle"),
    ]:
        tab.page.evaluate("hash => { location.hash = hash; }", asked)
        tab.wait_until("document.getElementById('configure-error').textContent.includes(v[0])", said)
    assert tab.page.input_value("#optimizer") == "adam"


def test_data_that_are_too_large_are_not_taken_along(open_lesson, monkeypatch):
    monkeypatch.setattr(training, "MOST_NUMBERS", 7)
    settings = Settings(layers=(2,), activation=("tanh",))
    facts, arrays = record(settings, named_data("xor"), RECORDED, 1)
    assert "8 numbers" in facts["training"]["why"]
    assert not any(name.startswith("data.") for name in arrays)
    page = make_lesson(settings, named_data("xor"), RECORDED, 1)
    assert b"wasm" not in page.split(b"</head>")[0].split(b"<style>")[0]
    tab = open_lesson(page)
    assert tab.page.locator("#timeline-train").is_hidden()
    assert tab.page.locator("#optimizer").is_hidden()
