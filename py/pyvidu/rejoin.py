"""Rejoining after an eviction, and asking for the participants after a resume without a replay. Both are opt-in.

`rejoin` is an application's coroutine function that supplies a new connection token: the session joins as a new participant,
publishes the same tracks again and receives the same streams into the same video elements.

`roster` supplies the session's connections from OpenVidu's REST API (`GET sessions/ID/connection`): on a server that does not
replay missed notifications, the state of the room is reconciled with them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyvidu.errors import ConnectionFailedError, OpenViduError, RequestTimeoutError
from pyvidu.events import RejoinedEvent
from pyvidu.membership import Membership
from pyvidu.platform import pause
from pyvidu.protocol.messages import ParticipantInfo, StreamInfo
from pyvidu.protocol.reasons import Reason
from pyvidu.publisher import Publisher
from pyvidu.reconnection.ice import analyse
from pyvidu.stream import Stream
from pyvidu.subscriber import Subscriber

if TYPE_CHECKING:
    from pyvidu.session import Session

logger = logging.getLogger(__name__)

SupplyToken = Callable[[], Awaitable[str | None]]
SupplyRoster = Callable[[], Awaitable[Any]]

ATTEMPTS = 3
PAUSE = 1.0  # seconds between two attempts, doubling


class Rejoin:
    """The rejoin of `session` after `old` was evicted. It ends in `rejoined` or `sessionDisconnected`."""

    def __init__(self, session: Session, old: Membership, supply: SupplyToken, reason: Reason, data: str) -> None:
        self._session = session
        self._old = old
        self._supply = supply
        self._reason = reason
        self._data = data
        self._clock = session.openvidu._host.clock
        self._policy = session.openvidu.advanced_configuration.policy
        # Read now: if it was just being published again, that fails soon and clears `old.publisher`; it is to be published
        # all the same.
        self._publisher = old.publisher if old.publisher is not None and old.publisher.stream.is_published else None
        self._new: Membership | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    def give_up(self, reason: Reason) -> None:
        """Cancel the rejoin and end the session with `reason`."""
        self._task.cancel()
        if self._new is not None:
            self._new.plane.leave()
            self._new.close()
        self._old.end(reason)

    async def _run(self) -> None:
        try:
            new, present = await self._join()
        except OpenViduError as error:
            logger.warning("rejoining failed: %s", error)
            self._old.end(self._reason)
            return
        await self._move_in(new, present)

    async def _join(self) -> tuple[Membership, Sequence[ParticipantInfo]]:
        for attempt in range(ATTEMPTS):
            token = await self._ask_for_token()
            self._new = Membership(self._session)
            try:
                result = await self._new.join(token, self._data)
            except (ConnectionFailedError, RequestTimeoutError):
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(PAUSE * 2**attempt)
            else:
                return self._new, result.value
        raise AssertionError("the last attempt returns or raises")

    async def _ask_for_token(self) -> str:
        try:
            token = await self._supply()
        except Exception as error:  # whatever an application's callback raises
            raise OpenViduError(f"the rejoin callback raised {error!r}") from error
        if not token:
            raise OpenViduError("the rejoin callback supplied no token")
        return token

    async def _move_in(self, new: Membership, present: Sequence[ParticipantInfo]) -> None:
        """Move the state of the room, the subscriptions and the local stream from the old membership to `new`."""
        old = self._old
        old.close()
        old.joined = False
        outages = old.plane.outages
        new.plane.adopt_outages(outages)
        new.room.connections = old.room.connections
        self._session._adopt(new)
        publisher, old.publisher = self._publisher, None
        new.room.reconcile([info for info in present if info.id != old.connection.connection_id])
        outages[-1].finish(self._clock.now(), "rejoined")
        self._session._emit(RejoinedEvent("rejoined", self._session, outages[-1]))
        new.listen()
        moves = [
            self._move(item.stream, _resubscribe(new, item)) for item in new.managers if isinstance(item, Subscriber)
        ]
        if publisher is not None:
            publisher.stream._detach()
            moves.append(self._move(publisher.stream, self._publish_again(new, publisher)))
        await asyncio.gather(*moves)
        if new.plane.is_up:  # in the next outage, or after the end, nothing can be proved
            new.media_plane.prove_all(outages[-1], force=False)

    async def _publish_again(self, new: Membership, publisher: Publisher) -> None:
        try:
            await new.publish(publisher)
        except OpenViduError:
            # Publishing failed, and the application has neither left nor unpublished it meanwhile.
            if self._session._membership is new and publisher.stream.is_published:
                publisher._ended(self._reason)
            raise

    async def _move(self, stream: Stream, moving: Coroutine[Any, Any, None]) -> None:
        """Give one stream its new media connection, and record it in the outage under the id that the stream has then."""
        outage, began = self._old.plane.outages[-1], self._clock.now()
        try:
            await moving
        except OpenViduError as error:
            outage.note_stream(self._clock.now(), stream.stream_id, "failed", str(error))
            logger.warning("after rejoining: %s", error)
            return
        outage.note_stream(began, stream.stream_id, "renegotiating", "joined again")
        deadline = self._clock.now() + self._policy.media_connect_timeout
        while (media := stream._media) is not None and self._clock.now() < deadline:
            verdict = analyse(media.ice_state)
            if verdict == "connected":
                outage.note_stream(self._clock.now(), stream.stream_id, "connected")
            if verdict != "waiting":
                return
            await pause(self._clock, self._policy.media_poll)


async def _resubscribe(new: Membership, subscriber: Subscriber) -> None:
    """Subscribe again, unless a handler of `rejoined` has already done so."""
    if subscriber.stream.stream_manager is subscriber:
        await new.subscribe(subscriber)


async def reconcile_with(supply: SupplyRoster | None, membership: Membership) -> None:
    """Reconcile the state of the room with what `supply` returns; without `supply`, record that it may be wrong."""
    outage = membership.plane.outages[-1]
    if supply is None:
        text = "this server does not tell what happened meanwhile; a `roster` callback would"
        outage.note(membership.session.openvidu._host.clock.now(), "verdict", text)
        logger.info("%s", text)
        return
    with membership.room.collect_newer() as newer:
        roster = await supply()
    content = roster.get("content", ()) if isinstance(roster, Mapping) else roster
    infos = [_participant(item) for item in content if item.get("status", "active") == "active"]
    membership.room.reconcile([info for info in infos if info.id != membership.connection.connection_id], newer)


def _participant(connection: Mapping[str, Any]) -> ParticipantInfo:
    """Return a participant made from a connection of OpenVidu's REST API."""
    data = [text for text in (connection.get("clientData"), connection.get("serverData")) if text]
    return ParticipantInfo(
        id=str(connection.get("connectionId") or connection.get("id")),
        created_at=connection.get("activeAt") or connection.get("createdAt"),
        metadata="%/%".join(data),
        streams=[_stream(item) for item in connection.get("publishers") or ()],
    )


def _stream(publisher: Mapping[str, Any]) -> StreamInfo:
    options = publisher.get("mediaOptions") or {}
    return StreamInfo(
        id=str(publisher["streamId"]),
        created_at=publisher.get("createdAt"),
        has_audio=bool(options.get("hasAudio")),
        has_video=bool(options.get("hasVideo")),
        audio_active=options.get("audioActive"),
        video_active=options.get("videoActive"),
        type_of_video=options.get("typeOfVideo"),
        frame_rate=options.get("frameRate"),
        video_dimensions=options.get("videoDimensions"),
        filter=options.get("filter"),
    )
