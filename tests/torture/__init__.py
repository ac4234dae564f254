"""``make torture``: runs that are killed at any moment, and runs on a disk that is full at any moment.

works.py      what is run, as the command line and as a program runs it, and what must be true of its folder
kills.py      children that are killed with SIGKILL
disk.py       children in which one write fails, or all from one on, by a library that is loaded before all else
full_disk.c   that library
__main__.py   the options, and the figures

Children are forked from a process that has imported everything and computed nothing, so that one costs some tenths of
a second. Only POSIX has them.
"""
