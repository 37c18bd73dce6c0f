"""The promises of the seam, a module for each part of it. Every coroutine `test_*` takes a `World` and runs on both hosts."""
