"""The Python side of `pyvidu.js`, for pages whose own code is JavaScript.

The page's objects and the Python objects refer to each other by handles (numbers) only. The page calls the methods of
`Embedding`; Python calls the three functions of its `Page`. Asynchronous results are passed to a `settle` callable.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from pyvidu.configuration import AdvancedConfiguration, PublisherProperties, SpeakingEventsOptions
from pyvidu.connection import Connection
from pyvidu.embedding_values import (
    CONNECTION_FIELDS,
    FILTER_FIELDS,
    STREAM_FIELDS,
    Given,
    Page,
    Settle,
    fields_of,
    known_to,
    leave_out_empty,
    plain,
)
from pyvidu.errors import NotConnectedError, OpenViduError, PropertiesError, StreamEndedError
from pyvidu.events import PUBLISHER_EVENTS, SESSION_EVENTS, STREAM_MANAGER_EVENTS, Event
from pyvidu.filters import Filter
from pyvidu.membership import ParticipantState
from pyvidu.openvidu import OpenVidu
from pyvidu.protocol.wire import camel_case, to_wire
from pyvidu.publisher import Publisher
from pyvidu.quality import StreamQuality
from pyvidu.session import Session
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from pyvidu.subscriber import Subscriber
from pyvidu.tasks import Tasks

logger = logging.getLogger(__name__)


class _Objects(dict[int, Any]):
    """Python's objects by handle."""

    def __missing__(self, handle: int) -> Any:
        raise StreamEndedError("The call that made this object has failed: call it again")


