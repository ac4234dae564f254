from collections.abc import Callable, Sequence
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray

class Net32:
    def __init__(
        self,
        variant: str,
        sizes: Sequence[int],
        activations: Sequence[str],
        parameters: Sequence[float],
        loss: str,
        loss_parameter: float,
        trains: bool,
        states: int,
        input_gradient: bool,
        host: Callable[[int, bool, NDArray[numpy.float32]], NDArray[numpy.float32]] | None,
        levels: Sequence[float] = [],
    ) -> None: ...
    def pack(
        self,
        layer: int,
        W: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
        b: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
    ) -> None: ...
    def unpack(
        self,
        layer: int,
        W: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
        b: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
    ) -> None: ...
    def pack_state(
        self,
        layer: int,
        which: int,
        W: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
        b: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
    ) -> None: ...
    def unpack_state(
        self,
        layer: int,
        which: int,
        W: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
        b: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
    ) -> None: ...
    def forward(
        self,
        X: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        a: Sequence[NDArray[numpy.float32]] | None,
        h: Sequence[NDArray[numpy.float32]] | None,
        threads: int,
        dropout: tuple[Sequence[int], int, int, int] | None = None,
    ) -> None: ...
    def gradients(
        self,
        X: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        given_a: Sequence[NDArray[numpy.float32]] | None,
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float32] | None,
        weight: NDArray[numpy.float32] | None,
        weight_sum: float,
        grad_a: Sequence[NDArray[numpy.float32]],
        grad_h: Sequence[NDArray[numpy.float32]],
        grad_W: Sequence[NDArray[numpy.float32]],
        grad_b: Sequence[NDArray[numpy.float32]],
        threads: int,
        dropout: tuple[Sequence[int], int, int, int] | None = None,
    ) -> float | None: ...
    def pairs(
        self,
        X: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float32] | None,
        losses: NDArray[numpy.float32],
        threads: int,
        h: Sequence[NDArray[numpy.float32] | None] | None = None,
        grad_a: Sequence[NDArray[numpy.float32]] | None = None,
        norms_h: Sequence[NDArray[numpy.float64]] | None = None,
        norms_a: Sequence[NDArray[numpy.float64]] | None = None,
        grad_W: Sequence[NDArray[numpy.float32]] | None = None,
        grad_b: Sequence[NDArray[numpy.float32]] | None = None,
        parts: NDArray[numpy.float64] | None = None,
        most_norm: float = 0.0,
    ) -> None: ...
    def set_update(
        self,
        rule: str,
        momentum: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        momentum_decay: float,
        epsilon_hat: bool,
        corrects: bool,
        l2_penalty: float,
        l2_per_weight: bool,
        weight_decay: float,
        clip_norm: float,
        loss_by_count: bool = False,
    ) -> None: ...
    def set_privacy(
        self, clipping: str, max_norm: float, deviation: float, batch_size: float, key: bytes, grid: float
    ) -> None: ...
    def set_dropout(self, levels: Sequence[int], seed: int) -> None: ...
    def train(
        self,
        X: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float32] | None,
        weight: NDArray[numpy.float32] | None,
        order: Annotated[NDArray[numpy.int64], dict(order="C", device="cpu", writable=False)],
        ends: Annotated[NDArray[numpy.int64], dict(order="C", device="cpu", writable=False)] | None,
        start: int,
        batch_size: int,
        rates: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)],
        most_steps: int,
        seconds: float,
        loss: float,
        weight_sum: float,
        threads: int,
        save: bool,
        measure_every: int,
        points: NDArray[numpy.float32] | None = None,
        most_points: int = 0,
    ) -> tuple[int, int, float, float, bool, bool]: ...
    def size(self) -> int: ...
    def load_point(
        self, point: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)], updates: int
    ) -> None: ...
    def restore(self) -> None: ...
    def begin_after(self, updates: int) -> None: ...
    def updates(self) -> int: ...
    def finite(self) -> bool: ...
    def seconds_of_copy(self) -> float: ...
    def measured(self) -> tuple[int, list[tuple[float | None, float | None, float, float, float, float | None]]]: ...
    def begin_measuring(
        self, steps: int, sums: Sequence[tuple[float | None, float | None, float, float, float, float | None]]
    ) -> None: ...

