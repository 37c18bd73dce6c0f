"""Reports of the size of the local video to the server, from which OpenVidu Pro makes its network quality levels."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyvidu.platform import Host, pause
from pyvidu.protocol.messages import VideoData

if TYPE_CHECKING:
    from pyvidu.membership import Participation
    from pyvidu.stream import Stream


class VideoReports:
    """Sends `videoData` at the times at which openvidu-browser 2.32 sends it; nothing where the host has no statistics.

    Each call of a kind ends what an earlier one has begun; so does the end of the membership.
    """

    def __init__(self, host: Host, participation: Participation) -> None:
        self._host = host
        self._participation = participation
        self._regular: asyncio.Task[None] | None = None
        self._single: asyncio.Task[None] | None = None

    def published(self, stream: Stream) -> None:
        """Report four times, every 8 s."""
        self._regular = self._begin(self._regular, stream, times=4, seconds=8.0)

    def track_replaced(self, stream: Stream) -> None:
        """Report four times, every 5 s."""
        self._regular = self._begin(self._regular, stream, times=4, seconds=5.0)

    def changed(self, stream: Stream) -> None:
        """Report once, after 1 s: it was muted, unmuted or has another size."""
        self._single = self._begin(self._single, stream, times=1, seconds=1.0)

    def _begin(
        self, before: asyncio.Task[None] | None, stream: Stream, *, times: int, seconds: float
    ) -> asyncio.Task[None] | None:
        if before is not None:
            before.cancel()
        if self._host.statistics is None or not self._participation.is_member:
            return None
        return self._participation.member.in_background(self._report(stream, times, seconds))

    async def _report(self, stream: Stream, times: int, seconds: float) -> None:
        for _ in range(times):
            await pause(self._host.clock, seconds)
            await self._report_once(stream)

    async def _report_once(self, stream: Stream) -> None:
        peer = stream.get_rtc_peer_connection()
        if peer is None or self._host.statistics is None:
            return
        found = await self._host.statistics(peer)
        if found.get("width") and self._participation.is_up:
            size = int(found["height"]), int(found["width"])
            self._participation.member.plane.send(VideoData(*size, stream.video_active, stream.audio_active))
