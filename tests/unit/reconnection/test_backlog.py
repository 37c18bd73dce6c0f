"""When received sound is a backlog, and how often its receivers are restarted. Time is a number here."""

from __future__ import annotations

import pytest

from pyvidu.reconnection.backlog import RESTARTS, WAIT, WAIT_AWAKE, Backlog, lateness
from pyvidu.reconnection.evidence import SoundPlayed
from pyvidu.reconnection.policy import ReconnectionPolicy

POLICY = ReconnectionPolicy()
RATE = 48_000


class DelayedAudio:
    """Audio that is played `late` seconds too late; each restart of the receivers takes the next value.

    `stale` is, until `stale_until`, what was played last before the page stood still.
    """

    def __init__(self, *late: float, stale: SoundPlayed | None = None, stale_until: float = 0.0) -> None:
        self.late = list(late)
        self.stale, self.stale_until = stale, stale_until
        self.restarts = 0

    def played(self, now: float) -> SoundPlayed | None:
        if now < self.stale_until:
            return self.stale
        return SoundPlayed(100 + now, round((now - self.late[0]) * RATE), RATE)

    def restart(self) -> None:
        self.restarts += 1
        if len(self.late) > 1:
            self.late.pop(0)


def in_time(now: float) -> SoundPlayed:
    return SoundPlayed(100 + now, round(now * RATE), RATE)


def read_until_decided(backlog: Backlog, audio: DelayedAudio, now: float) -> float:
    """Read the sound whenever it is due, and restart the receivers when that is asked for; return the time."""
    while backlog.due_at is not None:
        now = max(now, backlog.due_at)
        if backlog.read(audio.played(now), now):
            assert backlog.due_at is None, "nothing is read before the restart is done"
            audio.restart()
            backlog.restarted(now)
    return now


def slept(audio: DelayedAudio, reference: SoundPlayed | None = None) -> Backlog:
    """Return the backlog of a page that stood still from 5 to 11 s."""
    backlog = Backlog(POLICY)
    backlog.refer(reference if reference is not None else in_time(5.0))
    backlog.check(11.0, 6.0)
    ended = read_until_decided(backlog, audio, 11.0)
    assert ended < 11.0 + WAIT_AWAKE + RESTARTS * WAIT + (1 + RESTARTS) * POLICY.detection.return_poll
    return backlog


@pytest.mark.parametrize(
    ("late", "restarts"),
    [
        ([0.0], 0),
        ([0.3], 0),  # a jitter buffer may grow
        ([6.0, 0.0], 1),
        ([6.0, 2.0, 0.0], 2),  # the rest of the backlog arrives after the first restart
        ([6.0], 3),  # a lateness that restarts do not remove is no backlog
    ],
)
def test_receivers_are_restarted_until_audio_delayed_by_a_sleep_is_in_time(late: list[float], restarts: int) -> None:
    audio = DelayedAudio(*late)
    slept(audio)
    assert audio.restarts == restarts


def test_receivers_are_restarted_until_audio_delayed_by_a_silence_is_in_time() -> None:
    backlog, audio = Backlog(POLICY), DelayedAudio(1.2, 0.0)
    backlog.refer(in_time(5.0))
    assert backlog.due_at is None
    backlog.check(14.0)
    assert backlog.due_at == 14.0
    read_until_decided(backlog, audio, 14.0)
    assert audio.restarts == 1


def test_audio_position_from_before_a_sleep_is_not_used_as_the_current_one() -> None:
    audio = DelayedAudio(6.0, 0.0, stale=in_time(5.5), stale_until=11.3)
    slept(audio)
    assert audio.restarts == 1


def test_audio_that_is_played_again_up_to_two_seconds_after_a_sleep_is_found_late() -> None:
    audio = DelayedAudio(6.0, 0.0, stale=in_time(5.5), stale_until=12.9)
    slept(audio)
    assert audio.restarts == 1


def test_a_second_sleep_may_restart_receivers_as_often_as_the_first() -> None:
    audio = DelayedAudio(6.0)
    backlog = slept(audio)
    backlog.check(20.0, 6.0)
    read_until_decided(backlog, audio, 20.0)
    assert audio.restarts == 6


@pytest.mark.parametrize("stale", [None, SoundPlayed(100, 0, RATE)], ids=["nothing", "old"])
def test_receivers_are_not_restarted_without_audio(stale: SoundPlayed | None) -> None:
    audio = DelayedAudio(6.0, stale=stale, stale_until=99.0)
    slept(audio)
    assert audio.restarts == 0


def test_nothing_is_checked_without_a_reference() -> None:
    backlog = Backlog(POLICY)
    backlog.check(11.0, 6.0)
    assert backlog.due_at is None
    backlog.refer(None)
    backlog.check(11.0, 6.0)
    assert backlog.due_at is None


def test_audio_heard_after_the_check_ended_restarts_nothing() -> None:
    backlog, audio = Backlog(POLICY), DelayedAudio(6.0, 0.0)
    backlog.refer(in_time(5.0))
    backlog.check(11.0, 6.0)
    backlog.stop()
    assert backlog.due_at is None
    read_until_decided(backlog, audio, 11.0)
    assert audio.restarts == 0


@pytest.mark.parametrize(
    ("at", "sent", "late"),
    [
        (9.0, 9.0, 0.0),  # nothing was delayed
        (9.0, 7.8, 1.2),  # the last 1.2 s were delayed, and arrived at once
        (9.0, 9.1, 0.0),  # the buffer is shorter now
        (0.0, 0.0, 0.0),  # nothing was played yet
        (9.0, -5.0, 0.0),  # the sender restarted
    ],
)
@pytest.mark.parametrize("ticks", [1000, 2**32 - 1000])
def test_lateness_is_the_growth_of_the_playout_delay(at: float, sent: float, late: float, ticks: int) -> None:
    now = SoundPlayed(100.0 + at, (ticks + int(48_000 * sent)) % 2**32, 48_000)
    assert lateness(SoundPlayed(100.0, ticks, 48_000), now) == pytest.approx(late)
