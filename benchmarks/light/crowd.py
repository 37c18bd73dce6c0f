"""The process of a crowd: N light participants. Reads a line of tokens and prints a line when all have joined; then reads
`report` and prints the outage events of each, with times of the monotonic clock that all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from benchmarks.light.host import LightHosts, http_client
from pyvidu import OpenVidu

_AT_ONCE = 50
_TOLD = ("reconnecting", "reconnected", "sessionDisconnected")


class Member:
    """One participant of the crowd."""

    def __init__(self, hosts: LightHosts) -> None:
        self.told: list[tuple[float, str]] = []
        self.session = OpenVidu(hosts.host()).init_session()
        for name in _TOLD:
            self.session.on(name, self._keep)

    def _keep(self, event: Any) -> None:
        self.told.append((time.monotonic(), event.type))


async def main() -> None:
    """Run the crowd until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tokens: list[str] = json.loads(await reader.readline())
    gate = asyncio.Semaphore(_AT_ONCE)
    async with http_client() as http:
        hosts = LightHosts(http)
        members = [Member(hosts) for _ in tokens]

        async def join(member: Member, token: str) -> None:
            async with gate:
                await member.session.connect(token, {"name": "crowd"})

        await asyncio.gather(*map(join, members, tokens))
        print(json.dumps({"joined": len(members)}), flush=True)
        while (line := (await reader.readline()).strip()) != b"":
            if line == b"report":
                told = [member.told for member in members]
                print(json.dumps({"told": told, **vars(hosts.counts)}), flush=True)
        for member in members:
            member.session.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
