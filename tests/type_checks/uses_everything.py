"""A program that uses every event and every form of `on`, `once` and `off`. Type checkers accept it; it is never run."""

# pyright: strict

from __future__ import annotations

from asyncio import create_task
from collections.abc import Callable
from typing import TypeVar, assert_type

from pyvidu import (
    Connection,
    ConnectionEvent,
    ConnectionPropertyChangedEvent,
    Event,
    EventIterator,
    ExceptionEvent,
    Filter,
    FilterEvent,
    NetworkQualityLevelChangedEvent,
    OpenVidu,
    Outage,
    OutageSettledEvent,
    Publisher,
    PublisherSpeakingEvent,
    ReconnectedEvent,
    ReconnectingEvent,
    ReconnectionAttemptEvent,
    RecordingEvent,
    RejoinedEvent,
    Session,
    SessionDisconnectedEvent,
    SessionState,
    SignalEvent,
    Stream,
    StreamEvent,
    StreamHealthEvent,
    StreamManager,
    StreamManagerEvent,
    StreamPropertyChangedEvent,
    Subscriber,
    VideoElementEvent,
)

E = TypeVar("E", bound=Event)


def takes(cls: type[E]) -> Callable[[E], None]:
    """Return a handler of such an event. It is accepted only where the event is one, not where it is just an `Event`."""
    raise NotImplementedError


def on_of_a_session(session: Session) -> None:
    session.on("connectionCreated", takes(ConnectionEvent))
    session.on("connectionDestroyed", takes(ConnectionEvent))
    session.on("connectionPropertyChanged", takes(ConnectionPropertyChangedEvent))
    session.on("exception", takes(ExceptionEvent))
    session.on("networkQualityLevelChanged", takes(NetworkQualityLevelChangedEvent))
    session.on("outageSettled", takes(OutageSettledEvent))
    session.on("publisherStartSpeaking", takes(PublisherSpeakingEvent))
    session.on("publisherStopSpeaking", takes(PublisherSpeakingEvent))
    session.on("reconnected", takes(ReconnectedEvent))
    session.on("reconnecting", takes(ReconnectingEvent))
    session.on("reconnectionAttempt", takes(ReconnectionAttemptEvent))
    session.on("recordingStarted", takes(RecordingEvent))
    session.on("recordingStopped", takes(RecordingEvent))
    session.on("rejoined", takes(RejoinedEvent))
    session.on("sessionDisconnected", takes(SessionDisconnectedEvent))
    session.on("signal", takes(SignalEvent))
    session.on("signal:chat", takes(SignalEvent))
    session.on("streamCreated", takes(StreamEvent))
    session.on("streamDestroyed", takes(StreamEvent))
    session.on("streamFrozen", takes(StreamHealthEvent))
    session.on("streamPropertyChanged", takes(StreamPropertyChangedEvent))
    session.on("streamRecovered", takes(StreamHealthEvent))
    session.on("streamVideoPaused", takes(StreamEvent))
    session.on("streamVideoResumed", takes(StreamEvent))


def on_of_a_session_as_a_decorator(session: Session) -> None:
    session.on("connectionCreated")(takes(ConnectionEvent))
    session.on("connectionDestroyed")(takes(ConnectionEvent))
    session.on("connectionPropertyChanged")(takes(ConnectionPropertyChangedEvent))
    session.on("exception")(takes(ExceptionEvent))
    session.on("networkQualityLevelChanged")(takes(NetworkQualityLevelChangedEvent))
    session.on("outageSettled")(takes(OutageSettledEvent))
    session.on("publisherStartSpeaking")(takes(PublisherSpeakingEvent))
    session.on("publisherStopSpeaking")(takes(PublisherSpeakingEvent))
    session.on("reconnected")(takes(ReconnectedEvent))
    session.on("reconnecting")(takes(ReconnectingEvent))
    session.on("reconnectionAttempt")(takes(ReconnectionAttemptEvent))
    session.on("recordingStarted")(takes(RecordingEvent))
    session.on("recordingStopped")(takes(RecordingEvent))
    session.on("rejoined")(takes(RejoinedEvent))
    session.on("sessionDisconnected")(takes(SessionDisconnectedEvent))
    session.on("signal")(takes(SignalEvent))
    session.on("signal:chat")(takes(SignalEvent))
    session.on("streamCreated")(takes(StreamEvent))
    session.on("streamDestroyed")(takes(StreamEvent))
    session.on("streamFrozen")(takes(StreamHealthEvent))
    session.on("streamPropertyChanged")(takes(StreamPropertyChangedEvent))
    session.on("streamRecovered")(takes(StreamHealthEvent))
    session.on("streamVideoPaused")(takes(StreamEvent))
    session.on("streamVideoResumed")(takes(StreamEvent))


