"""Notifications, well-formed and not: what a server sends must not raise in the client."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pyvidu.membership import ParticipantState
from pyvidu.membership.room_state import RoomState
from pyvidu.protocol import notifications
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import camel_case

NOTIFICATIONS = [
    item
    for item in vars(notifications).values()
    if isinstance(item, type) and issubclass(item, Call) and item.__module__ == notifications.__name__
]
KEYS = [(item.method, camel_case(field.name)) for item in NOTIFICATIONS for field in dataclasses.fields(item)]
WRONG = [None, "", "nonsense", -1, 1e300, True, [], [None], {}, {"a": {}}, "x" * 100_000]


class Reports:
    """Records which of its methods are called, and with what: a listener and an owner of a room."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))


class Room:
    """A room with one remote participant, and what it reports."""

    def __init__(self) -> None:
        self.reports: Any = Reports()
        self.state = RoomState(ParticipantState("con_own", role="PUBLISHER"), self.reports, self.reports)
        self.state.notified("participantJoined", {"id": "con_b"})
        self.state.notified("participantPublished", {"id": "con_b", "streams": [{"id": "str_CAM_b"}]})
        self.reports.calls.clear()


def well_formed(method: str) -> dict[str, Any]:
    known = {
        "id": "con_b", "connectionId": "con_b", "streamId": "str_CAM_b", "streams": [{"id": "str_CAM_b"}], "reason": "",
        "property": "audioActive", "newValue": 3, "oldValue": 4, "name": "x", "endpointName": "x", "candidate": "x",
        "senderConnectionId": "con_b", "sdpOffer": "x", "type": "signal:x", "data": "x", "from": "con_b",
    }  # fmt: skip
    (cls,) = (item for item in NOTIFICATIONS if item.method == method)
    keys = {camel_case(field.name) for field in dataclasses.fields(cls)}
    return {key: value for key, value in known.items() if key in keys}


@pytest.mark.parametrize("method", [item.method for item in NOTIFICATIONS])
def test_every_notification_has_a_handler(method: str, caplog: pytest.LogCaptureFixture) -> None:
    Room().state.notified(method, well_formed(method))
    assert not [record for record in caplog.records if "unknown notification" in record.getMessage()]


@pytest.mark.parametrize(("method", "key"), KEYS)
def test_a_notification_with_a_field_missing_or_wrong_raises_nothing(method: str, key: str) -> None:
    whole = well_formed(method)
    Room().state.notified(method, {name: value for name, value in whole.items() if name != key})
    for value in WRONG:
        Room().state.notified(method, {**whole, key: value})


def test_invalid_network_quality_level_is_ignored() -> None:
    room = Room()
    room.state.notified("networkQualityLevelChanged", {"connectionId": "con_b", "newValue": None, "oldValue": 1})
    room.state.notified("networkQualityLevelChanged", {"connectionId": "con_b", "newValue": 2, "oldValue": None})
    assert [(name, new) for name, _participant, new, _old in room.reports.calls] == [("network_quality_changed", 2)]


def test_a_crashed_master_node_ends_the_session() -> None:
    room = Room()
    room.state.notified("masterNodeCrashedNotification", {})
    assert room.reports.calls == [("expelled", "nodeCrashed")]
