"""Windows, as far as other systems can try it: what it lacks, how it locks, which files and names it refuses."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import backtalk
from engines import run_python
from like_windows import LIBRARIES

SOURCES = Path(backtalk.__file__).parent
plays_windows = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="plays Windows on Linux")


def play(code: str, *arguments: str | Path, libraries: tuple[str, ...] = ()) -> str:
    """What this program prints on a Windows that is played; its first argument is a folder."""
    begin = (
        f"import sys; from pathlib import Path; from like_windows import begin; begin(Path(sys.argv[1]), *{libraries})"
    )
    places = os.pathsep.join(map(str, (Path(__file__).parent, SOURCES.parent)))
    return run_python(f"{begin}\n{code}", *map(str, arguments), PYTHONPATH=places)


@plays_windows
def test_everything_is_imported_and_a_run_is_trained_resumed_and_replaced(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a,b,y\n" + "".join(f"{i},{i % 7},{'no' if i % 2 else 'yes'}\n" for i in range(80)), "utf-8")
    code = """if True:
        from pkgutil import walk_packages
        import numpy as np
        import backtalk
        from backtalk import Network, fit
        from backtalk.apps.cli import app
        from backtalk.apps.lab.readers import limit_memory
        from backtalk.apps.lab.security import read_or_make_token, token_path
        from backtalk.apps.tables.memory import free_bytes
        from backtalk.train.loggers import JsonLines
        for found in walk_packages(backtalk.__path__, "backtalk."):
            if not found.name.endswith("__main__"):
                try:
                    __import__(found.name)
                except ModuleNotFoundError as error:
                    assert error.name.split(".")[0] in ("torch", "tensorflow", "keras"), (found.name, error)
        folder = Path(sys.argv[1])
        run, table = str(folder / "run"), str(folder / "t.csv")
        options = ["--hidden", "4", "--epochs", "2", "--members", "1", "--checkpoint-seconds", "0.000001"]
        def command(*words):
            app([str(word) for word in words], standalone_mode=False)
        command("train", table, "--target", "y", "--out", run, *options)
        command("train", table, "--target", "y", "--out", run, *options, "--overwrite", "--memory", "512MB")
        command("resume", run)
        command("predict", run, table, "--out", folder / "predicted.csv")
        command("exercise", "--class", "2", "--out", folder / "class")
        token = token_path({"XDG_STATE_HOME": sys.argv[1]})
        assert read_or_make_token(token) == read_or_make_token(token)
        limit_memory(1)
        assert free_bytes() > 0
        log, network = JsonLines(folder / "log.jsonl"), Network.create([4, 2], rng=0)
        fit(network, np.eye(4), [0, 1, 0, 1], epochs=2, rng=0, callbacks=[log], checkpoint=folder / "state")
    """
    play(code, tmp_path, libraries=LIBRARIES)
    assert len((tmp_path / "predicted.csv").read_text("utf-8").splitlines()) == 81
    left = ["backtalk", "class", "log.jsonl", "predicted.csv", "run", "state", "t.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left


@plays_windows
def test_one_process_at_a_time_holds_a_lock(tmp_path):
    code = """if True:
        import subprocess
        from backtalk.apps.tables.lock import Lock
        from backtalk.errors import InputError
        path = Path(sys.argv[1], ".lock")
        def attempt(what):
            try:
                getattr(Lock(path), what)()
                return "free"
            except InputError as error:
                return error.message
        if len(sys.argv) > 2:  # the other process
            print(attempt("take"), attempt("require_free"), sep="\\n")
            sys.exit()
        own = Lock(path)
        own.take()
        print(subprocess.check_output([*sys.orig_argv, "other"], text=True), end="")
        own.release()
        print(path.exists())
        path.write_text("what a killed process left", "utf-8")
        print(attempt("take"))
    """
    taken, used, there, left = play(code, tmp_path).splitlines()
    assert "is being written by process " in taken
    assert "is being written by process " in used
    assert (there, left) == ("False", "free")


@plays_windows
def test_the_play_refuses_what_windows_refuses(tmp_path):
    code = """if True:
        import os
        path = Path(sys.argv[1], "open")
        with path.open("w", encoding="utf-8"):
            for attempt in (path.unlink, lambda: path.replace(path.with_name("other"))):
                try:
                    attempt()
                except PermissionError:
                    print("refused")
        for name in ("10:30.csv", "con", "Aux.txt", "what?", "end."):
            try:
                path.with_name(name).open("w", encoding="utf-8")
            except OSError:
                print("refused")
        print(hasattr(os, "fork"))
    """
    assert play(code, tmp_path).split() == ["refused"] * 7 + ["False"]


def text_without_encoding(source: str) -> Iterator[int]:
    """The lines in which a file is opened as text, in the encoding of the system."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or "encoding" in {word.arg for word in node.keywords}:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called not in ("read_text", "write_text", "open", "fdopen"):
            continue
        modes = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
        is_text = any(isinstance(mode, str) and re.fullmatch(r"[rwax]t?\+?", mode) for mode in modes)
        is_built_in = called == "open" and isinstance(node.func, ast.Name) and len(node.args) == 1
        if (
            (called == "read_text" and not node.args)
            or (called == "write_text" and len(node.args) == 1 and isinstance(node.func, ast.Attribute))
            or (called in ("open", "fdopen") and (is_text or is_built_in))
        ):
            yield node.lineno


@pytest.mark.parametrize(
    "line",
    [
        "path.read_text()",
        "path.write_text('x')",
        "open(path)",
        "path.open('w')",
        "os.fdopen(3, 'w')",
        "open(p, mode='r')",
    ],
)
def test_text_in_the_encoding_of_the_system_is_found(line):
    assert list(text_without_encoding(line)) == [1]


def test_every_text_has_an_encoding_that_is_named():
    files = sorted(SOURCES.rglob("*.py"))
    found = [f"{file}:{line}" for file in files for line in text_without_encoding(file.read_text("utf-8"))]
    assert not found