def on_of_a_publisher(publisher: Publisher) -> None:
    publisher.on("publisherStartSpeaking", takes(PublisherSpeakingEvent))
    publisher.on("publisherStopSpeaking", takes(PublisherSpeakingEvent))
    publisher.on("streamAudioVolumeChange", takes(StreamManagerEvent))
    publisher.on("streamFrozen", takes(StreamHealthEvent))
    publisher.on("streamPlaying", takes(StreamManagerEvent))
    publisher.on("streamPropertyChanged", takes(StreamPropertyChangedEvent))
    publisher.on("streamRecovered", takes(StreamHealthEvent))
    publisher.on("streamVideoPaused", takes(StreamEvent))
    publisher.on("streamVideoResumed", takes(StreamEvent))
    publisher.on("videoElementCreated", takes(VideoElementEvent))
    publisher.on("videoElementDestroyed", takes(VideoElementEvent))
    publisher.on("screenShareEnded", takes(StreamManagerEvent))
    publisher.on("streamCreated", takes(StreamEvent))
    publisher.on("streamDestroyed", takes(StreamEvent))


def on_of_a_publisher_as_a_decorator(publisher: Publisher) -> None:
    publisher.on("publisherStartSpeaking")(takes(PublisherSpeakingEvent))
    publisher.on("publisherStopSpeaking")(takes(PublisherSpeakingEvent))
    publisher.on("streamAudioVolumeChange")(takes(StreamManagerEvent))
    publisher.on("streamFrozen")(takes(StreamHealthEvent))
    publisher.on("streamPlaying")(takes(StreamManagerEvent))
    publisher.on("streamPropertyChanged")(takes(StreamPropertyChangedEvent))
    publisher.on("streamRecovered")(takes(StreamHealthEvent))
    publisher.on("streamVideoPaused")(takes(StreamEvent))
    publisher.on("streamVideoResumed")(takes(StreamEvent))
    publisher.on("videoElementCreated")(takes(VideoElementEvent))
    publisher.on("videoElementDestroyed")(takes(VideoElementEvent))
    publisher.on("screenShareEnded")(takes(StreamManagerEvent))
    publisher.on("streamCreated")(takes(StreamEvent))
    publisher.on("streamDestroyed")(takes(StreamEvent))


def on_of_a_subscriber(subscriber: Subscriber) -> None:
    subscriber.on("publisherStartSpeaking", takes(PublisherSpeakingEvent))
    subscriber.on("publisherStopSpeaking", takes(PublisherSpeakingEvent))
    subscriber.on("streamAudioVolumeChange", takes(StreamManagerEvent))
    subscriber.on("streamFrozen", takes(StreamHealthEvent))
    subscriber.on("streamPlaying", takes(StreamManagerEvent))
    subscriber.on("streamPropertyChanged", takes(StreamPropertyChangedEvent))
    subscriber.on("streamRecovered", takes(StreamHealthEvent))
    subscriber.on("streamVideoPaused", takes(StreamEvent))
    subscriber.on("streamVideoResumed", takes(StreamEvent))
    subscriber.on("videoElementCreated", takes(VideoElementEvent))
    subscriber.on("videoElementDestroyed", takes(VideoElementEvent))


def on_of_a_subscriber_as_a_decorator(subscriber: Subscriber) -> None:
    subscriber.on("publisherStartSpeaking")(takes(PublisherSpeakingEvent))
    subscriber.on("publisherStopSpeaking")(takes(PublisherSpeakingEvent))
    subscriber.on("streamAudioVolumeChange")(takes(StreamManagerEvent))
    subscriber.on("streamFrozen")(takes(StreamHealthEvent))
    subscriber.on("streamPlaying")(takes(StreamManagerEvent))
    subscriber.on("streamPropertyChanged")(takes(StreamPropertyChangedEvent))
    subscriber.on("streamRecovered")(takes(StreamHealthEvent))
    subscriber.on("streamVideoPaused")(takes(StreamEvent))
    subscriber.on("streamVideoResumed")(takes(StreamEvent))
    subscriber.on("videoElementCreated")(takes(VideoElementEvent))
    subscriber.on("videoElementDestroyed")(takes(VideoElementEvent))


