"""What computes: the formulas on arrays of any library, or the native kernels on NumPy arrays.

kernels.py   which build of the C++ kernels serves, and on how many threads
native.py    a network's forward and backward pass by the kernels
"""
