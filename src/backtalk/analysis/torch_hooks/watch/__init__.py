"""A doctor over the steps of any training loop of PyTorch.

doctor.py     ``watch``, and the doctor that it gives
events.py     what PyTorch shows of a loop: backward passes, steps of optimizers, calls of the model
recorder.py   the numbers of its steps; step.py: of one; curve.py: a number over all of them
graph.py      the graph of a loss: its size, and whether it is still in memory
modes.py      training and evaluation mode
programs.py   rules of what the program does; course.py: of how the training goes
"""

from .doctor import StepDoctor, watch

__all__ = ["StepDoctor", "watch"]
