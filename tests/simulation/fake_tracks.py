"""MediaStreams and their tracks, as much of them as the core and the application see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class FakeTrack:
    """A MediaStreamTrack. `refused`: no encoder takes it."""

    kind: str
    label: str = ""
    size: tuple[int, int] = (640, 480)
    refused: bool = False
    stopped: bool = False
    enabled: bool = True


class FakeStream:
    """A MediaStream, with at most one track of each kind."""

    def __init__(self, *tracks: FakeTrack) -> None:
        self.tracks = {track.kind: track for track in tracks}

    def getVideoTracks(self) -> list[FakeTrack]:  # noqa: N802
        """Return them as the browser's MediaStream does."""
        return [track for track in self.tracks.values() if track.kind == "video"]
