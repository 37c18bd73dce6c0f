"""The interface of the media plane to the rooms. `media/router.py` implements it; tests use a recorder of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pyvidu.server.media.path_counters import ParticipantPaths
from pyvidu.server.media.video_pauses import PausedVideo


class MediaServer(Protocol):
    """Forwards the media of published streams to their subscribers. Every offer is answered or raises."""

    async def publish(self, owner: str, stream_id: str, sdp_offer: str, *, loopback: bool = False) -> str:
        """Receive a new stream and return the SDP answer; with `loopback`, send it back on the same connection."""

    async def republish(self, stream_id: str, sdp_offer: str) -> str:
        """Replace the connection on which a published stream is received and return the SDP answer; subscribers stay."""

    async def unpublish(self, stream_id: str) -> None:
        """End a stream and every subscription to it."""

    async def subscribe(self, subscriber: str, stream_id: str, sdp_offer: str) -> str:
        """Send a stream to a participant and return the SDP answer; repeated for the same pair, replace the connection."""

    async def offer(self, subscriber: str, stream_id: str) -> str:
        """Return an SDP offer of a stream for a participant, whose answer `accept` gets."""

    async def accept(self, subscriber: str, stream_id: str, sdp_answer: str) -> None:
        """Send a stream to a participant who has answered the offer; repeated for the same pair, replace the connection."""

    async def unsubscribe(self, subscriber: str, stream_id: str) -> None:
        """End one subscription."""

    async def leave(self, participant: str) -> None:
        """End all that a participant publishes and subscribes to."""

    def request_key_frame(self, stream_id: str) -> None:
        """Request a key frame from the publisher. Unknown streams are ignored."""

    def statistics(self) -> Any:
        """Return counters, for logs and tests."""

    def paths(self) -> Mapping[str, ParticipantPaths]:
        """Return what is known of the ways up and down of everybody who sends or receives media."""

    def heard(self) -> Mapping[str, float]:
        """Return when RTP last arrived of everybody who publishes, in seconds of the event loop's clock."""

    def pause_videos(self) -> frozenset[PausedVideo]:
        """Forward no video that a participant's path does not carry beside its sound; return what is paused."""

    async def close(self) -> None:
        """End all streams and subscriptions."""
