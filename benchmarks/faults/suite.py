"""The programs of a half: those that the modules of its folder list as PROGRAMS and HEALTHY."""

from __future__ import annotations

from importlib import import_module, util
from pkgutil import iter_modules
from typing import NamedTuple

from .program import DEVELOPMENT, HELD_OUT, Healthy, Program, Recipe

FOLDERS = {DEVELOPMENT: "development", HELD_OUT: "held_out"}
BACKTALK, PYTORCH = "backtalk", "PyTorch"


class Suite(NamedTuple):
    """The faulty programs with their repaired twins, and the healthy ones."""

    programs: tuple[Program, ...]
    healthy: tuple[Healthy, ...]


def suite(half: str) -> Suite | None:
    """The half's programs; None if its folder is not there."""
    package = f"{__package__}.{FOLDERS[half]}"
    if util.find_spec(package) is None:
        return None
    folder = import_module(package)
    modules = [folder, *(import_module(f"{package}.{each.name}") for each in iter_modules(folder.__path__))]
    programs = {each.name: each for module in modules for each in getattr(module, "PROGRAMS", ())}
    healthy = {each.name: each for module in modules for each in getattr(module, "HEALTHY", ())}
    return Suite(tuple(programs.values()), tuple(healthy.values()))


def library(each: Program | Healthy) -> str:
    """Whose network it trains."""
    return BACKTALK if isinstance(each.faulty if isinstance(each, Program) else each.run, Recipe) else PYTORCH
