"""The memory snapshot that pages start Python from, made in the background when there is none of this client."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

from aiohttp import web

from pyvidu.server import logs
from pyvidu.vendoring.snapshot import snapshot_file, snapshot_key

_NICENESS = 10  # calls come first


class Snapshots:
    """Knows which snapshot belongs to a client, and has it made."""

    def __init__(self, vendor_dir: Path) -> None:
        self._vendor_dir = vendor_dir
        self._keys: dict[bytes, str] = {}
        self._tried: set[str] = set()
        self._making: asyncio.Task[None] | None = None

    def key(self, wheel: bytes) -> str | None:
        """Return the key of the snapshot of `wheel`, None if there is no such file."""
        key = self._key(wheel)
        return key if snapshot_file(self._vendor_dir, key).is_file() else None

    def size(self, key: str) -> int:
        """Return the length of the snapshot in bytes."""
        return snapshot_file(self._vendor_dir, key).stat().st_size

    def file(self, key: str) -> Path:
        """Return the file of a key that a page asks for. Raises HTTPNotFound."""
        file = snapshot_file(self._vendor_dir, key)
        if not key.isalnum() or not file.is_file():
            raise web.HTTPNotFound(text="That snapshot is not served any more: reload the page.")
        return file

    def make(self, wheel: bytes) -> None:
        """Have the snapshot of `wheel` made, if there is none and it was not tried before."""
        key = self._key(wheel)
        if self.key(wheel) or key in self._tried or (self._making and not self._making.done()):
            return
        self._tried.add(key)
        self._making = asyncio.create_task(self._make())

    async def close(self) -> None:
        """Stop making one."""
        if self._making:
            self._making.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._making

    def _key(self, wheel: bytes) -> str:
        if wheel not in self._keys:
            self._keys = {wheel: snapshot_key(wheel)}
        return self._keys[wheel]

    async def _make(self) -> None:
        if shutil.which("node") is None:
            logs.event("no memory snapshot", why="Node.js was not found: pages start Python a second later")
            return
        command = [sys.executable, "-m", "pyvidu.cli", "vendor", "--into", str(self._vendor_dir)]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            if hasattr(os, "setpriority"):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
            _, told = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # Node.js too
                await process.wait()
        if process.returncode == 0:
            logs.event("memory snapshot made")
        else:
            logs.event("no memory snapshot", why=told.decode(errors="replace").strip()[-500:])
