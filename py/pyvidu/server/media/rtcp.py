"""RTCP (RFC 3550, 4585, 5104): parses compound packets into events that a forwarder acts on, and builds those it sends.

Unknown packets and blocks are skipped: a peer may send more than was negotiated.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pyvidu.server.limits import MediaLimits

_SENDER_REPORT, _RECEIVER_REPORT, _DESCRIPTION, _BYE, _RTP_FEEDBACK, _PAYLOAD_FEEDBACK = 200, 201, 202, 203, 205, 206
_NACK, _TRANSPORT_FEEDBACK = 1, 15
_PLI, _FIR, _APPLICATION = 1, 4, 15
_REMB = b"REMB"
_LARGEST_NACK = MediaLimits().nack_size

_REPORT_BLOCK = struct.Struct("!IIIIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """One report block: how one side receives a source of the other. Units as in RFC 3550."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_report: int
    delay_since_last_report: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The sender's clock: `ntp` (64-bit NTP time) corresponds to the RTP timestamp `timestamp`."""

    ssrc: int
    ntp: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets missing at the peer, as 16-bit sequence numbers of the media source `ssrc`, each once."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyFrameRequest:
    """A PLI or FIR for the media source `ssrc`."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class BandwidthEstimate:
    """A REMB (draft-alvestrand-rmcat-remb-03): the peer's estimate of the capacity towards it, in bits a second."""

    bits_per_second: int


Event = ReportBlock | SenderReport | Nack | KeyFrameRequest | BandwidthEstimate


def parse(data: bytes) -> list[Event]:
    """Parse a compound packet. Raises `ValueError` on anything malformed."""
    events: list[Event] = []
    for kind, count, body in _packets(data):
        try:
            events += _events(kind, count, body)
        except struct.error as error:
            raise ValueError("the RTCP packet is truncated") from error
    return events


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, count (or feedback message type) and body of each packet, without its padding."""
    position = 0
    while position < len(data):
        if position + 4 > len(data):
            raise ValueError("the RTCP header is truncated")
        first, kind, words = struct.unpack_from("!BBH", data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise ValueError("the RTCP packet is malformed")
        body = data[position + 4 : end]
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise ValueError("the RTCP padding is longer than the packet")
            body = body[: -body[-1]]
        yield kind, first & 0x1F, body
        position = end


def _events(kind: int, count: int, body: bytes) -> list[Event]:
    """Return what one packet reports. Raises `struct.error` if it is truncated."""
    if kind == _SENDER_REPORT:
        return [SenderReport(*struct.unpack_from("!IQI", body)), *_report_blocks(body[24:], count)]
    if kind == _RECEIVER_REPORT:
        return [*_report_blocks(body[4:], count)]
    if kind == _RTP_FEEDBACK and count == _NACK:
        return [_nack(body)]
    if kind == _PAYLOAD_FEEDBACK:
        return _payload_feedback(count, body)
    return []


def _payload_feedback(message: int, body: bytes) -> list[Event]:
    if message == _PLI:
        return [KeyFrameRequest(struct.unpack_from("!I", body, 4)[0])]
    if message == _FIR:
        return [KeyFrameRequest(ssrc) for ssrc, _ in struct.iter_unpack("!II", body[8:])]
    if message == _APPLICATION and body[8:12] == _REMB:
        (value,) = struct.unpack_from("!I", body, 12)
        return [BandwidthEstimate((value & 0x3FFFF) << (value >> 18 & 0x3F))]
    return []


def _report_blocks(body: bytes, count: int) -> list[ReportBlock]:
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, last, delay = _REPORT_BLOCK.unpack_from(body, index * _REPORT_BLOCK.size)
        lost = loss & 0xFFFFFF
        blocks.append(
            ReportBlock(ssrc, loss >> 24, lost - (1 << 24) if lost >= 1 << 23 else lost, highest, jitter, last, delay)
        )
    return blocks


def _nack(body: bytes) -> Nack:
    ssrc: int = struct.unpack_from("!I", body, 4)[0]
    sequences: dict[int, None] = {}  # as an ordered set
    for first, following in dict.fromkeys(struct.iter_unpack("!HH", body[8:])):
        sequences[first] = None
        sequences.update(((first + 1 + bit) & 0xFFFF, None) for bit in range(16) if following >> bit & 1)
        if len(sequences) > _LARGEST_NACK:
            break
    return Nack(ssrc, tuple(sequences)[:_LARGEST_NACK])


def is_after(last_report: int, ntp: float) -> bool:
    """Return whether a report block answers a sender report of that time or later, in seconds since 1900."""
    return not (last_report - int(ntp * 65536)) & 0x80000000


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def receiver_report(ssrc: int, blocks: list[ReportBlock]) -> bytes:
    """Return a receiver report from `ssrc` about the peer's sources."""
    body = struct.pack("!I", ssrc)
    for block in blocks:
        lost = min(max(block.packets_lost, -(1 << 23)), (1 << 23) - 1) & 0xFFFFFF
        body += _REPORT_BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | lost,
            block.highest_sequence & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last_report,
            block.delay_since_last_report & 0xFFFFFFFF,
        )
    return _packet(_RECEIVER_REPORT, len(blocks), body)


