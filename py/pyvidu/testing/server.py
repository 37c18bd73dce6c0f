"""An embedded server in a process of its own, for a test, with its log, its faults and its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pyvidu.server.faults.client import FaultClient, FaultRefused

_READY_WITHIN = 60.0  # seconds; the start takes 2 s, but took many times that on a machine under load
_STOP_WITHIN = 20.0


class ServerError(Exception):
    """The server did not start, stop or respond as expected; the message ends with its last lines, or states why."""


@dataclass
class RunningServer:
    """A `pyvidu serve` process that has printed its address."""

    host: str
    port: int
    url: str
    """Its origin, with a closing slash."""
    secret: str
    """Of its REST API, whose user is OPENVIDUAPP."""
    process: asyncio.subprocess.Process
    log: list[str] = field(default_factory=list)
    """Every line it has printed so far."""
    _reader: asyncio.Task[None] | None = None
    _ended: bool = False
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def origin(self) -> str:
        """Return its origin as a browser writes it: without a closing slash."""
        return self.url.rstrip("/")

    async def wait_for_line(self, pattern: str, timeout: float = _READY_WITHIN) -> str:
        """Return the first line, old or new, in which the regular expression is found.

        Raises ServerError if there is none within `timeout` seconds, or the server ends.
        """
        found: list[str] = []

        def search() -> bool:
            found.extend(line for line in self.log if re.search(pattern, line))
            return bool(found) or self._ended

        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(search)
        except TimeoutError:
            raise ServerError(f"no line like {pattern!r} within {timeout} s; {self._last_output()}") from None
        if not found:
            raise ServerError(f"the server ended before a line like {pattern!r}; {self._last_output()}")
        return found[0]

    async def fault(
        self, kind: str, participant: str | None = None, *, seconds: float = 60.0, **options: Any
    ) -> RunningFault:
        """Begin a fault of docs/faults.md; the server must have been started with `--fault-control`, on loopback.

        `participant` is a connection id; `options` are those of the kind. It ends by itself after `seconds`, or sooner:
        `async with await server.fault("silent", con_id): ...`. Raises ServerError, whose message states what to do.
        """
        if participant is not None:
            options["participant"] = participant
        client = FaultClient(self.url)
        try:
            fault = await asyncio.to_thread(client.start, kind, seconds=seconds, **options)
        except FaultRefused as error:
            raise ServerError(str(error)) from None
        return RunningFault(fault["id"], kind, client)

    async def stop(self) -> int:
        """Stop the server by SIGTERM (Ctrl-C sends SIGINT). Return its exit code; raise ServerError when it hangs."""
        if self.process.returncode is None:
            self.process.terminate()
        try:
            code = await asyncio.wait_for(self.process.wait(), _STOP_WITHIN)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise ServerError(f"the server did not stop within {_STOP_WITHIN} s; {self._last_output()}") from None
        finally:
            if self._reader:
                await self._reader
        return code

    def _last_output(self) -> str:
        return "its last output:\n" + "\n".join(self.log[-30:])

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.log.append(line.decode(errors="replace").rstrip())
            await self._tell()
        self._ended = True
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@dataclass(frozen=True)
class RunningFault:
    """A fault that is active until its time is over or `end` is called. Leaving its context ends it."""

    id: str
    kind: str
    _client: FaultClient = field(repr=False)

    async def end(self) -> None:
        """End it, if it has not ended yet."""
        with contextlib.suppress(FaultRefused):
            await asyncio.to_thread(self._client.end, self.id)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.end()


async def start_server(
    *args: str,
    host: str = "127.0.0.1",
    port: int | None = None,
    secret: str | None = None,
    command: Iterable[str] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> RunningServer:
    """Start `pyvidu serve` with further `args`, and return when it has printed its address.

    By default on a free port of `host` and with a random secret. `command` replaces `python -m pyvidu.cli`, for an
    installation elsewhere; `env` is added to the environment. Raises ServerError.
    """
    port = port or _free_port(host)
    secret = secret or secrets.token_urlsafe(16)
    words = [*(command or (sys.executable, "-m", "pyvidu.cli")), "serve", "--host", host, "--port", str(port)]
    words += ["--secret", secret, *args]
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
        limit=2**22,
    )
    scheme = "https" if "--tls-cert" in args else "http"
    server = RunningServer(host, port, f"{scheme}://{host}:{port}/", secret, process)
    server._reader = asyncio.create_task(server._read())
    try:
        await server.wait_for_line(rf"https?://\S+:{port}\b")
    except BaseException:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await server._reader
        raise
    return server


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
