"""Who a signaling plane talks to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pyvidu.protocol.messages import Call
from pyvidu.protocol.reasons import Reason


class SignalingListener(Protocol):
    """Told what becomes of the signaling plane. Nothing is told after `SignalingPlane.close`."""

    def signaling_notified(self, method: str, params: Mapping[str, Any]) -> None:
        """The server pushed a notification."""

    def signaling_reconnecting(self) -> None:
        """An outage has begun."""

    def signaling_attempt(self, number: int, next_delay: float | None) -> None:
        """Attempt `number` to come back begins; `next_delay` seconds after its failure comes the next one."""

    def signaling_reconnected(self) -> None:
        """The outage is over. What the application had asked for meanwhile goes out right after this call."""

    def signaling_lost(self, reason: Reason, *, gave_up: bool) -> None:
        """The session is over. Everything that waits has failed. `gave_up`: because the application wants no more."""

    def signaling_unloading(self) -> None:
        """The page goes away."""

    def membership_check(self) -> Call:
        """The request that needs membership and changes nothing."""
