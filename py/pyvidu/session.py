"""A session: joining, publishing, subscribing, signalling, leaving, and surviving network drops."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyvidu.configuration import SubscriberProperties, configured
from pyvidu.connection import Connection
from pyvidu.errors import NotConnectedError, OpenViduError, PermissionDeniedError
from pyvidu.event_dispatcher import EventDispatcher
from pyvidu.membership import Membership, announce_published, metadata
from pyvidu.protocol.codes import Code
from pyvidu.protocol.messages import (
    ForceDisconnect,
    ForceUnpublish,
    SendMessage,
    SignalMessage,
    UnpublishVideo,
    UnsubscribeFromVideo,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.publisher import Publisher
from pyvidu.reconnection.outage import Outage
from pyvidu.rejoin import Rejoin, reconcile_with
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from pyvidu.subscriber import Subscriber

if TYPE_CHECKING:
    from pyvidu.openvidu import OpenVidu

logger = logging.getLogger(__name__)


class Session(EventDispatcher):
    """A session as one participant sees it. Made by `OpenVidu.init_session`.

    Events: `connectionCreated`, `connectionDestroyed`, `streamCreated`, `streamDestroyed`, `streamPropertyChanged`, `signal`,
    `signal:TYPE`, `sessionDisconnected`, `recordingStarted`, `recordingStopped`, `networkQualityLevelChanged`, `exception`;
    of the media plane `streamFrozen`, `streamRecovered`; of the reconnection `reconnecting`, `reconnectionAttempt`,
    `reconnected`, `rejoined`; if enabled `publisherStartSpeaking`, `publisherStopSpeaking`. Every `reconnecting` is followed
    by exactly one of `reconnected`, `rejoined` and `sessionDisconnected`.
    """

    def __init__(self, openvidu: OpenVidu) -> None:
        super().__init__()
        self.openvidu = openvidu
        self.session_id = ""
        self._membership: Membership | None = None
        self._last: Membership | None = None
        self._joining: Membership | None = None
        self._rejoin: Rejoin | None = None
        self._data = ""
        self._tells_speech = False

    # --- joining and leaving -----------------------------------------------------------------------------------------

    async def connect(self, token: str, data: Any = None) -> None:
        """Join the session that `token` opens.

        `data` is what the others see as `connection.data`: a text, or anything that can be encoded as JSON.

        Raises:
            InvalidTokenError: `token` is no connection URL.
            ConnectionFailedError: the server cannot be reached; the cause is in the message.
            RequestError: the server refused, for example a token that was used before (code 401).
            NotConnectedError: `disconnect()` was called meanwhile.
            OpenViduError: the session is connected already.
        """
        if self._membership is not None or self._rejoin is not None or self._joining is not None:
            raise OpenViduError("This session is connected already; call disconnect() first")
        self._silenced = False
        self._data = metadata(data)
        membership = self._joining = Membership(self)
        try:
            result = await membership.join(token, self._data)
        finally:
            self._joining = None
        self._adopt(membership)
        self.session_id = result.session or ""
        membership.room.populate(result)
        membership.listen()

    def disconnect(self) -> None:
        """Leave the session. Afterwards nothing is fired and nothing is sent.

        Before it returns, `streamDestroyed` of the publisher and then `sessionDisconnected` fire, with reason `disconnect`.
        """
        if self._joining is not None:
            self._joining.plane.leave()  # in case the server carries `joinRoom` out
            self._joining.plane.close(NotConnectedError("disconnect() was called before the session was connected"))
        elif self._rejoin is not None:
            self._rejoin.give_up(Reason.DISCONNECT)
        elif self._membership is not None:
            self._membership.leave()

    def stop_reconnecting(self) -> None:
        """Stop reconnecting during an outage; `sessionDisconnected` follows with reason `networkDisconnect`."""
        if self._rejoin is not None:
            self._rejoin.give_up(Reason.NETWORK_DISCONNECT)
        elif self._membership is not None:
            self._membership.plane.stop_reconnecting()

    def reconnect_now(self) -> None:
        """Start a reconnection attempt at once during an outage, instead of after the delay."""
        if self._membership is not None:
            self._membership.plane.reconnect_now()

    # --- streams -----------------------------------------------------------------------------------------------------

    async def publish(self, publisher: Publisher) -> None:
        """Publish a stream; `streamCreated` of the publisher fires. During an outage, wait for its end.

        Raises:
            NotConnectedError, PermissionDeniedError, RequestError, SessionLostError.
            OpenViduError: this session publishes a stream already.
        """
        member = self._member()
        if member.connection.role == "SUBSCRIBER":
            raise PermissionDeniedError("A participant with role SUBSCRIBER cannot publish")
        if member.publisher is not None:
            raise OpenViduError("This session publishes a stream already; unpublish it first")
        await member.publish(publisher)
        announce_published(publisher)

    async def unpublish(self, publisher: Publisher) -> None:
        """End the local stream: fire `streamDestroyed` of the publisher at once, then notify the others.

        Raises:
            NotConnectedError, RequestError, SessionLostError.
            OpenViduError: the publisher is not published in this session.
        """
        member = self._member()
        if member.publisher is not publisher:
            raise OpenViduError("This publisher is not published in this session")
        member.publisher = None
        publisher._ended(Reason.UNPUBLISH)
        await member.request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,))

    async def subscribe(
        self, stream: Stream, target: Any = None, properties: Mapping[str, Any] | None = None, **keywords: Any
    ) -> Subscriber:
        """Receive a remote stream.

        `target` is an element or the id of one, in which a `<video>` is created; without it use
        `Subscriber.add_video_element` or `create_video_element`.

        Raises:
            NotConnectedError, PropertiesError, RequestError, SessionLostError.
            OpenViduError: the stream is local or has ended.
        """
        member = self._member()
        wanted = configured(SubscriberProperties, properties, keywords)
        if stream.connection is None or stream.connection.is_local:
            raise OpenViduError("Only remote streams can be subscribed to")
        if stream.connection.stream is not stream:
            raise OpenViduError(
                f"Stream {stream.stream_id} has ended"
            )  # the server would send its owner's newest stream instead
        subscriber = Subscriber(self.openvidu._host, stream, wanted)
        try:
            if target is not None:
                subscriber.create_video_element(target, wanted.insert_mode)
            await member.subscribe(subscriber)
        except BaseException:
            subscriber._dispose()
            raise
        return subscriber

    async def unsubscribe(self, subscriber: Subscriber) -> None:
        """End a subscription and remove its videos."""
        member = self._member()
        connection = subscriber.stream.connection
        subscriber._dispose()
        if connection is not None and not connection.disposed:
            await member.request(UnsubscribeFromVideo(sender=connection.connection_id))

    # --- other participants ------------------------------------------------------------------------------------------

    async def signal(
        self,
        options: Mapping[str, Any] | None = None,
        *,
        data: str = "",
        to: Sequence[Connection] | None = None,
        type: str = "",  # noqa: A002  OpenVidu's name
    ) -> None:
        """Send `data` to the participants `to`, or to everybody, the sender too.

        During an outage, wait for its end; signals keep their order.

        Raises:
            RequestOutcomeUnknown: the network dropped before the server answered; it may have been sent or not.
            QueueFullError: during an outage 1000 signals wait already (`ReconnectionPolicy.queue_limit`).
        """
        member = self._member()
        if options is not None:
            data, to, type = options.get("data", data), options.get("to", to), options.get("type", type)  # noqa: A001
        kind = f"signal:{(type or 'signal').removeprefix('signal:')}"  # without a type openvidu-browser sends signal:signal
        message = SignalMessage([item.connection_id for item in to or ()], data or "", kind)
        await member.request(SendMessage(message.encode()), repeatable=False)

    async def force_disconnect(self, connection: Connection) -> None:
        """Evict a participant. Moderators only: `PermissionDeniedError` for other roles."""
        await self._moderator("force_disconnect").request(ForceDisconnect(connection.connection_id))

    async def force_unpublish(self, stream: Stream) -> None:
        """End a participant's stream. Moderators only: `PermissionDeniedError` for other roles."""
        await self._moderator("force_unpublish").request(ForceUnpublish(stream.stream_id))

    def enable_speaking_events(self) -> None:
        """Fire `publisherStartSpeaking` and `publisherStopSpeaking` from now on, for the local and all subscribed streams.

        `AdvancedConfiguration.publisher_speaking_events_options` has their numbers.
        """
        self._tells_speech = True
        if self._membership is not None:
            for manager in self._membership.managers:
                self._membership.watch_speech(manager)

    def disable_speaking_events(self) -> None:
        """Stop firing speaking events."""
        self._tells_speech = False
        for manager in self.stream_managers:
            manager.disable_speaking_events()

    # --- state -------------------------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection | None:
        """Return the local participant, after the end the last one; None before the first `connect`."""
        return self._last.connection if self._last is not None else None

    @property
    def capabilities(self) -> dict[str, bool]:
        """Return what the role allows: `forceDisconnect`, `forceUnpublish`, `publish`, `subscribe`."""
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
        """Return the other participants, by connection id."""
        return self._last.room.connections if self._last is not None else {}

    @property
    def stream_managers(self) -> list[StreamManager]:
        """Return the publisher, if it is published, and the subscribers."""
        return self._last.managers if self._last is not None else []

    @property
    def outages(self) -> Sequence[Outage]:
        """Return the outages of this session so far."""
        return self._last.plane.outages if self._last is not None else ()

    # --- called by memberships ---------------------------------------------------------------------------------------

    def _adopt(self, membership: Membership) -> None:
        self._membership = self._last = membership
        self._rejoin = None

    def _ended(self, membership: Membership) -> None:
        """Handle the end of a membership, before its last event is fired."""
        if self._membership is membership:
            self._membership = None
        self._rejoin = None

    def _lost(self, membership: Membership, reason: Reason, *, rejoin: bool) -> None:
        """End the session, unless it may `rejoin` and the application can supply a new token."""
        supply = self.openvidu.advanced_configuration.rejoin
        if supply is None or not rejoin:
            membership.end(reason)
            return
        self._membership = None
        self._rejoin = Rejoin(self, membership, supply, reason, self._data)

    async def _reconcile(self, membership: Membership) -> None:
        """Reconcile the room with the application's `roster`: the server does not replay missed notifications."""
        await reconcile_with(self.openvidu.advanced_configuration.roster, membership)

    def _member(self) -> Membership:
        if self._membership is None:
            raise NotConnectedError("There is no connected session: await session.connect(token) first")
        return self._membership

    def _moderator(self, call: str) -> Membership:
        member = self._member()
        if member.connection.role != "MODERATOR":
            raise PermissionDeniedError(
                f"{call} needs the role MODERATOR, this participant is {member.connection.role}"
            )
        return member
