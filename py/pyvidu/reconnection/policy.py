"""The configuration of the reconnection engine: its thresholds, deadlines and delays, as one value in four groups.

What follows from a standard, or from how a browser works, is a constant beside its use instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from .rtt import RoundTrip


@dataclass(frozen=True, slots=True)
class _Group:
    """Base of the groups. Every float is in seconds: one above 600 was meant as milliseconds, but for `give_up_after`."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value, name = getattr(self, item.name), f"{type(self).__name__}.{item.name}"
            if value is None and item.default is None:
                continue
            if isinstance(item.default, bool):
                if not isinstance(value, bool):
                    raise ValueError(f"{name} must be True or False, not {value!r}")  # noqa: TRY004  see below
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ValueError(f"{name} must be a number, not {value!r}")  # noqa: TRY004  one class for all of them
            if not value > 0:
                raise ValueError(f"{name} must be more than 0, not {value!r}")
            if value > 600 and "float" in str(item.type) and item.name != "give_up_after":
                raise ValueError(
                    f"{name} is in seconds, and {value:g} is more than 600: did you mean {value / 1000:g}?"
                )


@dataclass(frozen=True, slots=True)
class DetectionPolicy(_Group):
    """When the signaling plane is down, in seconds.

    Raises:
        ValueError: a number is not more than 0, or more than 600 s.

    Source: measured, but for `declared_interval`, which is openvidu-browser's; docs/reconnection.md explains the rules.
    """

    declared_interval: float = 5.0  # declared by the first ping: the server's watchdog waits three of these
    heartbeat_period: float = 1.0  # pings may be sent more often than declared at no risk
    late_pong: float = 1.0  # a pong later than this is a witness, not a verdict
    probe_floor: float = 1.0  # shortest deadline of the probe after a late pong
    urgent_probe_floor: float = 0.4  # that after any other witness: there the ping is a second kind of evidence
    steady_patience: float = 2.0  # added to that deadline while RTP flows: a late pong then mostly means lost packets
    opinion_after: float = 0.5  # a ping unanswered this long while RTP flows: three probes on other connections follow
    opinion_period: float = 0.3  # from one of them to the next
    opinion_limit: float = 1.4  # a ping unanswered this long, and all of them, is a verdict: down at 2.4 s
    answer_limit: float = 5.0  # a ping unanswered this long is a verdict: down at 6 of the 12 s before eviction
    stuck_patience: float = 2.0  # before `reconnecting` is told if the network works and only one socket is stuck
    overdue_floor: float = 0.15  # after an RTP pause this long a ping is sent, in case silence follows
    silence_floor: float = 0.3  # a shorter RTP pause is never silence, whatever the recent gaps
    rhythm_learning: float = 2.0  # how long a stream must have flowed before its silence is evidence
    rhythm_memory: float = 10.0  # how long a gap counts as recent
    longest_gap: float = 0.7  # a stream with longer gaps is no witness
    poll: float = 0.05  # how often is asked whether RTP has arrived
    return_poll: float = 0.02  # the same while all streams are silent


@dataclass(frozen=True, slots=True)
class AttemptPolicy(_Group):
    """How the signaling plane comes back, in seconds. By default attempts never end.

    `limit` (a number of attempts) and `give_up_after` are opt-in limits, after which the session ends with
    `networkDisconnect`.

    Raises:
        ValueError: a number is not more than 0, or more than 600 s, but for `give_up_after`.

    Example:
        policy = ReconnectionPolicy(attempts=AttemptPolicy(give_up_after=60))
        openvidu.set_advanced_configuration(reconnection=policy)

    Source: OpenVidu's documentation, "Automatic reconnection" ("won't stop trying until success"); the numbers are measured.
    """

    deadline: float = 3.0  # shorter ones in a loop make Chromium throttle new WebSockets for minutes
    hang_after: float = 0.3  # an attempt not open after this hangs: its SYNs were lost and TCP backs off
    probe_period: float = 0.3  # from one reachability probe to the next
    probe_timeout: float = 0.6  # two are under way at a time, one in each of the browser's two connection pools
    resume_deadline: float = 3.0  # for the answer to the resume on an open socket
    membership_deadline: float = 2.0  # assuming an eviction falsely ends a call, detecting one late costs a second
    deadline_cap: float = 6.0  # limit of deadlines that grow with round trips: those may come from a slow minute
    backoff_base: float = 1.0  # a failed WebSocket counts towards Chromium's throttle, a failed fetch does not
    backoff_cap: float = 5.0  # longest delay between two attempts
    restart_spread: float = 1.5  # over which the clients of a server that was down come back, instead of all at once
    limit: int | None = None  # attempts
    give_up_after: float | None = None  # of outage
    rejoins: int = 20  # attempts to join again after an eviction, if there is a `rejoin` callback
    rejoin_pause: float = 1.0  # between two of them, doubling up to `backoff_cap`


