"""The process of one attacker, at the lowest priority: reads what to attack as a line of JSON, and tells how that ended.

What it has open stays open until the parent ends it.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from typing import Any

import aiohttp

from benchmarks.hostile.attacks import BY_NAME
from benchmarks.hostile.target import BreachError, Target

SOURCE = "127.0.0.2"
"""Attackers have an address of their own, as limits count by address."""


async def attack(order: dict[str, Any]) -> None:
    """Carry out the order and print how it ended: `error` the server's refusal, `breach` what it should have refused."""
    connector = aiohttp.TCPConnector(local_addr=(SOURCE, 0), limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        target = Target(
            order["port"], order["secret"], http, order["streams"], [tuple(one) for one in order["addresses"]],
            source=SOURCE,
        )  # fmt: skip
        told = {"error": "", "breach": ""}
        try:
            await BY_NAME[order["name"]](target)
        except BreachError as breach:
            told["breach"] = str(breach)
        except (OSError, RuntimeError, TimeoutError, KeyError, aiohttp.ClientError) as problem:  # KeyError: no `result`
            told["error"] = f"{type(problem).__name__}: {problem}"[:200]
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Read the order and attack."""
    os.sched_setscheduler(
        0, os.SCHED_OTHER, os.sched_param(0)
    )  # where the server has a core before all others (`chrt`)
    os.nice(19)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("ready", flush=True)
    asyncio.run(attack(json.loads(sys.stdin.readline())))


if __name__ == "__main__":
    main()
