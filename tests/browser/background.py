"""A Chromium as its users start it: background tabs really are in the background.

Playwright starts browsers with `--disable-background-timer-throttling`, `--disable-renderer-backgrounding` and others,
and makes every page look visible and focused. This one is started without those flags and controlled over a pipe (CDP).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pyvidu.testing import NetworkLab, chromium_flags
from tests.waiting import until

# `--remote-debugging-pipe` reads commands from file descriptor 3 and writes results to 4.
_LAUNCH = """import os, sys
commands, results, *browser = sys.argv[1:]
os.dup2(int(commands), 3)
os.dup2(int(results), 4)
os.execv(browser[0], browser)"""
_TIMEOUT = 30.0


class DevTools:
    """A CDP connection: sends commands to a browser and returns their results."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.WriteTransport) -> None:
        self._reader = reader
        self._writer = writer
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    async def send(self, method: str, session: str = "", **params: Any) -> Any:
        """Return the result of a command, sent to the browser or to the tab of a session."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps(command).encode() + b"\0")
        async with asyncio.timeout(_TIMEOUT):
            return await answer

    async def listen(self) -> None:
        """Pass each answer to its waiting command until the browser has ended, then fail the commands still waiting."""
        while not self._reader.at_eof():
            try:
                message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
            except asyncio.IncompleteReadError:
                break
            waiting = self._answers.pop(message.get("id", 0), None)
            if waiting is None or waiting.done():  # nobody waits for it any longer
                continue
            if "error" in message:
                waiting.set_exception(RuntimeError(message["error"]["message"]))
            else:
                waiting.set_result(message["result"])
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(RuntimeError("the browser has ended"))


class Tab:
    """A tab that is in the foreground until another one is opened."""

    def __init__(self, devtools: DevTools, target: str, session: str) -> None:
        self._devtools = devtools
        self._target = target
        self._session = session

    @classmethod
    async def open(cls, devtools: DevTools, url: str) -> Tab:
        """Open a tab in front of the others."""
        target = (await devtools.send("Target.createTarget", url="about:blank"))["targetId"]
        session = (await devtools.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        tab = cls(devtools, target, session)
        await devtools.send("Page.enable", session)
        await devtools.send("Page.navigate", session, url=url)
        await tab.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")
        return tab

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, awaited if it is a promise."""
        answer = await self._devtools.send(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    async def until(self, condition: str, timeout: float = 10.0) -> None:
        """Wait until an expression is true. Polled from outside, because the page's own timers may be throttled."""
        await until(lambda: self.evaluate(condition), timeout, condition, every=0.05)

    async def set_content(self, html: str) -> None:
        """Replace the document by `html` and run its scripts."""
        await self.evaluate(f"document.open(), document.write({json.dumps(html)}), document.close()")


@asynccontextmanager
async def users_chromium(executable: Path, lab: NetworkLab, origin: str) -> AsyncIterator[DevTools]:
    """Run a headless Chromium in the lab without any flag that exempts background tabs from throttling."""
    commands_out, commands_in = os.pipe()
    results_out, results_in = os.pipe()
    with tempfile.TemporaryDirectory(prefix="pyvidu-chromium-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _LAUNCH, str(commands_out), str(results_in), str(lab.wrap(executable)),
            *chromium_flags(secure_origins=[origin]), f"--user-data-dir={profile}",
            "--headless=new", "--remote-debugging-pipe", "about:blank",
            pass_fds=(commands_out, results_in), stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands_out)
        os.close(results_in)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=2**24)
        results, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(results_out, "rb")
        )
        writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(commands_in, "wb"))
        devtools = DevTools(reader, writer)
        listening = asyncio.create_task(devtools.listen())
        try:
            yield devtools
        finally:
            await devtools.send("Browser.close")
            await process.wait()
            await listening
            writer.close()
            results.close()
