"""When the own video is paused for the sound, and when it is sent again, by what the receiver reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from pyvidu.reconnection.evidence import UplinkSample
from pyvidu.reconnection.weak_uplink import VideoChange, WeakUplink

WEAK = 70_000.0  # bits a second, what Chromium estimates of an uplink on which packets wait
PACKETS = 50  # of sound a second


@dataclass
class Uplink:
    """An uplink from which a sample is taken every second; every second two reports come."""

    now: float = 100.0
    reports: int = 1
    sent: int = 0
    lost: float = 0.0
    reported_at: float = 5_000.0  # on a clock of its own
    video_bytes: int = 0
    video_rate: float = WEAK
    estimate: float | None = WEAK
    pausable: bool = True
    changes: list[tuple[float, VideoChange]] = field(default_factory=list)
    decisions: WeakUplink = field(default_factory=WeakUplink)

    def take(self, round_trip: float | None) -> None:
        sample = UplinkSample(
            self.reports, self.reported_at, round_trip, self.sent, round(self.lost), self.video_bytes, self.estimate
        )
        if change := self.decisions.take(sample, self.now, pausable=self.pausable):
            self.changes.append((self.now - 100.0, change))

    def lasts(self, seconds: int, round_trip: float | None = 0.05, lost: float = 0.0, *, reported: bool = True) -> None:
        """Let time pass, with such a round trip in reports, and such a share of the sound lost."""
        for _ in range(seconds):
            self.now += 1.0
            self.sent += PACKETS
            self.video_bytes += round(self.video_rate / 8)
            self.lost += PACKETS * lost
            if reported:
                self.reports += 2
                self.reported_at += 1.0
            self.take(round_trip)

    def is_out(self, seconds: int) -> None:
        """Let nothing be reported for so long; the report after it shows that all was lost."""
        self.lasts(seconds, lost=1.0, reported=False)
        self.reported_at += seconds


def in_a_call() -> Uplink:
    """Return one of a call of ten seconds."""
    uplink = Uplink(now=90.0)
    uplink.take(0.05)
    uplink.lasts(10)
    return uplink


def paused_by_a_queue() -> Uplink:
    """Return one on which the video was paused a moment ago."""
    uplink = in_a_call()
    uplink.lasts(3, round_trip=2.0)
    assert uplink.changes == [(3.0, "pause")]
    return uplink


def test_video_is_paused_when_packets_have_waited_for_a_second_for_two() -> None:
    uplink = in_a_call()
    uplink.lasts(2, round_trip=1.1)
    assert uplink.changes == []
    uplink.lasts(1, round_trip=1.1)
    assert uplink.changes == [(3.0, "pause")]
    assert uplink.decisions.paused


@pytest.mark.parametrize(("round_trip", "is_paused"), [(1.04, False), (1.06, True), (None, False)])
def test_queue_is_what_a_round_trip_takes_beyond_the_quickest(round_trip: float | None, is_paused: bool) -> None:
    uplink = in_a_call()
    uplink.lasts(10, round_trip=round_trip)
    assert uplink.decisions.paused is is_paused


def test_path_that_is_slow_from_the_beginning_has_no_queue() -> None:
    uplink = Uplink()
    uplink.lasts(60, round_trip=2.5)
    assert uplink.changes == []


def test_queue_that_is_gone_in_between_pauses_nothing() -> None:
    uplink = in_a_call()
    for _ in range(5):
        uplink.lasts(2, round_trip=1.5)
        uplink.lasts(1)
    assert uplink.changes == []


def test_quickest_round_trip_is_forgotten_after_a_minute_but_not_in_a_pause() -> None:
    uplink = in_a_call()
    uplink.lasts(75, round_trip=1.0)
    uplink.lasts(10, round_trip=1.9)
    assert uplink.changes == [], "the path has become a longer one"
    uplink.lasts(3, round_trip=2.1)
    assert [change for _, change in uplink.changes] == ["pause"]
    uplink.lasts(120, round_trip=2.1)
    assert uplink.decisions.paused


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("rate", "is_paused"), [(149_000.0, True), (151_000.0, False)])
def test_queue_pauses_nothing_while_the_browser_finds_that_more_may_be_sent(
    told: bool, rate: float, is_paused: bool
) -> None:
    uplink = in_a_call()
    if told:
        uplink.estimate = rate
    else:  # the video that is sent follows what it finds
        uplink.estimate, uplink.video_rate = None, rate
    uplink.lasts(10, round_trip=2.0)
    assert uplink.decisions.paused is is_paused


@pytest.mark.parametrize(("lost", "is_paused"), [(0.18, False), (0.2, True)])
def test_video_is_paused_when_a_fifth_of_the_sound_is_lost_for_three_seconds(lost: float, is_paused: bool) -> None:
    uplink = in_a_call()
    uplink.estimate = None
    uplink.lasts(2, lost=lost)
    assert uplink.changes == []
    uplink.lasts(1, lost=lost)
    assert uplink.changes == ([(3.0, "pause")] if is_paused else [])


@pytest.mark.parametrize(("rate", "is_paused"), [(140_000.0, False), (120_000.0, True)])
def test_losses_pause_nothing_while_enough_video_arrives(rate: float, is_paused: bool) -> None:
    uplink = in_a_call()
    uplink.video_rate = rate
    uplink.lasts(10, lost=0.25)
    assert bool(uplink.changes) is is_paused


@pytest.mark.parametrize(("lost", "is_paused"), [(0.6, False), (0.45, True)])
def test_losses_that_are_the_same_whatever_is_sent_pause_nothing(lost: float, is_paused: bool) -> None:
    uplink = in_a_call()
    uplink.video_rate = 200_000.0
    uplink.lasts(1, lost=0.6)
    uplink.video_rate = 90_000.0
    uplink.lasts(3, lost=lost)
    assert bool(uplink.changes) is is_paused


def test_losses_of_short_outages_pause_nothing_and_a_queue_after_them_does() -> None:
    uplink = in_a_call()
    for _ in range(12):
        uplink.decisions.disturbed(uplink.now)
        uplink.lasts(1, lost=0.5)
    assert uplink.changes == []
    uplink.decisions.disturbed(uplink.now)
    uplink.lasts(3, round_trip=2.0)
    assert [change for _, change in uplink.changes] == ["pause"]


def test_losses_that_go_on_after_an_outage_pause_three_seconds_later() -> None:
    uplink = in_a_call()
    uplink.lasts(1, lost=0.5)
    uplink.decisions.disturbed(uplink.now)
    uplink.lasts(4, lost=0.5)
    assert uplink.changes == []
    uplink.lasts(2, lost=0.5)
    assert [change for _, change in uplink.changes] == ["pause"]


def test_sound_lost_in_one_report_pauses_nothing() -> None:
    uplink = in_a_call()
    for _ in range(5):
        uplink.lasts(1, lost=0.9)
        uplink.lasts(1)
    assert uplink.changes == []


def test_share_of_a_few_packets_tells_nothing() -> None:
    uplink = in_a_call()
    for _ in range(10):
        uplink.sent -= PACKETS - 10  # as of a microphone with nothing to say, where silence is not sent
        uplink.lasts(1, lost=0.1)
    assert uplink.changes == []


def test_packets_that_arrive_late_after_they_were_counted_as_lost_are_no_loss() -> None:
    uplink = in_a_call()
    uplink.lost = 30
    uplink.lasts(5, lost=-0.1)
    assert uplink.changes == []


def test_without_new_reports_nothing_is_decided() -> None:
    uplink = Uplink(reports=0)
    uplink.lasts(10, round_trip=None, reported=False)
    uplink.reports = 1
    uplink.lasts(60, round_trip=5.0, lost=0.5, reported=False)
    assert uplink.changes == []


@pytest.mark.parametrize("counter", ["reports", "sent"])
def test_counters_that_go_back_are_those_of_another_beginning(counter: str) -> None:
    uplink = in_a_call()
    uplink.lost = 10
    uplink.lasts(1, lost=0.9)
    setattr(uplink, counter, 0)
    uplink.lasts(1, lost=0.9)
    assert uplink.changes == []
    uplink.lasts(5)
    assert uplink.changes == []


@pytest.mark.parametrize("seconds", [2, 9])
def test_outage_and_the_three_seconds_after_it_pause_nothing(seconds: int) -> None:
    uplink = in_a_call()
    uplink.is_out(seconds)
    uplink.lasts(3, round_trip=4.0, lost=0.5)
    uplink.lasts(10)
    assert uplink.changes == []


def test_uplink_that_is_weak_after_an_outage_is_found_weak_three_seconds_after_it() -> None:
    uplink = in_a_call()
    uplink.is_out(9)
    uplink.lasts(5, round_trip=3.0)
    assert uplink.changes == []
    uplink.lasts(1, round_trip=3.0)
    assert uplink.changes == [(15.0, "pause")]


def test_report_that_comes_after_a_second_and_a_half_is_no_outage() -> None:
    uplink = in_a_call()
    for _ in range(2):
        uplink.lasts(1, reported=False, lost=0.3)
        uplink.reported_at += 0.5
        uplink.lasts(1, lost=0.3)
    assert uplink.decisions.paused


def test_pause_ends_with_an_outage() -> None:
    uplink = paused_by_a_queue()
    uplink.is_out(5)
    assert uplink.decisions.paused
    uplink.lasts(1, round_trip=3.0)
    assert uplink.changes[1:] == [(9.0, "resume")]


def test_video_is_sent_again_four_seconds_after_the_pause_if_the_queue_is_gone() -> None:
    uplink = paused_by_a_queue()
    uplink.lasts(3)
    assert uplink.decisions.paused
    uplink.lasts(1)
    assert uplink.changes[1:] == [(7.0, "resume")]


def test_video_stays_paused_while_packets_wait() -> None:
    uplink = paused_by_a_queue()
    uplink.lasts(60, round_trip=0.4)
    assert uplink.decisions.paused
    uplink.lasts(1, round_trip=0.3)
    assert not uplink.decisions.paused


def test_video_stays_paused_for_sixteen_seconds_while_some_sound_is_lost_and_is_tried_then() -> None:
    uplink = paused_by_a_queue()
    uplink.lasts(60, lost=0.1)
    assert uplink.changes[1:] == [(19.0, "resume")]


def test_losses_from_before_the_pause_do_not_count() -> None:
    uplink = in_a_call()
    uplink.lasts(3, lost=0.5)
    uplink.lasts(1, lost=0.9)  # reported after the pause
    uplink.lasts(10)
    assert uplink.changes == [(3.0, "pause"), (7.0, "resume")]


def test_wait_doubles_up_to_sixteen_seconds_when_the_queue_is_back_soon_after_a_try() -> None:
    uplink = paused_by_a_queue()
    waits = []
    for _ in range(4):
        while uplink.decisions.paused:
            uplink.lasts(1)
        waits.append(uplink.changes[-1][0] - uplink.changes[-2][0])
        uplink.lasts(3)  # until it is filled
        uplink.lasts(3, round_trip=2.0)
    assert waits == [4.0, 8.0, 16.0, 16.0]


def test_wait_is_four_seconds_again_after_a_try_that_went_well() -> None:
    uplink = paused_by_a_queue()
    uplink.lasts(4)
    uplink.lasts(5)
    uplink.lasts(3, round_trip=2.0)
    assert uplink.decisions.paused
    uplink.lasts(4)
    assert not uplink.decisions.paused


def test_pause_that_does_not_lower_the_losses_ends_and_is_not_repeated() -> None:
    uplink = in_a_call()
    uplink.lasts(120, lost=0.3)
    assert uplink.changes == [(3.0, "pause"), (6.0, "resume")]


def test_losses_after_a_time_without_any_pause_again() -> None:
    uplink = in_a_call()
    uplink.lasts(20, lost=0.3)
    uplink.lasts(2)
    uplink.lasts(4, lost=0.3)
    assert not uplink.decisions.paused, "two seconds may be chance"
    uplink.lasts(3)
    uplink.lasts(3, lost=0.3)
    assert uplink.changes[2:] == [(32.0, "pause")]


def test_pause_that_lowers_the_losses_goes_on() -> None:
    uplink = in_a_call()
    uplink.lasts(3, lost=0.8)
    uplink.lasts(10, lost=0.4)
    assert uplink.changes == [(3.0, "pause")]


@pytest.mark.parametrize("weak", [{"round_trip": 2.0}, {"lost": 0.5}])
def test_nothing_is_paused_while_sound_or_video_is_muted_and_a_pause_ends(weak: dict[str, float]) -> None:
    uplink = in_a_call()
    uplink.pausable = False
    uplink.lasts(20, **weak)  # type: ignore[arg-type]
    assert uplink.changes == []
    uplink.pausable = True
    uplink.lasts(6, **weak)  # type: ignore[arg-type]
    assert uplink.decisions.paused
    uplink.pausable = False
    uplink.lasts(2, **weak)  # type: ignore[arg-type]
    assert [change for _, change in uplink.changes] == ["pause", "resume"]


def test_losses_that_were_the_same_when_more_was_sent_pause_nothing_as_long_as_they_go_on() -> None:
    uplink = in_a_call()
    for rate in (800_000.0, 400_000.0, 200_000.0, 100_000.0):
        uplink.video_rate = rate
        uplink.lasts(1, lost=0.25)
    uplink.video_rate = WEAK
    uplink.lasts(120, lost=0.25)
    assert uplink.changes == []
    uplink.lasts(3)
    uplink.lasts(3, lost=0.25)
    assert [change for _, change in uplink.changes] == ["pause"]


def test_uplink_that_carries_little_pauses_the_video_that_was_large() -> None:
    uplink = in_a_call()
    for rate in (800_000.0, 400_000.0, 200_000.0, 100_000.0, WEAK):
        uplink.video_rate = rate
        uplink.lasts(1, lost=1 - 96_000.0 / (rate + 50_000.0))
    assert [change for _, change in uplink.changes] == ["pause"]


@pytest.mark.parametrize("seed", range(5))
def test_uplink_that_does_not_carry_the_sound_alone_has_the_video_paused_most_of_the_time(seed: int) -> None:
    dice, uplink, paused = Random(seed), in_a_call(), 0
    for _ in range(600):
        uplink.video_rate = min(max(uplink.video_rate * dice.uniform(0.75, 1.33), 30_000.0), 120_000.0)
        loss = max(0.0, 1 - 35_000 / (50_000.0 + (0.0 if uplink.decisions.paused else uplink.video_rate)))
        uplink.lasts(1, lost=sum(dice.random() < loss for _ in range(PACKETS)) / PACKETS)
        paused += uplink.decisions.paused
    assert paused >= 300


@dataclass
class Reports:
    """Ten minutes of a small video, on a path with this share of loss at a rate (bits a second).

    The receiver reports `every` so many seconds on average, unevenly, and a share of its reports is lost.
    """

    loss: Callable[[float], float]
    every: float
    reports_lost: float = 0.0

    def lived(self, seed: int) -> tuple[int, int]:
        """Return for how many seconds the video is paused, and how often."""
        dice, uplink, rate = Random(seed), Uplink(reports=0), WEAK
        lost, due, paused = 0, dice.random() * self.every, 0
        for second in range(600):
            rate = min(max(rate * dice.uniform(0.75, 1.33), 30_000.0), 120_000.0)
            video = 0.0 if uplink.decisions.paused else rate
            loss = self.loss(50_000.0 + video) if second >= 10 else 0.0
            for _ in range(PACKETS):
                uplink.now += 1 / PACKETS
                uplink.sent += 1
                lost += dice.random() < loss
                if uplink.now - 100.0 >= due:
                    due += self.every * dice.uniform(0.5, 1.5)
                    if dice.random() >= self.reports_lost:
                        uplink.reports, uplink.reported_at, uplink.lost = uplink.reports + 1, uplink.now, lost
            uplink.video_bytes += round(video / 8)
            uplink.estimate = rate
            uplink.take(0.05)
            paused += uplink.decisions.paused
        return paused, [change for _, change in uplink.changes].count("pause")


@pytest.mark.parametrize("every", [0.25, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_random_loss_pauses_a_small_video_once_in_ten_minutes(seed: int, every: float) -> None:
    paused, times = Reports(lambda _: 0.25, every, reports_lost=0.25).lived(seed)
    assert paused <= 8
    assert times <= 1


@pytest.mark.parametrize(("every", "least"), [(0.25, 400), (1.0, 250)])
@pytest.mark.parametrize("seed", range(5))
def test_video_is_paused_most_of_the_time_on_an_uplink_that_carries_the_sound_alone(
    seed: int, every: float, least: int
) -> None:
    paused, _ = Reports(lambda sent: max(0.0, 1 - 60_000 / sent), every).lived(seed)
    assert paused >= least
