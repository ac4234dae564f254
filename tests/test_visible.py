"""Names and cells from files: nothing of them acts on a terminal, and programs get them as they are."""

from __future__ import annotations

import ast
import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from rich.table import Table
from rich.text import Text

import backtalk.apps
from backtalk.apps.cli.table_views import show_confusion, show_scores
from backtalk.apps.tables import train
from backtalk.apps.tables.spreadsheets import without_formulas
from backtalk.apps.terminal import make_console, show_table
from backtalk.apps.visible import put_json, visible
from one_network import Options

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\x08\u202e\u2066\x7f"
RAW = set(EVIL) - set("]0;owned[2J31m")


def acts(text: str) -> set[str]:
    """What would act on a terminal; the console's own colours are off here."""
    return RAW & set(text)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("evil") / f"t{EVIL}.csv"
    rows = [[f"x{EVIL}", f"word{EVIL}", "empty", f"y{EVIL}"]]
    rows += [[str(k), f"{'ab'[k % 2]}{EVIL}", "", f"{'no' if k % 2 else 'yes'}{EVIL}"] for k in range(40)]
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(table, folder, Options(f"y{EVIL}", epochs=1, hidden=(2,)))
    return folder


def test_no_name_and_no_cell_acts_on_a_terminal(call, table, tmp_path):
    run, other = tmp_path / f"run{EVIL}", tmp_path / f"other{EVIL}.csv"
    other.write_text(f"x{EVIL},word{EVIL},empty,new{EVIL}\n1,c{EVIL},,\n")
    for wanted, arguments in (
        (0, ["train", table, "--target", f"y{EVIL}", "--out", run, "--epochs", 1, "--hidden", 2]),
        (2, ["train", table, "--target", EVIL]),
        (2, ["train", table]),
        (2, ["train", EVIL, "--target", "y"]),
        (0, ["evaluate", run, table]),
        (0, ["predict", run, other, "--out", tmp_path / f"out{EVIL}.csv"]),
        (0, ["diagnose", run, table]),
        (0, ["explain", run, table]),
        (2, ["gradients", run / "model.safetensors", table]),
        (0, ["check", run / "model.safetensors"]),
        (2, ["lab", EVIL, "x"]),
        (2, ["exercise", "--activation", EVIL]),
        (2, [EVIL]),
    ):
        code, out, err = call(*arguments)
        assert code == wanted or (code, arguments[0]) == (1, "diagnose"), err
        assert acts(out) == acts(err) == set(), arguments
        assert "internal error" not in err


def test_programs_get_names_and_cells_as_they_are(call, table, run):
    _, out, _ = call("predict", run, table)
    assert next(csv.reader(io.StringIO(out, newline="")))[1:] == [
        f"probability of {word}{EVIL}" for word in ("no", "yes")
    ]
    _, out, _ = call("evaluate", run, table, "--json")
    assert out.isascii()
    assert acts(out) == set()
    assert set(json.loads(out)["recall"]) == {f"no{EVIL}", f"yes{EVIL}"}


