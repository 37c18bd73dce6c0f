"""SDP answers: the choice of codecs and header extensions, and the text of the answer. No I/O.

Choices are deterministic. A publisher gets exactly one codec per kind, so that what it sends is known before the first
packet; a subscriber gets every codec that could be forwarded to it, so that a republish with another codec needs no new
negotiation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from . import codecs
from .codecs import CodecIdentity
from .errors import MediaServerError
from .offer import Codec, Offer, Section

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

# RTCP feedback that the server sends to publishers, and feedback from subscribers that it acts on.
_TO_PUBLISHER = ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc")
_FROM_SUBSCRIBER = ("nack", "nack pli", "ccm fir", "goog-remb")


@dataclass(frozen=True)
class Source:
    """An RTP stream that the server sends, as the answer announces it; `name` is its CNAME."""

    ssrc: int
    rtx_ssrc: int | None
    name: str
    stream: str
    track: str


@dataclass
class Choice:
    """The answer to one media section of the offer."""

    section: Section
    direction: str
    codecs: list[Codec]
    feedback: tuple[str, ...] = ()
    extensions: dict[str, int] = field(default_factory=dict)
    source: Source | None = None


@dataclass(frozen=True)
class TransportDescription:
    """The server's end of a connection: ICE lite credentials, candidates by preference, DTLS fingerprints and role."""

    ufrag: str
    password: str
    candidates: Sequence[tuple[str, int]]
    fingerprints: Sequence[tuple[str, str]]
    setup: str


def for_publisher(offer: Offer, wanted: Collection[CodecIdentity]) -> list[Choice]:
    """Choose what a publisher is to send; prefer a codec in `wanted`, which the subscribers have negotiated.

    Raises `MediaServerError` if a section that sends has no codec that can be forwarded, or if none sends.
    """
    choices = []
    for kind in codecs.FORWARDED:
        section = offer.media(kind)
        if section is None or not section.sends:
            continue
        usable = _forwardable(section)
        if not usable:
            names = " or ".join(codecs.FORWARDED[kind])
            raise MediaServerError(f"sdpOffer has no {kind} codec that can be forwarded; {names} is needed")
        codec = next((c for c in usable if c.identity in wanted), usable[0])
        extensions = [TRANSPORT_SEQUENCE] if "transport-cc" in codec.feedback else []
        if kind == "audio":
            extensions += [AUDIO_LEVEL, SEND_TIME]
        choices.append(Choice(section, "recvonly", [codec], _TO_PUBLISHER, _common(section, extensions)))
    if not choices:
        raise MediaServerError("sdpOffer of a publisher has no section that sends audio or video")
    return choices


def for_subscriber(offer: Offer, sent: dict[str, CodecIdentity]) -> list[Choice]:
    """Choose what is forwarded to a subscriber; `sent` is what the publisher sends now, by kind.

    Raises `MediaServerError` if the offer lacks the stream's codec, or receives none of its kinds.
    """
    choices = []
    for kind in codecs.FORWARDED:
        section = offer.media(kind)
        if section is None:
            continue
        current = sent.get(kind)
        usable = _receivable(section, current)
        if not usable:
            continue
        direction = "sendonly" if current and section.receives else "inactive"
        choices.append(Choice(section, direction, usable, _FROM_SUBSCRIBER, _sent(section)))
    if not any(choice.direction == "sendonly" for choice in choices):
        kinds = " or ".join(sent)
        raise MediaServerError(
            f"sdpOffer of a subscriber has no section that receives {kinds}, which is what the stream has"
        )
    return choices


def for_loopback(publishing: Sequence[Choice]) -> list[Choice]:
    """Choose what a publisher gets back of what it is to send, on the same connection: what its sections receive."""
    return [
        Choice(choice.section, "sendonly", choice.codecs, _FROM_SUBSCRIBER, _sent(choice.section))
        for choice in publishing
        if choice.section.receives
    ]


def both_ways(publishing: Sequence[Choice], returned: Sequence[Choice]) -> None:
    """Make `publishing` the answer of a connection that also sends what is in `returned`, with its sources."""
    sources = {id(choice.section): choice for choice in returned}
    for choice in publishing:
        if (back := sources.get(id(choice.section))) is not None:
            choice.direction, choice.source = "sendrecv", back.source
            choice.extensions = {**choice.extensions, **back.extensions}


def _sent(section: Section) -> dict[str, int]:
    """Return the header extensions of packets that the server sends."""
    return _common(section, [SEND_TIME, AUDIO_LEVEL] if section.kind == "audio" else [SEND_TIME])


def _receivable(section: Section, current: CodecIdentity | None) -> list[Codec]:
    """Return the codecs that can be forwarded, that of the stream first: the browser expects the first codec listed.

    Raises `MediaServerError` if the section receives, and lacks the codec of the stream.
    """
    usable = _forwardable(section)
    if current is None:
        return usable
    matching = match(current, usable)
    if matching is not None:
        return [matching, *(codec for codec in usable if codec is not matching)]
    if section.receives:
        raise MediaServerError(
            f"sdpOffer of a subscriber lacks the stream's {section.kind} codec, {_describe(current)}"
        )
    return usable


