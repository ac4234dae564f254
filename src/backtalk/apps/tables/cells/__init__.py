"""Cells of a table, text as in CSV or typed as in Parquet, read as numbers, dates, truth values or words.

words.py    cells as text and as truth values, and the words for what is missing
numbers.py  cells as numbers, however people write them
dates.py    cells as dates and times
kinds.py    what a column is, from all its cells
"""