def test_what_a_program_gets_is_shown_if_a_terminal_takes_it(call, table, run, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert acts(call("predict", run, table)[1]) == set()


def test_colours_of_our_own_stay(capsys):
    console = make_console(force_terminal=True, color_system="standard", width=80)
    table = Table()
    table.add_column("a", style="red")
    table.add_row(Text(EVIL))
    show_table(console, table)
    out = capsys.readouterr().out
    assert "\x1b[31m" in out
    assert "\x1b]" not in out
    assert "\x9b" not in out
    assert "\u202e" not in out


def test_line_ends_tabs_and_letters_of_any_script_stay():
    text = "ℒ\tżółć\nשלום 👩‍🔬"  # the woman and the microscope are joined by U+200D
    assert visible(text) == text


def test_a_line_break_in_a_name_makes_no_line_in_a_table_or_a_sentence(call, tmp_path, capsys):
    frame = pl.DataFrame({"b\nnew": range(40), "a\tz": ["", "w\nx"] * 20, "y": ["no\nmaybe", "yes"] * 20})
    frame.write_parquet(tmp_path / "t.parquet")
    code, out, err = call("train", "t.parquet", "--target", "y", "--out", "run", "--epochs", 1, "--hidden", 2)
    assert (code, err) == (0, "")
    assert all(name in out for name in ("b␊new", "a␉z", "w␊x", "no␊maybe"))
    assert "\t" not in out
    frame.rename({"y": "y\nz"}).write_parquet(tmp_path / "t.parquet")
    assert len(call("train", "t.parquet")[2].splitlines()) == 1
    show_scores(make_console(), {"[red]\nx.csv": {"accuracy": 0.5}})
    assert "[red]␊x.csv\n" in capsys.readouterr().out


def test_classes_that_differ_only_at_their_ends_are_told_apart(capsys):
    names = ["a class of the first kind, as it was in the table", "a class of the first kind, as it is now", "b" * 50]
    show_confusion(make_console(), {"confusion_matrix": [[1] * 3] * 3, "recall": dict.fromkeys(names, 0.5)})
    _, _, above, _, *rows = capsys.readouterr().out.splitlines()
    assert above.split("   ")[-4:] == ["a cla… table", "a cla…is now", "bbbbbbbbbbb…", "found"]
    assert [row[:30] for row in rows] == [
        "a class of the…as in the table",
        "a class of the…d, as it is now",
        "b" * 29 + "…",
    ]


def test_json_is_ascii(capsys):
    put_json({"a": EVIL})
    out = capsys.readouterr().out
    assert acts(out) == set()
    assert json.loads(out) == {"a": EVIL}


def test_the_command_line_prints_by_one_module_alone():
    for path in Path(backtalk.apps.__file__).parent.rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        prints = [each for each in calls if isinstance(each, ast.Name) and each.id in ("print", "Console")]
        assert not prints or path.name == "visible.py", path


def test_text_that_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(call, tmp_path):
    classes = ['=cmd|" /C calc"!A0', "+x", "-x", "@SUM(A1)", "\tx", "-1.5", "yes", "a=b"]
    (tmp_path / "t.csv").write_text(
        "a,y\n"
        + "".join(f'{k},"{word.replace(chr(34), chr(34) * 2)}"\n' for k, word in enumerate(classes) for _ in "123")
    )
    train(tmp_path / "t.csv", tmp_path / "run", Options("y", epochs=1, hidden=(2,), test=0, validation=0))
    predicted = pl.DataFrame({"prediction": [*classes, "\rx"], "probability": [-0.5] * 9})
    safe = without_formulas(predicted)
    assert safe["prediction"].to_list() == [
        "'=cmd|\" /C calc\"!A0", "'+x", "'-x", "'@SUM(A1)", "'\tx", "-1.5", "yes", "a=b", "'\rx",
    ]  # fmt: skip
    assert safe["probability"].to_list() == [-0.5] * 9
    hidden = ["\ufeff=1+1", "\u200b\u2060@x", "＝1", "＋1", "－1", "＠x", "\ufeffyes"]
    shown = without_formulas(pl.DataFrame({"prediction": hidden}))["prediction"].to_list()
    assert shown == [*(f"'{word}" for word in hidden[:-1]), "\ufeffyes"]
    code, out, err = call("predict", tmp_path / "run", tmp_path / "t.csv", "--csv-safe", "--json")
    assert (code, out) == (2, "")
    assert err.startswith("backtalk: --csv-safe is for CSV, but --json prints none: leave one of them out")
    out = call("predict", tmp_path / "run", tmp_path / "t.csv", "--csv-safe")[1]
    cells = [row[0] for row in csv.reader(io.StringIO(out))][1:]
    assert len(cells) == 24
    assert not [cell for cell in cells if cell[0] in "=+@\t\r" or (cell[0] == "-" and cell != "-1.5")]
