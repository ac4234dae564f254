"""scikit-learn's interface: estimators with its parameters, attributes and behaviour, trained by backtalk.

base.py         what the two have in common: parameters, from X and y to a trained network, what follows from one
epochs.py       scikit-learn's epochs: shuffling, learning rates, when training ends
classifier.py   MLPClassifier
regressor.py    MLPRegressor
hidden.py       HiddenUnits, a transformer
"""

from .classifier import MLPClassifier
from .hidden import HiddenUnits
from .regressor import MLPRegressor

__all__ = ["HiddenUnits", "MLPClassifier", "MLPRegressor"]
