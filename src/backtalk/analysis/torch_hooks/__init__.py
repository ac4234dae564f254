"""Hooks that capture the pairs (h, ∇_a) of the layers of a PyTorch model, for per_example to read."""

from .captured import Heard, HeardBatch
from .model_hooks import listen
from .norms import HeardNorms
from .private import PrivateSteps

__all__ = ["Heard", "HeardBatch", "HeardNorms", "PrivateSteps", "listen"]
