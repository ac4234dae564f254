"""Exercise sheets in the lab: the page gets the questions, and marks for what it answers, but never the key."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backtalk import BacktalkError, exercise
from backtalk.apps.lab.exercises import exercise_message, marks_message
from lab_page import serving

ASKED = {"seed": 3, "sizes": [2, 2, 2], "activation": "sigmoid", "also": True}


def made():
    return exercise(3, (2, 2, 2), "sigmoid", also="all")


def test_the_page_gets_every_question_in_order_with_the_shape_of_its_answer_and_no_answer():
    message = json.loads(json.dumps(exercise_message(ASKED)))
    questions = [question for block in message["blocks"] for question in block.get("questions", ())]
    assert [question["name"] for question in questions] == list(made().answers)
    assert [tuple(question["shape"]) for question in questions] == [np.shape(a) for a in made().answers.values()]
    assert all("bmatrix" not in question["latex"] or "W" in question["name"] for question in questions)
    (drawing,) = (block for block in message["blocks"] if block["kind"] == "drawing")
    assert drawing["said"] == "The network 2 → 2 → 2."
    assert drawing["svg"].count("<circle") == 7  # and the loss
    again = json.loads(json.dumps(exercise_message({**ASKED, "seed": 4})))
    others = [question for block in again["blocks"] for question in block.get("questions", ())]
    told = [question for question, other in zip(questions, others, strict=True) if question != other]
    assert {question["name"] for question in told} <= {"loss", "grad a[2]"}  # which name the label, and nothing else


def test_answers_are_marked_with_the_likely_mistake_over_the_connection():
    answers = {name: np.array(right).round(4).astype(str).tolist() for name, right in made().answers.items()}
    answers["grad a[2]"] = (-np.array(made().answers["grad a[2]"])).astype(str).tolist()
    with serving() as lab, lab.page() as page:
        page.configure(data="moons", layers=[2])
        page.say("exercise", exercise=ASKED)
        assert page.hear()["exercise"] == ASKED
        page.say("mark", exercise=ASKED, answers={name: answers[name] for name in ("yhat", "grad a[2]", "loss")})
        marks = page.hear()
        assert [row["verdict"] for row in marks["rows"]] == ["right", "right", "wrong"]
        assert marks["mistakes"][0]["name"] == "output_sign"
        page.say("mark", exercise={**ASKED, "seed": -1}, answers={})
        assert "Seed is -1" in page.hear()["message"]


@pytest.mark.parametrize(
    ("change", "answers", "words"),
    [
        ({"sizes": [9, 9]}, {}, r"sizes is \[9, 9\]"),
        ({"sizes": "2,2"}, {}, "sizes is '2,2'"),
        ({"activation": ["relu"]}, {}, "activation is"),
        ({"also": 1}, {}, "also is 1"),
        ({"seed": 1.5}, {}, "seed is 1.5"),
        ({"more": 1}, {}, "exercise is"),
        ({}, [], r"answers is \[\]"),
        ({}, {"loss": "1" * 61}, "texts of at most 60 letters"),
        ({}, {"loss": {"a": 1}}, "texts of at most"),
        ({}, {"los": "1"}, "did you mean 'loss'"),
    ],
)
def test_what_is_no_sheet_or_no_answer_is_refused(change, answers, words):
    with pytest.raises(BacktalkError, match=words):
        marks_message({**ASKED, **change}, answers)
