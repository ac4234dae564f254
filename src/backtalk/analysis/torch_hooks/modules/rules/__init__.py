"""From the statistics of all modules to findings, by the thresholds of :mod:`backtalk.diagnose`.

broken.py    the first value that is not finite
inputs.py    data that are not scaled
weights.py   copies, constant weights, linear layers in a row
flow.py      gradients that do not arrive, vanish or explode, layers that do not learn
units.py     units that are dead or saturated
"""
