"""Exercise sheets for the page: questions without their key, and marks for what is answered.

Nothing is kept: the page sends the settings of its sheet again with the answers, and the sheet is made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import InputError, InputTypeError
from .settings import shown, whole

if TYPE_CHECKING:
    from ...teaching.exercises import Exercise

MOST_SEED = 2**31 - 1
LONGEST = 60  # letters of an answer
SIZES = (2, 2, 2), (2, 3, 2), (3, 3, 2), (2, 2, 2, 2)
ACTIVATIONS = "leaky_relu(slope=0.5)", "sigmoid", "tanh", "relu"


def exercise_message(asked: Any) -> dict[str, Any]:
    """The sheet of ``asked``, a seed with sizes, an activation and further kinds: what is given, and what is asked."""
    from ...teaching.derivations.document import Equation
    from ...teaching.derivations.expressions import Expression
    from ...teaching.derivations.sentences import typeset
    from ...teaching.derivations.svg import draw_parts
    from ...teaching.exercises.blocks import Drawing, Heading, Row, Words
    from ...teaching.exercises.paper import BlankLatex

    made, writer = _made(asked), BlankLatex()
    questions = iter(made.questions)

    def write(part: Expression) -> str:
        return writer.write(part)

    def asked_for(equation: Equation) -> dict[str, Any]:
        question = next(questions)
        *formula, _ = equation.rights  # the last is the blank
        latex = " = ".join(map(write, (equation.left, *formula)))
        return {"name": question.name, "latex": latex, "shape": question.shape}

    blocks: list[dict[str, Any]] = []
    for block in made.sheet.blocks:
        match block:
            case Heading(text):
                blocks.append({"kind": "heading", "text": text})
            case Words(text):
                parts = typeset(text, lambda part: f"\0{write(part)}\0", str).split("\0")
                blocks.append({"kind": "words", "parts": parts})  # every second one is a formula
            case Drawing(picture):
                drawn = draw_parts(picture)
                size = [drawn.width, drawn.height]
                blocks.append({"kind": "drawing", "said": picture.said, "size": size, "svg": drawn.parts})
            case Row(equations, first) if first is not None:
                blocks.append({"kind": "questions", "questions": [asked_for(each) for each in equations]})
            case Row(equations):
                latex = [" = ".join(map(write, (each.left, *each.rights))) for each in equations]
                blocks.append({"kind": "given", "latex": latex})
    last = {"name": made.last.name, "latex": write(made.last.derivation.left), "shape": ()}
    blocks[-1] = {"kind": "questions", "questions": [last]}  # instead of its blank
    return {
        "type": "exercise",
        "exercise": asked,
        "offered": {"sizes": SIZES, "activations": ACTIVATIONS},
        "blocks": blocks,
    }


def marks_message(asked: Any, answers: Any) -> dict[str, Any]:
    """What is right, and the likely mistake in what is not; the right numbers stay here."""
    if not isinstance(answers, dict):
        raise InputTypeError(f"answers is {shown(answers)}, expected an object such as {{'a[1]': ['1', '2']}}.")
    for name, answer in answers.items():
        _require_short(name, answer)
    return {"type": "marks", "exercise": asked, **_made(asked).check(answers).to_dict()}


def _made(asked: Any) -> Exercise:
    from ...teaching.exercises import exercise

    if not isinstance(asked, dict) or set(asked) != {"seed", "sizes", "activation", "also"}:
        raise InputError(f"exercise is {shown(asked)}, expected seed, sizes, activation and also.")
    sizes, activation, also = asked["sizes"], asked["activation"], asked["also"]
    if not isinstance(sizes, list | tuple) or tuple(sizes) not in SIZES:
        raise InputError(f"sizes is {shown(sizes)}, expected one of {', '.join(map(str, map(list, SIZES)))}.")
    if activation not in ACTIVATIONS:
        raise InputError(f"activation is {shown(activation)}, expected one of {', '.join(ACTIVATIONS)}.")
    if not isinstance(also, bool):
        raise InputTypeError(f"also is {shown(also)}, expected true or false.")
    seed = whole(asked["seed"], "seed", 0, MOST_SEED)
    return exercise(seed, sizes, activation, also="all" if also else ())


def _require_short(name: str, answer: Any) -> None:
    parts = answer if isinstance(answer, list) else [answer]
    for part in parts:
        for text in part if isinstance(part, list) else [part]:
            if text is not None and not (isinstance(text, str) and len(text) <= LONGEST):
                raise InputError(
                    f"the answer {shown(name)} holds {shown(text)}, expected texts of at most {LONGEST} letters."
                )
