"""An update rule of a student's own beside the optimizer's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, UnknownNameError, check_step
from backtalk.analysis.check.mistakes.steps import known_steps
from backtalk.core.optimizers import OPTIMIZERS


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_passes_beside_itself(name):
    ours = OPTIMIZERS[name]()

    def update(parameters: Any, gradients: Any, state: Any, t: int) -> Any:
        return ours.step(parameters, gradients, ours.start(parameters) if state is None else state, t=t)

    report = check_step(update, ours)
    assert report.passed, str(report)
    assert report.compared == 5 * 24
    assert report.notes == ()


@pytest.mark.parametrize("name", ["nesterov", "adamw", "rmsprop"])
def test_every_mistake_of_the_table_is_found_and_named(name):
    ours = OPTIMIZERS[name](learning_rate=0.03, weight_decay=0.05)
    for known in known_steps(ours):

        def update(parameters: Any, gradients: Any, state: Any, t: int, rule: Any = known.rule) -> Any:
            return rule(parameters, gradients, state, t)

        try:
            report = check_step(update, ours)
        except ZeroDivisionError:  # as at t = 0
            continue
        if report.passed:  # as where there is no momentum
            continue
        assert report.mistake is not None, known.mistake.name
        earlier = [each.mistake.name for each in known_steps(ours)]
        assert earlier.index(report.mistake.name) <= earlier.index(known.mistake.name)


def test_a_rule_of_rmsprop_with_epsilon_inside_the_root_is_named():
    def update(parameters: Any, grads: Any, cache: Any, learning_rate: float, rho: float, eps: float) -> Any:
        for k, g in enumerate(grads):
            cache[k] = rho * cache[k] + (1 - rho) * g**2
            parameters[k] = parameters[k] - learning_rate * g / np.sqrt(cache[k] + eps)
        return parameters, cache

    assert [mistake.name for mistake in check_step(update, "rmsprop").mistakes] == ["epsilon_inside_root"]


def test_a_step_that_is_off_says_the_parameter_the_step_and_the_place():
    def update(parameters: Any, gradients: Any, state: Any, t: int) -> Any:  # noqa: ARG001
        new = [p - 0.1 * g for p, g in zip(parameters, gradients, strict=True)]
        if t == 2:
            new[2][0, 1] += 1e-3
        return new

    report = check_step(update, "sgd(learning_rate=0.1, momentum=0)")
    assert report.worst.quantity == "W[2] after step 2"
    assert report.worst.where == (0, 1)
    assert "W[2] after step 2 at row 1, column 2 is" in report.verdict
    assert "but the optimizer gives" in report.verdict
    assert report.mistakes == ()


def test_a_rule_that_changes_its_arguments_in_place_and_returns_nothing_is_right():
    def update(parameters: Any, gradients: Any) -> None:
        for p, g in zip(parameters, gradients, strict=True):
            p -= 0.1 * g

    assert check_step(update, "sgd(learning_rate=0.1, momentum=0)").passed


def test_a_rule_that_changes_its_arguments_and_returns_others_is_told_so():
    def update(parameters: Any, gradients: Any) -> Any:
        new = []
        for p, g in zip(parameters, gradients, strict=True):
            g *= 0.1
            new.append(p - g)
            p += 1
        return new

    report = check_step(update, "sgd(learning_rate=0.1, momentum=0)")
    assert report.passed
    assert [note.split(":")[0] for note in report.notes] == [
        "update changes the gradients that it is given",
        "update changes the parameters that it is given, and returns others",
    ]


def test_a_state_that_parameters_of_one_shape_share_is_named():
    def update(parameters: Any, gradients: Any, state: Any, t: int) -> Any:  # noqa: ARG001
        state = {} if state is None else state
        new = []
        for p, g in zip(parameters, gradients, strict=True):
            state[p.shape] = 0.9 * state.get(p.shape, 0) - 0.1 * g
            new.append(p + state[p.shape])
        return new, state

    assert [mistake.name for mistake in check_step(update, "sgd").mistakes] == ["state_shared"]


def test_a_count_that_begins_with_0_is_named():
    def update(parameters: Any, grads: Any, m: Any, v: Any, t: int) -> Any:
        t = t - 1
        for k, g in enumerate(grads):
            m[k] = 0.9 * m[k] + 0.1 * g
            v[k] = 0.999 * v[k] + 0.001 * g * g
            m_hat, v_hat = m[k] / np.float64(1 - 0.9**t), v[k] / np.float64(1 - 0.999**t)
            parameters[k] = parameters[k] - 0.001 * m_hat / (np.sqrt(v_hat) + 1e-8)
        return parameters, m, v

    report = check_step(update, "adam")
    assert not report.passed
    assert [mistake.name for mistake in report.mistakes] == ["t_from_zero"]


def test_noise_has_no_name():
    rng = np.random.default_rng(0)
    report = check_step(lambda parameters, gradients: [p + rng.normal(size=p.shape) for p in parameters], "adam")
    assert not report.passed
    assert report.mistakes == ()
    assert report.verdict.endswith("no mistake that has a name here explains it")


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (None, InputError, "update returned None and changed nothing in place"),
        (3, InputTypeError, "update returned a int, expected a"),
        ([np.zeros((3, 3))] * 4, InputError, r"update returned b1 with shape \(3, 3\), expected \(3,\)"),
        (["x"] * 4, InputTypeError, "update returned W1 that holds no numbers"),
    ],
)
def test_what_a_rule_may_not_return_is_named(returned, error, words):
    with pytest.raises(error, match=words):
        check_step(lambda parameters, gradients, state, t: returned, "sgd")


def test_an_error_of_the_rule_goes_on_with_a_note():
    with pytest.raises(ZeroDivisionError) as caught:
        check_step(lambda parameters, gradients, state, t: 1 / 0, "sgd")
    assert "raised in update" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"optimizer": "lbfgs"}, InputError, "optimizer is lbfgs, which has no rule for a single step"),
        ({"optimizer": "gd(armijo=0.1)"}, InputError, "searches the length of its step"),
        ({"optimizer": "adamm"}, UnknownNameError, "did you mean 'adam"),
        ({"steps": 0}, InputError, "steps is 0, expected a whole number"),
        ({"update": "mine"}, InputTypeError, "update is 'mine', expected a function"),
        ({"update": lambda thing: None}, InputError, "update takes thing, which does not say"),
        ({"update": lambda parameters, gradients, beta2: None}, InputError, "update takes beta2, which sgd"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(arguments, error, words):
    given = {"update": lambda parameters, gradients, state, t: parameters, **arguments}
    with pytest.raises(error, match=words):
        check_step(**given)


def test_mistakes_that_give_the_same_path_are_both_named():
    def update(parameters: Any, gradients: Any, v: Any) -> Any:
        v = [0.9 * each + (1 - 0.9) * g for each, g in zip(v, gradients, strict=True)]
        return [p - 0.1 * each for p, each in zip(parameters, v, strict=True)], v

    mistake = check_step(update, "momentum").mistake
    assert {mistake.name, *(other.name for other in mistake.others)} == {"learning_rate_twice", "momentum_share"}
    assert mistake.sentence.startswith("either ")


def test_a_rule_that_takes_the_numbers_is_tried_with_odd_ones():
    def mean(parameters: Any, gradients: Any, v: Any, learning_rate: float, momentum: float) -> Any:
        v = [momentum * each + (1 - momentum) * g for each, g in zip(v, gradients, strict=True)]
        return [p - learning_rate * each for p, each in zip(parameters, v, strict=True)], v

    def share(parameters: Any, gradients: Any, v: Any, learning_rate: float, momentum: float) -> Any:  # noqa: ARG001
        v = [momentum * each + (1 - momentum) * g for each, g in zip(v, gradients, strict=True)]
        return [p - each for p, each in zip(parameters, v, strict=True)], v

    mistake = check_step(mean, "momentum").mistake
    assert (mistake.name, mistake.others) == ("momentum_share", ())
    report = check_step(share, "momentum")
    assert not report.passed
    assert "but not with" in report.notes[0]


def test_a_rule_that_holds_its_state_itself_is_not_judged_twice():
    velocity = [0.0] * 4

    def update(parameters: Any, gradients: Any, learning_rate: float) -> Any:
        for k, g in enumerate(gradients):
            velocity[k] = 0.9 * velocity[k] - learning_rate * g
        return [p + v for p, v in zip(parameters, velocity, strict=True)]

    assert check_step(update, "momentum").passed