def sender_report(ssrc: int, *, ntp: int, timestamp: int, packets: int, octets: int, name: str) -> bytes:
    """Return a sender report and the source description that belongs to it (`name` is the CNAME)."""
    report = struct.pack("!IQIII", ssrc, ntp, timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return _packet(_SENDER_REPORT, 0, report) + _description(ssrc, name)


def _description(ssrc: int, name: str) -> bytes:
    item = name.encode()
    chunk = struct.pack("!IBB", ssrc, 1, len(item)) + item + b"\0"
    return _packet(_DESCRIPTION, 1, chunk + bytes(-len(chunk) % 4))


def bye(ssrc: int) -> bytes:
    """Return the BYE of the source `ssrc`."""
    return _packet(_BYE, 1, struct.pack("!I", ssrc))


def picture_loss(ssrc: int, media_ssrc: int) -> bytes:
    """Return a PLI: the request for a key frame."""
    return _packet(_PAYLOAD_FEEDBACK, _PLI, struct.pack("!II", ssrc, media_ssrc))


def bandwidth_estimate(ssrc: int, bits_per_second: int, sources: list[int]) -> bytes:
    """Return a REMB about the peer's sources (SSRCs)."""
    exponent = max(0, bits_per_second.bit_length() - 18)
    value = len(sources) << 24 | exponent << 18 | bits_per_second >> exponent
    return _packet(
        _PAYLOAD_FEEDBACK,
        _APPLICATION,
        struct.pack(f"!II4sI{len(sources)}I", ssrc, 0, _REMB, value, *sources),
    )


def nack(ssrc: int, media_ssrc: int, sequences: list[int]) -> bytes:
    """Return a generic NACK for extended sequence numbers in ascending order."""
    body = struct.pack("!II", ssrc, media_ssrc)
    position = 0
    while position < len(sequences):
        first, following = sequences[position], 0
        position += 1
        while position < len(sequences) and sequences[position] - first <= 16:
            following |= 1 << (sequences[position] - first - 1)
            position += 1
        body += struct.pack("!HH", first & 0xFFFF, following)
    return _packet(_RTP_FEEDBACK, _NACK, body)


def transport_feedback(ssrc: int, media_ssrc: int, information: bytes) -> bytes:
    """Return a transport-wide feedback message with what `transport_feedback.TransportFeedback.pack` returned."""
    body = struct.pack("!II", ssrc, media_ssrc) + information
    padding = -len(body) % 4
    packet = _packet(
        _RTP_FEEDBACK, _TRANSPORT_FEEDBACK, body + bytes(max(0, padding - 1)) + bytes([padding] * (padding > 0))
    )
    return bytes([packet[0] | 0x20]) + packet[1:] if padding else packet
