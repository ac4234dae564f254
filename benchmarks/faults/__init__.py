"""The suite of faulty programs, and of healthy ones: what does the doctor say of them?

program.py     what a program of the suite is
data.py        the data; training.py: what the programs of PyTorch share
development/   the half on which the doctor's rules were developed; held_out/: the half looked at only at the end
suite.py       the programs of a half
run.py         one training of a program, and what the doctor said
score.py       what that is worth: detection, cause first, fix named, false alarms
command.py     ``python -m benchmarks.faults``
"""
