"""The receiving end of a publisher's connection: packets to the stream, reports and requests to the browser."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import secrets
from collections.abc import Callable
from typing import NamedTuple

from . import codecs, rtcp, rtp
from .answer import AUDIO_LEVEL, SEND_TIME, TRANSPORT_SEQUENCE, Choice
from .path_counters import PathCounters
from .reception import OUTAGE_SECONDS, MediaPacket, Reception
from .subscriber import SubscriberEndpoint
from .transport import MediaTransport
from .transport_feedback import TransportFeedback

logger = logging.getLogger(__name__)

# Receiver reports prove to a browser that packets arrive: to a client that receives no RTP, four a second show the beginning
# and the end of an outage soon, and cost 3 kbit/s (in seconds).
REPORT_INTERVAL = 0.25
FEEDBACK_INTERVAL = 0.1
# Messages at a time: losses that are left out lie between them, and Chromium reads one of a compound packet.
_MOST_FEEDBACK = 20
# A publisher's clock that differs from the assumed offset by more than this (seconds) was set, or has drifted: the new
# offset is used.
_CLOCK_STEP = 0.5
# The REMB value (bits a second) that lifts a limit, and how often it is sent: losing one must not keep the limit.
_NO_LIMIT = 1_000_000_000
_NO_LIMIT_REPEATS = 4

_connections = itertools.count(1)


class _Binding(NamedTuple):
    kind: str
    reception: Reception
    is_rtx: bool
    sequence_extension: int
    level_extension: int
    time_extension: int


class PublisherEndpoint:
    """One connection of a publisher. `on_packet(kind, packet)` receives what is to be forwarded."""

    def __init__(
        self,
        choices: list[Choice],
        connect: Callable[[PublisherEndpoint], MediaTransport],
        *,
        on_packet: Callable[[str, MediaPacket], None],
        on_connected: Callable[[PublisherEndpoint], None],
        on_returned: Callable[[], None],
        on_hopeless: Callable[[], None],
        allowed: Callable[[float], float | None],
        recovers_by_itself: bool,
    ) -> None:
        """Call `on_returned` with the first packet after an outage.

        Call `on_hopeless` when missing packets are given up, so that only a key frame helps.

        `allowed(now)` returns how many bits a second the subscribers can receive; None: no limit.
        """
        self.receptions: dict[str, Reception] = {}
        self.loopback: SubscriberEndpoint | None = None
        """Sends the stream back on this connection, if its publisher wants it."""
        self.nacks_sent = 0
        self.key_frames_requested = 0
        self._bindings: dict[int, _Binding] = {}
        self._on_packet, self._on_connected = on_packet, on_connected
        self._on_returned, self._on_hopeless = on_returned, on_hopeless
        self._allowed = allowed
        self._limit: float | None = None
        self._lifts = 0
        self._loop = asyncio.get_running_loop()
        self._ssrc = secrets.randbits(32)
        self._feedback = TransportFeedback()
        self._clock_offset: float | None = None
        self._heard, self._returned = math.inf, 0.0  # before the first packet there is no outage
        self._key_frame_wanted = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        connection = next(_connections)
        for choice in choices:
            self._bind(choice, recovers_by_itself, connection)
        self.transport = connect(self)

    def _bind(self, choice: Choice, recovers_by_itself: bool, connection: int) -> None:
        section, codec = choice.section, choice.codecs[0]
        reception = Reception(
            codec.identity,
            ssrc=section.ssrc,
            repairs=section.kind == "video" and "nack" in codec.feedback,
            breaks_on_outage=recovers_by_itself,
            connection=connection,
        )
        self.receptions[section.kind] = reception
        extensions = [choice.extensions.get(uri, 0) for uri in (TRANSPORT_SEQUENCE, AUDIO_LEVEL, SEND_TIME)]
        self._bindings[codec.payload_type] = _Binding(section.kind, reception, False, *extensions)
        if codec.rtx is not None:
            self._bindings[codec.rtx] = _Binding(section.kind, reception, True, *extensions)

    def connected(self) -> None:
        """Handle the established transport: start the reports, and send a pending key frame request."""
        self._timers["report"] = self._loop.call_later(REPORT_INTERVAL, self._report)
        if self._key_frame_wanted:
            self.ask_for_key_frame()
        self._on_connected(self)
        if self.loopback is not None:
            self.loopback.connected()

    def rtp_received(self, data: bytes, now: float) -> None:
        """Handle an RTP packet that arrived at `now` (loop time)."""
        try:
            packet = rtp.parse(data)
        except ValueError as error:
            logger.debug("a malformed packet of %s: %s", self.transport.participant, error)
            return
        binding = self._bindings.get(packet.payload_type)
        if binding is None:
            return
        kind, reception, is_rtx, sequence_extension, level_extension, time_extension = binding
        if now - self._heard > OUTAGE_SECONDS:
            self._returned = now
            self._on_returned()
        self._heard = now
        value = packet.extension(sequence_extension)
        if value is not None and len(value) == 2:
            self._feedback.received(value[0] << 8 | value[1], now)
            if "feedback" not in self._timers:
                self._timers["feedback"] = self._loop.call_later(FEEDBACK_INTERVAL, self._send_feedback)
        if is_rtx:
            accepted = reception.receive_retransmission(packet, now)
        else:
            level, sent = packet.extension(level_extension), packet.extension(time_extension)
            accepted = reception.receive(packet, level, now, self._returned, sent)
        if accepted is not None:
            self._on_packet(kind, accepted)
        if "losses" not in self._timers and reception.run.recovery.next_due() is not None:
            self._ask_for_losses()

    def rtcp_received(self, data: bytes, now: float) -> None:
        """Handle an RTCP packet; only sender reports are used, for the publisher's clock. The rest is about the loopback."""
        if self.loopback is not None:
            self.loopback.rtcp_received(data, now)
        try:
            events = rtcp.parse(data)
        except ValueError as error:
            logger.debug("a malformed report of %s: %s", self.transport.participant, error)
            return
        for event in events:
            if isinstance(event, rtcp.SenderReport):
                reception = next((r for r in self.receptions.values() if r.ssrc == event.ssrc), None)
                if reception is not None:
                    observed = now - event.ntp / (1 << 32)
                    if self._clock_offset is None or abs(observed - self._clock_offset) > _CLOCK_STEP:
                        self._clock_offset = observed
                    reception.reported(event, self._clock_offset, now)

    def counters(self) -> PathCounters:
        """Return what is known of the path from the publisher."""
        return PathCounters.combined(reception.counters() for reception in self.receptions.values())

    @property
    def last_arrival(self) -> float:
        """Return the time of the last RTP packet, 0 before the first; in seconds of the event loop's clock."""
        return max((reception.last_arrival for reception in self.receptions.values()), default=0.0)

    def ask_for_key_frame(self) -> None:
        """Send a PLI, now or as soon as the connection is up."""
        video = self.receptions.get("video")
        if video is None:
            return
        self._key_frame_wanted = not self.transport.connected or video.ssrc is None
        if not self._key_frame_wanted and video.ssrc is not None:
            self.key_frames_requested += 1
            self.transport.send_rtcp(rtcp.picture_loss(self._ssrc, video.ssrc))

    def limit(self, bits_per_second: float | None) -> None:
        """Set the limit, None for no limit; send a lower one at once, any other with the next report."""
        lower = bits_per_second is not None and (self._limit is None or bits_per_second < 0.97 * self._limit)
        if bits_per_second is None and self._limit is not None:
            self._lifts = _NO_LIMIT_REPEATS
        self._limit = bits_per_second
        if lower:
            self._send_limit()

    def _send_limit(self) -> None:
        # In addition to transport-wide feedback: a browser sends what its own estimate and the REMB both allow.
        if self._limit is None and not self._lifts:
            return
        self._lifts = max(0, self._lifts - 1) if self._limit is None else 0
        bits_per_second = _NO_LIMIT if self._limit is None else round(self._limit)
        sources = [reception.ssrc for reception in self.receptions.values() if reception.ssrc is not None]
        self.transport.send_rtcp(rtcp.bandwidth_estimate(self._ssrc, bits_per_second, sources))

    async def close(self) -> None:
        """Close the connection."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self.loopback is not None:
            await self.loopback.close()
        await self.transport.close()

    @property
    def codecs(self) -> dict[str, codecs.CodecIdentity]:
        """Return the codecs received on this connection, by kind."""
        return {kind: reception.codec for kind, reception in self.receptions.items()}

    def _report(self) -> None:
        self._timers["report"] = self._loop.call_later(REPORT_INTERVAL, self._report)
        now = self._loop.time()
        blocks = [block for reception in self.receptions.values() if (block := reception.report(now)) is not None]
        if blocks:
            self.transport.send_rtcp(rtcp.receiver_report(self._ssrc, blocks))
        self.limit(self._allowed(now))
        self._send_limit()

    def _send_feedback(self) -> None:
        del self._timers["feedback"]
        media = next((r.ssrc for r in self.receptions.values() if r.ssrc is not None), 0)
        for _ in range(_MOST_FEEDBACK):
            information = self._feedback.pack()
            if information is None:
                break
            self.transport.send_rtcp(rtcp.transport_feedback(self._ssrc, media, information))
        if self._feedback.pending:
            self._timers["feedback"] = self._loop.call_later(FEEDBACK_INTERVAL, self._send_feedback)

    def _ask_for_losses(self) -> None:
        self._timers.pop("losses", None)
        now = self._loop.time()
        next_due: list[float] = []
        for reception in self.receptions.values():
            recovery = reception.run.recovery
            given_up = recovery.given_up
            missing = recovery.due(now)
            if missing and reception.ssrc is not None:
                self.nacks_sent += 1
                self.transport.send_rtcp(rtcp.nack(self._ssrc, reception.ssrc, missing))
            if recovery.given_up > given_up:
                self._on_hopeless()
            if (due := recovery.next_due()) is not None:
                next_due.append(due)
        if next_due:
            self._timers["losses"] = self._loop.call_at(min(next_due), self._ask_for_losses)
