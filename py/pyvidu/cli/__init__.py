"""The command `pyvidu`."""
