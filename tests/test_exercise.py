"""Exercises on paper: friendly numbers, sheet and key in step with the library, and marks for answers."""

from __future__ import annotations

import json
import math
import re
import subprocess
from typing import Any

import numpy as np
import pytest

import backtalk
from backtalk import InputError, InputTypeError, UnknownNameError, check, exercise, forward, gradients
from backtalk.teaching.exercises.exact import LATEX, TEXT, as_exact, exactly
from limits import LIMIT

LOSSES = [
    "cross_entropy",
    "binary_cross_entropy",
    "squared_error",
    "absolute_error",
    "huber",
    "poisson_deviance",
]

FRIENDLY = ["relu", "leaky_relu(slope=0.5)", "identity", "sigmoid", "tanh"]


def sizes_for(loss: str) -> tuple[int, ...]:
    return (2, 3, 2) if loss == "cross_entropy" else (2, 3, 1)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [*FRIENDLY, "gelu"])
def test_every_answer_is_the_librarys_own(activation, loss):
    made = exercise(3, sizes_for(loss), activation, loss)
    trace, grads = forward(made.network, made.X), gradients(made.network, made.X, made.Y)
    answers = made.answers
    np.testing.assert_allclose(answers["a[1]"], trace.a[1][0], atol=1e-12)
    np.testing.assert_allclose(answers["h[1]"], trace.h[1][0], atol=1e-12)
    np.testing.assert_allclose(answers["yhat"], trace.output[0], atol=1e-12)
    assert answers["loss"] == pytest.approx(float(grads.loss))
    for i in (1, 2):
        np.testing.assert_allclose(answers[f"grad a[{i}]"], grads.a[i][0], atol=1e-12)
        np.testing.assert_allclose(answers[f"grad W[{i}]"], grads.W[i], atol=1e-12)
        np.testing.assert_allclose(answers[f"grad b[{i}]"], grads.b[i], atol=1e-12)
    np.testing.assert_allclose(answers["grad h[1]"], grads.h[1][0], atol=1e-12)
    family, numbers = made.last.name.removeprefix("grad ")[0], re.findall("[0-9]+", made.last.name)
    layer, j, k = map(int, numbers)
    assert family == "W"
    assert answers[made.last.name] == pytest.approx(grads.W[layer][j - 1, k - 1])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", FRIENDLY)
def test_numbers_are_fractions_or_have_one_logarithm(activation, loss, seed):
    made = exercise(seed, sizes_for(loss), activation, loss)
    shown = [number for name, value in made.answers.items() if name != "loss" for number in np.ravel(value)]
    shown += [number for array in (*made.network.W.values(), *made.network.b.values()) for number in np.ravel(array)]
    assert all(as_exact(number) is not None for number in shown), made.answers
    found = [as_exact(number) for number in np.ravel(made.answers["yhat"])]
    assert all(number is not None and not number.coefficient for number in found)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("sizes", [(2, 2, 2), (2, 3, 2), (3, 4, 4, 3), (2, 2, 2, 2, 2)])
def test_if_zeros_are_allowed_relu_units_speak_and_are_silent_and_nothing_lies_at_a_kink(sizes, seed):
    made = exercise(seed, sizes, "relu", allow_zero=True)
    trace, grads = forward(made.network, made.X), gradients(made.network, made.X, made.Y)
    hidden = range(1, made.network.depth)
    assert all(np.abs(trace.a[i]).min() > 0.1 for i in hidden)
    assert all((trace.h[i] > 0).any() for i in hidden)
    assert any((trace.h[i] == 0).any() for i in hidden)
    assert np.abs(grads.W[1]).max() > 0
    assert len(set(trace.output[0].round(9))) == sizes[-1]


@pytest.mark.parametrize("loss", ["absolute_error", "huber(delta=0.5)", "squared_error"])
def test_no_residual_lies_at_a_kink_of_the_loss(loss):
    for seed in range(10):
        made = exercise(seed, (2, 2, 2), "relu", loss)
        residual = np.abs(forward(made.network, made.X).output - made.Y)
        assert residual.min() > 1e-6
        assert np.abs(residual - 0.5).min() > 1e-6 or "huber" not in loss


