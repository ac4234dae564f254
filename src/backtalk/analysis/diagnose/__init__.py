"""What is wrong with a network, in words with the numbers behind them.

verbs.py         ``diagnose``
examination.py   from a network and its examples to measurements and findings
diagnosis.py     its result; finding.py: a finding
doctor.py        ``Doctor``: the callback; telemetry.py: the numbers of the epochs
examples.py      the examples, checked, but NaN and infinities stay
peers.py         simple models of the same rows, for comparison
copies.py        units that are copies of one another
gather.py        one pass over the examples, block by block; measure.py: the measurements
statistics.py    statistics of blocks; locate.py: the first place that is not finite
thresholds/      every number by which it judges, with its reason
rules/           from measurements to findings
fix/             follow the advice, train anew, compare
ranking.py       causes before what they explain
words.py         words of findings, for the rules, the terminal and the page
report.py        the page; view.py: what a notebook shows
"""

from .diagnosis import Diagnosis
from .doctor import Doctor
from .finding import Finding
from .fix import Fixed, Round
from .measure import LayerMeasurement, Measurements
from .thresholds import LIMITS, NETWORK_RULES, RULES, Rule
from .verbs import diagnose

__all__ = [
    "LIMITS",
    "NETWORK_RULES",
    "RULES",
    "Diagnosis",
    "Doctor",
    "Finding",
    "Fixed",
    "LayerMeasurement",
    "Measurements",
    "Round",
    "Rule",
    "diagnose",
]