def on_of_a_stream_manager(manager: StreamManager) -> None:
    manager.on("publisherStartSpeaking", takes(PublisherSpeakingEvent))
    manager.on("publisherStopSpeaking", takes(PublisherSpeakingEvent))
    manager.on("streamAudioVolumeChange", takes(StreamManagerEvent))
    manager.on("streamFrozen", takes(StreamHealthEvent))
    manager.on("streamPlaying", takes(StreamManagerEvent))
    manager.on("streamPropertyChanged", takes(StreamPropertyChangedEvent))
    manager.on("streamRecovered", takes(StreamHealthEvent))
    manager.on("streamVideoPaused", takes(StreamEvent))
    manager.on("streamVideoResumed", takes(StreamEvent))
    manager.on("videoElementCreated", takes(VideoElementEvent))
    manager.on("videoElementDestroyed", takes(VideoElementEvent))


def once_of_a_session(session: Session) -> None:
    session.once("connectionCreated", takes(ConnectionEvent))
    session.once("connectionDestroyed", takes(ConnectionEvent))
    session.once("connectionPropertyChanged", takes(ConnectionPropertyChangedEvent))
    session.once("exception", takes(ExceptionEvent))
    session.once("networkQualityLevelChanged", takes(NetworkQualityLevelChangedEvent))
    session.once("outageSettled", takes(OutageSettledEvent))
    session.once("publisherStartSpeaking", takes(PublisherSpeakingEvent))
    session.once("publisherStopSpeaking", takes(PublisherSpeakingEvent))
    session.once("reconnected", takes(ReconnectedEvent))
    session.once("reconnecting", takes(ReconnectingEvent))
    session.once("reconnectionAttempt", takes(ReconnectionAttemptEvent))
    session.once("recordingStarted", takes(RecordingEvent))
    session.once("recordingStopped", takes(RecordingEvent))
    session.once("rejoined", takes(RejoinedEvent))
    session.once("sessionDisconnected", takes(SessionDisconnectedEvent))
    session.once("signal", takes(SignalEvent))
    session.once("signal:chat", takes(SignalEvent))
    session.once("streamCreated", takes(StreamEvent))
    session.once("streamDestroyed", takes(StreamEvent))
    session.once("streamFrozen", takes(StreamHealthEvent))
    session.once("streamPropertyChanged", takes(StreamPropertyChangedEvent))
    session.once("streamRecovered", takes(StreamHealthEvent))
    session.once("streamVideoPaused", takes(StreamEvent))
    session.once("streamVideoResumed", takes(StreamEvent))


def once_of_a_session_as_a_decorator(session: Session) -> None:
    session.once("connectionCreated")(takes(ConnectionEvent))
    session.once("connectionDestroyed")(takes(ConnectionEvent))
    session.once("connectionPropertyChanged")(takes(ConnectionPropertyChangedEvent))
    session.once("exception")(takes(ExceptionEvent))
    session.once("networkQualityLevelChanged")(takes(NetworkQualityLevelChangedEvent))
    session.once("outageSettled")(takes(OutageSettledEvent))
    session.once("publisherStartSpeaking")(takes(PublisherSpeakingEvent))
    session.once("publisherStopSpeaking")(takes(PublisherSpeakingEvent))
    session.once("reconnected")(takes(ReconnectedEvent))
    session.once("reconnecting")(takes(ReconnectingEvent))
    session.once("reconnectionAttempt")(takes(ReconnectionAttemptEvent))
    session.once("recordingStarted")(takes(RecordingEvent))
    session.once("recordingStopped")(takes(RecordingEvent))
    session.once("rejoined")(takes(RejoinedEvent))
    session.once("sessionDisconnected")(takes(SessionDisconnectedEvent))
    session.once("signal")(takes(SignalEvent))
    session.once("signal:chat")(takes(SignalEvent))
    session.once("streamCreated")(takes(StreamEvent))
    session.once("streamDestroyed")(takes(StreamEvent))
    session.once("streamFrozen")(takes(StreamHealthEvent))
    session.once("streamPropertyChanged")(takes(StreamPropertyChangedEvent))
    session.once("streamRecovered")(takes(StreamHealthEvent))
    session.once("streamVideoPaused")(takes(StreamEvent))
    session.once("streamVideoResumed")(takes(StreamEvent))


