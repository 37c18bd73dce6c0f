"""DTLS-SRTP for one connection, built on aiortc: the only module that uses aiortc and its private names.

Used of aiortc 1.16: `RTCDtlsTransport` (handshake, fingerprint check, key export), driven through a stand-in for its
ICE transport, and the two SRTP sessions that the handshake creates. After the handshake, packets do not pass through
aiortc's tasks and queues: SRTP is decrypted and encrypted here, within the socket's callback.
`tests/server/media/test_dtls_srtp.py` has a test for each name, so that an incompatible aiortc fails the tests.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from pyvidu.server.limits import MediaLimits

logger = logging.getLogger(__name__)

# OpenSSL retransmits a lost flight after 1 s, 2 s, ..., many times the round trip of a call's path. Like browsers,
# start at 60 ms (here in seconds).
_FIRST_REPEAT = 0.06
_LONGEST_REPEAT = 1.0
_HANDSHAKE = 22
# The largest that pylibsrtp takes: its buffer of 1500 bytes less what libsrtp may append. Browsers send up to 1200.
LARGEST_PACKET = 1500 - 4 - 16 - 128
# DTLS records not read yet: a handshake takes a dozen, and after a failed one nothing reads the queue any more.
_MOST_UNREAD = 64
# Packets that arrive after the peer has completed the handshake and before the server has: the start of its first
# key frame.
_MOST_EARLY_PACKETS = 256
_MOST_SOURCES = MediaLimits().sources


class Certificate:
    """The server's DTLS identity, one for all connections."""

    def __init__(self) -> None:
        self._certificate = RTCCertificate.generateCertificate()

    @property
    def fingerprints(self) -> list[tuple[str, str]]:
        """Return algorithm and value, sha-256 alone: every peer supports it, and the answer is shorter."""
        found = [(print_.algorithm, print_.value) for print_ in self._certificate.getFingerprints()]
        return [entry for entry in found if entry[0] == "sha-256"]


