"""Everything that the core needs from its host, in one value."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .clock import Clock
from .devices import Devices, Elements
from .network import NetworkListener, NetworkMonitor, Reachability
from .peer import PeerConnections
from .recording import MediaRecorders
from .socket import Sockets


class WatchNetwork(Protocol):
    """Subscribes to the network's and the page's events."""

    def __call__(self, listener: NetworkListener) -> NetworkMonitor:
        """Subscribe `listener`; the caller closes the subscription that is returned."""


Statistics = Callable[[Any], Awaitable[Mapping[str, float]]]
"""Returns the counters of a host's peer connection: `packets`, `lost`, `bytes`, `time`, `jitter` and `round_trip` (seconds),
`frame_rate`, `width` and `height` of the video that is encoded or decoded; those that are known."""


async def _everything() -> dict[str, bool]:
    return {}


@dataclass(frozen=True, slots=True)
class Host:
    """The environment that the core runs in. `description` is sent as `platform` in `joinRoom`.

    `chance` returns a random number in [0, 1), for jitter; `calendar` the seconds since 1970, for records only. Each session
    passes to `offer_outages` a function that returns its outages as JSON, for tests that watch the page. `browser_support` is
    what `OpenVidu.browser_support` returns.
    """

    clock: Clock
    sockets: Sockets
    peers: PeerConnections
    watch_network: WatchNetwork
    reachability: Reachability
    devices: Devices
    elements: Elements
    description: str
    chance: Callable[[], float] = random.random
    calendar: Callable[[], float] = time.time
    offer_outages: Callable[[Callable[[], str]], None] = lambda _read: None
    statistics: Statistics | None = None
    recorder: MediaRecorders | None = None
    browser_support: Callable[[], Awaitable[dict[str, bool]]] = _everything
