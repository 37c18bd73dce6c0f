"""A session: joining, publishing, subscribing, signalling, leaving, and staying through network drops."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyvidu.configuration import SubscriberProperties, configured
from pyvidu.connection import Connection
from pyvidu.errors import (
    ConnectionFailedError,
    InvalidTokenError,
    NotConnectedError,
    OpenViduError,
    PermissionDeniedError,
    RequestError,
    RequestOutcomeUnknown,
)
from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.events import (
    ExceptionEvent,
    ReconnectedEvent,
    ReconnectingEvent,
    ReconnectionAttemptEvent,
    SessionDisconnectedEvent,
    StreamEvent,
    StreamHealthEvent,
)
from pyvidu.media import InboundMedia, MediaConnection, MediaPlane, OutboundMedia
from pyvidu.platform import PeerSettings
from pyvidu.protocol.codes import Code
from pyvidu.protocol.messages import (
    Call,
    ForceDisconnect,
    ForceUnpublish,
    JoinRoom,
    JoinRoomResult,
    PublishVideo,
    SendMessage,
    SignalMessage,
    StreamPropertyChanged,
    UnpublishVideo,
    UnsubscribeFromVideo,
    VideoData,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.token import ConnectionToken, InvalidToken
from pyvidu.protocol.wire import WireError, from_wire
from pyvidu.publisher import Publisher
from pyvidu.reconnection.outage import Outage
from pyvidu.room import Room, dispose_remote
from pyvidu.signaling import SignalingPlane
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from pyvidu.subscriber import Subscriber

if TYPE_CHECKING:
    from pyvidu.openvidu import OpenVidu

logger = logging.getLogger(__name__)

SDK_VERSION = "2.32.2"  # the openvidu-browser whose protocol this is: servers compare it with their own version


class Session(EventDispatcher):
    """A session as one participant sees it. Made by `OpenVidu.init_session`.

    Events: `connectionCreated`, `connectionDestroyed`, `streamCreated`, `streamDestroyed`, `streamPropertyChanged`, `signal`,
    `signal:TYPE`, `sessionDisconnected`, `recordingStarted`, `recordingStopped`, `networkQualityLevelChanged`, `exception`;
    of the media plane `streamFrozen`, `streamRecovered`; of the reconnection `reconnecting`, `reconnectionAttempt`,
    `reconnected`. Every `reconnecting` is followed by exactly
    one of `reconnected` and `sessionDisconnected`.
    """

    def __init__(self, openvidu: OpenVidu) -> None:
        super().__init__()
        self.openvidu = openvidu
        self.session_id = ""
        self.connection: Connection | None = None
        self._host = openvidu._host
        self._room = Room(self)
        self._publisher: Publisher | None = None
        self._ice_servers: Sequence[Mapping[str, Any]] = ()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._connected = False
        self._new_planes()

    # --- joining and leaving -----------------------------------------------------------------------------------------

    async def connect(self, token: str, data: Any = None) -> None:
        """Joins the session that `token` opens. `data` is what the others see as `connection.data`: a text, or anything
        that becomes JSON.

        Raises:
            InvalidTokenError: `token` is no connection URL.
            ConnectionFailedError: the server cannot be reached; the cause is in the sentence.
            RequestError: the server refused, for example a token that was used before (code 401).
        """
        if self._connected:
            raise OpenViduError("This session is connected already; call disconnect() first")
        try:
            parsed = ConnectionToken.parse(token)
        except InvalidToken as error:
            raise InvalidTokenError(str(error)) from None
        self._silenced = False
        self._new_planes()
        plane = self._plane
        try:
            await plane.open(parsed.socket_url)
            result = from_wire(JoinRoomResult, await plane.request(self._join(parsed, data), repeatable=False))
        except BaseException as error:
            plane.close()
            if isinstance(error, WireError):
                raise ConnectionFailedError(f"The server's answer to joinRoom makes no sense: {error}") from error
            raise
        self._joined(parsed, result)

    def disconnect(self) -> None:
        """Leaves the session: `streamDestroyed` of an own publisher, then `sessionDisconnected`, both with reason
        `disconnect`, before this returns. Afterwards nothing is fired and nothing is sent.
        """
        if self._connected:
            self._plane.leave()
            self._end(Reason.DISCONNECT)

    def stop_reconnecting(self) -> None:
        """During an outage: gives up. `sessionDisconnected` follows with reason `networkDisconnect`."""
        self._plane.stop_reconnecting()

    def reconnect_now(self) -> None:
        """During an outage: tries at once, for an application that knows better."""
        self._plane.reconnect_now()

    # --- streams -----------------------------------------------------------------------------------------------------

    async def publish(self, publisher: Publisher) -> None:
        """Publishes; `streamCreated` of the publisher fires. During an outage it waits for the return.

        Raises:
            NotConnectedError, PermissionDeniedError, RequestError, SessionLostError.
        """
        own = self._member()
        if own.role == "SUBSCRIBER":
            raise PermissionDeniedError("A participant with role SUBSCRIBER cannot publish")
        if self._publisher is not None:
            raise OpenViduError("This session publishes a stream already; unpublish it first")
        self._publisher = publisher
        stream = publisher.stream
        settings = self._peer_settings(local_stream=publisher._media_stream())
        media = OutboundMedia(self._host, self._plane, own.connection_id, settings, stream)
        stream.connection, own.stream = own, stream
        stream._attach(self, media)
        try:
            told = await self._publish(publisher, media)
        except BaseException:
            stream._detach()
            own.stream = None
            if self._publisher is publisher:
                self._publisher = None
            raise
        self._tell_what_changed(publisher, told)
        publisher._emit(StreamEvent("streamCreated", publisher, stream))

    async def unpublish(self, publisher: Publisher) -> None:
        """Ends one's own stream: `streamDestroyed` of the publisher fires at once, the others are told then."""
        self._member()
        if self._publisher is not publisher:
            raise OpenViduError("This publisher is not published in this session")
        self._publisher = None
        publisher._ended(Reason.UNPUBLISH)
        await self._request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,))

    async def subscribe(
        self, stream: Stream, target: Any = None, properties: Mapping[str, Any] | None = None, **keywords: Any
    ) -> Subscriber:
        """Receives a remote stream. `target` is an element or the id of one, in which a `<video>` is created; without it
        use `Subscriber.add_video_element` or `create_video_element`.

        Raises:
            NotConnectedError, RequestError, SessionLostError.
        """
        self._member()
        wanted = configured(SubscriberProperties, properties, keywords)
        if stream.connection is None or stream.connection.is_local:
            raise OpenViduError("Only remote streams can be subscribed to")
        subscriber = Subscriber(self._host, stream, wanted)
        settings = self._peer_settings(receive_audio=stream.has_audio, receive_video=stream.has_video)
        media = InboundMedia(self._host, self._plane, stream.connection.connection_id, settings, stream)
        media.stream_id = stream.stream_id
        stream._detach()
        stream._attach(self, media)
        try:
            if target is not None:
                subscriber.create_video_element(target, wanted.insert_mode)
            try:
                await media.subscribe()
            except RequestOutcomeUnknown:
                await media.renegotiate()  # replaces whatever came of it
        except BaseException:
            subscriber._dispose()
            raise
        return subscriber

    async def unsubscribe(self, subscriber: Subscriber) -> None:
        """Ends a subscription and removes its videos."""
        self._member()
        connection = subscriber.stream.connection
        subscriber._dispose()
        if connection is not None and not connection.disposed:
            await self._request(UnsubscribeFromVideo(sender=connection.connection_id))

    # --- the others --------------------------------------------------------------------------------------------------

    async def signal(
        self,
        options: Mapping[str, Any] | None = None,
        *,
        data: str = "",
        to: Sequence[Connection] | None = None,
        type: str = "",  # noqa: A002  OpenVidu's name
    ) -> None:
        """Sends `data` to the participants `to`, or to everybody, oneself too.

        Raises:
            RequestOutcomeUnknown: the network dropped before the server answered; it may have been sent or not.
        """
        self._member()
        if options is not None:
            data, to, type = options.get("data", data), options.get("to", to), options.get("type", type)  # noqa: A001
        kind = f"signal:{type.removeprefix('signal:')}" if type else "signal"
        message = SignalMessage([item.connection_id for item in to or ()], data or "", kind)
        await self._request(SendMessage(message.encode()), repeatable=False)

    async def force_disconnect(self, connection: Connection) -> None:
        """Moderators: evicts a participant."""
        self._moderator("force_disconnect")
        await self._request(ForceDisconnect(connection.connection_id))

    async def force_unpublish(self, stream: Stream) -> None:
        """Moderators: ends a participant's stream."""
        self._moderator("force_unpublish")
        await self._request(ForceUnpublish(stream.stream_id))

    # --- what is there -----------------------------------------------------------------------------------------------

    @property
    def capabilities(self) -> dict[str, bool]:
        """What the role allows: `forceDisconnect`, `forceUnpublish`, `publish`, `subscribe`."""
        role = self.connection.role if self.connection is not None else ""
        moderates = role == "MODERATOR"
        return {
            "forceDisconnect": moderates,
            "forceUnpublish": moderates,
            "publish": role in ("PUBLISHER", "MODERATOR"),
            "subscribe": bool(role),
        }

    @property
    def remote_connections(self) -> Mapping[str, Connection]:
        """The other participants, by connection id."""
        return self._room.connections

    @property
    def stream_managers(self) -> list[StreamManager]:
        """Our publisher, if it is published, and our subscribers."""
        own = [self._publisher] if self._publisher is not None else []
        return [*own, *(stream.stream_manager for stream in self._room.streams() if stream.stream_manager is not None)]

    @property
    def outages(self) -> Sequence[Outage]:
        """The outages of this session so far."""
        return self._plane.outages

    # --- SignalingListener -------------------------------------------------------------------------------------------

    def signaling_notified(self, method: str, params: Mapping[str, Any]) -> None:
        """A notification of the server."""
        if self._connected:
            self._room.notified(method, params)
        else:
            self._early.append((method, params))

    def signaling_reconnecting(self) -> None:
        """An outage has begun."""
        self._media_plane.suspend()
        self._emit(ReconnectingEvent("reconnecting", self, self.outages[-1]))

    def signaling_attempt(self, number: int, next_delay: float | None) -> None:
        """An attempt begins."""
        self._emit(ReconnectionAttemptEvent("reconnectionAttempt", self, number, next_delay))

    def signaling_reconnected(self) -> None:
        """The outage is over; every stream is proved now, or renegotiated."""
        force = self.openvidu.advanced_configuration.force_media_reconnection_after_network_drop
        outage = self.outages[-1]
        self._media_plane.prove_all(outage, force=force)
        self._emit(ReconnectedEvent("reconnected", self, outage))

    def signaling_lost(self, reason: Reason) -> None:
        """The session is over."""
        logger.warning("%s", self.outages[-1])
        self._end(reason)

    def signaling_unloading(self) -> None:
        """The page goes away."""
        self.disconnect()

    def membership_check(self) -> Call:
        """`videoData` with the values of this moment: it needs membership and changes nothing."""
        stream = self._publisher.stream if self._publisher is not None else None
        if stream is None:
            return VideoData(0, 0, video_active=False, audio_active=False)
        size = stream.video_dimensions
        return VideoData(size["height"], size["width"], stream.video_active, stream.audio_active)

    # --- MediaPlaneListener ------------------------------------------------------------------------------------------

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """A stream is frozen."""
        self._tell_health("streamFrozen", media, because)

    def media_recovered(self, media: MediaConnection) -> None:
        """It flows again."""
        self._tell_health("streamRecovered", media, "")

    def media_exception(self, media: MediaConnection, name: str, message: str) -> None:
        """A media problem that nobody was waiting for."""
        manager = self._manager_of(media)
        origin = self if manager is None else manager.stream
        self._emit(ExceptionEvent("exception", self, name, origin, message))

    # --- inside ------------------------------------------------------------------------------------------------------

    def _manager_of(self, media: MediaConnection) -> StreamManager | None:
        return next((item for item in self.stream_managers if item.stream._media is media), None)

    def _tell_health(self, name: str, media: MediaConnection, message: str) -> None:
        manager = self._manager_of(media)
        if manager is not None:
            for target in (self, manager):
                target._emit(StreamHealthEvent(name, target, manager.stream, message))

    def _new_planes(self) -> None:
        policy = self.openvidu.advanced_configuration.policy
        self._early: list[tuple[str, Mapping[str, Any]]] = []
        self._plane = SignalingPlane(self._host, policy, self)
        self._media_plane = MediaPlane(self._host, self._plane, policy, self)

    def _join(self, token: ConnectionToken, data: Any) -> JoinRoom:
        return JoinRoom(
            token=token.url,
            session=token.session_id,
            platform=self._host.description,
            secret=token.secret,
            metadata=data if isinstance(data, str) else "" if data is None else json.dumps(data),
            sdk_version=SDK_VERSION,
            recorder=token.recorder,
            stt=token.stt,
        )

    def _joined(self, token: ConnectionToken, result: JoinRoomResult) -> None:
        self.session_id = result.session or token.session_id
        self.connection = Connection(
            result.id,
            data=result.metadata or "",
            creation_time=result.created_at or 0.0,
            role=result.role or "PUBLISHER",
            record=bool(result.record),
        )
        self._ice_servers = _ice_servers(result)
        self._room = Room(self)
        self._connected = True
        tag = f"&probe={result.probe_id}" if result.probe_id else ""
        probe_url = f"{token.probe_url}?probe={result.probe_id}" if result.probe_id else token.probe_url
        self._plane.supervise(
            result.session_id, probe_url, f"{token.socket_url}&reconnect=true{tag}", replays=bool(result.replay)
        )
        self._room.populate(result)
        early, self._early = self._early, []
        for method, params in early:
            self.signaling_notified(method, params)

    def _end(self, reason: Reason) -> None:
        """The one way out of a session, whoever ends it."""
        if not self._connected:
            return
        self._connected = False
        self._media_plane.close()
        self._plane.close()
        for task in self._tasks:
            task.cancel()
        publisher, self._publisher = self._publisher, None
        if publisher is not None and publisher.stream.is_published:
            publisher._ended(reason)
        elif publisher is not None:
            publisher.stream._detach()
        self._emit(
            SessionDisconnectedEvent(
                "sessionDisconnected", self, reason, cancelable=True, _default=self._dispose_remotes
            )
        )
        for stream in self._room.streams():
            stream._detach()
        self._silence()

    def _dispose_remotes(self) -> None:
        for stream in self._room.streams():
            dispose_remote(stream)

    def _forcibly_unpublished(self, reason: Reason) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher._ended(reason)

    async def _publish(self, publisher: Publisher, media: OutboundMedia) -> PublishVideo:
        """Publishes, however often the network drops in between; returns what the others were told."""
        while True:
            told = publisher._description()
            try:
                result = await media.publish(told)
            except RequestOutcomeUnknown:  # it may be published, under an id that we never learnt
                await self._request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,))
            else:
                publisher.stream.stream_id = result.id
                publisher.stream.creation_time = result.created_at or 0.0
                return told

    def _tell_what_changed(self, publisher: Publisher, told: PublishVideo) -> None:
        """Muted or unmuted while `publishVideo` was under way: the others learnt the old state."""
        stream = publisher.stream
        pairs = (("audio", told.audio_active, stream.audio_active), ("video", told.video_active, stream.video_active))
        for kind, before, now in pairs:
            if before != now:
                call = StreamPropertyChanged(stream.stream_id, f"{kind}Active", now, f"publish{kind.capitalize()}")
                self._in_background(self._request(call))

    def _own_connection(self) -> Connection:
        assert self.connection is not None, "only called while connected"
        return self.connection

    def _member(self) -> Connection:
        if not self._connected or self.connection is None:
            raise NotConnectedError("There is no connected session: await session.connect(token) first")
        return self.connection

    def _moderator(self, call: str) -> None:
        if self._member().role != "MODERATOR":
            raise PermissionDeniedError(f"{call} needs the role MODERATOR, this participant is {self._member().role}")

    async def _request(self, call: Call, *, repeatable: bool = True, ignore: Sequence[int] = ()) -> None:
        try:
            await self._plane.request(call, repeatable=repeatable)
        except RequestError as error:
            if error.code not in ignore:
                raise

    def _in_background(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs `coroutine` to its end, whether somebody awaits the task or not; a failure is at least logged."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.warning("%s", error)

        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(ended)
        return task

    def _peer_settings(self, **particulars: Any) -> PeerSettings:
        configuration = self.openvidu.advanced_configuration
        servers = self._ice_servers if configuration.ice_servers is None else configuration.ice_servers
        return PeerSettings(ice_servers=servers, rtc_configuration=configuration.rtc_configuration, **particulars)


def _ice_servers(result: JoinRoomResult) -> list[dict[str, Any]]:
    """The ICE servers that the server names: its list, else its own TURN server."""
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
