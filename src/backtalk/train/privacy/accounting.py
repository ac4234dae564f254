"""ε of private steps that were taken one after another, by the library dp-accounting.

A step of DP-SGD takes each example with probability q, clips its gradient to the norm C, and adds Gaussian noise of
standard deviation σ·C. Two data sets are neighbours if one has an example more than the other. All steps together are
(ε, δ)-private: no example changes the probability of any outcome by more than the factor e^ε, apart from δ.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from numbers import Integral, Real
from types import ModuleType
from typing import Any

from ...core.noise import INSTALL
from ...errors import InputError, InputTypeError, MissingLibraryError, unknown_name

ACCOUNTANTS = ("pld", "rdp")  # tight first
INTERVAL = 1e-4  # of the privacy loss, the library's own default
COARSE, LARGE = 5e-4, 0.5  # the same in a search for an ε of LARGE or more: faster, and some 0.1 % too careful
FINE = 20.0  # the ε up to which an interval is kept; above it, it grows with ε, as time and memory would
NOT_PRIVATE = 1e6  # an ε above which nobody asks for a tight one
MOST_NOISE = 2.0**14  # the noise multiplier at which a search gives up; more is counted as this much, an upper bound
LEAST_NOISE = 1e-100  # a noise multiplier below which there is as good as none
STRIDE = 1.25  # of a search: little noise takes the accountants long
PRECISION = 1e-3  # relative, of the noise multiplier that is searched for
TINY = 1e-12  # an ε that is as good as 0

Steps = Mapping[tuple[float, float], int]  # how many, by noise multiplier and sampling rate


def epsilon(noise_multiplier: float, sampling_rate: float, steps: int, delta: float, accountant: str = "pld") -> float:
    """ε of ``steps`` steps, each with noise of ``noise_multiplier`` times the clipping norm.

    ``sampling_rate``: the probability q with which each step takes each example (Poisson sampling); 1 for all.
    ``delta``: δ, below one over the number of examples. ``accountant``: 'pld' composes the distribution of the privacy
    loss numerically, and is tight up to 1e-4 (what others call PRV); 'rdp' bounds it by Rényi divergences, which is
    faster and larger. Both are upper bounds for neighbours that differ by one example added or removed. ∞ if there is
    no noise, or as good as none; 0 if there are no steps.

    Raises :class:`~backtalk.errors.InputError` if a number is out of its range,
    :class:`~backtalk.errors.MissingLibraryError` without dp-accounting. Sources: Mironov, Talwar and Zhang 2019, "Rényi
    differential privacy of the sampled Gaussian mechanism"; Doroshenko et al. 2022, "Connect the dots: tighter discrete
    approximations of privacy loss distributions".

    >>> round(epsilon(1.1, 256 / 60_000, steps=1000, delta=1e-5), 3)
    0.599
    >>> round(epsilon(1.1, 256 / 60_000, steps=1000, delta=1e-5, accountant="rdp"), 3)
    0.889
    """
    return Accountant(accountant).step(noise_multiplier, sampling_rate, steps).epsilon(delta)


def noise_multiplier_for(
    target_epsilon: float, delta: float, sampling_rate: float, steps: int, accountant: str = "pld"
) -> float:
    """The least noise multiplier with which ``steps`` steps have at most ε ``target_epsilon``, up to 0.1 % or so.

    The other arguments are those of :func:`epsilon`. Raises :class:`~backtalk.errors.InputError` also if no noise
    brings ε so far down, as is possible with 'rdp'; the error names the least ε that would do.

    >>> sigma = noise_multiplier_for(2.0, 1e-5, 256 / 60_000, steps=1000, accountant="rdp")
    >>> round(sigma, 2), epsilon(sigma, 256 / 60_000, 1000, 1e-5, "rdp") <= 2.0
    (0.8, True)
    """
    target = _number("target_epsilon", target_epsilon, 0, "a number above 0", above=True)

    Accountant(accountant).step(1.0, sampling_rate, steps)  # which checks them
    delta = as_delta(delta)
    if not steps:
        return 0.0

    interval = COARSE if target >= LARGE else INTERVAL

    def excess(noise: float, by: str = accountant) -> float:  # in logarithms, in which ε bends least
        found = _epsilon({(noise, float(sampling_rate)): int(steps)}, delta, by, interval)
        return math.log(max(found, TINY) / target)

    # ε by 'pld' is at most that by 'rdp', whose noise is found at once, is enough, and near
    start = _least_noise(lambda noise: excess(noise, "rdp"), 1.0)
    found = start if accountant == "rdp" else _least_noise(excess, start or 1.0)
    if found is None:
        least = epsilon(MOST_NOISE, sampling_rate, steps, delta, accountant)
        raise InputError(
            f"is {target:g}, which no noise reaches: with delta {delta:g}, the accountant "
            f"{accountant!r} gives {least:.3g} at the least. Raise it, or delta"
            + (", or use 'pld'." if accountant == "rdp" else "."),
            argument="target_epsilon",
        )
    return found


def _least_noise(excess: Callable[[float], float], start: float) -> float | None:
    """Where ``excess`` falls to 0, from above; None if it is above 0 for any noise."""
    enough = start
    while excess(enough) > 0:
        if enough > MOST_NOISE:
            return None
        enough *= STRIDE
    little = enough / STRIDE
    while excess(little) <= 0:
        enough, little = little, little / STRIDE
    from scipy.optimize import brentq  # heavy

    log: Any = brentq(lambda log: excess(math.exp(log)), math.log(little), math.log(enough), xtol=PRECISION / 4)
    found = math.exp(log)
    while excess(found) > 0:
        found *= 1 + PRECISION / 4
    return found


class Accountant:
    """Counts private steps, and tells the ε of all of them together. ``kind``: 'pld' or 'rdp', as in :func:`epsilon`.

    >>> accountant = Accountant("rdp")
    >>> for noise_multiplier in (1.1, 1.1, 2.0):
    ...     accountant = accountant.step(noise_multiplier, sampling_rate=0.01)
    >>> accountant.steps, round(accountant.epsilon(delta=1e-5), 3)
    (3, 0.817)
    >>> Accountant.restore(accountant.state()).epsilon(1e-5) == accountant.epsilon(1e-5)
    True
    """

    __slots__ = ("_taken", "kind")

    def __init__(self, kind: str = "pld") -> None:
        if kind not in ACCOUNTANTS:
            raise unknown_name("accountant", kind, ACCOUNTANTS)
        require_accounting()
        self.kind = kind
        self._taken: dict[tuple[float, float], int] = {}

    @property
    def steps(self) -> int:
        """How many were taken."""
        return sum(self._taken.values())

    def step(self, noise_multiplier: float, sampling_rate: float, count: int = 1) -> Accountant:
        """Count ``count`` steps more; returns itself."""
        noise = _number("noise_multiplier", noise_multiplier, 0, "a finite number of 0 or more")
        rate = as_sampling_rate(sampling_rate)
        if isinstance(count, bool) or not isinstance(count, Integral):
            raise InputTypeError(f"is {count!r}, expected a whole number.", argument="steps")
        if count < 0:
            raise InputError(f"is {count}, expected a whole number of 0 or more.", argument="steps")
        if count:
            self._taken[noise, rate] = self._taken.get((noise, rate), 0) + int(count)
        return self

    def epsilon(self, delta: float) -> float:
        """ε of all steps so far, for this δ."""
        return _epsilon(self._taken, as_delta(delta), self.kind, INTERVAL)

    def state(self) -> dict[str, Any]:
        """Texts and numbers, for a checkpoint."""
        return {"kind": self.kind, "taken": [[*key, count] for key, count in self._taken.items()]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Accountant:
        """The accountant whose ``state`` this was. Raises :class:`~backtalk.errors.InputError` if it is none."""
        try:
            accountant, taken = cls(state["kind"]), [(noise, rate, count) for noise, rate, count in state["taken"]]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"is that of no accountant ({error}).", argument="state") from None
        for noise, rate, count in taken:
            accountant.step(noise, rate, count)
        return accountant

    def __repr__(self) -> str:
        return f"Accountant({self.kind!r}), {self.steps} steps"


def as_delta(delta: Any) -> float:
    """δ, checked."""
    number = _number("delta", delta, 0, "a number above 0 and below 1", above=True)
    if number >= 1:
        raise InputError(
            f"is {delta!r}, expected a number above 0 and below 1, less than 1 over the examples.", argument="delta"
        )
    return number


def require_delta(delta: float, examples: int) -> None:
    """Refuse a δ that says nothing of so many examples."""
    if delta >= 1 / examples:
        raise InputError(
            f"is {delta:g}, but {examples} examples are trained on: expected less than 1/{examples}, since to "
            "publish one of them whole would be as private.",
            argument="delta",
        )


def as_sampling_rate(rate: Any) -> float:
    """q, checked."""
    number = _number("sampling_rate", rate, 0, "a probability above 0, up to 1", above=True)
    if number > 1:
        raise InputError(f"is {rate!r}, expected a probability above 0, up to 1.", argument="sampling_rate")
    return number


def require_accounting() -> ModuleType:
    """dp-accounting. Raises :class:`~backtalk.errors.MissingLibraryError` if it is not installed."""
    try:
        import dp_accounting
    except ImportError:
        raise MissingLibraryError(
            f"ε of private training is computed by dp-accounting, which is not installed: {INSTALL}."
        ) from None
    return dp_accounting


def _epsilon(taken: Steps, delta: float, kind: str, interval: float) -> float:
    """ε of these steps; ``interval``: that at which 'pld' knows the distribution of the privacy loss."""
    if not taken:
        return 0.0
    if any(noise < LEAST_NOISE for noise, _ in taken):
        return math.inf
    taken = _counted(taken)
    bound = _epsilon_rdp(taken, delta)
    # Both are upper bounds. That of 'pld' is ∞ if δ is so small that its distributions leave out as much.
    return bound if kind == "rdp" else min(bound, _epsilon_pld(taken, delta, bound, interval))


def _counted(taken: Steps) -> Steps:
    """The same with no more than ``MOST_NOISE``: beyond it, dp-accounting loses its digits."""
    counted: dict[tuple[float, float], int] = {}
    for (noise, rate), count in taken.items():
        key = min(noise, MOST_NOISE), rate
        counted[key] = counted.get(key, 0) + count
    return counted


def _epsilon_rdp(taken: Steps, delta: float) -> float:
    from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant()
    logger = logging.getLogger("absl")
    logger.addFilter(_is_news)
    try:
        for (noise, rate), count in taken.items():
            accountant.compose(PoissonSampledDpEvent(rate, GaussianDpEvent(noise)), count)
        return float(accountant.get_epsilon(delta))
    finally:
        logger.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that an order is left out whose series does not converge: the others bound ε as well."""
    return "Excluding this order" not in str(record.msg)


def _epsilon_pld(taken: Steps, delta: float, bound: float, interval: float) -> float:
    """``bound``: an upper bound of it."""
    if bound == 0 or bound > NOT_PRIVATE:
        return bound
    interval *= 2.0 ** max(0, math.ceil(math.log2(bound / FINE)))
    composed = [_one_step(*key, interval).self_compose(count) for key, count in taken.items()]
    return float(reduce(lambda one, other: one.compose(other), composed).get_epsilon_for_delta(delta))


@lru_cache(maxsize=4)
def _one_step(noise: float, rate: float, interval: float) -> Any:
    """The distribution of the privacy loss of one step."""
    from dp_accounting.pld.privacy_loss_distribution import from_gaussian_mechanism

    return from_gaussian_mechanism(noise, sampling_prob=rate, value_discretization_interval=interval)


def _number(name: str, value: Any, least: float, expected: str, *, above: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"is {value!r}, expected {expected}.", argument=name)
    number = float(value)
    if not (least < number if above else least <= number) or not math.isfinite(number):
        raise InputError(f"is {value!r}, expected {expected}.", argument=name)
    return number
