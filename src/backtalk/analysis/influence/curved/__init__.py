"""Influence by the curvature of the loss: which way the weights would have gone without an example.

course.py      what it is measured at: networks along a run, and how long each weight was free to move
columns.py     the Gauss-Newton matrix of each example, as columns that talk down through the network
response.py    how far the weights follow along each eigenvector: damped, or as far as the run had time to
kronecker.py   EK-FAC: Kronecker factors for each layer, with corrected eigenvalues
exact.py       the whole Gauss-Newton matrix of a small network
"""

from .course import Course, course_of
from .exact import Exact
from .kronecker import Kronecker

__all__ = ["Course", "Exact", "Kronecker", "course_of"]
