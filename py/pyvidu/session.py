"""A session: joining, publishing, subscribing, signalling, leaving, and surviving network drops."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyvidu.configuration import AdvancedConfiguration, SubscriberProperties
from pyvidu.connection import Capabilities, Connection
from pyvidu.errors import (
    AlreadyPublishedError,
    LocalStreamError,
    PermissionDeniedError,
    PropertiesError,
    StreamEndedError,
)
from pyvidu.event_iterator import END
from pyvidu.event_types import SessionEvents
from pyvidu.events import ExceptionEvent, StreamEvent
from pyvidu.membership import Membership, Participation, SessionState
from pyvidu.platform import Host, pause
from pyvidu.platform.devices import Element
from pyvidu.properties import accepting, configured
from pyvidu.protocol import json_text
from pyvidu.protocol.jsonrpc import utf8_size
from pyvidu.protocol.messages import (
    LARGEST_METADATA,
    ForceDisconnect,
    ForceUnpublish,
    SendMessage,
    SignalMessage,
)
from pyvidu.publisher import Publisher
from pyvidu.reconnection.outage import Outage
from pyvidu.room_events import RoomEvents
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from pyvidu.subscriber import Subscriber


class Joining(Coroutine[Any, Any, None]):
    """Await it to join, or use it in `async with`: that joins, and leaves at the end of the block, however it ends."""

    def __init__(self, session: Session, work: Coroutine[Any, Any, None]) -> None:
        self._session = session
        self._work = work

    async def __aenter__(self) -> Session:
        await self._work
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._session.disconnect()

    # What makes it a coroutine, for `asyncio.create_task` and the like. The types are those of `Coroutine`.

    def __await__(self) -> Generator[Any, Any, None]:
        return self._work.__await__()

    def send(self, value: Any) -> Any:  # noqa: D102
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:  # noqa: D102
        return self._work.throw(*error)

    def close(self) -> None:  # noqa: D102
        self._work.close()


class Session(SessionEvents):
    """A session as one participant sees it. Made by `OpenVidu.init_session`.

    Events: `connectionCreated`, `connectionDestroyed`, `streamCreated`, `streamDestroyed`, `streamPropertyChanged`, `signal`,
    `signal:TYPE`, `sessionDisconnected`, `recordingStarted`, `recordingStopped`, `networkQualityLevelChanged`, `exception`;
    of the media plane `streamFrozen`, `streamRecovered`; of the reconnection `reconnecting`, `reconnectionAttempt`,
    `reconnected`, `rejoined`, `outageSettled`; if enabled `publisherStartSpeaking`, `publisherStopSpeaking`. Every
    `reconnecting` is followed by exactly one of `reconnected`, `rejoined` and `sessionDisconnected`.
    """

    def __init__(self, host: Host, configuration: Callable[[], AdvancedConfiguration]) -> None:
        super().__init__()
        self.room_events = RoomEvents(self, self._end_subscription)
        self.participation = Participation(host, configuration, self.room_events)
        self._host = host
        self._configuration = configuration
        self._tells_speech = False

    # --- joining and leaving -----------------------------------------------------------------------------------------

    def connect(self, token: str, metadata: object = None) -> Joining:
        """Join the session that `token` opens: await it, or use it in `async with` in order to leave at the end.

            async with session.connect(token, {"name": "Ada"}):
                await session.publish(publisher)

        `metadata` is what the others see as `connection.data`: a text, or anything that can be encoded as JSON. Add handlers
        before: `connectionCreated` and `streamCreated` of those who are there fire meanwhile. After its end a session may
        connect again, with a new token. At the end of the `async with` nothing is sent if the session is over already.

        Raises:
            InvalidTokenError: `token` is no connection URL.
            PropertiesError: `metadata` has a value that JSON lacks, such as NaN (the message says where), or more than 10,000
                bytes (as UTF-8).
            ConnectionFailedError: the server cannot be reached, or its answer is malformed; the cause is in the message.
            RequestError: the server refused, for example a token that was used before (code 401).
            NotConnectedError: `disconnect()` was called meanwhile.
            AlreadyConnectedError: the session is connected, or is being connected.
        """
        return Joining(self, self.participation.join(token, _metadata(metadata)))

    def disconnect(self) -> None:
        """Leave the session. Afterwards nothing is fired and nothing is sent.

        Before it returns, `streamDestroyed` of the publisher and then `sessionDisconnected` fire, with reason `disconnect`.
        """
        self.participation.leave()

    def stop_reconnecting(self) -> None:
        """Stop reconnecting during an outage; `sessionDisconnected` follows with reason `networkDisconnect`."""
        self.participation.stop_reconnecting()

    def reconnect_now(self) -> None:
        """Start a reconnection attempt at once during an outage, instead of after the delay."""
        self.participation.reconnect_now()

    # --- streams -----------------------------------------------------------------------------------------------------

    async def publish(self, publisher: Publisher) -> None:
        """Publish a stream; `streamCreated` of the publisher fires. During an outage, wait for its end.

        Raises:
            NotConnectedError, PermissionDeniedError, RequestError, SessionLostError.
            AlreadyPublishedError: this session publishes a stream, or another one publishes this stream.
            BrowserRefusedError: the browser refused the ICE servers, or the server's answer; the stream is unpublished again.
            StreamEndedError: the stream was unpublished or disposed of meanwhile.
        """
        member = self.participation.member
        if member.own.role == "SUBSCRIBER":
            raise PermissionDeniedError("A participant with role SUBSCRIBER cannot publish")
        if member.local_stream is not None:
            raise AlreadyPublishedError("This session publishes a stream already; unpublish it first")
        if publisher.stream.is_published:
            raise AlreadyPublishedError(
                "This publisher is published already, in another session; unpublish it there first"
            )
        self.room_events.connect_publisher(publisher)
        try:
            await member.publish(publisher.local_stream)
        except BaseException:
            publisher.stop_watching_speech()
            if self.connection is not None and self.connection.stream is publisher.stream:
                self.connection.stream = None
            raise
        self._watch_speech(publisher)
        publisher.emit_event(StreamEvent("streamCreated", publisher, publisher.stream))

    async def unpublish(self, publisher: Publisher) -> None:
        """End the local stream: fire `streamDestroyed` of the publisher at once, then notify the others.

        Raises:
            NotConnectedError, RequestError, SessionLostError.
            NotPublishedError: the publisher is not published in this session.
        """
        await self.participation.unpublish(publisher.local_stream)

    async def subscribe(
        self,
        stream: Stream,
        target: Element | str | None = None,
        properties: Mapping[str, object] | None = None,
        **keywords: object,
    ) -> Subscriber:
        """Receive a remote stream.

        `target` is an element or the id of one, in which a `<video>` is created; without it use
        `Subscriber.add_video_element` or `create_video_element`.

        Raises:
            NotConnectedError, RequestError, SessionLostError.
            PropertiesError: a property that does not exist or has another type, or no such `target`.
            LocalStreamError: the stream is this participant's own.
            BrowserRefusedError: the browser refused the ICE servers, or the server's offer or answer.
            StreamEndedError: the stream has ended, or ends meanwhile.
        """
        member = self.participation.member
        wanted = configured(SubscriberProperties, properties, keywords)
        if stream.connection is None or stream.connection.is_local:
            raise LocalStreamError(
                "Only streams of others can be subscribed to; Publisher.create_video_element shows an own one"
            )
        if stream.connection.stream is not stream:
            # The server would send its owner's newest stream instead.
            raise StreamEndedError(f"Stream {stream.stream_id} has ended")
        earlier = stream.stream_manager
        subscriber = Subscriber(self._host, stream, wanted)
        subscriber.session = self
        try:
            if target is not None:
                subscriber.create_video_element(target, wanted.insert_mode)
            await self.participation.subscribe(subscriber.remote_stream)
        except BaseException:
            self._end_subscription(subscriber)
            if isinstance(earlier, Subscriber) and self.participation.receives(earlier.remote_stream):
                stream.stream_manager = earlier  # it was not replaced yet
            raise
        finally:
            if isinstance(earlier, Subscriber) and not self.participation.receives(earlier.remote_stream):
                earlier.dispose()
        self._watch_speech(subscriber)
        member.in_background(self._expect_playing(subscriber))
        return subscriber

    async def unsubscribe(self, subscriber: Subscriber) -> None:
        """End a subscription and remove its videos."""
        member = self.participation.member
        received = self.participation.receives(subscriber.remote_stream)
        self._end_subscription(subscriber)
        if received:  # else the stream has ended, or another subscription has replaced this one
            await member.unsubscribe(subscriber.remote_stream.state.owner)

    # --- other participants ------------------------------------------------------------------------------------------

    async def signal(
        self,
        options: Mapping[str, Any] | None = None,  # each value of the type of its keyword
        *,
        data: str = "",
        to: Collection[Connection] | None = None,
        type: str = "",  # noqa: A002  OpenVidu's name
    ) -> None:
        """Send `data` to the participants `to`, or to everybody, the sender too. `options` is a mapping of the same.

        During an outage, wait for its end; signals keep their order.

        Raises:
            PropertiesError: an option that does not exist or has another type. Data is text: `json.dumps` makes some.
            RequestOutcomeUnknown: the network dropped before the server answered; it may have been sent or not.
            MessageTooLongError: the signal has more than 50 KiB as JSON.
            QueueFullError: during an outage 1000 signals wait already (`ReconnectionPolicy.queue_limit`).
        """
        member = self.participation.member
        keywords = {"data": data, "to": () if to is None else to, "type": type}
        usual = SignalOptions()
        given = {name: value for name, value in keywords.items() if value != getattr(usual, name)}
        wanted = configured(SignalOptions, options, given)
        kind = (wanted.type or "signal").removeprefix("signal:")  # without a type openvidu-browser sends signal:signal
        message = SignalMessage([item.connection_id for item in wanted.to], wanted.data, f"signal:{kind}")
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
        if self.participation.is_member:
            for manager in self.stream_managers:
                self._watch_speech(manager)

    def disable_speaking_events(self) -> None:
        """Stop firing speaking events."""
        self._tells_speech = False
        for manager in self.stream_managers:
            manager.disable_speaking_events()

    # --- state -------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """Return whether the session is new, connecting, connected, reconnecting or disconnected."""
        return self.participation.state

    @property
    def session_id(self) -> str:
        """Return the id of the session, an empty string before the first `connect`."""
        return self.room_events.session_id

    @property
    def connection(self) -> Connection | None:
        """Return the local participant, after the end the last one; None before the first `connect`."""
        return self.room_events.connection

    @property
    def remote_connections(self) -> Mapping[str, Connection]:
        """Return the other participants, by connection id."""
        return self.room_events.remote_connections

    @property
    def capabilities(self) -> Capabilities:
        """Return what the role of this participant allows."""
        return Capabilities.of(self.connection.role if self.connection is not None else "")

    @property
    def stream_managers(self) -> list[StreamManager]:
        """Return the publisher, if it is published, and the subscribers."""
        own, streams = self.room_events.publisher, self.room_events.remote_streams()
        is_published = own is not None and own.local_stream is self.participation.local_stream
        managers = [own if is_published else None, *(stream.stream_manager for stream in streams)]
        return [manager for manager in managers if manager is not None]

    @property
    def outages(self) -> Sequence[Outage]:
        """Return the outages of this session so far."""
        return self.participation.outages

    @property
    def _is_over(self) -> bool:
        return self.state is SessionState.DISCONNECTED

    async def settled(self, outage: Outage | None = None) -> bool:
        """Wait until the media of an outage, by default of the last one, is verified both ways; see `OutageSettledEvent`.

        Return True then, and if there was no outage; False when the next outage began or the session ended before. An outage
        that lasts is waited for; one that is not detected yet is not.
        """
        last = self.outages[-1:]
        outage = outage or (last[0] if last else None)
        if outage is None:
            return True
        events = self.events("outageSettled", "reconnecting", END)
        while (decision := self.participation.has_settled(outage)) is None:
            await anext(events)
        return decision

    # --- inside ------------------------------------------------------------------------------------------------------

    def _moderator(self, call: str) -> Membership:
        member = self.participation.member
        if member.own.role != "MODERATOR":
            raise PermissionDeniedError(f"{call} needs the role MODERATOR, this participant is {member.own.role}")
        return member

    def _watch_speech(self, manager: StreamManager) -> None:
        """Start the speaking events of one stream, if they are enabled for it or for the whole session."""
        manager.watch_speech()
        if self._tells_speech and not manager.watches_speech:
            options = self._configuration().publisher_speaking_events_options
            manager.enable_speaking_events(interval=options.interval, threshold=options.threshold)

    async def _expect_playing(self, subscriber: Subscriber) -> None:
        """Fire `NO_STREAM_PLAYING_EVENT`, as OpenVidu does, if the video of a new subscription does not begin to play."""
        media = subscriber.media
        seconds = self._configuration().no_stream_playing_event_exception_timeout
        await pause(self._host.clock, seconds)
        flows = media is not None and not media.is_closed and self.participation.is_up
        if subscriber.videos and not subscriber.is_playing and flows:
            message = f"Stream {subscriber.stream.stream_id} did not begin to play within {seconds:g} s"
            self.emit_event(ExceptionEvent("exception", self, "NO_STREAM_PLAYING_EVENT", subscriber, message))

    def _end_subscription(self, subscriber: Subscriber) -> None:
        subscriber.dispose()
        self.participation.stop_receiving(subscriber.remote_stream)


def _are_connections(value: object) -> bool:
    return isinstance(value, Collection) and all(isinstance(item, Connection) for item in value)


@dataclass(frozen=True, slots=True)
class SignalOptions:
    """What `Session.signal` sends, as what type, and to whom: nobody means everybody."""

    data: str = ""
    to: Collection[Connection] = accepting((), "a list of Connections", _are_connections)
    type: str = ""


def _metadata(data: object) -> str:
    """Return what an application passes to `connect` as `metadata`, as the text that the others receive.

    Raises:
        PropertiesError: JSON lacks a value, or it is longer than the server allows, so that no rejoin would succeed either.
    """
    if data is None or isinstance(data, str):
        text = data or ""
    else:
        try:
            text = json_text.encoded(data, "metadata")
        except ValueError as error:
            raise PropertiesError(f"connect cannot send this as JSON: {error}") from None
    if (size := utf8_size(text)) > LARGEST_METADATA:
        raise PropertiesError(f"The metadata of a connection has {LARGEST_METADATA} bytes at most, this has {size}")
    return text
