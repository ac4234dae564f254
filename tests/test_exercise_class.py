"""The sheets of a class: different, made again from their numbers, and marked together."""

from __future__ import annotations

import csv
import json
import subprocess

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, exercise
from backtalk.teaching.exercises import make_class, mark_class, read_class

SETTINGS = {"sizes": (2, 2), "activation": "relu"}


@pytest.fixture(scope="module")
def sheets():
    return make_class(3, 1, SETTINGS)


@pytest.fixture
def folder(sheets, tmp_path):
    for name, text in sheets.files("markdown").items():
        (tmp_path / name).write_text(text)
    return tmp_path


def fill(folder, change=lambda sheet, question, text: text, name="answers.csv"):
    """The right answers as a table, but for what ``change`` makes of them; None leaves one out."""
    sheets, rows = read_class(folder), []
    for number, made in sheets.exercises.items():
        for question, right in made.answers.items():
            text = change(number, question, "; ".join(f"{value:.4f}" for value in np.ravel(right)))
            if text is not None:
                rows.append([number, f"Student {number}", question, text])
    with (folder / name).open("w", newline="") as file:
        csv.writer(file).writerows([["sheet", "name", "question", "answer"], *rows])
    return folder / name


def test_sheets_differ_in_their_numbers_and_not_in_their_questions(sheets):
    made = list(sheets.exercises.values())
    assert sheets.numbers == (1, 2, 3)
    assert len({str(each.answers) for each in made}) == 3
    assert len({tuple(each.answers) for each in made}) == 1
    assert made[1].sheet.to_latex() == exercise(2, **SETTINGS).sheet.to_latex()


def test_the_folder_holds_each_sheet_with_its_key_and_all_together_and_an_empty_table(sheets, folder):
    names = {path.name for path in folder.iterdir()}
    assert {"sheet-1.md", "key-3.md", "all-sheets.md", "all-keys.md", "answers.csv", "class.json"} <= names
    assert (folder / "all-sheets.md").read_text().count("\n# Back-propagation") == 2  # and one above
    with (folder / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(made.answers) for made in sheets.exercises.values())
    assert all(row["answer"] == "" for row in rows)
    again = read_class(folder)
    assert {n: made.answers for n, made in again.exercises.items()} == {
        n: made.answers for n, made in sheets.exercises.items()
    }


def test_right_answers_get_every_point_also_with_semicolons_between_columns(folder):
    found = mark_class(read_class(folder), fill(folder))
    assert {student.marks.points for student in found.students} == {len(found.students[0].marks.rows)}
    assert found.students[0].name == "Student 1"
    table = (folder / "answers.csv").read_text().replace(";", "|").replace(",", ";").replace("|", "%")
    rows = [line.split(";") for line in table.splitlines() if '"' not in line]
    (folder / "excel.csv").write_bytes(
        b"\xef\xbb\xbf" + "\r\n".join(";".join(f'"{cell}"' for cell in row) for row in rows).replace("%", ";").encode()
    )
    assert {row.verdict for row in mark_class(read_class(folder), folder / "excel.csv").students[0].marks.rows} == {
        "right",
        "not answered",
    }


