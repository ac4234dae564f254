"""Numbers of every module in a forward and backward pass, which the findings are made from."""

from __future__ import annotations

from dataclasses import dataclass

from .reach import Reach


@dataclass(frozen=True, slots=True, eq=False)
class ModuleStatistics:
    """One module that has no parts, or parameters of its own. ``kind``: its class, such as 'Conv2d'.

    ``layer``: its number among the modules with parameters, from 1, in the order of the first calls; of a module
    without parameters that of the one before it, and 0 if there is none. ``calls``: how many there were in the pass.
    ``units``: of its output, or channels. ``output_rms`` and ``grad_rms``: the root of the mean square of its output
    and of the output's gradient, over all elements; ``grad_norm``: the Euclidean norm of that gradient.
    ``weight_norm``: that of its trained parameters, ``weight_grad_norm``: of their ``.grad`` when the pass ended,
    ``ratio``: the second over the first, of its weight matrices. All of these are None if they are not known, as of an
    output that was changed in place since. ``dead_units``: those that are 0 for every example and place, behind the
    ReLU that follows; ``saturated_units``: those that a tanh or sigmoid has at an end of its range for most.
    """

    name: str
    kind: str
    layer: int
    calls: int
    units: int
    output_rms: float | None
    grad_rms: float | None
    grad_norm: float | None
    weight_norm: float | None
    weight_grad_norm: float | None
    ratio: float | None
    dead_units: tuple[int, ...]
    saturated_units: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ModelStatistics:
    """All modules, in the order of their first calls. ``examples``: how many the model was given; None if unknown."""

    modules: tuple[ModuleStatistics, ...]
    examples: int | None
    reach: Reach
