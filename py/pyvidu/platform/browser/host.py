"""The browser as a `Host`."""

from __future__ import annotations

import js

from pyvidu.errors import BrowserNotSupportedError
from pyvidu.platform import Host
from pyvidu.platform.browser.clock import BrowserClock
from pyvidu.platform.browser.devices import BrowserDevices
from pyvidu.platform.browser.elements import BrowserElements
from pyvidu.platform.browser.inspection import offer_outages
from pyvidu.platform.browser.network import BrowserNetworkMonitor, BrowserReachability
from pyvidu.platform.browser.peer import BrowserPeerConnections
from pyvidu.platform.browser.recording import BrowserRecorder
from pyvidu.platform.browser.socket import BrowserSockets
from pyvidu.platform.browser.stack import stay_on_the_pages_stack
from pyvidu.platform.browser.support import browser_support, statistics


def browser_host() -> Host:
    """Return this page as a `Host`.

    Raises:
        BrowserNotSupportedError: the code runs in a worker, or the browser has no WebRTC.
    """
    if not hasattr(js, "document"):
        raise BrowserNotSupportedError(
            "pyvidu must run in the page itself: a worker has no camera and no WebRTC (remove `worker` from the script tag)"
        )
    if not hasattr(js, "RTCPeerConnection"):
        raise BrowserNotSupportedError("This browser has no WebRTC (RTCPeerConnection is missing)")
    stay_on_the_pages_stack()
    return Host(
        clock=BrowserClock(),
        sockets=BrowserSockets(),
        peers=BrowserPeerConnections(),
        watch_network=BrowserNetworkMonitor,
        reachability=BrowserReachability(),
        devices=BrowserDevices(),
        elements=BrowserElements(),
        offer_outages=offer_outages,
        statistics=statistics,
        recorder=BrowserRecorder(),
        browser_support=browser_support,
        description=f"pyvidu on {js.navigator.userAgent}",
    )