@dataclass(frozen=True, slots=True)
class RequestPolicy(_Group):
    """Requests of the application. Time of an outage does not count.

    Raises:
        ValueError: a number is not more than 0, or more than 600 s.

    Source: openvidu-browser 2.32; `queue_limit` is pyvidu's.
    """

    timeout: float = 10.0  # openvidu-browser's
    queue_limit: int = 1000  # requests of one method (e.g. signals) that may wait for the end of an outage


@dataclass(frozen=True, slots=True)
class MediaPolicy(_Group):
    """When a stream is frozen and how it is renegotiated, in seconds.

    Raises:
        ValueError: a number is not more than 0, or more than 600 s.

    Source: measured, in Chromium; docs/reconnection.md explains the rules.
    """

    window: float = 0.4  # ICE answers arrive 0.1 s after packets flow again; a path without any by then is dead
    recent_window: float = 3.0  # a path on which packets arrived lately is checked by ICE only every 2.6 s
    patience: float = 5.0  # in a call: how long a path may be silent, with signaling fine, before it is replaced
    decode_window: float = 4.0  # video that is not decoded for so long, despite requested key frames, is frozen
    nudge_period: float = 0.3  # between two requests for a key frame, and (times the attempt) two renegotiations
    nudge_after: float = 1.5  # of silence a key frame is sent or requested; a healthy sender receives RTCP every 1.4 s
    poll: float = 0.05  # how often counters are read during a check
    outage_poll: float = 0.1  # and during an outage; short, to detect the return early
    given_up_poll: float = 1.0  # and of a stream whose renegotiations have all failed
    connect_timeout: float = 15.0  # ICE itself reports `failed` after as long
    retries: int = 3  # renegotiations of a stream that stays frozen, until that is reported
    retry_pause: float = 5.0  # after those, until another one
    backlog_lateness: float = 0.4  # audio played later than before the silence by this much is a backlog: discard it
    ice_disconnected_timeout: float = 4.0  # openvidu-browser's `iceConnectionDisconnectedExceptionTimeout`
    pause_weak_video: bool = True  # whether the own video is paused where the uplink does not carry it beside the sound


@dataclass(frozen=True, slots=True)
class ReconnectionContext:
    """The input of `ReconnectionPolicy.next_delay`.

    Attributes:
        attempt: the number of the attempt under way, from 1.
        elapsed: the duration of the outage so far, in seconds.
        jitter: a random number in [0, 1).
        refused: how many attempts in a row were refused before this one.

    Source: pyvidu's own.
    """

    attempt: int
    elapsed: float
    jitter: float
    refused: int = 0


# The attempts, unanswered ones, whose delay does not grow: their SYNs find the return soonest if the probes wait in
# connects that an earlier outage has left to the browser. More would make Chromium throttle new WebSockets; the first one may
# be refused by a server that has ended, whose clients should not all come back at once.
_EARLY = range(2, 6)


@dataclass(frozen=True, slots=True)
class ReconnectionPolicy:
    """The numbers of the reconnection engine. Subclass it and override `next_delay` for other delays between attempts.

    Attributes:
        detection: when the signaling plane is down.
        attempts: how it comes back.
        requests: how long a request may take, and how many may wait.
        media: when a stream is frozen, and how it is renegotiated.

    Example:
        class EverySecond(ReconnectionPolicy):
            def next_delay(self, context):
                return None if context.elapsed > 300 else 1.0

        openvidu.set_advanced_configuration(reconnection=EverySecond())

    Source: pyvidu's own.
    """

    detection: DetectionPolicy = field(default_factory=DetectionPolicy)
    attempts: AttemptPolicy = field(default_factory=AttemptPolicy)
    requests: RequestPolicy = field(default_factory=RequestPolicy)
    media: MediaPolicy = field(default_factory=MediaPolicy)

    def next_delay(self, context: ReconnectionContext) -> float | None:
        """Return the seconds from a failure of the attempt under way to the next attempt; None ends the session instead.

        The default is full jitter under a ceiling that doubles up to `backoff_cap`, so that after a server restart not all
        clients reconnect at once; after a refusal, the upper half of that; after the second to the fifth attempt, if none was
        refused, under `backoff_base`. Any evidence that the network is back cuts the delay short; after a restart of the
        server a probe's answer shortens it, to a random share of `attempts.restart_spread`.

        Args:
            context: the attempt, the duration of the outage, and a random number.

        Source: full jitter is AWS' "Exponential Backoff and Jitter".
        """
        attempts = self.attempts
        if attempts.limit is not None and context.attempt >= attempts.limit:
            return None
        if context.attempt in _EARLY and not context.refused:
            return attempts.backoff_base * context.jitter
        ceiling = min(attempts.backoff_cap, attempts.backoff_base * 2.0 ** min(context.attempt, 16))
        # A captive portal refuses for minutes, and each refusal counts towards Chromium's throttle.
        floor = ceiling / 2 if context.refused else 0.0
        return floor + (ceiling - floor) * context.jitter

    def probe_deadline(self, rtt: RoundTrip, *, urgent: bool) -> float:
        """Not for applications: return the seconds within which a probe must be answered."""
        floor = self.detection.urgent_probe_floor if urgent else self.detection.probe_floor
        return max(floor, rtt.timeout)