def once_of_a_publisher(publisher: Publisher) -> None:
    publisher.once("publisherStartSpeaking", takes(PublisherSpeakingEvent))
    publisher.once("publisherStopSpeaking", takes(PublisherSpeakingEvent))
    publisher.once("streamAudioVolumeChange", takes(StreamManagerEvent))
    publisher.once("streamFrozen", takes(StreamHealthEvent))
    publisher.once("streamPlaying", takes(StreamManagerEvent))
    publisher.once("streamPropertyChanged", takes(StreamPropertyChangedEvent))
    publisher.once("streamRecovered", takes(StreamHealthEvent))
    publisher.once("streamVideoPaused", takes(StreamEvent))
    publisher.once("streamVideoResumed", takes(StreamEvent))
    publisher.once("videoElementCreated", takes(VideoElementEvent))
    publisher.once("videoElementDestroyed", takes(VideoElementEvent))
    publisher.once("screenShareEnded", takes(StreamManagerEvent))
    publisher.once("streamCreated", takes(StreamEvent))
    publisher.once("streamDestroyed", takes(StreamEvent))


def once_of_a_publisher_as_a_decorator(publisher: Publisher) -> None:
    publisher.once("publisherStartSpeaking")(takes(PublisherSpeakingEvent))
    publisher.once("publisherStopSpeaking")(takes(PublisherSpeakingEvent))
    publisher.once("streamAudioVolumeChange")(takes(StreamManagerEvent))
    publisher.once("streamFrozen")(takes(StreamHealthEvent))
    publisher.once("streamPlaying")(takes(StreamManagerEvent))
    publisher.once("streamPropertyChanged")(takes(StreamPropertyChangedEvent))
    publisher.once("streamRecovered")(takes(StreamHealthEvent))
    publisher.once("streamVideoPaused")(takes(StreamEvent))
    publisher.once("streamVideoResumed")(takes(StreamEvent))
    publisher.once("videoElementCreated")(takes(VideoElementEvent))
    publisher.once("videoElementDestroyed")(takes(VideoElementEvent))
    publisher.once("screenShareEnded")(takes(StreamManagerEvent))
    publisher.once("streamCreated")(takes(StreamEvent))
    publisher.once("streamDestroyed")(takes(StreamEvent))


def once_of_a_subscriber(subscriber: Subscriber) -> None:
    subscriber.once("publisherStartSpeaking", takes(PublisherSpeakingEvent))
    subscriber.once("publisherStopSpeaking", takes(PublisherSpeakingEvent))
    subscriber.once("streamAudioVolumeChange", takes(StreamManagerEvent))
    subscriber.once("streamFrozen", takes(StreamHealthEvent))
    subscriber.once("streamPlaying", takes(StreamManagerEvent))
    subscriber.once("streamPropertyChanged", takes(StreamPropertyChangedEvent))
    subscriber.once("streamRecovered", takes(StreamHealthEvent))
    subscriber.once("streamVideoPaused", takes(StreamEvent))
    subscriber.once("streamVideoResumed", takes(StreamEvent))
    subscriber.once("videoElementCreated", takes(VideoElementEvent))
    subscriber.once("videoElementDestroyed", takes(VideoElementEvent))


def once_of_a_subscriber_as_a_decorator(subscriber: Subscriber) -> None:
    subscriber.once("publisherStartSpeaking")(takes(PublisherSpeakingEvent))
    subscriber.once("publisherStopSpeaking")(takes(PublisherSpeakingEvent))
    subscriber.once("streamAudioVolumeChange")(takes(StreamManagerEvent))
    subscriber.once("streamFrozen")(takes(StreamHealthEvent))
    subscriber.once("streamPlaying")(takes(StreamManagerEvent))
    subscriber.once("streamPropertyChanged")(takes(StreamPropertyChangedEvent))
    subscriber.once("streamRecovered")(takes(StreamHealthEvent))
    subscriber.once("streamVideoPaused")(takes(StreamEvent))
    subscriber.once("streamVideoResumed")(takes(StreamEvent))
    subscriber.once("videoElementCreated")(takes(VideoElementEvent))
    subscriber.once("videoElementDestroyed")(takes(VideoElementEvent))


def once_of_a_stream_manager(manager: StreamManager) -> None:
    manager.once("publisherStartSpeaking", takes(PublisherSpeakingEvent))
    manager.once("publisherStopSpeaking", takes(PublisherSpeakingEvent))
    manager.once("streamAudioVolumeChange", takes(StreamManagerEvent))
    manager.once("streamFrozen", takes(StreamHealthEvent))
    manager.once("streamPlaying", takes(StreamManagerEvent))
    manager.once("streamPropertyChanged", takes(StreamPropertyChangedEvent))
    manager.once("streamRecovered", takes(StreamHealthEvent))
    manager.once("streamVideoPaused", takes(StreamEvent))
    manager.once("streamVideoResumed", takes(StreamEvent))
    manager.once("videoElementCreated", takes(VideoElementEvent))
    manager.once("videoElementDestroyed", takes(VideoElementEvent))


