"""One update of one weight, derived: every line is true, and the last one is the optimizer's own step."""

from __future__ import annotations

import json
import re
import subprocess
from xml.etree import ElementTree

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, Network, UnknownNameError, explain_step, fit, gradients
from backtalk.core.optimizers import OPTIMIZERS, as_any_optimizer
from backtalk.engines.steps import StepState
from backtalk.teaching.derivations import write
from backtalk.teaching.derivations.update.rules import RULES
from limits import LIMIT

NETWORK = Network.create([2, 3, 2], "tanh", rng=0)
X = np.array([[1.0, -2.0], [0.5, 1.0], [2.0, 2.0], [-1.0, 0.3]])
Y = [0, 1, 1, 0]
SETTINGS = {
    "plain": {},
    "all": {"l2_penalty": 0.1, "clip_norm": 0.2, "schedule_factor": 0.25, "sample_weight": [1.0, 2.0, 0.5, 1.0]},
}


def state_of(optimizer, steps=5):
    """A state as training leaves it: of some updates with gradients drawn at random."""
    rng = np.random.default_rng(1)
    parameters = [*NETWORK.W.values(), *NETWORK.b.values()]
    state = optimizer.start(parameters)
    for t in range(1, steps + 1):
        drawn = [rng.normal(size=part.shape) for part in parameters]
        parameters, state = optimizer.step(parameters, drawn, state, t=t)
    return StepState(steps, state)


