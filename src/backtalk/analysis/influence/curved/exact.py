"""The whole Gauss-Newton matrix of a small network, by its own eigenvectors or by those of the Gram matrix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....core.batch import Batch
from ....core.forward import Trace, propagate
from ....errors import InputError
from ...per_example.pairs import slices
from ..own_gradients import ALL, Talks, own_gradients, wide, with_one
from .columns import columns
from .course import ROWS, Course


class Exact:
    """Influence with the Gauss-Newton matrix G = Σ_n w_n J_nᵀ (∂²ℓ_n/∂a_L²) J_n of all layers together.

    With times D of the weights, f is taken of D^½ G D^½. That has P² numbers for P weights and biases; the Gram matrix
    of its columns has fewer if there are fewer columns, and the same eigenvalues besides 0.
    """

    DAMPING = 2.0  # of a network alone: best between 1 and 3 in all of the five runs of benchmarks/influence.py

    course: Course
    scale: np.ndarray
    elsewhere: float
    factor: np.ndarray
    vectors: np.ndarray

    def __init__(self, course: Course, memory_limit: int) -> None:
        self.course = course
        self.scale = np.concatenate([times.ravel() for times in course.times]) ** 0.5
        P, rows = len(self.scale), len(course.networks) * course.examples.count * course.end.sizes[-1]
        small = min(P, rows)
        least = 8 * (3 * small**2 + (small * P if rows < P else 0))
        if least > memory_limit:
            raise InputError(
                f"memory_limit is {memory_limit}, but the whole curvature of {P} weights and biases takes {least} "
                "bytes: expected as many, or method='ekfac'."
            )
        if rows < P:
            J = np.concatenate(list(self._columns()))
            values, U = np.linalg.eigh(J @ J.T)
            rank = values > 1e-12 * max(values.max(), 0.0)
            values, vectors = values[rank], (J.T @ U[:, rank]) / np.sqrt(values[rank])
        else:
            G = np.zeros((P, P))
            for block in self._columns():
                G += block.T @ block
            values, vectors = np.linalg.eigh(G)
        mean = float(np.maximum(values, 0).sum() / P)
        self.elsewhere = float(course.response.of(np.zeros(1), mean)[0])  # along what no column reaches
        self.factor, self.vectors = course.response.of(values, mean) - self.elsewhere, vectors

    def _columns(self) -> Iterator[np.ndarray]:
        """(n, P): columns of G, times their roots of shares and times."""
        course = self.course
        for network in course.networks:
            for rows in slices(course.examples.count, ROWS):
                some = course.examples.rows(rows)
                trace = propagate(network, wide(some.X))
                roots = np.sqrt(course.shares[rows, None] / len(course.networks))
                for heard in columns(network, trace, some):
                    yield _flat(trace, heard) * self.scale * roots

    def of(self, queries: Batch, columns: slice = ALL) -> np.ndarray:
        """(M, n): by how much the loss of each query would rise without each of the examples ``columns``."""
        course = self.course
        asked = _flat(*own_gradients(course.end, queries)[:2]) * self.scale
        moved = ((asked @ self.vectors) * self.factor) @ self.vectors.T + self.elsewhere * asked
        moved *= self.scale
        examples, shares = course.examples.rows(columns), course.shares[columns]
        found = np.zeros((queries.count, examples.count))
        for network in course.networks:
            for rows in slices(examples.count, ROWS):
                found[:, rows] += moved @ _flat(*own_gradients(network, examples.rows(rows))[:2]).T
        return found * (shares / len(course.networks))

    def bytes_per_query(self) -> int:
        """What the gradient of a query takes, and its row of the result, twice."""
        return 16 * (len(self.scale) + self.course.examples.count)


def _flat(trace: Trace, heard: Talks) -> np.ndarray:
    """The gradient of each example, (n, P): for each unit of each layer its weights and its bias."""
    parts = [heard[i][:, :, None] * with_one(trace.h[i - 1])[:, None, :] for i in sorted(heard)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
