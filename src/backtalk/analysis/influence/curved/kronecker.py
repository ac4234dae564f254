"""EK-FAC: the Gauss-Newton matrix of each layer in the eigenvectors of its Kronecker factors, with its own diagonal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....core.batch import Batch
from ....core.forward import propagate
from ....errors import InputError
from ...per_example.pairs import slices
from ..own_gradients import ALL, Talks, own_gradients, wide, with_one
from .columns import columns
from .course import ROWS, Course

WORK = 2**22  # numbers of the largest array of a block
# A layer that moves meets the curvature of the layers that move with it: G is at most L times its diagonal blocks. In
# the five runs of benchmarks/influence.py 3 agreed best with retraining, and gave the size of the changes.
OVERLAP = 3.0


class Kronecker:
    """Influence with the curvature of each layer by itself: E[δδᵀ] ⊗ E[hhᵀ], its eigenvalues corrected.

    In the basis of the eigenvectors of both factors, the diagonal of the Gauss-Newton matrix is exact (George et al.
    2018). Times of a layer's weights, if they differ, are taken as a product of one for each row and each column.
    """

    DAMPING = 0.3  # of a network alone: best between 0.1 and 1 in all of the five runs of benchmarks/influence.py

    course: Course
    of_a: dict[int, np.ndarray]
    of_h: dict[int, np.ndarray]
    factor: dict[int, np.ndarray]

    def __init__(self, course: Course, memory_limit: int) -> None:
        self.course = course
        widest = 1 + max(course.end.sizes)
        least = 8 * (3 * widest**2 + 2 * course.end.parameter_count + ROWS * widest)
        if least > memory_limit:
            raise InputError(
                f"memory_limit is {memory_limit}, but the curvature of each layer takes {least} bytes: expected as "
                "many."
            )
        layers = range(1, course.end.depth + 1)
        scales = [_roots(times) for times in course.times]
        self.of_a = {i: scales[i - 1][0][:, None] for i in layers}  # rows: the units; columns: the eigenvectors
        self.of_h = {i: scales[i - 1][1][:, None] for i in layers}
        A = {i: np.zeros((len(self.of_h[i]),) * 2) for i in layers}
        S = {i: np.zeros((len(self.of_a[i]),) * 2) for i in layers}
        for share, h, heard in _columns(course):
            for i in layers:
                if h is not None:
                    A[i] += (h[i] * share).T @ h[i]
                S[i] += (heard[i] * share).T @ heard[i]
        for i in layers:
            scale_a, scale_h = self.of_a[i], self.of_h[i]
            self.of_h[i] = scale_h * np.linalg.eigh(scale_h * A[i] * scale_h.T)[1]
            self.of_a[i] = scale_a * np.linalg.eigh(scale_a * S[i] * scale_a.T)[1]
        values = {i: np.zeros((len(self.of_a[i]), len(self.of_h[i]))) for i in layers}
        turned = None
        for share, h, heard in _columns(course):
            if h is not None:
                turned = {i: (h[i] @ self.of_h[i]) ** 2 for i in layers}
            assert turned is not None
            for i in layers:
                values[i] += ((heard[i] @ self.of_a[i]) ** 2 * share).T @ turned[i]
        if course.response.damping is None:
            values = {i: OVERLAP * each for i, each in values.items()}
        self.factor = {i: course.response.of(each, float(each.mean())) for i, each in values.items()}

    def of(self, queries: Batch, columns: slice = ALL) -> np.ndarray:
        """(M, n): by how much the loss of each query would rise without each of the examples ``columns``."""
        course = self.course
        trace, heard, _ = own_gradients(course.end, queries)
        layers = range(1, course.end.depth + 1)
        moved = {}
        for i in layers:
            a, h = heard[i] @ self.of_a[i], with_one(trace.h[i - 1]) @ self.of_h[i]
            moved[i] = a[:, :, None] * h[:, None, :] * self.factor[i]
        examples, shares = course.examples.rows(columns), course.shares[columns]
        found = np.zeros((queries.count, examples.count))
        widest = max(len(self.of_h[i]) for i in layers)
        for network in course.networks:
            for rows in slices(examples.count, max(1, min(ROWS, WORK // (widest * queries.count)))):
                trace, heard, _ = own_gradients(network, examples.rows(rows))
                for i in layers:
                    # Σ_{jk} δ_nj Q_qjk h_nk
                    a, h = heard[i] @ self.of_a[i], with_one(trace.h[i - 1]) @ self.of_h[i]
                    found[:, rows] += np.einsum("qnk,nk->qn", np.matmul(a, moved[i]), h)
        return found * (shares / len(course.networks))

    def bytes_per_query(self) -> int:
        """What the gradient of a query takes, twice."""
        return 16 * sum(each.size for each in self.factor.values()) + 16 * self.course.examples.count


def _roots(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """√r and √c of the product r cᵀ that is nearest to the times in the sense of Adafactor; 0 for what never moves."""
    squares = np.divide(1.0, times**2, out=np.zeros_like(times), where=times > 0)
    of_rows, of_columns, total = squares.sum(axis=1), squares.sum(axis=0), squares.sum()
    # 1/t² ≈ (row sum)(column sum)/(sum)
    rows, columns_ = (
        np.divide(1.0, each, out=np.zeros_like(each), where=each > 0) ** 0.25 for each in (of_rows, of_columns)
    )
    return rows * total**0.25, columns_


def _columns(course: Course) -> Iterator[tuple[np.ndarray, dict[int, np.ndarray] | None, Talks]]:
    """Shares (n, 1), h with a 1 beside it, once for all columns of a block, and each column of every network."""
    for network in course.networks:
        for rows in slices(course.examples.count, ROWS):
            some = course.examples.rows(rows)
            trace = propagate(network, wide(some.X))
            share = course.shares[rows, None] / len(course.networks)
            h = {i: with_one(trace.h[i - 1]) for i in range(1, network.depth + 1)}
            for heard in columns(network, trace, some):
                yield share, h, heard
                h = None
