"""Networks to and from ONNX files."""

from .convert import from_onnx, to_onnx

__all__ = ["from_onnx", "to_onnx"]
