"""What is tortured: ``backtalk train`` and ``fit`` with checkpoints; and what must be true whenever they end."""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from backtalk import Checkpoint, Network, fit, load, resume
from backtalk.apps.cli import main
from backtalk.apps.tables.facts import read_run, rows_of_training
from backtalk.apps.tables.folder import (
    BEFORE,
    HISTORY,
    LOCK,
    METRICS,
    MODEL,
    OURS,
    PREPROCESSING,
    RUN,
    Folder,
)
from backtalk.apps.tables.history import read_history
from backtalk.apps.tables.learned import read_learned
from backtalk.train.checkpoint import read
from one_network import ALONE_IN_WORDS

OPTIONS = ["--target", "y", "--hidden", "12,8", "--epochs", "6", "--patience", "0", "--batch-size", "16"]
OPTIONS += ["--dropout", "0.2", "--checkpoint-seconds", "0.004", "--members", "2"]
EARLIER = [*OPTIONS, "--epochs", "2", "--hidden", "5", "--seed", "1", *ALONE_IN_WORDS]
FAILED, OTHER = 2, 99  # exit codes: of a sentence, and of anything that is none


class Work:
    """Something that can be begun, and gone on with, until its ``files`` are there."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def step(self) -> None:
        """Begin, or go on: called in a child."""
        raise NotImplementedError

    def require_sound(self) -> None:
        """Of whatever a killed process left, each file loads, and nothing is lost."""
        raise NotImplementedError

    def results(self) -> dict[str, bytes]:
        """What must be equal to the bit."""
        raise NotImplementedError

    def phase(self) -> str:
        """How far it is, in words."""
        raise NotImplementedError

    def clear(self) -> None:
        """Back to the beginning."""
        raise NotImplementedError


class TableRun(Work):
    """``backtalk train``, then ``backtalk resume``; ``over``: over an earlier run, which must not be lost before."""

    def __init__(self, place: Path, over: bool = False) -> None:
        super().__init__(place)
        self.table, self.run, self.over = place / "t.csv", place / "run", over
        self.earlier: dict[str, bytes] = {}

    def begin(self) -> None:
        """The table, and the earlier run."""
        write_table(self.table)
        if self.over:
            require_code(call(["train", str(self.table), *EARLIER, "--out", str(self.place / "earlier")]), 0)
            self.earlier = contents(self.place / "earlier")

    def step(self) -> None:
        begun = (self.run / RUN).exists() and (self.run / RUN).read_bytes() != self.earlier.get(RUN)
        command = ["train", str(self.table), *OPTIONS, "--out", str(self.run), *["--overwrite"] * self.over]
        cli(["resume", str(self.run)] if begun else command)

    def require_sound(self) -> None:
        if not self.run.exists():
            assert not self.over, "the earlier run is lost"
            return
        require_sound_run(self.run)
        names = {path.name for path in self.run.iterdir()}
        strange = {name for name in names if name not in OURS | {LOCK, BEFORE} and ".~" not in name}
        assert not strange, strange
        if self.over and self.phase() != "done":
            found = {path.read_bytes() for path in self.run.rglob("*") if path.is_file()}
            kept = all(content in found for content in self.earlier.values())
            assert kept or (self.run / MODEL).exists(), "the earlier run is lost"

    def results(self) -> dict[str, bytes]:
        return contents(self.run)

    def phase(self) -> str:
        here = {path.name for path in self.run.iterdir()} if self.run.exists() else set()
        if not here or (self.over and (self.run / RUN).exists() and self._is_earlier()):
            return "before it began"
        if LOCK not in here:
            return "done"
        if MODEL in here:
            return "while pages were written"
        if METRICS in here:
            return "while results were written"
        if Folder(self.run).checkpoints():
            return "while it trained, with a checkpoint"
        return "before the first checkpoint" if RUN in here else "while it began"

    def _is_earlier(self) -> bool:
        return (self.run / RUN).read_bytes() == self.earlier[RUN]

    def clear(self) -> None:
        shutil.rmtree(self.run, ignore_errors=True)
        if self.over:
            shutil.copytree(self.place / "earlier", self.run)


class FitRun(Work):
    """``fit`` with a checkpoint every few steps, then ``resume``; each epoch's measures are kept in a file."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.checkpoint, self.result = place / "run.safetensors", place / "result.json"

    def begin(self) -> None:
        """Nothing is needed."""

    def step(self) -> None:
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(60, 5)), rng.integers(0, 3, 60)
        place, epochs = Checkpoint(self.checkpoint, every_steps=3), []
        if self.checkpoint.exists():
            training = resume(place, X, y, callbacks=epochs.append)
        else:
            training = fit(
                Network.create([5, 7, 3], rng=0), X, y, epochs=10, batch_size=4, dropout=0.2, validation=0.2, rng=1,
                measure_every=2, optimizer="adam", checkpoint=place, callbacks=epochs.append,
            )  # fmt: skip
        W, b = training.network.to_lists()
        facts: dict[str, Any] = {"losses": training.losses, "validation": training.validation_losses}
        facts |= {"last": repr(epochs[-1].measures) if epochs else "", "parameters": [a.tolist() for a in (*W, *b)]}
        text = json.dumps(facts)
        self.result.with_suffix(".part").write_text(text)
        self.result.with_suffix(".part").rename(self.result)

    def require_sound(self) -> None:
        if self.checkpoint.exists():
            read(self.checkpoint)
        names = {path.name for path in self.place.iterdir()} - {"run.safetensors", "result.json", "result.part"}
        assert all(name.startswith(".run.safetensors.~") for name in names - {"said"}), names

    def results(self) -> dict[str, bytes]:
        facts = json.loads(self.result.read_text())
        if not facts["last"]:  # all epochs were done when it was killed
            del facts["last"]
        return {name: json.dumps(value).encode() for name, value in facts.items()}

    def phase(self) -> str:
        if self.result.exists():
            return "done"
        return "while it trained, with a checkpoint" if self.checkpoint.exists() else "before the first checkpoint"

    def clear(self) -> None:
        for path in self.place.iterdir():
            path.unlink()


