"""Where examples come from: built-in sets, arrays, files that do not fit in memory, rows of a cluster's processes."""

from .built_in import load_data

__all__ = ["load_data"]
