"""All targets, by name."""

from __future__ import annotations

from . import arrays, classes, lab, networks, runs, tables
from .target import Target

TARGETS: dict[str, Target] = {
    each.name: each for module in (networks, arrays, tables, runs, lab, classes) for each in module.TARGETS
}
