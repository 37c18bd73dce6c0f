"""All that the core needs of its host, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .clock import Clock
from .devices import Devices, Elements
from .network import NetworkListener, NetworkMonitor, Reachability
from .peer import PeerConnections
from .socket import Sockets


class WatchNetwork(Protocol):
    """Subscribes to the network's and the page's events."""

    def __call__(self, listener: NetworkListener) -> NetworkMonitor:
        """The subscription; whoever made it closes it."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where the core runs. `description` is what `joinRoom` tells as `platform`."""

    clock: Clock
    sockets: Sockets
    peers: PeerConnections
    watch_network: WatchNetwork
    reachability: Reachability
    devices: Devices
    elements: Elements
    description: str
