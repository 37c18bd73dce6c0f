"""A soak test: a hundred real drops on one page, and what is left behind afterwards. See docs/benchmark.md."""
