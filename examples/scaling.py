"""How long does a step take in N processes? A model of data-parallel training, with its assumptions.

``python examples/scaling.py`` prints the table of docs/scale.md; the options put in your network and your machines.

A step on N processes, mini-batch B, layers of n_0 … n_L units, P weights and biases together:

    T(N) = P·u  +  ⌈B/N⌉·F/r  +  m(N)·α  +  ((N − 1)/N·2·4P + min(√B, B/N)·4·n_0)/β

- P·u: each process updates all weights; u seconds for one.
- ⌈B/N⌉·F/r: three matrix products a layer over a process's rows (forward, backward to the layer below, and to the
  weights; none backward to the input); F = 2·(3·Σ n_{i−1}·n_i − n_0·n_1) operations for a row, at r a second.
- m(N)·α: messages that follow one another in the sum of the gradients, each with the latency α: 2·(N − 1) around a
  ring, as Gloo does it; 2·⌈log₂ N⌉ in a tree, which NCCL takes where it is faster.
- (N − 1)/N·2·4P/β: what a process sends for that sum, 4 bytes for a number, at β bytes a second; and
  min(√B, B/N)·4·n_0/β: rows. Each process computes those that it holds, as far as all have the same number; of a
  mini-batch drawn at random a process holds B/N give or take √(B/N), and about √B rows go to another, at the most. None
  of this with one process.

Assumed: processes of equal speed, none of which makes the others wait; a network that serves all of them at once;
nothing is sent while something is computed; rows travel in messages so large that their latency counts for nothing; r
does not depend on the number of rows (with few it falls, so that small shares are slower than the model says); files
are read as fast as they are needed.
"""

from __future__ import annotations

import argparse
import itertools
import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

COUNTS = (1, 2, 8, 64, 1024)


@dataclass(frozen=True)
class Hosts:
    """What is measured of the machines: seconds, operations a second, bytes a second."""

    rate: float = 160e9  # r, of one core of the machine of docs/scale.md
    update: float = 0.6e-9  # u, Adam, there
    latency: float = 30e-6  # α, between two hosts over TCP
    bandwidth: float = 3.1e9  # β, of 25 Gbit/s Ethernet
    ring: bool = True  # the sum goes around a ring


@dataclass(frozen=True)
class Step:
    """Seconds of a step, by what they are spent on."""

    update: float
    compute: float
    latency: float
    transfer: float

    @property
    def seconds(self) -> float:
        return self.update + self.compute + self.latency + self.transfer

    @property
    def communication(self) -> float:
        """The share of the step in which processes wait for one another's numbers."""
        return (self.latency + self.transfer) / self.seconds


def parameters(sizes: Sequence[int]) -> int:
    """P = Σ_i n_i·(n_{i−1} + 1).

    >>> parameters([784, 256, 128, 10])
    235146
    """
    return sum(n * (m + 1) for m, n in itertools.pairwise(sizes))


def operations(sizes: Sequence[int]) -> int:
    """F, for one row: a_i = W_i h_{i−1}, ∇_{W_i} = ∇_{a_i} h_{i−1}ᵀ, and for i > 1 ∇_{h_{i−1}} = W_iᵀ ∇_{a_i}.

    >>> operations([784, 256, 128, 10])
    1007104
    """
    products = [m * n for m, n in itertools.pairwise(sizes)]
    return 2 * (3 * sum(products) - products[0])


def sent(sizes: Sequence[int], batch: int, processes: int) -> float:
    """Bytes that a process sends in a step, for the sum of the gradients and of its rows.

    >>> sent([784, 256, 128, 10], 64, 2), sent([784, 256, 128, 10], 64, 1)
    (965672.0, 0.0)
    """
    if processes == 1:
        return 0.0
    return 4 * (
        2 * (processes - 1) / processes * parameters(sizes) + min(math.sqrt(batch), batch / processes) * sizes[0]
    )


def predict(sizes: Sequence[int], batch: int, processes: int, hosts: Hosts | None = None) -> Step:
    """T(N), by its parts.

    >>> one, eight = (predict([784, 256, 128, 10], 8192, n) for n in (1, 8))
    >>> round(one.seconds / eight.seconds, 1)
    6.8
    """
    hosts = hosts or Hosts()
    messages = 2 * (processes - 1) if hosts.ring else 2 * math.ceil(math.log2(processes))
    return Step(
        update=parameters(sizes) * hosts.update,
        compute=math.ceil(batch / processes) * operations(sizes) / hosts.rate,
        latency=messages * hosts.latency,
        transfer=sent(sizes, batch, processes) / hosts.bandwidth,
    )


