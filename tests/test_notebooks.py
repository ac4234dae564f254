"""The notebooks of examples/ run from top to bottom, and what they claim is so."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
KEYS = {"markdown": {"cell_type", "id", "metadata", "source"}}
KEYS["code"] = KEYS["markdown"] | {"execution_count", "outputs"}
by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> dict:
    return json.loads(path.read_text())


def text_of(cell: dict) -> str:
    return "".join(cell["source"])


def run(path: Path) -> list[object]:
    """What each cell of code shows: the value of its last line, as Jupyter does it."""
    names, shown = {"__name__": "__main__"}, []
    for cell in read(path)["cells"]:
        if cell["cell_type"] == "code":
            lines = ast.parse(text_of(cell)).body
            last = lines[-1].value if isinstance(lines[-1], ast.Expr) else None
            where = f"{path.name}, {cell['id']}"
            exec(compile(ast.Module(lines[:-1] if last else lines, []), where, "exec"), names)
            shown.append(eval(compile(ast.Expression(last), where, "eval"), names) if last else None)
    return shown


@by_name
def test_every_cell_runs_and_shows_what_it_claims(path):
    if "import torch" in path.read_text():
        pytest.importorskip("torch")
    shown = run(path)
    assert not [value for value in shown if value is False]
    assert True in [value for value in shown if isinstance(value, bool)]
    for value in shown:
        if hasattr(value, "_repr_html_"):
            assert value._repr_html_()


def test_a_claim_that_is_false_would_be_noticed(tmp_path):
    source = ["x = 1\n", "x == 2"]
    cells = [{"cell_type": "code", "id": "a", "metadata": {}, "source": source, "execution_count": None, "outputs": []}]
    (tmp_path / "false.ipynb").write_text(json.dumps({"cells": cells}))
    assert run(tmp_path / "false.ipynb") == [False]


@by_name
def test_a_notebook_is_of_the_format_and_holds_no_outputs_and_nothing_of_a_machine(path):
    notebook = read(path)
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert set(cell) == KEYS[cell["cell_type"]]
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell["id"])
        assert cell["metadata"] == {}
        lines = cell["source"]
        assert lines
        assert all(line.endswith("\n") == (line is not lines[-1]) for line in lines)
        if cell["cell_type"] == "code":
            assert (cell["execution_count"], cell["outputs"]) == (None, [])
    assert not re.search(r"/(home|work|tmp|Users|root)/|[A-Z]:\\\\", path.read_text())


@by_name
def test_a_notebook_begins_with_its_title_and_ends_with_a_question_and_a_folded_answer(path):
    first, *_, last = read(path)["cells"]
    assert text_of(first).startswith("# ")
    assert last["cell_type"] == "markdown"
    assert re.search(
        r"(^|\n)## A question\n.*\?.*<details><summary>Answer</summary>\n\n.*</details>$", text_of(last), re.S
    )


def test_the_page_for_teachers_lists_every_notebook():
    said = (FOLDER.parent.parent / "docs" / "teaching.md").read_text()
    assert re.findall(r"\(\.\./examples/notebooks/([^)]+)\)", said) == [path.name for path in NOTEBOOKS]
