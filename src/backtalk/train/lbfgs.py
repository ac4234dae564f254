"""L-BFGS on the whole batch: SciPy's, with our gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.batch import Batch
from ..core.network import Network
from ..core.optimizers import LBFGS
from .objective import Evaluated, Minimum, Objective
from .records import Epoch


def minimize(
    network: Network,
    batch: Batch,
    *,
    l2_penalty: float,
    iterations: int,
    options: LBFGS,
    by_kernels: bool,
    validation_loss: Callable[[Network], float | None],
    tell: Callable[[Epoch], Any],
    evaluated: Evaluated | None = None,
) -> Minimum:
    """Minimize ℒ + ½λ Σ_i ‖W_i‖² over all examples. Each iteration is told as an epoch; a true answer ends it.

    ``evaluated`` is told of each evaluation of ℒ: of the start, and then of what each line search tries, in order.
    """
    from scipy.optimize import minimize as search

    objective = Objective(network, batch, l2_penalty, by_kernels, evaluated)
    done, stopped = 0, False

    def iterated(intermediate_result: Any) -> None:
        nonlocal done, stopped
        done, found = done + 1, objective.network(intermediate_result.x)
        stopped = bool(tell(Epoch(done, float(intermediate_result.fun), found, (), validation_loss(found))))
        if stopped:
            raise StopIteration

    found = search(
        objective,
        objective.flat(network),
        method="L-BFGS-B",
        jac=True,
        callback=iterated,
        options={
            "maxiter": iterations,
            "maxfun": int(options.evaluations),
            "maxcor": int(options.memory),
            "gtol": options.tolerance,
            "ftol": options.reduction,
        },
    )
    message = found.message.decode() if isinstance(found.message, bytes) else str(found.message)
    network, converged = objective.network(found.x), found.status == 0 and not stopped
    return Minimum(network, float(found.fun), int(found.nit), int(found.nfev), converged, stopped, message)
