"""Faults started on a real server by the command and by the test kit."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner, Result

from pyvidu.cli import main as cli
from pyvidu.server.faults.client import FaultClient
from pyvidu.testing import RestError, ServerError, start_server
from pyvidu.testing.rest import RestClient
from tests.server.live_server import LiveServer, Serve
from tests.server.server_world import SECRET


async def pyvidu(*words: str) -> Result:
    """Run the command without blocking the server's event loop."""
    return await asyncio.to_thread(CliRunner().invoke, cli.main, ["fault", *words])


async def pyvidu_at(live: LiveServer, *words: str) -> str:
    """Run the command, which must succeed, and return its output."""
    result = await pyvidu(*words, "--url", live.url(""))
    assert result.exit_code == 0, result.output
    return result.output


async def test_command_starts_lists_and_ends_a_fault(live: LiveServer) -> None:
    ada = await live.member()
    assert await pyvidu_at(live, "list") == "No fault is active.\n"
    line = f"fault-1: slow of {ada.id}, delay 300, jitter 0, plane media, "
    told = await pyvidu_at(live, *f"slow --participant {ada.id} --seconds 30 --delay 300 --plane media".split())
    assert told.startswith(line)
    assert (await pyvidu_at(live, "list")).startswith(line)
    assert await pyvidu_at(live, "end", "fault-1") == "fault-1 has ended.\n"
    assert len(live.server.faults) == 0


@pytest.mark.parametrize(
    "words",
    [
        "silent --seconds 9",
        "dead-media --seconds 9",
        "media-only --seconds 9",
        "signaling-only --seconds 9 --close",
        "slow --seconds 9 --delay 100 --jitter 50",
        "lost-notification --count 2 --method participantJoined",
        "refused-resume --count 3",
    ],
)
async def test_every_kind_of_fault_can_be_started_by_command(live: LiveServer, words: str) -> None:
    ada = await live.member()
    kind = words.split(maxsplit=1)[0]
    assert f": {kind} of {ada.id}" in await pyvidu_at(live, *words.split(), "--participant", ada.id)


async def test_command_evicts_a_participant_and_restarts_the_server(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member()
    assert await pyvidu_at(live, "eviction", "--participant", ada.id) == f"eviction of {ada.id}: done\n"
    assert (await bob.told("participantEvicted"))["connectionId"] == ada.id
    assert "restart, " in await pyvidu_at(live, "restart", "--seconds", "60")
    assert len(live.server.rooms) == 0


async def test_refused_commands_print_an_error_with_what_to_do(live: LiveServer, serve: Serve) -> None:
    ada = await live.member()
    without = await serve()
    refusals = [
        (live.url(""), "silent --participant con_nobody --seconds 9", f"connected are: {ada.id}"),
        (live.url(""), f"silent --participant {ada.id} --seconds 9999", "Parameter 'seconds' is wrong"),
        (live.url(""), "end fault-99", "No fault 'fault-99' is active"),
        (without.url(""), "list", "has no fault control: start it with `pyvidu serve --fault-control`"),
        ("http://localhost:1", "list", "No server answers at http://localhost:1"),
        ("http://meet.example", "list", "on the server's own machine"),
        ("nonsense", "list", "on the server's own machine"),
    ]
    for url, words, sentence in refusals:
        result = await pyvidu(*words.split(), "--url", url)
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
        assert sentence in result.output


async def test_command_has_the_key_from_an_option_or_the_environment(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await serve(fault_control=True, key="drawn-at-start")
    result = await pyvidu("list", "--url", live.url(""))
    assert result.exit_code == 1
    assert "pass it with --key, or as PYVIDU_FAULT_KEY" in result.output
    assert await pyvidu_at(live, "list", "--key", "drawn-at-start") == "No fault is active.\n"
    monkeypatch.setenv("PYVIDU_FAULT_KEY", "drawn-at-start")
    assert await pyvidu_at(live, "list") == "No fault is active.\n"


async def test_test_kit_makes_tokens_and_lists_who_is_there(live: LiveServer) -> None:
    rest = RestClient(live.url("/"), SECRET)
    with pytest.raises(RestError, match="there is no session 'standup'; there are none yet") as caught:
        await asyncio.to_thread(rest.connections, "standup")
    assert caught.value.status == 404
    tokens = [await asyncio.to_thread(rest.create_token, "standup", role, "") for role in ("PUBLISHER", "SUBSCRIBER")]
    assert len(set(tokens)) == 2
    assert await asyncio.to_thread(rest.connections, "standup") == [], "nobody has joined yet"
    ada = await live.member(room="standup")
    (listed,) = await asyncio.to_thread(rest.connections, "standup")
    assert listed.connection_id == ada.id


async def test_fault_of_the_test_kit_ends_with_its_context() -> None:
    server = await start_server(fault_control=True)
    client = FaultClient(server.url, server.key)
    try:
        async with server.fault("restart", seconds=30) as fault:
            assert fault.kind == "restart"
            assert [one["id"] for one in await asyncio.to_thread(client.active)] == [fault.id]
        assert await asyncio.to_thread(client.active) == []
        await fault.end()  # a second call has no effect
        with pytest.raises(ServerError, match="nobody has joined"):
            await server.fault("silent", "con_x")
    finally:
        assert await server.stop() == 0
