"""The speech gate: when speech begins and ends."""

from __future__ import annotations

from pyvidu.speaking import SpeechGate

LOUD, SILENT = -30.0, -200.0


def turns(*levels: float) -> list[str | None]:
    gate = SpeechGate()
    return [gate.take(level) for level in levels]


def test_one_loud_moment_is_no_speech_and_two_of_three_are() -> None:
    assert turns(LOUD, SILENT, SILENT, LOUD) == [None] * 4
    assert turns(LOUD, SILENT, LOUD) == [None, None, "publisherStartSpeaking"]


def test_a_pause_between_words_does_not_end_speech_and_a_second_of_silence_does() -> None:
    speech = (LOUD, LOUD)
    assert turns(*speech, *[SILENT] * 9, LOUD, *[SILENT] * 9)[2:] == [None] * 19
    assert turns(*speech, *[SILENT] * 10)[-1] == "publisherStopSpeaking"


def test_the_threshold_is_the_applications() -> None:
    gate = SpeechGate(threshold=-20)
    assert [gate.take(LOUD) for _ in range(5)] == [None] * 5
