"""Hooks that capture the pairs (h, ∇_a) of the Linears of a PyTorch model, for per_example to read."""

from .captured import Batch, Heard
from .model_hooks import listen
from .norms import HeardNorms

__all__ = ["Batch", "Heard", "HeardNorms", "listen"]
