"""Exercises on paper: a small network with friendly numbers, a sheet with blanks, and the key to it.

exact.py      numbers as one writes them by hand: 3/4, log 3 − 1/2
draw.py       the network and the example; target.py: its label or target; second.py: the second one of a batch
questions.py  what is asked, in the order of the talks
further.py    what may be asked as well: softmax's Jacobian, a column's dot product, a batch, a step
own.py        what such a question needs to be marked
blocks.py     what stands on the sheet and on the key; paper.py writes it
reading.py    what a student writes, as numbers; marking.py: these beside the right ones
sheet.py      the public verb
classes.py    different sheets for everybody in a class; class_marks.py: their answers, marked
"""

from .class_marks import ClassMarks, mark_class
from .classes import ClassSheets, make_class, read_class
from .marking import Mark, Marks
from .paper import Paper
from .sheet import Exercise, exercise

__all__ = [
    "ClassMarks",
    "ClassSheets",
    "Exercise",
    "Mark",
    "Marks",
    "Paper",
    "exercise",
    "make_class",
    "mark_class",
    "read_class",
]
