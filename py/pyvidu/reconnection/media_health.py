"""Is a stream frozen? Told by counters that move, never by a state alone.

A stream is watched for a short window after the signaling plane is back:

| ICE          | counters since the return                    | verdict                          |
|--------------|----------------------------------------------|----------------------------------|
| dead         | whatever                                     | frozen                           |
| any          | received stream: packets arrive              | healthy                          |
| connected    | STUN answers or RTCP arrive                  | healthy (a silent sender pauses) |
| broken       | nothing, for `media_window`                  | frozen                           |
| connected    | nothing, for `media_proof_window`            | frozen                           |
| waiting      | nothing, for `media_proof_window`            | frozen                           |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .evidence import MediaSample
from .ice import analyse
from .policy import ReconnectionPolicy

MediaVerdict = Literal["healthy", "recovering", "frozen"]


@dataclass(frozen=True, slots=True)
class MediaJudgement:
    """A verdict and the observation it rests on."""

    verdict: MediaVerdict
    because: str


def judge(before: MediaSample, now: MediaSample, elapsed: float, policy: ReconnectionPolicy) -> MediaJudgement:
    """The verdict on one media connection, `elapsed` seconds after the sample `before` was taken."""
    ice = analyse(now.ice_state)
    if ice == "dead":
        return MediaJudgement("frozen", f"ICE {now.ice_state}")
    if _rtp_flows(before, now):
        return MediaJudgement("healthy", "packets arrive")
    if ice == "connected" and _path_answers(before, now):
        return MediaJudgement("healthy", "the path answers")
    window = policy.media_window if ice == "broken" else policy.media_proof_window
    if elapsed >= window:
        return MediaJudgement("frozen", f"ICE {now.ice_state}, nothing arrived for {elapsed:.1f} s")
    return MediaJudgement("recovering", f"ICE {now.ice_state}, nothing arrived yet")


def _rtp_flows(before: MediaSample, now: MediaSample) -> bool:
    return (
        now.inbound_audio_packets > before.inbound_audio_packets
        or now.inbound_video_packets > before.inbound_video_packets
    )


def _path_answers(before: MediaSample, now: MediaSample) -> bool:
    return (
        now.stun_responses > before.stun_responses
        or now.received_packets > before.received_packets
        or now.remote_reports > before.remote_reports
    )
