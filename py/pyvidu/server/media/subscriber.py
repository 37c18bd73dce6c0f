"""The sending end of a subscriber's connection: forwards the stream's packets with this subscriber's own headers."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable

from . import rtcp
from .answer import Choice
from .congestion import Downlink, RateMeter
from .forwarded_track import ForwardedTrack
from .path_counters import PathCounters
from .path_probe import INTERVAL, PathProbe
from .reception import MediaPacket
from .reported_loss import ReportedLoss
from .sound_first import ProbeResult, VideoEvidence
from .transport import MediaTransport

logger = logging.getLogger(__name__)

REPORT_INTERVAL = 1.0
# Bytes of a packet besides its payload: RTP header, its extension, SRTP tag. Browsers include them in their estimates.
_OVERHEAD = 12 + 8 + 10
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


class SubscriberEndpoint:
    """One subscriber's connection for one stream."""

    def __init__(
        self,
        choices: list[Choice],
        stream: str,
        connect: Callable[[SubscriberEndpoint], MediaTransport],
        *,
        ntp_base: float,
        on_key_frame_wanted: Callable[[], None],
        on_downlink: Callable[[], None],
        recent_key_frame: Callable[[], MediaPacket | None],
        recovers_by_itself: bool,
        shares_transport: bool = False,
    ) -> None:
        """Add `ntp_base` to loop time for seconds since 1900; it is one for all endpoints, so that clocks agree.

        `on_downlink` is called after a bandwidth estimate or a loss report of the subscriber. `shares_transport`: the
        connection is a publisher's, which closes it.
        """
        self.shares_transport = shares_transport
        self.key_frames_wanted = 0
        self._copies: deque[asyncio.TimerHandle] = deque()  # of packets that are sent again twice
        self.tracks: dict[str, ForwardedTrack] = {}
        self.downlink = Downlink()
        self._loss = ReportedLoss()  # of the video
        self._rate = RateMeter()
        self._ntp_base = ntp_base
        self._on_key_frame_wanted = on_key_frame_wanted
        self._on_downlink = on_downlink
        self._recent_key_frame = recent_key_frame
        self._recovers_by_itself = recovers_by_itself
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._probe: PathProbe | None = None
        self._probe_timer: asyncio.TimerHandle | None = None
        self._video_rate = RateMeter()
        self._rate_before = 0.0  # of the video, when it was paused
        self._paused_at = 0.0  # seconds since 1900
        self._answered = False  # something that was sent since
        announced = next((choice.source.name for choice in choices if choice.source is not None), None)
        name = announced or secrets.token_hex(8)
        self.transport = connect(self)
        for choice in choices:
            if choice.direction == "sendonly":
                track = ForwardedTrack(choice, name, self.transport.send_rtp, self._loop.time)
                choice.source = track.source(stream)
                self.tracks[choice.section.kind] = track

    def connected(self) -> None:
        """Handle the established transport: from now on forward packets, video from a key frame."""
        self._timer = self._loop.call_later(REPORT_INTERVAL, self._report)
        if "video" not in self.tracks:
            return
        recent = self._recent_key_frame()
        if recent is not None:
            self.forward("video", recent)
        else:
            self._on_key_frame_wanted()

    def forward(self, kind: str, packet: MediaPacket) -> None:
        """Forward a packet of the stream; drop it while not connected."""
        track = self.tracks.get(kind)
        if track is not None and self.transport.connected and track.forward(packet):
            self._send_report(track)

    def rtcp_received(self, data: bytes, now: float) -> None:
        """Handle an RTCP packet of the subscriber that arrived at `now` (loop time)."""
        try:
            events = rtcp.parse(data)
        except ValueError as error:
            logger.debug("a malformed report of %s: %s", self.transport.participant, error)
            return
        wanted = told = False
        for event in events:
            if isinstance(event, rtcp.BandwidthEstimate):
                self.downlink.estimated(event.bits_per_second, self._sent(now), now)
                told = True
                continue
            if isinstance(event, rtcp.ReportBlock):
                told |= self._reported(event, now)
                continue
            track = next((t for t in self.tracks.values() if t.ssrc == event.ssrc), None)
            if track is None:
                continue
            if isinstance(event, rtcp.KeyFrameRequest):
                self.key_frames_wanted += 1
                wanted = True
            elif isinstance(event, rtcp.Nack):
                wanted |= not self._retransmit(track, event.sequences, now) and self._recovers_by_itself
        if wanted and not self.video_paused:
            self._on_key_frame_wanted()
        if told:
            self._on_downlink()

    def _reported(self, report: rtcp.ReportBlock, now: float) -> bool:
        """Handle a receiver report; return whether it tells of the path of the video."""
        video = self.tracks.get("video")
        if self._probe is not None and video is not None and report.ssrc == video.rtx_ssrc:
            self._probe.reported(report, video.queue(report, now + self._ntp_base))
        track = next((track for track in self.tracks.values() if track.ssrc == report.ssrc), None)
        if track is None:
            return False
        self._answered |= report.last_report != 0 and rtcp.is_after(report.last_report, self._paused_at)
        track.reported(report, now + self._ntp_base)
        if track is video:
            lost = self._loss.reported(track.counters(), now)
            if lost is not None:
                self.downlink.lost(lost, self._sent(now), now)
        return track is video

    def _retransmit(self, track: ForwardedTrack, sequences: tuple[int, ...], now: float) -> bool:
        """Retransmit packets, twice on a path that loses many; see `ForwardedTrack.retransmit`."""
        track.nacked += len(sequences)
        before = track.retransmitted
        available = track.retransmit(sequences, now)
        if track.retransmitted > before and (after := track.copied_after) is not None:
            while self._copies and self._copies[0].when() <= now:
                self._copies.popleft()  # done
            self._copies.append(self._loop.call_later(after, self._copy, track, sequences))
        return available

    def _copy(self, track: ForwardedTrack, sequences: tuple[int, ...]) -> None:
        if self.transport.connected:
            track.retransmit(sequences, self._loop.time())

    def _sent(self, now: float) -> float:
        """Return the rate sent lately, in bits a second."""
        octets = sum(track.octets + _OVERHEAD * track.packets for track in self.tracks.values())
        return self._rate.rate(octets, now)

    def counters(self) -> PathCounters:
        """Return what is known of the path to the subscriber."""
        tracks = [track.counters() for track in self.tracks.values()]
        return PathCounters.combined([*tracks, PathCounters(congested=self.downlink.is_narrow)])

    # --- pauses of the video -----------------------------------------------------------------------------------------

    @property
    def video_paused(self) -> bool:
        """Return whether the video is not forwarded for want of bandwidth."""
        return "video" in self.tracks and self.tracks["video"].paused

    def pause_video(self) -> None:
        """Forward the video no more; the sound goes on."""
        now = self._loop.time()
        self._rate_before, self._paused_at, self._answered = self._rate_of_video(now), now + self._ntp_base, False
        self.tracks["video"].pause()
        self._on_downlink()

    def resume_video(self) -> None:
        """Forward the video again, from the next key frame, which the caller requests."""
        self._end_probe()
        self.tracks["video"].resume()
        self.downlink.resumed(self._loop.time())
        self._on_downlink()

    def probe(self) -> None:
        """Send padding in place of the paused video for a moment; `evidence` has the result later."""
        self._end_probe()
        queue = PathCounters.combined(track.counters() for track in self.tracks.values()).delay
        self._probe = PathProbe(queue or 0.0, self._loop.time() + self._ntp_base)
        self._send_padding()

    def evidence(self, uplink_queue: float) -> VideoEvidence:
        """Return what is known of the path of this connection, the queue without that on the way from the participant."""
        now, counters = self._loop.time(), [track.counters() for track in self.tracks.values()]
        video = self.tracks["video"].counters()
        delay = PathCounters.combined(counters).delay
        return VideoEvidence(
            rate=self._rate_before if self.video_paused else self._rate_of_video(now),
            expected=video.expected,
            lost=video.lost,
            forwarded=self.tracks["video"].packets,
            estimate=self.downlink.estimate,
            queue=None if delay is None else max(0.0, delay - uplink_queue),
            answered=self._answered,
            probe=self._probe.result if self._probe is not None else None,
        )

    def _rate_of_video(self, now: float) -> float:
        track = self.tracks["video"]
        return self._video_rate.rate(track.octets + _OVERHEAD * track.packets, now)

    def _send_padding(self) -> None:
        self._probe_timer = None
        if self._probe is None or not self.transport.connected:
            return
        if self._probe.result is not None:
            return  # it has failed already
        sequence = self.tracks["video"].send_padding()
        if sequence is None:  # without retransmission stream only the video itself can be tried
            self._probe.result = ProbeResult(0.0, 0.0)
            return
        self._probe.sent(sequence)
        if self._probe.complete:
            self._probe.followed_by(self._loop.time() + self._ntp_base)
            self._send_report(self.tracks["video"])
        else:
            if self._probe.is_report_due:
                self._send_report(self.tracks["video"])
            self._probe_timer = self._loop.call_later(INTERVAL, self._send_padding)

    def _end_probe(self) -> None:
        self._probe = None
        if self._probe_timer is not None:
            self._probe_timer.cancel()
            self._probe_timer = None

    def rtp_received(self, data: bytes, now: float) -> None:
        """Ignore RTP: a subscriber only receives."""

    async def close(self) -> None:
        """Send a BYE for every track and close the connection, unless that is a publisher's."""
        for copy in self._copies:
            copy.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._end_probe()
        for track in self.tracks.values():
            self.transport.send_rtcp(rtcp.bye(track.ssrc))
        if not self.shares_transport:
            await self.transport.close()

    def _report(self) -> None:
        self._timer = self._loop.call_later(REPORT_INTERVAL, self._report)
        for track in self.tracks.values():
            self._send_report(track)

    def _send_report(self, track: ForwardedTrack) -> None:
        report = track.sender_report(self._loop.time(), self._ntp_base)
        if report is not None:
            self.transport.send_rtcp(report)
