"""Level meter for a MediaStream, by Web Audio."""

from __future__ import annotations

from typing import Any

from pyodide.code import run_js

# One audio context per meter, closed with it. The lowest four bins (below 375 Hz) are hum; silence has no finite level.
_METER = run_js(
    """
    (stream) => {
      if (!stream.getAudioTracks().length) return undefined;
      const context = new AudioContext();
      const analyser = new AnalyserNode(context, { fftSize: 512, smoothingTimeConstant: 0.1 });
      const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
      source.connect(analyser);
      const bins = new Float32Array(analyser.frequencyBinCount);
      return {
        decibels: () => {
          if (context.state === 'suspended') context.resume().catch(() => {});
          analyser.getFloatFrequencyData(bins);
          return Math.max(-200, ...bins.subarray(4).filter((level) => level < 0));
        },
        close: () => { source.disconnect(); context.close(); },
      };
    }
    """
)


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
    meter = _METER(stream)
    return BrowserLoudness(meter) if meter else None
