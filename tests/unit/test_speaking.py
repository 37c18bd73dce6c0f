"""The speech gate: when speech begins and ends."""

from __future__ import annotations

from pyvidu.speaking import SpeechGate

LOUD, SILENT = -30.0, -200.0


def turns(*levels: float) -> list[str | None]:
    gate = SpeechGate()
    return [gate.take(level) for level in levels]


def test_speech_starts_with_two_loud_samples_of_three() -> None:
    assert turns(LOUD, SILENT, SILENT, LOUD) == [None] * 4
    assert turns(LOUD, SILENT, LOUD) == [None, None, "publisherStartSpeaking"]


def test_speech_ends_after_a_second_of_silence() -> None:
    speech = (LOUD, LOUD)
    assert turns(*speech, *[SILENT] * 9, LOUD, *[SILENT] * 9)[2:] == [None] * 19
    assert turns(*speech, *[SILENT] * 10)[-1] == "publisherStopSpeaking"


def test_speech_threshold_is_configurable() -> None:
    gate = SpeechGate(threshold=-20)
    assert [gate.take(LOUD) for _ in range(5)] == [None] * 5
