"""Side by side: two networks that learn from the same rows, batch by batch.

pair.py      two networks in training, which take their steps together
prepared.py  comparisons that are worth a lesson, each with what to look at
planes.py    the loss over a plane with the paths of both, and along the last step of each
messages.py  what a page asks for, checked; what is configured, and frames of both
"""

from .messages import compared_settings, pair_frame, pair_setup
from .pair import Pair
from .planes import View, plane_message
from .prepared import PREPARED, prepared_message

__all__ = [
    "PREPARED",
    "Pair",
    "View",
    "compared_settings",
    "pair_frame",
    "pair_setup",
    "plane_message",
    "prepared_message",
]
