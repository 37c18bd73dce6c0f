"""Speech detection by the loudness of a stream, as in openvidu-browser: by the rules of the hark library.

`SpeechGate` decides; `SpeechWatch` reads the loudness from the host, by default ten times a second, while it is needed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pyvidu.configuration import SpeakingEventsOptions
from pyvidu.platform import Host, Loudness, Timer

SILENCE = -200.0  # decibels below full scale

Turn = Literal["publisherStartSpeaking", "publisherStopSpeaking"]


@dataclass(frozen=True, slots=True)
class VolumeChange:
    """The value of `streamAudioVolumeChange`: the loudness now and before.

    Attributes:
        new_value: in decibels below full scale; -200 is silence.
        old_value: likewise.

    Source: openvidu-browser 2.32, `StreamManagerEvent`.
    """

    new_value: float
    old_value: float


class SpeechGate:
    """Two of the last three levels above the threshold begin speech, ten in a row below it end it."""

    def __init__(self, threshold: float = -50.0) -> None:
        self.speaking = False
        self._threshold = threshold
        self._loud = deque([False] * 10, maxlen=10)

    def take(self, decibels: float) -> Turn | None:
        """Add a level, in decibels, and return the event that it causes, or None."""
        loud = decibels > self._threshold
        self._loud.append(loud)
        if not self.speaking and loud and sum(list(self._loud)[-3:]) >= 2:
            self.speaking = True
            return "publisherStartSpeaking"
        if self.speaking and not any(self._loud):
            self.speaking = False
            return "publisherStopSpeaking"
        return None


class SpeechWatch:
    """Measures the MediaStream that `stream` currently returns, until it is closed.

    Calls `tell` with each turn and `tell_level` with each level, in decibels.
    """

    def __init__(
        self,
        host: Host,
        stream: Callable[[], Any],
        tell: Callable[[Turn], None],
        tell_level: Callable[[float], None],
        options: SpeakingEventsOptions,
    ) -> None:
        self._host = host
        self._stream = stream
        self._tell = tell
        self._tell_level = tell_level
        self._interval = options.interval
        self._gate = SpeechGate(options.threshold)
        self._meter: Loudness | None = None
        self._closed = False
        self._timer: Timer = host.clock.call_later(self._interval, self._look)

    def listen_anew(self) -> None:
        """Measure anew, because the MediaStream or its audio track was replaced."""
        if self._meter is not None:
            self._meter.close()
            self._meter = None

    def close(self) -> None:
        """Close the meter; neither callable is called any more."""
        self._closed = True
        self._timer.cancel()
        self.listen_anew()

    def _look(self) -> None:
        self._timer = self._host.clock.call_later(self._interval, self._look)
        if self._meter is None and (stream := self._stream()) is not None:
            self._meter = self._host.devices.measure_loudness(stream)
        if self._meter is None:
            return
        level = self._meter.decibels()
        turn = self._gate.take(level)
        self._tell_level(level)
        if turn is not None and not self._closed:
            self._tell(turn)
