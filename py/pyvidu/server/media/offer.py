"""SDP offers (RFC 8866, 8829, 8843), parsed and checked as far as a forwarder needs them. No I/O.

Remote candidates are not read at all: an offer cannot make this server send a packet anywhere. Peers are answered at
the addresses that their own authenticated STUN checks came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyvidu.server.limits import SdpLimits

from . import codecs
from .errors import MediaServerError

_LIMITS = SdpLimits()
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_FINGERPRINTS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_DIGEST = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*")
_PORT = re.compile(r"[0-9]{1,5}(/[0-9]{1,5})?")
_UFRAG = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/=_-]{22,256}")
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,64}")


@dataclass(frozen=True)
class Codec:
    """A codec of an offer; `parameters_line` is its fmtp value as offered, `rtx` its retransmission payload type."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int
    parameters: dict[str, str]
    parameters_line: str
    feedback: frozenset[str]
    rtx: int | None = None

    @property
    def identity(self) -> codecs.CodecIdentity:
        """Return what must match at publisher and subscriber."""
        return codecs.identify(self.name, self.parameters)


@dataclass
class Section:
    """A media section of an offer; `kind`, `port`, `protocol` and `formats` are the fields of its `m=` line."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    mid: str = ""
    direction: str = "sendrecv"
    rtcp_mux: bool = False
    codecs: list[Codec] = field(default_factory=list)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrc: int | None = None
    rtx_ssrc: int | None = None

    @property
    def sends(self) -> bool:
        """Return whether the offerer offers to send."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Return whether the offerer offers to receive."""
        return self.direction in ("sendrecv", "recvonly")


@dataclass(frozen=True)
class Offer:
    """A checked offer: one transport and the media sections, of which `bundles` selects those that use it."""

    sections: list[Section]
    bundle: list[str]
    ufrag: str
    password: str
    fingerprints: list[tuple[str, str]]
    setup: str

    def media(self, kind: str) -> Section | None:
        """Return the first usable section of a kind; None if there is none."""
        usable = (section for section in self.sections if section.kind == kind and self.bundles(section))
        return next(usable, None)

    def bundles(self, section: Section) -> bool:
        """Return whether the section is in use and shares the one transport."""
        if section.port == 0 and section.mid not in self.bundle:
            return False
        return section.mid in self.bundle if self.bundle else section is self.sections[0]


class _Lines:
    """The lines of one part of an offer, its attributes by name: each line is looked at once, whatever is asked for.

    `head` is the first line, `flags` are the attributes without a value.
    """

    def __init__(self, head: str = "") -> None:
        self.head = head
        self.flags: set[str] = set()
        self._values: dict[str, list[str]] = {}

    def add(self, line: str) -> None:
        """Add a line of this part."""
        if not line.startswith("a="):
            return
        name, colon, value = line[2:].partition(":")
        if not colon:
            self.flags.add(name)
        elif value := value.strip():
            self._values.setdefault(name, []).append(value)

    def values(self, attribute: str) -> list[str]:
        """Return the values of an attribute, in their order, without empty ones."""
        return self._values.get(attribute, [])

    def value(self, attribute: str) -> str:
        """Return the first of them, or an empty text."""
        return next(iter(self.values(attribute)), "")


def parse(sdp: str, limits: SdpLimits = _LIMITS) -> Offer:
    """Parse and check an offer, in a time that is proportional to its length. Raises `MediaServerError` with the reason."""
    if not sdp.startswith("v=0"):
        raise MediaServerError("sdpOffer is not a session description: it does not start with v=0")
    if len(sdp) > limits.sdp_size:
        raise MediaServerError(f"sdpOffer is longer than {limits.sdp_size} characters")
    session, *media = _split(sdp, limits)
    if not media:
        raise MediaServerError("sdpOffer has no media section")
    bundle = _bundle(session, limits)
    sections = [_section(lines, limits) for lines in media]
    mids = [section.mid for section in sections if section.mid]
    if len(set(mids)) != len(mids):
        raise MediaServerError("sdpOffer uses a mid twice")
    carrier = _carrier(sections, bundle)
    _check_rtcp_mux(sections, bundle)
    return _transport(session, media[carrier], sections, bundle, limits)


