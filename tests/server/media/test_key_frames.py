"""Key frame requests are coalesced, and none is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu.server.media import key_frames
from pyvidu.server.media.key_frames import KeyFrameRequests
from pyvidu.server.media.stream import ForwardedStream


class Timers:
    """Replaces the loop's timers: `fire` runs the pending one."""

    def __init__(self) -> None:
        self.pending: list[Any] = []

    def call_later(self, _: float, callback: Any) -> Timers:
        self.pending.append(callback)
        return self

    def cancel(self) -> None:
        self.pending.clear()

    def fire(self) -> None:
        self.pending.pop()()


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    timers = Timers()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: timers)
    return timers


def test_first_request_is_sent_at_once_and_later_ones_are_coalesced(timers: Timers) -> None:
    asked: list[int] = []
    requests = KeyFrameRequests(lambda: asked.append(1))
    for _ in range(5):
        requests.request()
    assert len(asked) == 1
    requests.arrived()
    timers.fire()
    assert len(asked) == 2  # the frame that answered the first request may have come before the later requests
    requests.arrived()
    timers.fire()
    assert len(asked) == 2
    assert not timers.pending


def test_unanswered_request_is_repeated_a_limited_number_of_times(timers: Timers) -> None:
    asked: list[int] = []
    requests = KeyFrameRequests(lambda: asked.append(1))
    requests.request()
    while timers.pending:
        timers.fire()
    assert len(asked) == 1 + key_frames.REPEATS
    requests.request()
    assert len(asked) == 2 + key_frames.REPEATS


def test_no_request_is_sent_after_close(timers: Timers) -> None:
    asked: list[int] = []
    requests = KeyFrameRequests(lambda: asked.append(1))
    requests.request()
    requests.close()
    requests.request()
    assert len(asked) == 1
    assert not timers.pending


class Asked:
    """Counts the key frame requests of a stream, and the seconds of the one that asks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stream = ForwardedStream("ada", "s", lambda _: None)
        self.now, self.count = 100.0, 0
        monkeypatch.setattr(KeyFrameRequests, "request", self._requested)

    def _requested(self) -> None:
        self.count += 1

    def by(self, name: str, seconds: float, every: float) -> int:
        """Let a subscriber ask for so long; return how many intervals of `key_frames.INTERVAL` had a request."""
        intervals = set()
        for number in range(round(seconds / every)):
            before = self.count
            self.stream.key_frame_wanted(name, self.now + number * every)
            if self.count > before:
                intervals.add(int(number * every / key_frames.INTERVAL + 1e-9))
        self.now += seconds
        return len(intervals)


def test_one_subscriber_requests_key_frames_for_three_seconds_and_then_one_every_other_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(monkeypatch)
    assert 10 <= asked.by("eve", 3, every=0.05) <= 11
    assert 5 <= asked.by("eve", 10, every=0.05) <= 14, "of 34 intervals"
    assert asked.by("bob", 0.9, every=0.15) == 3, "another has a budget of its own"


def test_requests_after_every_outage_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    for _ in range(50):
        asked.count = 0
        asked.by("bob", 0.6, every=0.2)
        assert asked.count == 3
        asked.now += 4
