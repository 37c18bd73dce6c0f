"""A process of light participants, controlled over its standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any, Literal

from pyvidu.testing import LabError, NetworkLab

Kind = Literal["callers", "crowd", "rejoining", "senders"]
_LIMIT = 2**24


class LightProcess:
    """`python -m benchmarks.light.KIND`, in a lab or not.

    It gets an order (for most kinds the tokens), reports when all have joined, and ends with its input.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, kind: Kind, order: object, lab: NetworkLab | None = None) -> LightProcess:
        """Start the process and return when all of its participants have joined. Raises LabError."""
        self, told = await cls.start_told(kind, order, lab)
        if "refused" in told:
            await self.stop()
            raise LabError(f"a light participant was refused: {told['refused']}")
        return self

    @classmethod
    async def start_told(
        cls, kind: Kind, order: object, lab: NetworkLab | None = None
    ) -> tuple[LightProcess, dict[str, Any]]:
        """Start the process and return it with what it has told of its participants. Raises LabError."""
        inside = ("ip", "netns", "exec", lab.namespace) if lab is not None else ()
        pipe = asyncio.subprocess.PIPE
        imports = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self = cls(
            await asyncio.create_subprocess_exec(
                *inside,
                sys.executable,
                "-m",
                f"benchmarks.light.{kind}",
                stdin=pipe,
                stdout=pipe,
                limit=_LIMIT,
                env=imports,
            )
        )
        try:
            told = await self.ask(json.dumps(order))
        except BaseException:
            await self.stop()
            raise
        return self, told

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    async def ask(self, line: str) -> dict[str, Any]:
        """Return the process's answer to a line. Raises LabError when it has ended instead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        answer = await self._process.stdout.readline()
        if not answer:
            raise LabError("a process of light participants ended; its output is above")
        found: dict[str, Any] = json.loads(answer)
        return found

    async def stop(self) -> None:
        """Make all participants leave and wait for the process to end; kill it after 20 s."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 20)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
