"""Derivations as text, LaTeX, MathML, Markdown, articles, slides and pages: what stands there, and how it is read."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.console import Console

from backtalk import Network, explain, paths, register_activation
from backtalk.apps.terminal import show_derivation
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.losses import LOSSES
from backtalk.teaching.derivations import write
from backtalk.teaching.derivations.evaluation import evaluate
from backtalk.teaching.derivations.expressions import (
    Apply,
    Derivative,
    Diagonal,
    Elementwise,
    Indicator,
    Negative,
    Number,
    Others,
    Partial,
    Product,
    Sum,
    SumOver,
    Symbol,
    Transposed,
)
from backtalk.teaching.derivations.latex import write_latex
from backtalk.teaching.derivations.layout import FractionRuler, Ruler, lines
from backtalk.teaching.derivations.mathml import MathWriter, write_mathml
from backtalk.teaching.derivations.numbers import as_written
from backtalk.teaching.derivations.plain import tell
from backtalk.teaching.derivations.sentences import escape_latex
from backtalk.teaching.derivations.text import TextWriter, number_text, write_text
from backtalk.teaching.derivations.view import View

A, W, H = Symbol("a", 3), Symbol("W", 3), Symbol("h", 2, (4,))
YHAT, TARGET = Symbol("yhat", None, (1,)), Symbol("target", None, (1,))
COLUMN = Number(np.array([[0.5], [-1.0]]))
MATRIX = Number(np.array([[1.0, 2.0], [3.0, 4.5]]))


def g(name: str, of, layer: int = 2) -> Apply:
    return Apply(name, of, lambda a: a, layer, "tanh")


WRITTEN = [
    (H, "h[2,4]", "h_{2,4}"),
    (W, "W[3]", "W_3"),
    (YHAT, "ŷ[1]", r"\hat{y}_1"),
    (TARGET, "t[1]", "t_1"),
    (Symbol("loss"), "ℒ", r"\mathcal{L}"),
    (Symbol("unit", None, (2,)), "e[2]", "e_2"),
    (Derivative(H), "∂ℒ/∂h[2,4]", r"\frac{\partial \mathcal{L}}{\partial h_{2,4}}"),
    (Derivative(A), "∇a[3]", r"\nabla_{a_3}\mathcal{L}"),
    (Partial(YHAT, Symbol("a", 3, (1,))), "∂ŷ[1]/∂a[3,1]", r"\frac{\partial \hat{y}_1}{\partial a_{3,1}}"),
    (
        Partial(Symbol("h", 2, ("j",)), Symbol("a", 2, ("j",))),
        "(∂h[2,j]/∂a[2,j])_j",
        r"\left(\frac{\partial h_{2,j}}{\partial a_{2,j}}\right)_{j}",
    ),
    (Number(-0.25), "−0.25", "-0.25"),
    (COLUMN, "[0.5, −1]", r"\begin{bmatrix} 0.5 \\ -1 \end{bmatrix}"),
    (MATRIX, "[[1, 2], [3, 4.5]]", r"\begin{bmatrix} 1 & 2 \\ 3 & 4.5 \end{bmatrix}"),
    (Others(250, 0.0123), "(0.0123 from 250 others)", r"\underbrace{0.0123}_{\text{250 others}}"),
    (Others(1, -2.0), "(−2 from 1 other)", r"\underbrace{-2}_{\text{1 other}}"),
    (Sum((YHAT, Negative(TARGET))), "ŷ[1] − t[1]", r"\hat{y}_1 - t_1"),
    (
        SumOver("m", 10, lambda m: Product((Derivative(Symbol("a", 3, (m,))), Symbol("W", 3, (m, 4))))),
        "Σ_m ∂ℒ/∂a[3,m] · W[3,m,4]",
        r"\sum_{m=1}^{10} \frac{\partial \mathcal{L}}{\partial a_{3,m}} \cdot W_{3,m,4}",
    ),
    (Product((Transposed(W), Derivative(A))), "W[3]ᵀ ∇a[3]", r"W_3^{\top} \, \nabla_{a_3}\mathcal{L}"),
    (Product((Number(-0.5), Number(2.0))), "(−0.5) · 2", r"(-0.5) \cdot 2"),
    (Negative(Negative(H)), "−(−h[2,4])", "-(-h_{2,4})"),
    (Elementwise(Derivative(A), g("g′", A, 3)), "∇a[3] ⊙ g′_3(a[3])",
     r"\nabla_{a_3}\mathcal{L} \odot g_3^{\prime}(a_3)"),
    (Elementwise(A, A, divide=True), "a[3] ⊘ a[3]", r"a_3 \oslash a_3"),
    (Elementwise(TARGET, YHAT, divide=True), "t[1]/ŷ[1]", r"\frac{t_1}{\hat{y}_1}"),
    (Diagonal(A), "diag(a[3])", r"\mathrm{diag}(a_3)"),
    (g("g", H), "g_2(h[2,4])", "g_2(h_{2,4})"),
    (Apply("softmax", A, np.exp), "softmax(a[3])", r"\mathrm{softmax}(a_3)"),
    (Apply("sigmoid", A, np.exp), "σ(a[3])", r"\sigma(a_3)"),
    (Apply("log", YHAT, np.log), "log(ŷ[1])", r"\log(\hat{y}_1)"),
    (Apply("exp", A, np.exp), "exp(a[3])", r"\exp(a_3)"),
    (Apply("sign", YHAT, np.sign), "sign(ŷ[1])", r"\mathrm{sign}(\hat{y}_1)"),
    (Apply("square", Sum((YHAT, Negative(TARGET))), np.square), "(ŷ[1] − t[1])²", r"(\hat{y}_1 - t_1)^2"),
    (Apply("square", Derivative(H), np.square), "(∂ℒ/∂h[2,4])²",
     r"\left(\frac{\partial \mathcal{L}}{\partial h_{2,4}}\right)^2"),
    (Apply("absolute", H, np.abs), "|h[2,4]|", r"\left|h_{2,4}\right|"),
    (Apply("clip", H, np.abs, detail="0.5"), "clip(h[2,4], −0.5, 0.5)",
     r"\mathrm{clip}\left(h_{2,4}, -0.5, 0.5\right)"),
    (Apply("rho", H, np.abs, detail="0.5"), "ρ_0.5(h[2,4])", r"\rho_{0.5}(h_{2,4})"),
    (Indicator("m", "j"), "1[m=j]", r"\mathbf{1}[m = j]"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "text", "latex"), WRITTEN, ids=[text for _, text, _ in WRITTEN])
def test_every_kind_of_node_is_written(part, text, latex):
    assert write_text(part) == text
    assert write_latex(part) == latex
    assert_mathml(write_mathml(part))


def assert_mathml(written: str) -> None:
    """Well-formed, and of elements with as many children as MathML wants."""
    wanted = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
    for element in ElementTree.fromstring(written).iter():
        assert len(element) == wanted.get(element.tag, len(element)), written
        if element.tag in ("mi", "mn", "mo", "mtext"):
            assert element.text or element.tag == "mo", written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (1.0, "1"), (-3.0, "−3"), (1797.0, "1797"), (1234567.0, "1234567"), (0.5, "0.5"),
        (0.0078125, "0.0078125"), (0.1 + 0.2, "0.3"), (1 / 3, "0.333333"), (-2 / 3, "−0.666667"),
        (123456.789, "123456.8"), (1.2e-9, "1.2 × 10⁻⁹"), (-1e-300, "−1 × 10⁻³⁰⁰"), (5e-324, "5 × 10⁻³²⁴"),
        (0.0001, "0.0001"), (0.00001, "1 × 10⁻⁵"), (1e15, "1 × 10¹⁵"), (123456789.25, "1.23457 × 10⁸"),
        (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "NaN"), (999999.5, "999999.5"), (0.99999951, "0.99999951"),
        (0.999999951, "0.99999995"), (1 - 1.23456e-10, "0.9999999999"), (1 + 2e-16, "1"), (2.9999999999999996, "3"),
        (1e6, "1000000"), (41999999.87654321, "4.2 × 10⁷"),
    ],
)  # fmt: skip
def test_numbers_have_six_digits_and_are_never_a_false_0(value, text):
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_as_written_is_the_number_to_six_digits(value):
    negative, digits, power = as_written(value)
    read = float(digits) * (1 if power is None else 10.0**power) if power is None or power > -300 else None
    if read is not None and math.isfinite(read):
        assert (-read if negative else read) == pytest.approx(value, rel=6e-6, abs=0)


# Formulas are read again as a reader would: what is written without brackets is taken in the usual order
LEAVES = st.sampled_from([-3.0, -0.5, 0.25, 2.0, 7.0, 1.5e-7, -2.5e8]).map(Number)
TREES = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda terms: Sum(tuple(terms))),
        st.lists(parts, min_size=1, max_size=3).map(lambda factors: Product(tuple(factors))),
        parts.map(Negative),
        parts.map(lambda part: Apply("square", part, np.square)),
        st.tuples(parts, parts).map(lambda both: Elementwise(*both, divide=True)),
        st.tuples(parts, parts).map(lambda both: Elementwise(*both)),
    ),
    max_leaves=8,
)
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def read_text(written: str) -> str:
    written = re.sub(r" × 10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", lambda power: f"*10.0**{power[1].translate(POWERS)}", written)
    for sign, python in {"−": "-", "·": "*", "⊙": "*", "²": "**2"}.items():
        written = written.replace(sign, python)
    return written


def read_latex(written: str) -> str:
    while r"\frac" in written:  # the innermost first
        written = re.sub(
            r"\\frac\{([^{}]*(?:\{[^{}\\]*\}[^{}]*)*)\}\{([^{}]*(?:\{[^{}\\]*\}[^{}]*)*)\}", r"((\1)/(\2))", written
        )
    written = re.sub(r"\\times 10\^\{(-?[0-9]+)\}", r"*10.0**\1", written)
    written = re.sub(r"\\(left|right|bigl|bigr|biggl|biggr)", "", written)
    return written.replace(r"\cdot", "*").replace(r"\odot", "*").replace("^2", "**2")


def read_mathml(element) -> str:
    children = [read_mathml(child) for child in element]
    match element.tag:
        case "mfrac":
            return f"(({children[0]})/({children[1]}))"
        case "msup":
            return f"{children[0]}**{children[1]}"
        case "mn":
            return f"{element.text}" + ("." if element.text == "10" else "")
        case "mo":
            return {"−": "-", "·": "*", "⊙": "*", "×": "*"}.get(element.text, element.text)
    return "".join(children)


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_a_formula_reads_as_what_it_is(tree):
    with np.errstate(all="ignore"):
        value = float(evaluate(tree, {}))
        scale = float(evaluate(tree, {}, absolute=True))
    assume(math.isfinite(value) and math.isfinite(scale) and 1e-200 < scale < 1e200)
    for python in (
        read_text(write_text(tree)),
        read_latex(write_latex(tree)),
        read_mathml(ElementTree.fromstring(write_mathml(tree))),
    ):
        try:
            read = eval(python)
        except ZeroDivisionError:  # Python's own; the formula has 0 or inf there
            continue
        assert read == pytest.approx(value, rel=1e-9, abs=1e-9 * scale), python


@given(TREES)
@settings(max_examples=100, deadline=None)
def test_pieces_are_the_formula_cut(tree):
    for writer in (TextWriter(), MathWriter()):
        assert writer.between.join(writer.pieces(tree)) == writer.write(tree)
    assert len(Ruler().pieces(tree)) == len(FractionRuler().pieces(tree)) == len(MathWriter().pieces(tree))


def test_what_is_shown_of_a_long_column_is_said_by_its_rows():
    for length in range(1, 40):
        for rows in ((0,), (5,), (0, 17), (38,), (3, 4, 5, 30)):
            rows = tuple(k for k in rows if k < length)
            shown = View(rows={1: rows}).places(length, 1) if rows else View().places(length, 1)
            numbers = [k for k in shown if k is not None]
            assert numbers == sorted(set(numbers))
            assert not rows or numbers == list(rows)
            missing = sum(b - a > 1 for a, b in pairwise((-1, *numbers, length)))
            assert missing == shown.count(None)


def network(sizes=(2, 2, 2), activation="tanh", loss="cross_entropy", seed=0) -> Network:
    made = Network.create(sizes, activation, loss, rng=seed)
    rng = np.random.default_rng(seed)
    return Network(list(made.W.values()), [rng.normal(size=b.shape) for b in made.b.values()], made.activations, loss)


def example(net: Network, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=net.sizes[0]), net.loss.draw_target(rng, 1, net.sizes[-1])[0]


def derive(net: Network, quantity: str, k: int = 3):
    x, y = example(net)
    derivation = explain(net, x, y, quantity)
    return derivation, (paths(net, x, y, quantity, k) if derivation.quantity.is_scalar else None)


def everything(derivation, found) -> dict[str, str]:
    return {
        "markdown": derivation.to_markdown(found, about="a run"),
        "latex": derivation.to_latex(found, about="a run"),
        "slides": derivation.to_slides(found, about="a run"),
        "html": derivation.to_html(found, about="a run"),
        "text": write(derivation, "text", found),
        "jupyter": derivation._repr_html_(),
        "json": json.dumps(derivation.to_dict(), allow_nan=False),
    }


@pytest.mark.parametrize("loss", [*LOSSES, "cross_entropy(label_smoothing=0.1)", "huber(delta=0.25)"])
@pytest.mark.parametrize(
    "quantity", ["W[1,2,1]", "W[2]", "b[2,1]", "a[1]", "h[1,2]", "x[2]", "h[0]", "yhat[1]", "a[2]"]
)
def test_every_loss_is_rendered_in_every_form(loss, quantity):
    derivation, found = derive(network((3, 4, 2), "silu", loss), quantity)
    require_sound(everything(derivation, found))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_rendered_in_every_form(activation):
    require_sound(everything(*derive(network((2, 3, 3, 2), activation), "W[1,2,1]")))


def require_sound(written: dict[str, str]) -> None:
    for kind in ("markdown", "latex", "slides"):
        body = written[kind].replace(r"\{", "").replace(r"\}", "")
        assert body.count("{") == body.count("}"), kind
        assert body.count(r"\left") == body.count(r"\right"), kind
        assert body.count(r"\begin") == body.count(r"\end"), kind
        assert "Number(" not in body
    assert written["markdown"].count("$$") % 2 == 0
    for kind in ("html", "jupyter"):
        found = re.findall(r"<math.*?</math>", written[kind], re.DOTALL)
        assert len(found) > 10
        for formula in found:
            assert_mathml(formula)
        assert not re.search(r"<script|src=|href=|url\(|@import|http", written[kind]), "needs nothing from elsewhere"
    assert "<html" not in written["jupyter"]


def test_a_record_holds_both_sides_and_the_value():
    derivation, _ = derive(network(), "W[1,2,1]")
    record = derivation.to_dict()
    assert record["quantity"] == "W[1,2,1]"
    assert record["value"] == derivation.value
    assert record["latex"] == r"\frac{\partial \mathcal{L}}{\partial W_{1,2,1}}"
    last = record["steps"][-1]
    assert last["quantity"] == "W[1,2,1]"
    assert last["formula"]["text"] == "∂ℒ/∂W[1,2,1] = ∂ℒ/∂a[1,2] · h[0,1]"
    assert last["value"]["text"] == number_text(derivation.value)
    assert {step["talk"] for step in record["steps"]} == {"forward", "output", "hidden", "weights"}
    assert explain(network(), *example(network()), "a[1]").to_dict()["value"] == pytest.approx([0, 0], abs=10)


def test_numbers_that_say_no_more_than_the_value_are_left_out():
    derivation, _ = derive(network(loss="squared_error"), "a[2,1]")
    steps = {step["title"]: step for step in derivation.to_dict()["steps"]}
    assert steps["The output"]["numbers"] is None  # ŷ = a


def test_the_numbers_of_scalar_steps_come_to_the_value():
    derivation, _ = derive(network((4, 12, 3)), "W[1,2,1]")
    checked = 0
    for step in derivation.to_dict()["steps"]:
        if step["numbers"] and re.fullmatch(r"[-−()·+ .0-9]*", step["numbers"]["text"]):
            assert eval(read_text(step["numbers"]["text"])) == pytest.approx(
                eval(read_text(step["value"]["text"])), abs=1e-4
            )
            checked += 1
    assert checked >= 3


@pytest.mark.parametrize("quantity", ["W[1]", "h[0]", "W[1,7,1500]", "b[2]"])
def test_large_layers_are_shown_in_part_and_their_size_is_said(quantity):
    derivation, found = derive(network((2000, 1000, 3)), quantity)
    written = everything(derivation, found)
    assert r"_{1000 \times 2000}" in written["latex"]
    assert "1000×2000" in written["text"]
    assert max(len(text) for kind, text in written.items() if kind != "json") < 200_000
    assert "… 2000 columns …" in written["json"].encode().decode("unicode_escape")


def test_the_label_and_the_quantity_are_shown_within_long_columns():
    net = network((64, 32, 10))
    x, _ = example(net)
    derivation = explain(net, x, 5, "W[1,17,20]")
    rows = derivation.view.rows
    assert set(rows) == {0, 1, 2, "yhat"}
    assert (19 in rows[0], 16 in rows[1], 5 in rows[2], rows[2]) == (True, True, True, rows["yhat"])
    assert "Of the 64 units of layer 0" in write(derivation, "text")
    assert number_text(float(x[19])) in write(derivation, "text")
    assert re.search(r"⎢ 1 ⎥", write(derivation, "text"))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_lines_fit_the_terminal(width):
    derivation, found = derive(network((64, 32, 10)), "W[1,2,20]")
    widest = max(len(line.text) for line in tell(derivation.document(found), room=width))
    assert widest <= (width if width >= 80 else 80)
    console = Console(width=width, force_terminal=True, file=open(os.devnull, "w"))  # noqa: SIM115
    show_derivation(console, derivation, found)
    console.file.close()


def test_a_long_sum_is_broken_between_its_terms():
    terms = Sum(tuple(Product((Number(0.123456), Number(-0.654321 - k))) for k in range(8)))
    found = lines(Symbol("loss"), [terms], TextWriter(), 60)
    assert len(found) > 3
    assert all(line.right.startswith("+ ") for line in found[1:])
    assert " ".join(line.right for line in found) == write_text(terms)


def test_terminal_lines_stand_below_one_another():
    text = write(explain(network(), [1.0, -2.0], 1, "a[1]"), "text")
    for line, below in pairwise(text.splitlines()):
        for k, letter in enumerate(line):
            if letter == "⎡":
                assert below[k] in "⎢⎣"
            if letter == "⎤":
                assert below[k] in "⎥⎦"


def test_pages_escape_what_users_wrote():
    derivation, found = derive(network(), "W[1,1,1]")
    about = "<script>alert(1)</script> & 50% of my_file $x$ \\end{document} {"
    assert "<script>" not in derivation.to_html(found, about=about)
    assert escape_latex(about) in derivation.to_latex(found, about=about)
    assert r"\end{document} {" not in derivation.to_latex(found, about=about)
    assert r"my\_file \$x\$" in derivation.to_markdown(found, about=about)


NAMED = "my_gate_ü_力"


@pytest.fixture(scope="module")
def named():
    return NAMED if NAMED in ACTIVATIONS else str(register_activation(NAMED, lambda a: a * a, lambda a: 2 * a))


def test_names_of_activations_may_hold_any_letter(named):
    derivation, found = derive(network((2, 3, 2), named), "W[1,2,1]")
    written = everything(derivation, found)
    require_sound(written)
    assert r"my\_gate\_ü\_[U+529B]" in written["latex"]
    assert NAMED in written["html"]


def test_paths_stand_below():
    derivation, found = derive(network((3, 4, 4, 2)), "W[1,2,3]")
    written = everything(derivation, found)
    for kind in ("markdown", "latex", "slides", "html", "text"):
        assert "The strongest paths" in written[kind]
        assert "32 paths" in written[kind] or "8 paths" in written[kind], kind
    assert f"{found.strongest[0].share:.3g}"[:4] in written["text"] or "% of the flow" in written["text"]
    without = derivation.to_markdown()
    assert "paths" not in without.split("## ")[-1]


def test_a_derivation_prints_as_text():
    derivation, _ = derive(network(), "W[1,2,1]")
    assert str(derivation) == write(derivation, "text")
    assert "∂ℒ/∂W[1,2,1] = ∂ℒ/∂a[1,2] · h[0,1]" in str(derivation)


COMPILED = {
    "small": ((2, 2, 2), "W[1,2,1]", "cross_entropy"),
    "digits": ((64, 32, 10), "W[1,1,20]", "cross_entropy"),
    "vector": ((30, 20, 12), "h[1]", "binary_cross_entropy"),
    "deep": ((8, 7, 6, 5, 4), "W[1,1,1]", "poisson_deviance"),
    "named": ((2, 3, 2), "x[1]", "huber"),
}


@pytest.mark.parametrize("kind", ["latex", "slides"])
@pytest.mark.parametrize("name", COMPILED)
def test_latex_compiles_and_nothing_runs_off_the_page(name, kind, pdflatex, named, tmp_path):
    sizes, quantity, loss = COMPILED[name]
    derivation, found = derive(network(sizes, named if name == "named" else "tanh", loss), quantity)
    (tmp_path / "it.tex").write_text(everything(derivation, found)[kind], encoding="utf-8")
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "it.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300, check=False)
    log = (tmp_path / "it.log").read_text(errors="replace")
    assert result.returncode == 0, log[-3000:]
    assert [line for line in log.splitlines() if line.startswith("Overfull")] == []
    assert (tmp_path / "it.pdf").stat().st_size > 10_000
