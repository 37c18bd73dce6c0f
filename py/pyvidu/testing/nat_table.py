"""The connections that a router's kernel tracks, and so its NAT mappings: they can be forgotten, by `nfnetlink`.

What the command `conntrack -D` does, which is not installed everywhere.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

from pyvidu.testing.errors import LabError
from pyvidu.testing.inside import call_inside

# linux/netlink.h, linux/netfilter/nfnetlink_conntrack.h
_NETLINK_NETFILTER = 12
_CT_GET, _CT_DELETE = 0x101, 0x102  # subsystem 1, message 1 or 2
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_TUPLE_ORIGINAL, _TUPLE_PROTOCOL, _PROTOCOL_NUMBER = 1, 2, 1
_TYPE_MASK = 0x3FFF  # the two highest bits of an attribute's type are flags
_HEADER = struct.Struct("=IHHII")
_IPV4 = struct.pack("!BBH", socket.AF_INET, 0, 0)
_BUFFER = 1 << 16


class NatTable:
    """The connections that the kernel tracks in one network namespace."""

    def __init__(self, namespace: str) -> None:
        self._socket = call_inside(
            namespace, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        )
        self._socket.settimeout(5)

    def close(self) -> None:
        """Close the socket. May be called twice."""
        self._socket.close()

    def forget(self, protocol: int | None = None) -> int:
        """Forget the connections of a protocol (17 is UDP), or all of them, and return how many. Raises LabError."""
        forgotten = 0
        for original in list(self._connections(protocol)):
            (answer,) = self._ask(_CT_DELETE, _ACK, original)
            (code,) = struct.unpack_from("=i", answer)
            if code not in (0, -errno.ENOENT):  # it may have ended by itself meanwhile
                raise LabError(f"a connection that the router tracks cannot be deleted: {os.strerror(-code)}")
            forgotten += code == 0
        return forgotten

    def _connections(self, protocol: int | None) -> Iterator[bytes]:
        """Yield the attribute that identifies each connection."""
        for message in self._ask(_CT_GET, _DUMP):
            for kind, whole, value in _attributes(message[len(_IPV4) :]):
                if kind == _TUPLE_ORIGINAL and protocol in (None, _protocol(value)):
                    yield whole

    def _ask(self, command: int, flags: int, attributes: bytes = b"") -> Iterator[bytes]:
        """Send a request and yield the bodies of its answers, for a dump those before its end."""
        body = _IPV4 + attributes
        try:
            self._socket.send(_HEADER.pack(_HEADER.size + len(body), command, flags | _REQUEST, 0, 0) + body)
            while True:
                answers = self._socket.recv(_BUFFER)
                while answers:
                    length, kind, *_ = _HEADER.unpack_from(answers)
                    if kind == _DONE:
                        return
                    yield answers[_HEADER.size : length]
                    if kind == _ERROR:  # also what says that a request succeeded
                        return
                    answers = answers[_aligned(length) :]
        except OSError as error:
            raise LabError(f"the connections that the router tracks cannot be read or deleted: {error}") from None


def _attributes(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield type, whole attribute and value of each."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & _TYPE_MASK, data[: _aligned(length)], data[4:length]
        data = data[_aligned(length) :]


def _protocol(address: bytes) -> int | None:
    """Return the protocol of what identifies a connection."""
    for kind, _, value in _attributes(address):
        if kind == _TUPLE_PROTOCOL:
            return next((number[0] for inner, _, number in _attributes(value) if inner == _PROTOCOL_NUMBER), None)
    return None


def _aligned(length: int) -> int:
    return (length + 3) & ~3
