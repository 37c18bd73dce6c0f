"""The log of the notifications that an RPC session sends, as far as they are not acknowledged yet.

The real server has none: what it sends into a dead socket is lost. Ours numbers the notifications of an RPC session; the
client reports in `ping` and `connect` how many it has received, and a resume sends the rest.

Models: XMPP stream management (XEP-0198), Socket.IO's connection state recovery.
"""

from __future__ import annotations

from collections import deque
from typing import TypeGuard

from pyvidu.server.limits import Limits

# From a participant. Those that were sent before the answer to its join have none, one a second: on a slow path that is many.
_PINGS_WITHOUT_COUNT = 30


class DeliveryLog:
    """The delivery log of one RPC session.

    It is bounded in notifications and characters: if the client missed more than it holds, the resume response has no
    `replayed`, and the client has to query who is in the room. For a client that never reports how many it has received, such
    as openvidu-browser, nothing is kept.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._sent = 0
        self._notifications: deque[str] = deque()
        self._size = 0
        self._pings_without_count = 0

    @property
    def size(self) -> int:
        """Return how many characters it holds."""
        return self._size

    def notified(self, text: str) -> None:
        """Record a notification that was, or should have been, sent."""
        self._sent += 1
        if self._pings_without_count >= _PINGS_WITHOUT_COUNT:
            return
        self._notifications.append(text)
        self._size += len(text)
        while len(self._notifications) > self._limits.replay or self._size > self._limits.replay_size:
            self._drop_oldest()

    def received(self, count: object) -> None:
        """Drop the first `count` notifications, which the client has received; an implausible `count` is ignored."""
        if self._is_plausible(count):
            self._pings_without_count = 0
            while len(self._notifications) > self._sent - count:
                self._drop_oldest()
        elif count is None:
            self._pings_without_count += 1
            if self._pings_without_count >= _PINGS_WITHOUT_COUNT:
                self._notifications.clear()
                self._size = 0

    def missed(self, count: object) -> list[str] | None:
        """Return the notifications after the first `count`; None if some are lost or `count` is implausible."""
        if not self._is_plausible(count):
            return None
        number = self._sent - count
        if number > len(self._notifications):
            return None
        return list(self._notifications)[len(self._notifications) - number :]

    def _is_plausible(self, count: object) -> TypeGuard[int]:
        return isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= self._sent

    def _drop_oldest(self) -> None:
        self._size -= len(self._notifications.popleft())
