"""A Python that lacks what Windows lacks, and refuses what Windows refuses, as far as Linux can play it.

``begin()`` in a fresh process, before backtalk is imported: modules and functions of POSIX are gone, ``msvcrt`` locks
bytes, a file that is open can neither be removed nor replaced, and a name that Windows refuses cannot be opened.
"""

from __future__ import annotations

import errno
import importlib
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = "fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"
FUNCTIONS = (
    "chown", "confstr", "fchown", "fork", "forkpty", "getgid", "getloadavg", "getpgid", "getuid", "geteuid", "killpg",
    "lockf", "mkfifo", "mknod", "nice", "openpty", "posix_fadvise", "posix_fallocate", "pread", "preadv", "pwrite",
    "register_at_fork", "sched_getaffinity", "sched_setaffinity", "sched_getscheduler", "sched_setscheduler",
    "sched_yield", "setsid", "statvfs", "sync", "sysconf", "uname", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY",
    "O_CLOEXEC",
)  # fmt: skip
SIGNALS = "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGUSR1", "SIGUSR2", "setitimer"
# What imports them for itself, and is made for Windows by its own authors
LIBRARIES = (
    "asyncio", "concurrent.futures.process", "joblib", "multiprocessing.synchronize", "numpy", "polars", "rich.console",
    "scipy.special", "sklearn.impute", "sklearn.linear_model", "starlette.applications", "typer", "uvicorn",
    "websockets",
)  # fmt: skip
REFUSED = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)


def begin(place: Path, *libraries: str) -> None:
    """Play Windows from now on; names are judged of files within ``place``. ``libraries``: those that are needed."""
    for name in ("subprocess", *libraries):
        try:
            importlib.import_module(name)
        except ImportError:  # of an extra that is not installed
            continue
    sys.modules["msvcrt"] = _msvcrt()
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for module, names in ((os, FUNCTIONS), (signal, SIGNALS)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in ("unlink", "remove", "replace", "rename"):
        setattr(os, name, _refusing_open_files(getattr(os, name)))
    sys.addaudithook(_refusing_names(place.resolve()))


def _msvcrt() -> ModuleType:
    """Bytes are locked for an open file, and by nobody twice."""
    import fcntl

    module: Any = ModuleType("msvcrt")
    module.LK_NBLCK = 2

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (module.LK_NBLCK, 1)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) > 1 << 20, "others cannot read a byte that is locked"
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None

    module.locking = locking
    return module


def _refusing_open_files(function: Callable[..., None]) -> Callable[..., None]:
    def refuse_or_do(*paths: Any, **options: Any) -> None:
        for path in paths:
            if "dir_fd" not in options and _is_open(os.path.realpath(path)):
                raise PermissionError(errno.EACCES, "it is open", str(path))
        function(*paths, **options)

    return refuse_or_do


def _is_open(path: str) -> bool:
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{descriptor}") == path:
                return True
        except OSError:  # that of the list itself
            continue
    with open("/proc/self/maps", encoding="utf-8") as maps:  # in memory
        return any(line.rstrip("\n").endswith(f" {path}") for line in maps)


def _refusing_names(place: Path) -> Callable[[str, tuple[Any, ...]], None]:
    prefix = f"{place}{os.sep}"

    def judge(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.mkdir") and isinstance(arguments[0], str | os.PathLike):
            path = os.fspath(arguments[0])
            if isinstance(path, str) and path.startswith(prefix):
                for name in path.removeprefix(prefix).split(os.sep):
                    if REFUSED.search(name):
                        raise OSError(errno.EINVAL, "no name of Windows", path)

    return judge
