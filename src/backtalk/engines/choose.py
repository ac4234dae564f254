"""Which kind of steps an engine's name stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.arrays import library_name
from ..core.network import Network
from ..core.optimizers import LBFGS, Optimizer
from ..distributed import ALONE, Group, joined_group
from ..errors import InputError
from .formula import FormulaSteps
from .native import passes as native
from .native.kernels import describe, kernels
from .native.steps import NativeSteps, serves
from .steps import Steps

if TYPE_CHECKING:
    from .compiled.steps import CompiledSteps

COMPILED = ["compiled", "compiled_bfloat16"]
ENGINES = ["auto", "native", "formula", *COMPILED]


def group_of(engine: str) -> Group:
    """The processes that take the steps together by this engine; any engine but the compiled ones trains alone."""
    return joined_group() if engine in COMPILED else ALONE


def choose_steps(engine: str, network: Network, optimizer: Optimizer | LBFGS, measure_every: int = 0) -> type[Steps]:
    """What takes the steps: what was asked for, or with 'auto' the kernels if they can and the formulas if not.

    Raises :class:`~backtalk.errors.InputError` if what was asked for cannot.
    """
    if engine in COMPILED:
        return _compiled(engine, network, optimizer, measure_every)
    if isinstance(optimizer, Optimizer) and not optimizer.searches:
        served = serves(network, optimizer)
    else:
        served = native.serves(network)
    if engine == "native" and not served:
        reason = (
            f"the network's arrays are of {library_name(network.spec.xp)}, expected NumPy"
            if not isinstance(network.W[1], np.ndarray)
            else f"the kernels are {describe()}"
            if kernels() is None
            else f"the kernels have no form of {network.loss!r} or of {optimizer!r}"
        )
        raise InputError(f"engine is 'native', which cannot train this network: {reason}; use engine='auto'.")
    return NativeSteps if served and engine != "formula" else FormulaSteps


def _compiled(engine: str, network: Network, optimizer: Optimizer | LBFGS, measure_every: int) -> type[CompiledSteps]:
    """The steps of JAX's compiler, which is imported now."""
    if measure_every or optimizer.searches:
        # gd is known, and only its search is not, so that one is named with its parameters
        name = optimizer.name if isinstance(optimizer, LBFGS) else repr(optimizer)
        what = f"the optimizer {name!r}" if optimizer.searches else f"measure_every={measure_every}"
        raise InputError(
            f"engine is {engine!r}, which does not know {what}: leave it out, or use engine='auto', in one process."
        )
    from .compiled.steps import CompiledBfloat16Steps, CompiledSteps

    if engine == "compiled":
        return CompiledSteps
    if network.spec.dtype_name != "float32":
        raise InputError(
            f"engine is {engine!r}, but the network is {network.spec.dtype_name}: expected float32, in which its "
            "products are summed; use network.to(…, dtype='float32')."
        )
    return CompiledBfloat16Steps
