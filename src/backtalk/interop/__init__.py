"""Networks from and to files and other libraries.

files.py          ``save`` and ``load``: safetensors; ONNX by the suffix
torch.py          PyTorch; scikit_learn.py, keras.py: these libraries
onnx/             ONNX graphs
stack.py          layers and functions of another library as a network
structure.py      a network without its arrays, as JSON
"""

from .files import load, load_members, save

__all__ = ["load", "load_members", "save"]
