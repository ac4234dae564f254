"""A doctor over the steps of any training loop of PyTorch.

doctor.py     ``watch``, and the doctor that it gives
events.py     what PyTorch shows of a loop: backward passes, steps of optimizers, calls of the model
recorder.py   the numbers of its steps; step.py: of one; curve.py: a number over all of them
losses.py     the losses of steps; moves.py: how far the weights go; gradients.py: whether .grad is cleared
graph.py      the graph of a loss: its size, and whether it is still in memory
modes.py      training and evaluation mode; targets.py: what the losses are given
audits.py     the audit of the program in the first steps; looks.py: the modules in measured steps
voice.py      who is told while the loop runs
decay.py      weight_decay beside the data
judge.py      all findings; programs.py: of what the program does; course.py: of how the training goes
run.py        a training so far, as the rules of its course read it
"""

from .doctor import StepDoctor, watch

__all__ = ["StepDoctor", "watch"]
