"""Cases led by coverage: a mutation that reaches new lines of backtalk is mutated further. By atheris, with libFuzzer.

``python -m fuzz.guided TARGET SEED UNTIL FOLDER FOUND``, as fuzz.worker.
"""

from __future__ import annotations

import atexit
import sys
import time
from pathlib import Path
from random import Random

LONGEST = 2**18  # bytes of a file
FRESH = 0.05  # of the mutations begin with a seed


def main(name: str, seed: str, until: str, folder: str, found: str) -> None:
    """Until the time is up; libFuzzer then ends the process."""
    import atheris  # pyright: ignore[reportMissingImports]

    with atheris.instrument_imports(include=["backtalk"]):
        from .cases import Case, limit_memory
        from .targets import TARGETS
        from .worker import Report

    target = TARGETS[name]
    case, report = Case(target, Path(folder)), Report(name, Path(found))
    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    for number, content in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(content)

    def run(content: bytes) -> None:
        report.case(content, case.run(content), target.suffix)

    def mutate(content: bytes, longest: int, number: int) -> bytes:
        draw = Random(number)
        if draw.random() < FRESH:
            content = draw.choice(target.seeds)
        return target.change(content, draw)[0][:longest]

    limit_memory()
    atexit.register(report.tell)
    flags = [
        f"-max_total_time={max(1, int(float(until) - time.time()))}",
        f"-max_len={LONGEST}",
        f"-seed={int(seed) + 1}",
        f"-artifact_prefix={folder}/",
        "-rss_limit_mb=0",  # memory, time and size are judged by the case
        "-timeout=60",
        "-len_control=0",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *flags], run, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
