"""Carries out what `SoundFirst` decides: which videos are forwarded to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .path_counters import ParticipantPaths
from .sound_first import SoundFirst
from .stream import ForwardedStream
from .subscriber import SubscriberEndpoint


@dataclass(frozen=True, slots=True)
class PausedVideo:
    """The video of `stream` is not forwarded to `participant`; `cause`: "loss", "estimate" or "queue"."""

    participant: str
    stream: str
    cause: str


class VideoPauses:
    """The decisions about all participants."""

    def __init__(self) -> None:
        self._decisions: dict[str, SoundFirst] = {}  # by participant

    def look(
        self, streams: Iterable[ForwardedStream], paths: Mapping[str, ParticipantPaths], now: float
    ) -> frozenset[PausedVideo]:
        """Pause and resume what the evidence of this moment says; return what is paused then."""
        published = {stream.stream_id: stream for stream in streams}
        received: dict[str, dict[str, SubscriberEndpoint]] = {}
        for stream in published.values():
            for name, endpoint in stream.subscribers.items():
                if "video" in endpoint.tracks and endpoint.transport.connected and not endpoint.shares_transport:
                    received.setdefault(name, {})[stream.stream_id] = endpoint
        heard = _heard(published.values())
        self._decisions = {name: self._decisions.get(name) or SoundFirst() for name in received}
        for name, endpoints in received.items():
            for stream_id in self._look_at(name, endpoints, _queue_up(paths.get(name)), heard[name], now):
                published[stream_id].request_key_frame()
        return frozenset(
            PausedVideo(participant, stream_id, cause)
            for participant, decisions in self._decisions.items()
            for stream_id, cause in decisions.paused.items()
        )

    def _look_at(
        self, participant: str, endpoints: Mapping[str, SubscriberEndpoint], queue: float, heard: float, now: float
    ) -> list[str]:
        """Have done what is decided about a participant; return the streams whose video is forwarded again."""
        if any("audio" in endpoint.tracks for endpoint in endpoints.values()):
            evidence = {name: endpoint.evidence(queue) for name, endpoint in endpoints.items()}
            probed = self._decisions[participant].look(evidence, heard, now)
        else:  # there is no sound to keep
            self._decisions[participant], probed = SoundFirst(), None
        paused, resumed = self._decisions[participant].paused, []
        for name, endpoint in endpoints.items():
            if name in paused and not endpoint.video_paused:
                endpoint.pause_video()
            elif name not in paused and endpoint.video_paused:
                endpoint.resume_video()
                resumed.append(name)
            if name == probed:
                endpoint.probe()
        return resumed


def _heard(streams: Iterable[ForwardedStream]) -> dict[str, float]:
    """Return when anything last arrived from everybody who sends or receives media; 0: never."""
    heard: dict[str, float] = {}
    for stream in streams:
        ends = [(name, endpoint.transport) for name, endpoint in stream.subscribers.items()]
        if stream.publisher is not None:
            ends.append((stream.owner, stream.publisher.transport))
        for name, transport in ends:
            heard[name] = max(heard.get(name, 0.0), transport.last_heard or 0.0)
    return heard


def _queue_up(paths: ParticipantPaths | None) -> float:
    """Return for how long packets of a participant wait on their way to the server, in seconds."""
    if paths is None or paths.uplink is None or paths.uplink.delay is None:
        return 0.0
    return paths.uplink.delay