def efficiency(sizes: Sequence[int], batch: int, processes: int, hosts: Hosts | None = None) -> float:
    """T(1) / (N·T(N)).

    >>> round(efficiency([784, 256, 128, 10], 8192, 8), 2)
    0.85
    """
    one, many = (predict(sizes, batch, count, hosts).seconds for count in (1, processes))
    return one / many / processes


def least_batch(sizes: Sequence[int], processes: int, wanted: float, hosts: Hosts | None = None) -> int:
    """The smallest B, a multiple of N, with this efficiency: what N divides shrinks, and the rest hardly grows with B.

    >>> least_batch([784, 256, 128, 10], 8, 0.8)
    5840
    """
    share = bisect_left(
        range(1, 2**40), True, key=lambda m: efficiency(sizes, m * processes, processes, hosts) >= wanted
    )
    return (1 + share) * processes


def table(sizes: Sequence[int], batch: int, hosts: Hosts, counts: Sequence[int] = COUNTS) -> list[str]:
    """Lines of Markdown: the same mini-batch in more processes, and one that grows with them."""
    lines = [
        "| N | step | communication | times as fast | efficiency | B for 80 % | efficiency, B on each |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    alone = predict(sizes, batch, 1, hosts).seconds
    for count in counts:
        step = predict(sizes, batch, count, hosts)
        times = alone / step.seconds
        grown = alone / predict(sizes, batch * count, count, hosts).seconds
        least = f"{least_batch(sizes, count, 0.8, hosts):,}" if count > 1 else ""
        cells = (f"{count}", f"{1e3 * step.seconds:.2f} ms", f"{step.communication:.0%}", f"{times:.1f}",
                 f"{times / count:.0%}", least, f"{grown:.0%}")  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def positive(kind: type[int] | type[float], least: int = 1) -> Callable[[str], list[Any]]:
    """What reads numbers above 0 with commas between them, ``least`` of them or more.

    >>> positive(int, 2)("784,10")
    [784, 10]
    """
    what = "an integer" if kind is int else "a number"
    wanted = f"{what} above 0" if least == 1 else f"{least} or more integers above 0 with commas between them"

    def read(text: str) -> list[Any]:
        try:
            numbers = [kind(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) < least or not all(0 < number < math.inf for number in numbers):
            raise argparse.ArgumentTypeError(f"{text!r} was given, expected {wanted}")
        return numbers

    return read


def one(kind: type[int] | type[float], zero: bool = False) -> Callable[[str], Any]:
    """What reads one number above 0, or, with ``zero``, that too."""

    def read(text: str) -> Any:
        if zero and text == "0":
            return 0.0
        numbers = positive(kind)(text)
        if len(numbers) > 1:
            raise argparse.ArgumentTypeError(f"{text!r} was given, expected one number")
        return numbers[0]

    return read


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}.\n")


def parser() -> Parser:
    """The options, with those of docs/scale.md where nothing is given."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    numbers, counts = Hosts(), ",".join(map(str, COUNTS))
    options.add_argument("--sizes", type=positive(int, 2), default="784,256,128,10", help="n_0,…,n_L (%(default)s)")
    options.add_argument("--batch", type=one(int), default=8192, help="B, over all processes together (%(default)s)")
    options.add_argument(
        "--processes", type=positive(int), default=counts, help="N of each line, with commas between (%(default)s)"
    )
    for name, what in (("rate", "operations a second of a process, r"), ("update", "seconds to update a weight, u"),
                       ("latency", "seconds of a message, α"), ("bandwidth", "bytes a second, β")):  # fmt: skip
        options.add_argument(
            f"--{name}",
            type=one(float, zero=name in ("update", "latency")),
            default=getattr(numbers, name),
            help=f"{what} (%(default)g)",
        )
    options.add_argument("--tree", action="store_true", help="the sum goes through a tree, not around a ring")
    return options


def main(arguments: list[str] | None = None) -> list[str]:
    """Parse, predict, print."""
    given = parser().parse_args(arguments)
    hosts = Hosts(given.rate, given.update, given.latency, given.bandwidth, not given.tree)
    lines = table(given.sizes, given.batch, hosts, given.processes)
    weights, work = parameters(given.sizes), operations(given.sizes)
    print(f"network {given.sizes}, B = {given.batch}, P = {weights:,}, F = {work:,}")
    print("\n".join(lines))
    return lines


if __name__ == "__main__":
    main()
