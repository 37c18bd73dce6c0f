"""A test kit for calls that must survive a network drop: real browsers on real networks that can be dropped.

Usable for any application built on pyvidu (docs/testing.md): the pytest plugin (`pyvidu.testing.plugin`) offers all of it as
fixtures.
"""

from __future__ import annotations

from pyvidu.testing.browser import BrowserName, find_browser, launch_browser
from pyvidu.testing.chromium import chromium_flags
from pyvidu.testing.directions import Direction
from pyvidu.testing.errors import (
    BrowserNotFoundError,
    BrowserStartError,
    EventLoopError,
    FaultRefusedError,
    LabError,
    LabUnavailableError,
    OutageTimeoutError,
    PortInUseError,
    RestError,
    ServerError,
    ServerStartError,
    TestingKitError,
    WrongArgumentError,
)
from pyvidu.testing.fault import BeginningFault, RunningFault, ServerFault
from pyvidu.testing.network import Counters, Departure, LabFault, NetworkLab, lab_unavailable_reason
from pyvidu.testing.outages import Outages, read_outages, wait_for_outage
from pyvidu.testing.page_log import PageLog
from pyvidu.testing.rest import Role, RoomConnection
from pyvidu.testing.router import Router
from pyvidu.testing.server import Profile, RunningServer, start_server

# `OpenBrowser` and `StartServer`, the types of two fixtures, are in `pyvidu.testing.fixtures`, which needs pytest.
__all__ = [
    "BeginningFault",
    "BrowserName",
    "BrowserNotFoundError",
    "BrowserStartError",
    "Counters",
    "Departure",
    "Direction",
    "EventLoopError",
    "FaultRefusedError",
    "LabError",
    "LabFault",
    "LabUnavailableError",
    "NetworkLab",
    "OutageTimeoutError",
    "Outages",
    "PageLog",
    "PortInUseError",
    "Profile",
    "RestError",
    "Role",
    "RoomConnection",
    "Router",
    "RunningFault",
    "RunningServer",
    "ServerError",
    "ServerFault",
    "ServerStartError",
    "TestingKitError",
    "WrongArgumentError",
    "chromium_flags",
    "find_browser",
    "lab_unavailable_reason",
    "launch_browser",
    "read_outages",
    "start_server",
    "wait_for_outage",
]
