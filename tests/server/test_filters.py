"""Filters, applied in name: who may, what is answered, what everybody is told, and that pictures stay as they are."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from pyvidu.server.rooms.tokens import Role
from pyvidu.server.signaling.filter_handlers import say_that_pictures_are_unchanged
from tests.server.server_world import Client, World
from tests.server.test_errors import answered, thrown, with_options
from tests.virtual_time import virtual_time

KIND, OPTIONS = "GStreamerFilter", {"command": "videobalance saturation=0.0"}
METHOD = {"method": "setElementProperty", "params": {"propertyName": "saturation", "propertyValue": "1.0"}}


@pytest.fixture(autouse=True)
def nothing_was_said() -> None:
    say_that_pictures_are_unchanged.cache_clear()


def wanted(stream: str, kind: str = KIND) -> dict[str, Any]:
    return {"streamId": stream, "type": kind, "options": json.dumps(OPTIONS)}


def called(stream: str) -> dict[str, Any]:
    return {"streamId": stream, "method": METHOD["method"], "params": json.dumps(METHOD["params"])}


def changes(client: Client) -> list[tuple[Any, str]]:
    """Return the filters that a participant was told of, with the reasons."""
    told = [params for _, params in client.notifications("streamPropertyChanged")]
    assert all(params["property"] == "filter" for params in told)
    return [(params["newValue"], params["reason"]) for params in told]


STEPS = [
    ({"type": KIND, "options": OPTIONS}, "applyFilter"),
    ({"type": KIND, "options": OPTIONS, "lastExecMethod": METHOD}, "execFilterMethod"),
    ({}, "removeFilter"),
]


@virtual_time
async def test_owner_whose_token_allows_the_filter_changes_it_and_the_others_are_told() -> None:
    async with World() as world:
        ada, bob = await with_options(world, allowedFilters=[KIND]), await world.member()
        stream = await ada.publish()
        await ada.result("applyFilter", **wanted(stream))
        await ada.result("execFilterMethod", **called(stream))
        late = Client(world)
        joined = await late.join()
        [listed] = [item for item in joined["value"] if item["id"] == ada.id]
        assert listed["streams"][0]["filter"] == {"type": KIND, "options": OPTIONS, "lastExecMethod": METHOD}
        await ada.result("removeFilter", streamId=stream)
        assert changes(bob) == STEPS
        assert changes(late) == STEPS[2:]
        assert changes(ada) == [], "it has the answers"


@virtual_time
async def test_moderator_changes_the_filter_of_another_who_is_told_too() -> None:
    async with World() as world:
        moderator, ada, bob = await world.member(Role.MODERATOR), await world.member(), await world.member()
        stream = await ada.publish()
        await moderator.result("applyFilter", **wanted(stream))
        await moderator.result("execFilterMethod", **called(stream))
        await moderator.result("removeFilter", streamId=stream)
        assert changes(ada) == changes(bob) == STEPS
        assert changes(moderator) == []
        own = await moderator.publish()
        await moderator.result("applyFilter", **wanted(own))
        assert changes(moderator) == STEPS[:1], "as on the real server, an owner who moderates is told besides"


@virtual_time
async def test_filter_is_kept_over_a_renegotiation_and_published_with_the_stream() -> None:
    async with World() as world:
        ada, bob = await with_options(world, allowedFilters=[KIND]), await world.member()
        stream = await ada.publish(filter={"type": KIND, "options": OPTIONS})
        await ada.result("reconnectStream", stream=stream, sdpString="offer")
        [(_, told)] = bob.notifications("participantPublished")
        assert told["streams"][0]["filter"] == {"type": KIND, "options": OPTIONS, "lastExecMethod": {}}
        await ada.result("execFilterMethod", **called(stream))
        assert changes(bob) == STEPS[1:2]


@virtual_time
async def test_filter_of_a_token_without_kurento_options_is_passed_on_and_not_applied() -> None:
    async with World() as world:
        ada = await world.member()
        stream = await ada.publish(filter={"type": KIND, "options": OPTIONS})
        none = f"User '{ada.id} has no filter applied in session 'room'"
        thrown(ada, await ada.call("execFilterMethod", **called(stream)), 406, none)


@virtual_time
async def test_second_filter_and_one_that_there_is_not_are_refused() -> None:
    async with World() as world:
        ada, moderator = await with_options(world, allowedFilters=["own"]), await world.member(Role.MODERATOR)
        stream = await ada.publish()
        unknown = await moderator.call("applyFilter", **wanted(stream, "NoSuchFilter"))
        assert unknown["error"]["code"] == 406
        await moderator.result("applyFilter", **wanted(stream, "own"))
        already = f"User '{ada.id} already has a filter applied in session 'room'"
        thrown(ada, await ada.call("applyFilter", **wanted(stream, "own")), 405, already)
        broken = called(stream) | {"params": "[]"}
        thrown(ada, await ada.call("execFilterMethod", **broken), 406, "'params' parameter is not a JSON object")
        assert changes(ada) == [({"type": "own", "options": OPTIONS}, "applyFilter")]


@virtual_time
async def test_listeners_of_a_filter_are_added_and_removed_and_end_with_it() -> None:
    async with World() as world:
        ada, moderator = await with_options(world, allowedFilters=[KIND]), await world.member(Role.MODERATOR)
        stream = await ada.publish()
        await ada.result("applyFilter", **wanted(stream))
        event = {"streamId": stream, "eventType": "CodeFound"}
        for client in (ada, moderator):
            await client.result("addFilterEventListener", **event)
        for client in (ada, moderator):
            await client.result("removeFilterEventListener", **event)
        failed = (
            f"Request to removeFilterEventListener to stream {stream} gone wrong: Event CodeFound has no listener added"
        )
        answered(ada, await ada.call("removeFilterEventListener", **event), 407, failed, data="{}")
        for number in range(100):
            await ada.result("addFilterEventListener", streamId=stream, eventType=f"event {number}")
        assert (await ada.error("addFilterEventListener", **event))["code"] == 407
        await ada.result("removeFilter", streamId=stream)
        await ada.result("applyFilter", **wanted(stream))
        assert (await ada.error("removeFilterEventListener", **event))["code"] == 407


@virtual_time
async def test_log_says_once_that_pictures_are_unchanged(caplog: pytest.LogCaptureFixture) -> None:
    async with World() as world:
        ada = await with_options(world, allowedFilters=[KIND])
        stream = await ada.publish()
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                await ada.result("applyFilter", **wanted(stream))
                await ada.result("removeFilter", streamId=stream)
    assert [text for text in caplog.messages if "pictures" in text] == [
        "A filter was applied in name only: this server decodes no media, so pictures and sound stay as they are"
    ]
