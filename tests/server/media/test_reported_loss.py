"""Which of the losses that a subscriber reports are a sign of congestion."""

from __future__ import annotations

from random import Random

import pytest

from pyvidu.server.media.path_counters import PathCounters
from pyvidu.server.media.reported_loss import ReportedLoss


class Subscriber:
    """Reports the losses of its path, eight times a second as one that sends NACKs does."""

    def __init__(self) -> None:
        self.loss = ReportedLoss()
        self.told: list[float] = []
        self._expected = self._lost = 0
        self._now = 100.0
        self._dice = Random(7)

    def receives(self, packets: int, lost: float, seconds: int = 1) -> list[float]:
        """Let so many packets be sent a second, and a share of them be lost; return what was told of it."""
        before = len(self.told)
        for _ in range(8 * seconds):
            self._now += 0.125
            for _ in range(packets // 8):
                self._expected += 1
                self._lost += self._dice.random() < lost
            told = self.loss.reported(PathCounters(self._expected, self._lost), self._now)
            if told is not None:
                self.told.append(told)
        return self.told[before:]


def test_losses_of_a_second_are_told_together() -> None:
    subscriber = Subscriber()
    assert subscriber.receives(100, 0.0, 10) == [0.0] * 9  # the first report begins
    shares = subscriber.receives(100, 0.3, 3)
    assert len(shares) == 3
    assert sum(shares) / 3 == pytest.approx(0.3, abs=0.1)


def test_share_that_stays_when_less_is_sent_is_the_path_s_own() -> None:
    subscriber = Subscriber()
    subscriber.receives(100, 0.0, 3)
    for packets in (100, 80, 60, 40, 30, 60, 90):
        subscriber.receives(packets, 0.25, 2)
    assert subscriber.receives(100, 0.25, 5) == [0.0] * 5


def test_share_that_falls_when_less_is_sent_is_congestion() -> None:
    subscriber = Subscriber()
    subscriber.receives(100, 0.0, 3)
    for packets in (200, 150, 120, 100, 80, 120, 160, 200):  # of which the path carries 80
        subscriber.receives(packets, max(0.0, 1 - 80 / packets), 2)
    assert min(subscriber.receives(200, 0.6, 5)) > 0.4


def test_packets_that_arrive_late_are_not_lost() -> None:
    loss = ReportedLoss()
    told = [loss.reported(PathCounters(100 * second, 30 * (second % 2)), 100.0 + second) for second in range(1, 5)]
    assert told == [None, 0.0, 0.3, 0.0]


def test_reports_that_contradict_each_other_are_survived() -> None:
    loss = ReportedLoss()
    counts = [(0, 0), (2**32, -(2**23)), (5, 2**23), (-(2**32), 7), (2**31, 2**31), (0, 0)]
    told = [loss.reported(PathCounters(*count), 100.0 + 2 * second) for second, count in enumerate(counts)]
    assert all(share is None or 0 <= share <= 1 for share in told)
