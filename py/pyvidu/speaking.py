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
    """A loud level after two of three loud ones begins speech, a quiet one after ten quiet ones ends it: hark's rule.

    Two of three with the current one would do for a click: the meter's smoothing shows it a second time, 20 dB lower.
    """

    def __init__(self, threshold: float = -50.0) -> None:
        self.speaking = False
        self.threshold = threshold
        self._before = deque([False] * 10, maxlen=10)  # whether the levels before the current one were loud

    def take(self, decibels: float) -> Turn | None:
        """Add a level, in decibels, and return the event that it causes, or None."""
        turn: Turn | None = None
        if not self.speaking and decibels > self.threshold and sum(list(self._before)[-3:]) >= 2:
            turn = "publisherStartSpeaking"
        elif self.speaking and decibels < self.threshold and not any(self._before):
            turn = "publisherStopSpeaking"
        self._before.append(decibels > self.threshold)
        self.speaking ^= turn is not None
        return turn


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

    def change(self, options: SpeakingEventsOptions) -> None:
        """Measure with other numbers from the next measurement on."""
        self._interval, self._gate.threshold = options.interval, options.threshold

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
