"""SDP offers (RFC 8866, 8829, 8843), parsed and checked as far as a forwarder needs them. No I/O.

Remote candidates are not read at all: an offer cannot make this server send a packet anywhere. Peers are answered at
the addresses that their own authenticated STUN checks came from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import codecs
from .errors import MediaServerError

LARGEST_OFFER = 256 * 1024
MOST_SECTIONS = 32

_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_FINGERPRINTS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
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


def parse(sdp: str) -> Offer:
    """Parse and check an offer. Raises `MediaServerError` with the reason."""
    if not sdp.startswith("v=0"):
        raise MediaServerError("sdpOffer is not a session description: it does not start with v=0")
    if len(sdp) > LARGEST_OFFER:
        raise MediaServerError(f"sdpOffer is longer than {LARGEST_OFFER} characters")
    session, *media = _split(sdp)
    if not media:
        raise MediaServerError("sdpOffer has no media section")
    if len(media) > MOST_SECTIONS:
        raise MediaServerError(f"sdpOffer has more than {MOST_SECTIONS} media sections")
    bundle = _bundle(session)
    sections = [_section(lines) for lines in media]
    mids = [section.mid for section in sections if section.mid]
    if len(set(mids)) != len(mids):
        raise MediaServerError("sdpOffer uses a mid twice")
    carrier = _carrier(sections, bundle)
    _check_rtcp_mux(sections, bundle)
    return _transport(session, media[carrier], sections, bundle)


def _split(sdp: str) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            groups.append([])
        if line:
            groups[-1].append(line.rstrip())
    return groups


def _values(lines: list[str], attribute: str) -> list[str]:
    prefix = f"a={attribute}:"
    return [value for line in lines if line.startswith(prefix) and (value := line[len(prefix) :].strip())]


def _first(lines: list[str], fallback: list[str], attribute: str) -> str:
    return next(iter(_values(lines, attribute) or _values(fallback, attribute)), "")


def _bundle(session: list[str]) -> list[str]:
    """Return the mids of the first BUNDLE group that has any; none if the offer does not bundle."""
    for value in _values(session, "group"):
        semantics, *mids = value.split()
        if semantics == "BUNDLE" and mids:
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


def _transport(session: list[str], lines: list[str], sections: list[Section], bundle: list[str]) -> Offer:
    if any(line.strip() == "a=ice-lite" for line in session):
        raise MediaServerError(
            "sdpOffer is from an ICE lite agent; this server is one, and one side must be a full agent"
        )
    ufrag, password = _first(lines, session, "ice-ufrag"), _first(lines, session, "ice-pwd")
    if not _UFRAG.fullmatch(ufrag):
        raise MediaServerError("sdpOffer has no valid a=ice-ufrag")
    if not _PASSWORD.fullmatch(password):
        raise MediaServerError("sdpOffer has no valid a=ice-pwd")
    fingerprints = []
    for value in _values(lines, "fingerprint") or _values(session, "fingerprint"):
        algorithm, _, digest = value.partition(" ")
        size = _FINGERPRINTS.get(algorithm.lower())
        if size is None:
            continue
        if not re.fullmatch(rf"[0-9A-Fa-f]{{2}}(:[0-9A-Fa-f]{{2}}){{{size - 1}}}", digest):
            raise MediaServerError(f"sdpOffer has a malformed {algorithm} fingerprint")
        fingerprints.append((algorithm.lower(), digest))
    if not fingerprints:
        raise MediaServerError("sdpOffer has no a=fingerprint of a supported algorithm (sha-256, sha-384, sha-512)")
    setup = _first(lines, session, "setup")
    if setup not in ("actpass", "active", "passive"):
        raise MediaServerError(f"sdpOffer has a=setup:{setup or '(none)'}; actpass, active or passive is needed")
    return Offer(sections, bundle, ufrag, password, fingerprints, setup)


def _section(lines: list[str]) -> Section:
    fields = lines[0][2:].split()
    if len(fields) < 4 or not fields[1].partition("/")[0].isdigit():
        raise MediaServerError(f"sdpOffer has a malformed media line: {lines[0][:80]!r}")
    kind, port, protocol, *formats = fields
    section = Section(kind, int(port.partition("/")[0]), protocol, formats)
    section.mid = next(iter(_values(lines, "mid")), "")
    if section.mid and not _TOKEN.fullmatch(section.mid):
        raise MediaServerError("sdpOffer has a malformed a=mid")
    section.rtcp_mux = "a=rtcp-mux" in lines
    section.direction = next((d for d in _DIRECTIONS if f"a={d}" in lines), "sendrecv")
    if kind not in codecs.FORWARDED:
        return section
    try:
        section.codecs = _codecs(lines, formats)
        for value in _values(lines, "extmap"):
            identifier, uri = value.split()[:2]
            section.extensions.setdefault(uri, int(identifier.partition("/")[0]))
        _sources(section, lines)
    except (ValueError, IndexError) as error:
        raise MediaServerError(f"sdpOffer has a malformed line in its {kind} section: {error}") from error
    return section


def _sources(section: Section, lines: list[str]) -> None:
    named = [int(value.split()[0]) for value in _values(lines, "ssrc")]
    pairs = [value.split()[1:3] for value in _values(lines, "ssrc-group") if value.startswith("FID ")]
    if named:
        section.ssrc = named[0]
    for pair in pairs:
        if len(pair) == 2 and int(pair[0]) == section.ssrc:
            section.rtx_ssrc = int(pair[1])


def _codecs(lines: list[str], formats: list[str]) -> list[Codec]:
    descriptions: dict[int, str] = {}
    for value in _values(lines, "rtpmap"):
        payload_type, _, description = value.partition(" ")
        descriptions[int(payload_type)] = description
    parameters: dict[int, str] = {}
    for value in _values(lines, "fmtp"):
        payload_type, _, description = value.partition(" ")
        parameters[int(payload_type)] = description.strip()
    feedback: dict[str, set[str]] = {}
    for value in _values(lines, "rtcp-fb"):
        payload, _, description = value.partition(" ")
        feedback.setdefault(payload, set()).add(description.strip())
    found: list[Codec] = []
    repairs: dict[int, int] = {}
    for number in map(int, formats):
        if not 0 <= number <= 127:
            raise ValueError(f"{number} is not a payload type")
        if number not in descriptions:
            continue
        name, rate, *channels = descriptions[number].split("/")
        line = parameters.get(number, "")
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


def _parameter(item: str) -> tuple[str, str]:
    name, _, value = item.strip().partition("=")
    return name.lower(), value
