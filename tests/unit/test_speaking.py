"""Speech: when it begins and ends, and how the loudness of a stream is watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pyvidu.configuration import SpeakingEventsOptions
from pyvidu.speaking import SpeechGate, SpeechWatch
from tests.unit.signaling.scripted_server import ScriptedServer
from tests.virtual_time import virtual_time

LOUD, SILENT = -30.0, -200.0


def turns(*levels: float) -> list[str | None]:
    gate = SpeechGate()
    return [gate.take(level) for level in levels]


def test_speech_starts_with_a_loud_level_after_two_loud_ones_of_three() -> None:
    assert turns(LOUD, SILENT, SILENT, LOUD, LOUD) == [None] * 5
    assert turns(LOUD, SILENT, LOUD) == [None] * 3
    assert turns(LOUD, LOUD, SILENT, LOUD) == [None] * 3 + ["publisherStartSpeaking"]
    assert turns(LOUD, SILENT, LOUD, LOUD) == [None] * 3 + ["publisherStartSpeaking"]


def test_click_that_the_smoothing_of_the_meter_shows_twice_is_no_speech() -> None:
    beep = (-20.0, -40.0, -60.0, -80.0, -100.0)  # a beep of 30 ms each half second, as it was measured in Chromium
    assert turns(*beep * 10) == [None] * 50


def test_speech_ends_after_more_than_a_second_of_silence() -> None:
    speech = (LOUD, LOUD, LOUD)
    assert turns(*speech, *[SILENT] * 10, LOUD, *[SILENT] * 10)[3:] == [None] * 21
    assert turns(*speech, *[SILENT] * 11)[-2:] == [None, "publisherStopSpeaking"]


def test_speech_threshold_is_configurable() -> None:
    gate = SpeechGate(threshold=-20)
    assert [gate.take(LOUD) for _ in range(5)] == [None] * 5


# --- the watch -------------------------------------------------------------------------------------------------------


class Meter:
    """A meter whose level a test sets."""

    level = SILENT

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.reads = 0
        self.closed = False

    def decibels(self) -> float:
        self.reads += 1
        return Meter.level

    def close(self) -> None:
        self.closed = True


class Watched:
    """A watched stream: its MediaStream, its meters, and what is told."""

    def __init__(self) -> None:
        self.stream: str | None = "first"
        self.has_audio = True
        self.meters: list[Meter] = []
        self.turns: list[str] = []
        self.levels: list[float] = []
        self.on_level: Callable[[], None] = lambda: None
        Meter.level = SILENT
        devices: Any = self
        host = replace(ScriptedServer().host(), devices=devices)
        self.watch = SpeechWatch(host, lambda: self.stream, self.turns.append, self._level, SpeakingEventsOptions())

    def measure_loudness(self, stream: str) -> Meter | None:
        if not self.has_audio:
            return None
        self.meters.append(Meter(stream))
        return self.meters[-1]

    def _level(self, decibels: float) -> None:
        self.levels.append(decibels)
        self.on_level()


@virtual_time
async def test_loudness_is_read_ten_times_a_second_with_one_meter_until_the_watch_is_closed() -> None:
    watched = Watched()
    await asyncio.sleep(1.05)
    assert watched.levels == [SILENT] * 10
    (meter,) = watched.meters
    for _ in range(2):
        watched.watch.close()
    await asyncio.sleep(10)
    assert (meter.reads, meter.closed, len(watched.meters)) == (10, True, 1)


@virtual_time
async def test_level_is_told_before_the_turn_that_it_causes() -> None:
    watched = Watched()
    Meter.level = LOUD
    order: list[int] = []
    watched.on_level = lambda: order.append(len(watched.turns))
    await asyncio.sleep(0.45)
    assert (order, watched.turns) == ([0, 0, 0, 1], ["publisherStartSpeaking"])
    watched.watch.close()


@virtual_time
async def test_stream_that_comes_later_or_has_no_audio_yet_is_measured_from_when_it_has() -> None:
    watched = Watched()
    watched.stream = None
    await asyncio.sleep(1)
    watched.stream, watched.has_audio = "later", False
    await asyncio.sleep(1)
    assert (watched.levels, watched.meters) == ([], [])
    watched.has_audio = True
    await asyncio.sleep(0.15)
    assert [meter.stream for meter in watched.meters] == ["later"]
    watched.watch.close()


@virtual_time
async def test_replaced_stream_gets_a_new_meter_and_the_speech_under_way_goes_on() -> None:
    watched = Watched()
    watched.watch.listen_anew()  # there is no meter yet
    Meter.level = LOUD
    await asyncio.sleep(1)
    watched.stream = "second"
    watched.watch.listen_anew()
    assert watched.meters[0].closed
    await asyncio.sleep(1)
    assert [meter.stream for meter in watched.meters] == ["first", "second"]
    Meter.level = SILENT
    await asyncio.sleep(2)
    assert watched.turns == ["publisherStartSpeaking", "publisherStopSpeaking"]
    watched.watch.close()
    assert watched.meters[1].closed


@virtual_time
async def test_watch_that_is_closed_when_a_level_is_told_does_not_tell_the_turn() -> None:
    watched = Watched()
    Meter.level = LOUD
    await asyncio.sleep(0.25)
    watched.on_level = watched.watch.close
    await asyncio.sleep(1)
    assert (len(watched.levels), watched.turns) == (3, [])
