"""An embedded server in a process of its own, for a test, with its log, its faults and its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from pyvidu.server.faults.client import FaultClient
from pyvidu.testing.arguments import check_name, check_number
from pyvidu.testing.errors import PortInUseError, ServerError, ServerStartError, WrongArgumentError
from pyvidu.testing.fault import BeginningFault, ServerFault, begin_fault, checked_order
from pyvidu.testing.rest import RestClient, Role, RoomConnection

if TYPE_CHECKING:
    from pyvidu.testing.network import NetworkLab

Profile = Literal["default", "kurento"]
"""Whose clocks a server has: its own, or those of OpenVidu's server; docs/server.md says what that changes."""

_READY_WITHIN = 60.0  # seconds; the start takes 2 s, but took many times that on a machine under load
_STOP_WITHIN = 20.0
_LONGEST = 3600.0  # seconds: a longer time is a mistake, milliseconds most likely
_ADDRESS = re.compile(r"https?://(?:\[\S+?\]|[^\s:]+):(\d+)\b(?:/\?key=(\S+))?")


@dataclass
class RunningServer:
    """A `pyvidu serve` process that has printed its address. Made by `start_server` and the fixture `pyvidu_server`.

    Attributes:
        host: the address that it listens on.
        port: likewise.
        process: the process.

    Source: pyvidu's own.
    """

    host: str
    port: int
    process: asyncio.subprocess.Process = field(repr=False)
    url: str
    """Its origin, with a closing slash."""
    secret: str = field(repr=False)
    """Of its REST API, whose user is OPENVIDUAPP."""
    key: str = field(default="", repr=False)
    """What pages that get their tokens from `--demo` have in their address: `f"{server.url}?key={server.key}"`."""
    log: list[str] = field(default_factory=list, repr=False)
    """Every line it has printed so far."""
    ended_by_test: bool = False
    """Whether `stop` or `kill` was called."""
    _ended: bool = field(default=False, repr=False)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition, repr=False)
    _reader: asyncio.Task[None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._reader = asyncio.create_task(self._read())

    @property
    def origin(self) -> str:
        """Return its origin as a browser writes it: without a closing slash."""
        return self.url.rstrip("/")

    async def create_token(self, session_id: str, *, role: Role = "PUBLISHER", data: str = "") -> str:
        """Return a fresh token, as an application's backend gets it; create the session if it does not exist.

        Args:
            session_id: the session that it opens.
            role: of the participant.
            data: the `serverData` of its connection.

        Raises:
            RestError: the REST API refused.

        Source: OpenVidu's REST API, `POST sessions/ID/connection`.
        """
        return await asyncio.to_thread(RestClient(self.url, self.secret).create_token, session_id, role, data)

    async def connections(self, session_id: str) -> list[RoomConnection]:
        """Return the participants of a session, the one that joined first at the beginning.

        Args:
            session_id: the session.

        Raises:
            RestError: the REST API refused: there is no such session, say.

        Source: OpenVidu's REST API, `GET sessions/ID/connection`.
        """
        return await asyncio.to_thread(RestClient(self.url, self.secret).connections, session_id)

    async def wait_for_line(self, pattern: str, timeout: float = _READY_WITHIN) -> str:
        """Return the first line of the log, old or new, in which a regular expression is found.

        Args:
            pattern: the regular expression.
            timeout: in seconds.

        Raises:
            ServerError: there is none within `timeout`, or the server ends.
            WrongArgumentError: `timeout` is no time.
        """
        check_number("timeout", timeout, unit="seconds", most=_LONGEST)
        found: list[str] = []

        def search() -> bool:
            found.extend(line for line in self.log if re.search(pattern, line))
            return bool(found) or self._ended

        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(search)
        except TimeoutError:
            raise ServerError(f"no line like {pattern!r} within {timeout:g} s; {self.last_output()}") from None
        if not found:
            raise ServerError(f"the server ended before a line like {pattern!r}; {self.last_output()}")
        return found[0]

    def fault(
        self,
        kind: ServerFault,
        participant: str | None = None,
        *,
        seconds: float = 60.0,
        delay: float | None = None,
        jitter: float | None = None,
        plane: Literal["both", "signaling", "media"] | None = None,
        close: bool | None = None,
        count: int | None = None,
        method: str | None = None,
    ) -> BeginningFault:
        """Begin a fault; the server must have been started with `fault_control`, on loopback.

        It ends by itself after `seconds`, or with its block, or with `end`.

        Args:
            kind: docs/faults.md says what each does.
            participant: a connection id; every kind but `restart` needs one.
            seconds: until it ends by itself, at most 300.
            delay: of `slow`, in seconds, at most 10.
            jitter: of `slow`, in seconds, at most 10.
            plane: of `slow`.
            close: of `signaling-only`: whether the socket is closed.
            count: of `lost-notification` and `refused-resume`: how many.
            method: of `lost-notification`: which.

        Raises:
            WrongArgumentError: there is no such fault, or it takes no such option.
            FaultRefusedError: the server refused it, when awaited; the message says what to do.

        Example: not run, it needs a participant of a real server
            async with server.fault("silent", connection_id):
                await page.wait_for_selector("text=Reconnecting")
            fault = await server.fault("slow", connection_id, seconds=9, delay=0.5)
            await fault.end()

        Source: pyvidu's own.
        """
        order = checked_order(
            kind, participant, seconds, delay, jitter, plane=plane, close=close, count=count, method=method
        )
        return BeginningFault(begin_fault(FaultClient(self.url, self.key), order))

    async def stop(self) -> int:
        """Stop the server by SIGTERM (Ctrl-C sends SIGINT), and return its exit code; 0 is a clean end.

        Raises:
            ServerError: it does not end within 20 s; it was killed then.
        """
        self.ended_by_test = True
        with contextlib.suppress(ProcessLookupError):
            if self.process.returncode is None:
                self.process.terminate()
        try:
            code = await asyncio.wait_for(self.process.wait(), _STOP_WITHIN)
        except TimeoutError:
            await self.kill()
            raise ServerError(f"the server did not stop within {_STOP_WITHIN:g} s; {self.last_output()}") from None
        await self._reader
        return code

    async def kill(self) -> None:
        """End the server at once, by SIGKILL: its sockets are closed by the kernel, nobody is told anything."""
        self.ended_by_test = True
        with contextlib.suppress(ProcessLookupError):
            if self.process.returncode is None:
                self.process.kill()
        await self.process.wait()
        await self._reader

    def last_output(self) -> str:
        """Return the last lines of the log, for an error message."""
        return "its last output:\n" + ("\n".join(self.log[-30:]) or "(nothing)")

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


async def start_server(
    *args: str,
    lab: NetworkLab | None = None,
    host: str | None = None,
    port: int = 0,
    secret: str | None = None,
    fault_control: bool = False,
    profile: Profile = "default",
    eviction_timeout: float | None = None,
    command: Iterable[str] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> RunningServer:
    """Start `pyvidu serve`, and return when it listens. The caller stops it.

    The process ends with the process that started it, however that ends.

    Args:
        *args: further arguments of `pyvidu serve`, as `"--demo"`.
        lab: it listens on the host's address of this lab.
        host: it listens there; None means 127.0.0.1. With `lab` there is none to choose.
        port: 0 takes a free one.
        secret: of the REST API; None means a random one.
        fault_control: let tests order faults; it needs loopback.
        profile: `kurento` behaves as OpenVidu's own server (docs/server.md).
        eviction_timeout: the seconds without a byte after which a participant is evicted; None means 12.
        command: replaces this Python's `pyvidu`, for an installation elsewhere.
        cwd: its current directory.
        env: is added to its environment.

    Raises:
        PortInUseError: something else listens on `port`.
        ServerStartError: it ended or did not listen within 60 s; the message has its last lines.
        WrongArgumentError: an argument is wrong.

    Example: not run, it starts a process
        server = await start_server(fault_control=True)
        token = await server.create_token("my-room")
        assert await server.stop() == 0

    Source: pyvidu's own.
    """
    check_name("profile", profile, get_args(Profile))
    check_number("port", port, unit="a port, or 0 for a free one", most=65535)
    words = [*(command or (sys.executable, "-m", "pyvidu.testing.server_process")), "serve"]
    address = _address(lab, host)
    secret = secret or secrets.token_urlsafe(16)
    words += ["--host", address, "--port", str(port), "--secret", secret, "--profile", profile]
    if fault_control:
        words.append("--fault-control")
    if eviction_timeout is not None:
        check_number("eviction_timeout", eviction_timeout, unit="seconds", least=0.1, most=_LONGEST)
        words += ["--eviction-timeout", str(eviction_timeout)]
    process = await _process([*words, *args], cwd, env)
    server = RunningServer(address, port, process, "", secret)
    try:
        line = await server.wait_for_line(_ADDRESS.pattern)
    except BaseException as error:
        await server.kill()
        if isinstance(error, ServerError):
            raise _start_error(server, port) from None
        raise
    found = _ADDRESS.search(line)
    assert found is not None
    server.port, server.key = int(found[1]), found[2] or ""
    scheme = "https" if "--tls-cert" in args else "http"
    server.url = f"{scheme}://{f'[{address}]' if ':' in address else address}:{server.port}/"
    return server


def _address(lab: NetworkLab | None, host: str | None) -> str:
    if lab is None:
        return host or "127.0.0.1"
    if host not in (None, lab.host_address):
        raise WrongArgumentError(f"A server for a lab listens on {lab.host_address}: pass `lab` or `host`, not both")
    return lab.host_address


async def _process(words: list[str], cwd: Path | None, env: Mapping[str, str] | None) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,  # its end is the end of this process, see server_process.py
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            limit=2**22,
        )
    except OSError as error:
        raise ServerStartError(f"`{words[0]}` cannot be run: {error}") from None


def _start_error(server: RunningServer, port: int) -> ServerStartError:
    output = server.last_output()
    if "Cannot listen on" in output and "in use" in output:
        return PortInUseError(
            f"port {port} of {server.host} is in use: choose another, or 0 for a free one (the default); {output}"
        )
    return ServerStartError(f"the server ended, or did not listen within {_READY_WITHIN:g} s; {output}")
