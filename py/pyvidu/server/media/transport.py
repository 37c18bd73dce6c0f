"""One media connection to one participant: ICE lite, DTLS and SRTP combined, with one owner that closes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from pyvidu.server.traffic import Path

from .answer import TransportDescription
from .dtls_srtp import LARGEST_PACKET, Certificate, DtlsSrtp
from .ice_lite import IceSession, SharedPorts
from .intake import Intake
from .offer import Offer
from .rtp import is_rtcp

logger = logging.getLogger(__name__)


class MediaTransport:
    """A connection whose offer was answered; `offer` is the peer's answer if the server offered.

    Its callbacks run in the event loop, never within a call of its methods.
    `on_rtp(data, now)` and `on_rtcp(data, now)` receive decrypted packets, `now` being the loop time of arrival.
    """

    def __init__(
        self,
        participant: str,
        path: Path,
        ports: SharedPorts,
        certificate: Certificate,
        offer: Offer,
        intake: Intake,
        *,
        on_connected: Callable[[], None],
        on_rtp: Callable[[bytes, float], None],
        on_rtcp: Callable[[bytes, float], None],
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self.participant = participant
        self.closed = False
        self.dropped = 0
        """Datagrams that were more than the participant may send."""
        self._intake = intake
        self._certificate = certificate
        # "active" unless the peer requires that role: the server's first flight then leaves together with the answer to
        # the peer's first check, half a round trip before the peer could start the handshake.
        self._client = offer.setup != "active"
        self._on_connected, self._on_rtp, self._on_rtcp = on_connected, on_rtp, on_rtcp
        self._loop = asyncio.get_running_loop()
        self._answered_at = self._loop.time()
        self._ice = IceSession(
            ports,
            path,
            offer.ufrag,
            on_datagram=self._receive,
            on_reachable=self._reachable,
            credentials=credentials,
        )
        self._dtls = DtlsSrtp(
            certificate,
            offer.fingerprints,
            client=self._client,
            send=self._ice.send,
            on_connected=self._connected,
            on_packet=self._packet,
            on_closed=self._ended,
        )

    def describe(self, candidates: list[tuple[str, int]]) -> TransportDescription:
        """Return the description of this connection for the answer."""
        setup = "active" if self._client else "passive"
        return TransportDescription(
            self._ice.ufrag, self._ice.password, candidates, self._certificate.fingerprints, setup
        )

    @property
    def connected(self) -> bool:
        """Return whether packets can be sent. True through an outage: only the peer or the owner ends a connection."""
        return self._dtls.connected

    @property
    def last_heard(self) -> float | None:
        """Return when the peer's last datagram arrived (loop time, seconds); None before the first."""
        return self._ice.last_heard

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send an RTP packet; drop it while not connected, or if it is longer than `LARGEST_PACKET`."""
        if self._dtls.connected and len(packet) <= LARGEST_PACKET:
            self._ice.send(self._dtls.protect_rtp(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send an RTCP packet; drop it while not connected, or if it is longer than `LARGEST_PACKET`."""
        if self._dtls.connected and len(packet) <= LARGEST_PACKET:
            self._ice.send(self._dtls.protect_rtcp(packet))

    async def close(self) -> None:
        """Close the connection, with a DTLS close_notify to the peer."""
        if self.closed:
            return
        self.closed = True
        await self._dtls.close()
        self._ice.close()

    def _reachable(self) -> None:
        logger.debug("%s is reachable %.0f ms after the answer", self.participant, self._age())
        self._dtls.start()

    def _receive(self, data: bytes) -> None:
        if self._intake.admits(len(data), self._loop.time()):
            self._dtls.receive(data)
        else:
            self.dropped += 1

    def _connected(self) -> None:
        logger.debug("%s is connected %.0f ms after the answer", self.participant, self._age())
        self._ice.authenticated()
        self._on_connected()

    def _ended(self, reason: str) -> None:
        logger.info("a media connection of %s ended: %s", self.participant, reason)

    def _packet(self, data: bytes) -> None:
        self._ice.authenticated()
        if is_rtcp(data):
            self._on_rtcp(data, self._loop.time())
        else:
            self._on_rtp(data, self._loop.time())

    def _age(self) -> float:
        return 1000 * (self._loop.time() - self._answered_at)
