"""A session: joining, publishing, subscribing, signalling, leaving, and surviving network drops."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Generator, Mapping, Sequence
from typing import Any

from pyvidu.configuration import AdvancedConfiguration, SubscriberProperties
from pyvidu.connection import Capabilities, Connection
from pyvidu.errors import (
    AlreadyPublishedError,
    LocalStreamError,
    PermissionDeniedError,
    StreamEndedError,
)
from pyvidu.event_iterator import END
from pyvidu.event_types import SessionEvents
from pyvidu.events import ExceptionEvent, StreamEvent
from pyvidu.membership import Membership, Participation, SessionState
from pyvidu.outgoing import metadata_text, signal_request
from pyvidu.platform import Host, pause
from pyvidu.platform.devices import Element
from pyvidu.properties import configured
from pyvidu.protocol.messages import (
    ForceDisconnect,
    ForceUnpublish,
    SubscribeToSpeechToText,
    UnsubscribeFromSpeechToText,
)
from pyvidu.publisher import Publisher
from pyvidu.reconnection.outage import Outage
from pyvidu.room_events import RoomEvents
from pyvidu.stream import Stream
from pyvidu.stream_manager import StreamManager
from pyvidu.subscriber import Subscriber
from pyvidu.video_reports import VideoReports


class Joining(Coroutine[Any, Any, None]):
    """What `Session.connect` returns: await it to join, or use it in `async with`, which also leaves.

    `async with` gives the session, and calls `Session.disconnect` at the end of the block, however that ends. It can be
    passed to `asyncio.create_task`, as any coroutine.

    Example:
        async with session.connect(token, {"name": "Ada"}) as joined:
            await joined.publish(publisher)

    Source: pyvidu's own; openvidu-browser returns a promise.
    """

    def __init__(self, session: Session, work: Coroutine[Any, Any, None]) -> None:
        self._session = session
        self._work = work

    async def __aenter__(self) -> Session:
        await self._work
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._session.disconnect()

    # What makes it a coroutine, for `asyncio.create_task` and the like.

    def __await__(self) -> Generator[Any, Any, None]:
        return self._work.__await__()

    def send(self, value: Any) -> Any:  # the types of `Coroutine`
        """Not for applications: asyncio calls this."""
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:  # the types of `Coroutine`
        """Not for applications: asyncio calls this."""
        return self._work.throw(*error)

    def close(self) -> None:
        """Not for applications: asyncio calls this."""
        self._work.close()


class Session(SessionEvents):
    """A session as one participant sees it. Made by `OpenVidu.init_session`.

    Events: `connectionCreated`, `connectionDestroyed`, `connectionInterrupted`, `connectionRestored`,
    `connectionPropertyChanged`, `streamCreated`, `streamDestroyed`, `streamPropertyChanged`, `signal`, `signal:TYPE`,
    `sessionDisconnected`, `recordingStarted`, `recordingStopped`, `broadcastStarted`, `broadcastStopped`,
    `networkQualityLevelChanged`, `speechToTextMessage`, `exception`; of the media plane `streamFrozen`, `streamRecovered`; of
    the reconnection `reconnecting`, `reconnectionAttempt`, `reconnected`, `rejoined`, `outageSettled`; if enabled
    `publisherStartSpeaking`, `publisherStopSpeaking`. Every `reconnecting` is followed by exactly one of `reconnected`,
    `rejoined` and `sessionDisconnected`.

    A call that asks the server for something waits for the end of an outage. One that is cancelled leaves nothing behind.

    Source: openvidu-browser 2.32, `Session`; the events of the media plane, `reconnectionAttempt`, `rejoined` and
    `outageSettled` are pyvidu's, and so are `settled`, `state`, `outages`, `stop_reconnecting` and `reconnect_now`.
    """

    def __init__(self, host: Host, configuration: Callable[[], AdvancedConfiguration]) -> None:
        super().__init__()
        self.room_events = RoomEvents(self, self._end_subscription)
        self.participation = Participation(host, configuration, self.room_events)
        self._host = host
        self._configuration = configuration
        self._tells_speech = False
        self._video_reports = VideoReports(host, self.participation)

    # --- joining and leaving -----------------------------------------------------------------------------------------

    def connect(self, token: str, metadata: object = None) -> Joining:
        """Join the session that `token` opens: await it, or use it in `async with` in order to leave at the end.

        Add handlers before. After its end a session may connect again, with a new token. At the end of the `async with`
        nothing is sent if the session is over already.

        Args:
            token: what `POST /openvidu/api/sessions/SESSION/connection` answered to the backend: a `ws:` or `wss:` URL. It
                opens one connection, once.
            metadata: what the others see as `Connection.data`: a text, or anything that can be encoded as JSON; at most
                10,000 bytes as UTF-8.

        Raises:
            InvalidTokenError: `token` is no connection URL.
            PropertiesError: `metadata` has a value that JSON lacks, such as NaN (the message says where), or is too long.
            ConnectionFailedError: the server cannot be reached, or its answer is malformed; the cause is in the message.
            RequestError: the server refused, for example a token that was used before (code 401).
            RequestTimeoutError: the server did not answer within 10 s (`RequestPolicy.timeout`).
            NotConnectedError: `disconnect()` was called meanwhile.
            AlreadyConnectedError: the session is connected, or is being connected.

        Events:
            connectionCreated: for this participant, then for each that is there, before the call returns.
            streamCreated: for each stream that is there, before the call returns.

        Example:
            session.on("streamCreated", lambda event: session.subscribe(event.stream, "others"))
            await session.connect(token, {"name": "Ada"})

        Source: openvidu-browser, `Session.connect`; the limit of `metadata` is OpenVidu's server's.
        """
        return Joining(self, self.participation.join(token, metadata_text(metadata)))

    def disconnect(self) -> None:
        """Leave the session. Afterwards nothing is fired and nothing is sent. Without a session it does nothing.

        Pending calls raise `NotConnectedError`.

        Events:
            streamDestroyed: of the publisher, if it publishes, before the call returns.
            sessionDisconnected: with reason `disconnect`, before the call returns.

        Source: openvidu-browser, `Session.disconnect`. There events may follow when the network is down (measured), here none
        does.
        """
        self.participation.leave()

    def stop_reconnecting(self) -> None:
        """End an outage, and the session with it, also if `rejoin` is configured. Without an outage it does nothing.

        Events:
            sessionDisconnected: with reason `networkDisconnect`, before the call returns.

        Example:
            session.on("reconnecting", lambda: print("Trying to reconnect: press Esc to stop"))
            session.stop_reconnecting()
        """
        self.participation.stop_reconnecting()

    def reconnect_now(self) -> None:
        """Start a reconnection attempt at once during an outage, instead of after the delay. Without an outage it does
        nothing.

        Events:
            reconnectionAttempt: if an attempt begins.
        """
        self.participation.reconnect_now()

    # --- streams -----------------------------------------------------------------------------------------------------

    async def publish(self, publisher: Publisher) -> None:
        """Publish a stream. During an outage, wait for its end.

        One that was unpublished or disposed of opens its devices anew before.

        Args:
            publisher: made by `OpenVidu.init_publisher`, and not published in any session.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            PermissionDeniedError: the role of this participant is SUBSCRIBER.
            RequestError: the server refused.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.
            AlreadyPublishedError: this session publishes a stream, or another one publishes this stream.
            BrowserRefusedError: the browser refused the ICE servers, or the server's answer; the stream is unpublished again.
            StreamEndedError: the stream was unpublished or disposed of meanwhile.
            DeviceError: its devices could not be opened anew.
            CallbackError: they were, and the function of its filter, one of the page's, raised.
            FilterError: likewise, and it returned no track of video.

        Events:
            streamCreated: of the publisher here, and of the sessions of the others.

        Example:
            publisher = await openvidu.init_publisher("me", resolution="640x480")
            await session.publish(publisher)

        Source: openvidu-browser, `Session.publish`. One stream a session is the rule of OpenVidu's server.
        """
        self._publishing_member(publisher)
        self.room_events.connect_publisher(publisher)
        try:
            if publisher.is_disposed:
                await publisher.reopen()
            async with publisher.stream.filtering.turn:
                member = self._publishing_member(publisher)
                await member.publish(publisher.local_stream)
        except BaseException:
            publisher.stop_watching_speech()
            self.room_events.disconnect_publisher(publisher)
            raise
        self._watch_speech(publisher)
        publisher.video_reports = self._video_reports
        self._video_reports.published(publisher.stream)
        publisher.emit_event(StreamEvent("streamCreated", publisher, publisher.stream))

    async def unpublish(self, publisher: Publisher) -> None:
        """End the local stream, at once here, then for the others.

        Args:
            publisher: the one that this session publishes.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            NotPublishedError: the publisher is not published in this session.
            RequestError: the server refused.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            streamDestroyed: of the publisher before the others are notified, with reason `unpublish`; then of their sessions.

        Source: openvidu-browser, `Session.unpublish`.
        """
        await self.participation.unpublish(publisher.local_stream)

    async def subscribe(
        self,
        stream: Stream,
        target: Element | str | None = None,
        properties: Mapping[str, object] | None = None,
        **keywords: object,
    ) -> Subscriber:
        """Receive a remote stream, and return when it is negotiated. During an outage, wait for its end.

        A second subscription to the same stream replaces the first. Without `target`, show it with
        `Subscriber.create_video_element` or `add_video_element`.

        Args:
            stream: of another participant, from `streamCreated`.
            target: an element, or the id of one, at which a `<video>` is created; None shows it nowhere.
            properties: a mapping with OpenVidu's names of `SubscriberProperties`.
            **keywords: fields of `SubscriberProperties`, which take precedence.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            PropertiesError: a property that does not exist or has another type, or no such `target`.
            LocalStreamError: the stream is this participant's own.
            BrowserRefusedError: the browser refused the ICE servers, or the server's offer or answer.
            StreamEndedError: the stream has ended, or ends meanwhile (`MediaClosedError`).
            RequestError: the server refused.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            videoElementCreated: of the subscriber, if there is a `target`.
            streamPlaying: of the subscriber, when its first video plays; without it within 4 s, `exception` of the session.

        Example:
            @session.on("streamCreated")
            async def show(event):
                subscriber = await session.subscribe(event.stream, "others", subscribe_to_audio=False)
                subscriber.on("streamPlaying", lambda: print("It moves"))

        Source: openvidu-browser, `Session.subscribe`; the 4 s are its `noStreamPlayingEventExceptionTimeout`.
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
        subscriber = Subscriber(self._host, stream, wanted, self._configuration)
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
        """End a subscription and remove its videos; then notify the server.

        Args:
            subscriber: made by `subscribe`.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            RequestError: the server refused.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            videoElementDestroyed: of the subscriber, for each of its videos.

        Source: openvidu-browser, `Session.unsubscribe`.
        """
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
        """Send a text to other participants. During an outage, wait for its end; signals keep their order.

        Args:
            options: a mapping of the same names.
            data: the text; `json.dumps` makes one of anything else.
            to: connections of this session; None and an empty list mean everybody, the sender too.
            type: what receivers listen to, as `signal:TYPE`; with or without that prefix.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            PropertiesError: an option that does not exist or has another type.
            RequestError: the server refused.
            RequestTimeoutError: the server did not answer in time.
            RequestOutcomeUnknown: the network dropped before the server answered; it may have been sent or not.
            MessageTooLongError: the signal has more than 50 KiB as JSON.
            QueueFullError: during an outage 1000 signals wait already (`RequestPolicy.queue_limit`).
            SessionLostError: the session ended meanwhile.

        Events:
            signal: of the receivers' sessions.
            signal:TYPE: of the same sessions, with the same event, after it.

        Example:
            session.on("signal:chat", lambda event: print(event.data))
            await session.signal(data="Hello", type="chat")

        Source: openvidu-browser, `Session.signal`; 50 KiB is where OpenVidu's server cuts messages (its
        `application.properties`).
        """
        member = self.participation.member
        keywords = {"data": data, "to": () if to is None else to, "type": type}
        await member.request(signal_request(options, keywords), repeatable=False)

    async def subscribe_to_speech_to_text(self, stream: Stream, lang: str) -> None:
        """Ask for what is said in a stream, as text. OpenVidu Pro only.

        Args:
            stream: published in this session, by anybody.
            lang: the language that is spoken, as a BCP 47 tag such as `en-US`; the server knows which it has.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            StreamEndedError: nobody publishes the stream any more.
            RequestError: the server refused: it has no such service, or not this language.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            speechToTextMessage: for what is said.
            exception: `SPEECH_TO_TEXT_DISCONNECTED` if the service ends; then subscribe again.

        Example: not run, it needs OpenVidu Pro
            session.on("speechToTextMessage", lambda event: print(event.connection.data, event.text))
            await session.subscribe_to_speech_to_text(subscriber.stream, "en-US")

        Source: openvidu-browser, `Session.subscribeToSpeechToText`.
        """
        request = SubscribeToSpeechToText(_publisher_of(stream), lang)
        await self.participation.member.request(request)

    async def unsubscribe_from_speech_to_text(self, stream: Stream) -> None:
        """End what `subscribe_to_speech_to_text` has begun.

        Args:
            stream: the one that was passed there.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            StreamEndedError: nobody publishes the stream any more.
            RequestError: the server refused.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Source: openvidu-browser, `Session.unsubscribeFromSpeechToText`.
        """
        await self.participation.member.request(UnsubscribeFromSpeechToText(_publisher_of(stream)))

    async def force_disconnect(self, connection: Connection) -> None:
        """Evict a participant. Moderators only.

        Args:
            connection: of another participant.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            PermissionDeniedError: the role of this participant is not MODERATOR.
            RequestError: the server refused: there is no such participant any more.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            connectionDestroyed: of everybody else's session, with reason `forceDisconnectByUser`.
            sessionDisconnected: of the evicted one's session, with the same reason.

        Source: openvidu-browser, `Session.forceDisconnect`.
        """
        await self._moderator("force_disconnect").request(ForceDisconnect(connection.connection_id))

    async def force_unpublish(self, stream: Stream) -> None:
        """End the stream of another participant. Moderators only.

        Args:
            stream: what it publishes.

        Raises:
            NotConnectedError: the session is not connected, or was left meanwhile.
            PermissionDeniedError: the role of this participant is not MODERATOR.
            RequestError: the server refused: there is no such stream any more.
            RequestTimeoutError: the server did not answer in time.
            QueueFullError: during an outage 1000 requests of this kind wait already.
            SessionLostError: the session ended meanwhile.

        Events:
            streamDestroyed: of the publisher, and of the sessions of the others, with reason `forceUnpublishByUser`.

        Source: openvidu-browser, `Session.forceUnpublish`.
        """
        await self._moderator("force_unpublish").request(ForceUnpublish(stream.stream_id))

    def enable_speaking_events(self) -> None:
        """Detect speech from now on in the local and in all subscribed streams.

        `AdvancedConfiguration.publisher_speaking_events_options` has the numbers.

        Events:
            publisherStartSpeaking: of the session and the stream's manager, when somebody begins to speak.
            publisherStopSpeaking: of both, when they have stopped.

        Source: OpenVidu's speech detection, which is that of the hark library.
        """
        self._tells_speech = True
        if self.participation.is_member:
            for manager in self.stream_managers:
                self._watch_speech(manager)

    def disable_speaking_events(self) -> None:
        """Stop firing speaking events, of the session and of all its streams."""
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
        """Return the last hundred outages of this session, the current one last; a new `connect` begins with none."""
        return self.participation.outages

    @property
    def _is_over(self) -> bool:
        return self.state is SessionState.DISCONNECTED

    async def settled(self, outage: Outage | None = None) -> bool:
        """Wait until the media of an outage is verified, both ways: every stream flows, is paused, or is given up.

        Return True then, and if there was no outage; False when the next outage began or the session ended before. An outage
        that lasts is waited for; one that is not detected yet is not.

        Args:
            outage: one of `outages`; None means the last.

        Example:
            @session.on("reconnected")
            async def say(event):
                print("You are back" if await session.settled(event.outage) else "And gone again")
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

    def _publishing_member(self, publisher: Publisher) -> Membership:
        member = self.participation.member
        if member.own.role == "SUBSCRIBER":
            raise PermissionDeniedError("A participant with role SUBSCRIBER cannot publish")
        if member.local_stream is not None:
            raise AlreadyPublishedError("This session publishes a stream already; unpublish it first")
        if publisher.stream.is_published:
            raise AlreadyPublishedError(
                "This publisher is published already, in another session; unpublish it there first"
            )
        return member

    def _moderator(self, call: str) -> Membership:
        member = self.participation.member
        if member.own.role != "MODERATOR":
            raise PermissionDeniedError(f"{call} needs the role MODERATOR, this participant is {member.own.role}")
        return member

    def leave_speech_to_streams(self) -> None:
        """Not for applications: enable speaking events in no further stream; those that have them keep them."""
        self._tells_speech = False

    def _watch_speech(self, manager: StreamManager) -> None:
        """Start the speaking events of one stream, if they are enabled for it or for the whole session."""
        manager.watch_speech()
        if self._tells_speech and not manager.watches_speech:
            manager.enable_speaking_events()

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


def _publisher_of(stream: Stream) -> str:
    """Return the id of the connection that publishes `stream`. Raises StreamEndedError: none does."""
    if stream.connection is None:
        raise StreamEndedError("Nobody publishes this stream")
    return stream.connection.connection_id
