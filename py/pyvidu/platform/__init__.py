"""What the core needs from its host: small Protocol classes, implemented for the browser in `platform/browser/`.

The core never imports an implementation. Tests implement the same protocols with fakes; another host (CPython with
aiortc) could too.
"""

from __future__ import annotations

from .clock import Clock, LoopClock, Timer, pause
from .devices import Device, Devices, Elements, LocalMedia, Loudness, MediaElement
from .host import Host
from .network import NetworkListener, NetworkMonitor, Reachability
from .peer import Candidate, NetworkDownError, PeerConnection, PeerConnections, PeerListener, PeerSettings
from .recording import MediaRecorders, Recording
from .socket import Socket, SocketListener, Sockets

__all__ = [
    "Candidate",
    "Clock",
    "Device",
    "Devices",
    "Elements",
    "Host",
    "LocalMedia",
    "LoopClock",
    "Loudness",
    "MediaElement",
    "MediaRecorders",
    "NetworkDownError",
    "NetworkListener",
    "NetworkMonitor",
    "PeerConnection",
    "PeerConnections",
    "PeerListener",
    "PeerSettings",
    "Reachability",
    "Recording",
    "Socket",
    "SocketListener",
    "Sockets",
    "Timer",
    "pause",
]
