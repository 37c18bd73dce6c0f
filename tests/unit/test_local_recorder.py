"""A recorder: its states, what it says of calls in a wrong one, and that it follows the media of its stream."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pyvidu.connection import Connection
from pyvidu.errors import PropertiesError, RecordingError, UploadError
from pyvidu.local_recorder import LocalRecorder, LocalRecorderState
from pyvidu.membership import ParticipantState, StreamState
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from tests.unit.page import Page
from tests.virtual_time import virtual_time


class Recorder:
    """A browser that records what it is told; starting takes a second, and is refused for the type `none/such`."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.answer = (200, "thanks")
        self.running = 0

    async def start(self, stream: Any, options: Mapping[str, Any], size: tuple[int, int]) -> Recorder:
        self.told.append(("start", stream, dict(options), size))
        await asyncio.sleep(1)
        if options["mimeType"] == "none/such":
            raise RecordingError("no", "NotSupportedError")
        self.running += 1
        return self

    def feed(self, stream: Any) -> None:
        self.told.append(("feed", stream))

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    async def stop(self) -> Any:
        await asyncio.sleep(1)
        self.running -= 1
        return "a file"

    def type_of(self, file: Any) -> str:
        assert file == "a file"
        return "audio/webm;codecs=opus"

    def preview(self, file: Any, place: Any, identity: str) -> Any:
        if place == "nowhere":
            raise PropertiesError("there is no element nowhere")
        return f"a video of {file} in {place}, {identity}"

    def forget(self, preview: Any) -> None:
        self.told.append(("forget", preview))

    def download(self, file: Any, name: str) -> None:
        self.told.append(("download", file, name))

    async def upload(self, file: Any, endpoint: str, headers: Mapping[str, str], name: str | None) -> tuple[int, str]:
        self.told.append(("upload", file, endpoint, dict(headers), name))
        return self.answer


class Manager(StreamManager):
    """A manager whose MediaStream a test replaces."""

    shown: Any = "the first"

    @property
    def media_stream(self) -> Any:
        return self.shown

    def replaced(self, stream: Any) -> None:
        self.shown = stream
        self._show()

    def ended(self) -> None:
        self._media_ended()


class Stage:
    def __init__(self) -> None:
        self.browser = Recorder()
        host = replace(Page().host, recorder=self.browser)
        self.stream = Stream(StreamState("str_x"), Connection(ParticipantState("con_x")))
        self.manager = Manager(host, self.stream)
        self.recorder = LocalRecorder(host, self.stream)
        self.states: list[str] = []
        self.recorder.state_changed = lambda: self.states.append(self.recorder.state)

    def left(self) -> tuple[int, int]:
        """Return how many recordings run, and how many follow the stream."""
        return self.browser.running, len(self.manager.followers)


@virtual_time
async def test_recording_is_paused_resumed_stopped_and_its_file_used() -> None:
    stage = Stage()
    recorder = stage.recorder
    await recorder.record({"mimeType": "audio/webm"}, audio_bits_per_second=1000)
    await recorder.pause()
    await recorder.resume()
    await recorder.stop()
    assert stage.states == ["RECORDING", "PAUSED", "RECORDING", "FINISHED"]
    started = ("start", "the first", {"mimeType": "audio/webm", "audioBitsPerSecond": 1000}, (0, 0))
    assert stage.browser.told == [started, "pause", "resume"]
    assert stage.left() == (0, 0)
    assert recorder.get_blob() == "a file"
    video = recorder.preview("there")
    assert video == "a video of a file in there, str_x_con_x_localrecord"
    with pytest.raises(PropertiesError):
        recorder.preview("nowhere")
    recorder.download()
    assert await recorder.upload_as_binary("/here", {"a": "b"}) == "thanks"
    assert await recorder.upload_as_multipartfile("/here") == "thanks"
    name = "str_x_con_x_localrecord.weba"
    assert stage.browser.told[3:] == [
        ("download", "a file", name),
        ("upload", "a file", "/here", {"a": "b"}, None),
        ("upload", "a file", "/here", {}, name),
    ]
    recorder.clean()
    assert stage.browser.told[-1] == ("forget", video)
    assert recorder.state is LocalRecorderState.READY


