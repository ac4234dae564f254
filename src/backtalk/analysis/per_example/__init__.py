"""Everything about single examples, from the pairs (h_{i-1}, ∇_{a_i}) of one backward pass.

Norms of each example's gradient, clipped sums, moments, noise scale, Kronecker factors, the importance of units,
cosines, Gram matrices and tangent kernels: none of them forms the gradient of an example; ``gradients`` does.
"""

from .clipping import ClippedSum, add_noise, clipped_sum
from .directions import Cosines, UndefinedCosineWarning, cosines
from .explicit import ExampleGradients, gradients
from .factors import KroneckerFactors, kronecker_factors, unit_importance
from .gradient_norms import ExampleNorms, losses, norms
from .gram_matrices import gram, tangent_kernel
from .pairs import ParameterArrays
from .statistics import Moments, NoiseScale, moments, noise_scale

__all__ = [
    "ClippedSum",
    "Cosines",
    "ExampleGradients",
    "ExampleNorms",
    "KroneckerFactors",
    "Moments",
    "NoiseScale",
    "ParameterArrays",
    "UndefinedCosineWarning",
    "add_noise",
    "clipped_sum",
    "cosines",
    "gradients",
    "gram",
    "kronecker_factors",
    "losses",
    "moments",
    "noise_scale",
    "norms",
    "tangent_kernel",
    "unit_importance",
]
