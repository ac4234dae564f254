"""README and docs: every command runs, every link leads somewhere, and the front page stays one page."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtalk import Network, save
from backtalk.apps.cli import app
from backtalk.apps.tables import train
from one_network import Options

HOME = Path(__file__).parents[1]
PAGES = [HOME / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
PAGES += sorted((HOME / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
SERVES = {"lab", "--coordinator"}  # without an end, or with other processes: such a command is only parsed
SHORTER = {  # options that come last, so that what is shown on a page takes less time here
    "train": ["--epochs", "2"],
    "influence": ["--agreement", "0"],
    "lab": ["--steps", "2", "--examples", "1"],
}


def commands_of(page: Path) -> list[list[str]]:
    """Of blocks of sh all lines, of others those after a $: the commands of backtalk, and those of python -c."""
    found = []
    for language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            prompt = "" if language == "sh" else "$ "
            if line.startswith(prompt) and line.removeprefix(prompt).startswith(("backtalk ", "python -c ")):
                found.append(shlex.split(line.removeprefix(prompt), comments=True))
    return found


COMMANDS = {page: found for page in PAGES if page.parent.name != "tutorials" and (found := commands_of(page))}


def passengers(path: Path, target: str, rows: int = 60) -> None:
    """A table such as that of the pages: words and numbers, with gaps."""
    rng = np.random.default_rng(0)
    age = [None if k % 9 == 0 else int(a) for k, a in enumerate(rng.integers(1, 80, rows))]
    gender = rng.choice(["male", "female"], rows)
    frame = pl.DataFrame({"gender": gender, "age": age, "fare": rng.exponential(30, rows).round(2)})
    frame = frame.with_columns(pl.Series(target, (gender == "female") ^ (rng.random(rows) < 0.2)).cast(int))
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)


def wines(path: Path) -> None:
    from sklearn.datasets import load_wine

    wine = load_wine()
    pl.DataFrame(wine.data, wine.feature_names).with_columns(kind=pl.Series(wine.target)).write_csv(path)


def network(path: Path, *sizes: int) -> None:
    save(Network.create(sizes, rng=0), path)


def run(folder: Path, table: str, target: str) -> None:
    train(folder.parent / table, folder, Options(target, epochs=1, hidden=(2,)))


def fill_in(path: Path) -> None:
    pl.read_csv(path).with_columns(answer=pl.lit("1/2")).write_csv(path)


# What commands read and did not write themselves
MAKERS = {
    "titanic.csv": lambda path: passengers(path, "survived"),
    "titanic.parquet": lambda path: passengers(path, "survived"),
    "new.csv": lambda path: passengers(path, "survived", rows=5),
    "patients.csv": lambda path: passengers(path, "ill"),
    "clicks.csv": lambda path: passengers(path, "bought"),
    "wine.csv": wines,
    "new-wines.csv": wines,
    "digits.safetensors": lambda path: network(path, 64, 8, 10),
    "deep.safetensors": lambda path: network(path, 64, 8, 8, 8, 10),
    "wine.safetensors": lambda path: network(path, 13, 4, 3),
    "backtalk-demo/model.safetensors": lambda path: network(path, 64, 4, 4, 10),
    "titanic-run": lambda path: run(path, "titanic.csv", "survived"),
    "wine-run": lambda path: run(path, "wine.csv", "kind"),
}


@pytest.mark.parametrize("page", COMMANDS, ids=lambda page: str(page.relative_to(HOME)))
def test_every_command_of_a_page_runs(page, call, tmp_path):
    for program, *words in COMMANDS[page]:
        if program == "python":
            exec(words[1], {})
            continue
        if SERVES & {*words} and "--export" not in words:
            parse(words)
            continue
        words += ["--class", "2"] if "--class" in words else SHORTER.get(words[0], [])
        if words[0] == "mark":
            fill_in(tmp_path / words[2])
        for word in words:
            place = tmp_path / word
            if word in MAKERS and not place.exists():
                make(word, tmp_path)
        code, _, err = call(*words)
        assert code == 0 or (code == 1 and words[0] == "diagnose"), (words, err)


def make(name: str, folder: Path) -> None:
    place = folder / name
    if name.endswith("-run"):  # needs its table
        make(name.removesuffix("-run") + ".csv", folder)
    place.parent.mkdir(exist_ok=True)
    MAKERS[name](place)


def parse(words: list[str]) -> None:
    """What the command line would do with them, but for the work."""
    from typer.main import get_command

    group = get_command(app)
    command = group.commands[words[0]]
    command.make_context(
        words[0], [word for word in words[1:] if word != "&"], parent=group.make_context("backtalk", [])
    )


def anchors_of(page: Path) -> set[str]:
    """Those that GitHub makes of the headings."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").strip().lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_every_link_of_a_page_leads_somewhere(page):
    text, wrong = BLOCK.sub("", page.read_text(encoding="utf-8")), []
    for link in (first or second for first, second in LINK.findall(text)):
        if re.match(r"\w+:", link):  # such as https:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            wrong.append(link)
    assert wrong == []


def test_the_front_page_is_one_page():
    assert len((HOME / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_pytorch_program_of_the_front_page_says_what_is_wrong(capsys):
    pytest.importorskip("torch")
    text = (HOME / "README.md").read_text(encoding="utf-8")
    programs = [block for language, block in BLOCK.findall(text) if language == "python" and ">>>" not in block]
    for program in programs:
        exec(program, {})
    assert "softmax before cross_entropy" in capsys.readouterr().out
    assert len(programs) == 1


def test_make_knows_every_target_of_the_pages():
    pages = "".join(block for page in PAGES for _, block in BLOCK.findall(page.read_text(encoding="utf-8")))
    named = {*re.findall(r"^make ([a-z-]+)\b", pages, re.MULTILINE)}
    targets = {*re.findall(r"^([a-z-]+):", (HOME / "Makefile").read_text(), re.MULTILINE)}
    assert {"demo", "test"} <= named <= targets