@virtual_time
async def test_stream_that_is_replaced_is_recorded_on_and_one_that_ends_ends_the_recording() -> None:
    stage = Stage()
    beginning = asyncio.ensure_future(stage.recorder.record())
    await asyncio.sleep(0)
    stage.manager.replaced("the second")  # before the browser has begun
    await beginning
    stage.manager.replaced("the third")
    assert stage.browser.told[1:] == [("feed", "the second"), ("feed", "the third")]
    stage.manager.ended()
    await asyncio.sleep(2)
    assert stage.states == ["RECORDING", "FINISHED"]
    assert stage.left() == (0, 0)
    stage.manager.replaced("the fourth")
    assert len(stage.browser.told) == 3


@virtual_time
async def test_calls_take_effect_in_their_order_whether_they_are_awaited_or_not() -> None:
    stage = Stage()
    calls = [asyncio.ensure_future(call()) for call in (stage.recorder.record, stage.recorder.pause)]
    await asyncio.sleep(0)
    await stage.recorder.stop()
    await asyncio.gather(*calls)
    assert stage.states == ["RECORDING", "PAUSED", "FINISHED"]
    stage.recorder.clean()
    await stage.recorder.record()
    stage.recorder.clean()
    assert stage.recorder.state == "READY", "at once"
    await stage.recorder.record()
    await asyncio.sleep(2)
    assert stage.recorder.state == "RECORDING", "the end of the one that was dropped changes nothing"
    await stage.recorder.stop()
    assert stage.left() == (0, 0)


@virtual_time
async def test_type_that_the_browser_cannot_record_is_refused_and_nothing_is_left() -> None:
    stage = Stage()
    with pytest.raises(RecordingError) as refused:
        await stage.recorder.record(mime_type="none/such")
    assert refused.value.name == "NotSupportedError"
    beginning = asyncio.ensure_future(stage.recorder.record(mime_type="none/such"))
    await asyncio.sleep(0)
    await stage.recorder.stop()
    with pytest.raises(RecordingError):
        await beginning
    assert stage.states == ["RECORDING", "READY"] * 2
    assert stage.left() == (0, 0)


@virtual_time
async def test_calls_in_a_wrong_state_say_which_one_they_need() -> None:
    stage = Stage()
    recorder = stage.recorder
    for call in (recorder.pause, recorder.resume, recorder.stop):
        with pytest.raises(
            RecordingError, match=rf"{call.__name__} needs a recorder that is .*, and this one is READY"
        ):
            await call()
    for use in (recorder.download, recorder.get_blob, lambda: recorder.preview("there")):
        with pytest.raises(RecordingError, match="needs a recorder that is FINISHED"):
            use()
    for upload in (recorder.upload_as_binary, recorder.upload_as_multipartfile):
        with pytest.raises(RecordingError, match="FINISHED"):
            await upload("/here")
    wrong: Any = "video/webm"
    with pytest.raises(RecordingError, match="mapping"):
        await recorder.record(wrong)
    await recorder.record()
    with pytest.raises(RecordingError, match="READY"):
        await recorder.record()
    await recorder.stop()
    stage.browser.answer = (507, "full")
    with pytest.raises(UploadError, match="answered 507") as refused:
        await recorder.upload_as_binary("/here")
    assert refused.value.code == 507
    stage.browser.answer = (0, "refused")
    with pytest.raises(UploadError, match="no answer"):
        await recorder.upload_as_multipartfile("/here")


@virtual_time
async def test_stream_without_media_cannot_be_recorded() -> None:
    stage = Stage()
    stage.manager.shown = None
    with pytest.raises(RecordingError, match="no media"):
        await stage.recorder.record()
    unpublished = LocalRecorder(Page().host, Stream(StreamState()))
    assert unpublished.id == "undefined_default-connection_localrecord"
    with pytest.raises(RecordingError, match="no media"):
        await unpublished.record()
