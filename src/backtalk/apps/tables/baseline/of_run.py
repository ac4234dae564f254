"""The baselines of a run: fitted to the rows of its networks, and judged on the same rows by the same scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....core.losses import GaussianNLL, Quantiles
from ....core.network import Network
from ....distributed import Group
from ..metrics import scores
from ..options import settled
from ..verdict import OUT_OF_FOLD, Beside
from ..verdict.compare import Rows
from ..weights import weights_of
from .effort import budget_of
from .models import BOOSTED, Asked
from .trials import Baseline, Trial, try_baselines

if TYPE_CHECKING:
    from ..results import Finished

CONSTANT = "constant"
TREES = (
    "thresholds decide in this table, which trees find sooner: if the score alone matters, use scikit-learn's {model}; "
    "or add columns that say on which side of a threshold that you know a row lies"
)
LINES = (
    "nearly straight lines are enough for this table: a stronger penalty keeps the network close to them, try "
    "--l2-penalty {penalty:g}; or use scikit-learn's {model}"
)


def baselines_of(finished: Finished, group: Group) -> tuple[list[Baseline], list[str]]:
    """The baselines of a run; none, and why, for a table larger than memory or several processes."""
    ready, options, network = finished.ready, finished.run.options, finished.model.members[0]
    if finished.judged_part == "training":
        return [], []
    if group.count > 1:
        return [], ["no baselines beside the network: several processes trained it, and none of them has all rows."]
    if not all(isinstance(X, np.ndarray) for X, _ in ready.parts.values()):
        return [], ["no baselines beside the network: the table is larger than the memory that it may take."]
    X, y = ready.parts["training"]
    weight = weights_of(ready, options, "training")
    asked = Asked(ready.target, network.loss, y, None if weight is None else weight / weight.mean())
    held_out = {part: X for part, (X, _) in ready.parts.items() if part != "training" and isinstance(X, np.ndarray)}
    assert isinstance(X, np.ndarray)
    folds = [(np.arange(len(y)), np.arange(0))]
    if ready.fold is not None:
        folds = [(np.flatnonzero(ready.fold != k), np.flatnonzero(ready.fold == k)) for k in range(ready.plan.folds)]
    work = sum(each.network.parameter_count * len(each.losses) for each in finished.trained.trainings)
    return try_baselines(Trial(ready.preprocessing, X, asked, folds, held_out), budget_of(len(folds[0][0]), work))


def rows_beside(finished: Finished, baseline: Baseline, part: str) -> Rows:
    """The rows of a part that a baseline was judged on, with the output of the network."""
    rows = baseline.rows[part]
    if part == OUT_OF_FOLD:
        rows = np.searchsorted(finished.ready.judged, rows)
    weight = finished.weights.get(part)
    own = finished.truth[part][rows], finished.outputs[part][rows]
    return Rows(part, *own, None if weight is None else weight[rows])


def besides(finished: Finished, baselines: Sequence[Baseline]) -> list[Beside]:
    """The baselines on the rows that judge the network, for the verdict."""
    part, found = finished.judged_part, []
    penalty = 10 * (settled(finished.run.options, len(finished.ready.truth["training"])).l2_penalty or 0.0)
    for each in baselines:
        if part in each.outputs:
            advice = (TREES if each.name == BOOSTED else LINES).format(model=each.model, penalty=penalty)
            rows, simpler = rows_beside(finished, each, part), each.name != BOOSTED
            found.append(Beside(each.name, rows, each.outputs[part], advice, simpler))
    return found


def baseline_facts(finished: Finished, baselines: Sequence[Baseline]) -> list[dict[str, Any]]:
    """As ``metrics.json`` holds them, after the constant: the scores of each part.

    ``network``: of a part of which fewer rows were judged, the scores of the network on these.
    """
    network, metric = _plain(finished.model.members[0]), finished.run.options.metric
    facts: list[dict[str, Any]] = [{"name": CONSTANT, "scores": _scores_of_constant(finished)}]
    for each in baselines:
        found, beside = {}, {}
        for part, output in each.outputs.items():
            rows = rows_beside(finished, each, part)
            found[part] = scores(finished.ready.target, rows.truth, output, network, rows.weight, metric)
            if len(rows.truth) < len(finished.truth[part]):
                own = finished.model.members[0]
                beside[part] = scores(finished.model.target, rows.truth, rows.output, own, rows.weight, metric)
        more = {"network": beside} if beside else {}
        of_model = {"model": each.model, "training_rows": each.training_rows, "sampled": each.sampled}
        facts.append({"name": each.name, **of_model, "scores": found, **more})
    return facts


def _plain(network: Network) -> Network:
    """One whose loss has what the scores of the baselines are made of: they give no deviations."""
    if isinstance(network.loss, GaussianNLL):
        return Network.create([1, 1], loss="squared_error", rng=0)
    return network


def _scores_of_constant(finished: Finished) -> dict[str, Any]:
    """Those of one and the same output for every row, of the parts that were not trained on."""
    target, network, found = finished.ready.target, _plain(finished.model.members[0]), {}
    output = finished.constant.output(target)
    if isinstance(network.loss, Quantiles):
        output = np.quantile(finished.truth["training"], network.loss.levels)
    for part, truth in finished.truth.items():
        if part != "training":
            same = np.tile(output, (len(truth), 1))
            weight = finished.weights.get(part)
            found[part] = scores(target, truth, same, network, weight, finished.run.options.metric)
    return found
