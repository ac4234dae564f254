"""Files of tables to data frames; what is wrong with a file, in a sentence.

arrow.py        Arrow files, also called Feather
arrow_sizes.py  how large they are once they are unpacked
delimited.py    separated text, such as CSV
encodings.py    text in any common encoding, to UTF-8
excel.py        sheets of Excel and of OpenOffice
faults.py       what other libraries say of a file, as an error
footer.py       how large a Parquet file is once it is unpacked
frames.py       data frames of other libraries
json_lines.py   JSON with one object a line
kinds.py        what kind of table a file is, by its name
layout.py       the first lines of separated text: separator, titles, names
limits.py       how much of memory a file may take
origins.py      where a table comes from: a file, a folder, standard input, a data frame
packed.py       compressed files
parquet.py      Parquet files, by columns and by rows
spilled.py      delimited text larger than memory, as a folder of Parquet files
table.py        a table that was read
tables.py       a table of any origin: whole, in parts, its columns' names
typed.py        columns of known kinds, to those that a table has here
"""
