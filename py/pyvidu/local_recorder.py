"""LocalRecorder: records a stream in the browser, however often its media connection or a track is replaced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from pyvidu.errors import RecordingError, UploadError
from pyvidu.platform import Host, Recording
from pyvidu.platform.devices import Blob, Element, MediaStream, VideoElement
from pyvidu.protocol.wire import camel_case
from pyvidu.stream import Stream

logger = logging.getLogger(__name__)

_ENDINGS = {"audio/webm": "weba", "audio/ogg": "oga", "audio/mp4": "m4a", "video/x-matroska": "mkv"}  # not the subtype


class LocalRecorderState(StrEnum):
    """The state of a `LocalRecorder`. A text: `recorder.state == "RECORDING"`.

    Attributes:
        READY: nothing is recorded; `record` begins.
        RECORDING: it records.
        PAUSED: it leaves out what happens, until `resume`.
        FINISHED: the file is there, until `clean`.

    Source: openvidu-browser 2.32, `LocalRecorderState`.
    """

    READY = "READY"
    RECORDING = "RECORDING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"


class LocalRecorder:
    """Records a stream in the browser. Made by `OpenVidu.init_local_recorder`.

    It goes on when a track or the media connection is replaced; while nothing arrives, the file has the last picture and
    silence. When the stream ends, so does the recording: the state is `FINISHED` then.

    Attributes:
        stream: the `Stream`, one's own or a received one.
        id: the name of the file, without its ending.

    Example: not run, it needs a browser that records
        import asyncio

        from pyvidu import OpenVidu, Publisher

        async def record(openvidu: OpenVidu, publisher: Publisher) -> None:
            recorder = openvidu.init_local_recorder(publisher.stream)
            await recorder.record(mime_type="video/webm;codecs=vp8")
            await asyncio.sleep(5)
            await recorder.stop()
            recorder.download()

    Source: openvidu-browser 2.32, `LocalRecorder`; there a replaced track or media connection ends the recording.
    """

    def __init__(self, host: Host, stream: Stream) -> None:
        connection = stream.connection
        owner = connection.connection_id if connection is not None else "default-connection"
        self.stream = stream
        self.id = f"{stream.stream_id or 'undefined'}_{owner}_localrecord"
        self.state_changed: Callable[[], None] = lambda: None  # Not for applications
        self._host = host
        self._state = LocalRecorderState.READY
        self._run: _Run | None = None
        self._file: Blob | None = None
        self._previews: list[VideoElement] = []

    @property
    def state(self) -> LocalRecorderState:
        """Return the state."""
        return self._state

    async def record(self, options: Mapping[str, object] | None = None, **keywords: object) -> None:
        """Begin to record; the state must be `READY` and is `RECORDING` from now on.

        Args:
            options: those of the browser's MediaRecorder, under its names: `mimeType` (by default `video/webm`),
                `audioBitsPerSecond`, `videoBitsPerSecond` and others.
            **keywords: the same, as `mime_type`, and so on.

        Raises:
            RecordingError: the state is another, the stream has no media, or the browser cannot record like that.

        Source: openvidu-browser, `LocalRecorder.record`; MediaStream Recording specification, `MediaRecorderOptions`.
        """
        self._need("record", LocalRecorderState.READY)
        if not isinstance(options, Mapping | None):
            raise RecordingError(f"record takes a mapping such as {{'mimeType': 'video/webm'}}, not {options!r:.100}")
        media, recorder = self.stream.get_media_stream(), self._host.recorder
        if media is None or recorder is None:
            raise RecordingError("This stream has no media: open its devices, or subscribe to it first")
        wanted: dict[str, object] = {"mimeType": "video/webm", **(options or {})}
        wanted |= {camel_case(name): value for name, value in keywords.items()}
        size = self.stream.video_dimensions
        run = self._run = _Run(self, asyncio.ensure_future(recorder.start(media, wanted, (size.width, size.height))))
        self._now(LocalRecorderState.RECORDING)
        try:
            await asyncio.shield(run.started)
        except RecordingError:
            run.leave()
            if self._run is run:
                self._run = None
                self._now(LocalRecorderState.READY)
            raise

    async def pause(self) -> None:
        """Leave out what follows; the state must be `RECORDING` and is `PAUSED` from now on.

        Raises:
            RecordingError: the state is another.

        Source: openvidu-browser, `LocalRecorder.pause`.
        """
        self._need("pause", LocalRecorderState.RECORDING)
        await self._switch(LocalRecorderState.PAUSED)

    async def resume(self) -> None:
        """Go on after `pause`; the state must be `PAUSED` and is `RECORDING` from now on.

        Raises:
            RecordingError: the state is another.

        Source: openvidu-browser, `LocalRecorder.resume`.
        """
        self._need("resume", LocalRecorderState.PAUSED)
        await self._switch(LocalRecorderState.RECORDING)

    async def stop(self) -> None:
        """End the recording, and return when the file is there.

        The state must be `RECORDING` or `PAUSED`, and is `FINISHED` then.

        Raises:
            RecordingError: the state is another, or the recording could not be begun.

        Source: openvidu-browser, `LocalRecorder.stop`.
        """
        self._need("stop", LocalRecorderState.RECORDING, LocalRecorderState.PAUSED)
        if self._run is not None:
            await asyncio.shield(self._run.stop())

    def clean(self) -> None:
        """Stop a recording, drop the file, and be `READY` again. Previews go on with what they have loaded.

        Source: openvidu-browser, `LocalRecorder.clean`.
        """
        run, self._run, self._file = self._run, None, None
        previews, self._previews = self._previews, []
        for preview in previews:
            self._recorder.forget(preview)
        if run is not None:
            run.stop()
        self._now(LocalRecorderState.READY)

    def preview(self, parent: Element | str) -> VideoElement:
        """Append a `<video>` that plays the file to an element of the page, and return it.

        Args:
            parent: the element, or its id.

        Raises:
            RecordingError: the state is not `FINISHED`.
            PropertiesError: there is no such element.

        Source: openvidu-browser, `LocalRecorder.preview`.
        """
        video = self._recorder.preview(self.get_blob("preview"), parent, self.id)
        self._previews.append(video)
        return video

    def download(self) -> None:
        """Let the browser save the file, as `id` with the ending of its type.

        Raises:
            RecordingError: the state is not `FINISHED`.

        Source: openvidu-browser, `LocalRecorder.download`.
        """
        self._recorder.download(self.get_blob("download"), self._file_name)

    def get_blob(self, call: str = "get_blob") -> Blob:
        """Return the file, the browser's Blob.

        Args:
            call: what an error says was called.

        Raises:
            RecordingError: the state is not `FINISHED`.

        Source: openvidu-browser, `LocalRecorder.getBlob`.
        """
        self._need(call, LocalRecorderState.FINISHED)
        return self._file

    async def upload_as_binary(self, endpoint: str, headers: Mapping[str, str] | None = None) -> str:
        """Send the file as the body of a POST, and return the text of the answer.

        Args:
            endpoint: the URL.
            headers: of the request.

        Raises:
            RecordingError: the state is not `FINISHED`.
            UploadError: the answer's status is not one of success, or there was none.

        Source: openvidu-browser, `LocalRecorder.uploadAsBinary`.
        """
        return await self._upload("upload_as_binary", endpoint, headers, None)

    async def upload_as_multipartfile(self, endpoint: str, headers: Mapping[str, str] | None = None) -> str:
        """Send the file as `file` of a form (`multipart/form-data`), and return the text of the answer.

        Args:
            endpoint: the URL.
            headers: of the request.

        Raises:
            RecordingError: the state is not `FINISHED`.
            UploadError: the answer's status is not one of success, or there was none.

        Source: openvidu-browser, `LocalRecorder.uploadAsMultipartfile`.
        """
        return await self._upload("upload_as_multipartfile", endpoint, headers, self._file_name)

    # --- used by pyvidu itself ---------------------------------------------------------------------------------------

    def ended(self, run: _Run, file: Blob | None) -> None:
        """Not for applications: take the file of `run`; None if there is none, because it was never begun."""
        if self._run is run:
            self._run, self._file = None, file
            self._now(LocalRecorderState.READY if file is None else LocalRecorderState.FINISHED)

    @property
    def _recorder(self) -> Any:
        return self._host.recorder

    @property
    def _file_name(self) -> str:
        if self._file is None:
            return self.id
        kind = self._recorder.type_of(self._file).partition(";")[0]
        return f"{self.id}.{_ENDINGS.get(kind) or kind.partition('/')[2]}"

    def _need(self, call: str, *states: LocalRecorderState) -> None:
        if self._state not in states:
            raise RecordingError(
                f"{call} needs a recorder that is {' or '.join(states)}, and this one is {self._state}"
            )

    def _now(self, state: LocalRecorderState) -> None:
        self._state = state
        self.state_changed()

    async def _switch(self, state: LocalRecorderState) -> None:
        run = self._run
        self._now(state)
        if run is not None:
            recording = await asyncio.shield(run.started)
            recording.pause() if state == LocalRecorderState.PAUSED else recording.resume()

    async def _upload(self, call: str, endpoint: str, headers: Mapping[str, str] | None, name: str | None) -> str:
        file = self.get_blob(call)
        status, text = await self._recorder.upload(file, endpoint, headers or {}, name)
        if not 200 <= status < 300:
            raise UploadError(endpoint, status, text)
        return str(text)


class _Run:
    """One recording, from its beginning until its file is there. It follows the media of its stream."""

    def __init__(self, owner: LocalRecorder, started: asyncio.Future[Recording]) -> None:
        self.started = started
        self._owner = owner
        self._manager = owner.stream.stream_manager
        self._stopping: asyncio.Task[None] | None = None
        if self._manager is not None:
            self._manager.followers = (*self._manager.followers, self._follow)

    def stop(self) -> asyncio.Task[None]:
        """End it, whatever its state, and return when that is done."""
        if self._stopping is None:
            self.leave()
            self._stopping = asyncio.ensure_future(self._stop())
        return self._stopping

    def leave(self) -> None:
        """Follow the stream no more."""
        if self._manager is not None:
            self._manager.followers = tuple(one for one in self._manager.followers if one != self._follow)

    async def _stop(self) -> None:
        file = None
        try:
            file = await (await self.started).stop()
        except RecordingError as error:  # whoever called `record` was told
            logger.info("nothing was recorded: %s", error)
        self._owner.ended(self, file)

    def _follow(self, stream: MediaStream | None) -> None:
        if stream is None:
            self.stop()
        elif not self.started.done():
            self.started.add_done_callback(lambda _done: self._follow(stream))
        elif not self.started.cancelled() and self.started.exception() is None:
            self.started.result().feed(stream)
