"""The shapes of REST bodies: any JSON is either accepted and returned as OpenVidu does, or the error says what is wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pyvidu.server.app import create_app
from pyvidu.server.config import ServerConfig
from pyvidu.server.http.rest_bodies import (
    ConnectionBody,
    IceServerBody,
    RecordingBody,
    SessionBody,
    SignalBody,
    TokenBody,
)
from pyvidu.server.problems import first_problem
from tests.server.live_server import AUTH
from tests.server.server_world import SECRET, FakeMedia
from tests.server.test_rest import CONNECTION_KEYS, SESSION_KEYS

PACE = settings(max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
RECORDING = {
    "name": st.from_regex(r"[a-zA-Z0-9_\-~]*", fullmatch=True),
    "hasAudio": st.just(True),
    "hasVideo": st.booleans(),
    "outputMode": st.sampled_from(["COMPOSED", "COMPOSED_QUICK_START", "INDIVIDUAL"]),
    "recordingLayout": st.sampled_from(["BEST_FIT", "CUSTOM"]),
    "resolution": st.sampled_from(["100x100", "1280x720", "1999x1999"]),
    "frameRate": st.integers(1, 120),
    "shmSize": st.integers(134_217_728, 2**40),
    "customLayout": st.text(),
    "ignoreFailedStreams": st.booleans(),
}
SESSION = {
    "customSessionId": st.from_regex(r"[a-zA-Z0-9_\-]{1,30}", fullmatch=True),
    "mediaMode": st.sampled_from(["ROUTED", "RELAYED"]),
    "recordingMode": st.sampled_from(["ALWAYS", "MANUAL"]),
    "forcedVideoCodec": st.sampled_from(["MEDIA_SERVER_PREFERRED", "NONE", "VP8", "VP9", "H264"]),
    "allowTranscoding": st.booleans(),
    "defaultRecordingProperties": st.fixed_dictionaries({}, optional=RECORDING),
}
ICE_SERVERS = st.sampled_from(
    [
        {"url": "stun:stun.example:3478"},
        {"url": "turn:127.0.0.1:3478?transport=tcp", "username": "u", "credential": "c"},
        {"url": "turns:[2001:db8::1]:5349", "username": "u", "credential": "c"},
    ]
)
CONNECTION = {
    "type": st.just("WEBRTC"),
    "role": st.sampled_from(["SUBSCRIBER", "PUBLISHER", "MODERATOR"]),
    "data": st.text(max_size=100),
    "record": st.booleans(),
    "kurentoOptions": st.fixed_dictionaries(
        {}, optional={"videoMaxRecvBandwidth": st.integers(0, 10_000), "allowedFilters": st.lists(st.text())}
    ),
    "customIceServers": st.lists(ICE_SERVERS, max_size=3),
}
SIGNAL = {"session": st.just("room"), "to": st.just([]), "type": st.text(), "data": st.text()}


def valid(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


def spoiled(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Return a strategy for bodies in which some members have arbitrary values."""
    anything = st.dictionaries(st.sampled_from(sorted(members)), JSON, max_size=2)
    return st.builds(lambda body, bad: body | bad, valid(members), anything) | JSON


@PACE
@given(valid(SESSION))
def test_session_properties_equal_the_requested_ones(body: dict[str, Any]) -> None:
    properties = SessionBody.model_validate(body).properties()
    assert properties.custom_session_id == body.get("customSessionId", "")
    assert properties.media_mode == body.get("mediaMode", "ROUTED")
    assert properties.allow_transcoding is body.get("allowTranscoding", False)
    asked, told = body.get("defaultRecordingProperties", {}), properties.default_recording_properties
    assert told.items() >= {key: value for key, value in asked.items() if key in told}.items()
    mode, video = asked.get("outputMode", "COMPOSED"), asked.get("hasVideo", True)
    of_video = {"recordingLayout", "resolution", "frameRate", "shmSize"}
    assert (of_video <= told.keys()) == (mode != "INDIVIDUAL" and video)
    assert ("ignoreFailedStreams" in told) == (mode == "INDIVIDUAL")
    assert ("customLayout" in told) == (of_video <= told.keys() and asked.get("recordingLayout") == "CUSTOM")


