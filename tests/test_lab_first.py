"""The first minute in the lab: small data, every setting, numbers set by hand, and losses that say what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backtalk import Network, fit, gradients
from backtalk.analysis.diagnose.finding import Finding
from backtalk.analysis.diagnose.telemetry import Start
from backtalk.apps.lab.advice import ADVICE, for_page
from backtalk.apps.lab.answers import findings_message
from backtalk.apps.lab.datasets import named_data
from backtalk.apps.lab.settings import INITIALIZATIONS_OFFERED, OFFERED, PLAIN, Settings
from backtalk.apps.lab.trainer import Trainer
from backtalk.errors import DivergedError
from backtalk.train.schedules import SCHEDULES

WORKED = {"data": "worked", "layers": [2], "activation": "sigmoid", "optimizer": PLAIN, "rate": 1, "batch": 1}


def trainer(data: str = "xor", **settings: Any) -> Trainer:
    asked = Settings(data, **({"layers": (4,), "activation": ("tanh",)} | settings))
    return Trainer(asked, named_data(data, asked.noise))


# Data


def test_the_worked_network_is_that_of_the_notation(page):
    setup, frame, arrays = page.configure(**WORKED)
    assert (setup["network"]["sizes"], setup["rows"], setup["held_out"]) == ([2, 2, 2], 1, 0)
    assert arrays["h.0"].tolist() == [1, 2]
    assert frame["example"]["loss"] == pytest.approx(np.log(4))
    np.testing.assert_allclose(arrays["h.2"], [1 / 4, 3 / 4], rtol=1e-6)
    np.testing.assert_allclose(arrays["grad_W.1"], [[-9 / 16, -9 / 8], [9 / 32, 9 / 16]], rtol=1e-6)
    np.testing.assert_allclose(arrays["grad_W.2"], [[-3 / 8, -9 / 16], [3 / 8, 9 / 16]], rtol=1e-6)
    listed = next(each for each in page.hello["data"] if each["name"] == "worked")
    assert listed["network"] == {"layers": [2], "activation": ["sigmoid"]}
    _, _, other = page.configure(**WORKED | {"initialization": "zeros"})
    assert not other["W.1"].any()  # whoever asks for first weights gets them


def test_xor_is_learned_from_its_four_rows(page):
    setup, frame, _ = page.configure(data="xor", layers=[8], rate=0.1)
    assert (setup["rows"], setup["held_out"], frame["score"], frame["validation_loss"]) == (4, 0, None, None)
    page.say("speed", steps=200)
    page.say("run")
    while frame["training_score"] < 1:
        frame, _ = page.frame()
    assert frame["batch"]["rows"] == 4


def test_and_of_two_inputs_is_one_row_of_four(page):
    _, _, arrays = page.configure(data="and")
    assert arrays["h.0"].tolist() == [0, 0]
    assert named_data("and").y.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("table", "classes"),
    [("a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n", ["0", "1"]), ("a,b,y\n0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n", ["no", "yes"]),
     ("x,y\n0,1.5\n1,2.25\n2,3.1\n3,9.7\n", [])],
)  # fmt: skip
def test_a_table_of_four_rows_is_learned_with_none_held_out(lab, page, table, classes):
    answer = lab.upload(page.session, "four.csv", table).json()
    assert answer["rows"] == 4
    setup, frame, arrays = page.configure(data=answer["data"], layers=[3])
    assert (setup["classes"], setup["held_out"], frame["score"]) == (classes, 0, None)
    assert frame["training_score"] is not None
    assert page.step()[0]["step"] == 1
    assert ("curve" in arrays) == (not classes)


def test_a_curve_over_one_input_is_what_the_network_says(page):
    setup, frame, arrays = page.configure(data="sine", layers=[5], noise=0, seed=2)
    net, curve = Network.create([1, 5, 1], "tanh", "squared_error", rng=2), setup["curve"]
    along = np.linspace(curve["from"], curve["to"], len(arrays["curve"]))[:, None]
    from backtalk import forward

    np.testing.assert_allclose(arrays["curve"], forward(net, along).output[:, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.sin(curve["x"]), curve["y"])
    assert frame["example"]["y"] == pytest.approx(np.sin(frame["example"]["x"][0]))


# Settings


def test_plain_gradient_descent_has_no_momentum():
    run = trainer(optimizer=PLAIN, rate=0.5, batch=4)
    for _ in range(2):
        before = run.network
        run.advance()
        grads = gradients(before, run.X_training, run.y_training)
        np.testing.assert_allclose(run.network.W[1], before.W[1] - 0.5 * grads.W[1], rtol=1e-12)


def test_all_that_is_offered_trains():
    offered = {"optimizer": OFFERED, "schedule": [*SCHEDULES], "initialization": INITIALIZATIONS_OFFERED}
    for name, values in offered.items():
        for value in values:
            run = trainer("and", **{name: value})
            run.advance(2)
            assert run.step == 2
            assert (run.network.b[2] != run.start.b[2]).any(), value


def test_schedule_penalty_dropout_and_first_weights_are_those_of_fit_to_the_bit():
    run = trainer(
        "wine", activation=("relu",), optimizer="momentum", initialization="he_uniform", rate=0.05, seed=3,
        schedule="one_cycle", epochs=3, batch=25, l2_penalty=0.1, dropout=0.25,
    )  # fmt: skip
    rates = []
    while run.epochs < 3:
        rates.append(run.rate_now())
        run.advance(1)
    data = named_data("wine")
    net = Network.create([13, 4, 3], "relu", initialization="he_uniform", rng=3)
    learned = fit(
        net, data.X[data.training], data.y[data.training], epochs=3, batch_size=25, rng=3, schedule="one_cycle",
        optimizer="momentum(learning_rate=0.05)", l2_penalty=0.1, dropout=0.25,
    )  # fmt: skip
    np.testing.assert_array_equal(run.network.W[1], learned.network.W[1])
    assert rates[0] < rates[5] > rates[-1]
    assert run.recorder.telemetry.losses == pytest.approx(learned.losses, rel=1e-12)


def test_a_rate_chosen_in_the_middle_keeps_its_schedule():
    run = trainer(schedule="exponential(factor=0.5)", rate=0.4)
    run.advance(2)  # an epoch has one step
    run.set_rate(0.8)
    assert run.rate_now() == pytest.approx(0.8 / 4)


# Losses that say what they are


@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_the_loss_after_a_step_is_the_loss_before_the_next_on_the_same_rows(penalty):
    run = trainer(optimizer="gd", rate=0.1, l2_penalty=penalty)
    assert np.isnan(run.loss_before)
    first = run.loss_after()
    for count in (1, 1, 5):
        run.advance(count)
        after = run.loss_after()
        assert after < run.loss_before <= first
        first = after
    before = run.loss_after()
    run.advance()
    assert run.loss_before == pytest.approx(before, rel=1e-12)


def test_the_loss_after_a_step_has_the_units_silent_that_the_step_had():
    run = trainer("wine", dropout=0.5, rate=1e-12, optimizer=PLAIN)
    run.advance(3)  # at such a rate nothing moves
    assert run.loss_after() == pytest.approx(run.loss_before, rel=1e-6)


# Numbers set by hand


def test_a_weight_and_a_bias_are_set_by_hand_and_a_reset_undoes_it(page):
    _, first, arrays = page.configure(**WORKED)
    page.say("set", quantity="W[1,1,1]", value=4)
    frame, changed = page.frame()
    assert changed["W.1"].tolist() == [[4, -1], [-4, 2]]
    assert changed["a.1"][0] == 2
    assert frame["edits"] == 1
    assert frame["example"]["loss"] == frame["batch"]["after"] != first["example"]["loss"]
    assert frame["before_by_hand"] == {"W[1,1,1]": arrays["W.1"][0, 0]}
    page.say("set", quantity="b[2,2]", value=-0.5)
    frame, changed = page.frame()
    assert changed["b.2"].tolist() == [0, -0.5]
    page.say("explain", quantity="W[1,1,1]")
    assert page.until("derivation")["paths"]["value"] == pytest.approx(float(changed["grad_W.1"][0, 0]), rel=1e-6)
    stepped, after = page.step()
    np.testing.assert_allclose(after["W.1"], changed["W.1"] - changed["grad_W.1"], rtol=1e-6)
    assert frame["before_by_hand"].keys() == {"W[1,1,1]", "b[2,2]"}
    assert stepped["before_by_hand"] == {}
    page.say("reset")
    frame, again = page.frame()
    assert frame["edits"] == 0
    np.testing.assert_array_equal(again["W.1"], arrays["W.1"])


def test_an_input_is_set_by_hand_for_the_shown_example_alone(page):
    _, first, _ = page.configure(data="xor", layers=[3], batch=4)
    page.say("set", quantity="x[2]", value=0.5)
    frame, arrays = page.frame()
    assert arrays["h.0"].tolist() == [0, 0.5]
    assert frame["example"]["edited"]
    assert frame["example"]["x"] == [0, 0.5]
    assert frame["batch"] == first["batch"]  # the data stay
    assert frame["before_by_hand"] == {"x[2]": 0}
    page.say("explain", quantity="x[2]")
    assert page.until("derivation")["paths"]["value"] == pytest.approx(float(arrays["grad_h.0"][1]), rel=1e-6)
    page.say("example", row=1)
    frame, arrays = page.frame()
    assert not frame["example"]["edited"]
    assert arrays["h.0"].tolist() == [0, 1]
    page.say("reset")
    page.frame()
    page.say("example", row=0)
    assert page.frame()[1]["h.0"].tolist() == [0, 0]


def test_the_optimizer_s_state_outlives_a_number_set_by_hand():
    run, same = trainer(optimizer="momentum", batch=4), trainer(optimizer="momentum", batch=4)
    run.advance(2)
    same.advance(2)
    run.set_by_hand(0, "W[1,1,1]", float(run.network.W[1][0, 0]))
    run.advance(3)
    same.advance(3)
    np.testing.assert_array_equal(run.network.W[1], same.network.W[1])


def test_the_doctor_does_not_blame_training_for_a_weight_set_by_hand(page):
    page.configure(**WORKED)
    page.say("set", quantity="W[1,1,1]", value=1e5)
    page.frame()
    page.say("diagnose")
    kinds = {finding["kind"] for finding in page.until("findings")["findings"]}
    assert not kinds & {"learning_rate_too_high", "missing_classes"}


def test_the_doctors_record_begins_with_the_network_as_it_was_left_by_hand():
    run = trainer()
    run.advance(3)
    run.set_by_hand(0, "W[1,1,1]", 5.0)
    left = run.network
    run.advance(run.loop.steps_per_epoch)
    assert run.recorder.telemetry.start == Start.of(left) != Start.of(run.network)
    assert run.recorder.telemetry.epochs == 1


def test_the_advice_after_divergence_does_not_contradict_itself():
    run = trainer(layers=(8,), activation=("relu",), optimizer=PLAIN, rate=300, loss="squared_error")
    with pytest.raises(DivergedError):
        run.advance(1000)
    found = findings_message(run, run.network, run.recorder.telemetry)["findings"]
    assert "learning_rate_too_high" in {finding["kind"] for finding in found}
    advice = " ".join(finding["advice"] for finding in found)
    assert "a Learning rate of 30:" in advice
    assert "a Learning rate of 3000" not in advice
    assert "Choose relu" not in advice


@pytest.mark.parametrize(("data", "in_file"), [("moons", False), ("file:1", True)])
@pytest.mark.parametrize(("classes", "huber"), [(True, False), (False, True)])
def test_advice_fits_the_data_and_the_task(data, in_file, classes, huber):
    found = Finding("dominating_examples", "severe", 2.0, "", "", "", {"classes": classes})
    advice = for_page(found, Settings(data)).advice
    assert ("Your file" in advice, "huber" in advice) == (in_file, huber)


def test_nobody_is_told_to_change_a_built_in_set():
    for kind in ADVICE:
        assert "Your file" not in for_page(Finding(kind, "note", 1.0, "", "", "", {"classes": 0}), Settings()).advice


# What is refused


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"optimizer": "gd(armijo=0.0001)"}, "which searches for its steps: choose one that takes them at a rate."),
        ({"optimizer": "adam(learning_rate=0.5)"}, "expected it without its learning rate: send that as rate."),
        ({"optimizer": "sgd(momentum=2)"}, "Momentum of sgd is 2"),
        ({"optimizer": 3}, "Optimizer is '3', which is not known"),
        ({"initialization": "glorot_unifrom"}, "did you mean 'glorot_uniform'?"),
        ({"initialization": "constant"}, "which lacks value: expected constant(value=number)."),
        ({"schedule": "cosin"}, "did you mean 'cosine'?"),
        ({"schedule": "auto"}, "Schedule is 'auto', which is not known"),
        ({"schedule": 3}, "Schedule is 3, expected a name such as 'cosine'."),
        ({"schedule": "one_cycle", "batch": 400, "epochs": 1}, "train for more epochs"),
        ({"epochs": 0}, "Epochs is 0, expected a whole number from 1 to 100000."),
        ({"l2_penalty": -1}, "l2_penalty is -1"),
        ({"l2_penalty": "much"}, "l2_penalty is 'much', expected a number."),
        ({"dropout": 1}, "Dropout is 1.0, expected a number from 0 to 0.99."),
        ({"type": "set", "quantity": "W[1,1,1]"}, "Value is None, expected a number."),
        ({"type": "set", "quantity": "W[1,1,1]", "value": 1e9}, "expected a number from -1e+06 to 1e+06."),
        ({"type": "set", "quantity": "W[1,9,1]", "value": 1}, "W[1,1,1] to W[1,8,2] are there"),
        ({"type": "set", "quantity": "W[1]", "value": 1}, "which is several numbers: expected one"),
        ({"type": "set", "quantity": "h[1,1]", "value": 1}, "which is computed: expected a weight such as 'W[1,1,1]'"),
        ({"type": "set", "quantity": "yhat[1]", "value": 1}, "which is computed"),
        ({"type": "set", "quantity": {"a": 1}, "value": 1}, "expected a text such as 'W[1,1,1]'."),
        ({"type": "set", "quantity": "W" * 9999, "value": 1}, "expected a text such as 'W[1,1,1]'."),
        ({"type": "set", "value": 1}, "Quantity is None"),
        ({"type": "set", "number": 1}, "it takes quantity, value"),
    ],
)
def test_a_wrong_message_is_refused_and_changes_nothing(page, message, said):
    _, _, before = page.configure()
    page.socket.send_json({"type": "configure"} | message)
    answer = page.hear()
    assert answer["type"] == "error"
    assert said in answer["message"]
    assert len(answer["message"]) < 400
    page.say("example", row=0)
    frame, arrays = page.frame()
    assert frame["edits"] == 0
    for name, array in before.items():
        np.testing.assert_array_equal(arrays[name], array)
