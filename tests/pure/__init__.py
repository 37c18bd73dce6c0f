"""The tests that need nothing but Python: they run in other interpreters than the one that everything is installed in."""
