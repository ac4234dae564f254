"""Fuzzing: mutated files for everything that reads files or messages from outside.

No case may end in an error that nobody raised on purpose, in a crash, take over ten seconds, or take more memory than
ten times the file's size and 300 MB; and no file that a check sum guards may be read as something else.

target.py      what a target is; targets.py: all of them
mutations.py   changes of bytes, of text, of JSON values
containers.py  changes of files whose parts guard one another; their lengths and check sums are made anew
cases.py       one case, judged
worker.py      a process that runs cases; guided.py: led by coverage
watch.py       starts such processes, and counts those that die
networks.py, arrays.py, tables.py, runs.py, lab.py, classes.py   the targets
random_networks.py   small networks against ``check``, for the right answers
found/         files that once failed
__main__.py    all targets for some minutes: ``make fuzz MINUTES=10``
"""
