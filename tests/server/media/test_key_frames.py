"""Key frame requests are coalesced, and none is lost."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.server.media import key_frames
from pyvidu.server.media.key_frames import KeyFrameRequests
from pyvidu.server.media.stream import ForwardedStream
from tests.virtual_time import virtual_time


class Publisher:
    """Notes when it is asked for a key frame, in seconds from the first request; answers after `answers_after` seconds."""

    def __init__(self, answers_after: float | None = None) -> None:
        self.asked: list[float] = []
        self.requests = KeyFrameRequests(self._ask)
        self._answers_after = answers_after
        self._began = asyncio.get_running_loop().time()

    def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        self.asked.append(round(loop.time() - self._began, 2))
        if self._answers_after is not None:
            loop.call_later(self._answers_after, self.requests.arrived)


@virtual_time
async def test_first_request_is_sent_at_once_and_later_ones_are_coalesced() -> None:
    publisher = Publisher(answers_after=0.05)
    for _ in range(5):
        publisher.requests.request()
    assert publisher.asked == [0.0]
    await asyncio.sleep(5)
    assert publisher.asked == [0.0, 0.3], "the frame that answered the first may have come before the later requests"


@virtual_time
async def test_unanswered_request_is_repeated_ever_more_seldom_and_a_limited_number_of_times() -> None:
    publisher = Publisher()
    publisher.requests.request()
    await asyncio.sleep(30)
    assert publisher.asked == [0.0, 0.3, 0.9, 2.1, 3.3, 4.5, 5.7]
    assert len(publisher.asked) == 1 + key_frames.REPEATS
    publisher.requests.request()
    await asyncio.sleep(0)
    assert publisher.asked[-1] == 30.0


@virtual_time
async def test_request_does_not_wait_for_the_repetition_of_an_earlier_one() -> None:
    publisher = Publisher()
    publisher.requests.request()
    await asyncio.sleep(1.5)
    publisher.requests.request()
    publisher.requests.request()
    await asyncio.sleep(0.35)
    assert publisher.asked == [0.0, 0.3, 0.9, 1.5, 1.8]


@virtual_time
async def test_request_soon_after_a_repetition_does_not_wait_for_the_next_one() -> None:
    publisher = Publisher()
    publisher.requests.request()
    await asyncio.sleep(1)
    publisher.requests.request()
    await asyncio.sleep(0.25)
    assert publisher.asked == [0.0, 0.3, 0.9, 1.2]


@virtual_time
async def test_request_after_one_that_was_lost_is_sent_at_once() -> None:
    publisher = Publisher()
    publisher.requests.request()
    await asyncio.sleep(0.1)
    publisher.requests.lost()
    publisher.requests.request()
    assert publisher.asked == [0.0, 0.1]


@virtual_time
async def test_no_request_is_sent_after_close() -> None:
    publisher = Publisher()
    publisher.requests.request()
    publisher.requests.close()
    publisher.requests.request()
    await asyncio.sleep(10)
    assert publisher.asked == [0.0]


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
