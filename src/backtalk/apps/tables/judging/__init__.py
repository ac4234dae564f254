"""How well a network's output fits the truth, and what is made of it: functions of arrays alone.

classes.py      scores of classes; numbers.py: of numbers, counts and quantiles
curves.py       points of the ROC and of the precision-recall curve, for plots
calibration.py  whether probabilities are what they say: reliability, and the temperature that mends them
threshold.py    from which probability on a row is of the second class
intervals.py    conformal intervals of numbers, and how many of the true ones lie within
"""
