"""Two models of scikit-learn on the same rows, beside which the network is judged: a linear one and boosted trees.

columns.py   the columns from the inputs of the network: numbers, and categories as codes
models.py    the two models: fitted, and what they give for other rows
effort.py    how many folds and rows they may take, beside what the training took
trials.py    ``try_baselines``: their outputs on the rows that the network is judged on
of_run.py    those of a run, and their scores
"""

from .of_run import baseline_facts, baselines_of, besides

__all__ = ["baseline_facts", "baselines_of", "besides"]
