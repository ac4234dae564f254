"""``report.html``: one page without anything from elsewhere, which says first what a person asks.

names.py     the scores by the names that people know
facts.py     what the page is made of: plain values, as they stand in the files of a run
quality.py   how good it is: the score, beside the baselines and the constant
reasons.py   on what it depends: which columns matter, and how
failures.py  where it fails: the worst rows, confusion, residuals, and whether probabilities hold
columns.py   what was made of the columns
use.py       how to predict
course.py    how it was trained: losses, gradients, the networks beside each other, settings
page.py      the page of these parts
"""

from .columns import found_in
from .facts import Facts
from .names import NAMES
from .page import write_report

__all__ = ["NAMES", "Facts", "found_in", "write_report"]
