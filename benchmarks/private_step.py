"""``python -m benchmarks.private_step``: what a private step of PyTorch costs beside a plain one, and beside Opacus.

[784, 256, 128, 10] with 256 examples, SGD. A plain step is zero_grad, forward pass, backward pass and step. A private
one clips the gradient of each example to the norm 1 and adds noise: by ``heard.private_step``, by Opacus with single
gradients in memory, and by Opacus with ghost clipping. The same batch for all, in turns within one process, medians;
those of backtalk take noise of cryptographic quality, those of Opacus that of PyTorch's generator.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import warnings
from collections.abc import Callable
from typing import Any

from .listen import measure, mlp

SIZES, BATCH = (784, 256, 128, 10), 256


def steps(model: Any, X: Any, y: Any) -> dict[str, Callable[[], Any]]:
    """The steps that are compared, each on a model of its own."""
    import opacus
    import torch

    from backtalk import Privacy, PrivateSteps, listen

    cross_entropy = torch.nn.functional.cross_entropy
    models = [copy.deepcopy(model) for _ in range(4)]
    optimizers = [torch.optim.SGD(each.parameters(), lr=1e-3) for each in models]
    private = PrivateSteps(Privacy(delta=1e-6, noise_multiplier=1.0), examples=BATCH, batch_size=BATCH)

    def plain() -> None:
        optimizers[0].zero_grad()
        cross_entropy(models[0](X), y).backward()
        optimizers[0].step()

    def backtalk() -> None:
        private.sample()  # all rows
        with listen(models[1]) as heard:
            cross_entropy(models[1](X), y).backward()
        heard.private_step(optimizers[1], private)

    given = {"noise_multiplier": 1.0, "max_grad_norm": 1.0, "expected_batch_size": BATCH}
    explicit_model = opacus.GradSampleModule(models[2])
    explicit_optimizer = opacus.optimizers.DPOptimizer(optimizers[2], **given)

    def explicit() -> None:
        explicit_optimizer.zero_grad()
        cross_entropy(explicit_model(X), y).backward()
        explicit_optimizer.step()

    from opacus.grad_sample.grad_sample_module_fast_gradient_clipping import GradSampleModuleFastGradientClipping
    from opacus.optimizers.optimizer_fast_gradient_clipping import DPOptimizerFastGradientClipping
    from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping

    ghost_model = GradSampleModuleFastGradientClipping(models[3], max_grad_norm=1.0, use_ghost_clipping=True)
    ghost_optimizer = DPOptimizerFastGradientClipping(optimizers[3], **given)
    ghost_loss = DPLossFastGradientClipping(ghost_model, ghost_optimizer, torch.nn.CrossEntropyLoss())

    def ghost() -> None:
        ghost_optimizer.zero_grad()
        ghost_loss(ghost_model(X), y).backward()
        ghost_optimizer.step()

    return {"plain": plain, "backtalk": backtalk, "Opacus, explicit": explicit, "Opacus, ghost": ghost}


def main() -> None:
    """Measure in turns, and print the medians."""
    import torch

    parser = argparse.ArgumentParser(prog="python -m benchmarks.private_step", description=__doc__)
    parser.add_argument("--rounds", type=int, default=41, help="turns that each gets")
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")  # Opacus' hooks
    torch.manual_seed(0)
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        torch.set_num_threads(threads)
        seconds = measure(steps(*mlp(SIZES, BATCH)), rounds)
        median = {name: statistics.median(times) for name, times in seconds.items()}
        for name, middle in median.items():
            least = min(seconds[name]) / min(seconds["plain"])
            print(
                f"{threads} threads, {name:17} {middle * 1e3:8.3f} ms, {middle / median['plain']:.2f} of plain"
                f" ({least:.2f} of the least times)"
            )


if __name__ == "__main__":
    main()
