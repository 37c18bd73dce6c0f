"""Malformed input by the million at both doors of the server, in one process and without a socket: `make fuzz`."""
