"""What a run is worth, in a few sentences: the verdict.

remark.py     one thing that the verdict says
constant.py   what one predicts without any column: the measure of every network
chance.py     how far chance alone moves a number
compare.py    the network beside the constant, row by row
beside.py     the network beside other models, row by row
classes.py    classes that are never predicted
alone.py      one-column models: the columns that give the target away
course.py     a loss that still falls; validation far from test; few rows
page.py       the verdict in report.html
judging.py    ``judge`` a run
other.py      ``judge_table``: another table with the target
"""

from .beside import WORSE, Beside, find_better_baseline
from .constant import Constant
from .judging import JUDGED, OUT_OF_FOLD, Judged, judge
from .other import judge_table
from .remark import WELL, Remark

__all__ = [
    "JUDGED",
    "OUT_OF_FOLD",
    "WELL",
    "WORSE",
    "Beside",
    "Constant",
    "Judged",
    "Remark",
    "find_better_baseline",
    "judge",
    "judge_table",
]
