"""Participants without a browser: pyvidu's own client core on CPython. A thousand of them fit into one process."""
