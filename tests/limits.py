"""How long a test waits for another process."""

LIMIT = 600  # seconds: what has not ended by then hangs, also on a machine that is ten times busier than this one
