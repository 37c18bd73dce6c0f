"""Notifications, well-formed and not: what each changes and reports, in which order; none raises in the client."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pyvidu.membership import ParticipantState, StreamState
from pyvidu.membership.room_state import RoomState
from pyvidu.protocol import notifications
from pyvidu.protocol.messages import Call, JoinRoomResult, ParticipantInfo, StreamInfo
from pyvidu.protocol.notifications import NetworkQualityLevelChanged
from pyvidu.protocol.values import FilterInfo, TrackInfo
from pyvidu.protocol.wire import camel_case
from tests.unit.reports import Reports

NOTIFICATIONS = [
    item
    for item in vars(notifications).values()
    if isinstance(item, type) and issubclass(item, Call) and item.__module__ == notifications.__name__
]
KEYS = [(item.method, camel_case(field.name)) for item in NOTIFICATIONS for field in dataclasses.fields(item)]
WRONG = [None, "", "nonsense", -1, 1e300, True, [], [None], {}, {"a": {}}, "x" * 100_000]


class Room:
    """A room with one remote participant, and what it reports."""

    def __init__(self) -> None:
        self.reports: Any = Reports()
        self.state = RoomState(ParticipantState("con_own", role="PUBLISHER"), self.reports, self.reports)
        self.state.notified("participantJoined", {"id": "con_b"})
        self.state.notified("participantPublished", {"id": "con_b", "streams": [{"id": "str_CAM_b"}]})
        self.reports.calls.clear()

    def notified(self, method: str, **params: Any) -> list[tuple[Any, ...]]:
        """Handle a notification and return what it makes the room report."""
        told = len(self.reports.calls)
        self.state.notified(method, params)
        return list(self.reports.calls[told:])

    @property
    def other(self) -> ParticipantState:
        return self.state.participants["con_b"]


def well_formed(method: str) -> dict[str, Any]:
    known = {
        "id": "con_b", "connectionId": "con_b", "streamId": "str_CAM_b", "streams": [{"id": "str_CAM_b"}], "reason": "",
        "property": "audioActive", "newValue": 3, "oldValue": 4, "name": "x", "endpointName": "x", "candidate": "x",
        "senderConnectionId": "con_b", "sdpOffer": "x", "forwarded": False, "type": "signal:x", "data": "x", "from": "con_b",
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
    assert [(name, told.new_value) for name, _participant, told in room.reports.calls] == [
        ("network_quality_changed", 2)
    ]


def test_a_crashed_master_node_ends_the_session() -> None:
    room = Room()
    room.state.notified("masterNodeCrashedNotification", {})
    assert room.reports.calls == [("expelled", "nodeCrashed")]


# --- participants ----------------------------------------------------------------------------------------------------


def test_populating_reports_all_others_before_any_stream_and_leaves_out_the_own_participant() -> None:
    reports: Any = Reports()
    room = RoomState(ParticipantState("con_own"), reports, reports)
    publishing = [ParticipantInfo(f"con_{name}", streams=[StreamInfo(f"str_{name}")]) for name in ("a", "own", "b")]
    room.populate(JoinRoomResult("con_own", "rpc", publishing))
    assert reports.names == ["others_present", "stream_published", "stream_published"]
    assert [item.id for item in reports.calls[0][1]] == ["con_a", "con_b"]
    assert [stream.id for stream in room.streams()] == ["str_a", "str_b"]


def test_participant_that_leaves_has_its_stream_ended_first_with_the_same_reason() -> None:
    room = Room()
    other, stream = room.other, room.other.stream
    assert room.notified("participantLeft", connectionId="con_b", reason="disconnect") == [
        ("stream_unpublished", stream, "disconnect"),
        ("remote_stream_ended", stream),
        ("participant_left", other, "disconnect"),
    ]
    assert (room.state.participants, other.stream) == ({}, None)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("participantJoined", {"id": "con_b"}),
        ("participantJoined", {"id": "con_own"}),
        ("participantPublished", {"id": "con_own", "streams": [{"id": "str_own"}]}),
        ("participantPublished", {"id": "con_b", "streams": [{"id": "str_CAM_b"}]}),
        ("participantPublished", {"id": "con_b", "streams": []}),
        ("participantLeft", {"connectionId": "con_own", "reason": "disconnect"}),
        ("participantLeft", {"connectionId": "con_x", "reason": ""}),
        ("participantUnpublished", {"connectionId": "con_x", "reason": ""}),
        ("participantEvicted", {"connectionId": "con_b", "reason": "forceDisconnectByUser"}),
        ("networkQualityLevelChanged", {"connectionId": "con_x", "newValue": 1, "oldValue": 2}),
        ("streamPropertyChanged", {
            "connectionId": "con_b", "streamId": "str_earlier", "property": "audioActive", "newValue": True, "reason": "",
        }),
        ("streamPropertyChanged", {
            "connectionId": "con_b", "streamId": "str_CAM_b", "property": "colour", "newValue": 1, "reason": "",
        }),
        ("connectionPropertyChanged", {"property": "colour", "newValue": "blue"}),
        ("mediaError", {"error": "no more endpoints"}),
    ],
)  # fmt: skip
def test_notification_that_changes_nothing_is_not_reported(method: str, params: dict[str, Any]) -> None:
    room = Room()
    before = room.other.stream
    assert room.notified(method, **params) == []
    assert (list(room.state.participants), room.other.stream) == (["con_b"], before)


def test_stream_of_an_unknown_participant_reports_the_participant_first() -> None:
    room = Room()
    told = room.notified("participantPublished", id="con_c", streams=[{"id": "str_c"}])
    joined = room.state.participants["con_c"]
    assert told == [("participant_joined", joined), ("stream_published", joined, joined.stream)]


@pytest.mark.parametrize(
    ("method", "params", "report"),
    [
        ("participantEvicted", {"reason": "sessionClosedByServer"}, ("expelled", "sessionClosedByServer")),
        ("participantEvicted", {"reason": ""}, ("expelled", "networkDisconnect")),
        ("participantEvicted", {"reason": "a reason of tomorrow"}, ("expelled", "networkDisconnect")),
        ("participantInterrupted", {}, ("unheard",)),
        ("publishedMediaMissing", {"streamId": "str_own"}, ("local_media_missing", "str_own")),
        ("participantUnpublished", {"reason": "unpublish"}, ("local_stream_expelled", "unpublish")),
        ("participantUnpublished", {"reason": "x"}, ("local_stream_expelled", "networkDisconnect")),
    ],
)
def test_what_concerns_the_own_participant_goes_to_the_owner_and_an_unknown_reason_is_the_network(
    method: str, params: dict[str, str], report: tuple[str, ...]
) -> None:
    assert Room().notified(method, connectionId="con_own", **params) == [report]


# --- signals and properties ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "kind"),
    [(None, "signal"), ("", "signal"), ("signal", "signal"), ("signal:chat", "signal:chat"), ("chat", "signal:chat"),
     ("reconnecting", "signal:reconnecting")],
)  # fmt: skip
def test_kind_of_a_signal_is_never_the_name_of_another_event(told: str | None, kind: str) -> None:
    assert Room().notified("sendMessage", type=told, data="x", **{"from": "con_b"})[0][2] == kind


def test_sender_of_a_signal_is_a_participant_and_none_for_the_server_or_an_unknown_one() -> None:
    room = Room()
    senders = [room.notified("sendMessage", **{"from": name})[0][1:] for name in ("con_own", "con_b", "con_x", None)]
    assert senders == [(who, "signal", "") for who in (room.state.own, room.other, None, None)]


@pytest.mark.parametrize(
    ("name", "values"),
    [("audioActive", (True, False)), ("videoActive", (True, False)), ("filter", ({"type": "GStreamerFilter"}, {}))],
)
def test_changed_property_of_a_stream_is_reported_with_its_old_value(name: str, values: tuple[Any, ...]) -> None:
    room = Room()
    about = {"connectionId": "con_b", "streamId": "str_CAM_b", "property": name, "reason": "why"}
    stream, old = room.other.stream, (False if name != "filter" else None)
    for told in values:
        ((report, of, changed, now, before, reason),) = room.notified("streamPropertyChanged", newValue=told, **about)
        new = told if name != "filter" else FilterInfo("GStreamerFilter") if told else None
        assert (report, of, changed, now, before, reason) == ("stream_changed", stream, name, new, old, "why")
        old = new


@pytest.mark.parametrize("name", ["audioTrack", "videoTrack"])
def test_replaced_track_is_reported_without_an_old_value(name: str) -> None:
    room = Room()
    about = {"connectionId": "con_b", "streamId": "str_CAM_b", "property": name, "reason": "trackReplaced"}
    told = room.notified("streamPropertyChanged", newValue={"label": "x"}, **about)
    assert told == [("stream_changed", room.other.stream, name, TrackInfo("x"), None, "trackReplaced")]


def test_changed_role_and_record_of_the_own_participant_are_kept_and_reported_with_the_old_value() -> None:
    room = Room()
    assert room.notified("connectionPropertyChanged", property="role", newValue="MODERATOR") == [
        ("own_participant_changed", "role", "MODERATOR", "PUBLISHER")
    ]
    assert room.notified("connectionPropertyChanged", property="record", newValue=True) == [
        ("own_participant_changed", "record", True, False)
    ]
    assert (room.state.own.role, room.state.own.record) == ("MODERATOR", True)


def test_network_quality_of_the_own_participant_and_of_another_is_reported() -> None:
    room = Room()
    for identity, who in (("con_own", room.state.own), ("con_b", room.other)):
        told = room.notified("networkQualityLevelChanged", connectionId=identity, newValue=3, oldValue=5)
        assert told == [("network_quality_changed", who, NetworkQualityLevelChanged(identity, 3, 5))]


def test_recordings_are_reported_by_id_name_and_reason() -> None:
    room = Room()
    assert room.notified("recordingStarted", id="r", name="n") == [("recording_started", "r", "n")]
    assert room.notified("recordingStopped", id="r", name="n", reason="x") == [("recording_stopped", "r", "n", "x")]


def test_error_of_the_media_server_is_logged_and_cut(caplog: pytest.LogCaptureFixture) -> None:
    Room().notified("mediaError", error="no more endpoints" + "x" * 10_000)
    assert "the media server reports: no more endpoints" in caplog.text
    assert len(caplog.text) < 2000


# --- reconciling -----------------------------------------------------------------------------------------------------


def listed(identity: str, *streams: StreamInfo) -> ParticipantInfo:
    return ParticipantInfo(identity, metadata=f"data of {identity}", streams=list(streams))


def test_reconciling_with_the_same_participants_reports_nothing() -> None:
    room = Room()
    room.state.reconcile([listed("con_b", StreamInfo("str_CAM_b"))])
    assert room.reports.calls == []


def test_reconciling_reports_who_left_before_who_came_and_a_stream_that_ended_before_the_new_one() -> None:
    room = Room()
    room.notified("participantJoined", id="con_c")
    room.reports.calls.clear()
    new = StreamInfo("str_CAM_b2")
    room.state.reconcile([listed("con_b", new), listed("con_d", StreamInfo("str_d"))])
    assert room.reports.names == [
        "participant_left", "stream_unpublished", "remote_stream_ended", "stream_published", "participant_joined",
        "stream_published",
    ]  # fmt: skip
    assert [reason for *_, reason in room.reports.of("participant_left")] == [""]
    assert [item.id for item in room.state.streams()] == ["str_CAM_b2", "str_d"]


def test_reconciling_reports_what_was_muted_or_unmuted_and_leaves_what_the_list_does_not_say() -> None:
    room = Room()
    room.state.reconcile([listed("con_b", StreamInfo("str_CAM_b", audio_active=True))])
    assert room.reports.calls == [("stream_changed", room.other.stream, "audioActive", True, False, "")]


def test_data_that_a_notification_lacked_is_completed_and_data_that_is_known_stays() -> None:
    room = Room()
    room.notified("participantJoined", id="con_c", metadata="told")
    room.state.reconcile([listed("con_b"), listed("con_c")])
    assert [item.data for item in room.state.participants.values()] == ["data of con_b", "told"]


def test_notifications_that_are_newer_than_the_list_take_precedence_over_it() -> None:
    room = Room()
    room.notified("participantJoined", id="con_c")
    with room.state.collect_newer() as newer:
        room.notified("participantLeft", connectionId="con_c", reason="disconnect")
        room.notified("participantJoined", id="con_d")
        room.notified("participantUnpublished", connectionId="con_b", reason="unpublish")
    room.notified("participantJoined", id="con_e")  # after the list was reconciled, as far as `newer` knows
    room.reports.calls.clear()
    room.state.reconcile([listed("con_b", StreamInfo("str_CAM_b")), listed("con_c"), listed("con_e")], newer)
    assert room.reports.calls == []
    assert list(room.state.participants) == ["con_b", "con_d", "con_e"]
    assert room.other.stream is None


def test_mute_that_is_newer_than_the_list_takes_precedence_also_for_a_stream_that_was_not_known_then() -> None:
    room = Room()
    about = {"property": "audioActive", "reason": ""}
    with room.state.collect_newer() as newer:
        room.notified("streamPropertyChanged", connectionId="con_c", streamId="str_c", newValue=False, **about)
        room.notified("streamPropertyChanged", connectionId="con_b", streamId="str_CAM_b", newValue=True, **about)
    room.reports.calls.clear()
    present = [
        listed("con_b", StreamInfo("str_CAM_b", audio_active=False)),
        listed("con_c", StreamInfo("str_c", audio_active=True, video_active=True)),
    ]
    room.state.reconcile(present, newer)
    assert room.reports.names == ["participant_joined", "stream_published"]
    assert [(item.audio_active, item.video_active) for item in room.state.streams()] == [(True, False), (False, True)]


def test_notifications_are_not_collected_after_the_context_even_if_it_raised() -> None:
    room = Room()
    with pytest.raises(ZeroDivisionError), room.state.collect_newer() as newer:
        raise ZeroDivisionError
    room.notified("participantLeft", connectionId="con_b", reason="")
    assert (newer.left, newer.mentioned) == (set(), set())


# --- participants of whom nothing is heard ---------------------------------------------------------------------------


def test_silent_publisher_is_interrupted_if_its_stream_should_flow_and_until_it_is_heard() -> None:
    room = Room()
    room.state.publisher_heard("con_b", heard=False)
    assert (room.reports.calls, room.other.interrupted) == ([], False), "its stream is off"
    assert room.other.stream is not None
    room.other.stream.has_audio = room.other.stream.audio_active = True
    for heard in (False, False, True, True):
        room.state.publisher_heard("con_b", heard=heard)
        assert room.other.interrupted is not heard
    assert room.reports.names == ["participant_interrupted"] * 2
    room.other.stream = None
    room.state.publisher_heard("con_b", heard=False)
    room.state.publisher_heard("con_unknown", heard=False)
    assert len(room.reports.calls) == 2


@pytest.mark.parametrize(
    ("method", "params", "there"),
    [
        ("sendMessage", {"from": "con_b", "type": "signal:x", "data": "x"}, True),
        ("sendMessage", {"from": "con_c", "type": "signal:x", "data": "x"}, False),
        ("sendMessage", {"type": "signal:x", "data": "x"}, False),
        ("streamPropertyChanged", {"property": "videoActive", "newValue": False}, True),
        ("streamPropertyChanged", {"property": "audioActive", "newValue": False}, True),
        ("streamPropertyChanged", {"property": "filter", "newValue": {}}, False),
    ],
)
def test_whoever_does_something_is_not_interrupted(method: str, params: dict[str, Any], there: bool) -> None:
    room = Room()
    room.other.interrupted = True
    if method == "streamPropertyChanged":
        params = {"connectionId": "con_b", "streamId": "str_CAM_b", "reason": "", **params}
    room.notified(method, **params)
    assert room.other.interrupted is not there


# --- filters ---------------------------------------------------------------------------------------------------------


GREY = {"type": "GStreamerFilter", "options": {"command": "videobalance saturation=0.0"}}
IS_GREY = FilterInfo("GStreamerFilter", {"command": "videobalance saturation=0.0"})
CALLED = GREY | {"lastExecMethod": {"method": "setElementProperty", "params": {"saturation": "1.0"}}}


def publishing(room: Room) -> StreamState:
    """Let the local participant publish a stream."""
    own = StreamState("str_own", "con_own")
    room.state = RoomState(room.state.own, room.reports, Owner(room.reports, own))
    return own


class Owner:
    def __init__(self, reports: Any, own: StreamState) -> None:
        self._reports, self._own = reports, own

    def own_stream(self) -> StreamState:
        return self._own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reports, name)


def test_filter_of_the_own_stream_that_another_has_changed_is_reported_once_and_nothing_else_of_it() -> None:
    room = Room()
    own = publishing(room)
    about = {"connectionId": "con_own", "streamId": "str_own", "property": "filter", "reason": "applyFilter"}
    assert room.notified("streamPropertyChanged", newValue=GREY, **about) == [
        ("stream_changed", own, "filter", IS_GREY, None, "applyFilter")
    ]
    assert room.notified("streamPropertyChanged", newValue=GREY, **about) == []
    assert (own.filter, own.filter_changes) == (IS_GREY, 1)
    muted = about | {"property": "videoActive", "newValue": "true", "reason": "publishVideo"}
    assert room.notified("streamPropertyChanged", **muted) == []
    assert room.notified("streamPropertyChanged", newValue=GREY, **(about | {"streamId": "str_earlier"})) == []


def test_event_of_a_filter_is_reported_while_the_stream_has_one() -> None:
    room = Room()
    stream = room.other.stream
    assert stream is not None
    event = {"connectionId": "con_b", "streamId": "str_CAM_b", "eventType": "CodeFound", "data": {"value": "x"}}
    assert room.notified("filterEventDispatched", **event) == []
    stream.filter = IS_GREY
    assert room.notified("filterEventDispatched", **event) == [("filter_event", stream, "CodeFound", {"value": "x"})]


def test_reconciling_reports_filters_that_were_applied_used_or_removed_of_the_own_stream_too() -> None:
    room = Room()
    own = publishing(room)
    room.notified("participantPublished", id="con_b", streams=[{"id": "str_CAM_b"}])
    room.reports.calls.clear()
    stream = room.other.stream
    for filters, reason in ((GREY, "applyFilter"), (CALLED, "execFilterMethod"), (None, "removeFilter")):
        present = [
            listed(identity, StreamInfo(known, audio_active=False, filter=filters))
            for identity, known in (("con_own", "str_own"), ("con_b", "str_CAM_b"))
        ]
        room.state.reconcile(present)
        told = [(of, name, why) for _, of, name, _, _, why in room.reports.calls]
        assert told == [(own, "filter", reason), (stream, "filter", reason)]
        room.reports.calls.clear()
    own.filter = IS_GREY
    room.state.reconcile([listed("con_own", StreamInfo("str_own")), listed("con_b", StreamInfo("str_CAM_b"))])
    assert room.reports.calls == [], "nothing but the ids is known"
    with room.state.collect_newer() as newer:
        about = {"connectionId": "con_b", "streamId": "str_CAM_b", "property": "filter", "reason": "applyFilter"}
        room.notified("streamPropertyChanged", newValue=GREY, **about)
    room.reports.calls.clear()
    room.state.reconcile([listed("con_b", StreamInfo("str_CAM_b", audio_active=False))], newer)
    assert room.reports.calls == []


def test_video_that_is_not_forwarded_is_reported_once_and_stays_active() -> None:
    room = Room()
    stream = room.other.stream
    assert stream is not None
    stream.video_active = True
    paused = {"connectionId": "con_b", "streamId": "str_CAM_b", "forwarded": False, "reason": "bandwidth"}
    assert room.notified("videoForwardingChanged", **paused) == [("video_forwarding_changed", stream, "bandwidth")]
    assert room.notified("videoForwardingChanged", **paused) == []
    assert (stream.video_forwarded, stream.video_active) == (False, True)
    again = {**paused, "forwarded": True, "reason": ""}
    assert room.notified("videoForwardingChanged", **again) == [("video_forwarding_changed", stream, "")]
    assert room.notified("videoForwardingChanged", **{**paused, "streamId": "another"}) == []
