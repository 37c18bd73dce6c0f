"""An ICE lite agent (RFC 8445, section 2.5) on one UDP port per host address, shared by all connections.

Why lite: the clients can reach the server's addresses, so they send the checks and nominate. The server sends only to
addresses from which a check was authenticated with the password of an answer, or to another port of such a host from which
a packet was decrypted; it has no checks to pace and no consent checks of its own that expire during an outage, and a client
that returns (at the same address or a new one) is received at once.

Why shared ports: a connection can end without closing its port, so that nothing answers its peer, not even the kernel
with an ICMP error; and a firewall needs only one open port.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import logging
import math
import secrets
from collections.abc import Callable, Sequence

import ifaddr

from pyvidu.server.limits import MediaLimits, TokenBucket
from pyvidu.server.traffic import Path

from . import stun
from .errors import MediaServerError
from .peer_addresses import Address, PeerAddresses
from .udp_port import UdpPort

logger = logging.getLogger(__name__)

# RFC 7675: nothing may be sent to a peer that has not renewed its consent for this long (seconds).
CONSENT_SECONDS = 30.0
# A peer that sends nothing from its nominated address for so many seconds, but checks from another, has lost it.
LOST_ADDRESS_SECONDS = 3.0
# A peer of which nothing has come for so many seconds may have another port: its NAT has forgotten the old one.
MOVED_AFTER_SECONDS = 0.1
# For so long the addresses of this machine are not read again; reading them takes a millisecond or so.
OWN_ADDRESSES_SECONDS = 1.0
_LIMITS = MediaLimits()


class IceSession:
    """The server's end of one connection: its credentials, and the present address of its peer.

    Everything in both directions passes along `path`, which the session closes. `on_datagram(data)` gets everything that
    is not STUN; `on_reachable()` is called at the first authenticated check. `credentials` are
    ufrag and password, if they were told to the peer before.
    """

    def __init__(
        self,
        ports: SharedPorts,
        path: Path,
        remote_ufrag: str,
        *,
        on_datagram: Callable[[bytes], None],
        on_reachable: Callable[[], None],
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self.ufrag, self.password = credentials or (secrets.token_hex(4), secrets.token_hex(16))
        self.last_heard: float | None = None
        """When the last datagram of the peer arrived (loop time, seconds)."""
        self._ports = ports
        self._path = path
        self._username = f"{self.ufrag}:{remote_ufrag}"
        self._on_datagram = on_datagram
        self._on_reachable = on_reachable
        self._port: UdpPort | None = None
        self._address: Address = ()
        self._addresses = PeerAddresses()
        self._last_from: Address = ()
        self._proved = False  # whether the last datagram was decrypted
        self._address_heard = 0.0
        self._consent_until = 0.0
        self._loop = asyncio.get_running_loop()
        ports.add(self)

    @property
    def peer(self) -> Address | None:
        """Return the peer's address; None until its first check."""
        return self._address or None

    def check(self, request: stun.BindingRequest, port: UdpPort, address: Address) -> None:
        """Answer a connectivity check, and switch to the address that the peer nominates."""
        if self._path.clear:
            self._check(request, port, address)
        else:
            self._path.incoming(functools.partial(self._check, request, port, address))

    def receive(self, data: bytes, address: Address) -> None:
        """Handle a datagram from an address that an authenticated check of the peer came from."""
        if self._path.clear:
            self._receive(data, address)
        else:
            self._path.incoming(functools.partial(self._receive, data, address))

    def send(self, data: bytes) -> None:
        """Send to the peer; drop the data before its first check, without its consent, and beyond `unproved`."""
        if (
            self._port is not None
            and self._loop.time() <= self._consent_until
            and self._addresses.admits(self._address, len(data))
        ):
            self._send(self._port, data, self._address)

    def authenticated(self) -> None:
        """Record that the last datagram was decrypted: the peer has sent it."""
        self._proved = True
        self._addresses.authentic(self._last_from, self._loop.time())

    def follow(self, data: bytes, port: UdpPort, address: Address) -> bool:
        """Handle a packet from an unknown port of the peer's host; return whether the peer has encrypted it.

        Then it has moved there: a NAT has forgotten its mapping, and the check that tells it may be 2.5 s away.
        """
        self._last_from, self._proved = address, False
        self._on_datagram(data)
        if not self._proved:
            return False
        logger.info("the peer of %s has moved from port %s to %s", self.ufrag, self._address[1], address[1])
        if (forgotten := self._addresses.moved(address, self._loop.time())) is not None:
            self._ports.unbind(self, forgotten)
        self._ports.bind(self, address)
        self._port, self._address = port, address
        self.last_heard = self._address_heard = self._loop.time()
        return True

    def may_have_moved(self, address: Address, now: float) -> bool:
        """Return whether a packet from an unknown `address` may be the peer's: from its host, and it was silent lately."""
        same = bool(self._address) and self._address[0] == address[0] and self._path.clear
        return same and now - self._address_heard >= MOVED_AFTER_SECONDS and self._addresses.proved(self._address)

    def holds(self, address: Address) -> bool:
        """Return whether the peer uses an address, so that it is not given to another session."""
        return self._addresses.holds(address, self._loop.time())

    def close(self) -> None:
        """Remove the session; later datagrams for it are ignored, without an answer."""
        self._path.close()  # sends what is on its way: the DTLS close_notify, among others
        self._ports.remove(self)
        self._port = None

    def _check(self, request: stun.BindingRequest, port: UdpPort, address: Address) -> None:
        if request.username != self._username or not request.authenticates(self.password):
            logger.debug("a check for %s from %s is not authentic", self.ufrag, address)
        elif request.controlled:
            self._send(port, stun.role_conflict(request, self.password), address)
        elif self._addresses.repeats(request.transaction):
            if self._addresses.retransmitted(request.transaction, address):
                self._answer(request, port, address)
        elif not self._ports.bind(self, address):
            logger.debug("a check for %s comes from %s, which another connection uses", self.ufrag, address)
        else:
            self._accept(request, port, address)

    def _accept(self, request: stun.BindingRequest, port: UdpPort, address: Address) -> None:
        if (forgotten := self._addresses.checked(request.transaction, address)) is not None:
            self._ports.unbind(self, forgotten)
        self.last_heard = self._loop.time()
        self._consent_until = self.last_heard + CONSENT_SECONDS
        self._answer(request, port, address)
        first = self._port is None
        lost = self.last_heard - self._address_heard > LOST_ADDRESS_SECONDS
        if first or request.nominates or (lost and self._address != address):
            if not first and self._address != address:
                logger.info("the peer of %s moved from %s to %s", self.ufrag, self._address[:2], address[:2])
            self._port, self._address = port, address
        if self._address == address:
            self._address_heard = self.last_heard
        if first:
            self._on_reachable()

    def _answer(self, request: stun.BindingRequest, port: UdpPort, address: Address) -> None:
        self._send(port, stun.success(request, address[:2], self.password), address)

    def _receive(self, data: bytes, address: Address) -> None:
        self.last_heard = self._loop.time()
        self._last_from = address
        if address == self._address:
            self._address_heard = self.last_heard
        self._on_datagram(data)

    def _send(self, port: UdpPort, data: bytes, address: Address) -> None:
        if self._path.clear:
            port.send(data, address)
        else:
            self._path.outgoing(functools.partial(port.send, data, address))


