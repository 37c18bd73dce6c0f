"""The command `python -m pyvidu.testing`: prints which browser the tests would use."""

from __future__ import annotations

import sys

from pyvidu.testing import BrowserNotFoundError, find_browser

try:
    sys.stdout.write(f"{find_browser()}\n")
except BrowserNotFoundError as error:
    sys.exit(str(error))
