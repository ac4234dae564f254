"""``find_in_modules``: from the statistics of all modules to findings."""

from __future__ import annotations

from ...diagnose.finding import Finding
from .reach import find_unreached
from .rules.broken import find_non_finite
from .rules.flow import find_gradient_ratio, find_layers_not_learning, find_nothing
from .rules.inputs import find_input_scale
from .rules.units import find_silent_units
from .rules.weights import find_linear_layers, find_symmetry
from .statistics import ModelStatistics

# The kinds that are looked for if a value is not finite, and if all are
OF_BROKEN = ("non_finite", "non_finite_data", "unreached_parameters")
OF_MODULES = (
    *OF_BROKEN, "inputs_not_scaled", "inputs_too_small", "symmetry", "linear_layers", "nothing_arrives", "dead_units",
    "saturated_units", "vanishing_gradient", "exploding_gradient", "layer_not_learning",
)  # fmt: skip


def find_in_modules(statistics: ModelStatistics) -> list[Finding]:
    """What is wrong with a model, as far as one forward and backward pass shows it; not ranked.

    >>> import torch
    >>> from backtalk.analysis.torch_hooks.modules import ModuleHooks, find_in_modules
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU())
    >>> _ = torch.nn.init.constant_(model[0].bias, -100)
    >>> hooks = ModuleHooks(model)
    >>> hooks.open()
    >>> model(torch.ones(40, 1, 8, 8)).sum().backward()
    >>> hooks.close()
    >>> {each.kind: each.severity for each in find_in_modules(hooks.statistics())}
    {'nothing_arrives': 'severe', 'dead_units': 'severe'}
    """
    unreached = find_unreached(statistics.reach)
    if statistics.broken is not None:  # from there on, everything is lost
        return [*find_non_finite(statistics), *unreached]
    return [
        *unreached,
        *find_input_scale(statistics),
        *find_symmetry(statistics),
        *find_linear_layers(statistics),
        *find_nothing(statistics),
        *find_gradient_ratio(statistics),
        *find_silent_units(statistics),
        *find_layers_not_learning(statistics),
    ]
