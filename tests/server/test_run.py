"""The server process: starts, prints its URL, stops, and refuses dangerous settings."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from pyvidu.server.app import app_runner, check, keep_out_of_collections, run
from pyvidu.server.config import ServerConfig
from pyvidu.server.errors import ConfigurationError

PROGRAM = """
import sys
from pathlib import Path
from pyvidu.server.app import run
from pyvidu.server.config import ServerConfig
settings = dict(argument.split("=") for argument in sys.argv[1:])
for name in ("tls_cert", "tls_key"):
    if name in settings:
        settings[name] = Path(settings[name])
run(ServerConfig(port=0, demo="demo" in settings, **{k: v for k, v in settings.items() if k != "demo"}))
"""


async def start(*settings: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start a server in a process of its own and return it with its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    assert line.startswith("OpenVidu server ready on "), line + (await process.communicate())[1].decode()
    url, _, key = line.split()[-1].partition("?key=")
    assert len(key) >= 16
    return process, url


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_server_prints_its_url_when_ready_and_stops_on_a_signal(stop: signal.Signals) -> None:
    process, url = await start("demo=yes")
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}openvidu?sessionId=x") as ws:
        process.send_signal(stop)
        assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1001
    output, errors = await asyncio.wait_for(process.communicate(), 5)
    assert process.returncode == 0, errors.decode()
    assert f"Open {url}?key=".encode() in output
    assert b"Traceback" not in errors


async def test_https_and_wss(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    process, url = await start(f"tls_cert={certificate}", f"tls_key={key}", "secret=MY_SECRET")
    assert url.startswith("https://localhost:")
    trust = ssl.create_default_context(cafile=str(certificate))
    auth = {"Authorization": aiohttp.encode_basic_auth("OPENVIDUAPP", "MY_SECRET")}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust), headers=auth) as http:
        async with http.post(f"{url}openvidu/api/sessions", json={"customSessionId": "x"}) as response:
            assert response.status == 200
        async with http.post(f"{url}openvidu/api/sessions/x/connection", json={}) as response:
            assert (await response.json())["token"].startswith("wss://localhost:")
        async with http.ws_connect(f"{url}openvidu?sessionId=x") as ws:
            await ws.send_json({"jsonrpc": "2.0", "id": 0, "method": "ping"})
            assert (await ws.receive_json())["result"] == {"value": "pong"}
    process.terminate()
    await asyncio.wait_for(process.communicate(), 5)
    assert process.returncode == 0


def test_port_in_use_is_a_configuration_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Cannot listen on 127.0.0.1:{port}.*--port"):
            run(ServerConfig(port=port))


def test_certificate_without_a_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--tls-key"):
        check(ServerConfig(tls_cert=Path("cert.pem")))


def self_signed(folder: Path) -> tuple[Path, Path]:
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


async def test_idle_http_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyvidu.server.app._IDLE", 0.2)
    runner = app_runner(ServerConfig(port=0, secret="a secret"))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    async with asyncio.timeout(10):
        await reader.read()  # to the end of the stream: the server closes the connection
    writer.close()
    await runner.cleanup()


def test_what_stays_is_kept_out_of_garbage_collections() -> None:
    keep_out_of_collections()
    try:
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


def test_full_collections_come_for_what_is_new() -> None:
    exempt = [[] for _ in range(600_000)]
    keep_out_of_collections()
    before = gc.get_stats()[2]["collections"]
    try:
        kept = [[] for _ in range(100_000)]  # less than a quarter of what is exempt
        assert gc.get_stats()[2]["collections"] > before
        assert len(kept) + len(exempt) == 700_000
    finally:
        gc.unfreeze()
