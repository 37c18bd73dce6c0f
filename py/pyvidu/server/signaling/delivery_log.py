"""The log of the notifications that an RPC session sends, as far as they are not acknowledged yet.

The real server has none: what it sends into a dead socket is lost. Ours numbers the notifications of an RPC session; the
client reports in `ping` and `connect` how many it has received, and a resume sends the rest.

Models: XMPP stream management (XEP-0198), Socket.IO's connection state recovery.
"""

from __future__ import annotations

from collections import deque

MAX_NOTIFICATIONS = 2000  # unacknowledged; a client that pings leaves only a handful


class DeliveryLog:
    """The delivery log of one RPC session.

    It is bounded: if the client missed more than it holds, the resume response has no `replayed`, and the client has to
    query who is in the room.
    """

    def __init__(self) -> None:
        self._sent = 0
        self._notifications: deque[str] = deque(maxlen=MAX_NOTIFICATIONS)

    def notified(self, text: str) -> None:
        """Record a notification that was, or should have been, sent."""
        self._sent += 1
        self._notifications.append(text)

    def received(self, count: object) -> None:
        """Drop the first `count` notifications, which the client has received; an implausible `count` is ignored."""
        missed = self.missed(count)
        if missed is not None:
            self._notifications = deque(missed, maxlen=MAX_NOTIFICATIONS)

    def missed(self, count: object) -> list[str] | None:
        """Return the notifications after the first `count`; None if some are lost or `count` is implausible."""
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= self._sent:
            return None
        number = self._sent - count
        if number > len(self._notifications):
            return None
        return list(self._notifications)[len(self._notifications) - number :]
