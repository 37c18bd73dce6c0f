"""What is in a recorded file."""

from __future__ import annotations

import io
from dataclasses import dataclass

import av


@dataclass(frozen=True, slots=True)
class Recorded:
    """The times of its frames in seconds, and the pictures that differ from the one before."""

    video: tuple[float, ...]
    audio: tuple[float, ...]
    moved: tuple[float, ...]

    @property
    def length(self) -> float:
        """Return from the first to the last of its frames."""
        times = (*self.video, *self.audio)
        return max(times) - min(times)

    def is_in_order(self) -> bool:
        """Return whether the times of both never go back."""
        return all(list(times) == sorted(times) for times in (self.video, self.audio))


def recorded(content: bytes) -> Recorded:
    """Decode a file, all of it. Raises av.FFmpegError if it cannot be."""
    times: dict[str, list[float]] = {"video": [], "audio": []}
    moved, before = [], None
    for kind, found in times.items():
        with av.open(io.BytesIO(content), "r") as file:
            if not getattr(file.streams, kind):
                continue
            for frame in file.decode(**{kind: 0}):
                assert isinstance(frame, av.VideoFrame | av.AudioFrame)
                found.append(float(frame.time or 0))
                if isinstance(frame, av.VideoFrame):
                    picture = bytes(frame.reformat(format="gray").planes[0])
                    if picture != before:
                        moved.append(found[-1])
                    before = picture
    return Recorded(tuple(times["video"]), tuple(times["audio"]), tuple(moved))
