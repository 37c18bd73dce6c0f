"""A real coturn for a test: on one address, with one user, relaying to that address alone, ended by its process id."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import socket
import struct
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

USER = "ada"


@dataclass(frozen=True)
class Coturn:
    """A coturn that listens on UDP and TCP."""

    host: str
    port: int
    credential: str

    @property
    def url(self) -> str:
        """Return the TURN URL of its UDP side."""
        return f"turn:{self.host}:{self.port}"

    def announced(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return arguments and environment of a server that announces it, over UDP and over TCP."""
        flags = "--turn-url", self.url, "--turn-url", f"{self.url}?transport=tcp", "--turn-username", USER
        return flags, {"PYVIDU_SERVE_TURN_CREDENTIAL": self.credential}


def why_not() -> str | None:
    """Return why coturn cannot run here and what to do about it, or None."""
    return None if shutil.which("turnserver") else "needs a TURN server: apt-get install coturn"


@contextlib.asynccontextmanager
async def coturn(host: str) -> AsyncIterator[Coturn]:
    """Run a coturn on `host`, an address of this machine's."""
    port, credential = _free_port(host), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="pyvidu-coturn-") as folder:
        process = await asyncio.create_subprocess_exec(
            "turnserver", "-n", "--listening-ip", host, "--listening-port", str(port), "--relay-ip", host,
            "--lt-cred-mech", "--user", f"{USER}:{credential}", "--realm", "pyvidu.test",
            "--denied-peer-ip", "0.0.0.0-255.255.255.255", "--allowed-peer-ip", host, "--no-multicast-peers",
            "--no-cli", "--no-tls", "--no-dtls", "--no-software-attribute", "--log-file", "stdout",
            "--userdb", str(Path(folder, "users")), "--pidfile", str(Path(folder, "pid")),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await _answers(host, port, process)
            yield Coturn(host, port, credential)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


class _Answer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.came = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.came.set()


async def _answers(host: str, port: int, process: asyncio.subprocess.Process) -> None:
    """Return once a STUN binding request is answered: coturn does not report when its listeners are ready."""
    question = struct.pack("!HHI", 1, 0, 0x2112A442) + secrets.token_bytes(12)
    transport, answer = await asyncio.get_running_loop().create_datagram_endpoint(_Answer, remote_addr=(host, port))
    try:
        async with asyncio.timeout(20):
            while not answer.came.is_set():
                assert process.returncode is None, f"coturn ended with exit code {process.returncode}"
                transport.sendto(question)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(answer.came.wait(), 0.05)
    finally:
        transport.close()


def _free_port(host: str) -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind((host, 0))
        port: int = udp.getsockname()[1]
        tcp.bind((host, port))
        return port