def _split(sdp: str, limits: SdpLimits) -> list[_Lines]:
    """Return the session's lines and those of each media section."""
    if sdp.count("\n") > limits.sdp_lines:
        raise MediaServerError(f"sdpOffer has more than {limits.sdp_lines} lines")
    if sdp.count("\na=candidate:") > limits.sdp_candidates:
        raise MediaServerError(f"sdpOffer has more than {limits.sdp_candidates} candidates")
    groups = [_Lines()]
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            if len(groups) > limits.sdp_sections:
                raise MediaServerError(f"sdpOffer has more than {limits.sdp_sections} media sections")
            groups.append(_Lines(line))
        else:
            groups[-1].add(line.rstrip())
    return groups


def _bundle(session: _Lines, limits: SdpLimits) -> list[str]:
    """Return the mids of the first BUNDLE group that has any; none if the offer does not bundle."""
    for value in session.values("group"):
        semantics, *mids = value.split(None, limits.sdp_sections + 1)
        if semantics == "BUNDLE" and mids:
            if len(mids) > limits.sdp_sections:
                raise MediaServerError(f"sdpOffer bundles more than {limits.sdp_sections} mids")
            return mids
    return []


def _check_rtcp_mux(sections: list[Section], bundle: list[str]) -> None:
    for section in sections:
        if section.kind in codecs.FORWARDED and section.mid in bundle and not section.rtcp_mux:
            raise MediaServerError(f"sdpOffer has no a=rtcp-mux in its {section.kind} section")


def _carrier(sections: list[Section], bundle: list[str]) -> int:
    """Return the index of the section whose transport attributes apply (RFC 8843: the first of the bundle).

    Raises `MediaServerError` if several sections are not bundled, or if no section has the mid.
    """
    if not bundle:
        if sum(section.port != 0 for section in sections) > 1:
            raise MediaServerError("sdpOffer does not bundle its media sections (a=group:BUNDLE)")
        return 0
    for index, section in enumerate(sections):
        if section.mid == bundle[0]:
            return index
    raise MediaServerError(f"sdpOffer bundles the mid {bundle[0]!r}, which no media section has")


def _transport(session: _Lines, lines: _Lines, sections: list[Section], bundle: list[str], limits: SdpLimits) -> Offer:
    if "ice-lite" in session.flags:
        raise MediaServerError(
            "sdpOffer is from an ICE lite agent; this server is one, and one side must be a full agent"
        )
    ufrag = lines.value("ice-ufrag") or session.value("ice-ufrag")
    password = lines.value("ice-pwd") or session.value("ice-pwd")
    if not _UFRAG.fullmatch(ufrag):
        raise MediaServerError("sdpOffer has no valid a=ice-ufrag")
    if not _PASSWORD.fullmatch(password):
        raise MediaServerError("sdpOffer has no valid a=ice-pwd")
    fingerprints = _fingerprints(lines.values("fingerprint") or session.values("fingerprint"), limits)
    setup = lines.value("setup") or session.value("setup")
    if setup not in ("actpass", "active", "passive"):
        raise MediaServerError(f"sdpOffer has a=setup:{setup[:20] or '(none)'}; actpass, active or passive is needed")
    return Offer(sections, bundle, ufrag, password, fingerprints, setup)


def _fingerprints(values: list[str], limits: SdpLimits) -> list[tuple[str, str]]:
    """Return the fingerprints of supported algorithms."""
    found = []
    for value in values:
        algorithm, _, digest = value.partition(" ")
        algorithm = algorithm.lower()
        size = _FINGERPRINTS.get(algorithm)
        if size is None:
            continue
        if len(digest) != 3 * size - 1 or not _DIGEST.fullmatch(digest):
            raise MediaServerError(f"sdpOffer has a malformed {algorithm} fingerprint")
        found.append((algorithm, digest))
        if len(found) > limits.sdp_fingerprints:
            raise MediaServerError(f"sdpOffer has more than {limits.sdp_fingerprints} fingerprints")
    if not found:
        raise MediaServerError("sdpOffer has no a=fingerprint of a supported algorithm (sha-256, sha-384, sha-512)")
    return found


