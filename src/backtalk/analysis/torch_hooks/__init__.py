"""Listening to the backward pass of a PyTorch model: the pairs (h, ∇_a) of each of its Linears, and all they tell."""

from .captured import Batch, Heard
from .model_hooks import listen
from .norms import HeardNorms

__all__ = ["Batch", "Heard", "HeardNorms", "listen"]
