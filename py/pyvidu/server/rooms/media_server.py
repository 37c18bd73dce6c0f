"""What rooms need of the media plane. The real one is `media/router.py`; a test's is a recorder of calls."""

from __future__ import annotations

from typing import Any, Protocol

from pyvidu.server.faults.delay_line import Delay


class MediaServer(Protocol):
    """Forwards the media of published streams to their subscribers. Every offer is answered or raises."""

    async def publish(self, owner: str, stream_id: str, sdp_offer: str) -> str:
        """Takes in a new stream; the SDP answer."""

    async def republish(self, stream_id: str, sdp_offer: str) -> str:
        """Replaces the connection that a published stream comes in by; its subscribers stay."""

    async def unpublish(self, stream_id: str) -> None:
        """Ends a stream and every subscription to it."""

    async def subscribe(self, subscriber: str, stream_id: str, sdp_offer: str) -> str:
        """Sends a stream to a participant; again for the same pair replaces the connection."""

    async def unsubscribe(self, subscriber: str, stream_id: str) -> None:
        """Ends one subscription."""

    async def leave(self, participant: str) -> None:
        """Ends all that a participant publishes and subscribes to."""

    def request_key_frame(self, stream_id: str) -> None:
        """Asks the publisher for a picture that needs no earlier one. Unknown streams are ignored."""

    def set_dropping(self, participant: str, dropping: bool) -> None:
        """Drops (or no longer drops) every packet from and to a participant."""

    def set_delay(self, participant: str, delay: Delay | None) -> None:
        """Every packet from and to a participant takes so much longer, each way; None: no longer."""

    def kill(self, participant: str) -> None:
        """Lets a participant's media connections die on this side without a word to the other."""

    def statistics(self) -> Any:
        """Counters, for logs and tests."""

    async def close(self) -> None:
        """Ends everything."""
