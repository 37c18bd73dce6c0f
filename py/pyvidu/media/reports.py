"""Reads when the receiver's reports about what is sent have come: evidence about the network where nothing is received."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pyvidu.platform import Clock, PeerConnection
from pyvidu.tasks import Tasks

# Seconds, at least, from one reading to the next: every second poll, since one takes 1 ms in Chromium. Reports that come
# every 0.25 s show gaps of 0.2 and 0.3 s then.
_PERIOD = 0.09


class Reports:
    """The reports of the peer connections passed to `read`, in every poll of RTP."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._markers: dict[object, float | None] = {}
        self._read_at = -math.inf
        self._tasks = Tasks()

    def read(self, peers: Sequence[PeerConnection]) -> Mapping[object, float | None]:
        """Return the markers read so far, which change with every report, and begin to read them again if it is time."""
        now = self._clock.now()
        self._markers = {peer: self._markers.get(peer) for peer in peers}
        if peers and not len(self._tasks) and now - self._read_at >= _PERIOD:
            self._read_at = now
            self._tasks.spawn(self._read(peers), "a look at the reports")
        return self._markers

    def close(self) -> None:
        """Stop reading."""
        self._tasks.cancel()

    async def _read(self, peers: Sequence[PeerConnection]) -> None:
        for peer in peers:
            self._markers[peer] = await peer.reported_at()
