"""Refuses frames that a client has not masked (RFC 6455, 5.1), which aiohttp reads as if nothing were wrong."""

from __future__ import annotations

import asyncio

from pyvidu.server.http.listener import TcpConnection

_MASK = 0x80
_FORBIDDEN = bytes((0x83, _MASK, 0, 0, 0, 0))
"""A frame with a reserved opcode: aiohttp closes with 1002, after it has delivered what came before."""


class FrameHeads:
    """Follows the heads of the frames in what a client sends."""

    def __init__(self) -> None:
        self._skip = 0  # bytes until the next head
        self._begun = b""  # of a head, checked already
        self._held = b""  # the first byte of a head, which does not tell yet

    def checked(self, data: bytes) -> tuple[bytes, bool]:
        """Return what may be read of `data`, and whether a frame without a mask is next."""
        data = self._held + data
        before = len(self._begun)
        whole = self._begun + data
        at = self._skip
        while at + 2 <= len(whole):
            if not whole[at + 1] & _MASK:
                return data[: at - before], True
            length = whole[at + 1] & ~_MASK
            width = 2 if length == 126 else 8 if length == 127 else 0
            if at + 2 + width > len(whole):
                break
            if width:
                length = int.from_bytes(whole[at + 2 : at + 2 + width], "big")
            at += 2 + width + 4 + length
        self._skip = max(0, at - len(whole))
        rest = whole[at:]
        self._held, self._begun = (rest, b"") if len(rest) == 1 else (b"", rest)
        return data[: len(data) - len(self._held)], False


class _Check:
    """Returns what arrives, and a forbidden frame instead of one without a mask."""

    def __init__(self) -> None:
        self._heads: FrameHeads | None = FrameHeads()

    def __call__(self, data: bytes) -> bytes:
        if self._heads is None:
            return data
        data, forbidden = self._heads.checked(data)
        if forbidden:
            self._heads = None
            data += _FORBIDDEN
        return data


def require_masks(tcp: asyncio.Transport) -> None:
    """Close the WebSocket on `tcp` with 1002 at a frame without a mask. Call it before the handshake is answered."""
    connection = tcp.get_protocol()
    if isinstance(connection, TcpConnection):  # not where a test serves without a listener
        connection.check = _Check()
