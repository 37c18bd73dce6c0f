"""The handlers of filter requests. Filters are Kurento's media elements, which our media server lacks: it decodes nothing.

A filter is applied in name: requests are answered and the others told as by the real server, and pictures stay as they are.
Source: `RpcHandler`, `KurentoSessionManager` and `SessionEventsHandler.onFilterChanged` of openvidu-server 2.32.2, whose
unbalanced quotes are kept.
"""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any

from pyvidu.protocol.codes import Code
from pyvidu.protocol.filter_messages import ApplyFilter, ExecFilterMethod, FilterEventListener, RemoveFilter
from pyvidu.protocol.notifications import RemoteStreamPropertyChanged
from pyvidu.server.errors import AnsweredError, OpenViduException
from pyvidu.server.rooms.peer import tell
from pyvidu.server.rooms.published_stream import PublishedStream
from pyvidu.server.rooms.room import Participant
from pyvidu.server.signaling.handlers import Context, Handler
from pyvidu.server.signaling.rpc_session import ReceivedRequest

_log = logging.getLogger(__name__)

KURENTO = frozenset(
    (
        "ChromaFilter",
        "FaceOverlayFilter",
        "GStreamerFilter",
        "ImageOverlayFilter",
        "PointerDetectorFilter",
        "ZBarFilter",
    )
)
"""The filters of Kurento Media Server and its modules."""
_MAX_EVENT_TYPES = 100  # of one stream's filter, that somebody listens to


@cache
def say_that_pictures_are_unchanged() -> None:
    """Log, once in the life of the server, what its filters do not do."""
    _log.warning(
        "A filter was applied in name only: this server decodes no media, so pictures and sound stay as they are"
    )


def filter_to_publish_with(participant: Participant, wanted: Any) -> tuple[dict[str, Any], bool]:
    """Return the filter to announce when `participant` publishes with one (`{}` is none), and whether it is applied.

    The real server checks the rights of the token, and applies the filter, only if the token has `kurentoOptions`.
    Otherwise it passes the filter on without applying it.

    Raises:
        OpenViduException: 406, it is malformed, or not allowed.
    """
    if wanted is None:
        return {}, False
    if (
        not isinstance(wanted, dict)
        or not isinstance(wanted.get("type"), str)
        or not isinstance(wanted.get("options"), dict)
    ):
        raise OpenViduException(
            Code.FILTER_NOT_APPLIED, "'filter' parameter wrong: it is an object of 'type' and 'options'"
        )
    kind, applied = wanted["type"], participant.token.properties.kurento_options is not None
    if applied and kind not in _allowed(participant):
        failed = f"Error applying filter for publishing user {participant.id}"
        sentence = f"{failed}. The token has no permissions to apply filter {kind}"
        raise AnsweredError(Code.FILTER_NOT_APPLIED, sentence)
    if applied:
        say_that_pictures_are_unchanged()
    return {"type": kind, "options": wanted["options"], "lastExecMethod": {}}, applied


async def apply_filter(_: Context, incoming: ReceivedRequest) -> None:
    """Apply a filter in name, for moderators, and for owners whose token allows it.

    Raises:
        OpenViduException: 401, the participant may not; 102, there is no such stream; 405, it has one; 406, the options are
            malformed, or there is no such filter; 999, the session has no room for its options.
    """
    participant = incoming.participant
    call = incoming.read(ApplyFilter)
    allowed = call.type in _allowed(participant)
    if not participant.may_moderate and not (_owns(participant, call.stream_id) and allowed):
        raise _unauthorized("apply filter")
    options = _object(call.options, "options")
    owner, stream = _owner(participant, call.stream_id)
    if stream.filter_applied:
        sentence = f"User '{owner.id} already has a filter applied in session '{owner.room.id}'"
        raise OpenViduException(Code.FILTER_ALREADY_APPLIED, sentence)
    if not allowed and call.type not in KURENTO | _allowed(owner):
        raise AnsweredError(Code.FILTER_NOT_APPLIED, f"Error applying filter: there is no filter {call.type:.100}")
    participant.room.check_description(len(call.type) + len(call.options))
    say_that_pictures_are_unchanged()
    stream.filter_applied = True
    _change(incoming, owner, stream, {"type": call.type, "options": options, "lastExecMethod": {}}, "applyFilter")


async def remove_filter(_: Context, incoming: ReceivedRequest) -> None:
    """Remove the filter of a stream, for moderators and owners.

    Raises:
        OpenViduException: 401, the participant may not; 102, there is no such stream; 406, it has no filter.
    """
    participant = incoming.participant
    stream_id = incoming.read(RemoveFilter).stream_id
    _may(participant, stream_id, "remove filter")
    owner, stream = _filtered(*_owner(participant, stream_id))
    stream.filter_applied = False
    stream.filter_listeners.clear()
    _change(incoming, owner, stream, {}, "removeFilter")


async def exec_filter_method(_: Context, incoming: ReceivedRequest) -> None:
    """Record and announce a call of a method of a stream's filter, for moderators and owners.

    Raises:
        OpenViduException: 401, the participant may not; 102, there is no such stream; 406, it has no filter, or the
            parameters are malformed; 999, the session has no room for them.
    """
    participant = incoming.participant
    call = incoming.read(ExecFilterMethod)
    _may(participant, call.stream_id, "execute filter method")
    params = _object(call.params, "params")
    owner, stream = _filtered(*_owner(participant, call.stream_id))
    participant.room.check_description(len(call.method_) + len(call.params))
    last = {"method": call.method_, "params": params}
    _change(incoming, owner, stream, {**stream.filter, "lastExecMethod": last}, "execFilterMethod")


