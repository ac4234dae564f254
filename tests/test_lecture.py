"""The lecture: every step derived as on a blackboard, in symbols and with numbers; the pictures; any pair."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, Network, UnknownNameError, explain, register_loss
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.losses import LOSSES, as_loss
from backtalk.core.outputs import as_output
from backtalk.teaching.derivations import write
from backtalk.teaching.derivations.characters import draw_characters
from backtalk.teaching.derivations.evaluation import evaluate
from backtalk.teaching.derivations.expressions import Braced, Dot, Grid, Number
from backtalk.teaching.derivations.functions import said_of_output
from backtalk.teaching.derivations.sentences import typeset
from backtalk.teaching.derivations.svg import draw_svg
from backtalk.teaching.derivations.text import write_text
from backtalk.teaching.derivations.tikz import draw_tikz

OUTPUTS = ["softmax", "identity", "sigmoid", "exp", "relu", "tanh", "softplus"]
QUANTITIES = [
    "W[1,2,1]",
    "W[2]",
    "b[1]",
    "b[2,1]",
    "a[1]",
    "a[1,2]",
    "h[1]",
    "h[1,3]",
    "h[2]",
    "h[0]",
    "x[2]",
    "a[3,1]",
]
SEQUENCE = [
    ("forward", "The pre-activations of layer 1"),
    ("forward", "The hidden units of layer 1"),
    ("forward", "The pre-activations of layer 2"),
    ("forward", "The hidden units of layer 2"),
    ("forward", "The pre-activations of layer 3"),
    ("forward", "The output"),
    ("forward", "The loss"),
    ("roadmap", "The roadmap"),
    ("roadmap", "The chain, factor by factor"),
    ("output", "To the outputs themselves"),
    ("output", "The derivative of softmax"),
    ("output", "The chain rule through ŷ"),
    ("output", "What it collapses to"),
    ("hidden", "The chain rule along multiple paths"),
    ("hidden", "In our case: h[2,j]"),
    ("hidden", "The sum over every path from h[2,j]"),
    ("hidden", "Two vectors, side by side"),
    ("hidden", "Row by row, the whole layer"),
    ("hidden", "We are almost done"),
    ("hidden", "Through the activation of layer 2"),
    ("hidden", "Through the activation of layer 2, row by row"),
    ("hidden", "How the two alternate, down to layer 1"),
    ("hidden", "In our case: h[1,1]"),
    ("hidden", "The sum over every path from h[1,1]"),
    ("hidden", "Two vectors, side by side"),
    ("hidden", "Through the activation of layer 1"),
    ("weights", "One weight: W[1,1,1]"),
    ("weights", "Over a batch"),
]


def network(sizes=(2, 3, 3, 2), activation="sigmoid", loss="cross_entropy", output=None, seed=0) -> Network:
    made = Network.create(sizes, activation, loss, output=output, rng=seed)
    rng = np.random.default_rng(seed)
    b = [rng.normal(size=each.shape) for each in made.b.values()]
    return Network(list(made.W.values()), b, made.activations, made.loss, output=made.output)


def lecture(net: Network, quantity: str, seed: int = 0, **options):
    rng = np.random.default_rng(seed)
    y = net.loss.draw_target(rng, 1, net.sizes[-1])[0]
    return explain(net, rng.normal(size=net.sizes[0]), y, quantity, detail="lecture", **options)


def pages(derivation) -> list[tuple[str, str]]:
    found = [(step.talk, step.title) for step in derivation.steps]
    return [page for k, page in enumerate(found) if k == 0 or page != found[k - 1]]


def require_agreement(step) -> int:
    count = 0
    for left, right, scale in step.all_sides:
        left, right, scale = map(np.asarray, (left, right, scale))
        assert left.size == right.size, step.title
        difference = np.abs(left.reshape(right.shape) - right)
        assert (difference <= 1e-12 * np.where(scale == 0, 1, scale).reshape(right.shape)).all(), step.title
        count += 1
    return count


def test_the_pages_for_a_weight_of_a_2_3_3_2_network_are_those_of_the_lecture():
    assert pages(lecture(network(), "W[1,1,1]")) == SEQUENCE


def test_a_derivation_in_symbols_has_the_same_pages():
    made = explain([2, 3, 3, 2], quantity="W[1,1,1]", activation="sigmoid")
    assert pages(made) == SEQUENCE
    assert made.value is None
    assert made.loss is None
    assert all(step.numbers is None and step.value is None for step in made.steps)
    assert not re.search(r"\d\.\d", str(made))


def test_a_whole_hidden_layer_ends_with_the_product_that_its_rows_were_stacked_to():
    step = explain([2, 3, 2], quantity="h[1]", activation="sigmoid").steps[-1]
    text = write(explain([2, 3, 2], quantity="h[1]", activation="sigmoid"), "text")
    assert step.title == "Row by row, the whole layer"
    assert [type(form) for form in step.forms[:2]] == [Grid, Grid]
    for line in ("⎡ W[2,·,1]ᵀ ∇a[2] ⎤", "= W[2]ᵀ ∇a[2]", "∂ℒ/∂h[1,j] = Σ_m ∂ℒ/∂a[2,m] · ∂a[2,m]/∂h[1,j]"):
        assert line in text
    assert "p(z) = p(q_1(z), q_2(z), …, q_M(z))" in text


@pytest.mark.parametrize("sizes", [(2, 2), (2, 3, 3, 2), (3, 2, 1, 4, 2, 3)], ids=str)
def test_both_sides_of_every_form_of_every_step_agree(sizes):
    net, depth, checked = network(sizes, "tanh"), len(sizes) - 1, 0
    for quantity in QUANTITIES:
        layer = int(re.search(r"\d", quantity)[0]) if quantity[0] != "x" else 0
        if layer <= depth and not (sizes[layer] < 3 and ",3" in quantity):
            try:
                made = lecture(net, quantity)
            except InputError:
                continue
            checked += sum(map(require_agreement, made.steps))
            np.testing.assert_array_equal(made.value, explain(net, *_example(net), quantity).value)
    assert checked > 40


def _example(net: Network, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = net.loss.draw_target(rng, 1, net.sizes[-1])[0]
    return rng.normal(size=net.sizes[0]), y


@pytest.mark.parametrize("loss", LOSSES)
def test_every_pair_of_output_and_loss_is_explained(loss):
    explained = 0
    for output in OUTPUTS:
        net = network((2, 3, 2), "tanh", loss, output)
        low, high = as_loss(loss).domain
        x, y = _example(net)
        for quantity, detail in product(("W[1,2,1]", "a[2]", "a[2,1]", "yhat"), ("brief", "lecture")):
            try:
                made = explain(net, x, y, quantity, detail=detail)
            except InputError:  # a ŷ outside of the domain of the loss, such as tanh below 0 under a logarithm
                assert (low, high) != (-np.inf, np.inf)
                break
            for step in made.steps:
                require_agreement(step)
            if quantity == "W[1,2,1]":
                assert all(write(made, form) for form in ("text", "slides", "html"))
            explained += 1
    assert explained >= 8 * 3


def test_the_chain_has_a_brace_for_each_talk_with_shapes_and_numbers():
    step = next(s for s in lecture(network(), "W[1,1,1]").steps if s.title.startswith("The chain,"))
    said = [part.notes[0].replace("\n", " ") for part in step.right.factors]
    assert said == [
        "talk to the output layer", "talk to the previous hidden layer", "and to the one before it",
        "and now talk to the weights",
    ]  # fmt: skip
    shapes = [factor.notes[0] for part in step.right.factors for factor in part.of.factors]
    assert shapes == ["1×2", "2×2", "2×3", "3×3", "3×3", "3×3", "3×1"]
    matrices = [part.of.value.shape for part in step.numbers.factors]
    assert [f"{rows}×{columns}" for rows, columns in matrices] == shapes
    assert float(np.squeeze(evaluate(step.numbers, {}))) == pytest.approx(step.value, rel=1e-12)


def test_two_vectors_stand_side_by_side_before_their_sum():
    first, second = (s for s in lecture(network(), "h[2,3]").steps if s.title == "Two vectors, side by side")
    assert isinstance(first.right, Dot)
    assert isinstance(first.right.left, Braced)
    assert isinstance(first.numbers, Dot)
    assert first.value == second.value == pytest.approx(evaluate(second.numbers, {}), rel=1e-12)


def test_no_number_that_a_later_step_uses_is_left_out():
    made = lecture(network((40, 30, 20, 9), "tanh"), "W[1,7,31]")
    rows = made.view.rows
    assert 6 in rows[1]
    assert 30 in rows[0]
    text = write(made, "text")
    shown = set(re.findall(r"−?\d+\.\d+", text))
    numbers = [s for s in made.steps if s.title.startswith("The sum over every path")][-1].numbers
    for term in numbers.terms[:-1]:
        for factor in term.factors:
            assert _written(factor, made) in shown
    assert "Of the 40 units of layer 0, units " in text
    for i in (0, 1, 2, 3):
        assert len(rows[i]) == 3


def _written(factor: Number, made) -> str:
    from backtalk.teaching.derivations.text import number_text

    return number_text(factor.value, made.view.digits)


def test_small_layers_are_shown_whole_in_every_form():
    made = lecture(network((6, 6, 6, 6), "tanh"), "h[1]")
    assert made.view.rows == {}
    for form in ("text", "markdown", "latex", "slides", "html"):
        assert not re.search(r"⎢.*⋮|bmatrix.*\\vdots|<mtd><mo>⋮", write(made, form)), form


@pytest.mark.parametrize("digits", [2, 4, 9])
def test_numbers_have_as_many_digits_as_asked(digits):
    made = lecture(network(), "h[1,1]", digits=digits)
    last = write(made, "text").splitlines()[-1]
    assert last.split("= ")[1] == f"{made.value:.{digits}g}".replace("-", "−")


def test_every_page_shows_the_network_with_something_lit():
    for quantity in ("W[1,1,1]", "h[0]", "b[3]", "yhat"):
        for page in (p for section in lecture(network(), quantity).document().talks for p in section.passages):
            assert any(node.light for column in page.picture.columns for node in column.nodes), page.title
            assert re.search("●|q_1|[ah]\\[[0-9],", "".join(draw_characters(page.picture, 80)))
            assert "now" in draw_svg(page.picture)
            assert "unit now" in draw_tikz(page.picture, 5, 2) or "inside" in draw_tikz(page.picture, 5, 2)


def test_the_path_of_a_weight_is_lit_from_the_input_to_its_unit():
    made = lecture(network(), "W[1,2,1]")
    picture = next(step.picture for step in made.steps if step.title.startswith("One weight"))
    assert {edge for edge, light in picture.edges.items() if light == 2} == {(0, 0, 1)}
    assert (1, 1, 0) in picture.edges
    assert (1, 0, 0) not in picture.edges


def test_slides_uncover_one_new_thing_after_another_and_nothing_is_small():
    tex = lecture(network(), "h[1]").to_slides()
    for frame in tex.split(r"\begin{frame}")[1:]:
        numbers = list(map(int, re.findall(r"\\uncover<(\d+)->", frame)))
        assert numbers == list(range(2, len(numbers) + 2))
    assert "lmodern" in tex
    assert not re.search(r"\\tiny|\\scriptsize|resizebox|\\footnotesize(?!\\color)", tex)


def test_a_sum_that_goes_over_slides_begins_with_its_left_side():
    tex = lecture(network((4, 6, 6, 6, 3), "tanh"), "W[1,1,1]").to_slides()
    for frame in tex.split(r"\begin{frame}")[1:]:
        for first in re.findall(r"\\begin\{align\*\}\n(.*)", frame):
            assert not first.startswith("&"), first


def test_what_cannot_be_asked_is_refused_in_one_sentence():
    net = network()
    with pytest.raises(UnknownNameError, match="detail"):
        explain(net, [1.0, 2.0], 1, "h[1]", detail="long")
    with pytest.raises(InputError, match="digits is 0, expected 1 to 15"):
        explain(net, [1.0, 2.0], 1, "h[1]", digits=0)
    with pytest.raises(InputTypeError, match=r"digits is 2\.5"):
        explain(net, [1.0, 2.0], 1, "h[1]", digits=2.5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="quantity is missing"):
        explain([2, 3, 2])
    with pytest.raises(InputError, match="y is missing: give x and y of one example, or neither"):
        explain(net, [1.0, 2.0], quantity="h[1]")
    with pytest.raises(InputTypeError, match="a list of layer sizes, but x and y are given"):
        explain([2, 3, 2], [1.0, 2.0], 1, "h[1]")
    with pytest.raises(InputError, match="activation is given, but network has its own"):
        explain(net, [1.0, 2.0], 1, "h[1]", activation="tanh")
    with pytest.raises(InputError, match="does not have"):
        explain([2, 3, 2], quantity="h[3]")


def test_a_network_without_numbers_is_explained_in_its_own_letters():
    made = explain(network(activation="tanh"), quantity="b[1,2]")
    assert made.detail == "lecture"
    assert "g is tanh" in str(made)
    assert explain([2, 3, 2], quantity="b[1]", detail="brief").steps[-1].title == "Layer 1 talks to its biases"


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_as_output_function_is_said_with_the_logarithm_left_whole(activation):
    said = said_of_output(as_output(activation))
    assert "loO" not in said
    assert "g(" not in said.replace("log(", "")


@pytest.mark.parametrize(
    ("loss", "y", "lines"),
    [
        ("focal", 1, ("t is e(y) = [0, 1]", "ℒ = −(1 − ŷ[2])² · log(ŷ[2])", "2 · (t ⊙ (1 − ŷ) ⊙ log(ŷ))")),
        ("quantile(level=0.9)", [0.5, -1.0], ("t is [0.5, −1]", "max(0.9 · (t[j] − ŷ[j]),", "0.1 · H(ŷ − t) − 0.9 ")),
        ("categorical_hinge", 0, ("which is label 0", "ℒ = max(0, 1 + ŷ[2] − ŷ[1])", "H(1 + ŷ[2] − ŷ[1]) · (e[2]")),
        ("gaussian_nll", [0.5], ("t is 0.5", "exp(ŷ[1+j])", "(ŷ[1] − t[1])/exp(ŷ[2])")),
        ("poisson_deviance", [0.0, 2.0], ("0 · log 0 counts as 0",)),
        ("cross_entropy(label_smoothing=0.1)", 1, ("t is e(y), smoothed, [0.05, 0.95]",)),
    ],
)  # fmt: skip
def test_a_loss_is_written_with_its_target_and_its_formula(loss, y, lines):
    made = explain(network((2, 3, 2), "tanh", loss), [1.0, -2.0], y, "W[1,2,1]")
    text = " ".join(str(made).split())
    assert [line for line in lines if line not in text] == []
    assert all(map(require_agreement, made.steps))


def test_two_normal_distributions_have_a_target_of_two_numbers():
    made = explain(network((2, 3, 4), "tanh", "gaussian_nll"), [1.0, -2.0], [0.5, 2.0], "a[2]")
    assert "t is [0.5, 2]." in " ".join(str(made).split())
    assert all(map(require_agreement, made.steps))


def test_a_loss_of_ones_own_is_shown_with_yhat_and_t():
    own = register_loss("to_the_fourth", lambda yhat, t: ((yhat - t) ** 4).sum(-1), lambda yhat, t: 4 * (yhat - t) ** 3)
    try:
        made = explain(network((2, 3, 2), "tanh", own), [1.0, -2.0], [1.0, 2.0], "a[2]")
        (loss,) = (step for step in made.steps if step.title == "The loss")
        assert "ℒ = ℓ(ŷ, t)" in str(made)
        assert write_text(loss.numbers).endswith("], [1, 2])")
        assert all(map(require_agreement, made.steps))
        assert all(write(made, form) for form in ("text", "latex", "html"))
    finally:
        del LOSSES["to_the_fourth"]


def test_a_lecture_that_ends_at_a_unit_announces_no_weights():
    made = explain([2, 3, 2], quantity="h[1]", activation="tanh", output="tanh", loss="squared_error")
    assert "Third stop" not in str(made)
    assert "1 − ŷ" in str(made)  # the slope of a tanh output, by ŷ
    assert "Third stop" in str(explain([2, 3, 2], quantity="W[1]"))


def test_sizes_with_a_quantity_instead_of_an_example_are_told_its_name():
    with pytest.raises(InputTypeError, match=re.escape("write quantity='h[1]'")):
        explain([2, 3, 2], "h[1]")


def test_a_function_stays_in_one_formula_with_what_it_is_taken_of():
    for formula in ("g(a) = tanh a", "−t log ŷ"):
        assert typeset(formula, lambda _: "F", str) == "F"
