"""Units that are dead or saturated."""

from __future__ import annotations

from ....diagnose.finding import Finding, finding
from ....diagnose.thresholds import LIMITS
from ....diagnose.words import are, counted, listed, percent
from ..statistics import ModelStatistics, ModuleStatistics

DEAD = "Use a smaller learning rate and scaled inputs, and see that biases did not become very negative; or an "
DEAD += "activation that is never flat, such as nn.LeakyReLU."
SATURATED = (
    "Scale the inputs, use a smaller learning rate, and the initialization of the activation (torch.nn.init has "
)
SATURATED += "them); or put a normalization before the activation, or take nn.ReLU."


def find_silent_units(statistics: ModelStatistics) -> list[Finding]:
    """Of each layer, behind its activation; with few examples some may be silent by chance."""
    most = "severe" if statistics.examples >= LIMITS.examples else "note"
    found = []
    for module in _owners(statistics):
        noun = "channel" if module.kind.startswith("Conv") else "unit"
        for kind, units, word, how, advice in (
            ("dead_units", module.dead_units, "dead", f"0 for every one of {counted(statistics.examples, 'example')}, "
             "and {hear} nothing from the loss", DEAD),
            ("saturated_units", module.saturated_units, "saturated", "at an end of the range of the activation for at "
             f"least {percent(LIMITS.flat_examples)} of {counted(statistics.examples, 'example')}", SATURATED),
        ):  # fmt: skip
            share, hear = len(units) / max(1, module.units), "hears" if len(units) == 1 else "hear"
            found += finding(
                kind, share, f"{word} {noun}s in layer '{module.name}'",
                f"{counted(len(units), noun)} of {module.units} in layer '{module.name}' ({module.kind}) "
                f"{are(len(units))} {how.format(hear=hear)}: {listed(unit + 1 for unit in units)}.",
                advice, most="note" if kind == "dead_units" and share < LIMITS.dead_in_batch else most,
                numbers={word: len(units), "units": module.units, "share": share,
                    "module": module.name},
                layer=module.layer, units=units,
            )  # fmt: skip
    return found


def _owners(statistics: ModelStatistics) -> list[ModuleStatistics]:
    """Layers, and activations of what is no layer's output: those of a layer are told of that layer."""
    layers = {module.layer for module in statistics.modules if module.weight_norm is not None and _silent(module)}
    return [
        module
        for module in statistics.modules
        if _silent(module) and (module.weight_norm is not None or module.layer not in layers)
    ]


def _silent(module: ModuleStatistics) -> bool:
    return bool(module.dead_units or module.saturated_units)