async def add_filter_event_listener(_: Context, incoming: ReceivedRequest) -> None:
    """Note that a moderator or the owner listens to an event, which is never fired.

    Raises:
        OpenViduException: 401, the participant may not; 102, there is no such stream; 406, it has no filter; 407, too many
            types of events are listened to.
    """
    participant = incoming.participant
    call = incoming.read(FilterEventListener)
    _may(participant, call.stream_id, "add filter event listener")
    owner = participant.room.owner_of(call.stream_id)
    if owner is None or owner.stream is None:
        sentence = f"Not user found for streamId '{call.stream_id}' in session '{participant.room.id}'"
        raise AnsweredError(Code.USER_NOT_FOUND, sentence, data="{}")
    if not owner.stream.filter_applied:
        raise AnsweredError(Code.FILTER_NOT_APPLIED, _none_applied(owner), data="{}")
    listeners = owner.stream.filter_listeners
    if len(listeners) >= _MAX_EVENT_TYPES and call.event_type not in listeners:
        sentence = (
            f"Request to addFilterEventListener to stream {call.stream_id} gone wrong: it has {len(listeners)} already"
        )
        raise AnsweredError(Code.FILTER_LISTENER_NOT_FOUND, sentence, data="{}")
    listeners.setdefault(call.event_type, set()).add(participant.id)
    incoming.answer()


async def remove_filter_event_listener(_: Context, incoming: ReceivedRequest) -> None:
    """Note that a moderator or the owner listens to an event no more.

    For a stream that does not exist the request succeeds, as on the real server.

    Raises:
        OpenViduException: 401, the participant may not; 406, the stream has no filter; 407, nobody listens.
    """
    participant = incoming.participant
    call = incoming.read(FilterEventListener)
    _may(participant, call.stream_id, "remove filter event listener")
    owner = participant.room.owner_of(call.stream_id)
    if owner is not None and owner.stream is not None:
        if not owner.stream.filter_applied:
            raise AnsweredError(Code.FILTER_NOT_APPLIED, _none_applied(owner), data="{}")
        listening = owner.stream.filter_listeners.get(call.event_type)
        if listening is None:
            failed = f"Request to removeFilterEventListener to stream {call.stream_id} gone wrong"
            sentence = f"{failed}: Event {call.event_type} has no listener added"
            raise AnsweredError(Code.FILTER_LISTENER_NOT_FOUND, sentence, data="{}")
        listening.discard(participant.id)
        if not listening:
            del owner.stream.filter_listeners[call.event_type]
    incoming.answer()


FILTER_HANDLERS: dict[str, Handler] = {
    "applyFilter": apply_filter,
    "removeFilter": remove_filter,
    "execFilterMethod": exec_filter_method,
    "addFilterEventListener": add_filter_event_listener,
    "removeFilterEventListener": remove_filter_event_listener,
}


def _owns(participant: Participant, stream_id: str) -> bool:
    return participant.stream is not None and participant.stream.id == stream_id


def _may(participant: Participant, stream_id: str, what: str) -> None:
    if not participant.may_moderate and not _owns(participant, stream_id):
        raise _unauthorized(what)


def _unauthorized(what: str) -> OpenViduException:
    return OpenViduException(Code.UNAUTHORIZED, f"Unable to {what}. The user does not have a valid token")


def _owner(participant: Participant, stream_id: str) -> tuple[Participant, PublishedStream]:
    room = participant.room
    owner = room.owner_of(stream_id)
    if owner is None or owner.stream is None:
        raise OpenViduException(Code.USER_NOT_FOUND, f"Owner of stream '{stream_id}' not found in session '{room.id}'")
    return owner, owner.stream


def _filtered(owner: Participant, stream: PublishedStream) -> tuple[Participant, PublishedStream]:
    if not stream.filter_applied:
        raise OpenViduException(Code.FILTER_NOT_APPLIED, _none_applied(owner))
    return owner, stream


def _allowed(participant: Participant) -> frozenset[str]:
    return frozenset((participant.token.properties.kurento_options or {}).get("allowedFilters") or ())


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OpenViduException(Code.FILTER_NOT_APPLIED, f"'{name}' parameter is not a JSON object")
    return found


def _change(
    incoming: ReceivedRequest, owner: Participant, stream: PublishedStream, now: dict[str, Any], reason: str
) -> None:
    """Answer, and tell all but who has asked; a moderator who publishes the stream is told all the same, as there."""
    stream.filter = now
    told = {name: value for name, value in now.items() if value or name != "lastExecMethod"}
    asking, room = incoming.participant, owner.room
    incoming.answer()
    forced = asking.may_moderate
    recipients = [one for one in room.participants if one is not asking or (forced and one is owner)]
    tell(recipients, RemoteStreamPropertyChanged(owner.id, stream.id, "filter", told, reason))


def _none_applied(owner: Participant) -> str:
    return f"User '{owner.id} has no filter applied in session '{owner.room.id}'"