class SharedPorts:
    """The UDP sockets, one per host address, and the sessions that share them."""

    def __init__(self, host_addresses: Sequence[str] | None, *, only_this_machine: bool = False) -> None:
        """Use only these addresses or, with None, those of the host's interfaces at the time of each answer.

        `only_this_machine`: use loopback and the first other one, and answer no check from another machine.
        """
        self._configured = list(host_addresses) if host_addresses is not None else None
        self._only_this_machine = only_this_machine
        self._own: set[str] = set()  # addresses of this machine, as read at `_own_read_at` (loop time, seconds)
        self._own_read_at = -math.inf
        self._ports: dict[str, UdpPort] = {}
        self._opening = asyncio.Lock()
        self._sessions: dict[str, IceSession] = {}
        self._addresses: dict[Address, IceSession] = {}
        self._on_host: dict[str, dict[IceSession, None]] = {}  # which peers have had an address of this host
        self._moves = TokenBucket(_LIMITS.moves, _LIMITS.moves, 0.0)
        self._closed = False

    async def open(self) -> list[tuple[str, int]]:
        """Bind the addresses that are not bound yet; return the candidates, most useful first.

        Called before every answer, so that an interface that came up since is offered too. Raises `MediaServerError` if
        no address can be bound, and after `close`.
        """
        async with self._opening:
            if self._closed:
                raise MediaServerError("the media router is closed")
            candidates = []
            reasons = []
            loop = asyncio.get_running_loop()
            for host in self._hosts():
                if host not in self._ports:
                    try:
                        _, port = await loop.create_datagram_endpoint(
                            lambda: UdpPort(self.receive), local_addr=(host, 0)
                        )
                    except OSError as error:
                        reasons.append(f"{host}: {error.strerror or error}")
                        continue
                    port.enlarge_buffers()
                    self._ports[host] = port
                candidates.append((host, self._ports[host].number))
        if not candidates:
            raise MediaServerError(f"no host address can be bound ({'; '.join(reasons) or 'there is none'})")
        return candidates

    def _hosts(self) -> list[str]:
        if self._configured is not None:
            return self._configured
        if not self._only_this_machine:
            return interface_addresses()
        others = [host for host in interface_addresses() if not is_loopback_address(host)]
        return ["127.0.0.1", *others[:1]]

    def _is_allowed(self, address: Address) -> bool:
        """Return whether checks from `address` are answered; without one, other datagrams from there are dropped too."""
        host = str(address[0])
        if not self._only_this_machine or host in self._own:
            return True
        now = asyncio.get_running_loop().time()
        if now - self._own_read_at >= OWN_ADDRESSES_SECONDS:
            self._own, self._own_read_at = {"127.0.0.1", *interface_addresses()}, now
        return host in self._own

    @property
    def unsent(self) -> int:
        """Return how many packets were dropped because the kernel took none."""
        return sum(port.unsent for port in self._ports.values())

    async def close(self) -> None:
        """Close the sockets."""
        async with self._opening:
            self._closed = True
            ports = list(self._ports.values())
            self._ports.clear()
            for port in ports:
                port.close()
            await asyncio.gather(*(port.closed for port in ports))

    def add(self, session: IceSession) -> None:
        """Route checks with the session's username fragment to it."""
        self._sessions[session.ufrag] = session

    def bind(self, session: IceSession, address: Address) -> bool:
        """Route datagrams from an address to the session that sends a check from there.

        Return False, and change nothing, if it is in use by another session.
        """
        owner = self._addresses.get(address)
        if owner is not None and owner is not session and owner.holds(address):
            return False
        self._addresses[address] = session
        self._on_host.setdefault(address[0], {})[session] = None
        return True

    def unbind(self, session: IceSession, address: Address) -> None:
        """Stop routing datagrams from an address to the session."""
        if self._addresses.get(address) is session:
            del self._addresses[address]

    def remove(self, session: IceSession) -> None:
        """Stop routing datagrams to the session."""
        self._sessions.pop(session.ufrag, None)
        for address in [address for address, owner in self._addresses.items() if owner is session]:
            del self._addresses[address]
        for host in [host for host, sessions in self._on_host.items() if session in sessions]:
            del self._on_host[host][session]
            if not self._on_host[host]:
                del self._on_host[host]

    def receive(self, port: UdpPort, data: bytes, address: Address) -> None:
        """Route a datagram to its session; silently drop one that belongs to no session."""
        if stun.is_stun(data):
            request = stun.parse_request(data)
            session = self._sessions.get(request.username.partition(":")[0]) if request is not None else None
            if request is not None and session is not None and self._is_allowed(address):
                session.check(request, port, address)
        elif (session := self._addresses.get(address)) is not None and data:
            session.receive(data, address)
        elif data and 127 < data[0] < 192:
            self._find_owner(port, data, address)

    def _find_owner(self, port: UdpPort, data: bytes, address: Address) -> None:
        """Handle an RTP or RTCP packet from an address that belongs to no session, in case a peer has another port now."""
        now = asyncio.get_running_loop().time()
        for session in [item for item in self._on_host.get(address[0], ()) if item.may_have_moved(address, now)]:
            if not self._moves.take(now) or session.follow(data, port, address):
                return


def is_loopback_address(host: str) -> bool:
    """Return whether an address is one of loopback."""
    return ipaddress.ip_address(host).is_loopback


def interface_addresses() -> list[str]:
    """Return the addresses of this host's interfaces: real ones first, loopback last, IPv4 before IPv6.

    Loopback is included, because a browser on the same machine may have nothing else; link-local IPv6 is not, because
    its scope cannot be written into a candidate.
    """
    found: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ipaddress.ip_address(text.partition("%")[0])
            if not address.is_link_local and not address.is_unspecified:
                found.append(address)
    found.sort(key=lambda address: (address.is_loopback, address.version))
    return list(dict.fromkeys(map(str, found)))
