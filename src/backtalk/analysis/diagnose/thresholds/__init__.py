"""Every number by which the doctor judges, in one table, each with its reason or its source.

A rule compares one number with its thresholds: 'severe' (training cannot work like this), 'warning' (it works worse
than it could) and 'note' (worth knowing). "Healthy runs" are those of tests/test_diagnose_healthy.py: digits, wine,
breast cancer and diabetes with ReLU and tanh, several seeds each.

rule.py          a rule
groups.py        kinds that several others explain
of_programs.py   what only a program of PyTorch can get wrong
of_data.py       the data, the loss and the output
of_training.py   single examples, layers and the course of training
limits.py        where a rule applies and how it measures

The table is in the order of causes: a kind ``explains`` only kinds that stand below it.
"""

from .limits import LIMITS
from .of_data import OF_DATA
from .of_programs import OF_PROGRAMS
from .of_training import OF_TRAINING
from .rule import MOST_EXCESS, Rule

RULES: dict[str, Rule] = {rule.kind: rule for rule in (*OF_PROGRAMS, *OF_DATA, *OF_TRAINING)}
# what a network of backtalk and its data can have
NETWORK_RULES: dict[str, Rule] = {rule.kind: rule for rule in (*OF_DATA, *OF_TRAINING)}

__all__ = ["LIMITS", "MOST_EXCESS", "NETWORK_RULES", "RULES", "Rule"]
