"""The REST API: shapes, statuses, rights (`protocol.md` section 10)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web

from tests.server.live_server import AUTH, LiveServer

SESSION_KEYS = {
    "id",
    "object",
    "sessionId",
    "createdAt",
    "recording",
    "broadcasting",
    "mediaMode",
    "recordingMode",
    "defaultRecordingProperties",
    "customSessionId",
    "forcedVideoCodec",
    "allowTranscoding",
    "connections",
}
CONNECTION_KEYS = {
    "id",
    "object",
    "status",
    "connectionId",
    "sessionId",
    "createdAt",
    "activeAt",
    "location",
    "ip",
    "platform",
    "token",
    "type",
    "record",
    "role",
    "kurentoOptions",
    "customIceServers",
    "rtspUri",
    "adaptativeBitrate",
    "onlyPlayWithSubscribers",
    "networkCache",
    "serverData",
    "clientData",
    "publishers",
    "subscribers",
}


async def test_requests_without_the_secret_are_refused_with_401(live: LiveServer) -> None:
    for headers in (
        {},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic T1BFTlZJRFVBUFA6d3Jvbmc="},
    ):
        async with live.http.get(live.url("/openvidu/api/sessions"), headers=headers) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith("Basic")
            assert (await response.json())["status"] == 401
    async with live.http.get(live.url("/openvidu/api/config/openvidu-publicurl")) as response:
        assert await response.text() == live.url("/")


async def test_unknown_paths_and_methods_are_refused_with_403(live: LiveServer) -> None:
    assert await live.status("GET", "nowhere") == 403
    assert await live.status("PUT", "sessions") == 403
    assert await live.status("DELETE", "config") == 403


async def test_recording_requests_are_refused_with_501(live: LiveServer) -> None:
    assert await live.status("POST", "recordings/start", {"session": "x"}) == 501
    assert await live.status("GET", "recordings") == 501


async def test_session_can_be_created_listed_read_and_deleted(live: LiveServer) -> None:
    session = await live.rest("POST", "sessions", {"customSessionId": "Daily-1", "mediaMode": "ROUTED", "other": 1})
    assert session.keys() == SESSION_KEYS
    assert session["id"] == session["sessionId"] == session["customSessionId"] == "Daily-1"
    assert session["connections"] == {"numberOfElements": 0, "content": []}
    assert await live.rest("GET", "sessions/Daily-1") == session
    assert await live.rest("GET", "sessions") == {"numberOfElements": 1, "content": [session]}
    assert await live.status("POST", "sessions", {"customSessionId": "Daily-1"}) == 409
    assert await live.status("DELETE", "sessions/Daily-1") == 204
    assert await live.status("DELETE", "sessions/Daily-1") == 404
    assert await live.status("GET", "sessions/Daily-1") == 404


async def test_session_can_be_created_without_a_body(live: LiveServer) -> None:
    assert re.fullmatch(r"ses_[A-Z]\w{9}", (await live.rest("POST", "sessions"))["id"])
    assert re.fullmatch(r"ses_[A-Z]\w{9}", (await live.rest("POST", "sessions", {}))["id"])


async def test_connection_is_pending_until_its_token_is_used(live: LiveServer) -> None:
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    pending = await live.rest(
        "POST",
        "sessions/room/connection",
        {
            "role": "MODERATOR",
            "data": "from the backend",
            "kurentoOptions": {"videoMaxSendBandwidth": 500},
            "customIceServers": [{"url": "turn:turn.example:3478", "username": "u", "credential": "c"}],
        },
    )
    assert pending.keys() == CONNECTION_KEYS
    assert pending["status"] == "pending"
    assert pending["serverData"] == "from the backend"
    assert pending["kurentoOptions"] == {"videoMaxSendBandwidth": 500}
    assert all(pending[key] is None for key in ("activeAt", "ip", "platform", "clientData", "publishers"))
    host = f"localhost:{live.test_server.port}"
    assert re.fullmatch(rf"ws://{host}\?sessionId=room&token=tok_\w{{16}}", pending["token"])
    assert (await live.rest("GET", "sessions/room"))["connections"]["numberOfElements"] == 0
    assert (await live.rest("GET", "sessions/room?pendingConnections=true"))["connections"]["numberOfElements"] == 1
    assert (await live.rest("GET", "sessions/room/connection"))["content"] == [pending]
    assert (await live.rest("GET", "sessions/room/connection?pendingConnections=false"))["content"] == []
    assert await live.rest("GET", f"sessions/room/connection/{pending['id']}") == pending

    page = await live.page()
    from tests.server.server_world import join_params

    joined = await page.result("joinRoom", **join_params(pending["token"], "room", "Ada"))
    assert joined["id"] == pending["id"]
    assert joined["role"] == "MODERATOR"
    assert joined["customIceServers"] == pending["customIceServers"]
    stream = await page.publish()
    active = await live.rest("GET", f"sessions/room/connection/{pending['id']}")
    assert active.keys() == CONNECTION_KEYS
    assert active["status"] == "active"
    assert active["clientData"] == "Ada"
    assert active["token"] == pending["token"]
    [publisher] = active["publishers"]
    assert publisher.keys() == {"createdAt", "streamId", "mediaOptions"}
    assert publisher["streamId"] == stream
    assert publisher["mediaOptions"] == {
        "hasAudio": True,
        "audioActive": True,
        "hasVideo": True,
        "videoActive": True,
        "typeOfVideo": "CAMERA",
        "frameRate": 30,
        "videoDimensions": '{"width":640,"height":480}',
        "filter": {},
    }


async def test_subscriptions_are_listed_and_streams_can_be_ended(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member()
    stream = await ada.publish()
    await bob.result("receiveVideoFrom", sender=stream, sdpOffer="x")
    [subscriber] = (await live.rest("GET", f"sessions/room/connection/{bob.id}"))["subscribers"]
    assert subscriber.keys() == {"createdAt", "streamId"}
    assert subscriber["streamId"] == stream
    assert await live.status("DELETE", f"sessions/room/stream/{stream}") == 204
    told = {"connectionId": ada.id, "reason": "forceUnpublishByServer"}
    assert await ada.told("participantUnpublished") == told
    assert await bob.told("participantUnpublished") == told
    assert await live.status("DELETE", f"sessions/room/stream/{stream}") == 404


async def test_deleting_a_connection_evicts_its_participant_or_revokes_its_token(live: LiveServer) -> None:
    ada = await live.member()
    bob = await live.member()
    assert await live.status("DELETE", f"sessions/room/connection/{ada.id}") == 204
    gone = {"connectionId": ada.id, "reason": "forceDisconnectByServer"}
    assert await ada.told("participantEvicted") == gone
    assert await bob.told("participantLeft") == gone
    pending = await live.rest("POST", "sessions/room/connection", {})
    assert await live.status("DELETE", f"sessions/room/connection/{pending['id']}") == 204
    assert await live.status("DELETE", f"sessions/room/connection/{pending['id']}") == 404


async def test_deleting_a_session_evicts_everybody(live: LiveServer) -> None:
    ada = await live.member()
    assert await live.status("DELETE", "sessions/room") == 204
    assert await ada.told("participantEvicted") == {"connectionId": ada.id, "reason": "sessionClosedByServer"}
    assert await live.rest("GET", "sessions") == {"numberOfElements": 0, "content": []}


async def test_a_connection_can_be_changed_while_pending_and_while_active(live: LiveServer) -> None:
    ada = await live.member(role="SUBSCRIBER")
    changed = await live.rest("PATCH", f"sessions/room/connection/{ada.id}", {"role": "PUBLISHER"})
    assert changed["role"] == "PUBLISHER"
    assert await ada.told("connectionPropertyChanged") == {"property": "role", "newValue": "PUBLISHER"}
    assert await ada.publish()
    pending = await live.rest("POST", "sessions/room/connection", {})
    path = f"sessions/room/connection/{pending['id']}"
    assert (await live.rest("PATCH", path, {"record": False}))["record"] is False
    assert await live.status("PATCH", "sessions/room/connection/con_nobody", {}) == 404
    assert (
        await live.status("PATCH", "sessions/nowhere/connection/con_nobody", {}) == 404
    )  # as OpenVidu Pro's tests expect


async def test_signals_of_the_backend_have_no_sender_and_keep_their_type(live: LiveServer) -> None:
    assert await live.status("POST", "signal", {"session": "nowhere"}) == 404
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    assert await live.status("POST", "signal", {"session": "room"}) == 406
    ada, bob = await live.member(), await live.member()
    assert await live.status("POST", "signal", {"session": "room", "to": [ada.id], "type": "X", "data": "hi"}) == 200
    assert await ada.told("sendMessage") == {"type": "X", "data": "hi"}
    assert await live.status("POST", "signal", {"session": "room", "to": ["con_nobody"]}) == 406
    assert await live.status("POST", "signal", {"session": "room", "to": [ada.id, None]}) == 406
    assert not [name for name, _ in bob.notifications if name == "sendMessage"]


async def test_unknown_session_is_answered_with_400_or_404_as_openvidu_does(live: LiveServer) -> None:
    assert await live.status("GET", "sessions/nowhere/connection/con_x") == 400
    assert await live.status("DELETE", "sessions/nowhere/connection/con_x") == 400
    assert await live.status("DELETE", "sessions/nowhere/stream/str_x") == 400
    assert await live.status("GET", "sessions/nowhere/connection") == 404
    assert await live.status("POST", "sessions/nowhere/connection", {}) == 404


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("sessions", {"customSessionId": "no spaces"}, "customSessionId"),
        ("sessions", {"customSessionId": 5}, "customSessionId"),
        ("sessions", {"mediaMode": "WHAT"}, "mediaMode"),
        ("sessions", {"allowTranscoding": "yes"}, "allowTranscoding"),
        ("sessions", [], "body"),
        ("sessions/room/connection", {"role": "KING"}, "role"),
        ("sessions/room/connection", {"type": "IPCAM"}, "type"),
        ("sessions/room/connection", {"data": 5}, "data"),
        ("sessions/room/connection", {"customIceServers": [{"username": "u"}]}, "customIceServers.0.url"),
        ("signal", {"to": []}, "session"),
        ("signal", {"session": "room", "to": [5]}, "to.0"),
        ("tokens", {"role": "SUBSCRIBER"}, "session"),
        ("sessions", {"defaultRecordingProperties": {"resolution": "5x5"}}, "defaultRecordingProperties.resolution"),
        ("sessions", {"defaultRecordingProperties": {"frameRate": 121}}, "defaultRecordingProperties.frameRate"),
        ("sessions", {"defaultRecordingProperties": {"shmSize": 1}}, "defaultRecordingProperties.shmSize"),
        ("sessions", {"defaultRecordingProperties": {"name": "a b"}}, "defaultRecordingProperties.name"),
        (
            "sessions",
            {"defaultRecordingProperties": {"hasAudio": False, "hasVideo": False}},
            "defaultRecordingProperties",
        ),
        ("sessions", {"mediaNode": {}}, "mediaNode.id"),
        ("sessions/room/connection", {"record": "yes"}, "record"),
        ("sessions/room/connection", {"kurentoOptions": {"videoMaxRecvBandwidth": True}}, "videoMaxRecvBandwidth"),
        ("sessions/room/connection", {"customIceServers": [{"url": "http://x"}]}, "customIceServers.0.url"),
        ("sessions/room/connection", {"customIceServers": [{"url": "turn:x"}]}, "customIceServers.0"),
    ],
)
async def test_invalid_body_is_refused_with_400_and_the_name_of_the_field(
    live: LiveServer, path: str, body: Any, named: str
) -> None:
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    async with live.http.post(live.url(f"/openvidu/api/{path}"), json=body, headers=AUTH) as response:
        assert response.status == 400
        error = await response.json()
    assert error.keys() == {"timestamp", "status", "error", "message", "path"}
    assert error["error"] == "Bad Request"
    assert error["path"] == f"/openvidu/api/{path}"
    assert named in error["message"]


async def test_malformed_json_is_refused_with_400_and_a_too_large_body_with_413(live: LiveServer) -> None:
    url = live.url("/openvidu/api/sessions")
    is_json = AUTH | {"Content-Type": "application/json"}
    async with live.http.post(url, data=b"{", headers=is_json) as response:
        assert response.status == 400
    async with live.http.post(url, data=b"x" * 2 * 1024 * 1024, headers=is_json) as response:
        assert response.status == 413


async def test_body_with_another_content_type_is_refused_with_415(live: LiveServer) -> None:
    async with live.http.post(
        live.url("/openvidu/api/sessions"), data={"customSessionId": "x"}, headers=AUTH
    ) as response:
        assert response.status == 415
        assert (await response.json())["message"] == "Content-Type must be application/json"
    async with live.http.post(live.url("/openvidu/api/sessions"), data=b"", headers=AUTH) as response:
        assert response.status == 200


@pytest.mark.parametrize(("text", "pending"), [("true", 1), ("1", 1), ("On", 1), ("no", 0), ("FALSE", 0), ("", 0)])
async def test_boolean_query_parameters_accept_the_values_that_spring_accepts(
    live: LiveServer, text: str, pending: int
) -> None:
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    await live.rest("POST", "sessions/room/connection")
    session = await live.rest("GET", f"sessions/room?pendingConnections={text}")
    assert session["connections"]["numberOfElements"] == pending
    assert await live.status("GET", "sessions/room?pendingConnections=perhaps") == 400


async def test_deprecated_token_request_creates_a_pending_connection(live: LiveServer) -> None:
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    body = {
        "session": "room",
        "role": "MODERATOR",
        "data": "d",
        "record": False,
        "kurentoOptions": {"allowedFilters": []},
    }
    token = await live.rest("POST", "tokens", body)
    assert token.keys() == {"id", "token", "createdAt", "connectionId", "session", "data", "role", "kurentoOptions"}
    assert token["id"] == token["token"]
    pending = await live.rest("GET", f"sessions/room/connection/{token['connectionId']}")
    assert (pending["token"], pending["record"], pending["serverData"]) == (token["token"], True, "d")
    assert await live.status("POST", "tokens", {"session": "nowhere"}) == 404


async def test_record_false_of_a_connection_is_returned(live: LiveServer) -> None:
    ada = await live.member(record=False)
    assert (await live.rest("GET", f"sessions/room/connection/{ada.id}"))["record"] is False


async def test_head_requests_are_answered_where_get_requests_are(live: LiveServer) -> None:
    url = live.url("/openvidu/api/")
    async with live.http.head(url + "config/openvidu-publicurl") as response:
        assert (response.status, await response.read()) == (200, b"")
    async with live.http.head(url + "sessions") as response:
        assert response.status == 401
    async with live.http.head(url + "sessions", headers=AUTH) as response:
        assert (response.status, response.content_type) == (200, "application/json")


async def test_configuration_values_of_missing_features_are_false(live: LiveServer) -> None:
    assert await live.rest("GET", "config/openvidu-recording") is False
    assert await live.rest("GET", "config/openvidu-cdr") is False


async def test_configuration_contains_the_values_that_the_sdks_read(live: LiveServer) -> None:
    config = await live.rest("GET", "config")
    assert config["VERSION"] == "2.32.2"
    assert config["OPENVIDU_RECORDING"] is False
    assert config["DOMAIN_OR_PUBLIC_IP"] == "localhost"
    assert config["OPENVIDU_PUBLICURL"] == live.url("/")


@pytest.mark.parametrize("path", ["/openvidu/api/sessions", "/faults", "/demo/token"])
async def test_request_body_cut_off_by_a_lost_connection_is_answered_with_400(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def cut_off(_: web.Request) -> bytes:
        raise ConnectionResetError("Connection lost")

    monkeypatch.setattr(web.Request, "read", cut_off)
    async with live.http.post(live.url(path), json={}, headers=AUTH) as response:
        assert response.status == 400
        assert "ended too early" in await response.text()
