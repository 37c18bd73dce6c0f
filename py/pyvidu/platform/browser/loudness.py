"""Level meter for a MediaStream, by Web Audio."""

from __future__ import annotations

from typing import Any

from pyvidu.platform.browser.functions import functions


class BrowserLoudness:
    """A `Loudness`."""

    def __init__(self, meter: Any) -> None:
        self._meter = meter

    def decibels(self) -> float:
        """Return the level of the loudest frequency bin, in dBFS."""
        return float(self._meter.decibels())

    def close(self) -> None:
        """Close the audio context."""
        self._meter.close()


def measure_loudness(stream: Any) -> BrowserLoudness | None:
    """Return a meter for a MediaStream, None if it has no audio."""
    meter = functions.meter(stream)
    return BrowserLoudness(meter) if meter else None
