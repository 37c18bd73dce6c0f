"""Tools of the repository: what `make lint` checks and `make format` writes."""
