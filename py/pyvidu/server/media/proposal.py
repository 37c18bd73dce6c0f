"""SDP offers of the server for what a participant receives, as mediasoup makes them, and what an answer chose of one. No I/O.

An offer has every codec that could be forwarded, under payload types of our own, so that a republish with another codec needs
no new negotiation.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from . import answer, codecs
from . import offer as offers
from .answer import AUDIO_LEVEL, SEND_TIME, Choice, Source, TransportDescription
from .codecs import CodecIdentity
from .errors import MediaServerError
from .offer import Codec, Offer, Section

_PROTOCOL = "UDP/TLS/RTP/SAVPF"
_FEEDBACK = frozenset(("nack", "nack pli", "ccm fir", "goog-remb"))
_EXTENSIONS = {AUDIO_LEVEL: 1, SEND_TIME: 2}
_OPUS = Codec(111, codecs.OPUS, 48000, 2, {}, "minptime=10;useinbandfec=1", frozenset())
_VP8 = Codec(96, codecs.VP8, 90000, 1, {}, "", _FEEDBACK, rtx=97)
_BASELINE = "42e0"  # H.264's constrained baseline profile, which every browser decodes
_MODE = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="
_LEVEL = "1f"


@dataclass(frozen=True)
class Proposal:
    """An offer that waits for its answer. `ufrag` and `password` are the ICE credentials of its connection."""

    choices: list[Choice]
    ufrag: str
    password: str

    def write(self, candidates: Sequence[tuple[str, int]], fingerprints: Sequence[tuple[str, str]]) -> str:
        """Return the SDP offer."""
        sections = [choice.section for choice in self.choices]
        bundle = [section.mid for section in sections]
        offer = Offer(sections, bundle, self.ufrag, self.password, list(fingerprints), "actpass")
        transport = TransportDescription(self.ufrag, self.password, candidates, fingerprints, "actpass")
        return answer.write(offer, self.choices, transport)

    def accepted(self, answered: Offer, sent: Mapping[str, CodecIdentity]) -> list[Choice]:
        """Return what is to be forwarded after an answer; `sent` is what the publisher sends now, by kind.

        Raises `MediaServerError` if the answer receives nothing, or lacks the stream's codec.
        """
        choices = [chosen for choice in self.choices if (chosen := _accepted(choice, answered)) is not None]
        if not choices:
            raise MediaServerError("sdpAnswer receives nothing of what was offered")
        for choice in choices:
            current = sent.get(choice.section.kind)
            if current is not None and answer.match(current, choice.codecs) is None:
                raise MediaServerError(
                    f"sdpAnswer lacks the stream's {choice.section.kind} codec, {current.name.upper()}"
                )
        return choices


def propose(sent: Mapping[str, CodecIdentity], stream: str) -> Proposal:
    """Return an offer of a stream whose publisher sends `sent`, by kind."""
    name = secrets.token_hex(8)
    kinds = [kind for kind in codecs.FORWARDED if kind in sent]
    sections = [_section(kind, str(index), sent[kind]) for index, kind in enumerate(kinds)]
    every = Offer(sections, [section.mid for section in sections], "", "", [], "actpass")
    choices = answer.for_subscriber(every, dict(sent))
    for choice in choices:
        repairs = secrets.randbits(32) if choice.codecs[0].rtx is not None else None
        kind = choice.section.kind
        choice.source = Source(secrets.randbits(32), repairs, name, stream, f"{stream}_{kind}")
    return Proposal(choices, secrets.token_hex(4), secrets.token_hex(16))


def parse_answer(sdp: str) -> Offer:
    """Parse and check an answer, whose parts are those of an offer. Raises `MediaServerError` with the reason."""
    try:
        return offers.parse(sdp)
    except MediaServerError as error:
        raise MediaServerError(str(error).replace("sdpOffer", "sdpAnswer")) from None


def _section(kind: str, mid: str, current: CodecIdentity) -> Section:
    """Return a section as one that offers to receive all that could be forwarded."""
    usable = [_OPUS]
    if kind == "video":
        profiles = dict.fromkeys((current.profile or _BASELINE, _BASELINE))
        usable = [_VP8, *(_h264(102 + 2 * index, profile) for index, profile in enumerate(profiles))]
    extensions = dict(_EXTENSIONS) if kind == "audio" else {SEND_TIME: _EXTENSIONS[SEND_TIME]}
    formats = [str(codec.payload_type) for codec in usable]
    return Section(kind, 9, _PROTOCOL, formats, mid, "recvonly", rtcp_mux=True, codecs=usable, extensions=extensions)


def _h264(payload_type: int, profile: str) -> Codec:
    parameters = {"packetization-mode": "1", "profile-level-id": profile + _LEVEL}
    line = f"{_MODE}{profile}{_LEVEL}"
    return Codec(payload_type, codecs.H264, 90000, 1, parameters, line, _FEEDBACK, rtx=payload_type + 1)


def _accepted(choice: Choice, answered: Offer) -> Choice | None:
    """Return what an answer chose of a section, in the order of the offer; None if it receives none of it."""
    section = next((one for one in answered.sections if one.mid == choice.section.mid), None)
    if section is None or section.kind != choice.section.kind or not answered.bundles(section) or not section.receives:
        return None
    there = {codec.payload_type: codec for codec in section.codecs}
    chosen = [(codec, there[codec.payload_type]) for codec in choice.codecs if codec.payload_type in there]
    usable = [replace(codec, rtx=other.rtx) for codec, other in chosen if codec.name == other.name]
    if not usable:
        return None
    common = {uri: number for uri, number in choice.extensions.items() if section.extensions.get(uri) == number}
    return Choice(section, "sendonly", usable, choice.feedback, common, choice.source)
