"""The handlers of filter requests. Filters are Kurento's media elements, which our media server does not have.

None is ever applied: every request is answered as the real server does when there is no filter, or when it cannot
apply one. Source: `RpcHandler` and `KurentoSessionManager` of openvidu-server 2.32.2, whose unbalanced quotes are kept.
"""

from __future__ import annotations

import json
from typing import Any

from pyvidu.protocol.codes import Code
from pyvidu.protocol.filter_messages import ApplyFilter, ExecFilterMethod, FilterEventListener, RemoveFilter
from pyvidu.server.errors import AnsweredError, OpenViduException
from pyvidu.server.rooms.room import Participant
from pyvidu.server.signaling.handlers import Context, Handler
from pyvidu.server.signaling.rpc_session import ReceivedRequest


def filter_to_publish_with(participant: Participant, wanted: Any) -> dict[str, Any]:
    """Return the filter to announce when `participant` publishes with one; `{}` is none.

    The real server checks the rights of the token, and applies the filter, only if the token has `kurentoOptions`.
    Otherwise it passes the filter on without applying it.

    Raises:
        OpenViduException: 406, it is malformed, or not allowed, or would have to be applied.
    """
    if wanted is None:
        return {}
    if (
        not isinstance(wanted, dict)
        or not isinstance(wanted.get("type"), str)
        or not isinstance(wanted.get("options"), dict)
    ):
        raise OpenViduException(
            Code.FILTER_NOT_APPLIED, "'filter' parameter wrong: it is an object of 'type' and 'options'"
        )
    kind, options = wanted["type"], participant.token.properties.kurento_options
    if options is None:
        return {"type": kind, "options": wanted["options"], "lastExecMethod": {}}
    failed = f"Error applying filter for publishing user {participant.id}"
    if kind not in options.get("allowedFilters", []):
        sentence = f"{failed}. The token has no permissions to apply filter {kind}"
        raise AnsweredError(Code.FILTER_NOT_APPLIED, sentence)
    raise AnsweredError(Code.FILTER_NOT_APPLIED, f"{failed}: this media server has no filters")


async def apply_filter(_: Context, incoming: ReceivedRequest) -> None:
    """Refuse `applyFilter`, which moderators may send, and owners whose token allows the filter.

    Raises:
        OpenViduException: 401, the participant may not; 102, there is no such stream; 406, otherwise.
    """
    participant = incoming.participant
    call = incoming.read(ApplyFilter)
    allowed = (participant.token.properties.kurento_options or {}).get("allowedFilters", [])
    if not participant.may_moderate and not (_owns(participant, call.stream_id) and call.type in allowed):
        raise _unauthorized("apply filter")
    try:
        if not isinstance(json.loads(call.options), dict):
            raise ValueError(call.options)  # noqa: TRY004, TRY301 - as wrong as what is no JSON at all
    except (ValueError, RecursionError):
        raise OpenViduException(Code.FILTER_NOT_APPLIED, "'options' parameter is not a JSON object") from None
    _owner(participant, call.stream_id)
    raise AnsweredError(Code.FILTER_NOT_APPLIED, "Error applying filter: this media server has no filters")


async def remove_filter(_: Context, incoming: ReceivedRequest) -> None:
    """Refuse `removeFilter`, which moderators and owners may send.

    Raises:
        OpenViduException: 401, the participant may not; 102, there is no such stream; 406, it has no filter.
    """
    participant = incoming.participant
    stream_id = incoming.read(RemoveFilter).stream_id
    _may(participant, stream_id, "remove filter")
    raise OpenViduException(Code.FILTER_NOT_APPLIED, _none_applied(_owner(participant, stream_id)))


async def exec_filter_method(_: Context, incoming: ReceivedRequest) -> None:
    """Refuse `execFilterMethod`, which moderators and owners may send.

    Raises:
        OpenViduException: 401, the participant may not; 102, there is no such stream; 406, it has no filter.
    """
    participant = incoming.participant
    stream_id = incoming.read(ExecFilterMethod).stream_id
    _may(participant, stream_id, "execute filter method")
    raise OpenViduException(Code.FILTER_NOT_APPLIED, _none_applied(_owner(participant, stream_id)))


async def add_filter_event_listener(_: Context, incoming: ReceivedRequest) -> None:
    """Refuse `addFilterEventListener`, which moderators and owners may send.

    Raises:
        OpenViduException: 401, the participant may not; 102, there is no such stream; 406, it has no filter.
    """
    participant = incoming.participant
    stream_id = incoming.read(FilterEventListener).stream_id
    _may(participant, stream_id, "add filter event listener")
    owner = participant.room.owner_of(stream_id)
    if owner is None:
        sentence = f"Not user found for streamId '{stream_id}' in session '{participant.room.id}'"
        raise AnsweredError(Code.USER_NOT_FOUND, sentence, data="{}")
    raise AnsweredError(Code.FILTER_NOT_APPLIED, _none_applied(owner), data="{}")


async def remove_filter_event_listener(_: Context, incoming: ReceivedRequest) -> None:
    """Refuse `removeFilterEventListener`, which moderators and owners may send.

    For a stream that does not exist the request succeeds, as on the real server.

    Raises:
        OpenViduException: 401, the participant may not; 406, the stream has no filter.
    """
    participant = incoming.participant
    stream_id = incoming.read(FilterEventListener).stream_id
    _may(participant, stream_id, "remove filter event listener")
    if (owner := participant.room.owner_of(stream_id)) is not None:
        raise AnsweredError(Code.FILTER_NOT_APPLIED, _none_applied(owner), data="{}")
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


def _owner(participant: Participant, stream_id: str) -> Participant:
    room = participant.room
    owner = room.owner_of(stream_id)
    if owner is None:
        raise OpenViduException(Code.USER_NOT_FOUND, f"Owner of stream '{stream_id}' not found in session '{room.id}'")
    return owner


def _none_applied(owner: Participant) -> str:
    return f"User '{owner.id} has no filter applied in session '{owner.room.id}'"
