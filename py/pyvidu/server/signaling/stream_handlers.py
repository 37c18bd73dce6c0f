"""The handlers of stream requests: publish, subscribe, renegotiate, and property changes. See `handlers.py`.

The media router is awaited here. Meanwhile the participant that sent the request may be evicted, and a stream may end,
so membership is checked again after every await.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable
from typing import TypeVar

from pyvidu.protocol import messages as m
from pyvidu.protocol.codes import Code
from pyvidu.protocol.reasons import Reason
from pyvidu.protocol.wire import WireError
from pyvidu.server.errors import AnsweredError, OpenViduException
from pyvidu.server.rooms.published_stream import PublishedStream
from pyvidu.server.rooms.room import Participant, Room
from pyvidu.server.rooms.tokens import now_ms
from pyvidu.server.signaling.filter_handlers import filter_to_publish_with
from pyvidu.server.signaling.handlers import Context, Handler, moderator
from pyvidu.server.signaling.rpc_session import NeverAnswered, ReceivedRequest

_log = logging.getLogger(__name__)
T = TypeVar("T")


async def publish_video(context: Context, incoming: ReceivedRequest) -> None:
    """Send the result, then `participantPublished` to the others."""
    participant = await incoming.pace(negotiations=1)
    if not participant.may_publish:
        raise OpenViduException(Code.UNAUTHORIZED, "Unable to publish video. The user does not have a valid token")
    call = incoming.read(m.PublishVideo)
    if participant.stream is not None:
        raise OpenViduException(
            Code.ALREADY_STREAMING,
            f"User {participant.id} is already publishing in session {participant.room.id}",
        )
    stream = PublishedStream.of(participant.id, call)
    stream.filter, stream.filter_applied = filter_to_publish_with(participant, call.filter)
    participant.room.check_description(stream.description_size)
    answer = await _negotiated(
        context.rooms.media.publish(participant.key, stream.id, call.sdp_offer, loopback=call.do_loopback),
        participant,
        f"Error generating SDP response for publishing user {participant.id}",
    )
    await _still_member(context, incoming, participant)
    participant.stream = stream
    incoming.answer(m.PublishVideoResult(sdp_answer=answer, id=stream.id, created_at=stream.created_at))
    participant.room.published(participant, stream)


async def unpublish_video(context: Context, incoming: ReceivedRequest) -> None:
    """Send `{}` to the owner, then `participantUnpublished` to the others."""
    participant = await incoming.pace()
    stream = participant.room.unpublish(participant, Reason.UNPUBLISH)
    incoming.answer()
    participant.room.tell_unpublished(participant.room.others(participant), participant, Reason.UNPUBLISH)
    await _ended(context.rooms.media.unpublish(stream.id))


async def force_unpublish(context: Context, incoming: ReceivedRequest) -> None:
    """Send `{}` to the moderator, then `participantUnpublished` to all, the owner too."""
    room = moderator(incoming, "Unable to force unpublish").room
    call = incoming.read(m.ForceUnpublish)
    owner = room.owner_of(call.stream_id)
    if owner is None:
        raise NeverAnswered(Code.USER_NOT_STREAMING, f"Stream '{call.stream_id}' does not exist in session '{room.id}'")
    room.unpublish(owner, Reason.FORCE_UNPUBLISH_BY_USER)
    incoming.answer()
    room.tell_unpublished(room.participants, owner, Reason.FORCE_UNPUBLISH_BY_USER)
    await _ended(context.rooms.media.unpublish(call.stream_id))


async def receive_video_from(context: Context, incoming: ReceivedRequest) -> None:
    """Subscribe to a stream and send the SDP answer."""
    await incoming.session.pace(negotiations=1)
    participant = incoming.participant
    call = incoming.read(m.ReceiveVideoFrom)
    owner, stream = _sender(participant, call.sender)
    failed = f"Unable to generate SDP answer when subscribing '{participant.id}' to '{owner.id}'"
    if call.sdp_offer is not None:
        await _subscribe(context, incoming, owner, stream, call.sdp_offer, failed)
    elif call.sdp_answer is None:
        raise NeverAnswered(Code.MEDIA_SDP, "'receiveVideoFrom' has neither 'sdpOffer' nor 'sdpAnswer'")
    else:
        await _subscribe_by_answer(context, incoming, owner, stream, call.sdp_answer, failed)


async def unsubscribe_from_video(context: Context, incoming: ReceivedRequest) -> None:
    """End a subscription; one that does not exist counts as ended."""
    participant = incoming.participant
    sender = incoming.read(m.UnsubscribeFromVideo).sender
    owner = participant.room.find(sender)
    if owner is None:
        raise OpenViduException(Code.USER_NOT_FOUND, f"User {sender} not found in session {participant.room.id}")
    subscription = participant.room.unsubscribe(participant, owner)
    incoming.answer()
    if subscription is not None:
        await _ended(context.rooms.media.unsubscribe(participant.key, subscription.stream_id))


async def prepare_receive_video_from(context: Context, incoming: ReceivedRequest) -> None:
    """Send the server's offer of a stream, if it makes any, as mediasoup does."""
    await incoming.session.pace(negotiations=1)
    participant = incoming.participant
    if not context.server_offers:
        raise _no_server_offers()
    owner, stream = _sender(participant, incoming.read(m.PrepareReceiveVideoFrom).sender)
    _refuse_own(owner, participant)
    failed = f"Unable to generate SDP offer when subscribing '{participant.id}' to '{owner.id}'"
    offer = await _negotiated(context.rooms.media.offer(participant.key, stream.id), participant, failed)
    await _still_member(context, incoming, participant)
    incoming.answer(m.PrepareReceiveVideoFromResult(sdp_offer=offer))