def _section(lines: _Lines, limits: SdpLimits) -> Section:
    fields = lines.head[2:].split(None, limits.sdp_formats + 3)
    if len(fields) < 4 or not _PORT.fullmatch(fields[1]):
        raise MediaServerError(f"sdpOffer has a malformed media line: {lines.head[:80]!r}")
    kind, port, protocol, *formats = fields
    if len(formats) > limits.sdp_formats:
        raise MediaServerError(f"sdpOffer has more than {limits.sdp_formats} formats in a media section")
    section = Section(kind, int(port.partition("/")[0]), protocol, formats)
    section.mid = lines.value("mid")
    if section.mid and not _TOKEN.fullmatch(section.mid):
        raise MediaServerError("sdpOffer has a malformed a=mid")
    section.rtcp_mux = "rtcp-mux" in lines.flags
    section.direction = next((direction for direction in _DIRECTIONS if direction in lines.flags), "sendrecv")
    if kind not in codecs.FORWARDED:
        return section
    try:
        section.codecs = _codecs(lines, formats, limits)
        for value in lines.values("extmap"):
            identifier, uri = value.split(None, 2)[:2]
            section.extensions.setdefault(uri, int(identifier.partition("/")[0]))
        _sources(section, lines)
    except (ValueError, IndexError) as error:
        raise MediaServerError(f"sdpOffer has a malformed line in its {kind} section: {str(error)[:200]}") from error
    return section


def _sources(section: Section, lines: _Lines) -> None:
    named = [int(value.split(None, 1)[0]) for value in lines.values("ssrc")]
    pairs = [value.split(None, 3)[1:3] for value in lines.values("ssrc-group") if value.startswith("FID ")]
    if named:
        section.ssrc = named[0]
    for pair in pairs:
        if len(pair) == 2 and int(pair[0]) == section.ssrc:
            section.rtx_ssrc = int(pair[1])


def _codecs(lines: _Lines, formats: list[str], limits: SdpLimits) -> list[Codec]:
    descriptions = dict(_by_payload_type(lines, "rtpmap"))
    parameters = dict(_by_payload_type(lines, "fmtp"))
    feedback: dict[str, set[str]] = {}
    for value in lines.values("rtcp-fb"):
        payload, _, description = value.partition(" ")
        accepted = feedback.setdefault(payload, set())
        accepted.add(description.strip())
        if len(accepted) > limits.sdp_feedback:
            raise ValueError(f"more than {limits.sdp_feedback} a=rtcp-fb for one payload type")
    found: list[Codec] = []
    repairs: dict[int, int] = {}
    for number in dict.fromkeys(map(int, formats)):  # each once: what follows is done for each
        if not 0 <= number <= 127:
            raise ValueError(f"{number} is not a payload type")
        if number not in descriptions:
            continue
        name, rate, *channels = descriptions[number].split("/", 3)
        line = parameters.get(number, "").strip()
        if len(line) > limits.sdp_fmtp:
            raise ValueError(f"a=fmtp:{number} has more than {limits.sdp_fmtp} characters")
        values = dict(_parameter(item) for item in line.split(";") if item.strip())
        if name.lower() == "rtx":
            repairs.setdefault(int(values.get("apt", "-1")), number)
            continue
        accepted = feedback.get(str(number), set()) | feedback.get("*", set())
        count = int(channels[0]) if channels else 1
        found.append(Codec(number, name.lower(), int(rate), count, values, line, frozenset(accepted)))
    return [
        Codec(**{**codec.__dict__, "rtx": repairs.get(codec.payload_type)})  # an rtx may come before its codec
        for codec in found
    ]


def _by_payload_type(lines: _Lines, attribute: str) -> Iterator[tuple[int, str]]:
    for value in lines.values(attribute):
        payload_type, _, description = value.partition(" ")
        yield int(payload_type), description


def _parameter(item: str) -> tuple[str, str]:
    name, _, value = item.strip().partition("=")
    return name.lower(), value
