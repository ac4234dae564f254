"""One process at a time writes a run: a lock that the operating system holds, and that says who has it."""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from ...core.files import naming
from ...errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FAR = 1 << 30  # the byte that Windows locks: beyond what the file holds, since nobody else may read a locked byte
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}  # of some network file systems


class Lock:
    """A file that one process holds while it writes.

    The system gives it back when the process ends, however it ends, so what a killed run leaves is no lock; and it sees
    processes of other containers, and of other machines over NFS. The file holds the process' number, host and start,
    for those who find it taken. If the file system knows no locks, these decide: a process of this host that has ended,
    or whose number another one has now, holds nothing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = Lock(Path(folder, ".lock"))
    ...     lock.take()
    ...     taken = lock.path.exists()
    ...     lock.release()
    ...     taken, lock.path.exists()
    (True, False)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Hold it; raises :class:`~backtalk.errors.InputError` if another process does, and ``OSError``."""
        while self._descriptor is None:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            except (IsADirectoryError, PermissionError):  # as Windows says it
                if not self.path.is_dir():
                    raise
                raise InputError(f"{self.path} is a folder, expected the file that locks a run: remove it.") from None
            try:
                self._require(descriptor, alone=True)
                if _is_at(descriptor, self.path):  # if not, the one that held it has just removed it
                    self._sign(descriptor)
                    self._descriptor, descriptor = descriptor, -1
            finally:
                if descriptor >= 0:
                    os.close(descriptor)

    def release(self) -> None:
        """Hold it no longer; the file goes."""
        if self._descriptor is None:
            return
        if fcntl is not None:
            self.path.unlink(missing_ok=True)  # while it is held, so that none is removed that another one has taken
        os.close(self._descriptor)
        self._descriptor = None
        if fcntl is None:  # Windows removes no file that anybody has open
            with suppress(OSError):
                self.path.unlink()

    def require_free(self) -> None:
        """Refuse what another process holds."""
        if self._descriptor is not None:
            return
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            self._require(descriptor, alone=False)
        finally:
            os.close(descriptor)

    def _require(self, descriptor: int, alone: bool) -> None:
        try:
            _lock(descriptor, alone)
        except OSError as error:
            owner = _owner(descriptor)
            if error.errno in NO_LOCKS:
                if not owner or not _may_run(owner):
                    return
            elif error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN):
                raise OSError(error.errno, error.strerror, str(self.path)) from None
            who = f"process {owner['process']} on {owner['host']}" if owner else "another process"
            hint = f"; if that process has ended, remove {self.path}" if error.errno in NO_LOCKS else ""
            raise InputError(
                f"{self.path.parent} is being written by {who}: wait until it has ended, or name another folder{hint}."
            ) from None

    def _sign(self, descriptor: int) -> None:
        own = {"process": os.getpid(), "host": socket.gethostname(), "start": _start_of(os.getpid())}
        try:
            with naming(self.path):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, json.dumps(own).encode())
        except OSError:
            with suppress(OSError):
                self.path.unlink()
            raise


def _lock(descriptor: int, alone: bool) -> None:
    """Hold the file, alone or with others; an ``OSError`` if another process does. It ends when the file is closed."""
    if fcntl is not None:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        return
    msvcrt: Any = import_module("msvcrt")  # knows no lock that several hold
    os.lseek(descriptor, FAR, os.SEEK_SET)
    msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    os.lseek(descriptor, 0, os.SEEK_SET)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether this is still the file of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _owner(descriptor: int) -> dict[str, Any]:
    """What the file says; nothing if it says nothing that can be read."""
    with suppress(OSError, ValueError, RecursionError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        owner = json.loads(os.read(descriptor, 1 << 12))
        if isinstance(owner, dict) and type(owner.get("process")) is int and isinstance(owner.get("host"), str):
            return owner
    return {}


def _may_run(owner: dict[str, Any]) -> bool:
    """Whether the process may still be running; of another host nobody knows."""
    number = owner["process"]
    if owner["host"] != socket.gethostname():
        return True
    start = _start_of(number)
    if start is not None:  # a number that was given again has another start
        return owner.get("start") in (None, start)
    if Path("/proc/self/stat").exists():
        return False
    if os.name == "nt":  # there, os.kill would send it Ctrl-C
        return True
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def _start_of(process: int) -> str | None:
    """When a process of this host began: the id of the boot, and clock ticks since then; None if it is not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        ticks = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
    return f"{boot} {ticks}"
