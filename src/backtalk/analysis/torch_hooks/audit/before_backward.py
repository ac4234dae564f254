"""The moment before ``backward()``: the loss's graph, while the operations still hold what they saved."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from .read import read_graph


class BeforeBackward:
    """While it is open, ``see`` is given the graph of every loss just before its ``backward()``.

    ``Tensor.backward``, ``torch.autograd.backward`` and GradScaler all go through one function, which is replaced while
    the block is open; ``torch.autograd.grad`` does not. Nothing that the program computes changes. ``wanted``: asked
    before each look, so that steps can be left out; ``read``: what makes of the loss what ``see`` is given.

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
        wanted: Callable[[], bool] = lambda: True,
        read: Callable[[Any], Any] = read_graph,
    ) -> None:
        self._see, self._wanted, self._read = see, wanted, read
        self._open = False
        self._original: Any = None
        self._replacement: Any = None

    def open(self) -> None:
        """Begin to look."""
        import torch  # pyright: ignore[reportMissingImports]

        original = torch.autograd.backward

        def backward(tensors: Any, *arguments: Any, **named: Any) -> Any:
            if self._open and self._wanted():
                several = tensors if isinstance(tensors, list | tuple) else (tensors,)
                for tensor in several:
                    if isinstance(tensor, torch.Tensor) and tensor.numel() == 1:
                        self._see(self._read(tensor))
            return original(tensors, *arguments, **named)

        self._original, self._replacement, self._open = original, backward, True
        torch.autograd.backward = backward

    def close(self) -> None:
        """Look no more. If another one was opened since and is still open, its function goes on calling this one's."""
        import torch  # pyright: ignore[reportMissingImports]

        self._open = False
        if torch.autograd.backward is self._replacement:
            torch.autograd.backward = self._original

    def __enter__(self) -> BeforeBackward:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
