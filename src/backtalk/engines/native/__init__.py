"""Passes and steps by the C++ kernels of ``native/``, for NumPy arrays in float32 and float64.

kernels.py   which build of the kernels runs, and on how many threads
passes.py    a network's forward and backward pass
steps.py     the contract of ``engines/steps.py``
"""
