"""When something last arrived, by samples that were taken, skipped or of another peer connection."""

from __future__ import annotations

import pytest

from pyvidu.reconnection.evidence import MediaSample
from pyvidu.reconnection.samples import Samples


def sample(packets: int) -> MediaSample:
    return MediaSample("connected", inbound_video_packets=packets)


def taken(*packets: int) -> Samples:
    """Return what has taken samples with these numbers of packets, a second apart, from 100 s on."""
    samples = Samples(100.0)
    for number, count in enumerate(packets):
        assert samples.take(sample(count), 100.0 + number) == (1.0 if number else 0.0)
    return samples


def test_silence_lasts_from_the_last_sample_in_which_packets_had_arrived() -> None:
    samples = taken(1, 2, 2, 2)
    assert samples.silent_for(103.5) == 2.5
    assert not samples.returned_after(0.0)


@pytest.mark.parametrize(("seconds", "expected"), [(2.9, True), (3.0, False)])
def test_packets_return_after_more_than_so_many_seconds(seconds: float, expected: bool) -> None:
    assert taken(1, 2, 2, 2, 3).returned_after(seconds) is expected


def test_time_without_samples_and_before_another_peer_connection_is_no_silence() -> None:
    samples = taken(1, 2, 2)
    samples.begin(110.0)
    assert samples.silent_for(111.0) == 1.0
    samples.replaced(112.0)
    assert samples.silent_for(112.0) == 0.0
    assert samples.last == MediaSample("new")


@pytest.mark.parametrize(("packets", "silence"), [((1, 2), 0.0), ((1, 2, 2), 3.0)])
def test_skipped_samples_go_on_as_the_last_one_did(packets: tuple[int, ...], silence: float) -> None:
    samples = taken(*packets)
    last = samples.taken_at
    assert samples.skipped([last + 0.5, last + 2.0], sample(9)) == [0.5, 1.5]
    assert (samples.last, samples.taken_at) == (sample(9), last + 2.0)
    assert samples.silent_for(last + 2.0) == silence