def handlers(session: Session, publisher: Publisher, name: str) -> None:
    """Whatever a handler is, the object is returned."""

    def plain(event: StreamEvent) -> None: ...
    def without_event() -> None: ...
    def general(event: Event) -> int:
        return len(event.type)

    def with_a_default(event: StreamEvent | None = None) -> None: ...
    async def later(event: StreamEvent) -> None: ...
    async def later_without_event() -> None: ...

    for_session = session.on("streamCreated", plain).once("streamCreated", without_event).on("streamCreated", general)
    assert_type(for_session.on("streamCreated", later).on("streamCreated", later_without_event), Session)
    assert_type(session.on("streamCreated", with_a_default).off("streamCreated", plain).off("streamCreated"), Session)
    for_publisher = publisher.on("streamCreated", plain).on("streamPlaying", without_event).once("streamCreated", later)
    assert_type(for_publisher.off("streamPlaying", without_event), Publisher)
    session.on(f"signal:{name}", takes(SignalEvent))
    session.on("signal:chat", without_event).off("signal:chat", without_event)


def decorated(session: Session, subscriber: Subscriber) -> None:
    @session.on("reconnecting")
    def show(event: ReconnectingEvent) -> int:
        return event.outage.attempts

    @session.once("reconnected")
    async def hide() -> None: ...

    @subscriber.on("streamPlaying")
    async def play(event: StreamManagerEvent) -> None:
        assert_type(event.target, StreamManager)

    @session.on("signal:chat")
    def chat(event: SignalEvent) -> None: ...

    assert_type(show(ReconnectingEvent("reconnecting", session, session.outages[0])), int)
    session.off("reconnecting", show).off("reconnected", hide).off("signal:chat", chat)
    subscriber.off("streamPlaying", play)


def plain_functions(session: Session, subscriber: Subscriber) -> None:
    """The parameter of a lambda has the type of the event."""
    session.on("reconnecting", lambda event: event.outage.attempts)
    session.once("streamCreated", lambda event: event.stream.stream_id)
    session.on("signal:chat", lambda event: event.data.upper())
    session.on("connectionCreated")(lambda event: event.connection.data)
    subscriber.on("streamPropertyChanged", lambda event: event.changed_property.lower())


def fields(
    reconnecting: ReconnectingEvent,
    created: StreamEvent,
    joined: ConnectionEvent,
    signal: SignalEvent,
    exception: ExceptionEvent,
    attempt: ReconnectionAttemptEvent,
    playing: StreamManagerEvent,
    found: FilterEvent,
) -> None:
    assert_type(reconnecting.target, Session)
    assert_type(reconnecting.outage, Outage)
    assert_type(created.target, Session | StreamManager)
    assert_type(created.stream, Stream)
    assert_type(created.stream.stream_manager, StreamManager | None)
    assert_type(joined.connection, Connection)
    assert_type(signal.from_connection, Connection | None)
    assert_type(exception.origin, Session | Stream | StreamManager)
    assert_type(attempt.next_delay, float | None)
    assert_type(playing.target, StreamManager)
    assert_type(found.target, Filter)
    assert_type(created.stream.filter, Filter | None)


async def iterators(session: Session) -> None:
    assert_type(session.events("reconnecting"), EventIterator[ReconnectingEvent])
    assert_type(session.events("streamCreated", "streamDestroyed", limit=10), EventIterator[StreamEvent])
    assert_type(session.events("signal:chat"), EventIterator[SignalEvent])
    async for event in session.events("reconnected"):
        assert_type(event, ReconnectedEvent)
        break
    events = session.events("reconnecting", "sessionDisconnected")
    async for either in events:
        assert_type(either, Event)
        if isinstance(either, ReconnectingEvent):
            assert_type(either.outage, Outage)
    assert_type(events.dropped, int)
    assert_type(await anext(session.events("signal")), SignalEvent)
    assert_type(await session.settled(), bool)
    assert_type(await session.settled(session.outages[0]), bool)
    await events.aclose()


async def calls(openvidu: OpenVidu, token: str) -> None:
    session = openvidu.init_session()
    assert_type(session.state, SessionState)
    await session.connect(token, {"name": "Ada"})
    await create_task(session.connect(token))
    async with session.connect(token) as joined:
        assert_type(joined, Session)
    publisher = await openvidu.init_publisher("me", resolution="640x480")
    assert_type(publisher.session, Session | None)
    await session.publish(publisher)
    for connection in session.remote_connections.values():
        if connection.stream is not None:
            assert_type(await session.subscribe(connection.stream, "others"), Subscriber)
