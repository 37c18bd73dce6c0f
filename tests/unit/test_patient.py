"""One media connection under watch: when a key frame helps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pyvidu.media.repair import Patient
from pyvidu.reconnection.ice import analyse
from pyvidu.reconnection.policy import ReconnectionPolicy


@pytest.mark.parametrize(
    ("states", "key_frames"),
    [
        (["checking", "connected"], 0),  # a first connection begins with one anyway
        (["connected", "disconnected"], 0),  # nothing can be asked over a broken path
        (["connected", "disconnected", "connected"], 1),
        (["connected", "disconnected", "checking", "connected", "completed"], 1),
        (["connected", "disconnected", "failed", "closed"], 0),
        (["connected", "disconnected", "connected", "disconnected", "connected"], 2),
    ],
)
def test_whoever_is_whole_again_gets_a_key_frame(states: list[str], key_frames: int) -> None:
    sent: list[None] = []
    clock: Any = SimpleNamespace(now=lambda: 0.0)
    media: Any = SimpleNamespace(peer=SimpleNamespace(send_key_frame=lambda: sent.append(None)))
    patient = Patient(media, clock, ReconnectionPolicy())
    for state in states:
        patient.ice_judged(analyse(state))
    assert len(sent) == key_frames
