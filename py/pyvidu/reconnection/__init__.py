"""The heart: when is the network down, what is frozen, what now? Evidence in, verdicts and actions out.

Nothing here does I/O, knows a browser or reads a clock: the time of every piece of evidence is handed in. So a test can run
an outage of nine seconds in a millisecond.
"""
