"""Whether video that arrives is decoded, by counters."""

from __future__ import annotations

import math

import pytest

from pyvidu.reconnection.decoding import WATCHED, Decoding
from pyvidu.reconnection.evidence import MediaSample


def sample(packets: int, frames: int) -> MediaSample:
    return MediaSample("connected", inbound_video_packets=packets, frames_decoded=frames)


def taken(*counters: tuple[int, int]) -> tuple[Decoding, float]:
    """Return what has taken these numbers of packets and frames, a tenth of a second apart, and the time of the last."""
    decoding, before = Decoding(), sample(100, 50)
    for number, counts in enumerate(counters):
        now, before = number / 10, _take(decoding, before, sample(*counts), number / 10)
    return decoding, now


def _take(decoding: Decoding, before: MediaSample, after: MediaSample, now: float) -> MediaSample:
    decoding.take(before, after, now)
    return after


@pytest.mark.parametrize(
    ("counters", "stopped"),
    [
        ([(101, 50), (102, 50), (103, 50)], True),
        ([(101, 50), (102, 51), (103, 51)], False),  # one frame was decoded in between
        ([(100, 50), (100, 50), (100, 50)], False),  # nothing arrives
        ([(101, 50), (102, 50), (102, 50)], False),  # nothing arrives any more
        ([(101, 0), (102, 0), (103, 0)], False),  # sound alone, or no counter in this browser
    ],
)
def test_decoding_has_stopped_if_packets_arrive_and_no_frame_is_decoded(
    counters: list[tuple[int, int]], stopped: bool
) -> None:
    decoding, now = taken(*counters)
    assert decoding.stopped_for(0.2, now) is stopped
    assert not decoding.stopped_for(0.25, now)


def test_count_begins_anew_after_a_request_and_with_a_watch() -> None:
    decoding, now = taken((101, 50), (102, 50), (103, 50))
    decoding.count_anew(now)
    assert not decoding.stopped_for(0.2, now)
    assert decoding.may_stop_for(0.2) == pytest.approx(now + 0.2, abs=1e-5)
    decoding.watch(now)
    assert decoding.may_stop_for(0.2) == math.inf


def test_watch_ends_with_the_first_sample_after_its_time() -> None:
    decoding = Decoding()
    decoding.watch(5.0)
    _take(decoding, sample(1, 1), sample(2, 2), 5 + WATCHED - 0.01)
    assert decoding.watched_until is not None
    _take(decoding, sample(2, 2), sample(3, 3), 5 + WATCHED)
    assert decoding.watched_until is None
