"""Steps by JAX's compiler: many steps in one call, on one device or on all devices of a group of processes.

program.py   the formulas of ``core``, traced into one loop
batches.py   the examples in the order in which the steps take them, on the devices
records.py   what the last calls did, to find the last good network
steps.py     the contract of ``engines/steps.py``
"""
