"""Classes that are never predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ....core.network import Network
from ....errors import cut
from ..metrics import gives_shares
from ..target import Target
from .chance import FEW_OF_A_KIND, tells_apart
from .compare import Rows
from .constant import Constant
from .remark import Remark, named

HARDLY = 0.1  # predicted for fewer rows than this share of those that the class has, in all parts, counts as never


def find_never_predicted(
    target: Target,
    network: Network,
    constant: Constant,
    rows: Rows,
    others: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> list[Remark]:
    """Classes that these rows have and that none of them is predicted to be; ``others``: truth and output elsewhere."""
    k = target.outputs
    found, predicted = _counts(rows.truth, k), _counts(target.labels_of(rows.output), k)
    parts = others.values()
    all_found = found + sum((_counts(truth, k) for truth, _ in parts), np.zeros(k, int))
    all_predicted = predicted + sum((_counts(target.labels_of(output), k) for _, output in parts), np.zeros(k, int))
    never = np.flatnonzero((found > 0) & (predicted == 0) & (all_predicted <= HARDLY * all_found)).tolist()
    if not never:
        return []
    never.sort(key=lambda label: -found[label])
    names = [target.classes[label] for label in never]
    have = int(found[never].sum())
    which = f"the class {named(names)} is" if len(names) == 1 else f"{len(names)} classes are"
    listed = "" if len(names) == 1 else f" ({named(names)})"
    told = f"{which} never predicted{listed}: {have:,} of {rows} {'has' if have == 1 else 'have'} "
    told += "it" if len(names) == 1 else "one of them"
    known = [label for label in never if found[label] < FEW_OF_A_KIND or _knows(rows, label)]
    return [Remark("never_predicted", told, _advice(target, network, constant, known, never))]


def _advice(target: Target, network: Network, constant: Constant, known: Sequence[int], never: Sequence[int]) -> str:
    if not known:
        those = "this class" if len(never) == 1 else "these classes"
        return (
            f"the network does not tell {those} from the others at all, so weights or a threshold would only guess: "
            "add columns that do, or more such rows"
        )
    what = "probability" if gives_shares(network) else "score"
    name = cut(target.classes[known[0]])
    share = (constant.shares or [])[known[0]]
    threshold = f"'backtalk predict' gives each row its '{what} of {name}': choose a threshold of your own" + (
        f", such as {share:.2g}, its share in the training rows" if what == "probability" else ""
    )
    return (
        threshold
        if constant.balanced or not constant.is_uneven
        else f"train with --class-weight balanced; or {threshold}"
    )


def _knows(rows: Rows, label: int) -> bool:
    return tells_apart(rows.output[:, label], rows.truth == label)


def _counts(labels: np.ndarray, outputs: int) -> np.ndarray:
    return np.bincount(labels, minlength=outputs)