@pytest.mark.parametrize(
    ("seed", "sizes", "activation", "loss"),
    [
        *[(seed, (2, 2, 2, 2), "sigmoid", "cross_entropy") for seed in (0, 34, 35, 51)],
        (543, (3, 4, 3, 3, 4), "softplus", "huber"),
        (2, (1, 1), "identity", "poisson_deviance"),
        (4, (4, 1, 4), "tanh", "absolute_error"),
        (7, (2, 3, 2), "relu", "cross_entropy"),
    ],
)
def test_no_answer_is_zero_by_chance_and_none_is_rounding_noise(seed, sizes, activation, loss):
    made = exercise(seed, sizes, activation, loss)
    slopes = {
        i: made.network.activations[i - 1].g_prime(a)[0]
        for i, a in forward(made.network, made.X).a.items()
        if i < made.network.depth
    }
    for name, answer in made.answers.items():
        numbers = np.abs(np.asarray(answer))
        assert numbers.max() > 1e-3, name
        assert not ((numbers < 1e-9) & (numbers > 0)).any(), name
        assert not (name.startswith("grad h") and (numbers == 0).any()), name
        if name.startswith("grad a") and int(name[7]) in slopes:  # a silent unit is the only reason for a 0
            assert ((numbers == 0) == (slopes[int(name[7])] == 0)).all()


def test_what_is_printed_holds_no_answer():
    made = exercise(3, (2, 3, 2), "relu")
    assert (
        repr(made)
        == str(made)
        == ("Exercise 3: a network of 2, 3 and 2 units, relu, cross_entropy; 13 questions, see .sheet and .key")
    )
    shown = repr([made, made.questions, made.last, made.sheet])
    assert all(f"{number:.3g}" not in shown for number in np.ravel(made.answers["grad W[1]"]) if number % 1)
    assert " value=" not in shown


def test_the_same_seed_gives_the_same_sheet_to_the_letter_and_another_seed_another():
    for write in ("to_markdown", "to_latex", "to_html"):
        first, again, other = (exercise(seed) for seed in (5, 5, 6))
        assert getattr(first.sheet, write)() == getattr(again.sheet, write)()
        assert getattr(first.key, write)() == getattr(again.key, write)()
        assert getattr(first.sheet, write)() != getattr(other.sheet, write)()


def test_the_sheet_of_seed_0_is_this_one():
    sheet = exercise(0, activation="relu", allow_zero=True).sheet.to_markdown()
    assert r"$W_1 = \begin{bmatrix} 2 & \tfrac{1}{2} \\ -1 & 2 \end{bmatrix}$" in sheet
    assert r"$b_2 = \begin{bmatrix} \log 2 + \tfrac{3}{2} \\ \log 4 - 3 \end{bmatrix}$" in sheet


def test_the_sheet_asks_in_the_order_of_the_talks_with_blanks_of_the_right_shape():
    made = exercise(0, (2, 3, 2))
    assert [question.name for question in made.questions] == [
        "a[1]", "h[1]", "a[2]", "yhat", "loss", "grad a[2]", "grad h[1]", "grad a[1]", "grad W[2]", "grad b[2]",
        "grad W[1]", "grad b[1]",
    ]  # fmt: skip
    sheet = made.sheet.to_latex()
    blank = r"\begin{bmatrix} \blank & \blank & \blank \\ \blank & \blank & \blank \end{bmatrix}"
    assert rf"\nabla_{{W_2}}\mathcal{{L}} = \nabla_{{a_2}}\mathcal{{L}} \, h_1^{{\top}} = {blank}" in sheet
    assert sheet.count(r"\blank") == 3 + 3 + 2 + 2 + 2 + 3 + 3 + 6 + 2 + 6 + 3 + 1  # and where it is defined
    assert [f"({k})" in sheet for k in range(1, 14)] == [True] * 13


def test_the_sheet_holds_no_answer_and_the_key_no_blank():
    made = exercise(0)
    for write in ("to_markdown", "to_latex", "to_html"):
        sheet, key = getattr(made.sheet, write)(), getattr(made.key, write)()
        assert "blank" in sheet or "hspace" in sheet or "____" in sheet
        assert r"= \blank" not in key
        assert r"\hspace{3em}" not in key
        assert "____" not in key
        assert "nan" not in key.lower().replace("nabla", "")
    asked = made.sheet.to_markdown().partition("## Forward")[2]
    assert r"\tfrac" not in asked


