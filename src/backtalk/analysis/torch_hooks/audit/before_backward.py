"""The moment before ``backward()``: the loss's graph, while the operations still hold what they saved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from threading import get_ident
from types import TracebackType
from typing import Any

from ..shared import BACKWARD
from .read import read_graph


class BeforeBackward:
    """While it is open, ``see`` is given the graph of every loss of this thread just before its ``backward()``.

    ``Tensor.backward``, ``torch.autograd.backward`` and GradScaler all go through one function, which is replaced while
    the block is open; ``torch.autograd.grad`` does not. Nothing that the program computes changes. ``read``: what
    makes of the loss what ``see`` is given.

    >>> import torch
    >>> model = torch.nn.Linear(2, 1)
    >>> seen = []
    >>> with BeforeBackward(seen.append):
    ...     torch.nn.functional.mse_loss(model(torch.ones(4, 2)), torch.ones(4, 1)).backward()
    >>> seen[0].criteria[0].target.shape
    torch.Size([4, 1])
    """

    def __init__(
        self,
        see: Callable[[Any], None],
        read: Callable[[Any], Any] = read_graph,
    ) -> None:
        self._see, self._read = see, read
        self._stack = ExitStack()

    def open(self) -> None:
        """Begin to look."""
        import torch  # pyright: ignore[reportMissingImports]

        thread = get_ident()

        def before(tensors: Any) -> None:
            if get_ident() == thread:
                several = tensors if isinstance(tensors, list | tuple) else (tensors,)
                for tensor in several:
                    if isinstance(tensor, torch.Tensor) and tensor.numel() == 1:
                        self._see(self._read(tensor))

        self._stack.callback(BACKWARD.add(before))

    def close(self) -> None:
        """Look no more."""
        self._stack.close()

    def __enter__(self) -> BeforeBackward:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