async def reconnect_stream(context: Context, incoming: ReceivedRequest) -> None:
    """Replace the media connection of a stream, own or remote.

    Stream id, options and subscribers stay; nobody is notified.
    """
    await incoming.session.pace(negotiations=1)
    participant = incoming.participant
    call = incoming.read(m.ReconnectStream)
    room = participant.room
    if participant.stream is not None and participant.stream.id == call.stream:
        offer = call.sdp_offer or call.sdp_string or ""
        failed = f"Error generating SDP response for publishing user {participant.id}"
        answer = await _negotiated(context.rooms.media.republish(call.stream, offer), participant, failed)
        await _still_member(context, incoming, participant)
        if room.owner_of(call.stream) is not participant:  # unpublished meanwhile, by force
            raise _not_there(call.stream, room)
        participant.stream.created_at = now_ms()
        room.observer.renegotiated(participant, publishing=True)
        incoming.answer(m.PublishVideoResult(answer, call.stream, participant.stream.created_at))
        return
    owner = room.owner_of(call.stream)
    if owner is None or owner.stream is None:
        raise _not_there(call.stream, room)
    failed = f"Unable to generate SDP answer when reconnecting subscriber to '{call.stream}'"
    if call.sdp_offer is not None:
        await _subscribe(context, incoming, owner, owner.stream, call.sdp_offer, failed)
    else:
        await _subscribe_by_answer(context, incoming, owner, owner.stream, call.sdp_string or "", failed)
    room.observer.renegotiated(participant, publishing=False)


async def on_ice_candidate(_: Context, incoming: ReceivedRequest) -> None:
    """Answer a candidate, which is not needed: the media router only sends to where valid STUN came from."""
    incoming.participant  # noqa: B018
    incoming.read(m.OnIceCandidate)
    incoming.answer()


async def stream_property_changed(_: Context, incoming: ReceivedRequest) -> None:
    """Send `streamPropertyChanged` to the others, then `{}` to the owner."""
    participant = await incoming.pace()
    call = incoming.read(m.StreamPropertyChanged)
    text = json.dumps(call.new_value, separators=(",", ":"), ensure_ascii=False)
    participant.room.change_property(participant, call.property, call.new_value, text, call.reason)
    incoming.answer()


STREAM_HANDLERS: dict[str, Handler] = {
    "publishVideo": publish_video,
    "unpublishVideo": unpublish_video,
    "forceUnpublish": force_unpublish,
    "receiveVideoFrom": receive_video_from,
    "prepareReceiveVideoFrom": prepare_receive_video_from,
    "unsubscribeFromVideo": unsubscribe_from_video,
    "reconnectStream": reconnect_stream,
    "onIceCandidate": on_ice_candidate,
    "streamPropertyChanged": stream_property_changed,
}


