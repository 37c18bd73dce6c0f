"""Malformed input by the million at the doors of the server, and at the ports of its media router: `make fuzz`."""
