"""Small random networks of every output, loss and activation, with extreme numbers among them: ours against ours.

``check`` measures derivatives of our loss and compares our gradients with them. It must never say 'failed'; a loss that
is not finite is refused. ``python tests/fuzz/random_networks.py SEED COUNT`` prints what it finds.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtalk import InputError, Network, check
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.losses import LOSSES

WITH_PARAMETERS = {
    "leaky_relu": "leaky_relu(slope={})",
    "elu": "elu(alpha={})",
    "celu": "celu(alpha={})",
    "huber": "huber(delta={})",
    "focal": "focal(gamma={})",
    "quantile": "quantile(level={})",
    "cross_entropy": "cross_entropy(label_smoothing={})",
    "binary_cross_entropy": "binary_cross_entropy(label_smoothing={})",
}
PARAMETERS = {"focal": (0, 1, 1.5, 2, 5), "huber": (1e-3, 1, 1e5), "celu": (0.5, 2.0), "elu": (0.5, 2.0)}
SIZES = (1e-320, 1e-310, 1e-160, 1e-45, 1e-38, 1e-20, 1e-8, 1e-3, 1, 3, 6, 20, 40, 90, 750, 1e4, 1e8, 1e19, 1e38)
HUGE = (1e154, 1e200, 1e300, 1e308)


@dataclass(frozen=True, slots=True)
class Finding:
    """A case that came out otherwise than it must: what it is, and what was said."""

    seed: int
    number: int
    case: str
    said: str

    def __str__(self) -> str:
        return f"seed {self.seed}, number {self.number}: {self.case}\n{self.said}"


def draw_case(rng: np.random.Generator) -> tuple[Network, np.ndarray, np.ndarray, np.ndarray | None]:
    """A network with X, y and weights (or none)."""
    loss = str(rng.choice(list(LOSSES)))
    k = (
        2 * int(rng.integers(1, 3))
        if loss in ("gaussian_nll", "quantiles")
        else int(rng.integers(2 if "hinge" in loss else 1, 5))
    )
    sizes = [*rng.integers(1, 4, size=rng.integers(1, 4)), k]
    names = [str(name) for name in rng.choice(list(ACTIVATIONS), size=len(sizes) - 1)]
    output = str(rng.choice(["softmax", "natural", names.pop()], p=[0.3, 0.3, 0.4]))
    spread = float(rng.choice([0, 0, 0.1, 0.5]))  # how many of the numbers are extreme
    with np.errstate(over="ignore"):
        W = [draw_numbers(rng, (n, m), spread) for m, n in itertools.pairwise(sizes)]
        b = [draw_numbers(rng, (n,), spread) for n in sizes[1:]]
        network = Network(
            W,
            b,
            [with_parameter(rng, name) for name in names],
            with_parameter(rng, loss),
            output=None if output == "natural" else with_parameter(rng, output),
        )
        count = int(rng.integers(1, 4))
        X = draw_numbers(rng, (count, sizes[0]), spread)
    y = network.loss.draw_target(rng, count, k)
    if y.dtype.kind == "f" and rng.random() < 0.3:
        y = np.abs(draw_numbers(rng, y.shape, 0.5)) if loss == "poisson_deviance" else draw_numbers(rng, y.shape, 0.5)
    elif loss in ("cross_entropy", "kl_divergence", "focal") and rng.random() < 0.3:
        y = rng.dirichlet(np.ones(k), size=count) if rng.random() < 0.7 else np.full((count, k), 1 / k)
    weight = rng.choice([0.0, 1e-300, 1e-3, 1.0, 2.0], size=count) if rng.random() < 0.3 else None
    return network, X, y, None if weight is None or weight.sum() == 0 else weight


def draw_numbers(rng: np.random.Generator, shape: tuple[int, ...], spread: float) -> np.ndarray:
    """Normal numbers; or small whole ones, which tie and meet kinks; and so many that are extreme."""
    kind = rng.random()
    numbers = rng.normal(size=shape) if kind < 0.7 else rng.integers(-3, 4, size=shape).astype(float)
    table = SIZES if rng.random() < 0.8 else SIZES + HUGE
    extreme = rng.choice(table, size=shape) * rng.choice([-1.0, 1.0], size=shape)
    return np.where(rng.random(shape) < spread, extreme, numbers)


def with_parameter(rng: np.random.Generator, name: str) -> str:
    """The name, sometimes with a parameter."""
    if name not in WITH_PARAMETERS or rng.random() < 0.5:
        return name
    return WITH_PARAMETERS[name].format(rng.choice(PARAMETERS.get(name, (0.1, 0.25, 0.9))))


def judge_case(network: Network, X: Any, y: Any, weight: Any) -> tuple[str, str]:
    """(what came of it, what was said): 'passed', 'refused' if the loss is not finite, or 'failed'."""
    try:
        report = check(network, X, y, weight)
    except InputError as error:
        return ("refused" if "expected a finite number, whose derivative" in str(error) else "failed"), str(error)
    return ("passed" if report.passed else "failed"), str(report)


def run(seed: int, count: int) -> tuple[Counter[str], list[Finding]]:
    """How many cases came out how, and those that failed."""
    outcomes: Counter[str] = Counter()
    return outcomes, list(findings(seed, count, outcomes))


def findings(seed: int, count: int, outcomes: Counter[str]) -> Iterator[Finding]:
    for number in range(count):
        network, X, y, weight = draw_case(np.random.default_rng([seed, number]))
        outcome, said = judge_case(network, X, y, weight)
        outcomes[outcome] += 1
        if outcome == "failed":
            W, b = ({i: array.tolist() for i, array in family.items()} for family in (network.W, network.b))
            functions = f"{network.activations}, output {network.output}, loss {network.loss}"
            data = f"X={X.tolist()}, y={y.tolist()}, weight={None if weight is None else weight.tolist()}"
            yield Finding(seed, number, f"{functions}, W={W}, b={b}, {data}", said)


if __name__ == "__main__":
    counted: Counter[str] = Counter()
    for finding in findings(int(sys.argv[1]), int(sys.argv[2]), counted):
        print(finding, flush=True)
    print(dict(counted))
    sys.exit(1 if counted["failed"] else 0)
