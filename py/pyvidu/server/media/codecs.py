"""The codecs that are forwarded, their identities, and the few payload bytes that a forwarder must read.

Not a decoder: VP8 (RFC 7741) and H.264 (RFC 6184) payloads are read just far enough to detect where a key frame
starts, and VP8's picture counters are shifted so that they continue when a publisher's encoder is replaced.
"""

from __future__ import annotations

from typing import NamedTuple

VP8 = "vp8"
H264 = "h264"
OPUS = "opus"
FORWARDED = {"audio": (OPUS,), "video": (VP8, H264)}
CLOCK_RATES = {OPUS: 48000, VP8: 90000, H264: 90000}

_H264_FU_A = 28
_H264_STAP_A = 24
_H264_SPS = 7


class CodecIdentity(NamedTuple):
    """What must match at publisher and subscriber for payloads to be decodable; profile and mode are H.264's."""

    name: str
    packetization_mode: str = ""
    profile: str = ""


def identify(name: str, parameters: dict[str, str]) -> CodecIdentity:
    """Return the identity of a negotiated codec, with RFC 6184's defaults for what an offer leaves out."""
    name = name.lower()
    if name != H264:
        return CodecIdentity(name)
    level_id = parameters.get("profile-level-id", "42001f").lower()
    return CodecIdentity(name, parameters.get("packetization-mode", "0"), level_id[:4])


def starts_key_frame(name: str, payload: bytes) -> bool:
    """Return whether this payload is the first of a key frame that a decoder can start from; always true for audio."""
    if name == VP8:
        return _vp8_starts_key_frame(payload)
    if name == H264:
        return _h264_starts_key_frame(payload)
    return True


def _h264_starts_key_frame(payload: bytes) -> bool:
    # WebRTC senders repeat the parameter sets before every IDR picture: decoding starts at the set, not the picture.
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == _H264_SPS:
        return True
    if kind == _H264_STAP_A:
        position = 1
        while position + 2 < len(payload):
            if payload[position + 2] & 0x1F == _H264_SPS:
                return True
            position += 2 + int.from_bytes(payload[position : position + 2], "big")
    if kind == _H264_FU_A and len(payload) > 1:
        return bool(payload[1] & 0x80) and payload[1] & 0x1F == _H264_SPS
    return False


class Vp8Descriptor(NamedTuple):
    """Offsets and values of a VP8 payload descriptor's counters, -1 if absent; `size` is its length in bytes."""

    picture_at: int
    picture_bits: int
    picture: int
    level_zero_at: int
    level_zero: int
    size: int


def vp8_descriptor(payload: bytes) -> Vp8Descriptor | None:
    """Return the VP8 payload descriptor; None if it is truncated."""
    try:
        position, picture_at, picture_bits, picture, level_zero_at, level_zero = 1, -1, 0, -1, -1, -1
        if payload[0] & 0x80:
            extended = payload[1]
            position = 2
            if extended & 0x80:
                picture_at = position
                if payload[position] & 0x80:
                    picture_bits = 15
                    picture = (payload[position] & 0x7F) << 8 | payload[position + 1]
                    position += 2
                else:
                    picture_bits, picture = 7, payload[position]
                    position += 1
            if extended & 0x40:
                level_zero_at, level_zero = position, payload[position]
                position += 1
            if extended & 0x30:
                position += 1
        if position > len(payload):
            return None
        return Vp8Descriptor(picture_at, picture_bits, picture, level_zero_at, level_zero, position)
    except IndexError:
        return None


def _vp8_starts_key_frame(payload: bytes) -> bool:
    if not payload or payload[0] & 0x17 != 0x10:  # not the start of partition 0
        return False
    descriptor = vp8_descriptor(payload)
    return descriptor is not None and descriptor.size < len(payload) and not payload[descriptor.size] & 1


def shift_vp8_counters(payload: bytes, picture: int, level_zero: int) -> bytes:
    """Return the payload with its picture id and TL0PICIDX advanced by these amounts (modulo their widths)."""
    descriptor = vp8_descriptor(payload)
    if descriptor is None or (descriptor.picture_at < 0 and descriptor.level_zero_at < 0):
        return payload
    shifted = bytearray(payload)
    if descriptor.picture_at >= 0:
        value = (descriptor.picture + picture) % (1 << descriptor.picture_bits)
        if descriptor.picture_bits == 15:
            shifted[descriptor.picture_at] = 0x80 | value >> 8
            shifted[descriptor.picture_at + 1] = value & 0xFF
        else:
            shifted[descriptor.picture_at] = value
    if descriptor.level_zero_at >= 0:
        shifted[descriptor.level_zero_at] = (descriptor.level_zero + level_zero) & 0xFF
    return bytes(shifted)
