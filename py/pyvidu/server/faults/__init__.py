"""Faults on demand (`--fault-control`): what each does, and who may order it."""
