"""Files that live as long as a run is made: in a folder of their own, which goes at the end, whatever happens."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from ...data.streams.rows import InFileRows
from ...errors import InputError
from .folder import LOCK
from .lock import Lock
from .memory import size_text

SIGN = ".cache-"  # between the name of the run's folder and the letters that are drawn


class Cache:
    """A folder beside that of a run, or in ``$TMPDIR``, made when it is first asked for.

    It goes when the block ends. If a process was killed before that, the next one that trains into the same folder
    removes what it left.

    >>> with tempfile.TemporaryDirectory() as place:
    ...     with Cache(Path(place, "run")) as cache:
    ...         found = cache.folder.name.startswith(".run.cache-"), cache.folder.exists()
    ...     found, list(Path(place).iterdir())
    ((True, True), [])
    """

    place: Path

    def __init__(self, run: Path) -> None:
        beside = next(folder for folder in run.absolute().parents if folder.exists())  # the run's may yet be made
        self.place = Path(os.environ.get("TMPDIR") or beside)
        self._prefix = f".{run.name}{SIGN}"
        self._folder: Path | None = None

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._lock.release()
            with suppress(OSError):  # Windows has kept the lock, which was open
                self._folder.rmdir()
            self._folder = None

    @property
    def folder(self) -> Path:
        """The folder, which is made."""
        if self._folder is None:
            self._remove_left()
            self._folder = Path(tempfile.mkdtemp(prefix=self._prefix, dir=self.place))
            self._lock = Lock(self._folder / LOCK)
            self._lock.take()
        return self._folder

    def _remove_left(self) -> None:
        """What killed processes left, whose locks are free."""
        for folder in self.place.glob(f"{self._prefix}????????"):
            with suppress(InputError, OSError):
                if (folder / LOCK).exists():
                    Lock(folder / LOCK).require_free()
                    shutil.rmtree(folder)

    def require_room(self, count: float, what: str) -> None:
        """Refuse to begin with files of so many bytes if the disk has less."""
        free = shutil.disk_usage(self.place).free
        if count > free:
            raise InputError(
                f"{self.place} has {size_text(free)} free, but {what} needs some {size_text(count)} there: set TMPDIR "
                "to a folder with more room, or give more --memory."
            )

    def subfolder(self, name: str) -> Path:
        """An empty folder within it."""
        place = self.folder / name
        place.mkdir()
        return place

    def remove(self, name: str) -> None:
        """A folder within it goes."""
        shutil.rmtree(self.folder / name)

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Within it files are written; a full disk is said in a sentence."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise InputError(
                f"{self.place} is full ({error.strerror}): the table needs more room there: set TMPDIR to a folder "
                "with more room, or give more --memory."
            ) from None


class InputsInFile:
    """X of a part of the rows, written a block after the other into a file of the cache, and then read."""

    rows: InFileRows

    def __init__(self, path: Path, rows: int, inputs: int) -> None:
        self.rows = InFileRows.of_floats(path, (rows, inputs))
        self._file = path.open("wb", buffering=0)

    def put(self, X: np.ndarray) -> None:
        """The next rows."""
        left = X.data.cast("B")
        while left:
            left = left[self._file.write(left) :]

    def close(self) -> InFileRows:
        """All rows, to be read."""
        self._file.close()
        return self.rows


class InputsInMemory:
    """X of a part of the rows, put into an array in memory a block after the other."""

    def __init__(self, rows: int, inputs: int) -> None:
        self._X, self._filled = np.empty((rows, inputs), np.float32), 0

    def put(self, X: np.ndarray) -> None:
        """The next rows."""
        self._X[self._filled : self._filled + len(X)] = X
        self._filled += len(X)

    def close(self) -> np.ndarray:
        """All rows."""
        return self._X
