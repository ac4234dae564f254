"""Who computes: the formulas on arrays of any library, the native kernels on NumPy arrays, or JAX's compiler.

passes.py    the public ``forward``, ``backward`` and ``gradients``: check the input, choose the engine
steps.py     what every engine promises in training
private.py   what makes a step private: clipped gradients of single examples, and noise
noise.py     noise for a sum that was formed elsewhere
choose.py    which engine trains
formula.py   steps by the formulas of ``core``
native/      passes and steps by the C++ kernels
compiled/    steps by JAX's compiler
devices.py   the devices of the compiled engine, and what each of them holds
"""