class Embedding:
    """The methods that the page calls, one instance per page.

    They are named as in `Session`, `Publisher`..., and take handles for objects.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._objects: dict[int, Any] = _Objects()
        self._handles: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._tasks = Tasks()
        self._joining: dict[int, asyncio.Task[None]] = {}
        self._firing: list[Event] = []  # one inside the other

    def release(self, handle: int) -> None:
        """Drop the reference to an object that the page has garbage-collected."""
        self._objects.pop(handle, None)

    # --- OpenVidu ----------------------------------------------------------------------------------------------------

    def new_openvidu(self, handle: int) -> None:
        """Create an OpenVidu object (`new OpenVidu()`)."""
        self._adopt(handle, OpenVidu())

    def configure(self, handle: int, configuration: Given) -> None:
        """Replace all settings (`setAdvancedConfiguration`)."""
        settings: dict[str, Any] = {}
        openvidu: OpenVidu = self._objects[handle]
        openvidu.replace_advanced_configuration(settings)
        for name, value in known_to(AdvancedConfiguration, configuration.to_py()).items():
            try:
                openvidu.replace_advanced_configuration({**settings, name: value})
                settings[name] = value
            except PropertiesError as error:  # openvidu-browser would throw nothing here
                openvidu.replace_advanced_configuration(settings)
                logger.warning("%s; it is ignored", error)

    def new_session(self, handle: int, openvidu: int) -> None:
        """Create a session (`initSession`)."""
        self._adopt(handle, self._objects[openvidu].init_session(), SESSION_EVENTS)

    def init_publisher(self, openvidu: int, publisher: int, stream: int, properties: Given, settle: Settle) -> None:
        """Create a publisher (`initPublisher`). The page has made its `publisher` and `stream` before."""
        wanted = known_to(PublisherProperties, properties.to_py())
        wanted.pop("insertMode", None)  # the page creates its elements itself
        shown = (wanted.get("filter") or {}).pop("handle", None)  # of the page's object for it

        async def make() -> None:
            made = await self._objects[openvidu].init_publisher(None, wanted)
            self._adopt(stream, made.stream)
            self._adopt(publisher, made, PUBLISHER_EVENTS)
            if shown is not None and made.stream.filter is not None:
                self._adopt(shown, made.stream.filter)
            self._push(made.stream)

        self._run(make(), settle)

    def register_filter(self, openvidu: int, name: str, run: Callable[..., Any], announce: bool) -> None:
        """Register a filter of the page (`OpenVidu.registerFilter`, pyvidu only); its options are passed as JSON."""

        async def filtered(track: Any, **options: Any) -> Any:
            return await run(track, json.dumps(options))

        self._objects[openvidu].register_filter(name, filtered, announce=announce)

    def get_user_media(self, openvidu: int, properties: Given, settle: Settle) -> None:
        """Settle with a MediaStream (`getUserMedia`)."""
        wanted = known_to(PublisherProperties, properties.to_py())
        self._run(self._objects[openvidu].get_user_media(wanted), settle, answers=True)

    def browser_support(self, openvidu: int, settle: Settle) -> None:
        """Settle with the JSON of what the browser has (`OpenVidu.browser_support`)."""

        async def as_json() -> str:
            return json.dumps(await self._objects[openvidu].browser_support())

        self._run(as_json(), settle, answers=True)

    # --- Session -----------------------------------------------------------------------------------------------------

    def connect(self, session: int, token: str, data: str, settle: Settle) -> None:
        """Join a session (`Session.connect`)."""

        async def join() -> None:
            try:
                await self._objects[session].connect(token, data)
            except asyncio.CancelledError:
                raise NotConnectedError("The session was left before it was joined") from None
            finally:
                self._joining.pop(session, None)
            self._push(self._objects[session])

        task = self._run(join(), settle)
        if not task.done():
            self._joining[session] = task

    def disconnect(self, session: int) -> None:
        """Leave a session, or cancel the joining under way (`Session.disconnect`)."""
        if session in self._joining:
            self._joining[session].cancel()
        self._objects[session].disconnect()

    def publish(self, session: int, publisher: int, settle: Settle) -> None:
        """Publish a stream (`Session.publish`)."""
        self._run(self._objects[session].publish(self._objects[publisher]), settle, push=session)

    def unpublish(self, session: int, publisher: int, settle: Settle) -> None:
        """End the local stream (`Session.unpublish`)."""
        self._run(self._objects[session].unpublish(self._objects[publisher]), settle, push=session)

    def subscribe(self, session: int, stream: int, subscriber: int, audio: bool, video: bool, settle: Settle) -> None:
        """Receive a remote stream (`Session.subscribe`).

        The page has made its `subscriber` before, and calls `show_in` for its videos.
        """
        remote: Stream = self._objects[stream]
        coroutine = self._objects[session].subscribe(remote, subscribe_to_audio=audio, subscribe_to_video=video)
        self._run(coroutine, settle, push=session)
        if remote.stream_manager is not None:  # set by the first step of the call, see `_run`
            self._adopt(subscriber, remote.stream_manager, STREAM_MANAGER_EVENTS)
            self._push(self._objects[session])

    def unsubscribe(self, session: int, subscriber: int, settle: Settle) -> None:
        """End a subscription (`Session.unsubscribe`)."""
        self._run(self._objects[session].unsubscribe(self._objects[subscriber]), settle, push=session)

    def signal(self, session: int, data: str, to: Iterable[str], kind: str, settle: Settle) -> None:
        """Send a signal (`Session.signal`); `to` are ids of connections: a page may have copies of those."""
        receivers = [Connection(ParticipantState(identity)) for identity in to]
        self._run(self._objects[session].signal(data=data, to=receivers, type=kind), settle)

    def force_disconnect(self, session: int, connection: int, settle: Settle) -> None:
        """Evict a participant (`Session.forceDisconnect`)."""
        self._run(self._objects[session].force_disconnect(self._objects[connection]), settle)

    def force_unpublish(self, session: int, stream: int, settle: Settle) -> None:
        """End a participant's stream (`Session.forceUnpublish`)."""
        self._run(self._objects[session].force_unpublish(self._objects[stream]), settle)

    def speech_to_text(self, session: int, stream: int, lang: str, settle: Settle) -> None:
        """Subscribe to speech as text, or (without `lang`) end that (`subscribeToSpeechToText`, `unsubscribeFrom...`)."""
        own: Session = self._objects[session]
        of = self._objects[stream]
        call = own.subscribe_to_speech_to_text(of, lang) if lang else own.unsubscribe_from_speech_to_text(of)
        self._run(call, settle)

    def enable_speaking_events(self, target: int) -> None:
        """Enable the speaking events of a session or of one stream, once the page has a handler for one of them."""
        self._objects[target].enable_speaking_events()

    def disable_speaking_events(self, target: int) -> None:
        """Disable the speaking events of a stream, or those a session gives to further streams: no handler is left."""
        thing: StreamManager | Session = self._objects[target]
        if isinstance(thing, Session):
            thing.leave_speech_to_streams()
        else:
            thing.disable_speaking_events()

    def enable_volume_events(self, manager: int) -> None:
        """Enable `streamAudioVolumeChange`, once the page has a handler for it."""
        self._objects[manager].enable_volume_events()

    def speaking_options(self, manager: int, options: Given) -> None:
        """Change how speech is detected in one stream (`updatePublisherSpeakingEventsOptions`)."""
        known = known_to(SpeakingEventsOptions, options.to_py())
        self._objects[manager].update_publisher_speaking_events_options(known)

    def reconnect_now(self, session: int) -> None:
        """Start a reconnection attempt at once (`Session.reconnectNow`, pyvidu only)."""
        self._objects[session].reconnect_now()

    def stop_reconnecting(self, session: int) -> None:
        """Stop reconnecting (`Session.stopReconnecting`, pyvidu only)."""
        self._objects[session].stop_reconnecting()

    def outages(self, session: int) -> str:
        """Return the outages as JSON (`Session.outages`, pyvidu only)."""
        return json.dumps([outage.to_dict() for outage in self._objects[session].outages])

    # --- LocalRecorder -----------------------------------------------------------------------------------------------

    def record(self, recorder: int, openvidu: int, stream: int, options: Given, settle: Settle) -> None:
        """Begin to record a stream (`LocalRecorder.record`); the page has checked that nothing is recorded."""
        self._objects[recorder] = own = self._objects[openvidu].init_local_recorder(self._objects[stream])
        own.state_changed = lambda: self._page.update(recorder, {"state": str(own.state)}, {})
        self._run(own.record(options.to_py()), settle)

    def switch_recorder(self, recorder: int, call: str, settle: Settle) -> None:
        """Call `pause`, `resume` or `stop` of a recorder."""
        self._run(getattr(self._objects[recorder], call)(), settle)

    def clean_recorder(self, recorder: int) -> None:
        """Drop what was recorded (`LocalRecorder.clean`)."""
        self._objects[recorder].clean()

    def recorded(self, recorder: int) -> Any:
        """Return the Blob of a recorder (`getBlob`)."""
        return self._objects[recorder].get_blob()

    def preview_recorded(self, recorder: int, parent: Any) -> Any:
        """Return the `<video>` of a new preview (`LocalRecorder.preview`)."""
        return self._objects[recorder].preview(parent)

    def download_recorded(self, recorder: int) -> None:
        """Save the file (`LocalRecorder.download`)."""
        self._objects[recorder].download()

    def upload_recorded(self, recorder: int, call: str, endpoint: str, headers: Given, settle: Settle) -> None:
        """Settle with the text of the answer to an upload (`uploadAsBinary`, `uploadAsMultipartfile`)."""
        self._run(
            getattr(self._objects[recorder], f"upload_as_{call}")(endpoint, headers.to_py()), settle, answers=True
        )

    # --- StreamManager, Publisher, Subscriber, Stream ----------------------------------------------------------------

    def show_in(self, manager: int, element: Any) -> None:
        """Show a stream in an element that the page has made (`addVideoElement`, `createVideoElement`)."""
        if manager in self._objects:  # else the subscription has failed already
            self._objects[manager].add_video_element(element)

    def hide(self, manager: int, element: Any) -> None:
        """Detach a video element that is to show another stream."""
        owner: StreamManager = self._objects[manager]
        for video in [video for video in owner.videos if video.element == element]:
            owner.videos.remove(video)
            video.close()

    def set_active(self, publisher: int, kind: str, enabled: bool, resource: Any, settle: Settle) -> None:
        """Mute or unmute local audio or video (`publishAudio`, `publishVideo`)."""
        own: Publisher = self._objects[publisher]
        told = own.publish_audio(enabled) if kind == "audio" else own.publish_video(enabled, resource)
        self._push(own.stream)

        async def wait() -> None:
            await told
            self._push(own.stream)

        self._run(wait(), settle)

    def subscribe_to_remote(self, publisher: int, value: bool) -> None:
        """Show a stream as the others get it (`subscribeToRemote`)."""
        self._objects[publisher].subscribe_to_remote(value)

    def replace_track(self, publisher: int, track: Any, settle: Settle) -> None:
        """Replace a local track (`replaceTrack`)."""
        self._run(self._objects[publisher].replace_track(track), settle)

    def want(self, subscriber: int, kind: str, enabled: bool) -> None:
        """Turn received audio or video on or off (`subscribeToAudio`, `subscribeToVideo`)."""
        own: Subscriber = self._objects[subscriber]
        getattr(own, f"subscribe_to_{kind}")(enabled)
        self._push(own.stream)

    def remove_videos(self, manager: int) -> None:
        """End the videos of a stream (`removeAllVideos`)."""
        self._objects[manager].remove_all_videos()

    def dispose_media(self, publisher: int) -> None:
        """Stop the tracks of a publisher (`disposeMediaStream`)."""
        self._objects[publisher].dispose_media()

    def dispose_peer(self, manager: int) -> None:
        """Close the peer connection of a stream (`disposeWebRtcPeer`)."""
        own = self._objects[manager]
        (own.local_stream if isinstance(own, Publisher) else own.remote_stream).detach()

    def reconnect(self, stream: int, settle: Settle) -> None:
        """Replace the media connection of a stream (`Stream.reconnect`)."""
        self._run(self._objects[stream].reconnect(), settle)

    def apply_filter(self, stream: int, kind: str, options: str, settle: Settle) -> None:
        """Apply a filter, and settle once the stream has it (`Stream.applyFilter`); `options` is JSON text."""
        self._run(self._objects[stream].apply_filter(kind, options), settle, push=stream)

    def remove_filter(self, stream: int, settle: Settle) -> None:
        """Remove the filter of a stream (`Stream.removeFilter`)."""
        self._run(self._objects[stream].remove_filter(), settle, push=stream)

    def exec_method(self, applied: int, method: str, params: str, settle: Settle) -> None:
        """Call a method of a filter (`Filter.execMethod`); `params` is JSON text."""
        self._run(self._objects[applied].exec_method(method, params), settle, push=applied)

    def listen_to_filter(self, applied: int, event_type: str, listen: bool, settle: Settle) -> None:
        """Fire the events of a type of a filter, or no more (`Filter.addEventListener`, `removeEventListener`)."""
        own: Filter = self._objects[applied]
        fire = partial(self._fire, applied)
        self._run(own.add_event_listener(event_type, fire) if listen else own.remove_event_listener(event_type), settle)

    def quality(self, stream: int, settle: Settle) -> None:
        """Settle with the quality of a stream as JSON (`Stream.getQuality`, pyvidu only)."""

        async def as_json() -> str:
            of = self._objects.get(stream)  # none while a publisher waits for its devices
            found: StreamQuality | None = await of.get_quality() if of is not None else None
            return json.dumps(None if found is None else to_wire(found))

        self._run(as_json(), settle, answers=True)

    def call_default_behavior(self) -> None:
        """Run the default action of the event that is being fired (`Event.callDefaultBehavior`)."""
        if self._firing:
            self._firing[-1].call_default_behavior()

    def media_stream(self, stream: int) -> Any:
        """Return the MediaStream of a stream, or None (`getMediaStream`)."""
        found = self._objects.get(stream)
        return found.get_media_stream() if found is not None else None

    def peer_connection(self, stream: int) -> Any:
        """Return the RTCPeerConnection of a stream, or None (`getRTCPeerConnection`)."""
        found = self._objects.get(stream)
        return found.get_rtc_peer_connection() if found is not None else None

    # --- calls to the page -------------------------------------------------------------------------------------------

    def _adopt(self, handle: int, own: Any, events: Iterable[str] = ()) -> None:
        self._objects[handle] = own
        self._handles[own] = handle
        for name in events:
            own.on(name, partial(self._fire, handle))

    def _fire(self, handle: int, event: Event) -> None:
        if isinstance(event.target, Session):
            self._push(event.target)
        values: dict[str, Any] = {}
        references: dict[str, Any] = {}
        for field in dataclasses.fields(event):
            value = getattr(event, field.name)
            if field.name.startswith("_") or field.name in ("type", "target", "signal_type"):
                continue
            name = "from" if field.name == "from_connection" else camel_case(field.name)
            if isinstance(value, Connection | Filter | Session | Stream | StreamManager):
                references[name] = self._reference(value)
            else:
                values[name] = plain(value)
        leave_out_empty(event, values)
        self._firing.append(event)
        try:
            if self._page.dispatch(handle, type(event).__name__, event.type, values, references):
                event.prevent_default()
        finally:
            self._firing.pop()

    def _reference(self, thing: Any) -> int | None:
        """Return the handle of `thing`, made if it has none; its fields, of all but a Session or manager, are sent."""
        if thing is None:
            return None
        if thing not in self._handles:
            handle = self._page.create(type(thing).__name__)
            self._adopt(handle, thing)
        if isinstance(thing, Stream | Connection | Filter):
            self._push(thing)
        return self._handles[thing]

    def _push(self, thing: Session | Stream | Connection | Filter) -> None:
        handle = self._handles[thing]
        if isinstance(thing, Stream):
            self._page.update(handle, fields_of(thing, STREAM_FIELDS), self._references_of(thing))
        elif isinstance(thing, Connection):
            self._page.update(handle, fields_of(thing, CONNECTION_FIELDS), {})
        elif isinstance(thing, Filter):
            self._page.update(handle, fields_of(thing, FILTER_FIELDS), {})
        else:
            remotes = list(thing.remote_connections.values())
            references: dict[str, Any] = {
                "remoteConnections": [self._reference(connection) for connection in remotes],
                "streamManagers": [self._handles[item] for item in thing.stream_managers if item in self._handles],
            }
            for connection in [*remotes, *([thing.connection] if thing.connection is not None else [])]:
                own = self._reference(connection)
                self._page.update(own or 0, {}, {"stream": self._reference(connection.stream)})
            if thing.connection is not None:
                references["connection"] = self._reference(thing.connection)
            values = {"sessionId": thing.session_id, "capabilities": to_wire(thing.capabilities)}
            self._page.update(handle, values, references)

    def _references_of(self, stream: Stream) -> dict[str, Any]:
        references: dict[str, Any] = {"filter": self._reference(stream.filter)}
        if stream.connection is not None:
            references["connection"] = self._reference(stream.connection)
        if stream.stream_manager in self._handles:
            references["streamManager"] = self._handles[stream.stream_manager]
        return references

    def _run(
        self, coroutine: Coroutine[Any, Any, object], settle: Settle, *, push: int | None = None, answers: bool = False
    ) -> asyncio.Task[None]:
        """Run a call, its first step at once, so that calls take effect in the order in which the page makes them."""

        async def call() -> None:
            try:
                result = await coroutine
            except OpenViduError as error:
                settle(None, error.name, str(error), getattr(error, "code", None))
            except asyncio.CancelledError:
                settle(None, OpenViduError.name, "The call was cancelled because its session ended")
            except Exception as error:  # a bug of ours: without this the page's promise would never settle
                logger.exception("a call of the page failed")
                settle(None, OpenViduError.name, f"{type(error).__name__}: {error}")
            else:
                if push is not None and push in self._objects:
                    self._push(self._objects[push])
                settle(*([result] if answers else []))  # others are Python objects: the page would get proxies

        loop = asyncio.get_running_loop()
        task: asyncio.Task[None] = asyncio.Task(call(), loop=loop, eager_start=True)  # type: ignore[call-arg]
        return self._tasks.adopt(task)
