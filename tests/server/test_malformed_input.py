"""Malformed input: the server does not crash and the others are still served. The inputs are the same every time."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyvidu.server.rooms.tokens import Role
from pyvidu.server.signaling.handlers import HANDLERS
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from pyvidu.server.signaling.stream_handlers import STREAM_HANDLERS
from tests.server.server_world import Client, World, evicting_after, settle
from tests.virtual_time import run_virtual

METHODS = [*HANDLERS, *STREAM_HANDLERS, "ping", "connect", "closeSession", "unknown", ""]
NAMES = [
    *[
        "token",
        "session",
        "platform",
        "secret",
        "metadata",
        "sdkVersion",
        "recorder",
        "stt",
        "sdpOffer",
        "doLoopback",
        "hasAudio",
        "hasVideo",
    ],
    *[
        "audioActive",
        "videoActive",
        "typeOfVideo",
        "frameRate",
        "videoDimensions",
        "filter",
        "sender",
        "sdpAnswer",
        "reconnect",
        "stream",
    ],
    *[
        "sdpString",
        "endpointName",
        "candidate",
        "sdpMid",
        "sdpMLineIndex",
        "streamId",
        "property",
        "newValue",
        "reason",
        "message",
    ],
    *[
        "connectionId",
        "type",
        "options",
        "interval",
        "sessionId",
        "height",
        "width",
        "eventType",
        "method",
        "params",
        "lang",
    ],
]
TEXT = st.text(max_size=12) | st.sampled_from(
    ["room", "con_", "str_CAM_x_con_y", "{}", "[]", '{"to":[null]}', '{"to":3}']
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PARAMS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=14)
REQUESTS = st.fixed_dictionaries(
    {"id": st.integers(0, 2**31) | st.text(max_size=3), "method": st.sampled_from(METHODS), "params": PARAMS | JSON}
)
MESSAGES = st.one_of(REQUESTS.map(json.dumps), JSON.map(json.dumps), st.text(max_size=60), st.binary(max_size=60))
RELAXED = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@pytest.mark.parametrize("profile", [evicting_after(12), KurentoProfile])
@pytest.mark.parametrize("joined", [False, True])
@RELAXED
@given(messages=st.lists(MESSAGES, min_size=1, max_size=12))
def test_malformed_input_of_one_client_does_not_affect_the_others(
    caplog: pytest.LogCaptureFixture, profile: Any, joined: bool, messages: list[str | bytes]
) -> None:
    caplog.clear()

    async def attack() -> None:
        async with World(profile) as world:
            healthy = await world.member()
            hostile = await world.member(Role.MODERATOR) if joined else Client(world)
            for message in messages:
                world.signaling.received(hostile.socket, message)
            await settle()
            if healthy.transport.closed is None and healthy.id in {p.id for p in world.room.participants}:
                assert await healthy.result("echo")
                await healthy.publish()
            for sent in [*healthy.transport.sent, *hostile.transport.sent]:
                json.dumps(sent, allow_nan=False)

    run_virtual(attack())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