def match(identity: CodecIdentity, offered: Sequence[Codec]) -> Codec | None:
    """Return the offered codec whose decoder takes `identity`'s payloads; None if there is none.

    H.264 decoders take each other's baseline profiles, but not a packetization mode that was not negotiated.
    """
    exact = next((codec for codec in offered if codec.identity == identity), None)
    return exact or next((codec for codec in offered if codec.identity[:2] == identity[:2]), None)


def _forwardable(section: Section) -> list[Codec]:
    """Return the section's codecs that can be forwarded, in the server's order of preference, then in the offer's."""
    names = codecs.FORWARDED[section.kind]
    usable = [codec for codec in section.codecs if codec.name in names]
    usable = [codec for codec in usable if codec.clock_rate == codecs.CLOCK_RATES[codec.name]]
    # Packetization mode 0 cannot carry frames that are larger than a packet.
    usable = [codec for codec in usable if codec.name != codecs.H264 or codec.identity.packetization_mode == "1"]
    return sorted(usable, key=lambda codec: names.index(codec.name))


def _common(section: Section, wanted: Sequence[str]) -> dict[str, int]:
    return {uri: section.extensions[uri] for uri in wanted if 1 <= section.extensions.get(uri, 0) <= 14}


def _describe(identity: CodecIdentity) -> str:
    details = f" (packetization mode {identity.packetization_mode}, profile {identity.profile})"
    return identity.name.upper() + (details if identity.name == codecs.H264 else "")


def write(offer: Offer, choices: Sequence[Choice], transport: TransportDescription) -> str:
    """Return the SDP answer; sections without a choice are rejected."""
    chosen = {id(choice.section): choice for choice in choices}
    accepted = [section.mid for section in offer.sections if id(section) in chosen and section.mid]
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite"]
    if offer.bundle:
        lines.append(f"a=group:BUNDLE {' '.join(accepted)}")
    lines.append("a=msid-semantic: WMS *")
    for section in offer.sections:
        choice = chosen.get(id(section))
        lines += _rejected(section) if choice is None else _accepted(choice, transport)
    return "\r\n".join(lines) + "\r\n"


def _rejected(section: Section) -> list[str]:
    lines = [f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return [*lines, f"a=mid:{section.mid}"] if section.mid else lines


def _accepted(choice: Choice, transport: TransportDescription) -> list[str]:
    section, source = choice.section, choice.source
    address, port = transport.candidates[0]
    formats = [
        str(number) for codec in choice.codecs for number in (codec.payload_type, codec.rtx) if number is not None
    ]
    family = "IP6" if ":" in address else "IP4"
    lines = [
        f"m={section.kind} {port} {section.protocol} {' '.join(formats)}",
        f"c=IN {family} {address}",
        f"a=rtcp:9 IN {family} {address}",
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.password}",
        *(f"a=fingerprint:{algorithm} {digest}" for algorithm, digest in transport.fingerprints),
        f"a=setup:{transport.setup}",
        f"a={choice.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    if section.mid:
        lines.append(f"a=mid:{section.mid}")
    lines += [f"a=extmap:{identifier} {uri}" for uri, identifier in choice.extensions.items()]
    for codec in choice.codecs:
        lines += _codec(codec, choice.feedback)
    if source is not None:
        lines += _source(source)
    for index, (host, candidate_port) in enumerate(transport.candidates):
        priority = (126 << 24) + ((65535 - index) << 8) + 255  # RFC 8445, section 5.1.2.1, for host candidates
        lines.append(f"a=candidate:{index + 1} 1 udp {priority} {host} {candidate_port} typ host")
    return [*lines, "a=end-of-candidates"]


def _codec(codec: Codec, feedback: tuple[str, ...]) -> list[str]:
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    name = {codecs.VP8: "VP8", codecs.H264: "H264"}.get(codec.name, codec.name)
    lines = [f"a=rtpmap:{codec.payload_type} {name}/{codec.clock_rate}{channels}"]
    lines += [f"a=rtcp-fb:{codec.payload_type} {item}" for item in feedback if item in codec.feedback]
    if codec.parameters_line:
        lines.append(f"a=fmtp:{codec.payload_type} {codec.parameters_line}")
    if codec.rtx is not None:
        lines += [f"a=rtpmap:{codec.rtx} rtx/{codec.clock_rate}", f"a=fmtp:{codec.rtx} apt={codec.payload_type}"]
    return lines


def _source(source: Source) -> list[str]:
    lines = [f"a=msid:{source.stream} {source.track}"]
    ssrcs = [source.ssrc]
    if source.rtx_ssrc is not None:
        ssrcs.append(source.rtx_ssrc)
        lines.append(f"a=ssrc-group:FID {source.ssrc} {source.rtx_ssrc}")
    for ssrc in ssrcs:
        lines += [f"a=ssrc:{ssrc} cname:{source.name}", f"a=ssrc:{ssrc} msid:{source.stream} {source.track}"]
    return lines
