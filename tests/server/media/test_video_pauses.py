"""What is forwarded to a participant follows the rule of sound first, and everything is where there is no sound to keep."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pyvidu.server.media.sound_first import VideoEvidence
from pyvidu.server.media.video_pauses import PausedVideo, VideoPauses

PAUSED = frozenset({PausedVideo("bob", "s", "loss")})


class Endpoint:
    """A subscriber of a stream, most of whose video is lost."""

    shares_transport = video_paused = False

    def __init__(self) -> None:
        self.tracks = {"audio", "video"}
        self.transport = SimpleNamespace(connected=True, last_heard=0.0)
        self._expected = 0

    def evidence(self, _queue: float) -> VideoEvidence:
        self._expected += 20
        return VideoEvidence(300_000, self._expected, round(0.8 * self._expected), self._expected)

    def pause_video(self) -> None:
        self.video_paused = True

    def resume_video(self) -> None:
        self.video_paused = False


class Call:
    """Bob receives one stream; `look` is called four times a second."""

    def __init__(self) -> None:
        self.bob = Endpoint()
        self.key_frames = 0
        self._pauses = VideoPauses()
        self._now = 100.0

    @property
    def subscribers(self) -> dict[str, Endpoint]:
        return {"bob": self.bob}

    def request_key_frame(self) -> None:
        self.key_frames += 1

    def look(self) -> frozenset[PausedVideo]:
        self._now += 0.25
        self.bob.transport.last_heard = self._now
        stream: Any = SimpleNamespace(
            stream_id="s",
            owner="ada",
            publisher=None,
            subscribers=self.subscribers,
            request_key_frame=self.request_key_frame,
        )
        return self._pauses.look([stream], {}, self._now)


def paused() -> Call:
    call = Call()
    assert PAUSED in (call.look() for _ in range(12))
    assert call.bob.video_paused
    return call


def test_video_is_forwarded_again_from_a_key_frame_once_there_is_no_sound_to_keep() -> None:
    call = paused()
    call.bob.tracks.remove("audio")
    assert call.look() == frozenset()
    assert (call.bob.video_paused, call.key_frames) == (False, 1)


def test_connection_that_replaces_one_whose_video_is_paused_has_it_paused_too() -> None:
    call = paused()
    call.bob = Endpoint()
    assert call.look() == PAUSED
    assert (call.bob.video_paused, call.key_frames) == (True, 0)


def test_participant_who_receives_nothing_any_more_has_nothing_paused() -> None:
    call = paused()
    call.bob.transport.connected = False
    assert call.look() == frozenset()