VARIANTS = [
    *OPTIMIZERS, "sgd(momentum=0)", "nesterov(momentum=0)", "adamw(weight_decay=0.5)", "rmsprop(centered=true)",
    "rmsprop(momentum=0.9, centered=true)",
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("quantity", ["W[1,2,1]", "b[2,1]"])
@pytest.mark.parametrize("name", VARIANTS)
def test_both_sides_of_every_line_agree_and_the_last_is_the_optimizers_step(name, quantity, settings):
    optimizer = as_any_optimizer(name)
    for state in (None, state_of(optimizer)):
        update = explain_step(NETWORK, X, Y, optimizer, quantity, state=state, **SETTINGS[settings])
        for line in update.lines:
            left, right, scale = line.both_sides
            assert abs(left - right) <= 1e-12 * scale, (line.title, left, right)
        assert update.t == (1 if state is None else 6)
        assert update.lines[-1].value == update.after
        assert update.after != update.before


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_is_that_of_training(name):
    network = NETWORK.to(np, dtype="float64")
    given = {"batch_size": 4, "optimizer": f"{name}(learning_rate=0.01)", "rng": 0, "engine": "formula"}
    given |= {"l2_penalty": 0.1, "clip_norm": 0.2}
    before = fit(network, X, Y, epochs=3, **given)
    after = fit(before.network, X, Y, epochs=1, state=before.state, **given)
    for quantity, of in (("W[1][2, 1]", after.network.W[1][1, 0]), ("b[2,1]", after.network.b[2][0])):
        update = explain_step(
            before.network, X, Y, given["optimizer"], quantity, state=before, l2_penalty=0.1, clip_norm=0.2
        )
        assert update.t == 4
        np.testing.assert_allclose(update.after, of, rtol=1e-12)


def test_the_gradient_is_that_of_the_batch_summed_over_its_examples():
    update = explain_step(NETWORK, X, Y, "sgd", "W[2,1,3]")
    grads = gradients(NETWORK, X, Y)
    assert update.gradient == float(grads.W[2][0, 2])
    assert update.loss == float(grads.loss)
    assert update.lines[1].equation.left == update.lines[1].left


def test_adam_is_told_line_by_line():
    update = explain_step(NETWORK, X[0], Y[0], "adamw", "W[1,2,1]", l2_penalty=0.1, schedule_factor=0.5)
    told = [line["formula"]["text"] for line in update.to_dict()["lines"][1:]]
    assert told == [
        "∂ℒ/∂W[1,2,1] = Σ_n δ[n] · h[n]",
        "g[1] = ∂ℒ/∂W[1,2,1] + λ₂ · θ[0]",
        "η[1] = f[1] · η",
        "m[1] = β₁ · m[0] + (1 − β₁) · g[1]",
        "v[1] = β₂ · v[0] + (1 − β₂) · g[1]²",
        "m̂[1] = m[1]/(1 − β₁¹)",
        "v̂[1] = v[1]/(1 − β₂¹)",
        "Δ[1] = −(η[1] · m̂[1])/(√v̂[1] + ε)",
        "θ[1] = (1 − η[1] · λ) · θ[0] + Δ[1]",
    ]


def test_a_bias_has_neither_penalty_nor_decay():
    told = str(explain_step(NETWORK, X, Y, "adamw", "b[1,2]", l2_penalty=0.1))
    assert "A bias has no penalty" in told
    assert "λ" not in told


def test_a_gradient_within_the_limit_is_not_scaled():
    update = explain_step(NETWORK, X, Y, "sgd", "W[1,1,1]", clip_norm=1e6)
    titles = [line.title for line in update.lines]
    assert "The norm of the whole gradient" in titles
    given = update.lines[titles.index("What the optimizer is given")]
    assert given.value == update.gradient
    assert "not clipped" in given.reason


def test_the_state_may_be_a_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    training = fit(NETWORK, X, Y, epochs=2, batch_size=4, optimizer="adam", rng=0, checkpoint=path)
    by_file, by_state = (
        explain_step(training.network, X, Y, "adam", "W[1,1,1]", state=state) for state in (path, training.state)
    )
    assert (by_file.t, by_file.after) == (by_state.t, by_state.after)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_form_is_written_and_read_back(name):
    update = explain_step(NETWORK, X, Y, name, "W[1,2,1]", state=state_of(as_any_optimizer(name)), **SETTINGS["all"])
    json.dumps(update.to_dict(), allow_nan=False)
    for form in ("text", "markdown", "latex", "slides", "html"):
        written = write(update, form, about="of the test")
        assert update.quantity.family in written
        if form in ("latex", "slides"):
            assert "[U+" not in written
            assert written.isascii()
    for formula in re.findall("<math.*?</math>", update._repr_html_()):
        ElementTree.fromstring(formula.replace("&#x2061;", ""))
    assert repr(update).startswith("Update 6 of W[1,2,1] by ")


@pytest.mark.parametrize("form", ["latex", "slides"])
def test_article_and_slides_compile(pdflatex, form, tmp_path):
    update = explain_step(NETWORK, X, Y, "adamw", "W[1,2,1]", **SETTINGS["all"])
    (tmp_path / "update.tex").write_text(write(update, form))
    run = subprocess.run(
        [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "update.tex"],
        cwd=tmp_path, capture_output=True, timeout=LIMIT,
    )  # fmt: skip
    log = run.stdout.decode(errors="replace")
    assert run.returncode == 0, log[-2000:]
    assert "Overfull \\hbox" not in log


def test_there_is_a_rule_for_every_optimizer_and_no_other():
    assert set(RULES) == set(OPTIMIZERS)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"quantity": "h[1,2]"}, InputError, "expected one weight such as"),
        ({"quantity": "W[1]"}, InputError, "expected one weight such as"),
        ({"quantity": "W[1,9,1]"}, InputError, "does not have"),
        ({"optimizer": "adm"}, UnknownNameError, "did you mean 'adam'"),
        ({"optimizer": "lbfgs"}, InputError, "searches along lines"),
        ({"optimizer": "gd(armijo=0.0001)"}, InputError, "searches along lines"),
        ({"state": "none"}, InputTypeError, "state is a int"),
        ({"state": "sgd"}, InputError, "state holds velocity, which is not of adam"),
        ({"state": "other"}, InputError, "state is of a network with other layers"),
        ({"l2_penalty": -1}, InputError, "l2_penalty is -1"),
        ({"clip_norm": "1"}, InputTypeError, "clip_norm is '1'"),
        ({"schedule_factor": np.inf}, InputError, "schedule_factor is inf"),
        ({"X": [[1.0, 2.0, 3.0]]}, InputError, "X has"),
        ({"network": Network([[[1e200] * 2] * 2], [[0, 0]], loss="squared_error"), "y": X}, InputError, "not finite"),
    ],
)
def test_what_cannot_be_explained_is_named(arguments, error, words):
    states = {"none": 3, "sgd": state_of(as_any_optimizer("sgd")), "other": StepState(1, {"m": [], "v": []})}
    given = {
        "network": NETWORK,
        "X": 1e200 * X if "network" in arguments else X,
        "y": Y,
        "optimizer": "adam",
        "quantity": "W[1,1,1]",
        **arguments,
    }
    if "state" in given:
        given["state"] = states[given["state"]]
    with pytest.raises(error, match=words):
        explain_step(**given)
