"""A hundred real drops on one page, and what is left behind afterwards. See docs/benchmark.md."""
