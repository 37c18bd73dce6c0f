"""The handlers of OpenVidu's requests, one function each: permission, effect, and the order of messages.

Texts and codes of errors are those of openvidu-server 2.32.2 (`RpcHandler`, `KurentoSessionManager`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pyvidu.protocol import json_text
from pyvidu.protocol import messages as m
from pyvidu.protocol.codes import Code
from pyvidu.protocol.jsonrpc import utf8_size
from pyvidu.protocol.reasons import Reason
from pyvidu.server import ids
from pyvidu.server.errors import AnsweredError, MissingParameter, OpenViduException
from pyvidu.server.guesses import WrongGuesses
from pyvidu.server.limits import MessageLimits
from pyvidu.server.load import Load
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import RECORDER, SPEECH_TO_TEXT, Participant, Room
from pyvidu.server.rooms.tokens import ConnectionProperties, Role, Token
from pyvidu.server.rooms.turn import TurnServer
from pyvidu.server.secret_map import same
from pyvidu.server.signaling.rpc_session import NeverAnswered, ReceivedRequest

VERSION = "2.32.2"
_LIMITS = MessageLimits()


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers work on.

    `ice_servers` returns the ICE servers for a client that reached the server at this host; `turn` is the TURN server
    among them, if there is one. `server_offers`: clients are told that the media server is mediasoup, which offers what is
    received.
    """

    rooms: Rooms
    secret: str
    ice_servers: Callable[[str], list[m.IceServerInfo]]
    turn: TurnServer | None = None
    tell_probe_id: bool = False
    server_offers: bool = False
    load: Load = field(default_factory=Load)
    guesses: WrongGuesses = field(default_factory=WrongGuesses)


Handler = Callable[[Context, ReceivedRequest], Awaitable[None]]


# --- membership -------------------------------------------------------------------------------------------------------


async def join_room(context: Context, incoming: ReceivedRequest) -> None:
    """Send `participantJoined` to the others, then the result.

    The token is used up even if the join fails, but not if the request has the secret, or the server is too busy.
    """
    params = incoming.request.params
    room = context.rooms.get(str(params.get("session", "")))
    if context.load.is_high and not (room is not None and room.evictions.take(incoming.session.last_heard)):
        # Before the token is used up: it is valid for another attempt.
        raise OpenViduException(Code.GENERIC, "Unable to join now: the server is at its limit of load. Try again later")
    trusted = await _has_secret(context, incoming)
    token = None if trusted else _consume(room, params.get("token"))
    call = incoming.read(m.JoinRoom)
    if (size := utf8_size(call.metadata)) > (largest := context.rooms.limits.metadata):
        raise OpenViduException(Code.METADATA_FORMAT, f"The metadata has {size} bytes, {largest} are allowed")
    if room is None:
        raise OpenViduException(Code.ROOM_NOT_FOUND, f"Unable to join session. Session {call.session} cannot be found")
    if incoming.session.member is not None:
        raise OpenViduException(
            Code.ALREADY_IN_ROOM, f"User '{incoming.session.member.id}' is already in session '{room.id}'"
        )
    if trusted:
        token = _token_of_the_secret(room, call)
    if token is None:
        raise OpenViduException(
            Code.UNAUTHORIZED, f"Unable to join session {call.session}. Token {call.token} is not valid"
        )
    participant = Participant(
        room=room,
        token=token,
        peer=incoming.session,
        client_data=call.metadata,
        platform=call.platform,
        ip=incoming.socket.ip,
        trusted=trusted,
    )
    before = room.join(participant)
    incoming.session.joined(participant)
    extra = {"probeId": participant.probe_id} if context.tell_probe_id else {}
    incoming.answer(_join_result(context, incoming, participant, before), **extra)


async def _has_secret(context: Context, incoming: ReceivedRequest) -> bool:
    """Return whether a join has the secret, after a while if it is wrong.

    Raises:
        OpenViduException: 401, it may be guessed, or known, by a page of another origin, which nobody wanted to join; or
            too many wrong ones of the address wait already.
    """
    secret = incoming.request.params.get("secret")
    if not isinstance(secret, str) or not secret:
        return False
    if not incoming.socket.own_page:
        sentence = "Unable to join session. A page of another origin may not join with the secret (--allowed-origins)"
        raise OpenViduException(Code.UNAUTHORIZED, sentence)
    if context.secret and same(secret, context.secret):
        return True
    seconds = context.guesses.delay(incoming.socket.ip, asyncio.get_running_loop().time())
    if seconds is None:
        raise OpenViduException(Code.UNAUTHORIZED, "Unable to join session. Too many wrong secrets of this address")
    await asyncio.sleep(seconds)
    return False


async def leave_room(_: Context, incoming: ReceivedRequest) -> None:
    """Send `participantLeft` to the others, then `{}`."""
    participant = incoming.participant
    participant.room.depart(participant, Reason.DISCONNECT)
    incoming.answer()


async def force_disconnect(_: Context, incoming: ReceivedRequest) -> None:
    """Send `participantLeft` to the others, `{}` to the moderator, `participantEvicted` to all."""
    asking = moderator(incoming, "Unable to force disconnect")
    call = incoming.read(m.ForceDisconnect)
    evicted = asking.room.find(call.connection_id)
    if evicted is None:
        raise AnsweredError(Code.USER_NOT_FOUND, "Connection not found when calling 'forceDisconnect'")
    asking.room.evict(evicted, Reason.FORCE_DISCONNECT_BY_USER, before_telling=incoming.answer)


# --- messages between members -----------------------------------------------------------------------------------------


