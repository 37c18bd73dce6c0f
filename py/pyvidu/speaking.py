"""Does somebody speak? Told from how loud a stream is, as openvidu-browser tells it: by the rules of the hark library.

`SpeechGate` decides; `SpeechWatch` asks the host how loud it is, ten times a second, while somebody wants to know.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from pyvidu.platform import Host, Loudness, Timer

INTERVAL = 100  # milliseconds
THRESHOLD = -50.0  # decibels below full scale
SILENCE = -200.0

Turn = Literal["publisherStartSpeaking", "publisherStopSpeaking"]


class SpeechGate:
    """Two of the last three levels above the threshold begin speech, ten in a row below it end it."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self.speaking = False
        self._threshold = threshold
        self._loud = deque([False] * 10, maxlen=10)

    def take(self, decibels: float) -> Turn | None:
        """What a further level changes, if anything."""
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
    """Watches whatever MediaStream `stream` gives at the moment, until it is closed: calls `tell` with each turn and
    `tell_level` with each level, in decibels.
    """

    def __init__(
        self,
        host: Host,
        stream: Callable[[], Any],
        tell: Callable[[Turn], None],
        tell_level: Callable[[float], None],
        interval: int,
        threshold: float,
    ) -> None:
        self._host = host
        self._stream = stream
        self._tell = tell
        self._tell_level = tell_level
        self._interval = interval / 1000
        self._gate = SpeechGate(threshold)
        self._meter: Loudness | None = None
        self._timer: Timer = host.clock.call_later(self._interval, self._look)

    def listen_anew(self) -> None:
        """The MediaStream or its audio track was replaced."""
        if self._meter is not None:
            self._meter.close()
            self._meter = None

    def close(self) -> None:
        """Lets go of the meter; nothing is told any more."""
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
        if turn is not None:
            self._tell(turn)
