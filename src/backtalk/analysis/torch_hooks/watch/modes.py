"""Training and evaluation mode: dropout and batch norm in the one that does not belong."""

from __future__ import annotations

from typing import Any


class Modes:
    """Whether the modules whose mode matters are in training mode when the model is called."""

    model: Any
    modules: list[tuple[Any, Any]]
    steps: int
    evaluated: int
    scored: int

    def __init__(self, torch: Any, model: Any) -> None:
        self.model = model
        nn = torch.nn
        norms, drops = nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd
        self.modules = [
            (name, module)
            for name, module in model.named_modules()
            if (isinstance(module, norms) and module.track_running_stats)
            or (isinstance(module, drops) and module.p > 0)
            or (isinstance(module, nn.RNNBase | nn.MultiheadAttention) and module.dropout)
        ]
        self.steps = self.evaluated = 0  # steps, and those in evaluation mode
        self.scored = 0  # calls without gradients in training mode, as far as they look like evaluation
        self._pending = 0
        self._evaluating = False

    def evaluating(self) -> bool:
        """Whether the model is in evaluation mode, and that matters."""
        if self.model.training or not self.modules:
            return False
        return not any(module.training for _, module in self.modules)

    def training(self) -> bool:
        """Whether the model is in training mode, and that matters."""
        return self.model.training and any(module.training for _, module in self.modules)

    def on_forward(self, inputs: tuple[Any, ...], *, with_gradient: bool) -> None:
        """The model is called."""
        if with_gradient:
            self.close()
        elif self.training():
            self._pending += 1

    def before_backward(self) -> None:
        """What was computed without gradients and is used in a loss at once, as by a GAN, is no evaluation."""
        self._pending = 0
        self._evaluating = self.evaluating()

    def on_validation(self) -> None:
        """A held-out loss was told."""
        self.close()

    def on_step(self) -> None:
        """An optimizer stepped."""
        self.steps += 1
        self.evaluated += self._evaluating

    def close(self) -> None:
        """No more comes: calls without gradients that nothing was done with were evaluation."""
        self.scored += self._pending
        self._pending = 0
