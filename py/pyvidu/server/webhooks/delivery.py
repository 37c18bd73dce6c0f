"""Webhook delivery: events are posted to the backend as JSON, one after the other, in the background. Rooms never wait.

As on the real server: only status 200 is a success, an event that cannot be delivered is logged and dropped, a post whose
connection breaks before the answer is repeated. Unlike there: the queue is bounded, certificates are checked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from pyvidu.server import logs
from pyvidu.server.errors import ConfigurationError
from pyvidu.server.limits import Limits
from pyvidu.server.webhooks.cdr import EVENTS

TIMEOUT = 10.0  # seconds for one post, as on the real server
ATTEMPTS = 5  # of a post whose connection breaks, as on the real server


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """The URL, the headers, and the events to post (all unless some are named). Header lines are `Name: value`.

    Raises:
        ConfigurationError: one of them cannot be used; the message names it and the expected form.
    """

    url: str = field(repr=False)  # it may contain a password
    header_lines: tuple[str, ...] = field(default=(), repr=False)
    events: tuple[str, ...] = EVENTS

    def __post_init__(self) -> None:
        if not self.origin:
            raise ConfigurationError("--webhook is a URL like https://backend.example/openvidu-events")
        for line in self.header_lines:
            name, colon, value = line.partition(":")
            if not colon or not name.strip().replace("-", "").isalnum() or not line.isprintable() or not value.strip():
                # Not quoted: the value is usually a secret.
                raise ConfigurationError("--webhook-header is a line like 'Authorization: Basic YWRtaW46YWRtaW4='")
        for name in self.events:
            if name not in EVENTS:
                raise ConfigurationError(f"--webhook-event {name} is none of {', '.join(EVENTS)}")

    @property
    def own_headers(self) -> dict[str, str]:
        """Return the headers that the operator named."""
        pairs = (line.partition(":") for line in self.header_lines)
        return {name.strip(): value.strip() for name, _, value in pairs}

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of every post."""
        default = {} if "content-type" in map(str.lower, self.own_headers) else {"Content-Type": "application/json"}
        return default | self.own_headers

    @property
    def origin(self) -> str:
        """Return the URL without what may be secret in it: user, path and query. Empty if it is not an http(s) URL."""
        try:
            parsed = urlsplit(self.url)
            port = f":{parsed.port}" if parsed.port else ""
        except ValueError:
            return ""
        if parsed.scheme not in ("http", "https") or not parsed.hostname:
            return ""
        return f"{parsed.scheme}://{f'[{parsed.hostname}]' if ':' in parsed.hostname else parsed.hostname}{port}"


class Webhook:
    """Posts events in order. `run` does the work, `close` waits until it is done."""

    def __init__(self, settings: WebhookSettings, limits: Limits | None = None, *, timeout: float = TIMEOUT) -> None:
        self._settings = settings
        self._timeout = timeout
        self._limits = limits or Limits()
        self._events: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._waiting = 0  # bytes
        self._lost = 0

    def post(self, event: Mapping[str, Any]) -> None:
        """Queue an event, if it is one of those to post. Never block; drop the event when events or bytes are too many."""
        name = event["event"]
        if name not in self._settings.events:
            return
        body = json.dumps(event).encode()
        if (
            self._events.qsize() < self._limits.webhook_events
            and self._waiting + len(body) <= self._limits.webhook_size
        ):
            self._waiting += len(body)
            self._events.put_nowait((name, body))
        else:
            self._lost += 1
            if self._lost == 1:
                logs.event("webhook overrun", to=self._settings.origin, waiting=self._events.qsize())

    async def run(self) -> None:
        """Deliver events until cancelled."""
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
            while True:
                name, body = await self._events.get()
                self._waiting -= len(body)
                try:
                    await self._deliver(http, name, body)
                finally:
                    self._events.task_done()
                if self._lost:
                    logs.event("webhook events lost", to=self._settings.origin, count=self._lost)
                    self._lost = 0

    async def close(self, within: float) -> None:
        """Wait at most `within` seconds until all queued events are delivered. `run` may be cancelled then."""
        try:
            async with asyncio.timeout(within):
                await self._events.join()
        except TimeoutError:
            logs.event("webhook events lost", to=self._settings.origin, count=self._events.qsize() + 1)

    async def _deliver(self, http: aiohttp.ClientSession, name: str, body: bytes) -> None:
        problem: dict[str, Any] = {}
        for _ in range(ATTEMPTS):
            try:
                # No redirects: the operator has named one host, and events go to no other.
                async with http.post(
                    self._settings.url, data=body, headers=self._settings.headers, allow_redirects=False
                ) as response:
                    if response.status == 200:
                        return
                    problem = {"status": response.status}
                    break
            except TimeoutError:
                problem = {"error": f"no answer within {self._timeout:g} s"}
                break
            except aiohttp.ClientConnectionError as error:
                problem = {"error": type(error).__name__}
            except (aiohttp.ClientError, ValueError) as error:
                problem = {"error": type(error).__name__}
                break
        logs.event("webhook failed", webhook=name, to=self._settings.origin, **problem)
