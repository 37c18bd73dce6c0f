"""How patient to be: every number of the reconnection engine, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from .rtt import RoundTrip


@dataclass(frozen=True, slots=True)
class ReconnectionContext:
    """What `next_delay` is told: the number of the attempt that is being made (from 1), how long the outage lasts already,
    in seconds, and a random number in [0, 1) for jitter.
    """

    attempt: int
    elapsed: float
    jitter: float


@dataclass(frozen=True, slots=True)
class ReconnectionPolicy:
    """Numbers of the reconnection engine. Times are in seconds. Subclass it and override `next_delay` for other delays.

    By default attempts never end ("won't stop trying until success"); `max_attempts` and `give_up_after` are opt-in limits
    after which the session ends with `networkDisconnect`.
    """

    declared_interval: float = 5.0  # what the first ping declares: the server's watchdog waits three of these
    heartbeat_period: float = 1.0  # pings may be sent more often than declared at no risk
    late_pong: float = 1.0  # a pong later than this is a witness, no verdict
    probe_floor: float = 1.0  # the shortest deadline of the probe after a late pong
    steady_patience: float = 2.0  # what it is given more while RTP flows: then a late answer is mostly lost packets
    answer_limit: float = (
        5.0  # a ping unanswered for so long is a verdict, whatever round trips were measured: 6 s of 12
    )
    urgent_probe_floor: float = 0.4  # the deadline after `offline`: a second witness stands already
    stall: float = 0.25  # a timer that fires later than this says that we were stalled, not the network
    slept: float = 2.0  # a timer that fires later than this says that the machine slept: much may have happened
    stall_grace: float = 0.3  # what the messages that queued up meanwhile are given
    answer_grace: float = 0.1  # for an answer that is here already, behind the observation that it refutes

    overdue_floor: float = 0.15  # RTP that pauses for so long is asked about by a ping, in case it is silence
    silence_floor: float = 0.3  # RTP silence shorter than this is no silence, whatever the stream's rhythm
    cadence_learning: float = 2.0  # how long a stream must have flowed before its silence says something
    cadence_memory: float = 10.0  # how long a gap is remembered
    cadence_limit: float = 0.7  # a stream with longer gaps is no witness
    cadence_settling: float = 1.0  # seconds after a return in which gaps are the outage's, not the stream's
    cadence_poll: float = 0.05
    return_poll: float = 0.02  # the same while all is silent

    attempt_deadline: float = 3.0  # shorter ones in a loop make Chromium throttle new WebSockets for minutes
    hang_after: float = 0.3  # an attempt older than this that is not open hangs on SYNs sent into the void
    reachability_period: float = 0.3
    reachability_timeout: float = 0.6  # two are under way at a time, one in each of the browser's two pools
    resume_deadline: float = 3.0
    deadline_cap: float = (
        6.0  # no deadline grows longer with the round trips: they may have been those of a slow minute
    )
    membership_deadline: float = 2.0  # a false eviction ends a call, a late one costs a second
    backoff_base: float = 1.0  # a WebSocket that fails counts towards Chromium's throttle, a fetch does not
    backoff_cap: float = 5.0
    max_attempts: int | None = None
    give_up_after: float | None = None
    queue_limit: int = 1000  # requests of one kind (signals, say) that may wait for the end of an outage

    media_window: float = 0.4  # answers are back 0.1 s after packets are; whoever is not by then needs help
    media_proof_window: float = 3.0  # a path that was heard lately is checked by ICE every 2.6 s only
    checks_unanswered: int = 4  # connectivity checks within `media_window`: whatever was heard lately, the path is dead
    media_patience: float = (
        5.0  # in a call: how long a path may be silent while signaling answers, before it is replaced
    )
    checks_hurry_after: float = 3.0  # seconds of silence after which ICE checks a path every 48 ms
    media_decode_window: float = (
        4.0  # pictures that cannot be decoded for so long, key frames asked for, need more help
    )
    backlog_lateness: float = 0.4  # sound that is played so much later than before the silence is not waited for
    backlog_wait: float = 0.5  # how long after a silence there must be sound, to tell
    backlog_settling: float = 0.1  # what old receivers play after they were looked at and before they are replaced
    backlog_restarts: int = 3  # at most; a second one where a part of the backlog came late
    media_nudge_period: float = 0.3
    nudge_after_silence: float = 1.5  # a healthy sender hears RTCP every 1.4 s
    media_poll: float = 0.05
    media_watch_poll: float = (
        0.1  # how often counters are looked at during an outage; the return wants to be seen early
    )
    media_connect_timeout: float = 15.0  # ICE itself says `failed` after as long
    media_retries: int = 3
    ice_disconnected_timeout: float = 4.0  # openvidu-browser's `iceConnectionDisconnectedExceptionTimeout`

    def next_delay(self, context: ReconnectionContext) -> float | None:
        """Seconds between the failure of the attempt that is being made and the next one; None gives up then.

        The default is full jitter under a ceiling that doubles up to `backoff_cap`: after a server restart its clients do
        not all come at once. Any sign of life cuts a delay short.
        """
        if self.max_attempts is not None and context.attempt >= self.max_attempts:
            return None
        ceiling = min(self.backoff_cap, self.backoff_base * 2.0 ** min(context.attempt, 16))
        return ceiling * context.jitter

    def probe_deadline(self, rtt: RoundTrip, *, urgent: bool) -> float:
        """Seconds that a probe is given."""
        floor = self.urgent_probe_floor if urgent else self.probe_floor
        return max(floor, rtt.timeout)
