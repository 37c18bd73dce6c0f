"""The recovery of one media connection: when it sends a key frame, and when audio is a backlog."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from pyvidu.media.recovery import MediaRecovery
from pyvidu.platform import LoopClock
from pyvidu.reconnection.evidence import SoundPlayed
from pyvidu.reconnection.ice import analyse
from pyvidu.reconnection.policy import ReconnectionPolicy
from virtual_time import virtual_time


@pytest.mark.parametrize(
    ("states", "key_frames"),
    [
        (["checking", "connected"], 0),  # a first connection begins with one anyway
        (["connected", "disconnected"], 0),  # nothing can be sent over a broken path
        (["connected", "disconnected", "connected"], 1),
        (["connected", "disconnected", "checking", "connected", "completed"], 1),
        (["connected", "disconnected", "failed", "closed"], 0),
        (["connected", "disconnected", "connected", "disconnected", "connected"], 2),
    ],
)
def test_key_frame_is_sent_when_ice_reconnects(states: list[str], key_frames: int) -> None:
    sent: list[None] = []
    clock: Any = SimpleNamespace(now=lambda: 0.0)
    media: Any = SimpleNamespace(peer=SimpleNamespace(send_key_frame=lambda: sent.append(None)))
    recovery = MediaRecovery(media, clock, ReconnectionPolicy())
    for state in states:
        recovery.ice_judged(analyse(state))
    assert len(sent) == key_frames


RATE = 48_000


class DelayedAudio:
    """A peer connection whose audio is played `late` seconds too late; a restart of its receivers takes the next value."""

    def __init__(self, *late: float) -> None:
        self.late = list(late)
        self.stale: SoundPlayed | None = None
        self.restarts = 0

    def sound_played(self) -> SoundPlayed | None:
        if self.stale is not None:
            return self.stale
        now = asyncio.get_running_loop().time()
        return SoundPlayed(100 + now, round((now - self.late[0]) * RATE), RATE)

    async def restart_receivers(self) -> None:
        self.restarts += 1
        if len(self.late) > 1:
            self.late.pop(0)


async def catch_up(audio: DelayedAudio, *late: float, slept: float) -> None:
    media: Any = SimpleNamespace(peer=audio)
    recovery = MediaRecovery(media, LoopClock(), ReconnectionPolicy())
    await asyncio.sleep(5)
    recovery.note_sound()
    await asyncio.sleep(slept)
    audio.late[:] = late
    await recovery.catch_up(slept)


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
@virtual_time
async def test_receivers_are_restarted_until_audio_delayed_by_a_sleep_is_in_time(
    late: list[float], restarts: int
) -> None:
    audio = DelayedAudio(0.0)
    await catch_up(audio, *late, slept=6.0)
    assert audio.restarts == restarts


@virtual_time
async def test_audio_position_from_before_a_sleep_is_not_used_as_the_current_one() -> None:
    audio = DelayedAudio(0.0)
    loop = asyncio.get_running_loop()

    before = SoundPlayed(100 + 5.5, round(5.5 * RATE), RATE)
    loop.call_later(5.5, setattr, audio, "stale", before)
    loop.call_later(11.1, setattr, audio, "stale", None)
    await catch_up(audio, 6.0, 0.0, slept=6.0)
    assert audio.restarts == 1


@virtual_time
async def test_receivers_are_not_restarted_without_audio() -> None:
    audio = DelayedAudio(0.0)
    audio.stale = SoundPlayed(100, 0, RATE)
    await catch_up(audio, 6.0, slept=6.0)
    assert audio.restarts == 0
