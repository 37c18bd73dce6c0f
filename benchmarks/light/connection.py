"""A media connection without a browser and without aiortc's peer connection: one socket, one candidate, one `DtlsSrtp`.

The counterpart of the server's ICE lite agent: it checks the one candidate of the answer, nominates it, and goes on
checking so that consent does not expire. Loopback only.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import Callable
from typing import Any

from pyvidu.server.media import stun
from pyvidu.server.media.dtls_srtp import Certificate, DtlsSrtp
from pyvidu.server.media.rtp import is_rtcp

HOST = "127.0.0.1"
_FIRST_CHECKS = 0.05  # seconds between checks until the first is answered
_CONSENT = 5.0  # seconds between checks from then on
_BUFFER = 1024 * 1024  # bytes


class LightConnection(asyncio.DatagramProtocol):
    """A connection over UDP. `on_rtp(packet, now)` and `on_rtcp(packet, now)` receive the decrypted packets."""

    def __init__(
        self, certificate: Certificate, on_rtp: Callable[[bytes, float], None], on_rtcp: Callable[[bytes, float], None]
    ) -> None:
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self.connected = asyncio.Event()
        self.closed = False
        self.packets = 0
        """How many packets of RTP and RTCP have arrived."""
        self.checks_answered = 0
        self._certificate = certificate
        self._on_rtp, self._on_rtcp = on_rtp, on_rtcp
        self._loop = asyncio.get_running_loop()
        self._udp: asyncio.DatagramTransport | None = None
        self.server: tuple[str, int] = (HOST, 9)
        self._remote = ("", "")
        self._heard = False
        self._timer: asyncio.TimerHandle | None = None
        self._dtls: DtlsSrtp | None = None

    async def open(self) -> None:
        """Bind a port."""
        udp, _ = await self._loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        # As large as a browser's: the process may have to wait for a core.
        udp.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)

    async def move(self) -> None:
        """Go on from another port, as after a handover: check from there, and nominate it."""
        former = self._udp
        await self.open()
        if former is not None:
            former.close()
        self.send(self.check())

    @property
    def address(self) -> tuple[str, int]:
        """Return its own address."""
        return (HOST, self._udp.get_extra_info("sockname")[1] if self._udp is not None else 0)

    @property
    def remote(self) -> tuple[str, str]:
        """Return the user name fragment and the password of the answer."""
        return self._remote

    def describe(self) -> list[str]:
        """Return the lines of an offer about this connection."""
        return [
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.password}",
            *(f"a=fingerprint:{algorithm} {value}" for algorithm, value in self._certificate.fingerprints),
            "a=setup:actpass",
        ]

    async def accept(self, answer: str, patience: float = 20.0) -> None:
        """Connect according to an answer. Raises TimeoutError after `patience` seconds."""
        found = {name: re.findall(rf"a={name}:(\S+)", answer)[0] for name in ("ice-ufrag", "ice-pwd", "setup")}
        self._remote = found["ice-ufrag"], found["ice-pwd"]
        self.server = HOST, int(re.findall(rf"a=candidate:\d+ 1 udp \d+ {re.escape(HOST)} (\d+) typ host", answer)[0])
        self._dtls = DtlsSrtp(
            self._certificate,
            [tuple(pair) for pair in re.findall(r"a=fingerprint:(\S+) (\S+)", answer)],
            client=found["setup"] == "passive",
            send=self.send,
            on_connected=self.connected.set,
            on_packet=self._packet,
            on_closed=lambda _: None,
        )
        self._check()
        await asyncio.wait_for(self.connected.wait(), patience)

    def send(self, datagram: bytes) -> None:
        """Send a datagram as it is."""
        if self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(datagram, self.server)

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send."""
        if self._dtls is not None and self._dtls.connected:
            self.send(self._dtls.protect_rtp(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send."""
        if self._dtls is not None and self._dtls.connected:
            self.send(self._dtls.protect_rtcp(packet))

    async def close(self) -> None:
        """Close the DTLS connection and release the port."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._dtls is not None:
            await self._dtls.close()
        if self._udp is not None:
            self._udp.close()

    def check(self) -> bytes:
        """Return a connectivity check that nominates."""
        ufrag, password = self._remote
        return stun.binding_request(f"{ufrag}:{self.ufrag}", password, secrets.token_bytes(12), nominates=True)

    def _check(self) -> None:
        self.send(self.check())
        self._timer = self._loop.call_later(_CONSENT if self._heard else _FIRST_CHECKS, self._check)

    def connection_made(self, transport: Any) -> None:
        self._udp = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._dtls is None or not data:
            return
        if stun.is_stun(data):
            self.checks_answered += 1
            if not self._heard:
                self._heard = True
                self._dtls.start()
        else:
            self._dtls.receive(data)

    def _packet(self, data: bytes) -> None:
        self.packets += 1
        (self._on_rtcp if is_rtcp(data) else self._on_rtp)(data, self._loop.time())