async def send_message(_: Context, incoming: ReceivedRequest) -> None:
    """Send the signal to its recipients, then `{}`."""
    participant = await incoming.pace()
    text = incoming.read(m.SendMessage).message
    signal = _signal(text)
    to = signal.get("to", [])
    if not isinstance(to, list):
        raise _bad_signal(text)
    if None in to:
        raise OpenViduException(Code.SIGNAL_TO, 'Signal "to" field invalid format: null')
    if len(to) > _LIMITS.recipients:
        raise OpenViduException(Code.SIGNAL_TO, f'Signal "to" field has more than {_LIMITS.recipients} connections')
    type_ = _text(signal, "type")
    if type_ is not None and len(type_) > _LIMITS.text:
        raise OpenViduException(Code.SIGNAL_FORMAT, f'Signal "type" field has more than {_LIMITS.text} characters')
    to = [item if isinstance(item, str) else json.dumps(item) for item in to]
    participant.room.signal(to, type_, _text(signal, "data"), participant.id)
    incoming.answer()


async def video_data(_: Context, incoming: ReceivedRequest) -> None:
    """Validate and answer the statistics of the real server, which are not used."""
    incoming.participant  # noqa: B018 - membership is all that this request proves
    incoming.read(m.VideoData)
    incoming.answer()


async def echo(_: Context, incoming: ReceivedRequest) -> None:
    """Answer a client that has joined once."""
    incoming.answer()


# --- what the community edition refuses -------------------------------------------------------------------------------


async def pro_request(_: Context, incoming: ReceivedRequest) -> None:
    """Refuse speech to text, which is not in the community edition.

    Raises:
        OpenViduException: 102, the client is not a member any more (which the real server answers here);
            -1, a parameter is missing; 997, otherwise.
    """
    session, request = incoming.session, incoming.request
    if session.member is None:
        room = session.participant.room.id if session.participant else ""
        raise OpenViduException(Code.USER_NOT_FOUND, f"Participant '{session.id}' not found in session '{room}'")
    for name in ("connectionId", *(["lang"] if request.method == "subscribeToSpeechToText" else [])):
        if request.params.get(name) is None:
            raise MissingParameter(name, request.method)
    raise AnsweredError(Code.EDITION, "Speech To Text requires OpenVidu Pro/Enterprise edition")


async def unknown(_: Context, incoming: ReceivedRequest) -> None:
    """Refuse a method that OpenVidu does not have, with `NeverAnswered`."""
    raise NeverAnswered(Code.GENERIC, f"Unrecognized request '{incoming.request.method}'")


HANDLERS: dict[str, Handler] = {
    "joinRoom": join_room,
    "leaveRoom": leave_room,
    "forceDisconnect": force_disconnect,
    "sendMessage": send_message,
    "videoData": video_data,
    "echo": echo,
    "subscribeToSpeechToText": pro_request,
    "unsubscribeFromSpeechToText": pro_request,
}


def moderator(incoming: ReceivedRequest, unable: str) -> Participant:
    """Return the participant that sent the request, if it may moderate.

    Raises:
        OpenViduException: 401, it may not.
    """
    participant = incoming.participant
    if not participant.may_moderate:
        raise OpenViduException(Code.UNAUTHORIZED, f"{unable}. The user does not have a valid token")
    return participant


def _consume(room: Room | None, text: object) -> Token | None:
    """Use up and return the token that `text` names: the URL from `POST connection`, or its secret alone."""
    if room is None or not isinstance(text, str):
        return None
    try:
        query = dict(parse_qsl(urlsplit(text).query))
    except ValueError:
        return None
    return room.consume_token(query.get("token", text))


def _token_of_the_secret(room: Room, call: m.JoinRoom) -> Token:
    """Return the token of a client that joins with the secret, as the real server's recorder and speech to text do."""
    properties = ConnectionProperties(role=Role.SUBSCRIBER)
    token = Token(value="", url=ids.token(), session_id=room.id, properties=properties)
    if call.recorder:
        token.connection_id = RECORDER
    elif call.stt:
        token.connection_id = SPEECH_TO_TEXT
    return token


def _signal(text: str) -> dict[str, Any]:
    try:
        value = json_text.loads(text, most=_LIMITS.elements)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise _bad_signal(text)
    return value


def _bad_signal(text: str) -> OpenViduException:
    return OpenViduException(Code.SIGNAL_FORMAT, f"Provided signal object '{text[:200]}' has not a valid JSON format")


def _text(signal: dict[str, Any], key: str) -> str | None:
    value = signal.get(key)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _join_result(
    context: Context, incoming: ReceivedRequest, participant: Participant, before: list[Participant]
) -> m.JoinRoomResult:
    servers = participant.token.properties.custom_ice_servers or context.ice_servers(incoming.socket.host)
    turn = context.turn
    return m.JoinRoomResult(
        id=participant.id,
        session_id=incoming.session.id,
        value=[other.info() for other in before],
        final_user_id=participant.final_user_id,
        created_at=participant.active_at,
        metadata=participant.metadata,
        session=participant.room.id,
        version=VERSION,
        media_server="mediasoup" if context.server_offers else "kurento",
        video_simulcast=False,
        record=participant.token.properties.record,
        role=participant.role.value,
        coturn_ip=turn.host if turn else None,
        coturn_port=turn.port if turn else None,
        turn_username=turn.username if turn else None,
        turn_credential=turn.credential if turn else None,
        custom_ice_servers=servers,
        life=context.rooms.life,
        replay=True if incoming.session.delivery_log is not None else None,
    )