class Net64:
    def __init__(
        self,
        variant: str,
        sizes: Sequence[int],
        activations: Sequence[str],
        parameters: Sequence[float],
        loss: str,
        loss_parameter: float,
        trains: bool,
        states: int,
        input_gradient: bool,
        host: Callable[[int, bool, NDArray[numpy.float64]], NDArray[numpy.float64]] | None,
        levels: Sequence[float] = [],
    ) -> None: ...
    def pack(
        self,
        layer: int,
        W: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)],
        b: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)],
    ) -> None: ...
    def unpack(
        self,
        layer: int,
        W: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        b: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
    ) -> None: ...
    def pack_state(
        self,
        layer: int,
        which: int,
        W: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)],
        b: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)],
    ) -> None: ...
    def unpack_state(
        self,
        layer: int,
        which: int,
        W: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        b: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
    ) -> None: ...
    def forward(
        self,
        X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        a: Sequence[NDArray[numpy.float64]] | None,
        h: Sequence[NDArray[numpy.float64]] | None,
        threads: int,
        dropout: tuple[Sequence[int], int, int, int] | None = None,
    ) -> None: ...
    def gradients(
        self,
        X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        given_a: Sequence[NDArray[numpy.float64]] | None,
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float64] | None,
        weight: NDArray[numpy.float64] | None,
        weight_sum: float,
        grad_a: Sequence[NDArray[numpy.float64]],
        grad_h: Sequence[NDArray[numpy.float64]],
        grad_W: Sequence[NDArray[numpy.float64]],
        grad_b: Sequence[NDArray[numpy.float64]],
        threads: int,
        dropout: tuple[Sequence[int], int, int, int] | None = None,
    ) -> float | None: ...
    def pairs(
        self,
        X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float64] | None,
        losses: NDArray[numpy.float64],
        threads: int,
        h: Sequence[NDArray[numpy.float64] | None] | None = None,
        grad_a: Sequence[NDArray[numpy.float64]] | None = None,
        norms_h: Sequence[NDArray[numpy.float64]] | None = None,
        norms_a: Sequence[NDArray[numpy.float64]] | None = None,
        grad_W: Sequence[NDArray[numpy.float64]] | None = None,
        grad_b: Sequence[NDArray[numpy.float64]] | None = None,
        parts: NDArray[numpy.float64] | None = None,
        most_norm: float = 0.0,
    ) -> None: ...
    def set_update(
        self,
        rule: str,
        momentum: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        momentum_decay: float,
        epsilon_hat: bool,
        corrects: bool,
        l2_penalty: float,
        l2_per_weight: bool,
        weight_decay: float,
        clip_norm: float,
        loss_by_count: bool = False,
    ) -> None: ...
    def set_privacy(
        self, clipping: str, max_norm: float, deviation: float, batch_size: float, key: bytes, grid: float
    ) -> None: ...
    def set_dropout(self, levels: Sequence[int], seed: int) -> None: ...
    def train(
        self,
        X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float64] | None,
        weight: NDArray[numpy.float64] | None,
        order: Annotated[NDArray[numpy.int64], dict(order="C", device="cpu", writable=False)],
        ends: Annotated[NDArray[numpy.int64], dict(order="C", device="cpu", writable=False)] | None,
        start: int,
        batch_size: int,
        rates: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)],
        most_steps: int,
        seconds: float,
        loss: float,
        weight_sum: float,
        threads: int,
        save: bool,
        measure_every: int,
        points: NDArray[numpy.float64] | None = None,
        most_points: int = 0,
    ) -> tuple[int, int, float, float, bool, bool]: ...
    def size(self) -> int: ...
    def load_point(
        self, point: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)], updates: int
    ) -> None: ...
    def restore(self) -> None: ...
    def begin_after(self, updates: int) -> None: ...
    def updates(self) -> int: ...
    def finite(self) -> bool: ...
    def seconds_of_copy(self) -> float: ...
    def measured(self) -> tuple[int, list[tuple[float | None, float | None, float, float, float, float | None]]]: ...
    def begin_measuring(
        self, steps: int, sums: Sequence[tuple[float | None, float | None, float, float, float, float | None]]
    ) -> None: ...

class Predictor32:
    def __init__(self, net: Net32, rows: int, rooms: int, empty: object, dtype: object, threads: object) -> None: ...
    def predict(self, x: object, out: object | None, a: object | None) -> object: ...

class Predictor64:
    def __init__(self, net: Net64, rows: int, rooms: int, empty: object, dtype: object, threads: object) -> None: ...
    def predict(self, x: object, out: object | None, a: object | None) -> object: ...

class Sweep:
    def __init__(self, net: Net64, variant: str, directions: int) -> None: ...
    def pack_bars(self, W: Sequence[NDArray[numpy.float64]], b: Sequence[NDArray[numpy.float64]]) -> None: ...
    def unpack_bars(self, W: Sequence[NDArray[numpy.float64]], b: Sequence[NDArray[numpy.float64]]) -> None: ...
    def product(
        self,
        X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float64] | None,
        weight: NDArray[numpy.float64] | None,
        V: Sequence[NDArray[numpy.float64]],
        c: Sequence[NDArray[numpy.float64]],
        W: Sequence[NDArray[numpy.float64]],
        b: Sequence[NDArray[numpy.float64]],
        slopes: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        threads: int,
        dropout: tuple[Sequence[int], int, int, int] | None = None,
    ) -> None: ...
    @overload
    def back(
        self,
        source: Net32,
        points: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        left: int,
        X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float64] | None,
        weight: NDArray[numpy.float64] | None,
        rows: Annotated[NDArray[numpy.int64], dict(order="C", device="cpu", writable=False)],
        starts: Annotated[NDArray[numpy.int64], dict(order="C", device="cpu", writable=False)],
        rates: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)],
        first: int,
        updates_before: int,
        by_example: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        by_rate: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        by_penalty: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        seconds: float,
        threads: int,
    ) -> int: ...
    @overload
    def back(
        self,
        source: Net64,
        points: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        left: int,
        X: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        labels: NDArray[numpy.int64] | None,
        target: NDArray[numpy.float64] | None,
        weight: NDArray[numpy.float64] | None,
        rows: Annotated[NDArray[numpy.int64], dict(order="C", device="cpu", writable=False)],
        starts: Annotated[NDArray[numpy.int64], dict(order="C", device="cpu", writable=False)],
        rates: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu", writable=False)],
        first: int,
        updates_before: int,
        by_example: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        by_rate: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        by_penalty: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
        seconds: float,
        threads: int,
    ) -> int: ...

@overload
def add_noise(
    variant: str,
    total: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
    key: bytes,
    layer: int,
    step: int,
    deviation: float,
    grid: float,
) -> None: ...
@overload
def add_noise(
    variant: str,
    total: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
    key: bytes,
    layer: int,
    step: int,
    deviation: float,
    grid: float,
) -> None: ...
def activations() -> list[tuple[str, str]]: ...
def losses() -> list[tuple[str, str]]: ...
def processors() -> int: ...
def ready_threads(wanted: int) -> int: ...
def variants() -> list[tuple[str, bool]]: ...
