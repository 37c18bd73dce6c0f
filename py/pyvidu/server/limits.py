"""Resource limits of one server, all in one table: value, unit, what it is counted for, and what happens beyond it.

`tools/limit_tables.py` prints it into `docs/server.md`. The real server has few of these; where one is its own, the table
says so. Limits with a flag can be changed by `pyvidu serve`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyvidu.protocol.json_text import DEEPEST
from pyvidu.protocol.jsonrpc import LARGEST_REQUEST, LONGEST_NAME
from pyvidu.protocol.messages import LARGEST_METADATA

KIB = 1024
MIB = 1024 * KIB


def _limit(default: float, unit: str, per: str, beyond: str, flag: str = "") -> Any:
    """Return a field of the table. `beyond` says what happens there and why the value is what it is."""
    return field(default=default, metadata={"unit": unit, "per": per, "beyond": beyond, "flag": flag})


@dataclass(frozen=True, slots=True)
class SdpLimits:
    """What an SDP offer may contain; one that has more is refused as soon as that is seen. The field is the table's name."""

    sdp_size: int = _limit(LARGEST_REQUEST, "characters", "offer", "refused (302); Chromium's have 5,000 to 15,000")
    sdp_lines: int = _limit(3_000, "lines", "offer", "refused (302); Chromium's have 150 to 400")
    sdp_sections: int = _limit(32, "media sections", "offer", "refused (302)")
    sdp_formats: int = _limit(128, "formats", "media section", "refused (302); there are no more payload types")
    sdp_fmtp: int = _limit(1 * KIB, "characters", "`a=fmtp` line", "refused (302); Chromium's have 100 at most")
    sdp_feedback: int = _limit(32, "`a=rtcp-fb` lines", "payload type", "refused (302); Chromium's have 5")
    sdp_fingerprints: int = _limit(8, "fingerprints", "offer", "refused (302); browsers have one")
    sdp_candidates: int = _limit(256, "`a=candidate` lines", "offer", "refused (302); they are not used")


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """What a client's message may be. The field is the table's name."""

    message: int = _limit(
        LARGEST_REQUEST,
        "bytes",
        "message",
        "refused (-32600), with its id if it begins or ends with it",
    )
    longest: int = _limit(128 * KIB, "bytes", "message", "not read to its end: the WebSocket is closed with 1009")
    name: int = _limit(LONGEST_NAME, "characters", "id or method of a request", "refused (-32600, -32601)")
    text: int = _limit(
        1 * KIB, "characters", "parameter that is text", "refused (-1), if it is not one of the following"
    )
    value: int = _limit(4 * KIB, "characters of JSON", "parameter of any type, `options`, `params`", "refused (-1)")
    token: int = _limit(4 * KIB, "characters", "`token` of a join, `candidate`", "refused (-1)")
    recipients: int = _limit(1_000, "recipients", "signal", "refused (601)")
    elements: int = _limit(
        4_096, "members and elements", "JSON text", "refused (-32700; a signal 600); the usual has 30"
    )
    nesting: int = _limit(DEEPEST, "levels", "JSON text", "refused (-32700); OpenVidu's messages have seven")


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What the media of one participant may cost the server and the others. The field is the table's name."""

    ingress: int = _limit(
        1 * MIB, "bytes a second", "publisher's connection", "dropped, so that its browser sends less"
    )
    ingress_burst: int = _limit(1 * MIB, "bytes", "publisher's connection", "as many may come at once")
    feedback: int = _limit(64 * KIB, "bytes a second", "subscriber's connection", "dropped; browsers send 2 KiB")
    feedback_burst: int = _limit(128 * KIB, "bytes", "subscriber's connection", "as many may come at once")
    packets: int = _limit(3_000, "packets a second", "participant", "dropped before they are decrypted")
    packets_burst: int = _limit(3_000, "packets", "participant", "as many may come at once")
    sources: int = _limit(32, "SSRCs", "connection", "packets of others are dropped; browsers have 4")
    pending: int = _limit(
        250, "connections that are not established", "participant", "the offer is refused (302); see `negotiations`"
    )
    established_within: float = _limit(
        60.0,
        "seconds",
        "connection",
        "closed without a DTLS handshake by then; browsers give up checks after 15 to 30 s",
    )
    unsent: int = _limit(4 * MIB, "bytes that the kernel does not take", "UDP port", "dropped, and told once a minute")
    nack_size: int = _limit(1_024, "packets", "NACK", "the others are left out; libwebrtc names 1,000 at most")
    nacks: int = _limit(1_000, "packets named in NACKs a second", "subscriber's track", "the NACK is ignored")
    nacks_burst: int = _limit(2_048, "packets named", "subscriber's track", "as many may be named at once")
    retransmission: int = _limit(
        256 * KIB,
        "bytes, of as many as were forwarded",
        "subscriber's track",
        "not sent again; nor is a packet twice within a round trip",
    )
    addresses: int = _limit(32, "addresses", "connection", "the oldest is forgotten; a browser has a few candidates")
    checks: int = _limit(
        2_000,
        "transactions of STUN checks",
        "connection",
        "the oldest is forgotten: its check, captured, has effect again",
    )
    address_held: float = _limit(
        3.0,
        "seconds since its last authentic packet",
        "address of a connection",
        "until then it is not given to another connection",
    )
    moves: int = _limit(
        2_000,
        "packets from unknown ports a second",
        "server",
        "dropped: the next check of the peer, at most 2.5 s later, tells where it is",
    )
    unproved: int = _limit(
        128_000, "bytes", "address of a connection", "not sent, until an authentic packet comes from there"
    )
    key_frames: float = _limit(
        0.5, "key frame requests a second", "subscriber of a stream", "not passed on; those within 0.3 s count as one"
    )
    key_frames_burst: int = _limit(10, "key frame requests", "subscriber of a stream", "as many may come at once")
    held: float = _limit(
        10.0,
        "seconds in `held_window`",
        "subscriber of a stream",
        "so long it alone, of three or more, may hold the publisher below half of the others' median; then to that half",
    )
    held_window: float = _limit(60.0, "seconds", "subscriber of a stream", "see `held`")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server. The field is the table's name."""

    sessions: int = _limit(10_000, "sessions", "server", "refused with 503", "--max-sessions")
    participants: int = _limit(1_000, "participants", "session", "the join is refused (999)", "--max-participants")
    tokens: int = _limit(10_000, "unused tokens", "session", "refused with 503; ten for each of `participants`")
    sockets: int = _limit(5_000, "WebSockets", "address", "refused with 429", "--max-sockets")
    rate: float = _limit(200.0, "messages a second", "WebSocket", "read later: TCP slows the sender down", "--max-rate")
    burst: int = _limit(2_000, "messages", "WebSocket", "as many may come at once; ten seconds of `rate`")
    load: float = _limit(
        0.95,
        "of the time at work, or ready for it without a core",
        "server",
        "joins are refused (999), not of those evicted in the last minute; resumes never",
    )
    lateness: float = _limit(0.5, "seconds that timers are late", "server", "as with `load`")
    load_window: float = _limit(10.0, "seconds", "server", "over which both are measured")
    memory: int = _limit(2_048 * MIB, "bytes held by the process", "server", "as with `load`")
    log_lines: int = _limit(500, "lines a second", "kind of event", "left out; the next line says how many")
    log_burst: int = _limit(5_000, "lines", "kind of event", "as many may come at once")
    warnings: int = _limit(10, "lines a second", "warning or error", "left out; the next line says how many")
    warnings_burst: int = _limit(50, "lines", "warning or error", "as many may come at once")
    guesses: float = _limit(
        1.0,
        "wrong secrets a second",
        "address, of IPv6 /64",
        "answered later, by 10 s at most, refused at once if that is not enough; told once a minute",
    )
    guesses_burst: int = _limit(10, "wrong secrets", "address, of IPv6 /64", "as many are answered at once")
    webhook_events: int = _limit(1_000, "events", "webhook", "the newest are dropped, which is logged")
    webhook_size: int = _limit(4 * MIB, "bytes of events", "webhook", "the newest are dropped, which is logged")
    token_lifetime: float = _limit(24 * 3600.0, "seconds", "unused token", "void; 0: never", "--token-lifetime")
    body: int = _limit(128 * KIB, "bytes", "HTTP request", "refused with 413")
    connections: int = _limit(
        10_000,
        "TCP connections",
        "server",
        "one without a request makes way; if there is none, the new one is closed",
    )
    descriptors: int = _limit(
        256, "descriptors", "server", "kept free of connections, which are fewer with a low `ulimit -n`"
    )
    tcp_rate: int = _limit(1 * MIB, "bytes a second", "TCP connection", "read later; before they are parsed")
    tcp_burst: int = _limit(4 * MIB, "bytes", "TCP connection", "as many may come at once")
    tcp_work: float = _limit(
        0.1,
        "seconds of work a second",
        "TCP connection",
        "read later; for parsing, requests, and messages of a WebSocket",
    )
    tcp_work_burst: float = _limit(1.0, "seconds of work", "TCP connection", "as many may be used at once")
    head_within: float = _limit(10.0, "seconds", "TCP connection", "closed without a TLS handshake and request by then")
    body_within: float = _limit(10.0, "seconds", "body of an HTTP request", "refused with 408")
    join_within: float = _limit(
        20.0, "seconds", "WebSocket", "closed with 1008 if it has not joined or resumed by then"
    )
    unjoined: int = _limit(500, "WebSockets that have not joined", "address", "refused with 429")
    waiting: int = _limit(500, "requests that wait", "participant", "refused (999); they run one after the other")
    waiting_size: int = _limit(1 * MIB, "characters of them", "participant", "refused (999)")
    answers: int = _limit(
        500, "answers kept", "participant", "the oldest is dropped: its request, repeated, runs again"
    )
    answer_size: int = _limit(256 * KIB, "characters of them", "participant", "the oldest is dropped")
    replay: int = _limit(
        2_000, "notifications kept", "participant", "the oldest is dropped: a resume then replays nothing"
    )
    replay_size: int = _limit(1 * MIB, "characters of them", "participant", "the oldest is dropped")
    queue: int = _limit(
        512 * KIB,
        "characters not read yet",
        "participant",
        "signals to it are refused (601), those to all leave it out, until it has read all",
    )
    queue_end: int = _limit(
        8 * MIB, "characters not read yet", "WebSocket", "cut off; a join of a full session needs 4 MiB"
    )
    drain_within: float = _limit(60.0, "seconds", "WebSocket", "cut off if it was never up to date in this time")
    metadata: int = _limit(
        LARGEST_METADATA, "bytes", "client's, and backend's, data of a connection", "refused (500; 400)"
    )
    descriptions: int = _limit(
        1 * MIB,
        "characters of data and streams",
        "session",
        "a join, or a stream, with more than `description` is refused (999)",
    )
    description: int = _limit(
        1 * KIB,
        "characters of data, and of its stream",
        "participant",
        "see `descriptions`, of which a join's result consists",
    )
    fan_out: int = _limit(2_000, "notifications a second", "participant that causes them", "its requests wait")
    fan_out_burst: int = _limit(4_000, "notifications", "participant that causes them", "as many may be caused at once")
    negotiations: int = _limit(10, "negotiations a second", "participant", "its requests wait")
    negotiations_burst: int = _limit(200, "negotiations", "participant", "as many may come at once, for a large room")
    byte_rate: int = _limit(512 * KIB, "bytes a second", "WebSocket", "read later")
    byte_burst: int = _limit(
        2 * MIB, "bytes", "WebSocket", "as many may come at once: a join of a room of 200 sends them"
    )
    unjoined_rate: int = _limit(32 * KIB, "bytes a second", "WebSocket that has not joined", "read later")
    unjoined_burst: int = _limit(128 * KIB, "bytes", "WebSocket that has not joined", "as many may come at once")
    idle_session: float = _limit(
        3600.0, "seconds", "session that nobody joins", "closed, as on the real server; 0: never"
    )


class LimitReached(Exception):
    """A limit is reached; the message names it."""


class TokenBucket:
    """A token bucket: credit for `burst` at once, and for `rate` a second.

    What comes above the rate waits (`wait`: a socket is read later, TCP flow control slows its sender down) or is refused
    (`take`).
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._credit = float(burst)
        self._since = now

    def take(self, now: float, size: float = 1) -> bool:
        """Count `size` more at `now` (seconds) if there is credit for it; return whether there is."""
        credit = self._credit + (now - self._since) * self._rate
        if credit > self._burst:
            credit = self._burst
        self._since = now
        enough = credit >= size
        self._credit = credit - size if enough else credit
        return enough

    def wait(self, now: float, size: float = 1) -> float:
        """Count `size` that came at `now` (seconds); return the seconds to wait before more is read."""
        self._credit = min(self._burst, self._credit + (now - self._since) * self._rate) - size
        self._since = now
        return max(0.0, -self._credit / self._rate)
