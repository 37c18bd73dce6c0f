"""Webhooks with a real receiver on loopback: what arrives, in which order, and how a bad receiver affects a room."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, encode_basic_auth, web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

import pyvidu.server.app
from pyvidu.cli.main import main
from pyvidu.server.config import ServerConfig
from pyvidu.server.errors import ConfigurationError
from pyvidu.server.limits import Limits
from pyvidu.server.webhooks.cdr import EVENTS
from pyvidu.server.webhooks.delivery import Webhook, WebhookSettings
from tests.server.live_server import Serve


class Backend:
    """A receiver. It answers while `open` is set; `statuses` are of its next answers, 0 closes the connection."""

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_post("/events", self._received)
        self.server = TestServer(app)
        self.open = asyncio.Event()
        self.open.set()
        self.statuses: list[int] = []
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._arrived = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/events"

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.got]

    async def until(self, number: int) -> None:
        """Wait until `number` events have arrived. Raises TimeoutError after 20 s."""
        async with asyncio.timeout(20):
            while len(self.got) < number:
                self._arrived.clear()
                await self._arrived.wait()

    async def _received(self, request: web.Request) -> web.Response:
        body = await request.json()
        await self.open.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            assert request.transport
            request.transport.close()
        else:
            self.headers.append(dict(request.headers))
            self.got.append(body)
            self._arrived.set()
        return web.Response(status=status, headers={"Location": "http://192.0.2.1/"} if status == 302 else None)


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    backend = Backend()
    await backend.server.start_server()
    yield backend
    backend.open.set()
    await backend.server.close()


def failures(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [json.loads(record.message) for record in caplog.records if record.name == "pyvidu.server.events"]
    return [line for line in lines if line["event"].startswith("webhook")]


async def test_events_of_a_call_are_posted_in_order_with_the_configured_headers(serve: Serve, backend: Backend) -> None:
    lines = ("Authorization: Basic YWRtaW46YWRtaW4=", "X-Tenant: two words")
    live = await serve(webhook=WebhookSettings(backend.url, lines))
    ada, bob = await live.member(), await live.member()
    stream = await ada.publish()
    await bob.result("receiveVideoFrom", sender=stream, sdpOffer="x")
    await bob.result("sendMessage", message=json.dumps({"to": [], "data": "hi", "type": "signal:chat"}))
    await ada.result("leaveRoom")
    assert await live.status("DELETE", "sessions/room") == 204
    await backend.until(11)
    assert backend.names == [
        "sessionCreated",
        "participantJoined",
        "participantJoined",
        "webrtcConnectionCreated",
        "webrtcConnectionCreated",
        "signalSent",
        "webrtcConnectionDestroyed",
        "webrtcConnectionDestroyed",
        "participantLeft",
        "participantLeft",
        "sessionDestroyed",
    ]
    assert backend.got[-1]["reason"] == "sessionClosedByServer"
    assert backend.got[1]["connectionId"] == ada.id
    for headers in backend.headers:
        assert headers["Content-Type"] == "application/json"
        assert headers["Authorization"] == "Basic YWRtaW46YWRtaW4="
        assert headers["X-Tenant"] == "two words"


async def test_only_the_configured_events_are_posted(serve: Serve, backend: Backend) -> None:
    live = await serve(webhook=WebhookSettings(backend.url, events=("participantJoined", "sessionDestroyed")))
    await live.member()
    await live.status("DELETE", "sessions/room")
    await backend.until(2)
    assert backend.names == ["participantJoined", "sessionDestroyed"]


async def test_hanging_webhook_receiver_does_not_delay_the_room(serve: Serve, backend: Backend) -> None:
    live = await serve(webhook=WebhookSettings(backend.url))
    backend.open.clear()
    ada, bob = await live.member(), await live.member()
    stream = await ada.publish()
    await bob.result("receiveVideoFrom", sender=stream, sdpOffer="x")
    assert backend.got == []
    backend.open.set()
    await backend.until(5)
    assert backend.names[-1] == "webrtcConnectionCreated"


@pytest.mark.parametrize("status", [500, 404, 201, 302])
async def test_response_other_than_200_is_logged_and_the_next_event_is_posted(
    serve: Serve, backend: Backend, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.INFO)
    live = await serve(webhook=WebhookSettings(backend.url.replace("http://", "http://user:pass@") + "?key=hidden"))
    backend.statuses = [status]
    await live.member()
    await backend.until(2)
    [failure] = failures(caplog)
    assert (failure["webhook"], failure["status"]) == ("sessionCreated", status)
    assert backend.names == ["sessionCreated", "participantJoined"]
    ours = " ".join(record.message for record in caplog.records if record.name.startswith("pyvidu"))
    assert "hidden" not in ours
    assert "pass" not in ours


async def test_event_is_posted_again_if_the_connection_closes_before_the_response(
    serve: Serve, backend: Backend
) -> None:
    live = await serve(webhook=WebhookSettings(backend.url))
    backend.statuses = [0, 0, 0, 0]
    await live.member()
    await backend.until(2)
    assert backend.names == ["sessionCreated", "participantJoined"]


async def test_refused_connection_to_the_receiver_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    live = await serve(webhook=WebhookSettings("http://127.0.0.1:1/events"))
    await live.member()
    await live.test_server.close()  # waits for the queued events
    refused = {(line["webhook"], line["error"]) for line in failures(caplog)}
    assert ("sessionCreated", "ClientConnectorError") in refused
    assert ("participantJoined", "ClientConnectorError") in refused


async def test_event_without_a_response_is_logged_after_the_timeout(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    backend.open.clear()
    webhook = Webhook(WebhookSettings(backend.url), timeout=0.05)
    worker = asyncio.create_task(webhook.run())
    webhook.post({"event": "sessionCreated"})
    await webhook.close(within=5)
    worker.cancel()
    assert [line["error"] for line in failures(caplog)] == ["no answer within 0.05 s"]


async def test_event_queue_is_bounded_and_the_number_of_lost_events_is_logged(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    webhook = Webhook(WebhookSettings(backend.url), Limits(webhook_events=3))
    for number in range(10):
        webhook.post({"event": "signalSent", "number": number})
    worker = asyncio.create_task(webhook.run())
    await webhook.close(within=5)
    worker.cancel()
    assert [event["number"] for event in backend.got] == [0, 1, 2]
    overrun, lost = failures(caplog)
    assert (overrun["event"], lost["event"], lost["count"]) == ("webhook overrun", "webhook events lost", 7)


async def test_event_queue_is_bounded_in_bytes(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    webhook = Webhook(WebhookSettings(backend.url), Limits(webhook_size=1_000))
    for number in range(10):
        webhook.post({"event": "signalSent", "number": number, "data": "x" * 400})
    worker = asyncio.create_task(webhook.run())
    await webhook.close(within=5)
    webhook.post({"event": "signalSent", "number": 10, "data": "x" * 400})
    await webhook.close(within=5)
    worker.cancel()
    assert [event["number"] for event in backend.got] == [0, 1, 10]


async def test_server_shutdown_posts_the_last_events(serve: Serve, backend: Backend) -> None:
    live = await serve(webhook=WebhookSettings(backend.url))
    ada = await live.member()
    await ada.publish()
    await live.test_server.close()
    assert backend.names[-3:] == ["webrtcConnectionDestroyed", "participantLeft", "sessionDestroyed"]
    assert {event["reason"] for event in backend.got[-3:]} == {"openviduServerStopped"}


async def test_server_shutdown_with_a_hanging_receiver_ends_after_the_timeout(
    serve: Serve, backend: Backend, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(pyvidu.server.app, "_SHUTDOWN_TIMEOUT", 0.1)
    live = await serve(webhook=WebhookSettings(backend.url))
    backend.open.clear()
    await live.member()
    await asyncio.wait_for(live.test_server.close(), 5)
    assert failures(caplog)[-1]["event"] == "webhook events lost"
    assert failures(caplog)[-1]["count"] == 4


async def test_rest_configuration_contains_the_webhook_settings(serve: Serve, backend: Backend) -> None:
    live = await serve(webhook=WebhookSettings(backend.url, ("X-Key: a b",), ("participantJoined",)))
    config = await live.rest("GET", "config")
    assert config["OPENVIDU_WEBHOOK"] is True
    assert config["OPENVIDU_WEBHOOK_ENDPOINT"] == backend.url
    assert config["OPENVIDU_WEBHOOK_HEADERS"] == ["X-Key: a b"]
    assert config["OPENVIDU_WEBHOOK_EVENTS"] == ["participantJoined"]


@pytest.mark.parametrize("url", ["", "backend", "ftp://backend/", "http://", "http://[", "http://a:b:c/"])
def test_invalid_webhook_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="--webhook is a URL like"):
        WebhookSettings(url)


@pytest.mark.parametrize("line", ["", "no colon", ": value", "Name:", "Na me: x", "Name: x\nOther: y"])
def test_malformed_webhook_header_is_refused_without_repeating_it(line: str) -> None:
    with pytest.raises(ConfigurationError, match="--webhook-header is a line like 'Authorization: Basic "):
        WebhookSettings("http://127.0.0.1/", (line,))


def test_configured_content_type_replaces_the_default() -> None:
    settings = WebhookSettings("http://127.0.0.1/", ("content-type: application/vnd.events+json",))
    assert settings.headers == {"content-type": "application/vnd.events+json"}


def test_unknown_event_name_is_refused_with_the_known_names() -> None:
    with pytest.raises(ConfigurationError, match=r"--webhook-event participantLeaves is none of .*participantLeft"):
        WebhookSettings("http://127.0.0.1/", events=("participantLeaves",))


def test_repr_of_the_settings_contains_neither_credentials_nor_headers() -> None:
    settings = WebhookSettings("http://user:hidden@backend/hidden", ("X-Key: hidden",))
    assert "hidden" not in repr(ServerConfig(webhook=settings))
    assert settings.origin == "http://backend"


async def test_command_posts_to_the_webhook_of_its_environment_and_logs_no_secrets(
    backend: Backend,
) -> None:
    address = backend.url.replace("http://", "http://user:pass-hidden@")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pyvidu.cli", "serve", "--port", "0", "--log-level", "debug",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {
            "PYVIDU_SERVE_WEBHOOK": f"{address}?key=key-hidden",
            "PYVIDU_SERVE_WEBHOOK_HEADER": "X-Key: value-hidden",
            "OPENVIDU_SECRET": "secret-hidden",
        },
    )  # fmt: skip
    assert process.stdout
    ready = await asyncio.wait_for(process.stdout.readline(), 60)
    backend.statuses = [500]
    auth = {"Authorization": encode_basic_auth("OPENVIDUAPP", "secret-hidden")}
    async with ClientSession(headers=auth) as http:
        api = ready.decode().split()[-1].partition("?")[0] + "openvidu/api"
        async with http.post(f"{api}/sessions", json={"customSessionId": "room"}) as response:
            assert response.status == 200
    await backend.until(1)
    process.terminate()
    _, log = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    assert backend.names == ["sessionCreated", "sessionDestroyed"]
    assert backend.headers[0]["X-Key"] == "value-hidden"
    assert b'"event": "webhook failed", "webhook": "sessionCreated"' in log
    assert b"hidden" not in log


def started(monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> ServerConfig:
    """Return the configuration that `pyvidu serve` would start with."""
    configs: list[ServerConfig] = []
    monkeypatch.setattr(pyvidu.server.app, "run", configs.append)
    result = CliRunner().invoke(main, ["serve", *arguments], env=environment)
    assert result.exit_code == 0, result.output
    return configs[0]


def test_flags_set_the_webhook_its_headers_and_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ["--webhook", "https://b/", "--webhook-header", "A: b c", "--webhook-header", "D: e"]
    config = started(monkeypatch, *flags, "--webhook-event", "participantLeft")
    assert config.webhook == WebhookSettings("https://b/", ("A: b c", "D: e"), ("participantLeft",))
    assert started(monkeypatch).webhook is None


def test_environment_variables_set_the_webhook_with_one_header_per_line(monkeypatch: pytest.MonkeyPatch) -> None:
    config = started(
        monkeypatch,
        PYVIDU_SERVE_WEBHOOK="https://b/",
        PYVIDU_SERVE_WEBHOOK_HEADER="A: b c\nD: e",
        PYVIDU_SERVE_WEBHOOK_EVENT="participantLeft participantJoined",
    )
    assert config.webhook == WebhookSettings("https://b/", ("A: b c", "D: e"), ("participantLeft", "participantJoined"))
    assert started(monkeypatch, "--webhook", "https://b/").webhook == WebhookSettings("https://b/", (), EVENTS)


def test_invalid_webhook_flag_exits_with_an_error_message() -> None:
    result = CliRunner().invoke(main, ["serve", "--webhook", "nowhere"])
    assert result.exit_code == 1
    assert "--webhook is a URL like" in result.output
