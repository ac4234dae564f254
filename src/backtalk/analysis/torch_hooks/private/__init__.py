"""Private training of PyTorch models (DP-SGD), one step at a time, in the user's own loop.

private_steps.py  what a run of private steps is: its samples, its noise, and what was counted of it
step.py           one step: clip, add up, add noise, and let the optimizer take it
refusals.py       what bounds nobody's part in a step, and is refused
"""

from .private_steps import PrivateSteps
from .step import take_step

__all__ = ["PrivateSteps", "take_step"]
