"""Networks from and to ONNX files.

convert.py     ``from_onnx`` and ``to_onnx``
budget.py      how much a file may ask for
external.py    weights in files beside the model
graph.py       a graph, read as a stack of layers
functions.py   activations and output functions, recognized by what they compute
writer.py      a network, written as a graph
"""

from .convert import from_onnx, to_onnx

__all__ = ["from_onnx", "to_onnx"]
