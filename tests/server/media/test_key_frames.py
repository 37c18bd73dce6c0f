"""Key frame requests are coalesced, and none is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvidu.server.media import key_frames
from pyvidu.server.media.key_frames import KeyFrameRequests


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
