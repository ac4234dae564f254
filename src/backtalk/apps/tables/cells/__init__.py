"""Cells of a table, text as in CSV or typed as in Parquet, read as numbers, dates, times, truth values or words.

words.py      cells as text, and the words for what is missing
numbers.py    cells as numbers, however people write them
otherwise.py  numbers of a later table that are written otherwise than in training
times.py      cells as times of the day, alone or beside a day
dates.py      cells as dates, with times or without
truth.py      cells as yes or no
ids.py        numbers that are no amounts: codes, ids of things, days without marks
sentinels.py  numbers that stand for what is missing, such as -999
kinds.py      what a column is, from all its cells
"""
