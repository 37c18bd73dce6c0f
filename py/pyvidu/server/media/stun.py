"""STUN binding requests and responses of ICE (RFC 8489, RFC 8445), as far as an ICE lite agent needs them. No I/O.

A lite agent sends no requests of its own, so no other part of STUN is needed.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import ipaddress
import struct
from dataclasses import dataclass
from typing import Any

_COOKIE = 0x2112A442
_HEADER = struct.Struct("!HHI12s")
_REQUEST, _SUCCESS, _ERROR = 0x0001, 0x0101, 0x0111
_USERNAME, _INTEGRITY, _ERROR_CODE, _XOR_MAPPED_ADDRESS = 0x0006, 0x0008, 0x0009, 0x0020
_USE_CANDIDATE, _FINGERPRINT, _CONTROLLED = 0x0025, 0x8028, 0x8029
_FINGERPRINT_XOR = 0x5354554E


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A well-formed request that is not authenticated yet; see `authenticates`."""

    transaction: bytes
    username: str
    nominates: bool
    controlled: bool
    _signed: bytes
    _signature: bytes

    def authenticates(self, password: str) -> bool:
        """Return whether the request was signed with this password of the server."""
        return hmac.compare_digest(_sign(self._signed, password), self._signature)


def is_stun(datagram: bytes) -> bool:
    """Return whether a datagram is STUN and not DTLS or SRTP on the same port (RFC 7983)."""
    return len(datagram) >= 20 and datagram[0] < 4


def parse_request(datagram: bytes) -> BindingRequest | None:
    """Return a binding request; None for every other message and for malformed ones."""
    if len(datagram) < _HEADER.size:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(datagram)
    if kind != _REQUEST or cookie != _COOKIE or length != len(datagram) - _HEADER.size or length % 4:
        return None
    username, nominates, controlled = "", False, False
    position = _HEADER.size
    while position + 4 <= len(datagram):
        attribute, size = struct.unpack_from("!HH", datagram, position)
        value = datagram[position + 4 : position + 4 + size]
        if len(value) != size:
            return None
        if attribute == _INTEGRITY and size == 20:
            return BindingRequest(transaction, username, nominates, controlled, datagram[:position], value)
        if attribute == _USERNAME:
            username = value.decode("utf-8", "replace")
        nominates = nominates or attribute == _USE_CANDIDATE
        controlled = controlled or attribute == _CONTROLLED
        position += 4 + size + (-size % 4)
    return None  # unsigned


def success(request: BindingRequest, address: tuple[Any, ...], password: str) -> bytes:
    """Return the success response with the address that the request came from."""
    host = ipaddress.ip_address(address[0].partition("%")[0])
    pad = struct.pack("!I", _COOKIE) + request.transaction
    packed = bytes(a ^ b for a, b in zip(host.packed, pad, strict=False))
    port = address[1] ^ (_COOKIE >> 16)
    mapped = struct.pack("!BBH", 0, 1 if host.version == 4 else 2, port) + packed
    return _finish(_SUCCESS, request.transaction, _attribute(_XOR_MAPPED_ADDRESS, mapped), password)


def role_conflict(request: BindingRequest, password: str) -> bytes:
    """Return the error for a peer that claims the controlled role, the server's own (RFC 8445, section 7.3.1.1)."""
    error = _attribute(_ERROR_CODE, struct.pack("!HBB", 0, 4, 87) + b"Role Conflict")
    return _finish(_ERROR, request.transaction, error, password)


def binding_request(username: str, password: str, transaction: bytes, *, nominates: bool) -> bytes:
    """Return a binding request of a controlling agent; only tests use it, the server never sends one."""
    body = _attribute(_USERNAME, username.encode())
    if nominates:
        body += _attribute(_USE_CANDIDATE, b"")
    return _finish(_REQUEST, transaction, body, password)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _sign(message: bytes, password: str) -> bytes:
    # The length includes the signature, which is appended afterwards (RFC 8489, section 14.5).
    prefix = message[:2] + struct.pack("!H", len(message) - _HEADER.size + 24)
    return hmac.new(password.encode(), prefix + message[4:], hashlib.sha1).digest()


def _finish(kind: int, transaction: bytes, body: bytes, password: str) -> bytes:
    message = _HEADER.pack(kind, len(body), _COOKIE, transaction) + body
    message = (
        message[:2] + struct.pack("!H", len(body) + 32) + message[4:] + _attribute(_INTEGRITY, _sign(message, password))
    )
    fingerprint = binascii.crc32(message) ^ _FINGERPRINT_XOR
    return message + _attribute(_FINGERPRINT, struct.pack("!I", fingerprint))
