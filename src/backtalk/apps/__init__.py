"""What users start: estimators, tables, the command line, the lab.

estimators/   ``MLPClassifier``, ``MLPRegressor`` and ``HiddenUnits``, with scikit-learn's interface
tables/       from a table in a file to a trained network in a folder, and to predictions
lab/          the page in the browser, and its server
cli/          the command line: parse, call, print
onnx.py       ``to_onnx``: a network, or a run with its preprocessing, as an ONNX file
demo.py       the work of ``backtalk demo``
terminal.py   how results look in a terminal
visible.py    text that a terminal is sent, without what could act on it
"""
