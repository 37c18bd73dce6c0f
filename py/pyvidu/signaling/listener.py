"""The interface through which a signaling plane reports to its owner."""

from __future__ import annotations

from typing import Protocol

from pyvidu.protocol.messages import Call
from pyvidu.protocol.reasons import Reason

from .rpc_socket import RpcError


class SignalingListener(Protocol):
    """The callbacks of a signaling plane. None is called after its owner has called `SignalingPlane.close`."""

    def signaling_notified(self, method: str, params: object) -> None:
        """Handle a notification from the server. Its `params` are as received, not checked."""

    def signaling_refused(self, call: Call, error: RpcError) -> None:
        """Handle that the server has refused a request of `SignalingPlane.send`."""

    def signaling_suspended(self) -> None:
        """Handle the beginning of an outage, of which the application is told now or later, or never: `Outage.told`."""

    def signaling_reconnecting(self) -> None:
        """Tell the application of the outage."""

    def signaling_attempt(self, number: int, next_delay: float | None) -> None:
        """Handle the beginning of attempt `number`; the next one begins `next_delay` seconds after it fails (None: never)."""

    def signaling_reconnected(self) -> None:
        """Handle the end of the outage. Requests made during it are sent right after this call."""

    def signaling_refuted_silence(self) -> None:
        """Handle that the server has answered after `rtp(RtpSilent())`: the network works although no RTP arrives."""

    def signaling_lost(self, reason: Reason, *, gave_up: bool) -> None:
        """Handle the loss of the session; all pending requests have failed. `gave_up`: the application ended it."""

    def signaling_unloading(self) -> None:
        """Handle that the page is being unloaded."""

    def membership_check(self) -> Call:
        """Return a request that needs membership and changes nothing."""
