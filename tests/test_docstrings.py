"""The docstrings: every public name says what it is, and shows it; the maps of the folders are true."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import backtalk
from backtalk import per_example

SOURCE = Path(backtalk.__file__).parent
PUBLIC = {
    f"{owner.__name__}.{name}": getattr(owner, name)
    for owner in (backtalk, per_example)
    for name in owner.__all__
    if not inspect.ismodule(getattr(owner, name))
}
FOLDERS = {path.parent.relative_to(SOURCE).as_posix(): path.parent for path in SOURCE.rglob("__init__.py")}


def methods_of(kind: type) -> dict[str, object]:
    """The public methods and properties that a class defines itself."""
    own = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
    return {name: getattr(kind, name) for name, value in own.items() if callable(value) or isinstance(value, property)}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_and_its_methods_say_what_they_are(name):
    value = PUBLIC[name]
    assert inspect.getdoc(value)
    if isinstance(value, type) and value.__module__.startswith("backtalk"):
        bare = [each for each, method in methods_of(value).items() if not inspect.getdoc(method)]
        assert bare == []


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_shows_an_example(name):
    value = PUBLIC[name]
    if not (isinstance(value, type) and issubclass(value, BaseException)):
        assert ">>> " in value.__doc__


@pytest.mark.parametrize("name", FOLDERS)
def test_the_map_of_a_folder_is_true(name):
    """A folder says what it is. If it names files, they exist, and every file and folder in it is named."""
    folder = FOLDERS[name]
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert text
    named = set(re.findall(r"(?<![/\w])(\w+(?:\.py|/))(?!\w)", text.partition("\n\n")[2]))
    own = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    own |= {f"{path.name}/" for path in folder.iterdir() if (path / "__init__.py").exists()}
    deeper = {f"{path.parent.name}/" for path in folder.rglob("__init__.py")}
    if named:
        assert own <= named <= own | deeper
