"""Questions beside those of the talks: keys in step with the library, and marks that name the mistake."""

from __future__ import annotations

import numpy as np
import pytest

from backtalk import GradientDescent, InputError, InputTypeError, Network, UnknownNameError, exercise, gradients
from backtalk.teaching.exercises.exact import as_exact

ALL = ["jacobian", "grad h[1,3]", "stacked W[2]", "batch grad W[2]", "batch grad b[2]", "step W[2]"]


def further(made):
    return {name: made.answers[name] for name in made.answers if name in ALL}


@pytest.mark.parametrize("activation", ["leaky_relu(slope=0.5)", "sigmoid", "gelu"])
def test_every_further_answer_is_the_librarys_own(activation):
    made = exercise(3, (2, 3, 2), activation, also="all")
    net, answers = made.network, made.answers
    assert list(further(made)) == ALL
    yhat = np.array(answers["yhat"])
    slopes = [  # row by row, each output as a loss of its own
        gradients(_head(yhat), np.zeros((1, 1)), np.array([m])).a[1][0] * -yhat[m] for m in range(2)
    ]
    np.testing.assert_allclose(answers["jacobian"], slopes, atol=1e-12)
    own = gradients(net, made.X, made.Y)
    assert answers["grad h[1,3]"] == pytest.approx(own.h[1][0, 2])
    np.testing.assert_array_equal(answers["stacked W[2]"], net.W[2].T)
    both = gradients(net, np.array([made.x, made.second.x]), np.array([made.y, made.second.y]))
    np.testing.assert_allclose(answers["batch grad W[2]"], both.W[2], atol=1e-12)
    np.testing.assert_allclose(answers["batch grad b[2]"], both.b[2], atol=1e-12)
    (W,), _ = (step := GradientDescent(made.rate)).step([net.W[2]], [own.W[2]], step.start([net.W[2]]))
    np.testing.assert_allclose(answers["step W[2]"], W, atol=1e-12)


def _head(yhat: np.ndarray) -> Network:
    """A network whose output is ŷ, whatever the input."""
    return Network([np.zeros((2, 1))], [np.log(yhat)], [], "cross_entropy")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_no_answer_is_0_unless_zeros_are_allowed(activation, seed):
    made = exercise(seed, (2, 3, 2), activation, also="all")
    assert all(np.all(answer) for answer in made.answers.values())
    silent = exercise(seed, (2, 3, 2), "relu", also="all", allow_zero=True)
    assert not np.all(silent.answers["h[1]"])


def test_the_numbers_of_a_second_example_are_fractions_where_the_first_ones_are():
    for seed in range(4):
        second = exercise(seed, loss="squared_error", also="batch").second
        assert second is not None
        assert all(as_exact(number) is not None for number in [*second.h, *second.grad_a])


def test_right_answers_are_right_also_rounded_and_the_key_has_no_blank():
    made = exercise(1, (2, 3, 2), "tanh", also="all")
    rounded = {name: np.round(value, 2) for name, value in made.answers.items()}
    assert {row.verdict for row in (*made.check(made.answers).rows, *made.check(rounded).rows)} == {"right"}
    for write in ("to_markdown", "to_latex", "to_html"):
        assert "nan" not in getattr(made.key, write)().lower().replace("nabla", "")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("jacobian", lambda made, right: np.diag(np.diag(right["jacobian"])), "only the diagonal was taken"),
        ("jacobian", lambda made, right: -np.outer(right["yhat"], right["yhat"]), "the diagonal was left out"),
        ("grad h[1,2]", lambda made, right: made.network.W[2][1] @ right["grad a[2]"], "row 2 of W_2 was taken"),
        ("grad h[1,2]", lambda made, right: right["grad h[1]"][0], "the column of unit 1 was taken"),
        ("stacked W[2]", lambda made, right: made.network.W[2], "W_2 itself was written"),
        ("batch grad W[2]", lambda made, right: 2 * np.array(right["batch grad W[2]"]), "1/2 is missing"),
        ("batch grad W[2]", lambda made, right: right["grad W[2]"], "the first example alone"),
        (
            "batch grad W[2]",
            lambda made, right: (
                np.outer(np.add(right["grad a[2]"], made.second.grad_a), np.add(right["h[1]"], made.second.h)) / 4
            ),
            "the examples were summed before the product",
        ),
        ("batch grad b[2]", lambda made, right: made.second.grad_a, "the second example alone"),
        ("step W[2]", lambda made, right: 2 * made.network.W[2] - right["step W[2]"], "that is a step up"),
        ("step W[2]", lambda made, right: made.network.W[2] - right["grad W[2]"], "the learning rate was left out"),
        ("step W[2]", lambda made, right: np.full((2, 2), 17.0), ""),
    ],
)
def test_likely_mistakes_are_named(name, change, said):
    made = exercise(0, also="all")
    row = made.check({name: change(made, made.answers)}).rows[0]
    assert row.verdict == "wrong"
    assert said in row.said if said else row.said == ""


def test_what_follows_from_a_wrong_number_above_is_not_wrong():
    made = exercise(0, also="all")
    yhat, grad_W = np.array([0.6, 0.4]), 2 * np.array(made.answers["grad W[2]"])
    marks = made.check(
        {
            "yhat": yhat,
            "jacobian": np.diag(yhat) - np.outer(yhat, yhat),
            "grad W[2]": grad_W,
            "step W[2]": made.network.W[2] - made.rate * grad_W,
        }
    )
    assert [row.verdict for row in marks.rows] == ["wrong", "follows", "wrong", "follows"]
    assert (marks.right, marks.points) == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"also": ["jacobean"]}, UnknownNameError, "did you mean 'jacobian'"),
        ({"also": 3}, InputTypeError, "also is a int"),
        ({"also": "jacobian", "loss": "squared_error"}, InputError, "expected softmax outputs"),
        ({"also": "column", "sizes": (2, 2)}, InputError, "expected a hidden layer"),
        ({"allow_zero": 1}, InputTypeError, "allow_zero is 1, expected True or False"),
        ({"sizes": (2, 3), "loss": "categorical_hinge"}, InputError, "allow_zero=True"),
    ],
)
def test_what_makes_no_exercise_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        exercise(**arguments)
    assert exercise(0, (2, 2), loss="squared_error", also="all").questions[-1].name == "step W[1]"
