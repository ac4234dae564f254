"""The ordered table of mistakes: what is likelier, and what is a cause of others, stands first."""

from __future__ import annotations

from . import factors, hidden, output, shares, weights
from .known import Known

LAYERS_REVERSED = Known(
    "layers_reversed",
    "the layers stand in the wrong order, from the output down",
    "the lists of gradients go from layer 1 to layer L, that of h from h_0",
    "reverse the lists, or return mappings by layer number",
    (),
)
ROUNDED = Known(
    "float32",
    "the numbers are rounded to float32 on the way; apart from that they are right",
    "check measures in float64",
    "compute in float64: the network that your function is given is in float64",
    (),
)
MISTAKES: tuple[Known, ...] = (
    *output.MISTAKES,
    *shares.MISTAKES,
    *hidden.MISTAKES,
    *weights.MISTAKES,
    *factors.MISTAKES,
    *output.LAST,
    LAYERS_REVERSED,
    ROUNDED,
)
