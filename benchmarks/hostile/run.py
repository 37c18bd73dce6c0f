"""A server with a call of three light participants, attacked by processes of the lowest priority. Linux, as root."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from benchmarks import processes
from benchmarks.hostile.healthz import Healthz
from benchmarks.hostile.server import BlackHole, descriptors, start, waited_s
from benchmarks.hostile.target import ROOM
from benchmarks.hostile.verdict import Resources, Trial
from benchmarks.light.process import LightProcess
from pyvidu.testing import RunningServer

CALLERS = 3
EVICTION_S = 5.0
"""Shorter than the default 12 s: what attackers leave behind is given up that much sooner."""
LONGEST_S = 90.0
"""An attack that takes longer is ended."""
SETTLE_S = 60.0
"""Within so many seconds after an attack everything is to be released; usually it takes little more than an eviction."""
WARM_S = 20.0
FLAT_MIB = 0.5
WARM_AT_MOST_S = 180.0
"""The callers' packets fill what is kept of them (1,024 of a track) in 100 s or so: 9 MiB. The server is warm when its memory
has grown by less than `FLAT_MIB` in `WARM_S`."""
BASELINE_S = 10.0
HELD_S = 1.0
_POLL_S = 1.0


class World:
    """The server under attack and its call."""

    def __init__(self, server: RunningServer, callers: LightProcess, healthz: Healthz, call: dict[str, Any]) -> None:
        self.server = server
        self.baseline = Resources(0.0, 0, 0)
        self._callers, self._healthz, self._call = callers, healthz, call
        self._pid = server.process.pid

    @classmethod
    @contextlib.asynccontextmanager
    async def begin(cls) -> AsyncIterator[World]:
        """Start server and call, and yield them once the baseline of resources is known."""
        async with BlackHole() as backend:
            server = await start("--log-level", "info", "--webhook", backend, eviction_timeout=EVICTION_S)
            callers: LightProcess | None = None
            try:
                tokens = [await server.create_token(ROOM) for _ in range(CALLERS)]
                callers, call = await LightProcess.start_told("callers", tokens)
                async with Healthz(server.port) as healthz:
                    self = cls(server, callers, healthz, call)
                    await self._warm()
                    yield self
            finally:
                if callers is not None:
                    await callers.stop()
                await server.kill()

    async def baseline_trial(self, seconds: float = BASELINE_S) -> Trial:
        """Measure without an attack."""
        return await self.measure("no attack", asyncio.sleep(seconds, {"told": ""}))  # the baseline

    async def attack(self, name: str, longest: float = LONGEST_S) -> Trial:
        """Let a process of its own attack, and measure until everything is released, for a minute at most."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.hostile.attacker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            await process.stdout.readline()  # it has started; its start is no part of the attack
            return await self.measure(name, self._order(process, name, longest), process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _order(self, process: asyncio.subprocess.Process, name: str, longest: float) -> dict[str, str]:
        assert process.stdin is not None
        assert process.stdout is not None
        order = {"name": name, "port": self.server.port, "secret": self.server.secret}
        order |= {"streams": self._call["streams"], "addresses": self._call["addresses"]}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        notes: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                while line := (await process.stdout.readline()).decode().strip():
                    if line.startswith("{"):
                        end: dict[str, str] = json.loads(line)
                        told = [*notes, *([f"[{end['error']}]"] if end["error"] else [])]
                        return {"told": "; ".join(told), "breach": end["breach"]}
                    notes.append(line)
                raise RuntimeError(f"the attacker {name} has failed; its output is above")
        return {"told": "; ".join([*notes, f"ended after {longest:g} s"])}

    async def measure(self, name: str, attack: Any, process: asyncio.subprocess.Process | None = None) -> Trial:
        """Await what `attack` is, which returns what is to be told of it, end `process`, and return what was measured."""
        await self._callers.ask("restart")
        self._healthz.restart()
        cpu, waited, began = processes.cpu_s(self._pid), waited_s(self._pid), time.monotonic()
        told: dict[str, str] = await attack
        await asyncio.sleep(HELD_S)  # what attackers have open stays open so long
        ended = time.monotonic()
        cpu, waited = processes.cpu_s(self._pid) - cpu, waited_s(self._pid) - waited
        if process is not None:
            process.kill()
            await process.wait()
        held, settled = await self._settle(ended)
        report = await self._callers.ask("report")
        gap = _longest_gap(report, self._call["streams"])
        return Trial(
            name, ended - began, gap, self._healthz.times(), cpu, waited, settled, held,
            told.get("told", ""), told.get("breach", ""),
        )  # fmt: skip

    async def _settle(self, ended: float) -> tuple[Resources, float | None]:
        while True:
            held = await self._resources()
            passed = time.monotonic() - ended
            if held.is_back(self.baseline) or not self.baseline.memory:
                return held, passed
            if passed > SETTLE_S:
                return held, None
            await asyncio.sleep(_POLL_S)  # between two looks

    async def _warm(self) -> None:
        """Wait until every leg has frames, and take the baseline as the most of some looks."""
        async with asyncio.timeout(60):
            while _legs(await self._callers.ask("report"), self._call["streams"]) < CALLERS * (CALLERS - 1):
                await asyncio.sleep(0.2)  # between two looks
        await self._callers.ask("restart")
        async with asyncio.timeout(WARM_AT_MOST_S):
            grown = FLAT_MIB
            while grown >= FLAT_MIB:
                before = processes.memory_mib(self._pid)
                await asyncio.sleep(WARM_S)  # between two looks
                grown = processes.memory_mib(self._pid) - before
        found = []
        for _ in range(10):
            await asyncio.sleep(0.5)  # between two looks
            found.append(await self._resources())
        self.baseline = Resources(
            max(one.memory for one in found),
            max(one.descriptors for one in found),
            max(one.participants for one in found),
        )

    async def _resources(self) -> Resources:
        return Resources(processes.memory_mib(self._pid), descriptors(self._pid), await self._participants())

    async def _participants(self) -> int:
        """Return the number of participants, from /metrics; a large one if it is not told in 5 s."""
        headers = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", self.server.secret)}
        with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
            timeout = aiohttp.ClientTimeout(5)
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.get(f"{self.server.origin}/metrics", headers=headers) as answer,
            ):
                if found := re.search(r"^pyvidu_participants (\d+)", await answer.text(), re.MULTILINE):
                    return int(found[1])
        return sys.maxsize


def _of_call(report: dict[str, Any], streams: list[str]) -> list[dict[str, Any]]:
    return [leg for legs in report["received"] for stream, leg in legs.items() if stream in streams]


def _legs(report: dict[str, Any], streams: list[str]) -> int:
    return sum(leg["frames"] > 5 for leg in _of_call(report, streams))


def _longest_gap(report: dict[str, Any], streams: list[str]) -> float:
    """Return the longest gap between frames on any leg of the call, infinity if one has gone."""
    legs = _of_call(report, streams)
    if len(legs) < len(streams) * (len(streams) - 1):
        return float("inf")
    return float(max(leg["longest_gap"] for leg in legs))