def test_without_hints_the_sheet_gives_no_formulas():
    assert r"= W_1 \, h_0 + b_1 =" in exercise(0).sheet.to_latex()
    assert r"a_1 = \begin{bmatrix}" in exercise(0, hints=False).sheet.to_latex()
    assert r"W_1 \, h_0" not in exercise(0, hints=False).sheet.to_latex()


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 4, 4, 3), (2, 2)])
def test_the_last_question_is_answered_by_the_sum_over_the_paths(sizes):
    made = exercise(1, sizes)
    total = sum(path.contribution for path in made.last.paths.strongest)
    assert total == pytest.approx(made.answers[made.last.name])
    assert len(made.last.paths.strongest) >= 1


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"seed": 4, "sizes": (2, 3, 3, 2), "activation": "tanh", "loss": "squared_error"},
        {"seed": 2, "sizes": (4, 4, 4, 4, 4), "loss": "poisson_deviance", "hints": False},
        {"seed": 3, "sizes": (2, 3, 1), "activation": "gelu", "loss": "binary_cross_entropy"},
        {"seed": 3, "sizes": (1, 1), "loss": "huber"},
        {"seed": 3, "sizes": (3, 4, 3)},
        {"sizes": (2, 2, 3), "activation": "leaky_relu", "loss": "cross_entropy(label_smoothing=0.1)"},
    ],
    ids=str,
)
def test_sheet_and_key_compile_and_nothing_is_wider_than_the_page(pdflatex, arguments, tmp_path):
    made = exercise(**arguments)
    for name in ("sheet", "key"):
        (tmp_path / f"{name}.tex").write_text(getattr(made, name).to_latex())
        command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=LIMIT)
        log = run.stdout.decode(errors="replace")
        assert run.returncode == 0, log[-2000:]
        assert not re.findall(r"Overfull \\hbox \(([0-9]{2,}|[2-9])", log), log


def test_a_label_stays_beside_its_equation_when_a_row_is_too_wide_for_the_page():
    sheet = exercise(3, (3, 4, 3)).sheet.to_latex()
    assert r"\unbroken{(10) $" in sheet
    assert sheet.count(r"\unbroken{(") + sheet.count(r"\half{(") == 12


def test_sheets_are_html_that_needs_nothing_from_elsewhere():
    made = exercise(0)
    for paper in (made.sheet, made.key):
        assert not re.findall(r"https?://|<script|<link|@import", paper.to_html())


def test_the_exercise_is_for_a_backward_pass_of_ones_own_as_well():
    made = exercise(2, activation="relu", allow_zero=True)

    def mine(network: Any, X: np.ndarray, y: np.ndarray) -> Any:
        a_1 = X @ network.W[1].T + network.b[1]
        h_1 = np.maximum(a_1, 0)
        powers = np.exp(h_1 @ network.W[2].T + network.b[2])
        grad_a_2 = (powers / powers.sum(axis=1, keepdims=True) - np.eye(2)[y]) / len(X)
        grad_a_1 = grad_a_2 @ network.W[2]
        return [grad_a_1.T @ X, grad_a_2.T @ h_1], [grad_a_1.sum(axis=0), grad_a_2.sum(axis=0)]

    found = check(made.network, made.X, made.Y, backward=mine).mistake
    assert found is not None
    assert found.name == "no_g_prime"


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [*FRIENDLY, "gelu"])
def test_the_right_answers_are_marked_right_also_when_they_are_rounded(activation, loss):
    made = exercise(1, sizes_for(loss), activation, loss)
    for answers in (
        made.answers,
        {name: np.round(value, 2) for name, value in made.answers.items()},
        {name: np.asarray(value).tolist() for name, value in made.answers.items()},
    ):
        marks = made.check(answers)
        assert [row.name for row in marks.rows] == list(made.answers)
        assert {row.verdict for row in marks.rows} == {"right"}
        assert marks.right == len(made.answers)
        assert marks.mistakes == ()
    assert str(made.check(made.answers)).endswith(f"{len(made.answers)} of {len(made.answers)} right")


def test_answers_may_be_fractions_and_logarithms_as_text():
    made = exercise(0, activation="relu", allow_zero=True)
    answers = {"yhat": ["1/3", "2/3"], "loss": "log 3", "grad a[2]": [["−2/3"], ["2/3"]], "a[2]": ["log 2", "ln(4)"]}
    assert [row.verdict for row in made.check(answers).rows] == ["right"] * 4
    assert made.check({"a[2]": ["1/2 - 0.5 + log 2", "log 8 − 1/2 log 4"]}).rows[0].verdict == "right"
    assert made.check({"loss": "-1/2 log 3"}).rows[0].verdict == "wrong"


