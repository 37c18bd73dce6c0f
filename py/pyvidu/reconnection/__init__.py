"""The reconnection engine: decides when the network is down, which streams are frozen, and what to do about it.

Evidence in, verdicts and actions out. Nothing here does I/O, depends on a browser or reads a clock: the time of each piece of
evidence is passed in, so a test can run an outage of nine seconds in a millisecond.
"""
