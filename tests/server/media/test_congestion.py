"""When a subscriber's downlink limits the publisher, to what rate, and for how long."""

from __future__ import annotations

import struct

import pytest
from aiortc import rtp as independent
from hypothesis import given
from hypothesis import strategies as st

from pyvidu.server.media import rtcp
from pyvidu.server.media.congestion import FLOOR, PATIENCE, Downlink, PublisherLimit, RateMeter


class Way:
    """A downlink on which packets have flowed for a while, and its clock. The subscriber reports every second."""

    def __init__(self, estimate: float = 1_200_000, sent: float = 900_000) -> None:
        self.downlink = Downlink()
        self.now = 100.0
        self.estimates(*[estimate] * 6, sent=sent)

    def estimates(self, *estimates: float, sent: float) -> Way:
        for estimate in estimates:
            self.now += 1
            self.downlink.estimated(estimate, sent, self.now)
        return self

    def loses(self, fraction: float, *, sent: float, reports: int = 1) -> Way:
        for _ in range(reports):
            self.now += 1
            self.downlink.lost(fraction, sent, self.now)
        return self

    @property
    def limit(self) -> float | None:
        return PublisherLimit().at({"bob": self.downlink}, self.now)


def test_estimate_that_rises_more_slowly_than_the_sent_rate_sets_no_limit() -> None:
    assert Way(300_000, 1_500_000).estimates(324_000, 350_000, 378_000, sent=1_500_000).limit is None


def test_estimate_that_falls_because_less_is_sent_sets_no_limit() -> None:
    assert Way().estimates(60_000, sent=40_000).limit is None


def test_estimate_that_falls_below_the_sent_rate_sets_the_limit() -> None:
    assert Way().estimates(400_000, sent=900_000).limit == 400_000


def test_estimate_slightly_below_the_sent_rate_sets_no_limit() -> None:
    assert Way().estimates(0.85 * 900_000, sent=900_000).limit is None


def test_limit_rises_with_the_estimate() -> None:
    way = Way().estimates(400_000, sent=900_000)
    assert way.estimates(432_000, sent=400_000).limit == 432_000
    assert way.estimates(466_000, sent=432_000).limit == 466_000


def test_limit_ends_when_the_publisher_sends_less_for_a_while() -> None:
    way = Way().estimates(400_000, sent=900_000)
    assert way.estimates(*[600_000] * 5, sent=400_000).limit == 600_000
    assert way.estimates(600_000, sent=400_000).limit is None
    assert way.estimates(650_000, sent=900_000).limit is None, "it takes another fall to begin again"


def test_limit_stays_while_the_publisher_reaches_it_repeatedly() -> None:
    way = Way().estimates(400_000, sent=900_000)
    for _ in range(5):
        way.estimates(400_000, 400_000, sent=100_000).estimates(400_000, sent=390_000)
    assert way.limit == 400_000


def test_repeated_heavy_loss_sets_a_limit_without_an_estimate() -> None:
    way = Way().loses(0.3, sent=1_000_000)
    assert way.limit is None, "once is an accident"
    assert way.loses(0.3, sent=1_000_000).limit == pytest.approx(850_000)
    assert way.loses(0.3, sent=850_000).limit == pytest.approx(722_500)


def test_loss_of_a_few_percent_sets_no_limit() -> None:
    assert Way().loses(0.06, sent=1_000_000, reports=20).limit is None


def test_limit_rises_stepwise_after_the_loss_ends() -> None:
    way = Way().loses(0.3, sent=1_000_000, reports=2).loses(0.0, sent=850_000)
    assert way.limit == pytest.approx(850_000 * 1.08)


def test_publisher_limit_is_the_lowest_of_its_subscribers() -> None:
    ways = [Way().estimates(limit, sent=900_000) for limit in (500_000, 350_000, 700_000)]
    free = Way()
    downlinks = {str(number): way.downlink for number, way in enumerate([*ways, free])}
    assert PublisherLimit().at(downlinks, ways[0].now) == 350_000


class Room:
    """Subscribers of one publisher, which report every second."""

    def __init__(self, *names: str) -> None:
        self.ways = {name: Way() for name in names}
        self.limit = PublisherLimit()
        self.now = next(iter(self.ways.values())).now

    def second(self, **estimates: float) -> float | None:
        """Let everybody report an estimate, the others one that is no sign of congestion; return the limit."""
        self.now += 1
        for name, way in self.ways.items():
            way.estimates(estimates.get(name, 1_200_000), sent=900_000)
        return self.limit.at({name: way.downlink for name, way in self.ways.items()}, self.now)

    def held(self, seconds: int, rate: float, **estimates: float) -> int:
        """Return in how many of so many seconds the publisher was held at `rate`."""
        return sum(self.second(**estimates) == rate for _ in range(seconds))


def test_one_of_three_holds_the_publisher_below_half_of_the_median_for_ten_seconds_in_a_minute() -> None:
    room = Room("eve", "bob", "cy")
    assert room.held(60, 210_000, eve=210_000) in (10, 11)
    assert room.held(60, 210_000, eve=210_000) in (10, 11)
    assert room.held(600, 210_000, eve=210_000) <= 110


