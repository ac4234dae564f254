"""What the server keeps for a tab: its network in training, its files; and for how long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import DivergedError, InputError, InputTypeError
from .compare import Pair, View, compared_settings, pair_frame, pair_setup
from .datasets import SETS, LabData, layers_of, named_data
from .payloads import Drawn, frame, grid, setup
from .pictures import PLAIN, Looks
from .settings import Settings, read_settings, shown, whole
from .slide_message import slide_message
from .slides import Walk, walk_through
from .trainer import Trainer

if TYPE_CHECKING:
    import numpy as np

MOST_SESSIONS = 16
THREADS = 8
KEEP_SECONDS = 600.0  # after its connection dropped
MOST_FILES = 3  # of a session; a further one takes the place of the oldest
NAME = re.compile(r"[A-Za-z0-9_-]{8,64}")
Result = TypeVar("Result")


class Session:
    """One tab's lab. Work on it is done by one thread at a time, in the order in which it was asked for."""

    start: Settings
    given: LabData | None
    threads: ThreadPoolExecutor
    trainer: Trainer | None
    pair: Pair | None
    files: dict[str, LabData]
    files_so_far: int
    running: bool
    speed: int
    row: int
    walk: Walk | None
    at: int
    looks: Looks
    connection: Any
    expiry: asyncio.TimerHandle | None
    drawn: Drawn
    grid: np.ndarray | None
    pair_grid: np.ndarray | None

    def __init__(self, start: Settings, given: LabData | None, threads: ThreadPoolExecutor) -> None:
        self.start, self.given, self.threads = start, given, threads
        self.trainer = None
        self.pair = None  # two networks side by side, which run and step instead of the one
        self.files = {}
        self.files_so_far = 0
        self.running, self.speed, self.row = False, 1, 0
        self.walk = None  # through the next step
        self.at = 0  # the slide of the walk that is shown
        self.looks = PLAIN
        self.connection = None  # the conversation that is going on, if one is
        self.expiry = None
        self._turn = asyncio.Lock()

    async def work(self, job: Callable[..., Result], *arguments: Any) -> Result:
        """Do a job in a thread, once those before it are done; the event loop goes on meanwhile."""
        async with self._turn:
            doing = asyncio.get_running_loop().run_in_executor(self.threads, job, *arguments)
            await finish([doing])  # a thread cannot be stopped, and the next must not begin beside it
            return doing.result()

    # What follows is called by work alone.

    def configure(self, message: dict[str, Any]) -> dict[str, Any]:
        """Begin anew with other settings; if they are refused, everything stays."""
        settings = read_settings(message, self.start, self._known())
        trainer = Trainer(settings, self._data(settings))
        if self.trainer is None or self.trainer.data.X is not trainer.data.X:
            self.row = 0
        self.trainer, self.pair, self.running, self.walk = trainer, None, False, None
        self.drawn, self.grid = Drawn.of(trainer.network.sizes), grid(trainer.data)
        return setup(trainer, self.drawn)

    def _known(self) -> list[str]:
        return [*(["given"] if self.given else []), *SETS, *self.files]

    def compare(self, message: dict[str, Any]) -> dict[str, Any]:
        """Begin with two networks side by side; if they are refused, everything stays."""
        settings = compared_settings(message, self.start, self._known())
        pair = Pair(settings, self._data(settings[0]))
        self.pair, self.running, self.walk = pair, False, None
        self.pair_grid = grid(pair.sides[0].trainer.data)
        return pair_setup(pair)

    def views(self) -> list[View]:
        """Both sides as they stand."""
        if self.pair is None:
            raise InputError("no networks are compared: send a compare message first.")
        return self.pair.views()

    def leave_pair(self) -> None:
        """Back to the one network, which stands where it stood."""
        self.require()
        self.pair, self.running = None, False

    def _data(self, settings: Settings) -> LabData:
        if settings.data == "given":
            assert self.given is not None
            return self.given
        if settings.data in self.files:
            return self.files[settings.data]
        return named_data(settings.data, settings.noise)

    def add_file(self, data: LabData) -> str:
        """Keep a file that was read; gives its name."""
        self.files_so_far += 1
        while len(self.files) >= MOST_FILES:
            del self.files[next(iter(self.files))]
        name = f"file:{self.files_so_far}"
        self.files[name] = data
        return name

    def require(self) -> Trainer:
        """The network in training."""
        if self.trainer is None:
            raise InputError("nothing is configured yet: send a configure message first.")
        return self.trainer

    def require_something(self) -> None:
        """Refuse to go on if neither one network nor two are configured."""
        if self.pair is None:
            self.require()

    def describe(self) -> list[dict[str, Any]]:
        """The setup messages of what is configured, and of the two that are compared, if they are."""
        described = [] if self.trainer is None else [setup(self.trainer, self.drawn)]
        return described if self.pair is None else [*described, pair_setup(self.pair)]

    def require_going(self) -> None:
        """Refuse to take steps if nothing is configured, or training diverged."""
        if self.pair is None:
            self.require().require_going()
        elif not self.pair.going:
            raise InputError("training diverged on both sides: reset them, and choose smaller learning rates.")

    def advance(self, count: int) -> str:
        """Take steps; if training diverges, it stops, and the sentence that says so is returned."""
        if self.pair is not None:
            self.pair.advance(count)
            self.running &= bool(self.pair.going)
            return ""  # each side says in its frames why it stopped
        trainer = self.require()
        try:
            trainer.advance(count)
        except DivergedError as error:
            self.running = False
            return error.message
        return ""

    def reset(self) -> None:
        """Back to the first step."""
        (self.pair or self.require()).reset()
        self.running, self.walk = False, None

    def run(self) -> None:
        """Take steps from now on."""
        self.require_going()
        self.running, self.walk = True, None

    def choose(self, row: Any) -> dict[str, Any] | None:
        """Show another example; gives the slide of it that is shown, if one is."""
        trainer = self.require()
        self.row = whole(row, "row", 0, len(trainer.X) - 1)
        if self.walk is None:
            return None
        self.walk = walk_through(trainer, self.row)
        self.at = min(self.at, len(self.walk.slides) - 1)  # the way to ŷ may be shorter for this one
        return slide_message(self.walk, self.at, self.drawn)

    def set_by_hand(self, quantity: Any, value: Any) -> None:
        """Another weight, bias or input of the shown example; the slides of the walk are then of that."""
        self.require().set_by_hand(self.row, quantity, value)
        self.walk = None

    def frame(self, surface: bool) -> bytes:
        """The state as a frame."""
        if self.pair is not None:
            return pair_frame(self.pair, running=self.running, points=self.pair_grid if surface else None)
        trainer = self.require()
        grid = self.grid if surface else None
        return frame(trainer, self.drawn, self.row, running=self.running, surface=grid, looks=self.looks)

    def look(self, **looks: Any) -> None:
        """What frames hold from now on beside the numbers."""
        self.require()
        for name, value in looks.items():
            if not isinstance(value, bool):
                raise InputTypeError(f"{name} is {shown(value)}, expected true or false.")
        self.looks = Looks(**looks)

    def slide(self, at: Any) -> tuple[dict[str, Any], str]:
        """A slide of the walk, and why training stopped, if it did.

        Beyond the last slide the step is taken, and the next walk begins.
        """
        trainer = self.require()
        if at is None:
            self.walk = None
            return {"type": "slide", "at": None}, ""
        trainer.require_going()
        walk = self.walk or walk_through(trainer, self.row)
        place = whole(at, "at", 0, len(walk.slides))
        self.running = False
        if place == len(walk.slides):
            if why := self.advance(1):
                self.walk = None
                return {"type": "slide", "at": None}, why
            walk, place = walk_through(trainer, self.row), 0
        self.walk, self.at = walk, place
        return slide_message(walk, place, self.drawn), ""


