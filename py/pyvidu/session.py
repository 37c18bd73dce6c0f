"""A session: joining, publishing, subscribing, signalling, leaving, and staying through network drops."""

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
        """Joins the session that `token` opens. `data` is what the others see as `connection.data`: a text, or anything
        that becomes JSON.

        Raises:
            InvalidTokenError: `token` is no connection URL.
            ConnectionFailedError: the server cannot be reached; the cause is in the sentence.
            RequestError: the server refused, for example a token that was used before (code 401).
            NotConnectedError: `disconnect()` was called meanwhile.
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
        """Leaves the session: `streamDestroyed` of an own publisher, then `sessionDisconnected`, both with reason
        `disconnect`, before this returns. Afterwards nothing is fired and nothing is sent.
        """
        if self._joining is not None:
            self._joining.plane.close(NotConnectedError("disconnect() was called before the session was connected"))
        elif self._rejoin is not None:
            self._rejoin.give_up(Reason.DISCONNECT)
        elif self._membership is not None:
            self._membership.leave()

    def stop_reconnecting(self) -> None:
        """During an outage: gives up. `sessionDisconnected` follows with reason `networkDisconnect`."""
        if self._rejoin is not None:
            self._rejoin.give_up(Reason.NETWORK_DISCONNECT)
        elif self._membership is not None:
            self._membership.plane.stop_reconnecting()

    def reconnect_now(self) -> None:
        """During an outage: tries at once, for an application that knows better."""
        if self._membership is not None:
            self._membership.plane.reconnect_now()

    # --- streams -----------------------------------------------------------------------------------------------------

    async def publish(self, publisher: Publisher) -> None:
        """Publishes; `streamCreated` of the publisher fires. During an outage it waits for the return.

        Raises:
            NotConnectedError, PermissionDeniedError, RequestError, SessionLostError.
        """
        member = self._member()
        if member.connection.role == "SUBSCRIBER":
            raise PermissionDeniedError("A participant with role SUBSCRIBER cannot publish")
        if member.publisher is not None:
            raise OpenViduError("This session publishes a stream already; unpublish it first")
        await member.publish(publisher)
        announce_published(publisher)

    async def unpublish(self, publisher: Publisher) -> None:
        """Ends one's own stream: `streamDestroyed` of the publisher fires at once, the others are told then."""
        member = self._member()
        if member.publisher is not publisher:
            raise OpenViduError("This publisher is not published in this session")
        member.publisher = None
        publisher._ended(Reason.UNPUBLISH)
        await member.request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,))

    async def subscribe(
        self, stream: Stream, target: Any = None, properties: Mapping[str, Any] | None = None, **keywords: Any
    ) -> Subscriber:
        """Receives a remote stream. `target` is an element or the id of one, in which a `<video>` is created; without it
        use `Subscriber.add_video_element` or `create_video_element`.

        Raises:
            NotConnectedError, RequestError, SessionLostError.
        """
        member = self._member()
        wanted = configured(SubscriberProperties, properties, keywords)
        if stream.connection is None or stream.connection.is_local:
            raise OpenViduError("Only remote streams can be subscribed to")
        if stream.connection.stream is not stream:
            raise OpenViduError(
                f"Stream {stream.stream_id} has ended"
            )  # the server would send its owner's newest instead
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
        """Ends a subscription and removes its videos."""
        member = self._member()
        connection = subscriber.stream.connection
        subscriber._dispose()
        if connection is not None and not connection.disposed:
            await member.request(UnsubscribeFromVideo(sender=connection.connection_id))

    # --- the others --------------------------------------------------------------------------------------------------

    async def signal(
        self,
        options: Mapping[str, Any] | None = None,
        *,
        data: str = "",
        to: Sequence[Connection] | None = None,
        type: str = "",  # noqa: A002  OpenVidu's name
    ) -> None:
        """Sends `data` to the participants `to`, or to everybody, oneself too. During an outage it waits for the return;
        signals keep their order.

        Raises:
            RequestOutcomeUnknown: the network dropped before the server answered; it may have been sent or not.
            QueueFullError: during an outage 1000 signals wait already (`ReconnectionPolicy.queue_limit`).
        """
        member = self._member()
        if options is not None:
            data, to, type = options.get("data", data), options.get("to", to), options.get("type", type)  # noqa: A001
        kind = (
            f"signal:{(type or 'signal').removeprefix('signal:')}"  # without a type openvidu-browser says signal:signal
        )
        message = SignalMessage([item.connection_id for item in to or ()], data or "", kind)
        await member.request(SendMessage(message.encode()), repeatable=False)

    async def force_disconnect(self, connection: Connection) -> None:
        """Moderators: evicts a participant."""
        await self._moderator("force_disconnect").request(ForceDisconnect(connection.connection_id))

    async def force_unpublish(self, stream: Stream) -> None:
        """Moderators: ends a participant's stream."""
        await self._moderator("force_unpublish").request(ForceUnpublish(stream.stream_id))

    def enable_speaking_events(self) -> None:
        """From now on `publisherStartSpeaking` and `publisherStopSpeaking` tell who speaks, oneself too, as far as streams
        are subscribed to. `AdvancedConfiguration.publisher_speaking_events_options` has their numbers.
        """
        self._tells_speech = True
        if self._membership is not None:
            for manager in self._membership.managers:
                self._membership.watch_speech(manager)

    def disable_speaking_events(self) -> None:
        """They are fired no more."""
        self._tells_speech = False
        for manager in self.stream_managers:
            manager.disable_speaking_events()

    # --- what is there -----------------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection | None:
        """Oneself; None before the first `connect`. After the end it is who one was."""
        return self._last.connection if self._last is not None else None

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
        return self._last.room.connections if self._last is not None else {}

    @property
    def stream_managers(self) -> list[StreamManager]:
        """Our publisher, if it is published, and our subscribers."""
        return self._last.managers if self._last is not None else []

    @property
    def outages(self) -> Sequence[Outage]:
        """The outages of this session so far."""
        return self._last.plane.outages if self._last is not None else ()

    # --- what memberships tell ---------------------------------------------------------------------------------------

    def _adopt(self, membership: Membership) -> None:
        self._membership = self._last = membership
        self._rejoin = None

    def _ended(self, membership: Membership) -> None:
        """A membership has ended; its last event follows."""
        if self._membership is membership:
            self._membership = None
        self._rejoin = None

    def _lost(self, membership: Membership, reason: Reason, *, rejoin: bool) -> None:
        """The session ends, unless it may `rejoin` and the application can supply a new token."""
        supply = self.openvidu.advanced_configuration.rejoin
        if supply is None or not rejoin:
            membership.end(reason)
            return
        self._membership = None
        self._rejoin = Rejoin(self, membership, supply, reason, self._data)

    async def _reconcile(self, membership: Membership) -> None:
        """The server does not tell what was missed: the application's backend may know."""
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
