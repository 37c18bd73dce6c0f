"""Whether received sound is late, compared with the minute before. Time is a number here."""

from __future__ import annotations

import pytest

from pyvidu.reconnection.evidence import SoundPlayed
from pyvidu.reconnection.quickest import MEMORY
from pyvidu.reconnection.sound_delay import LATE, SoundDelay

RATE = 48_000
TURN = 2**32  # RTP timestamps have 32 bits


def played(now: float, late: float = 0.0, start: int = 0) -> SoundPlayed:
    """Return what is played at `now`, of a stream whose RTP clock began with `start`."""
    return SoundPlayed(now, (start + round((now - late) * RATE)) % TURN, RATE)


@pytest.mark.parametrize(("late", "is_late"), [(LATE - 0.01, False), (LATE + 0.01, True)])
def test_sound_is_late_that_takes_half_a_second_longer_than_the_quickest(late: float, is_late: bool) -> None:
    delay = SoundDelay()
    assert not delay.is_late(played(10))
    assert not delay.is_late(played(11, 0.1))
    assert delay.is_late(played(12, late)) is is_late
    assert not delay.is_late(played(13))


def test_sound_is_late_too_if_the_first_was_not_the_quickest() -> None:
    delay = SoundDelay()
    delay.is_late(played(10, 0.3))
    delay.is_late(played(11))
    assert delay.is_late(played(12, 0.6))


def test_path_that_stays_slow_is_the_usual_one_after_a_minute() -> None:
    delay = SoundDelay()
    delay.is_late(played(10))
    assert delay.is_late(played(11, 2.0))
    assert not delay.is_late(played(11 + MEMORY, 2.0))


def test_wrap_of_the_rtp_clock_is_no_delay_and_a_restarted_sender_begins_anew() -> None:
    delay = SoundDelay()
    start = TURN - 11 * RATE
    delay.is_late(played(10, start=start))
    assert not delay.is_late(played(12, start=start))
    assert delay.is_late(played(13, 1.0, start=start))
    assert not delay.is_late(played(14, start=start + TURN // 3))
    assert delay.is_late(played(15, 1.0, start=start + TURN // 3))