def test_a_tolerance_says_how_far_an_answer_may_be_and_two_decimals_are_right_without_one():
    made = exercise(0, activation="relu", allow_zero=True)
    assert made.check({"loss": 1.1}).rows[0].verdict == "right"  # log 3 = 1.0986…
    assert made.check({"loss": 1.1}, tolerance=1e-3).rows[0].verdict == "wrong"
    assert made.check({"loss": 1.2}, tolerance=0.2).rows[0].verdict == "right"
    for tolerance, error in ((-1, InputError), (math.nan, InputError), ("0.1", InputTypeError), (True, InputTypeError)):
        with pytest.raises(error, match="tolerance is"):
            made.check({"loss": 1.1}, tolerance=tolerance)


def test_what_follows_from_rounded_numbers_is_right():
    made = exercise(1, (2, 3, 2), "sigmoid")
    a_1 = np.round(made.answers["a[1]"], 2)
    h_1 = np.round(1 / (1 + np.exp(-a_1)), 2)
    a_2 = np.round(made.network.W[2] @ h_1 + made.network.b[2], 2)
    marks = made.check({"a[1]": a_1, "h[1]": h_1, "a[2]": a_2})
    assert [row.verdict for row in marks.rows] == ["right"] * 3


def test_a_comma_is_read_as_the_point_and_what_is_ambiguous_is_said():
    made = exercise(0, activation="relu", allow_zero=True)
    marks = made.check({"loss": "1,1", "yhat": ["0,33", "0,67"], "grad a[2]": ["-0,67", "0,667"]})
    assert [(row.verdict, row.said) for row in marks.rows] == [("right", "")] * 3
    assert made.check({"loss": "1,099"}).rows[0].said == "'1,099' was read with a decimal comma, as 1.099"
    (row,) = made.check({"yhat": "1,2"}).rows
    assert row.verdict == "wrong"
    assert row.said.endswith("'1,2' is one number, and several are a list, such as [1, 5]")
    for unclear in ("1,2,3", "1.234,5"):
        (row,) = made.check({"loss": unclear}).rows
        assert row.verdict == "unreadable"
        assert row.said.endswith("can mean several things: write a point")


def test_a_number_that_follows_from_a_wrong_one_is_told_from_a_wrong_one():
    made = exercise(0)
    right = made.answers
    a_1 = np.array([1.0, 2.0])
    h_1 = np.maximum(a_1, 0)
    a_2 = made.network.W[2] @ h_1 + made.network.b[2]
    marks = made.check({"a[1]": a_1, "h[1]": h_1, "a[2]": a_2, "yhat": right["yhat"]})
    assert [row.verdict for row in marks.rows] == ["wrong", "follows", "follows", "right"]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("a[1]", lambda made: made.network.W[1] @ made.x, "as if the bias was left out"),
        ("a[1]", lambda made: made.network.W[1].T @ made.x + made.network.b[1], "as if W_1 was transposed"),
        ("h[1]", lambda made: made.answers["a[1]"], "as if g was left out"),
        ("yhat", lambda made: made.answers["a[2]"], "as if the output function was left out"),
        ("yhat", lambda made: np.exp(made.answers["a[2]"]), "as if exp(a) was not divided by the sum of all"),
        ("a[1]", lambda made: [17.0, 23.0], ""),
    ],
)
def test_mistakes_of_the_forward_pass_are_named(name, change, said):
    made = exercise(0, activation="relu", allow_zero=True)
    row = made.check({name: change(made)}).rows[0]
    assert (row.verdict, row.said) == ("wrong", said)


@pytest.mark.parametrize(
    ("mistake", "change"),
    [
        ("output_sign", lambda made, right: {"grad a[2]": [-x for x in right["grad a[2]"]]}),
        ("W_not_transposed", lambda made, right: {"grad h[1]": made.network.W[2] @ right["grad a[2]"]}),
        ("no_g_prime", lambda made, right: {"grad a[1]": right["grad h[1]"]}),
        ("W_gradient_transposed", lambda made, right: {"grad W[2]": np.transpose(right["grad W[2]"])}),
        ("target_left_out", lambda made, right: {"grad a[2]": right["yhat"]}),
    ],
)
def test_mistakes_in_the_gradients_are_named_and_what_follows_is_not_wrong(mistake, change):
    made = exercise(0, activation="relu", allow_zero=True)
    right = made.answers
    wrong = change(made, right)
    marks = made.check({**{name: value for name, value in right.items() if name in ("a[1]", "grad a[2]")}, **wrong})
    assert [row.name for row in marks.rows if row.verdict == "wrong"] == list(wrong)
    assert [found.name for found in marks.mistakes] == [mistake], str(marks)
    assert marks.mistakes[0].said in str(marks)
    json.dumps(marks.to_dict())