def test_one_that_returns_has_no_more_time() -> None:
    room = Room("eve", "bob", "cy")
    held = 0
    for _ in range(10):
        held += room.held(5, 210_000, eve=210_000)
        room.ways["eve"] = Way()  # another connection
        room.ways["eve"].now = room.now
        room.ways["eve"].estimates(1_200_000, 1_200_000, 1_200_000, sent=900_000)
        room.now += 3
        for name in ("bob", "cy"):
            room.ways[name].estimates(1_200_000, 1_200_000, 1_200_000, sent=900_000)
    assert held <= 20


def test_afterwards_the_limit_is_half_of_the_median_of_the_others() -> None:
    room = Room("eve", "bob", "cy")
    rates = {"eve": 210_000.0, "bob": 700_000.0, "cy": 650_000.0}
    assert room.held(15, 210_000, **rates) in (10, 11)
    assert room.second(**rates) == 325_000


def test_one_at_more_than_half_of_the_median_and_one_of_two_hold_for_ever() -> None:
    assert Room("eve", "bob", "cy").held(60, 400_000, eve=400_000, bob=700_000, cy=700_000) == 60
    assert Room("eve", "bob").held(60, 210_000, eve=210_000) == 60


def test_two_of_three_hold_for_ever() -> None:
    assert Room("ada", "bob", "cy").held(60, 250_000, ada=250_000, bob=300_000) == 60


def test_limit_at_the_floor_ends_after_the_patience() -> None:
    slow = Way(600_000, 500_000).estimates(50_000, sent=500_000)
    began = slow.now
    assert slow.limit == FLOOR
    while slow.now - began < PATIENCE:
        slow.estimates(50_000, sent=FLOOR)
    assert slow.limit == FLOOR
    assert slow.estimates(50_000, sent=FLOOR).limit is None, "the others get their picture back"
    assert slow.estimates(300_000, sent=FLOOR).limit == 300_000, "who recovered counts again"


def test_limit_ends_without_reports() -> None:
    way = Way().estimates(400_000, sent=900_000)
    way.now += 3
    assert way.limit is None


def test_outage_of_the_subscriber_sets_no_limit() -> None:
    way = Way()
    way.now += 4
    way.loses(0.9, sent=900_000, reports=2)
    assert way.estimates(60_000, sent=900_000).limit is None
    assert way.estimates(64_000, 70_000, 76_000, sent=900_000).limit is None, "it is only slow to find out"
    assert way.estimates(60_000, sent=900_000).limit == FLOOR, "another fall is congestion"


def test_outage_of_the_publisher_sets_no_limit() -> None:
    way = Way().estimates(1_200_000, 1_200_000, sent=0)
    assert way.estimates(60_000, 40_000, sent=900_000).limit is None


def test_limit_ends_with_an_outage() -> None:
    way = Way().estimates(400_000, sent=900_000)
    way.now += 4
    assert way.estimates(400_000, sent=900_000).limit is None


@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(0, 1), st.floats(0, 5e6), st.floats(0, 5e6), st.floats(0, 10)), max_size=60
    )
)
def test_a_limit_is_never_below_the_floor(steps: list[tuple[bool, float, float, float, float]]) -> None:
    downlink, now = Downlink(), 0.0
    for by_loss, fraction, estimate, sent, pause in steps:
        now += pause
        if by_loss:
            downlink.lost(fraction, sent, now)
        else:
            downlink.estimated(estimate, sent, now)
        found = PublisherLimit().at({"bob": downlink}, now)
        assert found is None or found >= FLOOR


def test_rate_is_measured_over_at_least_half_a_second() -> None:
    meter = RateMeter()
    assert meter.rate(1000, 10.0) == 0
    assert meter.rate(2000, 10.2) == 0
    assert meter.rate(51_000, 11.0) == 400_000
    assert meter.rate(52_000, 11.1) == 400_000
    assert meter.rate(51_000, 12.0) == 0


@pytest.mark.parametrize("rate", [0, 1, 262_143, 262_144, 1_234_567, 1_000_000_000, 2**62])
def test_remb_is_parsed_by_this_and_another_implementation(rate: int) -> None:
    written = rtcp.bandwidth_estimate(7, rate, [1, 2])
    [event] = rtcp.parse(written)
    assert isinstance(event, rtcp.BandwidthEstimate)
    assert rate * (1 - 2**-17) <= event.bits_per_second <= rate
    [packet] = independent.RtcpPacket.parse(written)
    assert (packet.fmt, packet.ssrc) == (15, 7)
    assert independent.unpack_remb_fci(packet.fci) == (event.bits_per_second, [1, 2])


def test_other_application_feedback_is_skipped() -> None:
    assert rtcp.parse(struct.pack("!BBHII4sI", 0x8F, 206, 4, 1, 0, b"ABCD", 5)) == []