def require_sound_run(folder: Path) -> None:
    """Each file of a run that is there loads, and those that belong together are of one run."""
    place = Folder(folder)
    names = {path.name for path in folder.iterdir()}
    runs = [(RUN, read_run(place).run)] if RUN in names else []
    if RUN in names:
        runs += [(PREPROCESSING, read_learned(place).run)] if PREPROCESSING in names else []
        runs += [(METRICS, rows_of_training(place)[1])] if METRICS in names else []
        for path in folder.glob(f"{Path(HISTORY).stem}*"):
            read_history(path, runs[0][1])
    for path in place.checkpoints():
        read(path)
    if MODEL in names:
        load(folder / MODEL)
    place.require_one_run(runs)
    if (folder / BEFORE).exists():
        require_sound_run(folder / BEFORE)


def write_table(path: Path) -> None:
    """A small table with columns of several kinds."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    words = rng.choice(["red", "green", "blue"], 200)
    target = np.where(x[:, 0] + (words == "red") > 0.3, "yes", "no")
    rows = zip(x[:, 0].round(3), x[:, 1].round(3), words, target, strict=True)  # by hand: polars starts threads
    path.write_text("a,b,w,y\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def import_all(step: Callable[[], Any], list_of_names: Path) -> None:
    """Import here what a child needed for its work, so that the next children need not."""

    def work() -> None:
        try:
            step()
        except SystemExit:
            pass
        finally:
            list_of_names.write_text("\n".join(sys.modules))

    wait(start(work))
    for name in list_of_names.read_text().splitlines():
        with suppress(Exception):
            import_module(name)


def cli(arguments: list[str]) -> NoReturn:
    """The command line, as a user calls it."""
    sys.argv = ["backtalk", *arguments]
    main()
    raise SystemExit(0)


def call(arguments: list[str]) -> int:
    """The command line in a child; its exit code."""
    return wait(start(lambda: cli(arguments)))


def start(work: Callable[[], Any], said: Path | None = None) -> int:
    """A child that does the work; ``said``: what it prints."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = OTHER
    try:
        out = os.open(said or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        work()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def wait(child: int) -> int:
    """The exit code; below 0, the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def require_code(code: int, expected: int) -> None:
    """Refuse another exit code."""
    assert code == expected, f"exit code {code}, expected {expected}"