def test_answers_of_numbers_without_meaning_are_not_blamed_on_a_mistake():
    made = exercise(7, (3, 4, 3), "tanh")
    rng = np.random.default_rng(0)
    for _ in range(20):
        answers = {name: rng.normal(size=np.shape(made.answers[name])) for name in ("grad a[2]", "grad W[2]")}
        assert made.check(answers).mistakes == ()


def test_an_answer_of_another_shape_is_wrong_and_says_why():
    marks = exercise(0, (2, 3, 2)).check({"grad W[2]": np.zeros((3, 2)), "yhat": [1, 2, 3]})
    assert [row.verdict for row in marks.rows] == ["wrong", "wrong"]
    assert marks.rows[0].said == "it has shape (3,), expected (2,)"
    assert marks.rows[1].said.startswith("it has shape (3, 2), expected (2, 3): it is transposed")


def test_two_numbers_that_sum_to_0_by_nature_tell_no_factor():
    made = exercise(0, activation="relu", allow_zero=True)
    assert made.check({"grad a[2]": [0.3, -0.3]}).mistakes == ()
    assert made.check({"grad W[2]": np.outer([0.3, -0.3], made.answers["h[1]"])}).mistakes == ()
    (mistake,) = made.check({"grad a[2]": [2 / 3, -2 / 3]}).mistakes  # −1 has a name
    assert mistake.name == "output_sign", mistake


def test_the_marks_leave_a_gap_behind_each_name():
    made = exercise(0, activation="relu", allow_zero=True)
    assert "grad W[1,2,1]  right" in str(made.check(made.answers)).splitlines()


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        (["one", 2], "unreadable", "holds 'one', expected a number, or text such as '3/4'"),
        (["1/0", 2], "unreadable", "holds '1/0'"),
        (["1 2", 2], "unreadable", "holds '1 2'"),
        (["", 2], "unreadable", "holds ''"),
        (["log 0", 2], "unreadable", "holds 'log 0'"),
        ([True, 2], "unreadable", "holds True"),
        ([None, 2], "unreadable", "holds None"),
        ([[1, 2], [3]], "unreadable", "rows of different lengths"),
        ([math.nan, 2], "unreadable", "not finite"),
        (None, "not answered", ""),
        ([" ", None], "not answered", ""),
    ],
)
def test_a_line_that_is_blank_or_cannot_be_read_says_so_and_the_others_are_marked(answer, verdict, words):
    made = exercise(0)
    marks = made.check({**made.answers, "a[1]": answer})
    assert (marks.rows[0].name, marks.rows[0].verdict) == ("a[1]", verdict)
    assert words in marks.rows[0].said
    assert {row.verdict for row in marks.rows[1:]} == {"right"}


def test_a_percentage_is_a_number():
    made = exercise(0, activation="relu", allow_zero=True)
    assert made.check({"yhat": ["33.3%", "66,7 %"]}).right == 1


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ({"a[3]": [1, 2]}, UnknownNameError, "did you mean 'a"),
        ({"y": [1, 2]}, UnknownNameError, "did you mean 'yhat'"),
        ({"W[1]": [1, 2]}, UnknownNameError, r"did you mean 'grad W\[1\]'"),
        ([1, 2], InputTypeError, "answers is a list, expected a dictionary"),
    ],
)
def test_names_that_the_sheet_does_not_have_are_named(answers, error, words):
    with pytest.raises(error, match=words):
        exercise(0).check(answers)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"seed": -1}, InputError, "seed is -1, expected 0 or more"),
        ({"seed": 1.5}, InputTypeError, "seed is 1.5, expected a whole number"),
        ({"sizes": (64, 32, 10)}, InputError, "64 units in a layer are too many for paper: expected at most 4"),
        ({"sizes": (2,) * 6}, InputError, "5 layers are too many for paper"),
        ({"sizes": (2,)}, InputError, "expected at least two"),
        ({"sizes": (2, 2, 1)}, InputError, "sizes ends with 1 output"),
        ({"activation": "rellu"}, UnknownNameError, "did you mean 'relu'"),
        ({"loss": "squared"}, UnknownNameError, "did you mean 'squared_error'"),
        ({"hints": "yes"}, InputTypeError, "hints is 'yes'"),
    ],
)
def test_what_makes_no_exercise_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        exercise(**arguments)


