"""What the results say: wins, ratios, mean ranks, times, goals, and where backtalk loses most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from .ours import OURS

BAGGED = "-bagged"
FLOOR = 1e-4  # of a loss or an error in a ratio, which would otherwise have zeros
MEASURES = ("loss", "error")


class Goal(NamedTuple):
    """The least shares of the tables that are to be won by loss and by error, and the most that the time may be of the
    peer's."""

    loss: float
    error: float = 0.0
    seconds: float = np.inf


GOALS = {
    "catboost": Goal(0.70, error=0.60),
    "lightgbm": Goal(0.80),
    "hgb": Goal(0.80),
    "xgboost": Goal(0.85),
    "realmlp": Goal(0.85),
    "sklearn-mlp": Goal(0.95),
    "catboost-bagged": Goal(0.50, seconds=1.0),
    "lightgbm-bagged": Goal(0.60),
}


class Means(NamedTuple):
    """The means over the folds of a model on a table."""

    loss: float
    error: float
    seconds: float


class Against(NamedTuple):
    """backtalk beside a peer: tables, those won (ties are halves) and the geometric means of ratios to the peer's."""

    peer: str
    tables: int
    won: dict[str, float]
    ratio: dict[str, float]
    seconds: float


def means_of(results: Iterable[dict[str, Any]]) -> dict[str, dict[str, Means]]:
    """By table and model, means over the folds that all models of the table have; a model that failed has none."""
    found: dict[str, dict[str, dict[int, dict[str, Any]]]] = {}
    failed = set()
    for each in results:
        found.setdefault(each["table"], {}).setdefault(each["model"], {})[each["fold"]] = each
        if "problem" in each:
            failed.add((each["table"], each["model"]))
    means: dict[str, dict[str, Means]] = {}
    for table, models in found.items():
        whole = {name: own for name, own in models.items() if (table, name) not in failed}
        if folds := set.intersection(*map(set, whole.values())) if whole else set():
            means[table] = {
                name: Means(*(float(np.mean([own[fold][field] for fold in folds])) for field in Means._fields))
                for name, own in whole.items()
            }
    return means


def against(means: dict[str, dict[str, Means]], peer: str) -> Against | None:
    """backtalk beside a peer, on the tables that both have."""
    pairs = [(models[OURS], models[peer]) for models in means.values() if OURS in models and peer in models]
    if not pairs:
        return None
    won, ratio = {}, {}
    for name in MEASURES:
        ours, theirs = np.array([[getattr(each, name) for each in pair] for pair in pairs]).T
        won[name] = float(np.mean((ours < theirs) + 0.5 * (ours == theirs)))
        ratio[name] = geometric_mean(np.maximum(ours, FLOOR) / np.maximum(theirs, FLOOR))
    seconds = geometric_mean([ours.seconds / theirs.seconds for ours, theirs in pairs])
    return Against(peer, len(pairs), won, ratio, seconds)


def geometric_mean(ratios: Sequence[float] | np.ndarray) -> float:
    """exp of the mean logarithm."""
    return float(np.exp(np.mean(np.log(ratios))))


def mean_ranks(means: dict[str, dict[str, Means]], models: Sequence[str], measure: str) -> dict[str, float]:
    """The mean rank of each model, 1 for the least loss, on the tables that all of them have; best first."""
    rows = [[getattr(own[name], measure) for name in models] for own in means.values() if set(models) <= set(own)]
    if not rows:
        return {}
    ranks = np.mean([rankdata(row) for row in rows], axis=0)
    return dict(sorted(zip(models, map(float, ranks), strict=True), key=lambda each: each[1]))


def groups(models: Iterable[str]) -> dict[str, list[str]]:
    """What is ranked together: backtalk with single peers, and with bagged ones."""
    found = [name for name in models if name != OURS]
    return {
        "single": [OURS, *(name for name in found if not name.endswith(BAGGED))],
        "bagged": [OURS, *(name for name in found if name.endswith(BAGGED))],
    }


def losses(means: dict[str, dict[str, Means]], count: int = 8) -> list[tuple[float, str, str]]:
    """Where backtalk's loss is the largest multiple of the best peer's: the ratio, the table, that peer."""
    found = []
    for table, models in means.items():
        others = {name: each.loss for name, each in models.items() if name != OURS}
        if OURS in models and others:
            best = min(others, key=others.__getitem__)
            found.append((max(models[OURS].loss, FLOOR) / max(others[best], FLOOR), table, best))
    return sorted(found, reverse=True)[:count]


def summarize(results: Iterable[dict[str, Any]], models: Sequence[str]) -> dict[str, Any]:
    """Everything, as JSON holds it."""
    results = list(results)
    means = means_of(results)
    found = [each for name in models if name != OURS and (each := against(means, name)) is not None]
    return {
        "tables": len(means),
        "against": [each._asdict() for each in found],
        "ranks": {
            group: {measure: mean_ranks(means, names, measure) for measure in MEASURES}
            for group, names in groups([each.peer for each in found]).items()
            if len(names) > 1
        },
        "seconds": {
            name: float(np.sum([own[name].seconds for own in means.values() if name in own])) for name in models
        },
        "goals": {each.peer: judge(each) for each in found if each.peer in GOALS},
        "losses": losses(means),
        "problems": sorted({(each["table"], each["model"], each["problem"]) for each in results if "problem" in each}),
    }


def judge(each: Against) -> bool:
    """Whether the goals of a peer are met."""
    goal = GOALS[each.peer]
    return all(each.won[name] >= getattr(goal, name) for name in MEASURES) and each.seconds <= goal.seconds


def say(goal: Goal) -> str:
    """A goal in words, such as '70 % and 60 %'."""
    shares = " and ".join(f"{share:.0%}" for share in (goal.loss, goal.error) if share)
    return shares + (f", seconds {goal.seconds:g}" if goal.seconds < np.inf else "")
