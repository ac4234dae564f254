"""Whether the columns of X say anything of the targets."""

from __future__ import annotations

from ....core.network import Network
from ..finding import Finding, finding
from ..measure import Measurements
from ..peers import Peers
from ..thresholds import LIMITS


def find_uninformative_features(network: Network, measured: Measurements, peers: Peers | None) -> list[Finding]:
    """Simple models tell these targets no better than shuffled ones; what the network knows, it knows by heart."""
    if peers is None or measured.examples < LIMITS.enough_for_nothing:
        return []
    parameters = sum(network.W[i].size + network.b[i].size for i in network.W)
    share, other = measured.share_of_baseline, measured.validation_loss
    if share is not None and share <= LIMITS.learned and parameters < measured.examples:
        return []  # so few weights hold no examples by heart
    if other is not None and measured.baseline is not None and other < LIMITS.tells * measured.baseline:
        return []  # what it knows holds for other rows as well
    away = peers.beyond_chance()
    learned = share is not None and share <= LIMITS.learned
    by_heart = " The network has learned the rows by heart: they tell nothing of new ones." if learned else ""
    return finding(
        "uninformative_features", away, "the columns of X say nothing about y",
        f"From the other rows, neither a linear model nor the nearest neighbours tell y better than if the targets "
        f"were shuffled ({len(peers.rows)} rows; {away:.2g} standard deviations from chance).{by_heart}",
        "See whether the rows of X and y still belong together (a sort, a join, a shuffle of one of them), and whether "
        "the columns that matter were left out; else other columns are needed.",
        # among so many columns, what few of them say is not seen
        most="note" if LIMITS.rows_of_column * len(measured.columns.mean) > len(peers.rows) else "warning",
        numbers={"beyond_chance": away, "rows": len(peers.rows)}, layer=0,
    )  # fmt: skip
