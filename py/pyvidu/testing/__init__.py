"""A test kit for calls that must survive a network drop: real browsers on real networks that can be dropped.

Usable for any application built on pyvidu: the pytest plugin (`pyvidu.testing.plugin`) offers all of it as fixtures.
"""

from __future__ import annotations

from pyvidu.testing.browser import BrowserNotFoundError, PageLog, chromium_flags, find_browser, launch_chromium
from pyvidu.testing.network import Departure, LabError, NetworkLab, why_not
from pyvidu.testing.server import RunningFault, RunningServer, start_server

__all__ = [
    "BrowserNotFoundError",
    "Departure",
    "LabError",
    "NetworkLab",
    "PageLog",
    "RunningFault",
    "RunningServer",
    "chromium_flags",
    "find_browser",
    "launch_chromium",
    "start_server",
    "why_not",
]
