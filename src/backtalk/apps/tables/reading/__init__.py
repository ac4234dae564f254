"""Files of tables to data frames; what is wrong with a file, in a sentence.

delimited.py  delimited text, such as CSV
encodings.py  text in any common encoding, to UTF-8
footer.py     how large a Parquet file is once it is unpacked
frames.py     data frames of other libraries
layout.py     the first lines of delimited text: separator, titles, names
origins.py    where a table comes from: a file, a folder, standard input, a data frame
parquet.py    Parquet files, by columns and by rows
spilled.py    delimited text larger than memory, as a folder of Parquet files
tables.py     a table of any origin: whole, in parts, its columns' names
typed.py      columns of known kinds, to those that a table has here
"""