@pytest.mark.parametrize(
    ("value", "text", "latex"),
    [
        (0.0, "0", "0"),
        (-2.0, "−2", "-2"),
        (1 / 3, "1/3", r"\tfrac{1}{3}"),
        (math.log(3), "log 3", r"\log 3"),
        (math.log(4 / 3), "log(4/3)", r"\log \tfrac{4}{3}"),
        (-math.log(2) / 2 + 1.5, "−1/2 log 2 + 3/2", r"-\tfrac{1}{2} \, \log 2 + \tfrac{3}{2}"),
        (0.123456, "0.1235", "0.1235"),
        (1e-7, "1.000e-07", "1.000e-07"),
    ],
)
def test_numbers_are_written_as_by_hand(value, text, latex):
    assert (exactly(value, TEXT), exactly(value, LATEX)) == (text, latex)


def test_the_command_writes_a_sheet_and_its_key(call, tmp_path):
    code, out, _ = call("exercise", "--seed", 3, "--sizes", "2,3,2", "--out", "sheet.tex")
    assert (code, out.strip()) == (0, "wrote sheet.tex and sheet-key.tex")
    made = exercise(3, (2, 3, 2))
    assert (tmp_path / "sheet.tex").read_text() == made.sheet.to_latex()
    assert (tmp_path / "sheet-key.tex").read_text() == made.key.to_latex()
    code, out, _ = call("exercise", "--out", "by-hand", "--to", "html")
    assert (code, out.strip()) == (0, "wrote by-hand and by-hand-key")


def test_the_command_prints_the_sheet_or_the_key(call):
    assert call("exercise") == (0, exercise(0).sheet.to_markdown(), "")
    assert call("exercise", "--key", "--no-hints")[1] == exercise(0).key.to_markdown()
    assert call("exercise", "--to", "latex", "--loss", "huber")[1] == exercise(0, loss="huber").sheet.to_latex()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seed", "-1"), "seed is -1"),
        (("--sizes", "2,x"), "sizes is '2,x', expected whole numbers with commas"),
        (("--sizes", "9,9"), "too many for paper"),
        (("--to", "pdf"), "to is 'pdf'"),
        (("--out", "sheet.pdf"), "give --to"),
        (("--out", "sheet.md", "--key"), "key is given"),
    ],
)
def test_the_command_says_in_a_sentence_what_is_wrong(call, arguments, words):
    code, out, err = call("exercise", *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_exercise_is_imported_when_it_is_asked_for():
    assert backtalk.exercise is exercise
    assert isinstance(exercise(0), backtalk.Exercise)


@pytest.mark.parametrize("activation", ["gelu", "softplus", "elu"])
def test_what_the_sheet_gives_is_exact_whatever_the_activation(activation):
    for seed in range(5):
        made = exercise(seed, (2, 3, 2), activation)
        given = [
            number for family in (made.network.W, made.network.b) for array in family.values() for number in array.flat
        ]
        assert all(as_exact(number) is not None for number in given)


@pytest.mark.parametrize("sizes", [(2, 2, 2), (2, 4, 4, 3), (4, 4, 4, 4, 4)])
def test_the_last_question_has_few_enough_paths_to_write_down(sizes):
    made = exercise(0, sizes)
    assert 1 <= made.last.paths.count <= 8
    assert sum(path.contribution for path in made.last.paths.strongest) == pytest.approx(made.last.paths.value)


@pytest.mark.parametrize("loss", ["squared_error", "kl_divergence", "focal", "categorical_hinge", "gaussian_nll"])
def test_a_sheet_takes_other_pairs_of_output_function_and_loss(loss):
    for output in (None, "softmax", "tanh"):
        made = exercise(1, (2, 2), loss=loss, output=output, allow_zero=True)
        grads = gradients(made.network, made.X, made.Y)
        np.testing.assert_allclose(made.answers["grad a[1]"], grads.a[1][0], atol=1e-12)
        marks = made.check(made.answers)
        assert marks.right == len(marks.rows)