class _Datagrams:
    """The part of an ICE transport that `RTCDtlsTransport` uses."""

    def __init__(self, role: str, send: Callable[[bytes], None]) -> None:
        self.role = role
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_UNREAD)
        self.__send = send

    def end(self) -> None:
        """Discard what is queued and end the pending or next read with `ConnectionError`."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)

    async def _recv(self) -> bytes:
        data = await self.queue.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self.__send(data)


class DtlsSrtp:
    """The encryption of one connection. `on_connected` and `on_closed` are called at most once each, in that order.

    `on_packet(data)` receives every decrypted RTP and RTCP packet.
    """

    def __init__(
        self,
        certificate: Certificate,
        fingerprints: Sequence[tuple[str, str]],
        *,
        client: bool,
        send: Callable[[bytes], None],
        on_connected: Callable[[], None],
        on_packet: Callable[[bytes], None],
        on_closed: Callable[[str], None],
    ) -> None:
        # aiortc derives the DTLS role from the ICE role: the controlled side starts the handshake.
        self._datagrams = _Datagrams("controlled" if client else "controlling", self._send_flight)
        self._dtls: Any = RTCDtlsTransport(self._datagrams, [certificate._certificate])  # type: ignore[arg-type]
        self._remote = RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints])
        self._send = send
        self._on_connected, self._on_packet, self._on_closed = on_connected, on_packet, on_closed
        self._handshake: asyncio.Task[None] | None = None
        self._flight: list[bytes] = []
        self._flight_answered = False
        self._repeat: asyncio.TimerHandle | None = None
        self._repeat_after = _FIRST_REPEAT
        self._last_flight: list[bytes] = []
        self._early: list[bytes] = []
        self._sources: set[bytes] = set()
        self.connected = False
        self._dtls.on("statechange", self._state_changed)

    def start(self) -> None:
        """Start the handshake; the peer must already be reachable."""
        if self._handshake is None:
            self._handshake = asyncio.get_running_loop().create_task(self._dtls.start(self._remote))

    def receive(self, data: bytes) -> None:
        """Handle a datagram that is not STUN."""
        if 127 < data[0] < 192:
            if self.connected:
                self._unprotect(data)
            elif len(self._early) < _MOST_EARLY_PACKETS:
                self._early.append(data)
        elif 19 < data[0] < 64:
            self._flight_answered = True
            if self._datagrams.queue.full():
                return
            self._datagrams.queue.put_nowait(data)
            if self._last_flight and data[0] == _HANDSHAKE:
                # The peer retransmits its flight: the server's last one was lost. OpenSSL does not answer a duplicate.
                for datagram in self._last_flight:
                    self._send(datagram)

    def protect_rtp(self, packet: bytes) -> bytes:
        """Encrypt an RTP packet of at most `LARGEST_PACKET` bytes; call only once connected."""
        protected: bytes = self._dtls._tx_srtp.protect(packet)
        return protected

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Encrypt an RTCP packet of at most `LARGEST_PACKET` bytes; call only once connected."""
        protected: bytes = self._dtls._tx_srtp.protect_rtcp(packet)
        return protected

    async def close(self) -> None:
        """Send the peer a DTLS close_notify (if `send` can) and end every task of this connection."""
        self._stop_repeating()
        self._dtls.remove_all_listeners()
        self.connected = False
        self._early.clear()
        if self._handshake is not None and not self._handshake.done():
            # aiortc reads with `wait_for`, which before Python 3.12 loses a cancellation that coincides with a
            # datagram: the handshake then continues until it is done or a read fails, hence `end`.
            self._handshake.cancel()
            self._datagrams.end()
            await asyncio.gather(self._handshake, return_exceptions=True)
        pump = self._dtls._task
        await self._dtls.stop()
        if pump is not None:
            await asyncio.gather(pump, return_exceptions=True)
        self._stop_repeating()

    def _unprotect(self, data: bytes) -> None:
        session = self._dtls._rx_srtp
        rtcp = len(data) > 1 and 192 <= data[1] <= 223
        source = data[4:8] if rtcp else data[8:12]
        if source not in self._sources and len(self._sources) >= _MOST_SOURCES:
            return  # libsrtp keeps the state of each for good, and searches them one by one
        try:
            packet = session.unprotect_rtcp(data) if rtcp else session.unprotect(data)
        except (pylibsrtp.Error, IndexError, ValueError) as error:  # ValueError: longer than a packet can be
            logger.debug("a packet could not be decrypted: %s", error)
            return
        self._sources.add(source)
        self._on_packet(packet)

    def _state_changed(self) -> None:
        state = self._dtls.state
        if state == "connected":
            if not self._flight_answered:
                self._last_flight = self._flight[:]
            self._stop_repeating()
            self.connected = True
            self._on_connected()
            early, self._early = self._early, []
            for data in early:
                self._unprotect(data)
        elif state in ("failed", "closed"):
            self._stop_repeating()
            self.connected = False
            self._on_closed("the DTLS handshake failed" if state == "failed" else "the peer closed the connection")

    def _send_flight(self, data: bytes) -> None:
        self._send(data)
        if self.connected or self._dtls.state != "connecting":
            return
        if self._flight_answered:
            self._flight_answered = False
            self._flight.clear()
            self._repeat_after = _FIRST_REPEAT
        self._flight.append(data)
        self._schedule_repeat()

    def _schedule_repeat(self) -> None:
        if self._repeat is not None:
            self._repeat.cancel()
        self._repeat = asyncio.get_running_loop().call_later(self._repeat_after, self._repeat_flight)

    def _repeat_flight(self) -> None:
        for data in self._flight:
            self._send(data)
        self._repeat_after = min(2 * self._repeat_after, _LONGEST_REPEAT)
        self._schedule_repeat()

    def _stop_repeating(self) -> None:
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None
        self._flight.clear()
