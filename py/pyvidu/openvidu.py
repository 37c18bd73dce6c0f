"""The entry point of the library: `OpenVidu`, which makes sessions and publishers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from weakref import ref

from pyvidu.configuration import AdvancedConfiguration, PublisherProperties
from pyvidu.errors import BrowserNotSupportedError, DeviceError, PropertiesError
from pyvidu.local_recorder import LocalRecorder
from pyvidu.page_filters import RegisteredFilter
from pyvidu.platform import Device, Host, LocalMedia
from pyvidu.platform.devices import Element, MediaStream
from pyvidu.properties import configured, is_text
from pyvidu.publisher import Publisher
from pyvidu.session import Session
from pyvidu.stream import Stream


class OpenVidu:
    """Makes sessions and publishers. Its settings are theirs.

    Args:
        host: Not for applications: None is the page; a test of pyvidu itself passes another.

    Raises:
        BrowserNotSupportedError: the code does not run in a page of a browser with WebRTC.

    Example:
        from pyvidu import OpenVidu

        openvidu = OpenVidu()
        session = openvidu.init_session()

    Source: openvidu-browser 2.32, `OpenVidu`.
    """

    def __init__(self, host: Host | None = None) -> None:
        self._configuration = AdvancedConfiguration()
        self._host = _browser_host() if host is None else host
        self._filters: dict[str, RegisteredFilter] = {}

    @property
    def advanced_configuration(self) -> AdvancedConfiguration:
        """Return the current settings; `set_advanced_configuration` changes them."""
        return self._configuration

    def init_session(self) -> Session:
        """Return a new session, not connected yet.

        Source: openvidu-browser, `OpenVidu.initSession`.
        """
        session = Session(self._host, lambda: self._configuration)
        self._host.offer_outages(_reader(session))
        return session

    def set_advanced_configuration(self, configuration: Mapping[str, object] | None = None, **keywords: object) -> None:
        """Change settings. Those that are not named keep their values.

        They apply to sessions that connect later; `force_media_reconnection_after_network_drop`, `rejoin`, `roster`,
        `no_stream_playing_event_exception_timeout` and `publisher_speaking_events_options` to connected ones too.

        Args:
            configuration: a mapping with OpenVidu's names (`noStreamPlayingEventExceptionTimeout`), times in milliseconds.
            **keywords: fields of `AdvancedConfiguration`, times in seconds. They take precedence.

        Raises:
            PropertiesError: a setting that does not exist, or a value that it does not accept; no setting is changed then.

        Example:
            openvidu.set_advanced_configuration(force_media_reconnection_after_network_drop=True)
            openvidu.set_advanced_configuration({"noStreamPlayingEventExceptionTimeout": 6000})

        Source: openvidu-browser, `OpenVidu.setAdvancedConfiguration`.
        """
        self._configuration = configured(AdvancedConfiguration, configuration, keywords, base=self._configuration)

    def replace_advanced_configuration(self, configuration: Mapping[str, object]) -> None:
        """Not for applications: set these settings, and all others to their defaults."""
        self._configuration = configured(AdvancedConfiguration, configuration, {})

    async def browser_support(self) -> dict[str, bool]:
        """Return whether this browser has each of the things that pyvidu uses and can do without.

        The keys are `RTCRtpScriptTransform`, `keyFrame` (of `setParameters`), `NetworkInformation`,
        `getSynchronizationSources`, `transportStatistics`, `blobWorkers` (a Content-Security-Policy may forbid them) and
        `AbortSignal.timeout`. docs/browsers.md says what is used in their place.

        Example:
            missing = [name for name, there in (await openvidu.browser_support()).items() if not there]
        """
        return await self._host.browser_support()

    async def get_devices(self) -> list[Device]:
        """Return the cameras and microphones. Their names may be empty until the page has been given access to one.

        Raises:
            DeviceError: the browser does not list them for this page.

        Example:
            cameras = [item for item in await openvidu.get_devices() if item.kind == "videoinput"]
            publisher = await openvidu.init_publisher("me", video_source=cameras[-1].device_id)

        Source: openvidu-browser, `OpenVidu.getDevices`; the empty names are the Media Capture specification's.
        """
        return await self._host.devices.list_inputs()

    async def get_user_media(self, properties: Mapping[str, object] | None = None, **keywords: object) -> MediaStream:
        """Return a MediaStream as `init_publisher` would publish it with these properties.

        Its tracks can be passed to `Publisher.replace_track`, or to `init_publisher` as sources.

        Args:
            properties: a mapping with OpenVidu's names of `PublisherProperties`.
            **keywords: fields of `PublisherProperties`, which take precedence.

        Raises:
            DeviceError: no device, no permission, in use; `name` is OpenVidu's.
            PropertiesError: a property that does not exist or has an invalid value.

        Source: openvidu-browser, `OpenVidu.getUserMedia`.
        """
        return (await self._media(configured(PublisherProperties, properties, keywords))).stream

    async def init_publisher(
        self, target: Element | str | None = None, properties: Mapping[str, object] | None = None, **keywords: object
    ) -> Publisher:
        """Open camera and microphone (or what the properties name) and return a publisher of them.

        Args:
            target: an element, or the id of one, at which the local video is shown; None shows it nowhere.
            properties: a mapping with OpenVidu's names of `PublisherProperties`.
            **keywords: fields of `PublisherProperties`, which take precedence.

        Raises:
            DeviceError: no device, no permission, in use; `name` is OpenVidu's.
            PropertiesError: a property that does not exist or has an invalid value, or no such `target`.
            CallbackError: `filter` is one of the page's, and its function raised.
            FilterError: likewise, and it returned no track of video.

        Events:
            videoElementCreated: of the publisher, if there is a `target`; a handler that is added later is called too.
            streamPlaying: of the publisher, when its video plays; likewise.

        Example:
            publisher = await openvidu.init_publisher("me", resolution="1280x720", frame_rate=15)
            screen = await openvidu.init_publisher(video_source="screen", audio_source=False)

        Source: openvidu-browser, `OpenVidu.initPublisherAsync`.
        """
        wanted = configured(PublisherProperties, properties, keywords)
        media = await self._media(wanted)
        publisher = Publisher(self._host, media, wanted, self._media, lambda: self._configuration, self._filters)
        try:
            await publisher.start_filter()
            if target is not None:
                publisher.create_video_element(target, wanted.insert_mode)
        except BaseException:
            publisher.dispose()
            raise
        return publisher

    def register_filter(self, name: str, function: Callable[..., object], *, announce: bool = True) -> None:
        """Make a function of the page a filter: `publisher.stream.apply_filter(name)` sends the video through it.

        It gets a copy of the track that is sent, and returns the track to send in its place, such as that of a canvas or a
        MediaStreamTrackGenerator. Both are shown and recorded here, too. When the filter is removed, another track is to be
        sent, or the publisher ends, both tracks are stopped and their `onended` is called: then stop what the filter runs.

        Args:
            name: what `Stream.apply_filter` and `PublisherProperties.filter` take as `type`; it replaces a filter of the
                server with the same name.
            function: plain or async, from a MediaStreamTrack of video to one; the options of the filter are its keywords.
            announce: False: the server and the others are not told, so that no server needs to know or allow the filter.

        Raises:
            PropertiesError: `name` is no text, or begins with `VB:` (OpenVidu Pro's), or `function` cannot be called.

        Source: pyvidu's own.
        """
        if not is_text(name) or name.startswith("VB:"):
            raise PropertiesError(
                f"register_filter takes a name, a text that does not begin with VB:, not {name!r:.100}"
            )
        if not callable(function):
            raise PropertiesError(f"register_filter takes a function from a track to a track, not {function!r:.100}")
        self._filters[name] = RegisteredFilter(function, announce)

    def init_local_recorder(self, stream: Stream) -> LocalRecorder:
        """Return a recorder of a stream, one's own or a received one. It records from `LocalRecorder.record` on.

        Args:
            stream: such as `publisher.stream`.

        Example:
            recorder = openvidu.init_local_recorder(subscriber.stream)

        Source: openvidu-browser, `OpenVidu.initLocalRecorder`.
        """
        return LocalRecorder(self._host, stream)

    async def _media(self, wanted: PublisherProperties) -> LocalMedia:
        if wanted.audio_source is False and wanted.video_source is False:
            raise DeviceError("NO_INPUT_SOURCE_SET", "audio_source and video_source cannot both be False")
        if wanted.shares_screen:
            return await self._host.devices.get_display_media(audio=wanted.audio_source, source=wanted.video_source)
        width, height = wanted.size
        video: dict[str, Any] | bool = False
        if wanted.video_source is not False:
            video = {"source": wanted.video_source, "width": {"ideal": width}, "height": {"ideal": height}}
            if wanted.frame_rate is not None:
                video["frameRate"] = {"ideal": wanted.frame_rate}
        audio: dict[str, Any] | bool = False if wanted.audio_source is False else {"source": wanted.audio_source}
        if wanted.audio_source == "screen":  # that no screen is shared for: what openvidu-browser makes of it
            audio = False if isinstance(wanted.video_source, str) else {"source": None}
        return await self._host.devices.get_user_media(audio=audio, video=video)


def _reader(session: Session) -> Callable[[], str]:
    """Return a function that returns the outages of a session as JSON, and does not keep it alive."""
    kept = ref(session)

    def read() -> str:
        alive = kept()
        return json.dumps([outage.to_dict() for outage in alive.outages] if alive is not None else [])

    return read


def _browser_host() -> Host:
    try:
        from pyvidu.platform.browser import browser_host
    except ImportError:
        raise BrowserNotSupportedError(
            "pyvidu's client runs in a web page, in Pyodide; here there is no browser"
        ) from None
    return browser_host()
