"""Detection of a signaling plane that is down. Silence alone starts a probe; a verdict needs a witness and a failed probe.

| witness            | probe                                    | verdict |
|--------------------|------------------------------------------|---------|
| socket closed      | none needed                              | down    |
| another socket has the session | none needed                  | down    |
| `offline`          | ping unanswered, or WebSocket refused    | down    |
| network changed    | ping unanswered, or WebSocket refused    | down    |
| page woke up       | ping unanswered, or WebSocket refused    | down    |
| unheard            | ping unanswered                          | down    |
| pong late          | second ping unanswered                   | down    |
| pong late, RTP flows | the same, for longer                   | down    |
| pong late, RTP flows | no probe on another connection is answered either | down, sooner |
| pong late, RTP flows late | the probes wait in the same queue       | as without them |
| pong late, RTP flows | only some of these probes are answered | packets are lost: wait until the limit |
| the same, or all are answered | a ping is unanswered until the deadline | down, but the network works |
| rtp overdue        | (a ping is sent, in case silence follows)| fine    |
| rtp silent         | ping unanswered                          | down    |
| rtp silent         | RTP arrives again                        | fine    |
| no reports         | the same two, of reports                 | alike   |
| pong late, RTP flows | one is answered: nothing else of us arrives | down  |
| any of the above   | a pong arrives                           | fine    |
| a ping unanswered for `detection.answer_limit`, whatever the round trips   | down    |

"WebSocket refused" means that opening a new WebSocket fails at once. Time in which the page was stalled is excluded from
round-trip measurement: a pong that was queued meanwhile is no measure of the path.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .evidence import (
    NetworkChanged,
    PongReceived,
    ReportsSilent,
    RtpOverdue,
    RtpReturned,
    RtpSilent,
    ServerReached,
    ServerUnreachable,
    SessionMoved,
    SignalingEvidence,
    SocketClosed,
    Unheard,
    WentOffline,
    WokeUp,
)
from .policy import ReconnectionPolicy
from .rtp_flow import RtpFlow
from .rtt import RoundTrip
from .second_opinion import SecondOpinion
from .standstill import SLEPT, STALL


@dataclass(frozen=True, slots=True)
class SendPing:
    """Send a ping on the socket that carries the session."""

    number: int


@dataclass(frozen=True, slots=True)
class ProbeWebSocket:
    """Open a new WebSocket to see whether it fails at once. A `fetch` may reuse, or wait for, an old connection."""


@dataclass(frozen=True, slots=True)
class ProbeReachability:
    """Send an HTTP request to the server, to be answered `within` seconds (`attempts.probe_timeout`); any response counts."""

    within: float | None = None


@dataclass(frozen=True, slots=True)
class Down:
    """The verdict that the signaling plane is down, and the witness it rests on.

    `network_works`: RTP flows and probes on other connections are answered, so only the socket is stuck: packets are lost.
    """

    witness: str
    network_works: bool = False


@dataclass(frozen=True, slots=True)
class SilenceRefuted:
    """The verdict that the network works although no RTP arrives: the server has answered since."""


_STALL_GRACE = 0.3  # extra seconds after a stall for messages that were queued meanwhile
_ANSWER_GRACE = 0.1  # seconds for a pong that has arrived and is queued behind the evidence that it refutes
_REFUSAL_IS_A_VERDICT = ("offline", "network changed", "woke up")
_SILENCE = (RtpSilent.witness, ReportsSilent.witness)

DetectorOutput = SendPing | ProbeWebSocket | ProbeReachability | Down | SilenceRefuted


class Detector:
    """The detector of one open socket. Every socket needs a new one; all of them share every argument except `now`."""

    def __init__(
        self, policy: ReconnectionPolicy, now: float, rtt: RoundTrip, numbers: Iterator[int], media: RtpFlow
    ) -> None:
        self._policy = policy
        self._media = media
        self._rtt = rtt
        self._opinion = SecondOpinion(policy.detection, rtt)
        self._numbers = numbers
        self._sent: dict[int, float] = {}
        self._witness: str | None = None
        self._deadline: float | None = None
        # Set when a deadline fired late and was attributed to a stall; not again before the witness is refuted, for on some
        # hosts timers are always late.
        self._grace_until: float | None = None
        self._next_ping = now
        # Seconds for which the pings of before a wake-up had waited: time awake without an answer counts on.
        self._waited = 0.0
        # Only pings sent at this time or later measure a round trip: one sample per flight (RFC 6298), none across a stall.
        self._measured_from = now

    @property
    def due_at(self) -> float:
        """Return the time at which `tick` must be called."""
        return min(self._next_ping, self._verdict_due_at, self._probe_due_at)

    @property
    def suspects(self) -> bool:
        """Return whether there is a witness whose probe is still unanswered."""
        return self._witness is not None

    @property
    def _probe_due_at(self) -> float:
        """Return when the server is to be probed on another connection: for a late pong while RTP flows."""
        if self._witness not in (None, "late pong") or not self._media.flows or not self._sent:
            return math.inf
        return self._opinion.due_at(min(self._sent.values()))

    @property
    def _flows_since_asked(self) -> bool:
        """Return whether RTP has flowed since before the oldest unanswered ping."""
        asked = min(self._sent.values(), default=-math.inf)
        return self._media.flows and self._media.trusted_from <= asked

    @property
    def _network_works(self) -> bool:
        """Return whether only this socket is stuck: over TCP a packet that is lost again and again stops the next ones.

        The way up works too, for a server that hears nothing else says so in its answer to a probe.
        """
        flows = self._media.flows and not self._media.late
        return self._witness == "late pong" and flows and self._opinion.reached

    def _has_waited(self, now: float) -> bool:
        """Return whether a ping is unanswered for so long that a second opinion is asked for."""
        return self._opinion.matters(min(self._sent.values(), default=math.inf), now)

    @property
    def _verdict_due_at(self) -> float:
        """Return the time of the verdict: the deadline, or up to `steady_patience` later for a late pong while RTP flows.

        Flowing RTP is evidence against a drop: over TCP a packet that is lost twice delays a pong as much. When the RTP
        pauses, the pause gets `detection.urgent_probe_floor` to end, within the same limit. While it flows, the second
        opinion may say something else.
        """
        if self._deadline is None:
            return math.inf
        ends = self._deadline
        if self._witness == "late pong":
            pause_ends = self._media.until + self._policy.detection.urgent_probe_floor
            ends = max(ends, min(pause_ends, ends + self._policy.detection.steady_patience))
            if self._flows_since_asked and not self._media.late:
                ends = self._opinion.verdict_at(min(self._sent.values()), ends)
        # `_sent` is not empty: a deadline always belongs to an unanswered ping.
        ends = min(ends, min(self._sent.values()) - self._waited + self._policy.detection.answer_limit)
        return ends if self._grace_until is None else max(ends, self._grace_until)

    def handle(self, evidence: SignalingEvidence, now: float) -> list[DetectorOutput]:
        """Return what follows from `evidence`, observed at `now`."""
        self._detect_stall(now)
        match evidence:
            case SocketClosed():
                return [Down("socket closed")]
            case SessionMoved():
                return [Down("another socket has the session")]
            case PongReceived(number):
                return self._answered(number, now)
            case WentOffline():
                return self._suspect("offline", now, urgent=True)
            case NetworkChanged() if self._witness is None:
                return self._suspect("network changed", now, urgent=True)
            case WokeUp() if self._witness is None:
                return self._suspect("woke up", now, urgent=True)
            case Unheard() if self._witness in (None, "late pong", *_SILENCE):
                return self._suspect_way_up(now)
            case RtpOverdue() if not self._sent:
                return [self._ping(now)]
            case RtpSilent() if self._witness is None:
                return self._suspect_since_asked(evidence.witness, now)
            case ServerReached(unheard=True) if self._witness in (None, "late pong") and self._has_waited(now):
                return self._suspect_since_asked("unheard", now)
            case RtpReturned() if self._witness in _SILENCE:
                self._refute_witness(now)
            case ServerUnreachable(at_once=True) if self._witness in _REFUSAL_IS_A_VERDICT:
                return [Down(self._witness)]
            case ServerReached() | ServerUnreachable(at_once=True):
                self._opinion.answered(by_server=isinstance(evidence, ServerReached))
        return []

    def notified(self, now: float) -> None:
        """Take into account that something has arrived on the socket that is no pong."""
        self._opinion.notified(min(self._sent.values(), default=math.inf), now)

    def tick(self, now: float) -> list[DetectorOutput]:
        """Return what follows from the passing of time."""
        self._detect_stall(now)
        if now - self.due_at > SLEPT and self._witness != "woke up":
            return self._suspect("woke up", now, urgent=True)
        if now >= self._verdict_due_at:
            if now - self._verdict_due_at > STALL and self._grace_until is None:
                self._grace_until = now + _STALL_GRACE  # stalled: the pong may be queued
                return []
            if self._witness is not None:
                return [Down(self._witness, self._network_works)]
            return self._suspect("late pong", now, urgent=False)
        if now >= self._probe_due_at:
            self._opinion.probed(now)
            return [ProbeReachability(self._policy.detection.steady_patience)]
        if now >= self._next_ping:
            return [self._ping(now)]
        return []

    def _ping(self, now: float) -> SendPing:
        ping = SendPing(next(self._numbers))
        self._sent[ping.number] = now
        self._next_ping = now + self._policy.detection.heartbeat_period
        if self._deadline is None:
            self._deadline = now + max(self._policy.detection.late_pong, self._rtt.timeout)
        return ping

    def _detect_stall(self, now: float) -> None:
        """Detect a stall by a timer that is overdue: pings sent before now then measure no round trip."""
        if now - self.due_at > STALL:
            self._measured_from = now

    def _suspect(self, witness: str, now: float, *, urgent: bool) -> list[DetectorOutput]:
        if witness == "woke up":
            self._forget_pings(now)
        self._witness = witness
        self._deadline = now + self._policy.probe_deadline(self._rtt, urgent=urgent)
        probe: list[DetectorOutput] = [ProbeWebSocket()] if witness in _REFUSAL_IS_A_VERDICT else []
        return [self._ping(now), *probe]

    def _forget_pings(self, now: float) -> None:
        """Forget the pings sent before a sleep: they are not late, and pongs queued during it are no evidence now."""
        if not self._sent:
            return
        detection = self._policy.detection
        awake = min(now, self.due_at) - min(self._sent.values())
        # A new ping has `probe_floor` to be answered, however long the former ones have waited.
        limit = max(0.0, detection.answer_limit - detection.probe_floor)
        self._waited = min(self._waited + max(0.0, awake), limit)
        self._sent.clear()

    def _suspect_since_asked(self, witness: str, now: float) -> list[DetectorOutput]:
        """Suspect the socket, counting the deadline from the oldest unanswered ping: that ping already is a probe."""
        asked_at = min(self._sent.values(), default=now)
        outputs = self._suspect(witness, now, urgent=True)
        deadline = asked_at + self._policy.probe_deadline(self._rtt, urgent=True)
        self._deadline = max(now + _ANSWER_GRACE, deadline)
        return outputs

    def _suspect_way_up(self, now: float) -> list[DetectorOutput]:
        """Suspect the way up: arriving RTP does not refute that. The verdict on what was suspected before is not delayed.

        Where media alone is dead the server may be wrong about signaling, so the pong gets a little longer than its estimate.
        """
        due = self._verdict_due_at if self._witness is not None else math.inf
        outputs = self._suspect("unheard", now, urgent=True)
        deadline = max(self._policy.probe_deadline(self._rtt, urgent=True), self._rtt.timeout + _ANSWER_GRACE)
        self._deadline = min(now + deadline, due)
        return outputs

    def _answered(self, number: int, now: float) -> list[DetectorOutput]:
        sent = self._sent.pop(number, None)
        if sent is None:
            return []
        silence = self._witness in _SILENCE
        self._waited = 0.0
        if sent >= self._measured_from:
            self._rtt.sample(now - sent)
            self._measured_from = now
        self._sent = {other: at for other, at in self._sent.items() if other > number}
        self._refute_witness(now)
        return [SilenceRefuted()] if silence else []

    def _refute_witness(self, now: float) -> None:
        """Drop the witness, which is refuted; pings still unanswered keep their ordinary deadline."""
        self._grace_until = None
        self._witness = None
        self._deadline = None
        self._opinion.clear()
        if self._sent:
            oldest = max(now - self._policy.detection.late_pong, min(self._sent.values()))
            self._deadline = oldest + max(self._policy.detection.late_pong, self._rtt.timeout)
