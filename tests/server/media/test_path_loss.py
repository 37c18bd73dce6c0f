"""Which losses of a path are told to a sender: those that it causes."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable

import pytest

from pyvidu.server.media.path_loss import PathLoss
from pyvidu.server.media.transport_feedback import TransportFeedback
from tests.server.media.test_feedback import unpack_feedback


class Sender:
    """Sends packets over a path: `loses(rate)` is the share lost at a rate, in packets a second."""

    def __init__(self, loses: Callable[[float], float], seed: int = 1, *, steady: bool = False) -> None:
        self.loss = PathLoss()
        self.now = 100.0
        self.named = self.lost = 0
        self._loses = loses
        self._random = random.Random(seed)
        self._run = 0
        self._steady = steady

    def sends(self, rate: float, seconds: float) -> Sender:
        """Send for a while, at intervals that vary unless it is `steady`."""
        ends = self.now + seconds
        while self.now < ends:
            self.now += (1.0 if self._steady else self._random.uniform(0.5, 1.5)) / rate
            if self._random.random() < self._loses(rate):
                self._run += 1
                continue
            self.loss.received(self._run, self.now)
            if self._run:
                self.lost += self._run
                self.named += self._run * self.loss.names(self.now)
            self._run = 0
        return self


def carries(rate: float) -> Callable[[float], float]:
    """Return the losses of a path that carries so many packets a second and drops the others."""
    return lambda sent: max(0.0, 1 - rate / sent)


@pytest.mark.parametrize("share", [0.25, 0.6])
@pytest.mark.parametrize("seed", range(5))
def test_loss_that_stays_when_less_is_sent_is_the_path_s_own_and_left_out(share: float, seed: int) -> None:
    sender = Sender(lambda _: share, seed).sends(110, 3).sends(80, 2).sends(60, 3)
    assert sender.loss.is_own
    sender.named = sender.lost = 0
    sender.sends(110, 3)
    assert sender.lost > 50
    assert sender.named == 0


@pytest.mark.parametrize(("rate", "known"), [(40, 40), (60, 45), (80, 0)])
def test_loss_that_falls_when_less_is_sent_is_named(rate: float, known: int) -> None:
    senders = [Sender(carries(rate), seed).sends(30, 3).sends(150, 3).sends(90, 8) for seed in range(50)]
    verdicts = Counter(sender.loss.is_own for sender in senders)
    assert verdicts[True] <= 5, "chance may be against it for a while"
    assert verdicts[False] >= known, "a tenth of loss tells little"
    sender = next(sender for sender in senders if sender.loss.is_own is False)
    sender.named = sender.lost = 0
    sender.sends(90, 0.5)
    assert sender.named == sender.lost > 0


def test_path_that_begins_to_carry_too_little_is_noticed_although_it_loses_packets_of_its_own() -> None:
    begins = False
    sender = Sender(lambda sent: max(0.25, 1 - 40 / sent if begins else 0.0)).sends(110, 3).sends(70, 3)
    assert sender.loss.is_own
    begins = True
    sender.sends(150, 4).sends(60, 4)
    assert not sender.loss.is_own


def test_while_nothing_is_known_a_part_is_named_and_after_some_seconds_a_larger_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PathLoss, "certainty", lambda _: 0.0)
    sender = Sender(lambda _: 0.6, steady=True).sends(110, 1)
    for share in (0.1, 0.33):
        sender.named = sender.lost = 0
        sender.sends(110, 2.5)
        received = 2.5 * 110 - sender.lost
        assert sender.named / (sender.named + received) == pytest.approx(share, abs=0.05)
        sender.sends(110, 2)


def test_verdict_is_forgotten_when_nothing_is_lost_any_more() -> None:
    lossy = True
    sender = Sender(lambda _: 0.6 if lossy else 0.0).sends(110, 3).sends(60, 3)
    assert sender.loss.is_own
    lossy = False
    assert sender.sends(100, 2).loss.is_own is None


@pytest.mark.parametrize(
    ("lost", "seconds", "is_outage"), [(5, 0.3, True), (500, 9.0, True), (4, 0.3, False), (5, 0.25, False)]
)
def test_outage_is_not_named_and_no_evidence(lost: int, seconds: float, is_outage: bool) -> None:
    loss = PathLoss()
    for count in range(200):
        loss.received(0, 100 + count / 100)
    back = 101.99 + seconds + 0.001
    loss.received(lost, back)
    assert loss.names(back + 0.0001) is not is_outage
    for count in range(1, 100):
        loss.received(0, back + count / 100)
    assert loss.is_own is None
    assert loss.names(back + 1), "another loss"


def test_feedback_leaves_out_losses_of_the_path_s_own_and_contains_every_arrival() -> None:
    loss = PathLoss()
    loss.is_own = True
    feedback = TransportFeedback(loss)
    arrivals = [0, 1, 4, 5, 6, 9, 11]
    for sequence in arrivals:
        feedback.received(sequence, 1.0)
    found: list[int] = []
    while (information := feedback.pack()) is not None:
        told = unpack_feedback(information)
        assert struct.unpack_from("!H", information, 2)[0] == len(told), "no loss is named"
        found += told
    assert found == arrivals
    assert not feedback.pending
