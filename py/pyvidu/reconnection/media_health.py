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

from dataclasses import dataclass
from typing import Literal

from .evidence import MediaSample, SoundPlayed
from .ice import analyse
from .policy import ReconnectionPolicy

MediaVerdict = Literal["healthy", "recovering", "paused", "frozen"]

_RTP_TURN = 2**32  # RTP timestamps have 32 bits


@dataclass(frozen=True, slots=True)
class MediaJudgement:
    """A verdict, the observation it rests on, and whether to request a key frame now (`nudge`)."""

    verdict: MediaVerdict
    because: str
    nudge: bool = False


class Proof:
    """The check of one media connection: pass samples to `take` until its verdict is no longer `recovering`.

    `silent_for` is how many seconds its path had been silent when the check began. `receives` is False for a stream that we
    send. `patience` overrides the window, the seconds for which nothing may arrive. Time in which the caller was stalled does
    not count: it is no evidence about the network.
    """

    def __init__(
        self,
        before: MediaSample,
        silent_for: float,
        policy: ReconnectionPolicy,
        *,
        receives: bool,
        patience: float | None = None,
    ) -> None:
        self._before = before
        self._policy = policy
        self._receives = receives
        self._observed = 0.0
        self._nudged_at: float | None = None
        checked_often = silent_for >= policy.checks_hurry_after
        usual = policy.media_window if checked_often else policy.media_proof_window
        self._window = usual if patience is None else patience
        self._counts_checks = patience is None
        self._checked_since: float | None = None

    def take(self, sample: MediaSample, elapsed: float) -> MediaJudgement:
        """Return the verdict after one more sample, taken `elapsed` seconds after the last one."""
        self._observed += min(elapsed, 2 * self._policy.media_poll)
        ice = analyse(sample.ice_state)
        if ice == "dead":
            return MediaJudgement("frozen", f"ICE {sample.ice_state}")
        if rtp_flows(self._before, sample):
            return self._rtp_arrives(sample)
        if ice == "connected" and path_answers(self._before, sample):
            if not self._receives:
                return MediaJudgement("healthy", "STUN or RTCP arrives")
            if self._observed >= self._policy.media_window:
                return MediaJudgement("paused", "STUN or RTCP arrives, no RTP")
        elif self._observed >= self._window or self._checks_go_unanswered(sample):
            return MediaJudgement("frozen", f"ICE {sample.ice_state}, nothing arrived for {self._observed:.1f} s")
        return MediaJudgement("recovering", f"ICE {sample.ice_state}, nothing arrived yet")

    def _rtp_arrives(self, sample: MediaSample) -> MediaJudgement:
        video = sample.inbound_video_packets > self._before.inbound_video_packets
        if not video or not self._before.frames_decoded or sample.frames_decoded > self._before.frames_decoded:
            return MediaJudgement("healthy", "packets arrive")
        if self._observed >= self._policy.media_decode_window:
            return MediaJudgement("frozen", "packets arrive, no frame was decoded")
        return MediaJudgement("recovering", "packets arrive, a key frame is missing", nudge=self._nudge())

    def _checks_go_unanswered(self, sample: MediaSample) -> bool:
        """Return whether ICE has sent `checks_unanswered` checks or more over `media_window` without any answer."""
        sent = sample.stun_requests - self._before.stun_requests
        if not self._counts_checks or sent <= 0 or path_answers(self._before, sample):
            return False
        if self._checked_since is None:
            self._checked_since = self._observed
        asked_for = self._observed - self._checked_since
        return sent >= self._policy.checks_unanswered and asked_for >= self._policy.media_window

    def _nudge(self) -> bool:
        due = self._nudged_at is None or self._observed - self._nudged_at >= self._policy.media_nudge_period
        if due:
            self._nudged_at = self._observed
        return due


def lateness(before: SoundPlayed, now: SoundPlayed) -> float:
    """Return how many seconds later audio is played after a silence than before it; 0 for anything but a backlog.

    Audio that was queued in the network while the link was down arrives all at once and is played from its beginning, and
    video is kept in sync with it: after a link drop of 9 s Chromium 156 showed everything 0.5 to 1.2 s late, for a minute.
    """
    sent_after = (now.ticks - before.ticks) % _RTP_TURN
    if sent_after >= _RTP_TURN / 2:
        return 0.0  # another RTP clock: the sender restarted
    return max(0.0, now.at - before.at - sent_after / now.rate)


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
