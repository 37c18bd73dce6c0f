"""Resource limits of the server, and the errors beyond them."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from click.testing import CliRunner

from pyvidu.cli.main import main
from pyvidu.server.config import ServerConfig
from pyvidu.server.limits import Limits, TokenBucket
from pyvidu.server.rooms.tokens import ConnectionProperties, SessionProperties, Token
from pyvidu.server.secret_map import SecretMap, same
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from tests.server.live_server import LiveServer, Page, Serve
from tests.server.server_world import SECRET, Client, World, join_params
from tests.virtual_time import virtual_time
from tests.waiting import until


def token(world: World) -> Token:
    return world.rooms.issue_token(world.room, ConnectionProperties(), "ws://localhost:4443")


@virtual_time
async def test_expired_token_is_refused() -> None:
    async with World(limits=Limits(token_lifetime=60)) as world:
        early, late = token(world), token(world)
        await asyncio.sleep(59)
        assert await Client(world).result("joinRoom", **join_params(early.url, "room"))
        await asyncio.sleep(1)
        error = await Client(world).error("joinRoom", **join_params(late.url, "room"))
        assert error["code"] == 401


@virtual_time
async def test_expired_tokens_are_removed() -> None:
    async with World(limits=Limits(token_lifetime=60, idle_session=0)) as world:
        for _ in range(50):
            token(world)
        world.rooms.tidy()
        assert len(world.room.tokens) == 50
        await asyncio.sleep(60)
        world.rooms.tidy()
        assert len(world.room.tokens) == 0


@virtual_time
async def test_token_without_a_lifetime_does_not_expire() -> None:
    async with World(KurentoProfile, Limits(token_lifetime=0)) as world:  # this profile sends no pings in that week
        old = token(world)
        await asyncio.sleep(7 * 86_400)
        assert await Client(world).result("joinRoom", **join_params(old.url, "room"))


@virtual_time
async def test_unused_session_is_closed_after_an_hour_and_a_used_one_is_not() -> None:
    async with World() as world:
        await world.member()
        world.rooms.create(SessionProperties(custom_session_id="forgotten"))
        await asyncio.sleep(3599)
        world.rooms.tidy()
        assert world.rooms.get("forgotten") is not None
        await asyncio.sleep(1)
        world.rooms.tidy()
        assert world.rooms.get("forgotten") is None
        assert world.rooms.get("room") is not None


@virtual_time
async def test_a_full_session_refuses_the_next_participant_until_one_leaves() -> None:
    async with World(limits=Limits(participants=2)) as world:
        await world.member()
        ada = await world.member()
        late = Client(world)
        error = await late.error("joinRoom", **join_params(token(world).url, "room"))
        assert error["code"] == 999
        assert "2 participants, the limit" in error["message"]
        await ada.result("leaveRoom")
        assert await late.result("joinRoom", **join_params(token(world).url, "room"))


async def test_session_above_the_limit_is_refused_with_503(serve: Serve) -> None:
    live = await serve(limits=Limits(sessions=1))
    await live.rest("POST", "sessions", {"customSessionId": "a"})
    assert await live.status("POST", "sessions", {"customSessionId": "b"}) == 503
    assert await live.status("DELETE", "sessions/a") == 204
    assert await live.status("POST", "sessions", {"customSessionId": "b"}) == 200


async def test_unused_token_above_the_limit_is_refused_with_503(serve: Serve) -> None:
    live = await serve(limits=Limits(tokens=2))
    await live.rest("POST", "sessions", {"customSessionId": "room"})
    await live.rest("POST", "sessions/room/connection", {})
    await live.member()
    await live.rest("POST", "sessions/room/connection", {})
    assert await live.status("POST", "sessions/room/connection", {}) == 503


async def test_socket_above_the_limit_of_an_address_is_refused_until_another_closes(serve: Serve) -> None:
    live = await serve(limits=Limits(sockets=2))
    first = await live.page()
    await live.page()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
        await live.page()
    await first.ws.close()

    async def admitted() -> Page | None:
        try:
            return await live.page()
        except aiohttp.WSServerHandshakeError:
            return None

    page = await until(admitted, what="the admission")
    assert page is not None
    assert page.ws.closed is False


async def test_flooding_client_is_read_at_the_allowed_rate_and_all_its_requests_are_answered(serve: Serve) -> None:
    live = await serve(limits=Limits(rate=100, burst=10))
    calm, flooding = await live.member(), await live.member()
    before = time.monotonic()
    async with asyncio.TaskGroup() as group:
        flood = [group.create_task(flooding.result("echo")) for _ in range(60)]
        assert await calm.result("echo")
        assert not all(task.done() for task in flood)
    assert time.monotonic() - before > 0.4


def test_token_bucket_allows_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=10, burst=3, now=0)
    assert [bucket.wait(0) for _ in range(4)] == pytest.approx([0, 0, 0, 0.1])
    assert bucket.wait(100) == 0


def test_secret_map_finds_by_secret_stores_no_secret_and_accepts_lone_surrogates() -> None:
    secret_map: SecretMap[int] = SecretMap()
    secret_map["tok_abc"] = 1
    secret_map["\ud800"] = 2
    assert (secret_map.get("tok_abc"), secret_map.get("\ud800"), secret_map.get("tok_ab")) == (1, 2, None)
    assert "tok_abc" not in repr(vars(secret_map))
    assert secret_map.pop("tok_abc") == 1
    assert secret_map.pop("tok_abc") is None
    assert same("x\ud800", "x\ud800")
    assert not same("x", "x\ud800")


@virtual_time
async def test_secret_that_cannot_be_encoded_in_utf_8_is_refused() -> None:
    async with World() as world:
        error = await Client(world).error("joinRoom", **join_params("x", "room", secret="\ud800"))
        assert error["code"] == 401


def served(monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> ServerConfig:
    """Return the configuration that `pyvidu serve` would run with."""
    configs: list[ServerConfig] = []
    monkeypatch.setattr("pyvidu.server.app.run", configs.append)
    result = CliRunner().invoke(main, ["serve", *arguments], env=environment)
    assert result.exit_code == 0, result.output
    return configs[0]


def test_environment_variables_set_every_option_and_flags_take_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "PYVIDU_SERVE_PORT": "5555",
        "PYVIDU_SERVE_PROFILE": "kurento",
        "PYVIDU_SERVE_FAULT_CONTROL": "true",
        "PYVIDU_SERVE_ALLOWED_ORIGINS": "https://a.example https://b.example",
        "PYVIDU_SERVE_MAX_PARTICIPANTS": "7",
        "PYVIDU_SERVE_TOKEN_LIFETIME": "60",
        "PYVIDU_SERVE_SECRET": SECRET,
    }
    config = served(monkeypatch, **environment)
    assert (config.port, config.profile, config.fault_control) == (5555, "kurento", True)
    assert config.allowed_origins == ("https://a.example", "https://b.example")
    assert (config.limits.participants, config.limits.token_lifetime, config.secret) == (7, 60.0, SECRET)
    assert served(monkeypatch, "--port", "6666", **environment).port == 6666


def test_secret_can_be_set_by_openvidus_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert served(monkeypatch, OPENVIDU_SECRET="theirs").secret == "theirs"
    assert served(monkeypatch, OPENVIDU_SECRET="theirs", PYVIDU_SERVE_SECRET="ours").secret == "ours"


def test_without_flags_the_limits_are_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert served(monkeypatch).limits == Limits()


@pytest.mark.parametrize("profile", ["default", "kurento"])
async def test_resume_with_a_partial_or_altered_rpc_session_id_is_refused(serve: Serve, profile: str) -> None:
    live: LiveServer = await serve(profile=profile)
    ada = await live.member()
    thief = await live.page()
    for guess in (ada.rpc_id[:-1], ada.rpc_id + "x", ada.rpc_id.upper(), "", 0, None if profile == "" else []):
        answer = await thief.call("connect", sessionId=guess, reconnect=True)
        assert answer["error"]["code"] == 40007


@virtual_time
async def test_request_log_keeps_only_the_responses_of_answered_requests() -> None:
    async with World() as world:
        ada = await world.member()
        number = ada.send("sendMessage", message="x" * 100_000)
        await ada.result("echo")
        assert ada.socket.session is not None
        assert ada.socket.session.request_log is not None
        assert 0 < len(ada.socket.session.request_log.responses()[number]) < 1_000
