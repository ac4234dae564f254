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
    ``weight_norm``: that of its trained parameters; ``weight_grad_norm``: of their ``.grad`` when the pass ended;
    ``ratio``: the second over the first for its weight matrices alone, and of an embedding for the rows that have a
    gradient. Each of these is None if it is not known, as of an output that was changed in place since.

    ``dead_units``: those that are 0 for every example and place, behind the ReLU that follows; ``saturated_units``:
    those that a tanh or sigmoid has at an end of its range for most. ``copies``: groups of units with equal weights and
    equal gradients; ``constant``: all of its weights are the same number. ``weights_hear``: whether a weight matrix of
    it has a gradient that is not exactly 0; None if it has none, or if that is not known.

    >>> import torch
    >>> from backtalk import listen
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.ReLU())
    >>> with listen(model) as heard:
    ...     (model(torch.ones(4, 2)) * 3).sum().backward()
    >>> relu = heard.diagnose().modules[1]
    >>> relu.name, relu.kind, relu.layer, relu.calls, relu.units, relu.grad_norm
    ('1', 'ReLU', 1, 1, 1, 6.0)
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
    copies: tuple[tuple[int, ...], ...]
    constant: bool
    weights_hear: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class NonFinite:
    """The first value that is not finite, in the order of computing.

    ``what``: 'data', an input of the model; 'input', of a module, from an operation between two modules; 'parameter';
    'output'; 'gradient', of a module's output; 'parameter gradient'. ``name`` and ``kind``: the module and its class.
    ``operation``: the node of autograd, or the parameter's name. ``value``: 'nan' or 'inf'. ``examples``: the rows with
    such a value, if they can be told. ``after``: of a gradient, the module whose output heard the last finite one.
    """

    what: str
    name: str
    kind: str
    layer: int
    operation: str
    value: str
    examples: tuple[int, ...]
    after: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class InputScale:
    """What a layer hears of the data: of each column or channel the mean and the root of the mean square.

    ``typical``: the root of the mean square of all elements that are not 0.
    """

    name: str
    means: tuple[float, ...]
    sizes: tuple[float, ...]
    typical: float


@dataclass(frozen=True, slots=True, eq=False)
class Stop:
    """Where the gradient becomes exactly 0: ``name``, the last module whose output hears anything, '' if it is the loss
    that passes nothing on; ``below``, the first, on the way down, whose output hears nothing; ``why``, in words."""

    name: str
    below: str
    layer: int
    why: str
    advice: str


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Affine layers in a row without an activation between them, none of them narrower than both of its ends.

    ``share``: of all affine layers of the model; ``dense``: all of them are Linears.
    """

    names: tuple[str, ...]
    layer: int
    share: float
    dense: bool


@dataclass(frozen=True, slots=True, eq=False)
class ModelStatistics:
    """All modules, in the order of their first calls. ``examples``: how many the model was given; 0 if unknown."""

    modules: tuple[ModuleStatistics, ...]
    examples: int
    reach: Reach
    broken: NonFinite | None = None
    inputs: tuple[InputScale, ...] = ()
    stop: Stop | None = None
    chains: tuple[Chain, ...] = ()
