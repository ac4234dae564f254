"""Runs on a disk that is full at one write, or from one write on: nothing that was trained is lost."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from backtalk.apps.tables.folder import MODEL, REPORT, Folder

from .kills import require_no_error
from .works import FAILED, TableRun, import_all, require_code, start, wait

SOURCE = Path(__file__).with_name("full_disk.c")
NONE = 0  # no call fails
UNWRITTEN = 1  # the exit code if a page or the history could not be written


def preload() -> None:
    """Start this program again, with the library loaded before all else, if it is not yet."""
    if place := os.environ.pop("BACKTALK_FULL_DISK", None):
        del os.environ["LD_PRELOAD"]  # it is loaded, and serves the children that are forked
        shutil.rmtree(place)
        return
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        sys.exit("a full disk needs Linux and a compiler of C: leave it out with WRITES=0.")
    place = tempfile.mkdtemp()
    library = str(Path(place, "full_disk.so"))
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", library, SOURCE, "-ldl"], check=True)
    os.environ |= {"LD_PRELOAD": library, "BACKTALK_FULL_DISK": place}
    os.execv(sys.executable, [sys.executable, "-m", "torture", *sys.argv[1:]])


def torture_by_disk(place: Path, most: int | None = None) -> Counter[str]:
    """Each write fails once, and then all from it on; over no run, and over an earlier one. Gives how each ended."""
    ends = Counter[str]()
    for name, over in {"train": False, "over": True}.items():
        (place / name).mkdir()
        work = TableRun(place / name, over)
        work.begin()
        work.clear()
        import_all(work.step, place / "names")
        work.clear()
        require_code(wait(start(work.step)), 0)
        whole, calls = work.results(), _calls(work, place)
        print(f"{name}: {calls} calls that write", flush=True)
        for at in range(1, calls + 1, max(1, calls // most) if most else 1):
            for on in (False, True):
                ends[f"{name}: {_fail(work, place, at, on, whole)}"] += 1
    return ends


def _calls(work: TableRun, place: Path) -> int:
    """How many calls a run makes: roughly, since checkpoints are written by the clock."""
    work.clear()

    def counted() -> None:
        library = _library(work, NONE, on=False)
        try:
            work.step()
        finally:
            (place / "calls").write_text(str(library.calls_so_far()))

    wait(start(counted))
    return int((place / "calls").read_text())


def _fail(work: TableRun, place: Path, at: int, on: bool, whole: dict[str, bytes]) -> str:
    """A run whose call number ``at`` fails, and ``on`` says whether all later ones do; how it ended, in words."""
    work.clear()
    what = f"call {at}{' and all later ones' if on else ''}"

    def failing() -> None:
        _library(work, at, on)
        work.step()

    code = wait(start(failing, place / "said"))
    said = (place / "said").read_text(errors="replace")
    require_no_error(place / "said")
    assert code in (0, UNWRITTEN, FAILED), (what, code, said)
    assert code == 0 or str(work.run) in said, (what, "no file is named", said)
    assert not (work.run / ".lock").exists() or code, what
    work.require_sound()
    ended = {0: "all was written", UNWRITTEN: "a page or the history was not written", FAILED: "refused"}[code]
    checkpoints = [path.name for path in Folder(work.run).checkpoints()]
    if code == FAILED and checkpoints and not (work.over and work._is_earlier()):
        ended += ", with a checkpoint"
        assert "resume" in said, (what, said)
    if code == UNWRITTEN:
        assert (work.run / MODEL).exists(), what
    if code == 0:
        assert (work.run / REPORT).exists(), what
        assert work.results() | {name: whole[name] for name in checkpoints} == whole, (
            what
        )  # one may be that before the last
    require_code(wait(start(work.step, place / "said")), 0)  # there is room again
    assert work.results() == whole, (what, [name for name in whole if work.results().get(name) != whole[name]])
    return ended


def _library(work: TableRun, at: int, on: bool) -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    library.full_disk(str(work.run).encode(), ctypes.c_long(at), ctypes.c_int(on))
    return library
