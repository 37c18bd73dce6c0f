"""The verdict whether a stream is frozen, by counters that grow, never by a state alone.

After an outage, or when a stream's RTP stops during a call, its media connection is watched for a short while:

| ICE       | counters since the watch began                        | verdict                             |
|-----------|-------------------------------------------------------|-------------------------------------|
| dead      | whatever                                              | frozen                              |
| any       | RTP arrives, video is decoded                         | healthy                             |
| any       | RTP arrives, video is not decoded                     | recovering; request a key frame     |
| connected | only STUN answers or RTCP arrive; we send             | healthy                             |
| connected | only STUN answers or RTCP arrive; we receive          | paused, once the window is over     |
| any       | nothing                                               | frozen, once the window is over     |
| any       | connectivity checks are sent, nothing arrives         | frozen, once the short window is    |

The window is short if the path was silent for seconds before: ICE then checks it every 48 ms, and an answer arrives within
0.1 s of the return (measured in Chromium 156). If packets arrived lately, checks are 2.6 s apart and the window is long; but
as soon as ICE sends check after check and none is answered, the path is dead (after a change of address: after a second).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .evidence import MediaSample
from .ice import analyse
from .policy import ReconnectionPolicy

# Chromium 156 checks a path every 48 ms once it was silent for so many seconds.
_CHECKS_HURRY_AFTER = 3.0
_CHECKS_UNANSWERED = 4  # so many checks without an answer within the window: dead, whatever arrived lately

DEAD_AFTER = 1.0
"""Seconds in which nothing may arrive after all RTP has fallen silent. Pyvidu's server reports twice in them at least."""

MediaVerdict = Literal["healthy", "recovering", "paused", "frozen"]


@dataclass(frozen=True, slots=True)
class MediaJudgement:
    """A verdict, the observation it rests on, and whether to request a key frame now (`nudge`)."""

    verdict: MediaVerdict
    because: str
    nudge: bool = False


class Proof:
    """The check of one media connection: pass samples to `take` until its verdict is no longer `recovering`.

    `silent_for` is how many seconds its path had been silent when the check began. `receives` is False for a stream that we
    send. `patience` overrides the window, the seconds for which nothing may arrive. `period` is that of the samples. Time in
    which the caller was stalled does not count: it is no evidence about the network.
    """

    def __init__(
        self,
        before: MediaSample,
        silent_for: float,
        policy: ReconnectionPolicy,
        *,
        receives: bool,
        patience: float | None = None,
        period: float | None = None,
    ) -> None:
        self._before = before
        self._policy = policy
        self._receives = receives
        self._period = policy.media.poll if period is None else period
        self._observed = 0.0
        self._nudged_at: float | None = None
        checked_often = silent_for >= _CHECKS_HURRY_AFTER
        usual = policy.media.window if checked_often else policy.media.recent_window
        self._window = usual if patience is None else patience
        self._counts_checks = patience is None
        self._checked_since: float | None = None
        self._last = before
        self._rtp_at: float | None = None  # when RTP last arrived, in observed time

    def take(self, sample: MediaSample, elapsed: float) -> MediaJudgement:
        """Return the verdict after one more sample, taken `elapsed` seconds after the last one."""
        self._observed += min(elapsed, 2 * self._period)
        if rtp_flows(self._last, sample):
            self._rtp_at = self._observed
        self._last = sample
        if self._rtp_at is not None and self._observed - self._rtp_at >= self._policy.media.window:
            self._restart(sample)
        ice = analyse(sample.ice_state)
        if ice == "dead":
            return MediaJudgement("frozen", f"ICE {sample.ice_state}")
        if rtp_flows(self._before, sample):
            return self._rtp_arrives(sample)
        if ice == "connected" and path_answers(self._before, sample):
            if not self._receives:
                return MediaJudgement("healthy", "STUN or RTCP arrives")
            if self._observed >= self._policy.media.window:
                return MediaJudgement("paused", "STUN or RTCP arrives, no RTP")
        elif self._observed >= self._window or self._checks_go_unanswered(sample):
            return MediaJudgement("frozen", f"ICE {sample.ice_state}, nothing arrived for {self._observed:.1f} s")
        return MediaJudgement("recovering", f"ICE {sample.ice_state}, nothing arrived yet")

    @property
    def matters_in(self) -> float:
        """Return the seconds of observation after which there may be another judgement if counters go on as they do."""
        if self._last is self._before or self._last.stun_requests > self._before.stun_requests:
            return 0.0
        if self._rtp_at is not None:
            nudge_at = (self._nudged_at or 0.0) + self._policy.media.nudge_period
            stops_at = self._rtp_at + self._policy.media.window if self._rtp_at < self._observed else math.inf
            return min(nudge_at, self._policy.media.decode_window, stops_at) - self._observed
        answers = analyse(self._last.ice_state) == "connected" and path_answers(self._before, self._last)
        return (self._policy.media.window if answers else self._window) - self._observed

    def skipped(self, sample: MediaSample, elapsed: float) -> None:
        """Take into account a sample that was not taken because its counters went on; `sample` is the last such one."""
        flows = self._rtp_at == self._observed
        self._observed += min(elapsed, 2 * self._period)
        self._last = sample
        if flows:
            self._rtp_at = self._observed

    def _restart(self, sample: MediaSample) -> None:
        """Begin anew, since RTP has stopped again: what arrived before tells nothing of now."""
        self._before, self._observed = sample, 0.0
        self._nudged_at = self._checked_since = self._rtp_at = None

    def _rtp_arrives(self, sample: MediaSample) -> MediaJudgement:
        video = sample.inbound_video_packets > self._before.inbound_video_packets
        if not video or not self._before.frames_decoded or sample.frames_decoded > self._before.frames_decoded:
            return MediaJudgement("healthy", "packets arrive")
        if self._observed >= self._policy.media.decode_window:
            return MediaJudgement("frozen", "packets arrive, no frame was decoded")
        return MediaJudgement("recovering", "packets arrive, a key frame is missing", nudge=self._nudge())

    def _checks_go_unanswered(self, sample: MediaSample) -> bool:
        """Return whether ICE has sent `checks_unanswered` checks or more over `media.window` without any answer."""
        sent = sample.stun_requests - self._before.stun_requests
        if not self._counts_checks or sent <= 0 or path_answers(self._before, sample):
            return False
        if self._checked_since is None:
            self._checked_since = self._observed
        asked_for = self._observed - self._checked_since
        return sent >= _CHECKS_UNANSWERED and asked_for >= self._policy.media.window

    def _nudge(self) -> bool:
        due = self._nudged_at is None or self._observed - self._nudged_at >= self._policy.media.nudge_period
        if due:
            self._nudged_at = self._observed
        return due


def paths_are_dead(before: Sequence[MediaSample], after: Sequence[MediaSample]) -> bool:
    """Return whether nothing has arrived on any path in between, although reports about what is sent did before."""
    reported = any(sample.remote_reports for sample in before)
    return reported and not any(map(path_answers, before, after))


def rtp_flows(before: MediaSample, now: MediaSample) -> bool:
    """Return whether RTP has arrived in between."""
    return (
        now.inbound_audio_packets > before.inbound_audio_packets
        or now.inbound_video_packets > before.inbound_video_packets
    )


def path_answers(before: MediaSample, now: MediaSample) -> bool:
    """Return whether anything has arrived in between: RTP, RTCP or an answer to a connectivity check."""
    return (
        now.stun_responses > before.stun_responses
        or now.received_packets > before.received_packets
        or now.remote_reports > before.remote_reports
        or rtp_flows(before, now)
    )