async def finish(jobs: Collection[asyncio.Future[Any]]) -> None:
    """Wait until all are done, also if the waiting is cancelled; then give way to that."""
    cancelled: asyncio.CancelledError | None = None
    while not all(job.done() for job in jobs):
        try:
            await asyncio.wait(jobs)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


class Sessions:
    """All sessions, by the names that the tabs gave them."""

    start: Settings
    given: LabData | None
    threads: ThreadPoolExecutor
    by_name: dict[str, Session]
    keep_seconds: float

    def __init__(self, start: Settings, given: LabData | None) -> None:
        self.start, self.given = start, given
        self.threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="backtalk-lab")
        self.by_name = {}
        self.keep_seconds = KEEP_SECONDS

    def open(self, name: str) -> tuple[Session, bool] | None:
        """The session of that name and whether it was there before; None if there are too many."""
        if name in self.by_name:
            session = self.by_name[name]
            if session.expiry is not None:
                session.expiry.cancel()
            return session, True
        if len(self.by_name) >= MOST_SESSIONS:
            idle = next((key for key, each in self.by_name.items() if each.connection is None), None)
            if idle is None:
                return None
            self._forget(idle)
        session = self.by_name[name] = Session(self.start, self.given, self.threads)
        return session, False

    def left(self, name: str, session: Session) -> None:
        """The connection dropped: the session stays for a while."""
        self.by_name.pop(name, None)  # so that the one that was left first is the first in the order
        self.by_name[name] = session
        session.expiry = asyncio.get_running_loop().call_later(self.keep_seconds, self._forget, name)

    def _forget(self, name: str) -> None:
        session = self.by_name.get(name)
        if session is not None and session.connection is None:
            if session.expiry is not None:
                session.expiry.cancel()
            del self.by_name[name]

    def close(self) -> None:
        """Let the threads go, once what they do is done."""
        self.threads.shutdown(wait=False, cancel_futures=True)


def start_settings(given: LabData | None) -> Settings:
    """What a page begins with, if its address says nothing."""
    if given is None:
        return Settings()
    network = given.network
    assert network is not None
    return replace(Settings(), data="given", rate=0.001, **layers_of(network))
