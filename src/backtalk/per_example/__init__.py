"""Everything about single examples, from the pairs (h_{i-1}, ∇_{a_i}) of one backward pass."""

from .clipping import ClippedSum, add_noise, clipped_sum
from .norms import ExampleNorms, losses, norms

__all__ = ["ClippedSum", "ExampleNorms", "add_noise", "clipped_sum", "losses", "norms"]
