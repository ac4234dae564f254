"""Reading within a block of autocast: its lower precision is for the user's products, not for ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from .names import require_torch

P = ParamSpec("P")
Result = TypeVar("Result")


@contextmanager
def without_autocast() -> Iterator[None]:
    """No autocast, on the CPU and on what accelerates it."""
    torch = require_torch()
    with ExitStack() as stack:
        for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
            stack.enter_context(torch.autocast(device, enabled=False))
        yield


def in_full_precision(read: Callable[P, Result]) -> Callable[P, Result]:
    """The same, computed without autocast."""

    @wraps(read)
    def reads(*arguments: P.args, **named: P.kwargs) -> Result:
        with without_autocast():
            return read(*arguments, **named)

    return reads