@PACE
@given(valid(CONNECTION))
def test_connection_properties_equal_the_requested_ones(body: dict[str, Any]) -> None:
    properties = ConnectionBody.model_validate(body).properties()
    assert properties.role == body.get("role", "PUBLISHER")
    assert properties.data == body.get("data", "")
    assert properties.record is body.get("record", True)
    options = body.get("kurentoOptions")
    expected = options if options is None else {key: value for key, value in options.items() if value != []}
    assert properties.kurento_options == expected
    assert [server.url for server in properties.custom_ice_servers] == [
        s["url"] for s in body.get("customIceServers", [])
    ]


@PACE
@given(st.sampled_from([SessionBody, ConnectionBody, TokenBody, SignalBody, RecordingBody, IceServerBody]), JSON)
def test_any_json_body_is_accepted_or_refused_with_a_message_about_the_field(
    body: type[SessionBody], value: Any
) -> None:
    problem = None
    try:
        body.model_validate(value)
    except ValidationError as error:
        problem = first_problem(error)
    assert problem is None or problem.startswith(("Parameter '", "The body is wrong: "))


@pytest.mark.parametrize(
    "url",
    [
        "stun:stun.example",
        "stuns:10.0.0.1:5349",
        "turn:turn.example:3478?transport=udp",
        "turns:[::1]",
        "turn:turn_server:3478",
    ],
)
def test_stun_and_turn_urls_are_accepted(url: str) -> None:
    credentials = {"username": "u", "credential": "c"} if url.startswith("turn") else {}
    assert IceServerBody(url=url, **credentials).info().url == url


@pytest.mark.parametrize(
    "server",
    [
        {"url": "turn:"},
        {"url": "turn:host:0"},
        {"url": "turn:host:65536"},
        {"url": "turn:host:99999999999999999999"},
        {"url": "turn:host:port"},
        {"url": "turn:a b"},
        {"url": "turn:-a"},
        {"url": "turn:[::g]"},
        {"url": "turn:[::1"},
        {"url": "turn:host?transport=sctp"},
        {"url": "stun:host?transport=udp", "username": None, "credential": None},
        {"url": "http://host"},
        {"url": "stun:host", "username": "u", "credential": "c"},
        {"url": "turn:host", "username": "u", "credential": None},
        {"url": "turn:host", "staticAuthSecret": "s"},
    ],
)
def test_invalid_ice_server_is_refused(server: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IceServerBody.model_validate({"username": "u", "credential": "c"} | server)


def test_static_auth_secret_is_turned_into_time_limited_turn_credentials() -> None:
    server = IceServerBody(url="turn:turn.example", staticAuthSecret="shared").info()
    assert server.username
    assert server.username.partition(":")[0].isdecimal()
    mac = hmac.new(b"shared", server.username.encode(), hashlib.sha1).digest()
    assert server.credential == base64.b64encode(mac).decode()


@settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.just("sessions"), spoiled(SESSION))
        | st.tuples(st.just("sessions/room/connection"), spoiled(CONNECTION))
        | st.tuples(st.just("tokens"), spoiled(CONNECTION | {"session": st.just("room")}))
        | st.tuples(st.just("signal"), spoiled(SIGNAL)),
        min_size=40,
        max_size=60,
    )
)
def test_responses_to_arbitrary_bodies_have_the_documented_keys(asked: list[tuple[str, Any]]) -> None:
    asyncio.run(_ask(asked))


async def _ask(asked: list[tuple[str, Any]]) -> None:
    server = TestServer(create_app(ServerConfig(secret=SECRET), make_media=lambda _: FakeMedia()))
    await server.start_server()
    async with aiohttp.ClientSession(server.make_url("/openvidu/api/"), headers=AUTH) as http:
        await http.post("sessions", json={"customSessionId": "room"})
        for path, body in asked:
            async with http.post(path, json=body) as response:
                answer = await response.json() if response.content_type == "application/json" else None
                if response.status == 200 and path == "sessions":
                    assert answer.keys() == SESSION_KEYS
                elif response.status == 200 and path.endswith("connection"):
                    assert answer.keys() == CONNECTION_KEYS
                elif response.status == 200:
                    assert path == "tokens"
                elif response.status == 400:
                    assert answer.keys() == {"timestamp", "status", "error", "message", "path"}
                    assert answer["message"].startswith(("Parameter '", "The body is wrong: "))
                else:
                    assert response.status == {"sessions": 409, "signal": 406, "tokens": 404}[path] or (
                        path, response.status) == ("signal", 404)  # fmt: skip
    await server.close()
