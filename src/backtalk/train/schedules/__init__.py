"""Learning rates over time: by which factor a schedule multiplies the optimizer's learning rate in each step.

Each schedule has ``warm_up``, a number of steps over which the rate first rises in a straight line from 0.

schedule.py   what a schedule is
decays.py     rates that stay, or fall by a formula
cycles.py     rates along cosines
plateaus.py   rates that fall when the loss no longer does
table.py      all of them by their names
"""

from .cycles import Cosine, CosineRestarts, OneCycle
from .decays import Constant, Exponential, InverseScaling, Polynomial, StepDecay
from .plateaus import Adaptive, ReduceOnPlateau
from .schedule import Schedule, ScheduleState, StepPosition
from .table import SCHEDULES, as_schedule

__all__ = [
    "SCHEDULES", "Adaptive", "Constant", "Cosine", "CosineRestarts", "Exponential", "InverseScaling", "OneCycle",
    "Polynomial", "ReduceOnPlateau", "Schedule", "ScheduleState", "StepDecay", "StepPosition", "as_schedule",
]  # fmt: skip
