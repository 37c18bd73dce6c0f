"""One membership of a room, from `joinRoom` to its end: both planes, the state of the room, the streams.

A session has one membership at a time. After an eviction a rejoin makes a new one and moves the streams to it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyvidu.connection import Connection
from pyvidu.errors import (
    ConnectionFailedError,
    InvalidTokenError,
    NotConnectedError,
    RequestError,
    RequestOutcomeUnknown,
    RequestTimeoutError,
)
from pyvidu.events import (
    Event,
    ExceptionEvent,
    ReconnectedEvent,
    ReconnectingEvent,
    ReconnectionAttemptEvent,
    SessionDisconnectedEvent,
    StreamEvent,
    StreamHealthEvent,
)
from pyvidu.media import InboundMedia, MediaConnection, MediaPlane, OutboundMedia
from pyvidu.platform import PeerSettings, pause
from pyvidu.protocol.codes import Code
from pyvidu.protocol.messages import (
    Call,
    JoinRoom,
    JoinRoomResult,
    PublishVideo,
    StreamPropertyChanged,
    UnpublishVideo,
    VideoData,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.token import ConnectionToken, InvalidToken
from pyvidu.protocol.wire import WireError, from_wire
from pyvidu.publisher import Publisher
from pyvidu.room_state import RoomState, dispose_remote
from pyvidu.signaling import SignalingPlane
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from pyvidu.subscriber import Subscriber
from pyvidu.tasks import Tasks

if TYPE_CHECKING:
    from pyvidu.session import Session

logger = logging.getLogger(__name__)

SDK_VERSION = "2.32.2"  # the openvidu-browser whose protocol this is; servers compare it with their own version


class Membership:
    """A session while it is connected. `connection` is the local participant, set once `join` has returned."""

    connection: Connection

    def __init__(self, session: Session) -> None:
        self.session = session
        self.publisher: Publisher | None = None
        self.joined = False
        self._host = session.openvidu._host
        self._configuration = session.openvidu.advanced_configuration
        self._ice_servers: Sequence[Mapping[str, Any]] = ()
        self._server_offers = False  # for received streams: the server offers with mediasoup, not with kurento
        self._early: list[tuple[str, Mapping[str, Any]]] = []
        self._tasks = Tasks(failed=lambda error: logger.warning("%s", error))
        self.plane = SignalingPlane(self._host, self._configuration.policy, self)
        self.media_plane = MediaPlane(self._host, self.plane, self._configuration.policy, self)
        self.room = RoomState(self)

    # --- joining -----------------------------------------------------------------------------------------------------

    async def join(self, token: str, data: str) -> JoinRoomResult:
        """Open the signaling plane and join the room; see `Session.connect` for what it raises."""
        try:
            parsed = ConnectionToken.parse(token)
        except InvalidToken as error:
            raise InvalidTokenError(str(error)) from None
        try:
            await self.plane.open(parsed.socket_url)
            answer = await self.plane.request(self._join_room(parsed, data), repeatable=False)
            result = from_wire(JoinRoomResult, answer)
        except BaseException as error:
            self.plane.close()
            if isinstance(error, WireError):
                raise ConnectionFailedError(f"The server's answer to joinRoom makes no sense: {error}") from error
            raise
        if self.plane.is_closed:  # by `disconnect`, in the moment after the answer
            raise NotConnectedError("The session was left before it was joined")
        self._joined(parsed, result)
        return result

    def listen(self) -> None:
        """Handle the notifications that arrived before the room was populated."""
        early, self._early = self._early, []
        for method, params in early:
            self.signaling_notified(method, params)

    # --- streams -----------------------------------------------------------------------------------------------------

    async def publish(self, publisher: Publisher) -> None:
        """Publish, however often the network drops in between; see `Session.publish` for what it raises."""
        stream, own = publisher.stream, self.connection
        self.publisher = publisher
        settings = self._peer_settings(local_stream=publisher._media_stream())
        media = OutboundMedia(self._host, self.plane, own.connection_id, settings, stream)
        stream.connection, own.stream = own, stream
        stream._attach(self, media)
        try:
            told = await self._publish(publisher, media)
        except BaseException as error:
            stream._detach()
            if own.stream is stream:
                own.stream = None
            if self.publisher is publisher:
                self.publisher = None
                if isinstance(error, RequestTimeoutError):  # it may be carried out after all: undo it then
                    self.in_background(self.request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,)))
            raise
        self.watch_speech(publisher)
        for kind, before in (("audio", told.audio_active), ("video", told.video_active)):
            if before != getattr(stream, f"{kind}_active"):  # muted or unmuted while `publishVideo` was under way
                self.in_background(self.tell_active(stream, kind))

    async def subscribe(self, subscriber: Subscriber) -> None:
        """Receive a stream; a second call replaces the first subscription."""
        stream = subscriber.stream
        assert stream.connection is not None, "remote streams have a connection"
        settings = self._peer_settings(receive_audio=stream.has_audio, receive_video=stream.has_video)
        media = InboundMedia(self._host, self.plane, stream.connection.connection_id, settings, stream)
        media.stream_id = stream.stream_id
        media.server_offers = self._server_offers
        stream._detach()
        stream._attach(self, media)
        negotiate = media.subscribe
        while True:
            try:
                await negotiate()
                break
            except RequestOutcomeUnknown:  # replace the subscription if there is one, else make it
                negotiate = media.renegotiate  # after as many outages as it takes
        self.watch_speech(subscriber)
        self.in_background(self._expect_playing(subscriber, media))

    def watch_speech(self, manager: StreamManager) -> None:
        """Start the speaking events of one stream, if they are enabled for it or for the whole session."""
        manager._watch_speech()
        if self.session._tells_speech and manager._speech is None:
            options = self.session.openvidu.advanced_configuration.publisher_speaking_events_options or {}
            known = {name: options[name] for name in ("interval", "threshold") if name in options}
            manager.enable_speaking_events(**known)

    async def tell_active(self, stream: Stream, kind: str) -> None:
        """Notify the others whether `kind` (`audio` or `video`) of a local stream is active."""
        active = getattr(stream, f"{kind}_active")
        await self.request(
            StreamPropertyChanged(stream.stream_id, f"{kind}Active", active, f"publish{kind.capitalize()}")
        )

    async def request(self, call: Call, *, repeatable: bool = True, ignore: Sequence[int] = ()) -> None:
        """Send a request whose result is not needed. Error codes in `ignore` count as success."""
        try:
            await self.plane.request(call, repeatable=repeatable)
        except RequestError as error:
            if error.code not in ignore:
                raise

    def in_background(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `coroutine` to its end, whether or not the task is awaited; a failure is logged in any case."""
        return self._tasks.spawn(coroutine)

    # --- the end -----------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Send `leaveRoom` and end with reason `disconnect`."""
        self.plane.leave()
        self.end(Reason.DISCONNECT)

    def end(self, reason: Reason) -> None:
        """End the membership, whatever the cause: fire the last events with their default actions, then nothing more."""
        if not self.joined:
            return
        self.close()
        publisher, self.publisher = self.publisher, None
        if publisher is not None and publisher.stream.is_published:
            publisher._ended(reason)
        elif publisher is not None:
            publisher.stream._detach()
        self.session._ended(self)
        self.emit(
            SessionDisconnectedEvent(
                "sessionDisconnected", self.session, reason, cancelable=True, _default=self._dispose_remotes
            )
        )
        for stream in self.room.streams():
            stream._detach()
        self.session._silence()

    def close(self) -> None:
        """Close both planes without firing events."""
        self.joined = False
        self.media_plane.close()
        self.plane.close()
        self._tasks.cancel()

    def forcibly_unpublished(self, reason: Reason) -> None:
        """Handle the end of the local stream by a moderator or the server."""
        publisher, self.publisher = self.publisher, None
        if publisher is not None:
            publisher._ended(reason)

    def emit(self, event: Event, *names: str) -> None:
        """Fire an event of the session."""
        self.session._emit(event, *names)

    # --- SignalingListener -------------------------------------------------------------------------------------------

    def signaling_notified(self, method: str, params: Mapping[str, Any]) -> None:
        """Handle a notification of the server."""
        if self.joined:
            self.room.notified(method, params)
        else:
            self._early.append((method, params))

    def signaling_reconnecting(self) -> None:
        """Handle the beginning of an outage."""
        self.media_plane.suspend()
        self.emit(ReconnectingEvent("reconnecting", self.session, self.plane.outages[-1]))

    def signaling_attempt(self, number: int, next_delay: float | None) -> None:
        """Report that reconnection attempt `number` begins."""
        self.emit(ReconnectionAttemptEvent("reconnectionAttempt", self.session, number, next_delay))

    def signaling_reconnected(self) -> None:
        """Handle the end of the outage: prove every stream healthy or renegotiate it."""
        outage = self.plane.outages[-1]
        force = self.session.openvidu.advanced_configuration.force_media_reconnection_after_network_drop
        self.media_plane.prove_all(outage, force=force)
        self.emit(ReconnectedEvent("reconnected", self.session, outage))
        if self.joined and not self.plane.replays:
            self.in_background(self.session._reconcile(self))

    def signaling_lost(self, reason: Reason, *, gave_up: bool) -> None:
        """Handle the loss of the session: the server no longer has it, or (`gave_up`) reconnecting was stopped."""
        logger.warning("%s", self.plane.outages[-1])
        self.session._lost(self, reason, rejoin=not gave_up)

    def signaling_unloading(self) -> None:
        """Disconnect, because the page is being unloaded."""
        self.session.disconnect()

    def membership_check(self) -> Call:
        """Return `videoData` with the current values: it needs membership and changes nothing."""
        stream = self.publisher.stream if self.publisher is not None else None
        if stream is None:
            return VideoData(0, 0, video_active=False, audio_active=False)
        size = stream.video_dimensions
        return VideoData(size["height"], size["width"], stream.video_active, stream.audio_active)

    # --- MediaPlaneListener ------------------------------------------------------------------------------------------

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Report that a stream is frozen."""
        self._tell_health("streamFrozen", media, because)

    def media_recovered(self, media: MediaConnection) -> None:
        """Report that a frozen stream flows again."""
        self._tell_health("streamRecovered", media, "")

    def media_exception(self, media: MediaConnection, name: str, message: str) -> None:
        """Report a media problem that no pending call reports, as an `exception` event."""
        manager = self._manager_of(media)
        origin = self.session if manager is None else manager.stream
        self.emit(ExceptionEvent("exception", self.session, name, origin, message))

    # --- internals ---------------------------------------------------------------------------------------------------

    @property
    def managers(self) -> list[StreamManager]:
        """Return the publisher, if there is one, and the subscribers."""
        own: list[StreamManager] = [self.publisher] if self.publisher is not None else []
        return [*own, *(stream.stream_manager for stream in self.room.streams() if stream.stream_manager is not None)]

    def _manager_of(self, media: MediaConnection) -> StreamManager | None:
        return next((item for item in self.managers if item.stream._media is media), None)

    def _tell_health(self, name: str, media: MediaConnection, message: str) -> None:
        manager = self._manager_of(media)
        if manager is not None:
            for target in (self.session, manager):
                target._emit(StreamHealthEvent(name, target, manager.stream, message))

    def _join_room(self, token: ConnectionToken, data: str) -> JoinRoom:
        return JoinRoom(
            token=token.url,
            session=token.session_id,
            platform=self._host.description,
            secret=token.secret,
            metadata=data,
            sdk_version=SDK_VERSION,
            recorder=token.recorder,
            stt=token.stt,
        )

    def _joined(self, token: ConnectionToken, result: JoinRoomResult) -> None:
        self.connection = Connection(
            result.id,
            data=result.metadata or "",
            creation_time=result.created_at or 0.0,
            role=result.role or "PUBLISHER",
            record=bool(result.record),
        )
        self._ice_servers = _ice_servers(result)
        self._server_offers = result.media_server == "mediasoup"
        self.joined = True
        tag = f"&probe={result.probe_id}" if result.probe_id else ""
        probe_url = f"{token.probe_url}?probe={result.probe_id}" if result.probe_id else token.probe_url
        self.plane.supervise(
            result.session_id,
            probe_url,
            f"{token.socket_url}&reconnect=true{tag}",
            replays=bool(result.replay),
            life=result.life,
        )

    async def _expect_playing(self, subscriber: Subscriber, media: InboundMedia) -> None:
        """Fire `NO_STREAM_PLAYING_EVENT`, as OpenVidu does, if the video of a new subscription does not begin to play."""
        seconds = self._configuration.no_stream_playing_event_exception_timeout / 1000
        await pause(self._host.clock, seconds)
        if subscriber.videos and not subscriber._playing and not media.is_closed and self.plane.is_up:
            message = f"Stream {subscriber.stream.stream_id} did not begin to play within {seconds:g} s"
            self.emit(ExceptionEvent("exception", self.session, "NO_STREAM_PLAYING_EVENT", subscriber, message))

    async def _publish(self, publisher: Publisher, media: OutboundMedia) -> PublishVideo:
        """Publish, and return the description that the others have received."""
        while True:
            told = publisher._description()
            try:
                result = await media.publish(told)
            except RequestOutcomeUnknown:  # it may be published, under an id that was not received
                if (
                    self.publisher is not publisher
                ):  # unpublished meanwhile: that request undoes it, before what came since
                    raise
                await self.request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,))
            else:
                publisher.stream.stream_id = result.id
                publisher.stream.creation_time = result.created_at or 0.0
                return told

    def _dispose_remotes(self) -> None:
        for stream in self.room.streams():
            dispose_remote(stream)

    def _peer_settings(self, **particulars: Any) -> PeerSettings:
        configuration = self._configuration
        servers = self._ice_servers if configuration.ice_servers is None else configuration.ice_servers
        return PeerSettings(ice_servers=servers, rtc_configuration=configuration.rtc_configuration, **particulars)


def metadata(data: Any) -> str:
    """Return what an application passes to `connect` as `data`, as the text that the others receive."""
    if data is None or isinstance(data, str):
        return data or ""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)  # as `JSON.stringify` writes it


def announce_published(publisher: Publisher) -> None:
    """Fire `streamCreated` of a publisher."""
    publisher._emit(StreamEvent("streamCreated", publisher, publisher.stream))


def _ice_servers(result: JoinRoomResult) -> list[dict[str, Any]]:
    """Return the ICE servers that the server names: its list, else its own TURN server."""
    if result.custom_ice_servers:
        servers = []
        for item in result.custom_ice_servers:
            server: dict[str, Any] = {"urls": item.url}
            if item.username is not None:
                server.update(username=item.username, credential=item.credential or "")
            servers.append(server)
        return servers
    if result.coturn_ip:
        url = f"turn:{result.coturn_ip}:{result.coturn_port or 3478}"
        return [{"urls": url, "username": result.turn_username or "", "credential": result.turn_credential or ""}]
    return []
