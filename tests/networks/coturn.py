"""A real coturn for a test: on one address, with one user, relaying to that address alone, ended by its process id."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import socket
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tls import Certificate

USER = "ada"


@dataclass(frozen=True)
class Coturn:
    """A coturn that listens on UDP and TCP, and, if it has a certificate, for TLS on another port."""

    host: str
    port: int
    credential: str
    tls_port: int | None = None

    @property
    def url(self) -> str:
        """Return the TURN URL of its UDP side."""
        return f"turn:{self.host}:{self.port}"

    @property
    def tls_url(self) -> str:
        """Return the TURN URL of its TLS side."""
        return f"turns:{self.host}:{self.tls_port}?transport=tcp"

    def announced(self, *urls: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return arguments and environment of a server that announces some of its URLs; by default UDP's and TCP's."""
        flags = [flag for url in urls or (self.url, f"{self.url}?transport=tcp") for flag in ("--turn-url", url)]
        return (*flags, "--turn-username", USER), {"PYVIDU_SERVE_TURN_CREDENTIAL": self.credential}


def why_not() -> str | None:
    """Return why coturn cannot run here and what to do about it, or None."""
    return None if shutil.which("turnserver") else "needs a TURN server: apt-get install coturn"


@contextlib.asynccontextmanager
async def coturn(host: str, certificate: Certificate | None = None) -> AsyncIterator[Coturn]:
    """Run a coturn on `host`, an address of this machine's; with a certificate it offers TLS too."""
    port, credential = _free_port(host), secrets.token_hex(16)
    tls_port = None if certificate is None else _free_port(host)
    tls = ["--no-tls"]
    if certificate is not None:
        tls = ["--tls-listening-port", str(tls_port), "--cert", str(certificate.cert), "--pkey", str(certificate.key)]
    with tempfile.TemporaryDirectory(prefix="pyvidu-coturn-") as folder:
        process = await asyncio.create_subprocess_exec(
            "turnserver", "-n", "--listening-ip", host, "--listening-port", str(port), "--relay-ip", host,
            "--lt-cred-mech", "--user", f"{USER}:{credential}", "--realm", "pyvidu.test",
            "--denied-peer-ip", "0.0.0.0-255.255.255.255", "--allowed-peer-ip", host, "--no-multicast-peers",
            "--no-cli", *tls, "--no-dtls", "--no-software-attribute", "--log-file", "stdout",
            "--userdb", str(Path(folder, "users")), "--pidfile", str(Path(folder, "pid")),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await _answers(host, port, process)
            if certificate is not None:
                await _answers_over_tls(host, tls_port, certificate)
            yield Coturn(host, port, credential, tls_port)
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
    question = _binding_request()
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


async def _answers_over_tls(host: str, port: int | None, certificate: Certificate) -> None:
    """Return once the same is answered over TLS, by whom the certificate belongs to."""
    trust = ssl.create_default_context(cafile=certificate.cert)
    async with asyncio.timeout(20):
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port, ssl=trust)
            except ConnectionError:
                await asyncio.sleep(0.05)  # before the next attempt
                continue
            writer.write(_binding_request())
            await reader.readexactly(20)  # the header of the answer
            writer.close()
            return


def _binding_request() -> bytes:
    return struct.pack("!HHI", 1, 0, 0x2112A442) + secrets.token_bytes(12)


def _free_port(host: str) -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind((host, 0))
        port: int = udp.getsockname()[1]
        tcp.bind((host, port))
        return port
