"""Where examples come from.

built_in.py        built-in sets, .csv and .npz files
npy.py             NumPy's files, read without trust
names.py           the names of a table's columns
given.py           what a user gives as X, y and weights, as a source
sources.py         the examples of an epoch, part by part
shards.py          ``Shard``: arrays of which each process holds some rows
streams/           files that do not fit in memory
class_weights.py   weights of examples from weights of classes
"""

from .built_in import load_data

__all__ = ["load_data"]
