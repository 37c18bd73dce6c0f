"""Parsing and writing of RTP packets (RFC 3550) and their header extensions (RFC 8285). No I/O.

Only what forwarding needs: the fixed header is read and written, the payload is never parsed (`codecs` does that).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

ONE_BYTE_EXTENSIONS = 0xBEDE
TWO_BYTE_EXTENSIONS = 0x1000

_HEADER = struct.Struct("!BBHII")
_EXTENSION_HEADER = struct.Struct("!HH")
_RTX_SEQUENCE = struct.Struct("!H")


@dataclass(slots=True)
class RtpPacket:
    """A parsed packet; `body` is the payload with its padding, `padding` the length of the padding in bytes."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    body: bytes
    padding: int = 0
    extension_profile: int = 0
    extension_block: bytes = b""

    def extension(self, identifier: int) -> bytes | None:
        """Return the value of a header extension element; None if the packet has none, or `identifier` is 0."""
        if not identifier or not self.extension_block:
            return None
        return find_extension(self.extension_profile, self.extension_block, identifier)


def is_rtcp(datagram: bytes) -> bool:
    """Return whether a datagram on a multiplexed port is RTCP and not RTP (RFC 5761, section 4)."""
    return len(datagram) >= 2 and 192 <= datagram[1] <= 223


def parse(datagram: bytes) -> RtpPacket:
    """Parse a packet. Raises `ValueError` on anything malformed."""
    size = len(datagram)
    if size < 12:
        raise ValueError("an RTP packet is at least 12 bytes")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    if first >> 6 != 2:
        raise ValueError("not RTP version 2")
    start = 12 + 4 * (first & 0x0F)
    profile, block = 0, b""
    if first & 0x10:
        if size < start + 4:
            raise ValueError("the RTP header extension is truncated")
        profile, words = _EXTENSION_HEADER.unpack_from(datagram, start)
        start += 4
        block = datagram[start : start + 4 * words]
        start += 4 * words
    if start > size:
        raise ValueError("the RTP header is truncated")
    padding = 0
    if first & 0x20:
        padding = datagram[-1]
        if not 0 < padding <= size - start:
            raise ValueError("the RTP padding is longer than the payload")
    return RtpPacket(
        second & 0x7F, second >= 0x80, sequence, timestamp, ssrc, datagram[start:], padding, profile, block
    )


def serialize(packet: RtpPacket) -> bytes:
    """Return a packet as bytes, without CSRCs: a forwarder has none."""
    first = 0x80 | (0x20 if packet.padding else 0)
    extension = b""
    if packet.extension_block:
        first |= 0x10
        extension = _EXTENSION_HEADER.pack(packet.extension_profile, len(packet.extension_block) // 4)
        extension += packet.extension_block
    second = packet.payload_type | (0x80 if packet.marker else 0)
    header = _HEADER.pack(first, second, packet.sequence, packet.timestamp, packet.ssrc)
    return header + extension + packet.body


def find_extension(profile: int, block: bytes, identifier: int) -> bytes | None:
    """Return the value of one header extension element; None if it is absent or the block is malformed before it."""
    position, end = 0, len(block)
    two_bytes = profile & 0xFFF0 == TWO_BYTE_EXTENSIONS
    if not two_bytes and profile != ONE_BYTE_EXTENSIONS:
        return None
    while position < end:
        byte = block[position]
        if byte == 0:  # padding between elements
            position += 1
            continue
        if two_bytes:
            if position + 2 > end:
                return None
            found, length = byte, block[position + 1]
            position += 2
        else:
            found, length = byte >> 4, (byte & 0x0F) + 1
            if found == 15:  # reserved: stop parsing (RFC 8285, section 4.2)
                return None
            position += 1
        if found == identifier:
            return block[position : position + length] if position + length <= end else None
        position += length
    return None


def one_byte_extension(identifier: int, value: bytes) -> bytes:
    """Return one element of 1 to 16 bytes under an id of 1 to 14; `extension_block` pads joined elements."""
    return bytes([identifier << 4 | len(value) - 1]) + value


def extension_block(elements: bytes) -> bytes:
    """Return joined elements padded to whole 32-bit words, as a packet carries them."""
    return elements + bytes(-len(elements) % 4)


def send_time(now: float) -> bytes:
    """Return the value of an `abs-send-time` extension: seconds as 6.18-bit fixed point."""
    return (round(now * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")


def rtx_original(packet: RtpPacket) -> tuple[int, bytes] | None:
    """Return the original's sequence number and body from a retransmission (RFC 4588); None for mere padding."""
    if len(packet.body) - packet.padding < 2:
        return None
    return _RTX_SEQUENCE.unpack_from(packet.body)[0], packet.body[2:]


def rtx_body(sequence: int, body: bytes) -> bytes:
    """Return the body of a packet for its retransmission under RFC 4588."""
    return _RTX_SEQUENCE.pack(sequence) + body
