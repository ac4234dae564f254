"""Back-propagation once more, through the steps of a training, down to its examples.

adjoints.py     one step of an optimizer, backwards
trajectory.py   the steps of a recorded run, taken again and read from the last to the first
by_kernels.py   the same in the native kernels, many steps in one call
sweep.py        from the loss of each query back through all steps
"""
