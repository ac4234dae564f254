"""A run as an ONNX file: from the columns of a table to predictions.

export.py      the whole graph: columns, members, predictions
columns.py     columns as inputs of the network
pieces.py      functions of numbers that encodings are made of
words.py       cells of text as numbers or as places among categories
"""