def test_mistakes_are_named_for_each_student_and_counted_for_each_question(folder):
    def change(sheet, question, text):
        if question == "grad a[1]" and sheet < 3:  # the sign at the output
            return "; ".join(str(-float(part)) for part in text.split(";"))
        return None if sheet == 3 else text

    found = mark_class(read_class(folder), fill(folder, change))
    assert [student.sheet for student in found.students] == [1, 2]
    assert found.silent == (3,)
    assert all("the sign at the output is turned" in student.mistakes[0] for student in found.students)
    name, verdicts, _ = found.of_question(3)
    assert (name, verdicts["wrong"]) == ("grad a[1]", 2)
    assert "without an answer: sheet 3" in str(found)
    points = list(csv.DictReader(found.to_csv().splitlines()))
    assert (points[0]["name"], points[0]["grad a[1]"], points[0]["a[1]"]) == ("Student 1", "0", "1")
    assert int(points[0]["points"]) == found.students[0].marks.points


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("sheet,question\n1,loss\n", "has no column 'answer', expected sheet, question and answer"),
        ("sheet,question,answer,answer\n", "has twice the column 'answer'"),
        ("sheet,question,answer\n9,loss,1\n", "line 2 of .* is about sheet '9', expected one of the 3 from 1 to 3"),
        ("sheet,name,question,answer\n,Ann,loss,1\n", "line 2 of .* has no sheet: .* a name alone does not tell"),
        ("sheet,question,answer\n1,los,1\n", "did you mean 'loss'"),
        ("sheet,question,answer\n1,loss,1\n2,loss,1\n1,loss,2\n", "loss of sheet 1 twice, in lines 2 and 4"),
        ("sheet,name,question,answer\n1,Ann,loss,1\n1,Bob,yhat,2\n", "names sheet 1 'Bob', after 'Ann'"),
        ("sheet,question,answer\n1,loss,\n", "holds no answer"),
        ("sheet,question,answer\n1,loss,0,5\n", "put an answer that holds ',' in quotes"),
        ('sheet,question,answer\n1,loss,"0', "is no CSV"),
        ("", "has no column 'sheet'"),
    ],
)
def test_a_table_that_cannot_be_marked_is_refused_with_its_place(folder, table, words):
    (folder / "mine.csv").write_text(table)
    with pytest.raises(InputError, match=words):
        mark_class(read_class(folder), folder / "mine.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "make them anew"),
        ("[]", "make them anew"),
        ("{}", "make them anew"),
        ('{"format": 2, "numbers": [1], "settings": {}}', "is of format 2, this backtalk reads up to 1: update"),
        ('{"format": 1, "numbers": [1, 1], "settings": {}}', "make them anew"),
        ("[" * 100_000, "make them anew"),
    ],
)
def test_a_folder_without_sheets_of_a_class_is_refused(tmp_path, text, words):
    with pytest.raises(InputError, match=r"has no class\.json"):
        read_class(tmp_path)
    (tmp_path / "class.json").write_text(text)
    with pytest.raises(InputError, match=words):
        read_class(tmp_path)


def test_counts_that_make_no_class_are_refused():
    for count, error in ((0, InputError), (1001, InputError), (1.5, InputTypeError)):
        with pytest.raises(error, match="count is"):
            make_class(count)


def test_the_commands_write_a_folder_and_mark_its_answers(call, tmp_path):
    code, out, _ = call("exercise", "--class", 2, "--sizes", "2,2", "--to", "html", "--out", "mine")
    assert code == 0
    assert out.startswith("wrote 2 sheets with keys to mine; fill answers.csv there")
    assert json.loads((tmp_path / "mine" / "class.json").read_text())["numbers"] == [1, 2]
    fill(tmp_path / "mine")
    code, out, _ = call("mark", "mine", "mine/answers.csv", "--out", "points.csv")
    assert code == 0
    assert "2 sheets marked, 7.0 of 7 points on average" in " ".join(out.split())
    assert (tmp_path / "points.csv").read_text().startswith("sheet,name,points,of,a[1]")
    assert "7 of 7 right" in call("mark", "mine", "mine/answers.csv", "--sheet", 2)[1]
    for arguments, words in (
        (("exercise", "--class", 2, "--out", "mine"), "which is there already"),
        (("exercise", "--class", 2, "--key"), "key is given"),
        (("exercise", "--also", "jacobean"), "did you mean 'jacobian'"),
        (("mark", "mine", "mine/answers.csv", "--sheet", 5), "sheet is 5"),
        (("mark", "mine", "mine/answers.csv", "--out", "mine/answers.csv"), "the answers themselves"),
        (("mark", "mine", "none.csv"), "none.csv"),
    ):
        code, _, err = call(*arguments)
        assert code == 2
        assert words in err


def test_all_sheets_of_a_class_compile_together(pdflatex, sheets, tmp_path):
    (tmp_path / "all.tex").write_text(sheets.files("latex")["all-sheets.tex"])
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert run.returncode == 0, run.stdout[-2000:]
    assert b"Overfull \\hbox" not in run.stdout
