"""ℒ over the space of parameters: on a plane through it, and along a line.

function.py     ℒ of a call as a function of one vector of parameters
directions.py   directions: filter-normalized random ones, those of paths, those of two parameters, one's own
paths.py        the networks along the path of a training
levels.py       the values of ℒ at which contours are drawn
frame.py        where a plane lies and how far it goes
plane.py        ``loss_plane``: ℒ over a plane, with paths on it
conditions.py   the steps along a line that Armijo's and Wolfe's conditions accept, and the lowest point
searches.py     what a line search tried in one iteration of L-BFGS or of gradient descent
line.py         ``loss_line``: ℒ along a line
pictures.py     both as a notebook shows them, and as SVG
"""

from .line import LossLine, loss_line
from .plane import LossPlane, loss_plane

__all__ = ["LossLine", "LossPlane", "loss_line", "loss_plane"]
