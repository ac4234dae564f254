"""What is known of the modules of PyTorch, and of the nodes of autograd that functions leave."""

from __future__ import annotations

from typing import Any

# Nodes whose output is 0 wherever they are flat
RECTIFIERS = {"ReluBackward0": "ReLU", "ThresholdBackward0": "threshold", "HardtanhBackward0": "ReLU6"}
# Nodes that are flat at both ends of a range: the ends, and how far from them g′ is a hundredth of its largest value
BOUNDED = {"TanhBackward0": ("tanh", -1.0, 1.0, 0.005), "SigmoidBackward0": ("sigmoid", 0.0, 1.0, 0.0025)}
AFFINE = {"AddmmBackward0", "MmBackward0", "ConvolutionBackward0"}
# Modules that leave a linear layer linear
PASSING = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "Flatten", "Unflatten", "Identity")
# Modules that hand on units, or pixels, as they are or in another shape
HANDING_ON = (*PASSING, "AlphaDropout", "FeatureAlphaDropout", "Reshape", "View")
NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm", "LocalResponseNorm", "SyncBatchNorm")


def is_affine(torch: Any, module: Any) -> bool:
    """A Linear or a convolution that mixes all of its channels."""
    conv = isinstance(module, torch.nn.modules.conv._ConvNd)
    return isinstance(module, torch.nn.Linear) or (conv and module.groups == 1)


def hears_columns(torch: Any, module: Any) -> bool:
    """A layer whose initial weights are made for inputs near 1."""
    nn = torch.nn
    return isinstance(module, (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention))


def is_norm(module: Any) -> bool:
    """It gives its units a size of its own."""
    return any(kind.__name__.startswith(NORMS) for kind in type(module).__mro__[:3])


def hands_on(module: Any) -> bool:
    """What it gives has no units of its own: Flatten, Identity, dropout, pooling."""
    name = type(module).__name__
    return not module._parameters and (name in HANDING_ON or "Pool" in name)


def unit_dimension(torch: Any, module: Any, tensor: Any) -> int:
    """Which dimension of a layer's output, or input, counts its units or channels."""
    nn, last = torch.nn, tensor.ndim - 1
    if isinstance(module, nn.modules.conv._ConvNd):
        return max(0, last - len(module.kernel_size))
    if isinstance(module, (nn.modules.batchnorm._NormBase, nn.GroupNorm)):
        return min(1, last)
    return last


def matrices(module: Any) -> dict[str, Any]:
    """Its own weight matrices, of whatever rank; an embedding's table among them."""
    return {key: part for key, part in module._parameters.items() if part is not None and part.ndim > 1}