async def _subscribe(
    context: Context, incoming: ReceivedRequest, owner: Participant, stream: PublishedStream, offer: str, failed: str
) -> None:
    participant = incoming.participant
    _refuse_own(owner, participant)
    media = context.rooms.media
    answer = await _negotiated(media.subscribe(participant.key, stream.id, offer), participant, failed)
    await _subscribed(context, incoming, participant, owner, stream)
    incoming.answer(m.SdpAnswerResult(sdp_answer=answer))


async def _subscribe_by_answer(
    context: Context, incoming: ReceivedRequest, owner: Participant, stream: PublishedStream, answer: str, failed: str
) -> None:
    """Subscribe with the answer to the server's offer."""
    participant = incoming.participant
    _refuse_own(owner, participant)
    if not context.server_offers:
        raise _no_server_offers()
    await _negotiated(context.rooms.media.accept(participant.key, stream.id, answer), participant, failed)
    await _subscribed(context, incoming, participant, owner, stream)
    incoming.answer()


async def _subscribed(
    context: Context, incoming: ReceivedRequest, participant: Participant, owner: Participant, stream: PublishedStream
) -> None:
    """Note a subscription that was negotiated, unless one of both has left meanwhile."""
    await _still_member(context, incoming, participant)
    if owner.stream is not stream or not owner.present:
        await _ended(context.rooms.media.unsubscribe(participant.key, stream.id))
        raise _not_streaming(owner.id, participant)
    participant.room.subscribed(participant, owner, stream)


def _refuse_own(owner: Participant, participant: Participant) -> None:
    if owner is participant:
        raise AnsweredError(Code.USER_NOT_STREAMING, "Can loopback only when publishing media")


def _sender(participant: Participant, stream_id: str) -> tuple[Participant, PublishedStream]:
    """Return the publisher of `stream_id` and its stream, found as the real server does: by the connection id at its end.

    Raises:
        OpenViduException: -1, there is no connection id; 102, there is no such participant; 105, it has no stream.
    """
    try:
        owner_id = m.owner_of(stream_id)
    except WireError as error:
        raise OpenViduException(Code.INTERNAL, str(error)) from None
    owner = participant.room.find(owner_id)
    if owner is None:
        raise AnsweredError(Code.USER_NOT_FOUND, f"User '{owner_id} not found in session '{participant.room.id}'")
    if owner.stream is None:
        raise _not_streaming(owner_id, participant)
    return owner, owner.stream


def _not_streaming(owner_id: str, participant: Participant) -> OpenViduException:
    return AnsweredError(
        Code.USER_NOT_STREAMING, f"User '{owner_id} not streaming media in session '{participant.room.id}'"
    )


def _not_there(stream_id: str, room: Room) -> OpenViduException:
    sentence = f"Stream '{stream_id}' does not exist in Session '{room.id}'"
    return AnsweredError(Code.USER_NOT_STREAMING, sentence, data="{}")


def _no_server_offers() -> OpenViduException:
    return AnsweredError(
        Code.MEDIA_ENDPOINT,
        "This media server (kurento) only answers offers of clients: 'sdpOffer' is missing",
    )


async def _negotiated(negotiation: Awaitable[T], participant: Participant, failed: str) -> T:
    try:
        return await negotiation
    except Exception as error:
        # Any error about the offer goes to the client that sent it, and ends nothing else. Its text may quote the
        # offer, so it is logged only at the debug level, where SDP may appear.
        _log.warning("%s: %s", failed, type(error).__name__)
        _log.debug("SDP negotiation of %s failed: %s", participant.id, error)
        raise AnsweredError(Code.MEDIA_SDP, f"{failed}: {error}") from error


async def _still_member(context: Context, incoming: ReceivedRequest, participant: Participant) -> None:
    if not participant.present:
        # The eviction ended its media, but not what was negotiated since then.
        await _ended(context.rooms.media.leave(participant.key))
        incoming.participant  # noqa: B018 - raises


async def _ended(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:  # noqa: BLE001 - the room has moved on; there is nobody to tell
        _log.exception("Media could not be ended")
