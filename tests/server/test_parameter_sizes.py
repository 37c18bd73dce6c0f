"""How large the parameters of a request may be, and what is refused before others are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyvidu.server.limits import Limits
from pyvidu.server.rooms.tokens import ConnectionProperties, Role
from tests.server.server_world import Client, World, join_params, publish_params
from tests.virtual_time import virtual_time

LONG = "x" * 1_025
VALUE = [[{}]] * 800  # 4,800 characters of JSON


@pytest.mark.parametrize(
    ("method", "changed", "name"),
    [
        ("publishVideo", {"typeOfVideo": LONG}, "typeOfVideo"),
        ("publishVideo", {"videoDimensions": LONG}, "videoDimensions"),
        ("publishVideo", {"filter": {"type": "x", "options": {"a": VALUE}}}, "filter"),
        ("streamPropertyChanged", {"newValue": VALUE}, "newValue"),
        ("streamPropertyChanged", {"newValue": {"a": VALUE}}, "newValue"),
        ("streamPropertyChanged", {"newValue": LONG}, "newValue"),
        ("streamPropertyChanged", {"property": LONG}, "property"),
        ("streamPropertyChanged", {"reason": LONG}, "reason"),
        ("receiveVideoFrom", {"sender": LONG}, "sender"),
        ("onIceCandidate", {"candidate": LONG * 4}, "candidate"),
        ("forceDisconnect", {"connectionId": LONG}, "connectionId"),
        ("applyFilter", {"options": LONG * 4}, "options"),
    ],
)
@virtual_time
async def test_parameter_that_is_too_long_is_refused_and_nobody_is_told(
    method: str, changed: dict[str, Any], name: str
) -> None:
    usual: dict[str, dict[str, Any]] = {
        "publishVideo": publish_params(),
        "streamPropertyChanged": {"streamId": "x", "property": "x", "newValue": "x", "reason": "x"},
        "receiveVideoFrom": {"sender": "x", "sdpOffer": "x"},
        "onIceCandidate": {"endpointName": "x", "candidate": "x"},
        "forceDisconnect": {"connectionId": "x"},
        "applyFilter": {"streamId": "x", "type": "x", "options": "{}"},
    }
    async with World() as world:
        ada, bob = await world.member(Role.MODERATOR), await world.member()
        if method == "streamPropertyChanged":
            await ada.publish()
        bob.clear()
        error = await ada.error(method, **{**usual[method], **changed})
        assert error["code"] == -1
        assert f"'{name}' has" in error["message"]
        assert len(error["message"]) < 300
        assert bob.notifications() == []
        assert world.media.named("publish") == [] or method == "streamPropertyChanged"


@pytest.mark.parametrize("name", ["platform", "session", "secret"])
@virtual_time
async def test_text_of_a_join_that_is_too_long_is_refused(name: str) -> None:
    async with World() as world:
        token = world.rooms.issue_token(world.room, ConnectionProperties(), "ws://localhost:4443")
        error = await Client(world).error("joinRoom", **{**join_params(token.url, "room"), name: LONG})
        assert (error["code"], world.room.participants) == (-1, [])


@pytest.mark.parametrize(
    ("changed", "code"), [({"to": ["con_x"] * 1_001}, 601), ({"type": LONG}, 600), ({"data": {"a": VALUE}}, None)]
)
@virtual_time
async def test_signal_has_a_limited_type_and_number_of_recipients(changed: dict[str, Any], code: int | None) -> None:
    async with World() as world:
        ada = await world.member()
        answer = await ada.call("sendMessage", message=json.dumps({"to": [], "data": "x", "type": "x", **changed}))
        assert answer.get("error", {}).get("code") == code


@virtual_time
async def test_long_description_of_a_stream_is_refused_where_the_sessions_budget_is_used_up() -> None:
    async with World(limits=Limits(descriptions=12_000)) as world:
        await world.member(data="x" * 10_000)
        ada = await world.member()
        wanted = {"type": "x", "options": {"a": "y" * 3_000}}
        assert (await ada.error("publishVideo", **publish_params(filter=wanted)))["code"] == 999
        assert await ada.publish(filter={"type": "x", "options": {"a": "y" * 900}})
