"""What the processes of a cluster must have alike before they train together."""

from __future__ import annotations

import zlib
from importlib.metadata import version

import numpy as np

from .. import cluster
from ..arrays import to_numpy
from ..network import Network
from .checkpoint import Checkpoint
from .plan import Plan
from .sources import Source


def agree_on(network: Network, plan: Plan, source: Source, checkpoint: Checkpoint | None) -> None:
    """Refuse processes that would not train the same network on the same data in the same way."""
    weights = [
        zlib.crc32(np.ascontiguousarray(to_numpy(part)).tobytes())
        for part in (*network.W.values(), *network.b.values())
    ]
    cluster.agree(
        {
            "the versions of backtalk, JAX and NumPy": [version(name) for name in ("backtalk", "jax", "numpy")],
            "the sizes of the layers": list(network.sizes),
            "the network": f"{', '.join(map(repr, network.activations))}, {network.loss!r}, {network.home.dtype_name}",
            **{f"the setting {name}": repr(value) for name, value in plan.to_dict().items()},
            "the checkpoint": repr(checkpoint),
            "the data": source.fingerprint(),
            "the weights of the network (check sums)": weights,
        },
        "call fit alike in all of them",
    )
