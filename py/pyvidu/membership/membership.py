"""One membership of a room, from `joinRoom` to its end: both planes, and the requests that concern streams."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from pyvidu.configuration import AdvancedConfiguration
from pyvidu.errors import (
    BrowserRefusedError,
    ConnectionFailedError,
    InvalidTokenError,
    MalformedAnswerError,
    NotConnectedError,
    RequestError,
    RequestOutcomeUnknown,
    RequestTimeoutError,
)
from pyvidu.media import (
    InboundMedia,
    MediaClosedError,
    MediaConnection,
    MediaPlane,
    MediaPlaneListener,
    OutboundMedia,
)
from pyvidu.platform import Host, PeerSettings, pause
from pyvidu.protocol.codes import Code
from pyvidu.protocol.messages import (
    Call,
    JoinRoom,
    JoinRoomResult,
    OnIceCandidate,
    PublishVideo,
    UnpublishVideo,
    UnsubscribeFromVideo,
    VideoData,
)
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.token import ConnectionToken, InvalidToken
from pyvidu.protocol.wire import from_wire
from pyvidu.reconnection.outage import OutageLog
from pyvidu.signaling import SignalingPlane
from pyvidu.signaling.rpc_socket import RpcError
from pyvidu.tasks import Tasks

from .ice_servers import public_servers, servers_named_by
from .listener import ParticipationListener
from .records import ParticipantState
from .streams import LocalStream, RemoteStream

logger = logging.getLogger(__name__)

# After these the server may have carried out the request, or do so later: it is undone.
_PERHAPS_CARRIED_OUT = (RequestTimeoutError, MalformedAnswerError, BrowserRefusedError, asyncio.CancelledError)

SDK_VERSION = "2.32.2"  # the openvidu-browser whose protocol this is; servers compare it with their own version

Settings = Callable[[], AdvancedConfiguration]
"""Returns the current configuration: some settings apply to a connected session at once."""


class MembershipOwner(MediaPlaneListener, Protocol):
    """The participation that a membership belongs to."""

    def notified(self, method: str, params: object) -> None:
        """Handle a notification of the server."""

    def resumed_without_replay(self, membership: Membership) -> None:
        """Handle the end of an outage after which the server does not send the notifications that were missed."""

    def lost(self, membership: Membership, reason: Reason, *, gave_up: bool) -> None:
        """Handle the loss of the membership: the server no longer has it, or (`gave_up`) reconnecting was stopped."""

    def page_unloading(self) -> None:
        """Handle that the page is being unloaded."""


class Membership:
    """`own` is the local participant, set once `join` has returned. `joined` is true from then until `close`."""

    own: ParticipantState

    def __init__(self, host: Host, settings: Settings, owner: MembershipOwner, listener: ParticipationListener) -> None:
        self.local_stream: LocalStream | None = None
        self.joined = False
        self.outages = OutageLog(host.calendar)
        self._host = host
        self._settings = settings
        self._configuration = settings()
        self._owner = owner
        self._listener = listener
        self._ice_servers: Sequence[Mapping[str, Any]] = ()
        self._server_offers = False  # for received streams: the server offers with mediasoup, not with kurento
        self._server_wants_simulcast = False
        self._tasks = Tasks(failed=lambda error: logger.warning("%s", error))
        self.plane = SignalingPlane(host, self._configuration.policy, self.outages, self)
        self.media_plane = MediaPlane(host, self.plane, self._configuration.policy, owner)

    # --- joining and leaving -----------------------------------------------------------------------------------------

    async def join(self, token: str, data: str) -> JoinRoomResult:
        """Open the signaling plane and join the room; see `Session.connect` for what it raises."""
        try:
            parsed = ConnectionToken.parse(token)
        except InvalidToken as error:
            raise InvalidTokenError(str(error)) from None
        try:
            await self.plane.open(parsed.socket_url)
            answer = await self.plane.request(self._join_room(parsed, data), repeatable=False)
        except BaseException as error:
            if isinstance(error, _PERHAPS_CARRIED_OUT):
                self.plane.leave()
            self.plane.close()
            if isinstance(error, MalformedAnswerError):
                raise ConnectionFailedError(str(error)) from error
            raise
        result = from_wire(JoinRoomResult, answer)
        if self.plane.is_closed:  # by `disconnect`, in the moment after the answer
            raise NotConnectedError("The session was left before it was joined")
        self._joined(parsed, result)
        return result

    def close(self) -> None:
        """Close both planes without events."""
        self.joined = False
        self.media_plane.close()
        self.plane.close()
        # Those whose request has just failed end with its error first: a call that awaits one of them is not cancelled.
        asyncio.get_running_loop().call_soon(self._tasks.cancel)

    # --- streams -----------------------------------------------------------------------------------------------------

    async def publish(self, local: LocalStream) -> None:
        """Publish, however often the network drops in between; see `Session.publish` for what it raises."""
        self.local_stream = local
        wanted = self._server_wants_simulcast if local.simulcast is None else local.simulcast
        # Only mediasoup takes it.
        settings = self._peer_settings(
            local_stream=local.source.stream,
            simulcast=wanted and self._server_offers,
            receive_audio=local.loopback and local.state.has_audio,
            receive_video=local.loopback and local.state.has_video,
        )
        media = OutboundMedia(self._host, self.plane, self.own.id, settings, local)
        state = local.state
        media.pausable = lambda: state.has_audio and state.has_video and state.audio_active and state.video_active
        local.attach(self, media)
        try:
            told = await self._publish(local, media)
        except BaseException as error:
            local.detach()
            if self.local_stream is local:
                self.local_stream = None
                if isinstance(error, _PERHAPS_CARRIED_OUT):
                    self.in_background(self.request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,)))
            raise
        for kind, before in (("audio", told.audio_active), ("video", told.video_active)):
            if before != getattr(local.state, f"{kind}_active"):  # muted or unmuted while `publishVideo` was under way
                local.tell_active(kind)

    async def subscribe(self, remote: RemoteStream) -> None:
        """Receive a stream."""
        state = remote.state
        settings = self._peer_settings(receive_audio=state.has_audio, receive_video=state.has_video)
        media = InboundMedia(self._host, self.plane, state.owner, settings, remote)
        media.stream_id = state.id
        media.server_offers = self._server_offers
        media.forwards_video = lambda: state.video_forwarded
        remote.attach(self, media)
        negotiate = media.subscribe
        while True:
            try:
                await negotiate()
                break
            except RequestOutcomeUnknown:  # replace the subscription if there is one, else make it
                negotiate = media.renegotiate  # after as many outages as it takes
            except _PERHAPS_CARRIED_OUT:
                if remote.media is media:  # else it has ended, or another subscription has replaced this one
                    self.in_background(self.unsubscribe(state.owner))
                raise

    async def unsubscribe(self, owner: str) -> None:
        """Stop receiving the stream of a participant; one who has left counts as success."""
        await self.request(UnsubscribeFromVideo(sender=owner), ignore=(Code.USER_NOT_FOUND,))

    async def reconnect(self, media: MediaConnection) -> None:
        """Replace the peer connection of a stream, as an application asks for; after an outage, if there is one."""
        while True:
            try:
                return await media.renegotiate()
            except RequestOutcomeUnknown:
                continue
            except MediaClosedError:
                if media.is_closed:
                    raise
                await pause(self._host.clock, 1.0)  # it was replaced by the engine: let that come to its end

    async def request(self, call: Call, *, repeatable: bool = True, ignore: Sequence[int] = ()) -> None:
        """Send a request whose result is not needed. Error codes in `ignore` count as success."""
        try:
            await self.plane.request(call, repeatable=repeatable)
        except RequestError as error:
            if error.code not in ignore:
                raise

    def in_background(self, coroutine: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run `coroutine` to its end, whether or not the task is awaited; a failure is logged in any case."""
        return self._tasks.spawn(coroutine)

    # --- SignalingListener -------------------------------------------------------------------------------------------

    def signaling_notified(self, method: str, params: object) -> None:
        """Pass on a notification of the server."""
        self._owner.notified(method, params)

    def signaling_refused(self, call: Call, error: RpcError) -> None:
        """Report that the server refused an ICE candidate."""
        if not isinstance(call, OnIceCandidate):
            return
        data = {"code": error.code, "message": str(error)}
        message = f"The server refused an ICE candidate of this browser: {error}"
        self._listener.media_exception(None, "ICE_CANDIDATE_ERROR", message, data)

    def signaling_suspended(self) -> None:
        """Handle the beginning of an outage."""
        self.media_plane.suspend()

    def signaling_reconnecting(self) -> None:
        """Report the outage."""
        self._listener.reconnecting(self.outages.last)

    def signaling_attempt(self, number: int, next_delay: float | None) -> None:
        """Report that reconnection attempt `number` begins, if the outage is told."""
        if self.outages.last.told:
            self._listener.reconnection_attempt(number, next_delay)

    def signaling_reconnected(self) -> None:
        """Handle the end of the outage: prove every stream healthy or renegotiate it."""
        outage = self.outages.last
        force = outage.told and self._settings().force_media_reconnection_after_network_drop
        self.media_plane.prove_all(outage, force=force)
        if outage.told:
            self._listener.reconnected(outage)
        if self.joined and not self.plane.replays:
            self._owner.resumed_without_replay(self)

    def signaling_refuted_silence(self) -> None:
        """Tell the media plane that the network works."""
        self.media_plane.silence_refuted()

    def signaling_lost(self, reason: Reason, *, gave_up: bool) -> None:
        """Report the loss of the membership."""
        self._owner.lost(self, reason, gave_up=gave_up)

    def signaling_unloading(self) -> None:
        """Report that the page is being unloaded."""
        self._owner.page_unloading()

    def membership_check(self) -> Call:
        """Return `videoData` with the current values: it needs membership and changes nothing."""
        if self.local_stream is None:
            return VideoData(0, 0, video_active=False, audio_active=False)
        state = self.local_stream.state
        size = state.video_dimensions
        return VideoData(size.height, size.width, state.video_active, state.audio_active)

    # --- internals ---------------------------------------------------------------------------------------------------

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
        self.own = ParticipantState.local(result)
        self._ice_servers = servers_named_by(result)
        self._server_offers = result.media_server == "mediasoup"
        self._server_wants_simulcast = bool(result.video_simulcast)
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

    async def _publish(self, local: LocalStream, media: OutboundMedia) -> PublishVideo:
        """Publish, and return the description that the others have received."""
        while True:
            told = local.description()
            try:
                result = await media.publish(told)
            except RequestOutcomeUnknown:  # it may be published, under an id that was not received
                if (
                    self.local_stream is not local
                ):  # unpublished meanwhile: that request undoes it, before what came since
                    raise
                await self.request(UnpublishVideo(), ignore=(Code.USER_NOT_STREAMING,))
            else:
                local.state.id = result.id
                local.state.created_at = result.created_at or 0.0
                return told

    def _peer_settings(self, **particulars: Any) -> PeerSettings:
        configuration = self._configuration
        servers = self._ice_servers if configuration.ice_servers is None else configuration.ice_servers
        if isinstance(servers, str):
            servers = public_servers(self._host.chance)
        return PeerSettings(ice_servers=servers, rtc_configuration=configuration.rtc_configuration, **particulars)
