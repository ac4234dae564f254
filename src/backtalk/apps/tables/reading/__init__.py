"""Files of tables to data frames; what is wrong with a file, in a sentence.

delimited.py  CSV files
footer.py     how large a Parquet file is once it is unpacked
parquet.py    Parquet files, by columns and by rows
tables.py     a file or a folder of any kind: whole, in parts, its columns' names, its digest
"""
