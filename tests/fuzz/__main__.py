"""``python -m fuzz --minutes 10``: every target for its share of the time; exit code 1 if anything failed."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .target import Target
from .targets import TARGETS
from .watch import Outcome, fuzz


def main() -> int:
    """Run, tell, and give the exit code."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--targets", nargs="*", choices=sorted(TARGETS), default=list(TARGETS), metavar="TARGET")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--found", type=Path, default=Path("build/fuzz"), help="where the files that fail are kept")
    parser.add_argument("--unguided", action="store_true", help="without coverage, which is several times as fast")
    options = parser.parse_args()
    guided = not options.unguided and importlib.util.find_spec("atheris") is not None
    print(f"seed {options.seed}, {'led by coverage (atheris)' if guided else 'not led by coverage'}", flush=True)
    chosen = [TARGETS[name] for name in options.targets]
    seconds = 60 * options.minutes * options.jobs / len(chosen)
    found = options.found.resolve()

    def run(target: Target) -> Outcome:
        outcome = fuzz(target, seconds, options.seed, found / target.name, guided)
        aborts = f", {outcome.aborts} aborts of a library" if target.may_abort else ""
        print(f"{target.name:20} {outcome.count:8} cases, {outcome.failures.total()} failures{aborts}", flush=True)
        for failure, times in outcome.failures.most_common():
            print(f"    {times:6} × {failure!r}: {outcome.names.get(failure)}", flush=True)
        return outcome

    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(run, chosen))
    count, failed = sum(each.count for each in outcomes), sum(each.failures.total() for each in outcomes)
    print(f"{count} cases in all, {failed} failures{f', kept in {found}' if failed else ''}")
    return 1 if failed or not all(each.count for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
