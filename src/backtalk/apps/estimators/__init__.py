"""scikit-learn's interface: estimators with its parameters, attributes and behaviour, trained by backtalk.

base.py         what both estimators share: from X and y to a trained network
fitted.py       what a fitted estimator can do: predictions, hidden units, gradients, scikit-learn's attributes
epochs.py       scikit-learn's epochs: shuffling, learning rates, when training ends
solvers.py      what ``solver`` names
private.py      private training: what it refuses, and its steps
held_out.py     the validation set, and the score on it
decorators.py   scikit-learn's decorators of methods, with types
classifier.py   ``MLPClassifier``
regressor.py    ``MLPRegressor``
hidden.py       ``HiddenUnits``, a transformer
tables.py       ``TableClassifier`` and ``TableRegressor``, which learn tables as they are
frames.py       X of these: data frames and arrays
labels.py       y of these: classes and numbers
"""

from .classifier import MLPClassifier
from .hidden import HiddenUnits
from .regressor import MLPRegressor

__all__ = ["HiddenUnits", "MLPClassifier", "MLPRegressor"]
