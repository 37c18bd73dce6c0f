"""What the core relies on of its host (`pyvidu.platform`): one suite, run against the fake host and in a real page."""
