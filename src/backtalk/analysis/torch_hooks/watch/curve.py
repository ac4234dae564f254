"""A number of every step, kept as means of windows: at most 512 of them, however many steps there are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

MOST = 512
FIRST = 100  # that are kept one by one


@dataclass(slots=True)
class Window:
    """Steps in a row: how many numbers, their sum, and the sum of their squares."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, other: Window) -> None:
        """Take in those of another one."""
        self.count += other.count
        self.total += other.total
        self.squares += other.squares


class Curve:
    """The course of one number over steps.

    >>> curve = Curve()
    >>> for value in range(1, 9):
    ...     curve.add(float(value))
    >>> curve.means(4).tolist(), curve.count, curve.last
    ([1.5, 3.5, 5.5, 7.5], 8, 8.0)
    """

    first: list[float]
    count: int
    last: float
    most: float
    broken: int | None

    def __init__(self) -> None:
        self.first = []
        self.count = 0
        self.last = math.nan
        self.most = -math.inf
        self.broken = None  # the first step, from 1, whose number is not finite
        self._width = 1
        self._windows: list[Window] = []

    def add(self, value: float) -> None:
        """One more step."""
        self.count += 1
        self.last = value
        if len(self.first) < FIRST:
            self.first.append(value)
        if not math.isfinite(value):
            self.broken = self.broken or self.count
            return
        self.most = max(self.most, value)
        if not self._windows or self._windows[-1].count >= self._width:
            if len(self._windows) == MOST:
                self._halve()
            self._windows.append(Window())
        self._windows[-1].add(Window(1, value, value * value))

    def windows(self, count: int) -> list[Window]:
        """At most ``count`` windows, of about as many steps each."""
        found = [Window() for _ in range(min(count, len(self._windows)))]
        for k, window in enumerate(self._windows):
            found[k * len(found) // len(self._windows)].add(window)
        return found

    def means(self, count: int) -> np.ndarray:
        """The means of at most ``count`` windows."""
        return np.array([window.total / window.count for window in self.windows(count)])

    def _halve(self) -> None:
        pairs = zip(self._windows[::2], self._windows[1::2], strict=True)
        for one, other in pairs:
            one.add(other)
        self._windows, self._width = self._windows[::2], 2 * self._width
