"""Carries out what `SoundFirst` decides: which videos are forwarded to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .path_counters import ParticipantPaths
from .sound_first import Pause, Probe, SoundFirst
from .stream import ForwardedStream
from .subscriber import SubscriberEndpoint


@dataclass(frozen=True, slots=True)
class VideoPause:
    """A change: the video of `stream` is not forwarded to `participant` any more, or is again."""

    participant: str
    stream: str
    paused: bool


class VideoPauses:
    """The decisions about all participants."""

    def __init__(self) -> None:
        self._decisions: dict[str, SoundFirst] = {}  # by participant

    def look(
        self, streams: Iterable[ForwardedStream], paths: Mapping[str, ParticipantPaths], now: float
    ) -> list[VideoPause]:
        """Pause and resume what the evidence of this moment says; return the changes."""
        published = {stream.stream_id: stream for stream in streams}
        received: dict[str, dict[str, SubscriberEndpoint]] = {}
        for stream in published.values():
            for name, endpoint in stream.subscribers.items():
                if "video" in endpoint.tracks and endpoint.transport.connected and not endpoint.shares_transport:
                    received.setdefault(name, {})[stream.stream_id] = endpoint
        self._decisions = {name: self._decisions.get(name) or SoundFirst() for name in received}
        changes: list[VideoPause] = []
        for name, endpoints in received.items():
            changes += self._look_at(name, endpoints, _queue_up(paths.get(name)), now)
        for change in changes:
            if not change.paused:
                published[change.stream].request_key_frame()
        return changes

    def _look_at(
        self, participant: str, endpoints: Mapping[str, SubscriberEndpoint], queue: float, now: float
    ) -> list[VideoPause]:
        decisions = self._decisions[participant]
        for name, endpoint in endpoints.items():  # a connection that has replaced another
            if name in decisions.paused and not endpoint.video_paused:
                endpoint.pause_video()
        if not any("audio" in endpoint.tracks for endpoint in endpoints.values()):
            return []  # there is no sound to keep
        changes = []
        evidence = {name: endpoint.evidence(queue) for name, endpoint in endpoints.items()}
        for action in decisions.look(evidence, now):
            endpoint = endpoints[action.stream]
            if isinstance(action, Probe):
                endpoint.probe()
                continue
            paused = isinstance(action, Pause)
            if paused:
                endpoint.pause_video()
            else:
                endpoint.resume_video()
            changes.append(VideoPause(participant, action.stream, paused))
        return changes


def _queue_up(paths: ParticipantPaths | None) -> float:
    """Return for how long packets of a participant wait on their way to the server, in seconds."""
    if paths is None or paths.uplink is None or paths.uplink.delay is None:
        return 0.0
    return paths.uplink.delay
