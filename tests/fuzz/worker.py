"""A process that runs cases until its time is up: ``python -m fuzz.worker TARGET SEED UNTIL FOLDER FOUND``.

It prints a line for what it does: the number of cases so far, or a failure that it has not met before. If it is killed,
the file of the case is still in FOLDER.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from random import Random

from .cases import Case, Failure, limit_memory, name_of
from .targets import TARGETS

REPORT = 0.5  # seconds between two reports


class Report:
    """What is told to the process that watches."""

    def __init__(self, target: str, found: Path) -> None:
        self.target, self.found = target, found
        self.count, self.last, self.met = 0, 0.0, set[str]()

    def case(self, content: bytes, failure: Failure | None, suffix: str) -> None:
        """A case was run."""
        self.count += 1
        if failure is not None:
            known, name = failure.signature in self.met, name_of(failure, content)
            self.met.add(failure.signature)
            if not known:
                self.found.mkdir(parents=True, exist_ok=True)
                (self.found / (name + suffix)).write_bytes(content)
                (self.found / f"{name}.txt").write_text(f"{failure.signature}\n{failure.told}", errors="replace")
            print(json.dumps({"failure": failure.signature, "name": name, "new": not known}), flush=True)
        if time.monotonic() - self.last > REPORT:
            self.tell()

    def tell(self) -> None:
        """How many cases were run."""
        self.last = time.monotonic()
        print(json.dumps({"count": self.count}), flush=True)


def main(name: str, seed: str, until: str, folder: str, found: str) -> None:
    """Draw cases from ``seed`` on; ``until``: the time of day in seconds, at which it ends."""
    target = TARGETS[name]
    case, report, draw = Case(target, Path(folder)), Report(name, Path(found)), Random(f"{name} {seed}")
    limit_memory()
    while time.time() < float(until):
        content, forged = target.draw(draw)
        report.case(content, case.run(content, forged), target.suffix)
    report.tell()


if __name__ == "__main__":
    main(*sys.argv[1:])
