"""Each stream's cadence, and when its silence is evidence. The cadences are those measured in Chromium 156."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.media.rtp_monitor import RtpMonitor
from pyvidu.platform import LoopClock
from pyvidu.reconnection.cadence import Cadence
from pyvidu.reconnection.policy import ReconnectionPolicy
from virtual_time import VirtualClockLoop, virtual_time

POLICY = ReconnectionPolicy()
POLL = POLICY.cadence_poll


def heard(gap: float, seconds: float = 5.0) -> tuple[Cadence, float]:
    """Return the cadence of a stream with a packet every `gap` seconds, polled for `seconds`, and the time."""
    cadence, now = Cadence(POLICY), 0.0
    while now < seconds:
        now += POLL
        cadence.observe(now // gap + 1, now)
    return cadence, now


@pytest.mark.parametrize(
    ("stream", "gap", "silence"),
    [("video at 20 fps", 0.057, 0.31), ("Opus", 0.021, 0.31), ("Opus with DTX", 0.424, 1.01)],
)
def test_silence_is_twice_the_largest_gap_and_at_least_300_ms(stream: str, gap: float, silence: float) -> None:
    cadence, now = heard(gap)
    assert cadence.is_witness(now), stream
    assert not cadence.is_silent(now + 0.29)
    assert cadence.is_silent(now + silence)


def test_stream_with_few_packets_is_not_a_witness() -> None:
    cadence, now = heard(1.0, seconds=9.0)
    assert not cadence.is_witness(now)


def test_recent_stream_is_not_a_witness() -> None:
    cadence, now = heard(0.05, seconds=1.5)
    assert not cadence.is_witness(now)
    assert not Cadence(POLICY).is_silent(100.0)


def test_long_gap_is_discarded_after_10_s() -> None:
    cadence, now = heard(0.05)
    now += 2.0
    cadence.observe(-1.0, now)
    assert not cadence.is_witness(now)
    for _ in range(round(10.5 / POLL)):
        now += POLL
        cadence.observe(now, now)
    assert cadence.is_witness(now)


def test_stall_of_the_page_is_not_counted_as_a_gap() -> None:
    cadence, now = heard(0.05)
    cadence.stalled(3.0)
    assert not cadence.is_silent(now + 3.0)
    assert cadence.is_silent(now + 3.4)


def test_stall_before_the_first_packet_does_not_make_the_stream_silent() -> None:
    cadence = Cadence(POLICY)
    cadence.stalled(3.0)
    assert not cadence.is_silent(100.0)
    assert not cadence.is_witness(100.0)


class Streams:
    """Markers of some streams, in virtual time, and what `RtpMonitor` reports of them."""

    def __init__(self, *gaps: float) -> None:
        self.gaps = list(gaps)
        self.frozen_at: dict[int, float] = {}
        self.told: list[str] = []
        self.overdue = self.steadied = self.references = 0
        self.monitor = RtpMonitor(LoopClock(), POLICY, self.markers, self)

    def rtp_steady(self) -> None:
        self.steadied += 1

    def rtp_overdue(self) -> None:
        self.overdue += 1

    def rtp_silent(self) -> None:
        self.told.append("silence")

    def rtp_returned(self) -> None:
        self.told.append("sound")

    def audio_reference_due(self) -> None:
        self.references += 1

    def page_stood_still(self, seconds: float) -> None:
        self.told.append(f"woke up after {seconds:.0f} s")

    def stream_silent(self, peer: object) -> None:
        self.told.append(f"silence of {peer}")

    def stream_returned(self, peer: object) -> None:
        self.told.append(f"sound of {peer}")

    def markers(self) -> dict[object, float | None]:
        now = asyncio.get_running_loop().time()
        return {number: min(now, self.frozen_at.get(number, now)) // gap + 1 for number, gap in enumerate(self.gaps)}

    @property
    def steady(self) -> bool:
        return self.steadied > self.overdue

    def freeze(self, *numbers: int) -> None:
        now = asyncio.get_running_loop().time()
        self.frozen_at = dict.fromkeys(numbers, now)


@virtual_time
async def test_silence_of_one_of_two_streams_is_not_reported_as_rtp_silence() -> None:
    streams = Streams(0.05, 0.02)
    streams.monitor.start()
    await asyncio.sleep(5)
    streams.freeze(0)
    await asyncio.sleep(5)
    assert streams.told == ["silence of 0"]
    streams.monitor.close()


@virtual_time
async def test_silence_and_return_of_all_streams_are_each_reported_once() -> None:
    streams = Streams(0.05, 0.02)
    streams.monitor.start()
    await asyncio.sleep(5)
    streams.freeze(0, 1)
    await asyncio.sleep(0.55)
    assert streams.told == ["silence", "silence of 0", "silence of 1"]
    assert streams.overdue == 1
    await asyncio.sleep(5)
    streams.freeze()
    await asyncio.sleep(0.2)
    assert streams.told[3:] == ["sound", "sound of 0", "sound of 1"]
    streams.monitor.close()


@virtual_time
async def test_pause_of_all_streams_is_reported_as_overdue_before_silence() -> None:
    streams = Streams(0.05, 0.02)
    streams.monitor.start()
    await asyncio.sleep(5)
    assert streams.overdue == 0
    streams.freeze(0, 1)
    await asyncio.sleep(0.25)
    assert (streams.overdue, streams.told) == (1, [])
    streams.freeze()
    await asyncio.sleep(5)
    assert (streams.overdue, streams.told) == (1, [])
    streams.monitor.close()


@virtual_time
async def test_steady_is_reported_until_all_regular_streams_pause_or_end() -> None:
    streams = Streams(0.05, 0.02, 3.0)
    streams.monitor.start()
    await asyncio.sleep(1.5)
    assert not streams.steady, "nobody is known for long enough"
    await asyncio.sleep(3)
    streams.freeze(0)
    await asyncio.sleep(3)
    assert (streams.steadied, streams.overdue) == (1, 0), "one of two still flows"
    streams.freeze(0, 1)
    await asyncio.sleep(0.25)
    assert not streams.steady
    await asyncio.sleep(5)
    streams.freeze()
    await asyncio.sleep(0.1)
    assert streams.steady
    streams.gaps[:] = []
    await asyncio.sleep(0.1)
    assert (streams.steadied, streams.overdue) == (2, 2), "the last one is gone"
    streams.monitor.close()


@virtual_time
async def test_stream_that_becomes_a_witness_during_a_pause_is_reported_as_overdue() -> None:
    streams = Streams(0.05)
    streams.monitor.start()
    await asyncio.sleep(1.9)
    streams.freeze(0)
    await asyncio.sleep(0.25)  # it has been observed for two seconds now, and is not silent yet
    assert (streams.steadied, streams.overdue, streams.told) == (0, 1, [])
    streams.monitor.close()


@virtual_time
async def test_gap_of_an_outage_does_not_delay_the_detection_of_the_next_one() -> None:
    streams = Streams(0.05)
    streams.monitor.start()
    await asyncio.sleep(5)
    for count in (1, 2, 3):
        streams.freeze(0)
        await asyncio.sleep(0.55)
        assert streams.told.count("silence") == count
        await asyncio.sleep(8)
        streams.freeze()
        await asyncio.sleep(1)
    streams.monitor.close()


@virtual_time
async def test_gaps_right_after_an_outage_are_not_counted() -> None:
    streams = Streams(0.05)
    streams.monitor.start()
    await asyncio.sleep(5)
    streams.freeze(0)
    await asyncio.sleep(2)
    streams.freeze()
    await asyncio.sleep(0.2)
    streams.freeze(0)  # the video waits for a key frame
    await asyncio.sleep(0.6)
    streams.freeze()
    await asyncio.sleep(2)
    streams.freeze(0)
    await asyncio.sleep(0.4)
    assert streams.told[-1] == "silence of 0"
    streams.monitor.close()


@virtual_time
async def test_static_screen_share_is_not_reported_as_silent() -> None:
    streams = Streams(3.0)
    streams.monitor.start()
    await asyncio.sleep(30)
    streams.freeze(0)
    await asyncio.sleep(30)
    assert (streams.told, streams.steadied) == ([], 0)
    streams.monitor.close()


def stand_still(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    loop.advance(seconds)


@virtual_time
async def test_sleep_of_the_page_is_reported_and_not_counted_as_a_gap() -> None:
    streams = Streams(0.05)
    streams.monitor.start()
    await asyncio.sleep(5)
    stand_still(6)
    await asyncio.sleep(0.1)
    streams.freeze(0)  # queued packets have arrived at once, then there is a pause
    await asyncio.sleep(0.6)
    streams.freeze()
    await asyncio.sleep(3)
    streams.freeze(0)
    await asyncio.sleep(0.4)
    assert streams.told[0] == "woke up after 6 s"
    assert streams.told[-1] == "silence of 0"
    streams.monitor.close()


@virtual_time
async def test_stall_of_half_a_second_is_not_reported_as_a_sleep() -> None:
    streams = Streams(0.05)
    streams.monitor.start()
    await asyncio.sleep(5)
    stand_still(0.5)
    await asyncio.sleep(1)
    assert streams.told == []
    streams.monitor.close()


@virtual_time
async def test_audio_reference_is_taken_once_a_second_while_rtp_flows() -> None:
    streams = Streams(0.05)
    streams.monitor.start()
    await asyncio.sleep(10)
    assert 9 <= streams.references <= 11
    streams.freeze(0)
    await asyncio.sleep(0.1)
    before = streams.references
    await asyncio.sleep(10)
    assert streams.references == before
    streams.monitor.close()
