"""backtalk explain, as a user calls it: answers, files, exit codes, refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import backtalk
from backtalk import Network, explain, fit, load, paths, save
from backtalk.apps.cli import RAISED, SPELLED
from backtalk.teaching.derivations import explain as derive
from one_network import ALONE_IN_WORDS
from test_cli import run, run_in_terminal


@pytest.fixture
def model(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 3))
    y = (X @ [1, -2, 1] > 0).astype(int)
    save(fit(Network.create([3, 4, 2], "tanh", rng=0), X, y, epochs=3, rng=0).network, tmp_path / "m.safetensors")
    rows = [",".join(map(repr, map(float, [*row, label]))) for row, label in zip(X, y, strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["a,b,salary,bought", *rows]) + "\n")
    return "m.safetensors", "data.csv"


@pytest.fixture
def refuse(call, tmp_path):
    """Calls what must be refused: exit code 2, one sentence, and nothing written or changed."""

    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def refused(*arguments) -> str:
        before = state()
        code, out, err = call("explain", *arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), (out, err)
        assert "internal error" not in err
        assert state() == before
        return err.removeprefix("backtalk: ").strip()

    return refused


def row_of(tmp_path: Path, row: int) -> tuple[np.ndarray, int]:
    table = np.loadtxt(tmp_path / "data.csv", delimiter=",", skiprows=1)
    return table[row, :3], int(table[row, 3])


def test_the_terminal_shows_each_talk_and_the_value(call, model, tmp_path):
    code, out, err = call("explain", *model, "--example", 3, "--quantity", "W[1,2,3]")
    assert (code, err) == (0, "")
    assert out.startswith("m.safetensors on data.csv, example 3; h[0,3] is the column salary: loss 0.")
    for talk in (
        "Forward",
        "The loss talks to the output units",
        "Each layer talks",
        "The last one talks to the weights",
    ):
        assert f"── {talk}" in out
    x, y = row_of(tmp_path, 3)
    value = explain(load(tmp_path / "m.safetensors"), x, y, "W[1,2,3]").value
    assert f"= {value:.6g}".replace("-", "−") in out.splitlines()[-1]


def test_json_holds_the_derivation_and_the_paths(call, model, tmp_path):
    code, out, err = call("explain", *model, "--example", 5, "--quantity", "x[2]", "--paths", 2, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    network, (x, y) = load(tmp_path / "m.safetensors"), row_of(tmp_path, 5)
    assert found["quantity"] == "h[0,2]"
    assert found["example"] == 5
    assert found["value"] == explain(network, x, y, "x[2]").value
    assert found["paths"] == json.loads(json.dumps(paths(network, x, y, "x[2]", 2).to_dict()))
    assert {"backtalk", "latex", "loss", "steps", "said"} <= set(found)


def test_without_a_quantity_it_is_the_weight_with_the_largest_gradient(call, model, tmp_path):
    code, out, err = call("explain", *model, "--example", 2)
    chosen = re.search(r"this is (W\[[0-9,]+\]), the weight with the largest gradient", err)[1]
    x, y = row_of(tmp_path, 2)
    network = load(tmp_path / "m.safetensors")
    largest = max(np.abs(explain(network, x, y, f"W[{i}]").value).max() for i in (1, 2))
    assert code == 0
    assert abs(explain(network, x, y, chosen).value) == largest
    assert f"∂ℒ/∂{chosen} = " in out


@pytest.mark.parametrize(
    ("to", "begin"),
    [
        ("markdown", "# The chain rule"),
        ("latex", r"\documentclass"),
        ("slides", r"\documentclass"),
        ("html", "<!doctype"),
    ],
)
def test_a_form_goes_to_stdout_or_to_a_file(call, model, tmp_path, to, begin):
    arguments = ("explain", *model, "--quantity", "a[1]", "--to", to)
    code, out, err = call(*arguments)
    assert (code, err) == (0, "")
    assert out.startswith(begin)
    code, said, _ = call(*arguments, "--out", "new.file")
    assert (code, said) == (0, "wrote new.file\n")
    assert (tmp_path / "new.file").read_text(encoding="utf-8") == out


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("it.md", "# "),
        ("it.tex", r"\documentclass[11pt,a4paper"),
        ("it.HTML", "<!doctype"),
        ("it.txt", "m.safetensors on"),
    ],
)
def test_the_name_of_the_file_says_the_form(call, model, tmp_path, name, begin):
    assert call("explain", *model, "--quantity", "W[1,1,1]", "--paths", 2, "--out", name)[0] == 0
    written = (tmp_path / name).read_text(encoding="utf-8")
    assert written.startswith(begin)
    assert "The strongest paths" in written


def test_svg_is_a_file_for_each_step(call, model, tmp_path):
    code, said, _ = call("explain", *model, "--quantity", "b[1]", "--out", "step.svg", "--theme", "dark")
    files = sorted(path.name for path in tmp_path.glob("step*"))
    assert (code, said) == (0, f"wrote step-01.svg to {files[-1]}\n")
    assert len(files) == int(files[-1][5:7])
    assert "E8EAEE" in (tmp_path / "step-01.svg").read_text()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--to", "svg"], "out is missing"),
        (["--out", "it.svg", "--paths", "2"], "svg has a picture for each step alone"),
        (["--to", "html", "--theme", "dark"], "html does not have"),
        (["--to", "slides", "--theme", "a b"], "theme is 'a b', expected light, dark"),
        (["--out", "it.svg", "--theme", "Madrid"], "theme"),
    ],
)
def test_themes_and_pictures_that_do_not_exist_are_refused_before_anything_is_written(
    call, model, tmp_path, wrong, said
):
    code, out, err = call("explain", *model, "--quantity", "b[1,1]", *wrong)
    assert (code, out) == (2, "")
    assert said in err
    assert not list(tmp_path.glob("it*"))


def test_json_and_a_file_together(call, model, tmp_path):
    code, out, _ = call("explain", *model, "--quantity", "b[1]", "--json", "--to", "slides", "--out", "talk.tex")
    assert code == 0
    assert json.loads(out)["quantity"] == "b[1]"
    assert "beamer" in (tmp_path / "talk.tex").read_text()


@pytest.mark.parametrize("members", [ALONE_IN_WORDS, ["--members", "2"]])
def test_a_run_of_train_is_explained_with_its_table(call, tmp_path, members):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{'red' if a > 0 else 'blue'},{'yes' if a + b > 0 else 'no'}" for a, b in rng.normal(size=(60, 2))]
    (tmp_path / "t.csv").write_text("\n".join(["size,colour,bought", *rows]) + "\n")
    command = ("train", "t.csv", "--target", "bought", "--epochs", 3, "--hidden", "4", "--out", "run")
    assert call(*command, *members)[0] == 0
    code, out, _ = call("explain", "run", "t.csv", "--example", 7, "--quantity", "x[1]")
    assert code == 0
    assert out.startswith("run on t.csv, example 7; h[0,1] is the column size: loss ")
    assert "∂ℒ/∂h[0,1] = " in out


@pytest.fixture
def trained(call, tmp_path):
    """The folder of a run, with a table of 3 columns and the target, and one without the target."""
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{'red' if a > 0 else 'blue'},{'yes' if a + b > 0 else 'no'}" for a, b in rng.normal(size=(60, 2))]
    rows[4] = rows[4].rpartition(",")[0] + ","  # no target in row 5
    (tmp_path / "t.csv").write_text("\n".join(["size,colour,bought", *rows]) + "\n")
    (tmp_path / "bare.csv").write_text("\n".join(["size,colour", *(row.rpartition(",")[0] for row in rows)]) + "\n")
    arguments = ("--target", "bought", "--members", 1, "--epochs", 3, "--hidden", "4", "--out", "run")
    code, out, _ = call("train", "t.csv", *arguments)
    assert code == 0
    assert "depends most on '" in out or "no column matters" in out
    return "run", "t.csv"


def test_rows_of_a_run_are_explained_by_their_columns(call, trained):
    code, out, err = call("explain", *trained, "--row", "3,12")
    assert (code, err) == (0, "")
    for row in (3, 12):
        assert f"row {row} of t.csv: '" in out
    assert out.count("█") > 10
    assert out.count("checked: together ") == 2
    assert out.count("rows are counted from 1\n") == 1
    assert "∂ℒ" not in out
    code, out, _ = call("explain", "run", "bare.csv", "--row", 5)
    assert "row 5 of bare.csv: " in out
    assert "in the table" not in out
    code, out, _ = call("explain", "run", "bare.csv")  # without a target there is no loss to derive
    assert "row 1 of bare.csv: " in out
    assert "∂ℒ" not in out


def test_a_gradient_of_a_row_comes_after_its_columns(call, trained):
    code, out, _ = call("explain", *trained, "--row", 12, "--quantity", "x[1]")
    assert code == 0
    assert out.index("row 12 of t.csv: ") < out.index("run on t.csv, row 12; h[0,1] is the column size: loss ")
    _, by_example, _ = call("explain", *trained, "--example", 10, "--quantity", "x[1]")  # row 5 has no target
    assert out.splitlines()[-1] == by_example.splitlines()[-1]
    code, out, _ = call("explain", *trained)
    assert out.index("row 1 of t.csv: ") < out.index("run on t.csv, row 1")


def test_json_has_the_contributions_and_the_gradient(call, trained):
    code, out, err = call("explain", *trained, "--row", "2,5", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert {"backtalk", "contributions", "said"} == set(found)
    for row, number in zip(found["contributions"]["rows"], (2, 5), strict=True):
        assert row["row"] == number
        assert {each["column"] for each in row["columns"]} == {"size", "colour"}
        total = sum(each["contribution"] for each in row["columns"])
        assert total == pytest.approx(row["prediction"] - row["baseline"], abs=2 * row["completeness_error"] + 1e-12)
    code, out, _ = call("explain", *trained, "--row", 2, "--quantity", "b[1]", "--json")
    assert {"contributions", "quantity", "steps", "paths"} <= set(json.loads(out))


def test_rows_that_cannot_be_explained_are_refused(refuse, trained, model):
    assert "row is 0, but the table has 60 rows: expected 1 to 60" in refuse(*trained, "--row", 0)
    assert "row is 61" in refuse(*trained, "--row", "1,61")
    assert "row is 'x', expected rows counted from 1" in refuse(*trained, "--row", "x")
    assert "row and example are given" in refuse(*trained, "--row", 1, "--example", 0)
    assert "give one row" in refuse(*trained, "--row", "1,2", "--quantity", "b[1]")
    assert "row 5 of t.csv has no target" in refuse(*trained, "--row", 5, "--quantity", "b[1]")
    assert "is a network, not the folder of a run" in refuse(*model, "--row", 1)
    assert "nowhere does not exist, expected the folder of a run" in refuse("nowhere", "data.csv", "--row", 1)
    assert "row is given, but with --sizes" in refuse("--sizes", "2,3,2", "--row", 1)
    assert "lacks columns 'size', 'colour'" in refuse("run", "data.csv", "--row", 1)


def test_bad_input_is_refused_in_one_sentence(refuse, model):
    assert "example is 20, but data.csv has 20 rows: expected 0 to 19" in refuse(*model, "--example", 20)
    assert "example is -1" in refuse(*model, "--example", -1)
    assert "does not have" in refuse(*model, "--quantity", "W[3,1,1]")
    assert "W[1,1,1] to W[1,4,3] are there" in refuse(*model, "--quantity", "W[1,9,1]")
    assert "which is none" in refuse(*model, "--quantity", "loss")
    assert "to is 'pdf', which is not known" in refuse(*model, "--to", "pdf")
    assert "whose name does not say what to write" in refuse(*model, "--out", "it.pdf")
    assert "--json prints JSON" in refuse(*model, "--json", "--to", "latex")
    assert "whole matrix" in refuse(*model, "--quantity", "W[1]", "--paths", 3)
    assert "paths" in refuse(*model, "--paths", 0)
    assert "No such file" in refuse("nothing.safetensors", "data.csv")
    assert "target is 'nothing'" in refuse(*model, "--target", "nothing")
    assert "the network has 3 inputs" in refuse("m.safetensors", "digits")


def test_nothing_is_written_over_the_model_or_the_data(refuse, model, tmp_path):
    assert "the model itself" in refuse(*model, "--to", "latex", "--out", "m.safetensors")
    assert "the data itself" in refuse(*model, "--to", "latex", "--out", "./data.csv")
    (tmp_path / "link.tex").symlink_to(tmp_path / "data.csv")
    assert "the data itself" in refuse(*model, "--out", "link.tex")
    assert "Is a directory" in refuse(*model, "--to", "html", "--out", ".")
    assert "No such file" in refuse(*model, "--out", "nowhere/it.tex")


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(refuse, tmp_path, bad):
    X, y = np.ones((3, 3)), np.zeros(3)
    X[1, 2] = bad
    np.savez(tmp_path / "d.npz", X=X, y=y)
    assert "example 1 of d.npz has values in x that are not finite" in refuse("m.safetensors", "d.npz", "--example", 1)


@pytest.mark.usefixtures("model")
def test_other_rows_may_hold_nan(call, tmp_path):
    X = np.ones((3, 3))
    X[1, 2] = np.nan
    np.savez(tmp_path / "d.npz", X=X, y=np.zeros(3))
    assert call("explain", "m.safetensors", "d.npz", "--example", 0, "--quantity", "a[1]")[0] == 0


@pytest.mark.usefixtures("model")
def test_arrays_that_are_no_table_are_refused(refuse, tmp_path):
    np.savez(tmp_path / "flat.npz", X=np.ones(3), y=np.zeros(3))
    assert "X of shape (3,)" in refuse("m.safetensors", "flat.npz")
    np.savez(tmp_path / "short.npz", X=np.ones((3, 3)), y=np.zeros(2))
    assert "y of shape (2,)" in refuse("m.safetensors", "short.npz")


@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_the_terminal(model, tmp_path, columns):
    shown = run_in_terminal(
        columns, "explain", tmp_path / model[0], tmp_path / model[1], "--quantity", "W[1,2,3]", "--paths", 3
    )
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines()]
    begin = next(k for k, line in enumerate(lines) if "Forward" in line)
    assert max(map(len, lines[begin:])) <= columns
    assert "\x1b[1m" in shown


def test_no_color_is_heeded(model, tmp_path):
    shown = run_in_terminal(
        80, "explain", tmp_path / model[0], tmp_path / model[1], "--quantity", "W[1,2,3]", NO_COLOR="1"
    )
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)


def test_a_terminal_without_unicode_shows_letters_of_ascii(model, tmp_path):
    plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = run("explain", tmp_path / model[0], tmp_path / model[1], "--quantity", "W[1,2,3]", "--paths", 2, **plain)
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert "?" not in result.stdout
    assert "dloss/dW[1,2,3] = dloss/da[1,2] * h[0,3]" in result.stdout
    lines = result.stdout.splitlines()
    matrix = next(k for k, line in enumerate(lines) if line.lstrip().startswith("a[1] = W[1] h[0] + b[1]"))
    assert {line.index("[") for line in lines[matrix + 1 : matrix + 5]} == {lines[matrix + 1].index("[")}


def test_every_letter_of_a_derivation_can_be_spelled():
    found = set()
    for loss in ("cross_entropy", "binary_cross_entropy", "huber", "poisson_deviance", "absolute_error"):
        net = Network.create([7, 8, 9], "tanh", loss, rng=0)
        y = net.loss.draw_target(np.random.default_rng(0), 1, 9)[0]
        for quantity in ("W[1,1,1]", "h[1]"):
            found |= set(str(derive(net, np.full(7, 1e-7), y, quantity)))
    unknown = (
        {letter for letter in found if not letter.isascii()} - set(SPELLED) - {chr(code) for code in RAISED} - {"²"}
    )
    assert unknown == set()


def test_help_says_from_where_rows_are_counted(call):
    _, out, _ = call("explain", "--help")
    assert "counted from 0" in " ".join(out.split())


def test_step_derives_an_update_of_the_weight_instead(call, model, tmp_path, refuse):
    x, y = row_of(tmp_path, 3)
    update = backtalk.explain_step(load(tmp_path / "m.safetensors"), x, y, "adam(learning_rate=0.1)", "W[1,2,3]")
    asked = ("--example", 3, "--quantity", "W[1][2,3]", "--step", "adam(learning_rate=0.1)")
    code, out, err = call("explain", *model, *asked)
    assert (code, err) == (0, "")
    assert "The first moment, corrected" in out
    assert json.loads(call("explain", *model, *asked, "--json")[1])["after"] == update.after
    assert "leave --step or --paths out" in refuse(*model, *asked, "--paths", 3)
    assert "did you mean 'adam'" in refuse(*model, *asked[:-1], "adm")
