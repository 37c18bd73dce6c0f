"""`pyvidu`, ended with the process that started it: run as `python -m pyvidu.testing.server_process` with a pipe as stdin.

The pipe closes even when that process was killed, so that no server is left behind.
"""

from __future__ import annotations

import os
import runpy
import signal
import threading


def _stop_at_end_of_input() -> None:
    # Not by `sys.stdin`: a thread that reads there holds a lock that the interpreter wants when it ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    runpy.run_module("pyvidu.cli", run_name="__main__", alter_sys=True)
