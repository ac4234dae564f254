"""The lab as a person uses it: in headless Chromium, with a lab in a process of its own."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import backtalk
from backtalk import Network, forward, gradients
from backtalk.apps.lab.compare import PREPARED, Pair, compared_settings
from backtalk.apps.lab.datasets import SETS, named_data
from backtalk.apps.lab.settings import Settings
from browser_page import Lab, Tab

TABLE = "width,height,kind\n" + "".join(
    f"{i % 7 + (i % 2) * 3}.5,{i % 5 - (i % 2)},{'round' if i % 2 else 'flat'}\n" for i in range(60)
)


def moons_at_first() -> tuple[Network, np.ndarray, np.ndarray]:
    """What the lab begins with: the network before the first step, and the data."""
    data = named_data("moons", 0.1)
    return Network.create([2, 8, 8, 2], "tanh", "cross_entropy", rng=0), data.X, data.y


# Training


def test_the_page_begins_with_a_network_that_waits(tab):
    page = tab()
    assert page.step == 0
    assert page.text("#run") == "Run"
    assert "2 → 8 → 8 → 2" in page.text("#network-said")
    assert page.page.locator("#surface").is_visible()
    assert page.text("#drawn-note") == ""


def test_run_trains_and_pause_stops(tab):
    page = tab()
    before = float(page.text("#readout-held-out dd"))
    page.page.click("#run")
    page.wait_beyond(60)
    assert page.text("#run") == "Pause"
    page.page.click("#run")
    page.page.wait_for_selector("#findings .finding, #findings .healthy")  # a pause asks the doctor
    page.wait_until("document.getElementById('run').textContent.trim() === 'Run'")  # said by the next frame
    stopped = int(re.findall(r"at step (\d+)", page.text("#findings"))[0])
    page.wait_for_step(stopped)
    page.page.click("#step")
    page.wait_for_step(stopped + 1)
    assert float(page.text("#readout-held-out dd")) < before


def test_steps_and_reset_come_back_to_the_first_network(tab):
    page = tab()
    first = page.explain("b[3,1]")
    for step in (1, 2):
        page.page.click("#step")
        page.wait_for_step(step)
    page.wait_until("Number(document.getElementById('derivation-value').value) !== v[0]", first)
    page.page.click("#reset")
    page.wait_for_step(0)
    page.wait_until("Number(document.getElementById('derivation-value').value) === v[0]", first)


def test_settings_change_the_network_and_the_address(tab):
    page = tab()
    page.page.click("#layer-add")
    page.wait_until("document.getElementById('network-said').textContent.startsWith('2 → 8 → 8 → 8 → 2')")
    page.page.click("[aria-label='Remove hidden layer 1']")
    page.page.click("[aria-label='Fewer units in hidden layer 1']")
    page.wait_until("document.getElementById('network-said').textContent.startsWith('2 → 7 → 8 → 2')")
    page.page.check("input[value=digits]")
    page.wait_until("document.getElementById('network-said').textContent.startsWith('64 → 7 → 8 → 10')")
    assert page.page.locator("#surface").is_hidden()
    page.page.select_option("#activation", "relu")
    page.wait_until("location.hash.includes('data=digits&layers=7,8&activation=relu')")
    page.page.go_back()
    page.wait_until("location.hash.includes('data=digits&layers=7,8&activation=tanh')")
    page.wait_until("document.getElementById('activation').value === 'tanh'")


def test_other_data_can_be_chosen_while_training_runs(tab):
    page = tab()
    for data, inputs in [("digits", 64), ("wine", 13), ("spirals", 2), ("moons", 2)]:
        page.page.click("#run")
        page.wait_beyond(3)
        page.page.check(f"input[value={data}]")
        page.wait_until("document.getElementById('network-said').textContent.startsWith(v[0])", f"{inputs} → ")
        page.wait_for_step(0)
        page.wait_until("document.getElementById('run').textContent === 'Run'")


def test_a_learning_rate_that_throws_the_weights_out_is_told(tab):
    page = tab("#data=moons&layers=8&activation=identity&optimizer=sgd&rate=100000&noise=0.1")
    page.page.click("#run")
    page.page.wait_for_selector("#notice.warning:not([hidden])")
    assert "diverged" in page.text("#notice")
    page.wait_until("document.getElementById('run').textContent === 'Run'")


# Derivations


def test_a_clicked_weight_shows_the_number_of_the_library(tab):
    page = tab()
    network, X, y = moons_at_first()
    expected = gradients(network, X[:1], y[:1])
    page.page.hover("#overlay", position={"x": 5, "y": 5})
    box = page.page.locator("#overlay").bounding_box()
    found: set[str] = set()
    for share in (0.42, 0.5, 0.58):  # down the middle of the drawing, where the weights between hidden units are
        page.page.mouse.click(box["x"] + 0.47 * box["width"], box["y"] + share * box["height"])
        page.wait_until("document.getElementById('quantity').value.startsWith('W[2,')")
        quantity = page.page.input_value("#quantity")
        unit, heard = map(int, re.fullmatch(r"W\[2,(\d),(\d)\]", quantity).groups())  # pyright: ignore
        assert page.explained(quantity) == pytest.approx(float(expected.W[2][unit - 1, heard - 1]), rel=1e-12)
        assert f"quantity={quantity}" in page.page.url
        assert page.page.locator("#derivation .path").count() > 0
        found.add(quantity)
    assert len(found) > 1


def test_a_written_quantity_shows_the_number_of_the_library(tab):
    page = tab("#data=moons&layers=8,8&activation=tanh&noise=0.1&seed=0&example=7")
    network, X, y = moons_at_first()
    for quantity in ["W[1,3,2]", "b[2,8]", "h[1,4]", "a[3,1]", "h[0,2]"]:
        expected = backtalk.explain(network, X[7], y[7], quantity).value
        assert page.explain(quantity) == pytest.approx(expected, rel=1e-12)
        assert page.page.locator("#derivation .katex").count() > 3
        assert page.page.locator("#derivation .plain").count() == 0  # KaTeX takes every formula


def test_a_quantity_that_does_not_exist_is_refused_with_those_that_do(tab):
    page = tab()
    page.page.fill("#quantity", "W[9,1,1]")
    page.page.press("#quantity", "Enter")
    page.page.wait_for_selector("#explain-error:not([hidden])")
    assert "W[9,1,1]" in page.text("#explain-error")
    assert page.explain("W[1,1,1]") != 0
    assert page.page.locator("#explain-error").is_hidden()


def test_a_whole_family_is_derived_too(tab):
    page = tab()
    page.page.fill("#quantity", "a[2]")
    page.page.press("#quantity", "Enter")
    page.page.wait_for_selector('#derivation[data-quantity="a[2]"] .talk-group')
    assert page.page.locator("#derivation-value").count() == 0


# Examples and slides


def test_an_example_is_chosen_by_number_by_point_and_by_key(tab):
    page = tab()
    page.page.fill("#example", "12")
    page.page.press("#example", "Enter")
    page.wait_until("document.getElementById('example-said').textContent.startsWith('Example 12 ')")
    page.page.click("#example-on")
    page.wait_until("document.getElementById('example-said').textContent.startsWith('Example 13 ')")
    data = named_data("moons", 0.1)
    low, high = data.X.min(axis=0), data.X.max(axis=0)
    margin = 0.15 * (high - low)
    left, bottom = low - margin
    width, height = high - low + 2 * margin
    box = page.page.locator("#surface").bounding_box()
    alone = int(np.argmin(data.X[:, 0]))  # the leftmost point has no other near it
    x, y = (data.X[alone, 0] - left) / width, 1 - (data.X[alone, 1] - bottom) / height
    page.page.click("#surface", position={"x": x * box["width"], "y": y * box["height"]})
    page.wait_until("document.getElementById('example-said').textContent.startsWith(v[0])", f"Example {alone + 1} ")
    assert f"example={alone}" in page.page.url  # an address counts rows from 0
    page.page.fill("#example", "4000")
    page.page.press("#example", "Enter")
    page.page.wait_for_selector("#example-error:not([hidden])")


def test_the_talks_of_a_step_as_slides(tab):
    page = tab()
    page.page.click("#walk-on")
    page.page.wait_for_selector("#walk-slide .katex")
    count = int(page.text("#walk-at").split()[-1])
    talks = []
    for at in range(count):
        page.wait_until("document.getElementById('walk-at').textContent === v[0]", f"{at + 1} of {count}")
        talks.append(page.text("#walk-slide .talk"))
        assert page.step == 0
        page.press("n")
    page.wait_for_step(1)  # the last slide is the update
    page.wait_until("document.getElementById('walk-at').textContent === v[0]", f"1 of {count}")
    assert talks == sorted(
        talks, key=["Forward", "To the output units", "To the hidden units", "To the weights", "The step"].index
    )
    page.press("Escape")
    page.page.wait_for_selector("#walk-leave", state="hidden")


def walk_to(page: Tab, title: str) -> None:
    """Slide after slide, to the one with this title."""
    if not page.page.locator("#walk-leave").is_visible():
        page.page.click("#walk-on")
    for _ in range(40):
        page.page.wait_for_selector("#walk-slide h3")
        if title in page.text("#walk-slide h3"):
            return
        at = page.text("#walk-at")
        page.press("n")
        page.wait_until("document.getElementById('walk-at').textContent !== v[0]", at)
    raise AssertionError(f"no slide is titled {title!r}")


def cells(page: Tab, array: str) -> list[float]:
    """The numbers of a vector on a slide."""
    texts = page.page.locator(f'[data-vector="{array}"] .cell').all_inner_texts()
    return [float(text.replace("−", "-")) for text in texts]


def test_a_slide_shows_the_numbers_of_its_formula_and_adds_its_terms_one_by_one(tab):
    page = tab()
    network, X, y = moons_at_first()
    grads = gradients(network, X[:1], y[:1])
    walk_to(page, "Layer 3 talks to the hidden units of layer 2")
    unit = int(np.abs(grads.h[2][0]).argmax())  # what the page begins with
    for number in (unit, 3):
        page.page.click(f'[data-vector="grad_h.2"] .cell >> nth={number}')
        assert cells(page, "grad_a.3") == pytest.approx(grads.a[3][0], rel=6e-3)
        assert cells(page, "W.3") == pytest.approx(network.W[3][:, number], rel=6e-3)
        assert cells(page, "grad_h.2") == pytest.approx(grads.h[2][0], rel=6e-3)
        terms = grads.a[3][0] * network.W[3][:, number]
        for count, total in enumerate(np.cumsum(terms), start=1):
            page.press("t")
            shown = [float(text.replace("−", "-")) for text in page.page.locator(".sum b").all_inner_texts()]
            assert shown == pytest.approx([terms[count - 1], total], rel=6e-4)
        assert "so far" not in page.text(".added")
    walk_to(page, "Through the activation of layer 2")
    assert cells(page, "slope.2") == pytest.approx(
        network.activations[1].g_prime(forward(network, X[:1]).a[2])[0], rel=6e-3
    )


def test_a_term_and_its_place_in_the_drawing_light_each_other(tab):
    page = tab()
    walk_to(page, "The pre-activations of layer 2")
    picture = "document.getElementById('overlay').toDataURL()"
    page.page.hover("#walk-title")
    before = page.page.evaluate(picture)
    page.page.hover('#walk-slide [data-at="h.1"]')
    lit = page.page.evaluate(picture)
    page.page.focus('[data-vector="W.2"] .cell[tabindex="0"]')
    assert len({before, lit, page.page.evaluate(picture)}) == 3
    box = page.page.locator("#overlay").bounding_box()
    for share in np.linspace(0.1, 0.9, 40):  # down the units of layer 2
        page.page.mouse.move(box["x"] + 0.567 * box["width"], box["y"] + share * box["height"])
        if page.page.locator('[data-vector="a.2"] .cell.lit').count():
            break
    assert page.page.locator("#tip").inner_text().startswith("Hidden unit")
    assert "a = " in page.text("#tip")
    assert "h = " not in page.text("#tip")  # it is not computed yet
    assert "∂" not in page.text("#tip")
    assert page.page.locator('#walk-slide [data-at="a.2"].lit').count() == 1
    page.page.mouse.down()
    page.page.mouse.up()  # chooses the unit whose sum is shown
    assert page.page.locator('[data-vector="a.2"] .cell[aria-pressed="true"].lit').count() == 1
    assert page.page.locator("#derivation-value").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_drawing_and_slide_stay_on_the_screen_together(tab, width, height):
    """Also of a network whose vectors do not fit into a line, with all terms of each sum."""
    page = tab("#data=digits&layers=32,32", width=width, height=height)
    page.page.click("#walk-on")
    page.page.wait_for_selector("#walk-slide h3")
    count = int(page.text("#walk-at").split()[-1])
    for at in range(count):
        page.wait_until("document.getElementById('walk-at').textContent === v[0]", f"{at + 1} of {count}")
        hidden = page.page.evaluate("""() => {
            const page = document.documentElement, walk = document.getElementById("walk");
            document.getElementById("term-all")?.click();
            const boxes = ["drawing", "walk"].map((id) => document.getElementById(id).getBoundingClientRect());
            const below = boxes.map((box) => Math.max(0, box.bottom - innerHeight, -box.top, 150 - box.height));
            return [page.scrollHeight - innerHeight, page.scrollWidth - innerWidth,
                    walk.scrollHeight - walk.clientHeight, ...below];
        }""")
        assert hidden == [0, 0, 0, 0, 0], page.text("#walk-slide h3")
        page.press("n")
    page.page.click("#start-open")  # there is a way to another beginning
    page.page.wait_for_selector("#start:not([hidden])")


# The derivation


def test_the_answer_stands_above_its_derivation_and_says_what_it_means(tab):
    page = tab()
    value = page.explain("W[1,2,1]")
    network, X, y = moons_at_first()
    moved = dict(network.W)
    moved[1] = moved[1].copy()
    moved[1][1, 0] += 0.01
    change = gradients(network.replace(moved.values(), network.b.values()), X[:1], y[:1]).loss
    change -= gradients(network, X[:1], y[:1]).loss
    said = page.text(".in-short p")
    assert said.startswith("If W₁,₂,₁ were 0.01 larger")
    assert said.endswith("larger." if value > 0 else "smaller.")
    assert float(said.split("about ")[1].split()[0].replace("·10⁻⁴", "e-4")) == pytest.approx(abs(change), rel=0.05)
    short = page.page.locator(".in-short .formula").evaluate_all("all => all.map(one => one.dataset.latex)")
    assert short == page.page.locator(".steps > li:last-child").last.locator(".formula").evaluate_all(
        "all => all.map(one => one.dataset.latex)"
    )


def test_what_is_said_of_a_number_set_by_hand_moves_no_button(tab):
    page = tab("#quantity=W[1,2,1]&color=value")
    page.page.wait_for_selector("#by-hand:not([hidden])")
    before = page.page.locator("#by-hand-double").bounding_box()
    page.page.click("#by-hand-double")
    page.page.wait_for_selector("#by-hand-effect b")
    assert page.page.locator("#by-hand-double").bounding_box() == before


def test_a_browser_that_is_too_old_is_told(tab):
    drawn = "addEventListener('DOMContentLoaded', () => (document.documentElement.dataset.step = 'none'))"
    page = tab(script=f"CSS.supports = () => false; {drawn};")
    assert "no colours by light-dark()" in page.text("#notice")


# Files


def test_the_refusal_of_a_second_file_goes_once_the_first_is_there(tab, tmp_path):
    path = tmp_path / "shapes.csv"
    path.write_text(TABLE)
    page = tab()
    waiting = []

    def hold(route) -> None:
        if not waiting:
            waiting.append(route)
        else:
            route.fulfill(status=429, json={"error": "Another file is still coming in: wait until it is there."})

    page.page.route("**/upload?*", hold)
    page.page.set_input_files("#file", path)
    page.page.set_input_files("#file", path)
    page.page.wait_for_selector("#file-error:not([hidden])")
    waiting[0].continue_()
    page.page.wait_for_selector("input[name=data][value='file:1']:checked", state="attached")
    assert page.page.locator("#file-error").is_hidden()
    page.forgive("status of 429")


def test_a_file_of_the_user_is_learned_and_not_put_in_an_address(tab, tmp_path):
    path = tmp_path / "shapes.csv"
    path.write_text(TABLE)
    page = tab()
    page.page.set_input_files("#file", path)
    page.wait_until("document.getElementById('network-said').textContent.includes('→ 2,')")
    page.page.wait_for_selector("input[name=data][value='file:1']:checked", state="attached")
    assert "shapes.csv" in page.text("#data")
    page.page.click("#step")
    page.wait_for_step(1)
    page.page.select_option("#target", "height")
    page.page.wait_for_selector("input[name=data][value='file:2']:checked", state="attached")
    other = tab(page.page.url[page.page.url.index("#") :])
    assert "cannot be in an address" in other.text("#notice")


def test_wrong_files_are_refused_with_a_sentence(tab, tmp_path):
    page = tab()
    for name, content, said in [
        ("notes.txt", b"hello", "notes.txt is none of"),
        ("empty.csv", b"", "empty.csv"),
        ("broken.npz", b"PK no archive", "broken.npz"),
        ("large.csv", b"0" * (33 * 2**20), "33 MB"),
    ]:
        path = tmp_path / name
        path.write_bytes(content)
        page.page.set_input_files("#file", path)
        page.wait_until("document.getElementById('file-error').textContent.includes(v[0])", said)
    assert page.page.locator("input[value=moons]").is_checked()
    page.forgive("status of 4")  # the browser notes each refusal


# Connections


def test_a_page_comes_back_to_its_training_after_the_connection_dropped(tab):
    sockets = []

    def pass_on(socket):
        socket.connect_to_server()
        sockets.append(socket)

    page = tab(pass_on=pass_on)
    page.page.click("#step")
    page.wait_for_step(1)
    sockets[0].close(code=1001)
    page.page.wait_for_selector("#notice.warning:not([hidden])")
    page.page.wait_for_selector("#notice", state="hidden")
    assert page.step == 1
    page.page.click("#step")
    page.wait_for_step(2)
    assert len(sockets) == 2


def test_a_page_comes_back_after_the_server_was_started_anew(tab, tmp_path):
    lab = Lab(tmp_path)
    path = tmp_path / "shapes.csv"
    path.write_text(TABLE)
    try:
        page = tab("#data=circles&layers=5&activation=tanh&noise=0.05&seed=3", lab=lab)
        page.page.set_input_files("#file", path)
        page.page.wait_for_selector("input[value='file:1']:checked", state="attached")
        page.page.click("#step")
        page.wait_for_step(1)
        lab.stop()
        page.page.wait_for_selector("#notice.warning:not([hidden])")
        assert page.page.locator("#run").is_disabled()
        lab.start()
        page.page.wait_for_selector("#notice.note:not([hidden])")
        assert "training begins anew" in page.text("#notice")
        page.wait_for_step(0)
        assert "2 → 5 → 2" in page.text("#network-said")
        assert page.page.locator("input[value='file:1']").is_checked()  # it was sent again
        page.page.click("#step")
        page.wait_for_step(1)
        lab.stop()
        (tmp_path / "backtalk" / "lab-token").unlink()
        lab.start()  # now with another token
        page.wait_until("document.getElementById('notice').textContent.startsWith('The token in the address')")
        page.forgive("WebSocket connection", "status of 403", "ERR_CONNECTION_REFUSED")
    finally:
        lab.stop()


def test_a_wrong_token_is_told(tab):
    page = tab()
    wrong = re.sub(r"token=[^#]*", "token=wrong", page.page.url)
    page.page.goto(wrong)
    assert "token" in page.text("body")
    page.forgive("status of 40")


def test_two_tabs_have_a_network_each(tab):
    one, other = tab(), tab("#data=wine&layers=4&activation=relu")
    one.page.click("#step")
    one.wait_for_step(1)
    other.page.click("#run")
    other.wait_beyond(20)
    one.page.click("#step")
    one.wait_for_step(2)
    assert "2 → 8 → 8 → 2" in one.text("#network-said")
    assert "13 → 4 → 3" in other.text("#network-said")


def test_an_address_that_asks_for_what_there_is_not_begins_all_the_same(tab):
    page = tab("#data=moons&layers=9999&example=5000&color=red&quantity=W[7,7,7]")
    assert "9999" in page.text("#notice")
    assert "2 → 8 → 8 → 2" in page.text("#network-said")
    page.page.wait_for_selector("#explain-error:not([hidden])")
    page.page.click("#step")
    page.wait_for_step(1)


@pytest.mark.parametrize(
    ("fragment", "sizes"),
    [("#layers=16", "2 → 16 → 2"), ("#data=digits&layers=16", "64 → 16 → 10"), ("#layers=", "2 → 2")],
)
def test_an_address_need_not_name_an_activation_for_each_of_its_layers(tab, fragment, sizes):
    page = tab(fragment)
    assert page.text("#network-said").startswith(sizes + ",")
    assert page.page.locator("#notice").is_hidden()
    assert page.page.input_value("#activation") == "tanh"


def test_an_address_of_many_letters_is_refused_and_the_page_goes_on(tab):
    for fragment in ["#data=" + "m" * 70_000, "#data=moons&optimizer=" + "o" * 70_000]:
        page = tab(fragment)
        page.page.wait_for_selector("#notice:not([hidden])")
        assert len(page.text("#notice")) < 300
        assert "2 → 8 → 8 → 2" in page.text("#network-said")
        page.page.click("#step")
        page.wait_for_step(1)


def test_a_message_longer_than_the_lab_takes_is_not_sent(tab):
    page = tab()
    page.page.fill("#quantity", "W" * 70_000)
    page.page.press("#quantity", "Enter")
    page.page.wait_for_selector("#explain-error:not([hidden])")
    assert "65536" in page.text("#explain-error")
    assert page.overflow() == 0
    page.page.click("#step")
    page.wait_for_step(1)  # the connection holds
    assert page.page.locator("#notice").is_hidden()


def test_a_connection_that_ended_for_a_long_message_is_not_tried_again(tab):
    sockets = []

    def pass_on(socket):
        socket.connect_to_server()
        sockets.append(socket)

    page = tab(pass_on=pass_on)
    sockets[0].close(code=1009)
    page.wait_until("document.getElementById('notice').textContent.includes('more at once than it takes')")
    assert page.page.locator("#run").is_disabled()


def test_what_is_said_of_a_learning_rate_is_of_the_one_written_last(tab):
    page = tab()

    def write(rate: str) -> None:
        page.page.fill("#rate", rate)
        page.page.press("#rate", "Enter")

    def wait_for(said: str) -> None:
        page.wait_until("document.getElementById('configure-error').textContent.includes(v[0])", said)

    write("1e300")
    wait_for("1e+300")
    write("-1")
    wait_for("-1 is not above 0")
    assert "1e+300" not in page.text("#configure-error")
    assert page.page.input_value("#rate") == "0.03"
    write("0.01")
    page.page.wait_for_selector("#configure-error", state="hidden")
    assert "rate=0.01&" in page.page.url


# Who it works for


def test_everything_by_the_keyboard(tab):
    page = tab()
    page.press("s")
    page.wait_for_step(1)
    page.press("Space")
    page.wait_beyond(5)
    page.press("Space")
    page.wait_until("document.getElementById('run').textContent === 'Run'")
    page.press("c")
    page.wait_until("location.hash.includes('color=gradient')")
    page.press("?")
    page.page.wait_for_selector("#help[open]")
    page.press("Escape")
    page.press("r")
    page.wait_for_step(0)
    for _ in range(60):
        page.press("Tab")
        if page.page.evaluate("document.activeElement.id") == "overlay":
            break
    page.press("ArrowLeft")
    page.wait_until("document.getElementById('selected').textContent.startsWith('Hidden unit')")
    page.press("ArrowLeft")
    page.press("ArrowDown")
    page.press("w")
    page.press("w")
    page.wait_until("document.getElementById('selected').textContent.startsWith('Weight W')")
    page.press("Enter")
    page.page.wait_for_selector("#derivation-value")
    quantity = page.page.input_value("#quantity")
    unit = int(re.fullmatch(r"W\[1,(\d),2\]", quantity)[1])  # pyright: ignore
    network, X, y = moons_at_first()
    expected = gradients(network, X[:1], y[:1]).W[1][unit - 1, 1]
    assert page.explained(quantity) == pytest.approx(float(expected), rel=1e-12)
    page.press("Escape")
    page.wait_until("!location.hash.includes('quantity')")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_phone(tab, dark):
    page = tab("#data=digits&layers=32,32&activation=relu&rate=0.003", width=390, dark=dark)
    assert page.overflow() == 0
    page.page.click("#settings-summary")
    page.explain("W[1,2,3]")
    page.page.click("#diagnose")
    page.page.wait_for_selector("#findings .finding, #findings .healthy")
    assert page.overflow() == 0
    page.page.click("#walk-on")
    page.page.wait_for_selector("#walk-slide .katex")
    assert page.overflow() == 0
    background = page.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", background))) < 60) == dark


def test_a_network_too_large_to_draw_says_so(tab):
    page = tab("#data=digits&layers=512,512&activation=relu&rate=0.001")
    assert "drawn in part" in page.text("#drawn-note")
    page.page.click("#step")
    page.wait_for_step(1)


def test_a_derivation_in_an_address_is_opened(tab):
    page = tab("#data=moons&layers=8,8&activation=tanh&noise=0.1&seed=0&example=5&color=gradient&quantity=h[1,2]")
    network, X, y = moons_at_first()
    expected = gradients(network, X[5:6], y[5:6]).h[1][0, 1]
    assert page.explained("h[1,2]") == pytest.approx(float(expected), rel=1e-12)
    assert page.page.locator("input[value=gradient]").is_checked()
    assert page.page.input_value("#example") == "6"  # the page counts from 1, an address from 0


# Many classes, and long names


def table_of(classes: list[str]) -> str:
    """Two numbers and a class in each row, the classes beside one another in the plane."""
    rows = [f"{i % len(classes) % 6 + i % 11 / 20},{i % len(classes) // 6 + i % 13 / 20}" for i in range(300)]
    return "width,height,kind\n" + "".join(f"{row},{classes[i % len(classes)]}\n" for i, row in enumerate(rows))


def uploaded(page: Tab, path: Any, classes: list[str]) -> None:
    path.write_text(table_of(classes))
    if page.page.locator("#settings").get_attribute("open") is None:
        page.page.click("#settings-summary")
    page.page.set_input_files("#file", path)
    page.wait_until("document.getElementById('network-said').textContent.includes(v[0])", f"→ {len(classes)},")
    page.wait_for_step(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_long_names_of_classes_are_cut_where_they_differ(tab, tmp_path, width):
    page = tab(width=width)
    uploaded(page, tmp_path / "long.csv", ["x" * 60 + "a" * 140, "x" * 60 + "b" * 140, "y" * 200])
    page.page.wait_for_selector("#example-said .name")
    assert page.overflow() == 0
    keys = page.page.locator("#surface-legend .key")
    shown = [text[1:] for text in keys.all_inner_texts()]  # after the mark
    assert len(set(shown)) == 3
    assert shown[0].strip().startswith("xxx…aaa")
    assert shown[1].strip().startswith("xxx…bbb")
    assert keys.nth(2).get_attribute("title").startswith("y" * 60)
    assert max(map(len, page.page.locator("#example-said .name").all_inner_texts())) <= 30
    page.explain("a[3,1]")
    assert page.overflow() == 0


def test_thirty_classes_have_a_mark_each(tab, tmp_path):
    page = tab()
    uploaded(page, tmp_path / "thirty.csv", [f"kind of thing number {k}" for k in range(30)])
    keys = page.page.locator("#surface-legend .key")
    marks = keys.evaluate_all("keys => keys.map(key => key.className + key.firstChild.textContent)")
    assert len(marks) == len(set(marks)) == 30
    assert len(set(keys.all_inner_texts())) == 30
    assert keys.nth(29).get_attribute("title") == "kind of thing number 9"  # in the order of the alphabet


def test_on_a_phone_the_answer_stands_alone_and_steps_unfold_one_talk_at_a_time(tab):
    page = tab("#quantity=W[1,2,1]", width=390)
    page.page.wait_for_selector("#derivation .in-short .katex:visible")
    assert page.page.locator("#derivation details[open]").count() == 0
    page.page.click("#derivation .talk-group:last-child summary")
    page.page.click("#step")
    page.wait_for_step(1)
    page.page.wait_for_selector("#derivation .talk-group:last-child[open]")
    page = tab("#quantity=W[1]", width=390)  # no number that could stand above: its last step is open
    page.page.wait_for_selector("#derivation .talk-group:last-child[open]")
    assert page.page.locator("#derivation details[open]").count() == 1


def test_a_lab_that_takes_its_time_is_said_to_be_waited_for(lab_process, tab):
    page = tab().page
    waiting = page.context.new_page()
    waiting.route_web_socket(lambda _: True, lambda _: None)  # nobody answers
    waiting.goto(lab_process.address)
    waiting.wait_for_selector("#notice:not([hidden])")
    assert waiting.inner_text("#notice") == "Connecting…"
    assert page.locator("#notice").is_hidden()


def test_long_formulas_scroll_in_their_own_box_on_a_phone(tab):
    page = tab("#data=digits&layers=16,16&activation=relu&rate=0.003", width=390)
    for quantity in ["W[2,3,4]", "W[2]"]:
        page.page.fill("#quantity", quantity)
        page.page.press("#quantity", "Enter")
        page.page.wait_for_selector(f'#derivation[data-quantity="{quantity}"] .formulas', state="attached")
        page.page.evaluate("document.querySelectorAll('#derivation details').forEach(group => { group.open = true; })")
        assert page.overflow() == 0
        boxes = page.page.locator("#derivation .formulas").evaluate_all(
            "boxes => boxes.map(box => [box.getBoundingClientRect().right, box.scrollWidth - box.clientWidth])"
        )
        assert max(right for right, _ in boxes) <= 390
        assert max(more for _, more in boxes) > 0
        scrolled = page.page.locator("#derivation .formulas").evaluate_all(
            "boxes => boxes.map(box => { box.scrollLeft = 9999; return box.scrollLeft; })"
        )
        assert max(scrolled) > 0


# The first minute


def test_each_door_of_the_start_card_leads_into_an_example_that_is_under_way(tab):
    page = tab()
    assert page.page.locator("#start").is_visible()
    page.page.click("[data-door=learn]")
    page.wait_beyond(3)
    page.page.click("#start-open")
    page.page.click("[data-door=walk]")
    page.page.wait_for_selector("#walk-slide .katex")
    page.wait_until("document.getElementById('network-said').textContent.startsWith('2 → 2 → 2,')")
    page.page.click("#start-open")
    page.page.wait_for_selector("body:not(.walking) #start")
    page.explain("W[1,2,1]")
    page.page.click("#walk-on")
    page.page.wait_for_selector("body.walking")
    assert page.page.locator("#derivation-value").count() == 0  # its paths would hide what the slide lights
    page.page.click("#start-open")  # the walk hid the open card
    page.page.click("[data-door=explain]")
    assert page.explained("W[1,1,1]") == pytest.approx(-9 / 16)
    assert page.page.locator("#start").is_hidden()
    assert page.page.url.endswith("quantity=W[1,1,1]&start=explain")


def test_the_address_remembers_the_start_card(tab):
    page = tab("#start=explain")
    assert page.explained("W[1,1,1]") == pytest.approx(-9 / 16)
    page.page.click("#start-open")
    page.page.reload()
    page.page.wait_for_selector("#start:not([hidden])")
    page.page.click("#start-close")
    page.page.reload()
    page.page.wait_for_selector("html[data-step]")
    assert page.page.locator("#start").is_hidden()
    assert page.page.evaluate("location.hash").startswith("#data=worked&layers=2&")


def test_the_loss_of_the_run_before_stays_where_it_can_be_compared(tab):
    page = tab("#data=xor&optimizer=adam")
    page.page.click("#step")
    page.wait_for_step(1)
    page.page.select_option("#optimizer", "sgd(momentum=0.0)")
    page.wait_until("document.getElementById('run-before').textContent.includes('the run before (adam)')")
    page.page.check("input[value=and]")
    page.page.wait_for_selector("#run-before", state="hidden")


def test_a_weight_is_set_as_a_number_with_the_slider_and_by_dragging(tab):
    page = tab("#start=explain")
    page.page.click("#by-hand-double")
    page.wait_until("document.getElementById('by-hand-effect').textContent.includes('lower')")
    page.wait_until("document.getElementById('example-said').textContent.includes('ℒ = 0.671')")
    assert page.text("#by-hand-was") == "before 2"
    page.page.click("#by-hand-back")
    page.wait_until("document.getElementById('by-hand-before').hidden")
    page.wait_until("document.getElementById('example-said').textContent.includes('ℒ = 1.39')")
    assert page.page.input_value("#by-hand-value") == "2"
    page.page.click("#by-hand-double")
    page.wait_until("document.getElementById('by-hand-effect').textContent.includes('lower')")
    page.page.fill("#by-hand-value", "2")
    page.page.press("#by-hand-value", "Enter")
    page.wait_until("Number(document.getElementById('derivation-value').value) === -0.5625")
    page.page.fill("#by-hand-value", "1e308")
    page.page.press("#by-hand-value", "Enter")
    page.wait_until("document.getElementById('by-hand-effect').textContent.includes('expected a number')")
    assert page.page.input_value("#by-hand-value") == "2"
    page.page.focus("#by-hand-slider")
    page.press("ArrowRight")
    page.wait_until("Number(document.getElementById('by-hand-value').value) > 2")
    box = page.page.locator("#overlay").bounding_box()
    x, y = box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2
    for share in np.linspace(0.2, 0.7, 40):  # from above, until a weight of the first layer lies under the pointer
        y = box["y"] + share * box["height"]
        page.page.mouse.move(x, y)
        if page.page.locator("#overlay.over").count():
            break
    page.page.mouse.down()
    page.page.mouse.move(x, y - 40, steps=4)
    page.page.mouse.up()
    said = page.text("#example-said")
    page.page.click("#reset")
    page.wait_until("document.getElementById('example-said').textContent.includes('ℒ = 1.39')")
    assert "ℒ = 1.39" not in said
    assert page.page.input_value("#quantity") == "W[1,1,1]"  # a drag is no click


def test_play_goes_on_by_itself_until_it_is_paused(tab):
    page = tab("#data=xor&layers=3")
    page.page.select_option("#pace", "10")
    page.press("y")
    page.wait_beyond(2)
    assert page.text("#play") == "Pause"
    page.press("y")
    page.page.wait_for_selector("#findings .finding, #findings .healthy")
    before, after = page.text("#readout-loss dd").split(" → ")
    assert float(after) < float(before)
    assert page.text("#readout-score dt").startswith("accuracy on the training rows")
    assert "none held out" in page.text("#data-said")


def test_every_setting_and_every_choice_is_explained_on_focus(tab):
    page = tab()
    page.page.evaluate("document.querySelectorAll('details.more').forEach(more => { more.open = true; })")
    page.page.focus("#run")
    page.press("Tab")
    for name in ("optimizer", "schedule", "initialization", "activation", "output-function", "loss-function"):
        select = page.page.locator(f"#{name}")
        select.focus()
        page.page.wait_for_selector("#hint:not([hidden])")
        assert select.get_attribute("aria-describedby") == "hint"
        for value in select.locator("option").evaluate_all("options => options.map(option => option.value)"):
            explained = """([id, value]) => {
                const select = document.getElementById(id), before = select.value;
                select.value = value;
                document.dispatchEvent(new Event("change"));
                select.value = before;
                return document.querySelectorAll("#hint p").length;
            }"""
            assert page.page.evaluate(explained, [name, value]) == 2, (name, value)
    page.press("Escape")
    assert page.page.locator("#hint").is_hidden()
    page.page.hover("#data-said .term")
    page.page.wait_for_selector("#hint:not([hidden])")
    assert "never learns from" in page.text("#hint")


# Side by side


def test_two_networks_are_compared_and_the_one_comes_back(tab):
    page = tab("#data=moons&layers=3")
    page.page.click("#step")
    page.wait_for_step(1)
    page.page.click("#compare-open")
    page.wait_until("location.hash === '#compare=vanishing'")
    page.wait_for_step(0)
    assert page.page.locator("#network").is_hidden()
    assert page.text("#compare-left .side-told") == "sigmoid"
    assert page.text("#compare-right .side-told") == "tanh"
    page.page.click("#run")
    page.wait_beyond(200)
    page.page.click("#run")
    page.wait_until("document.getElementById('run').textContent === 'Run'")
    left, right = (float(page.text(f"#compare-{side} .side-score").rstrip(" %")) for side in ("left", "right"))
    assert left < 70 < 85 < right
    assert page.text("#compare-loss-keys").startswith("left: sigmoid, mini-batches")
    said = r"Right \(tanh\) reached a loss of (\S+) on held-out rows by step (\d+), left \(sigmoid\) has not yet\."
    found = re.fullmatch(said, page.text("#compare-reached"))
    assert found
    level, step = float(found[1]), int(found[2])
    (each,) = (each for each in PREPARED if each.name == "vanishing")
    pair = Pair(
        compared_settings(dict(zip(("left", "right"), each.sides(), strict=True)), Settings(), SETS),
        named_data("moons", 0.1),
    )
    pair.advance(step)
    left, right = (side.trainer.validation_loss() or 0 for side in pair.sides)
    assert right <= level < left
    page.page.click("#compare-open")
    page.wait_until("location.hash.startsWith('#data=moons&layers=3')")
    page.wait_for_step(1)
    assert page.page.locator("#network").is_visible()
    page.page.go_back()
    page.wait_until("location.hash === '#compare=vanishing'")
    page.wait_for_step(0)


def test_a_comparison_of_one_s_own_is_in_the_address_and_what_differs_is_marked(tab):
    page = tab("#compare=momentum")
    page.wait_until("document.querySelector('#compare-right .side-told').textContent === 'momentum'")
    page.page.select_option("#compare-right-optimizer", "lion")
    page.page.fill("#compare-right-layers", "4, 3")
    page.page.press("#compare-right-layers", "Enter")
    page.wait_until("location.hash.includes('right.layers=4,3')")
    said = page.page.evaluate("location.hash")
    assert "right.optimizer=lion" in said
    assert "left.optimizer=sgd" in said
    assert "&data=moons" in said
    assert page.page.locator(".side-row.differs").count() == 2
    page.page.fill("#compare-left-rate", "0")
    page.page.press("#compare-left-rate", "Enter")
    page.wait_until("document.getElementById('compare-error').textContent.startsWith('On the left, rate is 0')")
    assert page.page.input_value("#compare-left-rate") == "0.03"
    again = tab(said)
    again.wait_until("document.querySelector('#compare-right .side-told').textContent === v[0]", "layers 4, 3, lion")
    again.page.click("#step")
    again.wait_for_step(1)


def test_a_loss_plane_is_drawn_at_a_pause(tab):
    page = tab("#compare=valley")
    for step in (1, 2, 3):
        page.page.click("#step")
        page.wait_for_step(step)
    page.page.wait_for_selector("#planes canvas:visible")
    page.wait_until("document.querySelector('#planes canvas').getAttribute('aria-label').includes('at point 3 of 3')")
    assert page.page.locator("#plane-lines canvas:visible").count() == 2


def test_side_by_side_fits_a_phone(tab):
    page = tab("#compare=symmetry", width=390)
    page.wait_for_step(0)
    page.page.wait_for_selector("#compare-left .units:visible")
    assert page.overflow() <= 0
    left, right = (page.page.locator(f"#compare-{side}").bounding_box() for side in ("left", "right"))
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]
    assert page.page.locator("#compare-form").is_hidden()
    own = page.page.locator("#compare-prepared label:last-child")
    assert own.bounding_box()["x"] + own.bounding_box()["width"] <= 390  # in sight while the others scroll
    own.click()
    page.wait_until("location.hash.startsWith('#compare=own')")
    page.page.wait_for_selector("#compare-form:visible")
    settings = page.page.locator("#compare-settings").bounding_box()
    assert settings["y"] < page.page.locator("#compare-left").bounding_box()["y"]
    assert settings["y"] < 200


def test_settings_that_are_refused_leave_the_address_and_the_button_opens_others(tab):
    page = tab("#compare=own&left.layers=9999")
    page.wait_until("document.getElementById('notice').textContent.includes('layers[0] is 9999')")
    page.wait_until("!location.hash.includes('compare')")
    page.page.click("#compare-open")
    page.wait_until("document.querySelector('#compare-left .side-told').textContent === 'sigmoid'")


def test_a_comparison_goes_before_a_door(tab):
    page = tab("#start=walk&compare=symmetry")
    page.wait_until("document.querySelector('#compare-left .side-told').textContent === 'first weights zeros'")
    page.page.click("#step")
    page.wait_for_step(1)
    assert not page.page.locator("#notice").is_visible()


def test_a_comparison_that_does_not_exist_is_told(tab):
    page = tab("#compare=apples")
    page.wait_until("document.getElementById('notice').textContent.includes('no comparison named apples')")
    page.wait_until("document.querySelector('#compare-left .side-told').textContent === 'sigmoid'")
