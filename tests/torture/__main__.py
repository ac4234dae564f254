"""``make torture``: prints how many kills and failed writes were survived; an error says which was not."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}

from .disk import preload, torture_by_disk
from .kills import torture_by_kills

options = argparse.ArgumentParser(prog="make torture")
options.add_argument("--kills", type=int, default=300)
options.add_argument("--writes", type=int, help="of each run, about how many writes fail; by default each")
options.add_argument("--seed", type=int, default=0)
chosen = options.parse_args()

if chosen.writes != 0:
    preload()
with tempfile.TemporaryDirectory() as folder:
    if chosen.kills:
        began = time.monotonic()
        place = Path(folder, "kills")
        place.mkdir()
        phases = torture_by_kills(place, chosen.kills, chosen.seed)
        print(f"{sum(phases.values())} kills in {time.monotonic() - began:.0f} s: every file loads, every bit is equal")
        for phase, count in sorted(phases.items()):
            print(f"  {count:4} {phase}")
    if chosen.writes != 0:
        began = time.monotonic()
        place = Path(folder, "disk")
        place.mkdir()
        ends = torture_by_disk(place, chosen.writes)
        print(f"{sum(ends.values())} writes failed in {time.monotonic() - began:.0f} s: nothing is lost")
        for end, count in sorted(ends.items()):
            print(f"  {count:4} {end}")
