"""Units that are copies, and layers that could be one."""

from __future__ import annotations

from ....diagnose.finding import Finding, finding
from ....diagnose.words import counted, listed, percent
from ..statistics import ModelStatistics


def find_symmetry(statistics: ModelStatistics) -> list[Finding]:
    """Units with equal weights and equal gradients."""
    found = []
    for module in statistics.modules:
        units = [unit for group in module.copies for unit in group]
        if not units:
            continue
        left = module.units - len(units) + len(module.copies)
        how = f"; all of its weights are the same number ({'0' if module.weight_norm == 0 else 'not 0'})"
        found += finding(
            "symmetry", len(units) / max(module.units, len(units)),
            f"layer '{module.name}' has units that are copies of one another",
            f"{counted(len(units), 'unit')} of the {max(module.units, len(units))} of layer '{module.name}' "
            f"({module.kind}) have the same weights and the same gradients as another one, in "
            f"{counted(len(module.copies), 'group')}; the first is units "
            f"{listed(unit + 1 for unit in module.copies[0])}{how if module.constant else ''}. Copies stay copies: "
            f"the layer works as if it had {max(left, len(module.copies))}.",
            "Draw the initial weights at random (PyTorch's own do; torch.nn.init.xavier_uniform_, kaiming_uniform_), "
            "not all alike and not 0; biases may be 0.",
            numbers={"copies": len(units), "units": module.units, "groups": len(module.copies), "module": module.name},
            layer=module.layer, units=units,
        )  # fmt: skip
    return found


def find_linear_layers(statistics: ModelStatistics) -> list[Finding]:
    """Affine layers in a row; a note if they are convolutions and few, as some architectures have them."""
    found = []
    for chain in statistics.chains:
        names = listed(map(repr, chain.names), 5)
        found += finding(
            "linear_layers", len(chain.names), f"no activation between {counted(len(chain.names), 'linear layer')}",
            f"{names} follow one another without an activation between them, and none is narrower than the ends: "
            "together they compute what one linear layer does. "
            f"They are {percent(chain.share)} of the linear layers that were heard.",
            "Put an activation, such as nn.ReLU(), behind each of them but the last, or make one layer of them.",
            most="warning" if chain.dense or chain.share >= 0.5 else "note",
            numbers={"layers": len(chain.names), "share": chain.share, "module": chain.names[0]}, layer=chain.layer,
        )  # fmt: skip
    return found
