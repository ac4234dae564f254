"""Data that do not fit in memory, read block by block and shuffled in a buffer during training.

drawing.py     in which order blocks are read, and which rows make a part
source.py      the parts of an epoch: read, checked, shuffled
rows.py        rows of an array in a file
arrays.py      ``MemoryMapped``: .npy files and NumPy's memory maps
columns.py     Parquet files by pyarrow
row_numbers.py which of their columns hold row numbers
parquet.py     ``ParquetFiles``: a Parquet file, or a folder of them
"""

from .arrays import MemoryMapped, is_streamed
from .parquet import ParquetFiles

__all__ = ["MemoryMapped", "ParquetFiles", "is_streamed"]
