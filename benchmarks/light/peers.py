"""A light publisher and a light subscriber: they send a recording, and count what they receive without decoding it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.light.connection import LightConnection
from benchmarks.light.recording import Recording, is_key_frame, payloads
from pyvidu.server.media import rtcp, rtp
from pyvidu.server.media.dtls_srtp import Certificate
from pyvidu.server.media.sequence import Unwrapper

OPUS, VP8, RTX = 111, 96, 97
_NTP_EPOCH = 2_208_988_800
_HISTORY = 1024
_GAPS = 30  # a freeze is judged by the mean of so many gaps, as libwebrtc does
_MEDIA = {
    "audio": (f"{OPUS}", [f"a=rtpmap:{OPUS} opus/48000/2"]),
    "video": (
        f"{VP8} {RTX}",
        [
            f"a=rtpmap:{VP8} VP8/90000",
            *(f"a=rtcp-fb:{VP8} {feedback}" for feedback in ("nack", "nack pli", "ccm fir")),
            f"a=rtpmap:{RTX} rtx/90000",
            f"a=fmtp:{RTX} apt={VP8}",
        ],
    ),
}


def _offer(connection: LightConnection, direction: str, ssrcs: dict[str, int]) -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE audio video"]
    for kind, (formats, codecs) in _MEDIA.items():
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0", f"a=mid:{kind}", f"a={direction}"]
        lines += [*connection.describe(), "a=rtcp-mux", *codecs]
        if kind in ssrcs:
            lines.append(f"a=ssrc:{ssrcs[kind]} cname:light")
    return "\r\n".join(lines) + "\r\n"


class LightPublisher:
    """Sends a recording in a loop, from its start after every key frame request."""

    def __init__(self, certificate: Certificate, recording: Recording) -> None:
        self.connection = LightConnection(certificate, lambda *_: None, self._rtcp)
        self.key_frames_asked = 0
        self._recording = recording
        self._loop = asyncio.get_running_loop()
        self.ssrcs = {kind: secrets.randbits(32) for kind in ("audio", "video")}
        self._sequences = {kind: secrets.randbits(15) for kind in self.ssrcs}
        self._counts = {kind: [0, 0] for kind in self.ssrcs}
        self._history: dict[int, bytes] = {}
        self._picture = self._frame = 0
        self._sending: asyncio.Task[None] | None = None

    async def offer(self) -> str:
        """Return an offer to send audio and video."""
        await self.connection.open()
        return _offer(self.connection, "sendonly", self.ssrcs)

    async def accept(self, answer: str) -> None:
        """Connect and start sending."""
        await self.connection.accept(answer)
        self._sending = asyncio.create_task(self._send())

    def send_key_frame(self) -> None:
        """Send the recording from its start."""
        self._frame = 0

    async def close(self) -> None:
        """Stop sending and close the connection."""
        if self._sending is not None:
            self._sending.cancel()
        await self.connection.close()

    async def _send(self) -> None:
        began, rate = self._loop.time(), self._recording.rate
        video = audio = report = 0
        while True:
            due = min(video / rate, audio / 50, float(report))
            await asyncio.sleep(began + due - self._loop.time())  # until the next packet is due
            if video / rate <= due:
                self._send_video(video * 90_000 // rate)
                video += 1
            if audio / 50 <= due:
                self._emit("audio", OPUS, self._recording.audio[audio % len(self._recording.audio)], 960 * audio, True)
                audio += 1
            if report <= due:
                report += 1
                self._report("video", (video - 1) * 90_000 // rate)
                self._report("audio", 960 * (audio - 1))

    def _send_video(self, timestamp: int) -> None:
        parts = payloads(self._recording.video[self._frame], self._picture)
        for index, part in enumerate(parts):
            self._emit("video", VP8, part, timestamp, index == len(parts) - 1)
        self._picture += 1
        self._frame = (self._frame + 1) % len(self._recording.video)

    def _emit(self, kind: str, payload_type: int, body: bytes, timestamp: int, marker: bool) -> None:
        sequence = self._sequences[kind] = (self._sequences[kind] + 1) & 0xFFFF
        packet = rtp.serialize(
            rtp.RtpPacket(payload_type, marker, sequence, timestamp & 0xFFFFFFFF, self.ssrcs[kind], body)
        )
        if kind == "video":
            self._history[sequence] = packet
            self._history.pop((sequence - _HISTORY) & 0xFFFF, None)
        self._counts[kind][0] += 1
        self._counts[kind][1] += len(body)
        self.connection.send_rtp(packet)

    def _report(self, kind: str, timestamp: int) -> None:
        ntp, (packets, octets) = int((time.time() + _NTP_EPOCH) * (1 << 32)), self._counts[kind]
        self.connection.send_rtcp(
            rtcp.sender_report(
                self.ssrcs[kind], ntp=ntp, timestamp=timestamp, packets=packets, octets=octets, name="light"
            )
        )

    def _rtcp(self, data: bytes, now: float) -> None:
        for event in rtcp.parse(data):
            if isinstance(event, rtcp.KeyFrameRequest):
                self.key_frames_asked += 1
                self.send_key_frame()
            elif isinstance(event, rtcp.Nack):
                for sequence in event.sequences:
                    if (packet := self._history.get(sequence)) is not None:
                        self.connection.send_rtp(packet)


@dataclass
class Received:
    """What was received of one stream. Times are seconds."""

    video_packets: int = 0
    audio_packets: int = 0
    octets: int = 0
    frames: int = 0
    key_frames: int = 0
    missed: int = 0
    """Packets that had not arrived when a later one did."""
    recovered: int = 0
    """Those of them that arrived after a NACK."""
    freezes: int = 0
    """Gaps between frames of more than three times the mean and more than the mean + 150 ms, as libwebrtc counts them."""
    longest_gap: float = 0.0
    first_frame: float = 0.0
    """From the connection to the end of the first key frame."""
    begins_with_key_frame: bool | None = None


class LightSubscriber:
    """Counts what it receives. Requests each missing packet once."""

    def __init__(self, certificate: Certificate) -> None:
        self.connection = LightConnection(certificate, self._rtp, lambda *_: None)
        self.received = Received()
        self.rtp_at: float | None = None
        """When the last RTP packet arrived, on the loop's clock."""
        self.first_frame_at: float | None = None
        self._video = 0  # its SSRC
        self._loop = asyncio.get_running_loop()
        self._ssrc = secrets.randbits(32)
        self._connected_at = 0.0
        self._sequences: dict[int, Unwrapper] = {}
        self._missing: set[tuple[int, int]] = set()
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._frame_at = 0.0

    async def offer(self) -> str:
        """Return an offer to receive audio and video."""
        await self.connection.open()
        return _offer(self.connection, "recvonly", {})

    async def accept(self, answer: str) -> None:
        """Connect."""
        await self.connection.accept(answer)
        self._connected_at = self._loop.time()

    def report(self) -> dict[str, Any]:
        """Return the counts so far. The longest gap may be the one since the last frame."""
        if self._frame_at:
            self.received.longest_gap = max(self.received.longest_gap, self._loop.time() - self._frame_at)
        return asdict(self.received)

    def restart_counting(self) -> None:
        """Restart the counts, but keep what was recorded of the beginning."""
        begun = self.received
        self._missing.clear()
        self.received = Received(first_frame=begun.first_frame, begins_with_key_frame=begun.begins_with_key_frame)

    def ask_for_key_frame(self) -> None:
        """Request a key frame, if any video has arrived."""
        if self._video:
            self.connection.send_rtcp(rtcp.picture_loss(self._ssrc, self._video))

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()

    def _rtp(self, data: bytes, now: float) -> None:
        packet, received = rtp.parse(data), self.received
        self.rtp_at = now
        received.octets += len(packet.body)
        if packet.payload_type == OPUS:
            received.audio_packets += 1
            self._arrived(packet.ssrc, packet.sequence, ask=False)
        elif packet.payload_type == VP8:
            received.video_packets += 1
            self._video = packet.ssrc
            if received.begins_with_key_frame is None:
                received.begins_with_key_frame = is_key_frame(packet.body)
            received.key_frames += is_key_frame(packet.body)
            self._arrived(packet.ssrc, packet.sequence, ask=True)
            if packet.marker:
                self._frame(now)
        elif packet.payload_type == RTX and (original := rtp.rtx_original(packet)) is not None:
            for missing in [item for item in self._missing if item[1] & 0xFFFF == original[0]]:
                self._missing.discard(missing)
                received.recovered += 1

    def _arrived(self, ssrc: int, sequence: int, *, ask: bool) -> None:
        unwrapper = self._sequences.setdefault(ssrc, Unwrapper(16))
        highest, extended = unwrapper.highest, unwrapper.unwrap(sequence)
        if highest is None:
            return
        if extended > highest + 1:
            gap = range(highest + 1, extended)
            self.received.missed += len(gap)
            if ask:
                self._missing.update((ssrc, number) for number in gap)
                self.connection.send_rtcp(rtcp.nack(self._ssrc, ssrc, list(gap)[-100:]))

    def _frame(self, now: float) -> None:
        received = self.received
        received.frames += 1
        if not self._frame_at:
            self.first_frame_at = now
            received.first_frame = now - self._connected_at
        else:
            gap = now - self._frame_at
            mean = sum(self._gaps) / len(self._gaps) if self._gaps else gap
            if len(self._gaps) > 5 and gap > max(3 * mean, mean + 0.15):
                received.freezes += 1
            self._gaps.append(gap)
            received.longest_gap = max(received.longest_gap, gap)
        self._frame_at = now
