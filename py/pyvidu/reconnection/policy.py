"""The configuration of the reconnection engine: all its thresholds, deadlines and delays, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from .rtt import RoundTrip


@dataclass(frozen=True, slots=True)
class ReconnectionContext:
    """The input of `next_delay`.

    The number of the attempt under way (from 1), the duration of the outage so far in seconds, and a random number in [0, 1)
    for jitter.
    """

    attempt: int
    elapsed: float
    jitter: float


@dataclass(frozen=True, slots=True)
class ReconnectionPolicy:
    """The numbers of the reconnection engine, times in seconds. Subclass it and override `next_delay` for other delays.

    By default attempts never end ("won't stop trying until success"); `max_attempts` and `give_up_after` are opt-in limits
    after which the session ends with `networkDisconnect`.
    """

    declared_interval: float = 5.0  # declared by the first ping: the server's watchdog waits three of these
    heartbeat_period: float = 1.0  # pings may be sent more often than declared at no risk
    late_pong: float = 1.0  # a pong later than this is a witness, not a verdict
    probe_floor: float = 1.0  # shortest deadline of the probe after a late pong
    steady_patience: float = 2.0  # added to that deadline while RTP flows: a late pong then mostly means lost packets
    # A ping unanswered this long is a verdict, whatever round trips were measured: 6 of the 12 s before eviction.
    answer_limit: float = 5.0
    urgent_probe_floor: float = 0.4  # that after any other witness: there the ping is a second kind of evidence
    stall: float = 0.25  # a timer later than this means that this page was stalled, not the network
    slept: float = 2.0  # a timer later than this means that the machine slept: connections may have been lost
    stall_grace: float = 0.3  # extra time after a stall for messages that were queued meanwhile
    answer_grace: float = 0.1  # for a pong that has arrived and is queued behind the evidence that it refutes

    overdue_floor: float = 0.15  # after an RTP pause this long a ping is sent, in case silence follows
    silence_floor: float = 0.3  # a shorter RTP pause is never silence, whatever the recent gaps
    cadence_learning: float = 2.0  # how long a stream must have flowed before its silence is evidence
    cadence_memory: float = 10.0  # how long a gap counts as recent
    cadence_limit: float = 0.7  # a stream with longer gaps is no witness
    cadence_settling: float = 1.0  # after a return, gaps are not learnt for this long: the outage caused them
    cadence_poll: float = 0.05
    return_poll: float = 0.02  # the same while all streams are silent

    attempt_deadline: float = 3.0  # shorter ones in a loop make Chromium throttle new WebSockets for minutes
    hang_after: float = 0.3  # an attempt not open after this hangs: its SYNs were lost and TCP backs off
    reachability_period: float = 0.3
    reachability_timeout: float = 0.6  # two are under way at a time, one in each of the browser's two connection pools
    resume_deadline: float = 3.0
    deadline_cap: float = 6.0  # limit of deadlines that grow with round trips: those may come from a slow minute
    membership_deadline: float = 2.0  # assuming an eviction falsely ends a call, detecting one late costs a second
    backoff_base: float = 1.0  # a failed WebSocket counts towards Chromium's throttle, a failed fetch does not
    backoff_cap: float = 5.0
    max_attempts: int | None = None
    give_up_after: float | None = None
    queue_limit: int = 1000  # requests of one method (e.g. signals) that may wait for the end of an outage

    media_window: float = 0.4  # ICE answers arrive 0.1 s after packets flow again; a path without any by then is dead
    media_proof_window: float = 3.0  # a path on which packets arrived lately is checked by ICE only every 2.6 s
    checks_unanswered: int = 4  # so many checks without an answer over `media_window`: dead, whatever arrived lately
    media_patience: float = 5.0  # in a call: how long a path may be silent, with signaling fine, before it is replaced
    checks_hurry_after: float = 3.0  # seconds of silence after which ICE checks a path every 48 ms
    media_decode_window: float = 4.0  # video that is not decoded for so long, despite requested key frames, is frozen
    backlog_lateness: float = 0.4  # audio played later than before the silence by this much is a backlog: discard it
    backlog_wait: float = 0.5  # how long after a silence audio must be played for this to be decided
    backlog_settling: float = 0.1  # what old receivers may still play between the check and their replacement
    backlog_restarts: int = 3  # at most; more than one if part of the backlog arrives late
    media_nudge_period: float = 0.3
    nudge_after_silence: float = (
        1.5  # after it a key frame is sent or requested; a healthy sender receives RTCP every 1.4 s
    )
    media_poll: float = 0.05
    media_watch_poll: float = 0.1  # how often counters are read during an outage; short, to detect the return early
    media_connect_timeout: float = 15.0  # ICE itself reports `failed` after as long
    media_retries: int = 3
    ice_disconnected_timeout: float = 4.0  # openvidu-browser's `iceConnectionDisconnectedExceptionTimeout`

    def next_delay(self, context: ReconnectionContext) -> float | None:
        """Return the seconds from a failure of the attempt under way to the next attempt; None ends the session instead.

        The default is full jitter under a ceiling that doubles up to `backoff_cap`, so that after a server restart not all
        clients reconnect at once. Any evidence that the network is back cuts the delay short.
        """
        if self.max_attempts is not None and context.attempt >= self.max_attempts:
            return None
        ceiling = min(self.backoff_cap, self.backoff_base * 2.0 ** min(context.attempt, 16))
        return ceiling * context.jitter

    def probe_deadline(self, rtt: RoundTrip, *, urgent: bool) -> float:
        """Return the seconds within which a probe must be answered."""
        floor = self.urgent_probe_floor if urgent else self.probe_floor
        return max(floor, rtt.timeout)
