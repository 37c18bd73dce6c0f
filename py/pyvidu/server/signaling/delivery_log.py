"""The log of what an RPC session sends: notifications not acknowledged yet, and responses by request id.

The real server has neither: what it sends into a dead socket is lost, and a repeated request runs twice. Ours numbers the
notifications of an RPC session; the client reports in `ping` and `connect` how many it has received, and a resume sends
the rest. A request that comes again under its id is not run again: it gets the first response.

Models: XMPP stream management (XEP-0198), Socket.IO's connection state recovery.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyvidu.protocol.jsonrpc import RequestId
    from pyvidu.server.signaling.received_request import ReceivedRequest

MAX_NOTIFICATIONS = 2000  # unacknowledged; a client that pings leaves only a handful
MAX_ANSWERS = 500


class DeliveryLog:
    """The delivery log of one RPC session.

    It is bounded: if the client missed more than it holds, the resume response has no `replayed`, and the client has to
    query who is in the room.
    """

    def __init__(self) -> None:
        self._sent = 0
        self._notifications: deque[str] = deque(maxlen=MAX_NOTIFICATIONS)
        self._exchanges: OrderedDict[RequestId, ReceivedRequest] = OrderedDict()

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

    def earlier(self, request_id: RequestId) -> ReceivedRequest | None:
        """Return the earlier request with the same id, or None."""
        return self._exchanges.get(request_id)

    def begun(self, incoming: ReceivedRequest) -> None:
        """Record a request that came for the first time."""
        self._exchanges[incoming.request.id] = incoming
        while len(self._exchanges) > MAX_ANSWERS:
            self._exchanges.popitem(last=False)
