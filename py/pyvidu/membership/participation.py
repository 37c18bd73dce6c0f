"""One participant's part in a session: joining, one membership after another, the end.

A membership ends with an eviction; a rejoin makes a new one, and the room and the streams go on in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from pyvidu.errors import AlreadyConnectedError, CallbackError, NotConnectedError, NotPublishedError
from pyvidu.media import InboundMedia, MediaConnection
from pyvidu.platform import Candidate, Host, pause
from pyvidu.protocol.codes import Code
from pyvidu.protocol.messages import JoinRoomResult, UnpublishVideo
from pyvidu.protocol.notifications import ForciblyReconnectSubscriber, IceCandidate
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.wire import WireError
from pyvidu.reconnection.outage import KEPT, Outage

from . import roster
from .listener import ParticipationListener
from .membership import Membership, Settings
from .records import SessionState, StreamState
from .rejoin import Rejoin
from .room_state import RoomState
from .streams import LocalStream, RemoteStream

logger = logging.getLogger(__name__)

_CLOSED_WITHIN = 5.0  # seconds after its announcement a server that stops has closed its sockets


class Participation:
    """Joins, leaves, publishes and receives on behalf of `listener`, and reports to it.

    At any time it is one of these: not joined, joining, a member, joining again. `room` and `outages` are those of the last
    membership after its end, None and empty before the first. `joining` is the membership of `join` while that lasts.
    """

    def __init__(self, host: Host, settings: Settings, listener: ParticipationListener) -> None:
        self.room: RoomState | None = None
        self._host = host
        self._settings = settings
        self._listener = listener
        self._data = ""
        self.joining: Membership | None = None
        self._current: Membership | None = None
        self._last: Membership | None = None
        self._rejoin: Rejoin | None = None
        self._earlier: list[Outage] = []  # the outages of earlier memberships
        self._settled: list[Outage] = []  # those whose media is verified
        self._moving: Membership | None = None  # a new one, in which not all streams have their media connections yet
        self._received: dict[StreamState, RemoteStream] = {}

    # --- state -------------------------------------------------------------------------------------------------------

    @property
    def member(self) -> Membership:
        """Return the current membership.

        Raises:
            NotConnectedError: there is none.
        """
        if self._rejoin is not None:
            raise NotConnectedError(
                "The session is being joined again after an eviction: repeat this once it is rejoined"
            )
        if self._current is None:
            raise NotConnectedError("There is no connected session: await session.connect(token) first")
        return self._current

    @property
    def state(self) -> SessionState:
        """Return the state, derived from the membership and its last outage."""
        if self.joining is not None:
            return SessionState.CONNECTING
        if self._last is None:
            return SessionState.NEW
        if not self._last.joined:
            return SessionState.DISCONNECTED
        outages = self.outages
        is_out = bool(outages) and outages[-1].end is None and outages[-1].told
        return SessionState.RECONNECTING if is_out else SessionState.CONNECTED

    @property
    def is_member(self) -> bool:
        """Return whether the participant is a member of the room, as far as is known."""
        return self._current is not None

    @property
    def is_up(self) -> bool:
        """Return whether requests are sent at once: a member, and no outage."""
        return self._current is not None and self._current.plane.is_up

    @property
    def memberships(self) -> list[Membership]:
        """Return the current membership and one that is being joined, as far as there are."""
        again = self._rejoin.membership if self._rejoin is not None else None
        return [item for item in (self._current, self.joining, again) if item is not None]

    @property
    def outages(self) -> Sequence[Outage]:
        """Return the outages so far, at most the last hundred, the current one last."""
        return [*self._earlier, *(self._last.outages.outages if self._last is not None else ())][-KEPT:]

    def has_settled(self, outage: Outage) -> bool | None:
        """Return whether the media of `outage` was verified; None while that is not decided.

        False: the next outage, or the end, came first.
        """
        if any(item is outage for item in self._settled):
            return True
        outages = self.outages
        is_last = bool(outages) and outages[-1] is outage
        return None if is_last and self._last is not None and self._last.joined else False

    @property
    def local_stream(self) -> LocalStream | None:
        """Return the local stream that is published or being published."""
        return self._last.local_stream if self._last is not None else None

    # --- joining and leaving -----------------------------------------------------------------------------------------

    async def join(self, token: str, data: str) -> None:
        """Join the room; see `Session.connect` for what it raises."""
        if self._current is not None or self._rejoin is not None or self.joining is not None:
            raise AlreadyConnectedError("This session is connected already; call disconnect() first")
        self._data = data
        membership = self.joining = self.new_membership()
        try:
            result = await membership.join(token, data)
        finally:
            self.joining = None
        self._earlier.clear()
        self._settled.clear()
        self._received.clear()
        room = self.room = RoomState(membership.own, self._listener, self)
        self._enter(membership, result)
        room.populate(result)
        membership.plane.listen()

    def leave(self) -> None:
        """Leave the room, or stop joining it."""
        if self.joining is not None:
            self.joining.plane.leave()  # in case the server carries `joinRoom` out
            self.joining.plane.close(NotConnectedError("disconnect() was called before the session was connected"))
        elif self._rejoin is not None:
            self._rejoin.give_up(Reason.DISCONNECT)
        elif self._current is not None:
            self._current.plane.leave()
            self._end(self._current, Reason.DISCONNECT)

    def stop_reconnecting(self) -> None:
        """End an outage with the loss of the session."""
        if self._rejoin is not None:
            self._rejoin.give_up(Reason.NETWORK_DISCONNECT)
        elif self._current is not None:
            self._current.plane.stop_reconnecting()

    def reconnect_now(self) -> None:
        """Start a reconnection attempt at once during an outage, instead of after the delay."""
        if self._current is not None:
            self._current.plane.reconnect_now()

    # --- streams -----------------------------------------------------------------------------------------------------

    async def unpublish(self, local: LocalStream) -> None:
        """End the local stream."""
        member = self.member
        if member.local_stream is not local:
            raise NotPublishedError("This publisher is not published in this session; publish it first")
        self._end_local_stream(member, Reason.UNPUBLISH)
        await member.request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,))

    async def subscribe(self, remote: RemoteStream) -> None:
        """Receive a remote stream; a second call for the same stream replaces the first subscription."""
        member = self.member
        earlier, self._received[remote.state] = self._received.get(remote.state), remote
        if earlier is not None:
            earlier.detach()
        await member.subscribe(remote)

    def stop_receiving(self, remote: RemoteStream) -> None:
        """Close the media connection of a received stream, which is then not received again after a rejoin."""
        if self.receives(remote):  # else another subscription has replaced this one
            del self._received[remote.state]
            remote.detach()

    def receives(self, remote: RemoteStream) -> bool:
        """Return whether `remote` is the current subscription to its stream."""
        return self._received.get(remote.state) is remote

    # --- RoomOwner ---------------------------------------------------------------------------------------------------

    def expelled(self, reason: Reason) -> None:
        """Handle that the server has ended the membership."""
        current = self._current
        if current is None:
            return
        if reason is Reason.OPENVIDU_SERVER_STOPPED and self._settings().rejoin is not None:
            current.in_background(self._await_close(current))  # an outage, at whose end the next server is joined
        else:
            self._end(current, reason)

    def unheard(self) -> None:
        """Handle that the server hears nothing of this participant."""
        if self._current is not None:
            self._current.plane.unheard()

    def local_media_missing(self, stream_id: str) -> None:
        """Handle that the server hears this participant, but receives nothing of its stream."""
        if self._current is not None:
            self._current.media_plane.missing(stream_id)

    def local_stream_expelled(self, reason: Reason) -> None:
        """Handle that the server or a moderator has ended the local stream."""
        if self._current is not None:
            self._end_local_stream(self._current, reason)

    def remote_stream_ended(self, stream: StreamState) -> None:
        """Close the media connection of a remote stream."""
        remote = self._received.pop(stream, None)
        if remote is not None:
            remote.detach()

    def own_stream(self) -> StreamState | None:
        """Return the local stream."""
        local = self.local_stream
        return local.state if local is not None else None

    def server_candidate(self, told: IceCandidate) -> None:
        """Pass a candidate of the server to the media connection that it is for."""
        if self._current is None:
            return
        media = self._current.media_plane.find(told.sender_connection_id, told.endpoint_name, self._current.own.id)
        if media is not None:
            media.add_remote_candidate(Candidate(told.candidate, told.sdp_mid, told.sdp_m_line_index))

    def server_offer(self, told: ForciblyReconnectSubscriber) -> None:
        """Receive a stream on a new media connection, which the server offers."""
        for state, remote in self._received.items():
            if state.owner == told.connection_id and isinstance(remote.media, InboundMedia):
                if remote.media.stream_id == told.stream_id and self._current is not None:
                    self._current.in_background(remote.media.answer_forced(told.sdp_offer))
                return

    # --- MembershipOwner ---------------------------------------------------------------------------------------------

    def notified(self, method: str, params: object) -> None:
        """Handle a notification of the server."""
        if self.room is not None:
            self.room.notified(method, params)

    def resumed_without_replay(self, membership: Membership) -> None:
        """Reconcile the room with the application's `roster`: the server does not send the missed notifications."""
        membership.in_background(self._reconcile(membership))

    def lost(self, membership: Membership, reason: Reason, *, gave_up: bool) -> None:
        """End, or join again if the application can supply a new token."""
        configuration = self._settings()
        if configuration.rejoin is None or gave_up:
            self._end(membership, reason)
            return
        self._current = None
        self._rejoin = Rejoin(
            self,
            membership,
            reason,
            configuration.rejoin,
            self._data,
            self._host.clock,
            configuration.policy,
            membership.outages.last,
        )

    def page_unloading(self) -> None:
        """Leave, because the page is being unloaded."""
        self.leave()

    def media_frozen(self, media: MediaConnection, because: str) -> None:
        """Report that a stream is frozen."""
        stream = self._stream_of(media)
        if stream is not None:
            stream.frozen = True
            self._listener.stream_frozen(stream, because)

    def media_recovered(self, media: MediaConnection) -> None:
        """Report that a frozen stream flows again."""
        stream = self._stream_of(media)
        if stream is not None:
            stream.frozen = False
            self._listener.stream_recovered(stream)

    def media_exception(self, media: MediaConnection, name: str, message: str) -> None:
        """Report a media problem that no pending call reports."""
        self._listener.media_exception(self._stream_of(media), name, message)

    def video_sending_changed(self, media: MediaConnection, *, sent: bool) -> None:
        """Report that the video of the local stream is paused, or sent again."""
        stream = self._stream_of(media)
        if stream is not None:
            stream.video_sent = sent
            self._listener.video_sending_changed(stream)

    def publisher_heard(self, connection_id: str, *, heard: bool) -> None:
        """Report that nothing is heard of a publisher any more, or something again."""
        if self.room is not None and self._current is not None:
            self.room.publisher_heard(connection_id, heard=heard)

    def media_settled(self) -> None:
        """Report that the media of the last outage is verified."""
        # Without streams that is before `reconnected` is fired. Async handlers of that take their first step before, too.
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._report_settled)

    # --- RejoinOwner -------------------------------------------------------------------------------------------------

    def new_membership(self) -> Membership:
        """Return a membership that is not joined yet."""
        return Membership(self._host, self._settings, self, self._listener)

    def joined_again(
        self, old: Membership, new: Membership, result: JoinRoomResult, local: LocalStream | None
    ) -> list[RemoteStream]:
        """Replace `old` by `new`, reconcile the room, and return the streams that are to be received again."""
        room = self.room
        assert room is not None, "there is a room since the first joining"
        old.close()
        self._earlier = [*self._earlier, *old.outages.outages][-KEPT:]
        self._moving = new
        # Now, so that leaving and unpublishing, in any event from now on, end it.
        old.local_stream, new.local_stream = None, local
        if local is not None and local.state.filter is not None:  # its filter is published with it, as a new one
            local.state.filter = replace(local.state.filter, last_exec_method=None)
        self._enter(new, result)
        room.own = new.own
        room.reconcile([info for info in result.value if info.id != old.own.id])
        for participant in list(room.participants):  # who is not heard is told or noticed anew
            room.publisher_heard(participant, heard=True)
        for stream in room.streams():  # what is paused for the new participant is told anew
            if new.joined:  # else the application has left in one of these events
                room.video_forwarded(stream)
        old.outages.finish(self._host.clock.now(), "rejoined" if new.joined else "sessionDisconnected")
        if new.joined:
            self._listener.rejoined(old.outages.last)
            new.plane.listen()
        return [self._received[stream] for stream in room.streams() if stream in self._received]

    def moved_in(self, new: Membership) -> None:
        """Note that media of `new` can be verified."""
        if self._moving is new:
            self._moving = None

    def republishing_failed(self, membership: Membership, local: LocalStream, reason: Reason) -> None:
        """End the local stream, unless the application has left or unpublished it meanwhile."""
        if self._current is membership and local.is_published:
            self._report_end_of(local, reason)

    def rejoining_failed(self, old: Membership, reason: Reason) -> None:
        """End the participation."""
        self._end(old, reason)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _enter(self, membership: Membership, result: JoinRoomResult) -> None:
        self._current = self._last = membership
        self._rejoin = None
        self._listener.joined(membership.own, result.session or "")

    def _end(self, membership: Membership, reason: Reason) -> None:
        """End the participation, whatever the cause: report it, then nothing more."""
        if not membership.joined:
            return
        membership.close()
        if membership.outages.finish(self._host.clock.now(), "sessionDisconnected"):
            logger.warning("%s", membership.outages.last)
        local = membership.local_stream
        if local is not None and local.is_published:
            self._end_local_stream(membership, reason)
        elif local is not None:
            membership.local_stream = None
            local.detach()
        if self._current is membership:
            self._current = None
        self._rejoin = None
        self._listener.ended(reason)
        for remote in self._received.values():
            remote.detach()

    def _report_settled(self) -> None:
        outage = self.outages[-1] if self._moving is not self._last and self.outages else None
        if outage is not None and outage.end is not None and self.has_settled(outage) is None:
            self._settled = [*self._settled, outage][-KEPT:]
            self._listener.outage_settled(outage)

    def _end_local_stream(self, membership: Membership, reason: Reason) -> None:
        local, membership.local_stream = membership.local_stream, None
        if local is not None:
            self._report_end_of(local, reason)

    def _report_end_of(self, local: LocalStream, reason: Reason) -> None:
        local.detach()
        self._listener.local_stream_ended(local.state, reason)
        local.state.id, local.state.video_sent = "", True

    def _stream_of(self, media: MediaConnection) -> StreamState | None:
        local = self.local_stream
        if local is not None and local.media is media:
            return local.state
        return next((state for state, remote in self._received.items() if remote.media is media), None)

    async def _await_close(self, stopped: Membership) -> None:
        """End the participation unless the server that has stopped closes its socket."""
        await pause(self._host.clock, _CLOSED_WITHIN)
        if self._current is stopped and stopped.plane.is_up:
            self._end(stopped, Reason.OPENVIDU_SERVER_STOPPED)

    async def _reconcile(self, membership: Membership) -> None:
        room, outage, supply = self.room, membership.outages.last, self._settings().roster
        if supply is None or room is None:
            text = "this server does not replay missed notifications; a `roster` callback would make up for them"
            outage.note(self._host.clock.now(), "verdict", text)
            logger.info("%s", text)
            return
        with room.collect_newer() as newer:
            try:
                answer = await supply()
            except (Exception, asyncio.CancelledError) as error:  # whatever an application's callback raises
                if not membership.joined:
                    raise
                raise CallbackError(f"the roster callback raised {error!r}; what was missed stays unknown") from error
        try:
            present = roster.participants(answer)
        except WireError as error:
            raise CallbackError(f"the roster callback did not return the connections of a session: {error}") from error
        room.reconcile(present, newer)
