"""How the test kit runs a server: its options, its errors, and that no process is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pyvidu.testing import (
    FaultRefusedError,
    PortInUseError,
    RestError,
    ServerError,
    ServerStartError,
    TestingKitError,
    WrongArgumentError,
    start_server,
)
from tests.waiting import until

READY = 'print(f"OpenVidu server ready on http://localhost:{port or 4711}/", flush=True)\n'


def program(folder: Path, body: str) -> list[str]:
    """Return a command that stands in for `pyvidu`; its arguments are `serve --host H --port P ...`."""
    script = folder / "stand_in.py"
    script.write_text(
        "import signal, sys, time\nport = int(sys.argv[sys.argv.index('--port') + 1])\n" + textwrap.dedent(body)
    )
    return [sys.executable, str(script)]


def is_running(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def test_server_is_ready_when_it_prints_its_url_and_stops_on_sigterm(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print("getting ready"); print(f"open http://localhost:4711/"); print("a late line", flush=True)
        time.sleep(60)
        """,
    )
    server = await start_server(command=command)
    assert server.url == "http://127.0.0.1:4711/"
    assert server.port == 4711
    assert await server.wait_for_line("a late") == "a late line"
    assert server.secret not in repr(server)
    assert await server.stop() == 0
    assert server.log == ["getting ready", "open http://localhost:4711/", "a late line"]


async def test_server_that_exits_at_start_is_an_error_with_its_last_lines(tmp_path: Path) -> None:
    command = program(tmp_path, "sys.exit('no such certificate')")
    with pytest.raises(ServerStartError, match=r"(?s)the server ended.*no such certificate"):
        await start_server(command=command)


async def test_command_that_cannot_be_run_is_a_start_error() -> None:
    with pytest.raises(ServerStartError, match=r"/no/such/pyvidu.*cannot be run"):
        await start_server(command=["/no/such/pyvidu"])


async def test_taken_port_is_an_error_of_its_own() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"port {port} of 127\.0\.0\.1 is in use: choose another, or 0"):
            await start_server(port=port)


async def test_server_that_does_not_stop_is_killed_and_raises_server_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyvidu.testing.server._STOP_WITHIN", 0.2)
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "time.sleep(60)"
    server = await start_server(command=program(tmp_path, body))
    with pytest.raises(ServerError, match="did not stop within"):
        await server.stop()
    assert not is_running(server.process.pid)


async def test_killed_server_can_be_stopped_and_killed_again(tmp_path: Path) -> None:
    server = await start_server(command=program(tmp_path, READY + "time.sleep(60)"))
    await server.kill()
    await server.kill()
    assert await server.stop() == -signal.SIGKILL


async def test_cancelled_start_leaves_no_process(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    command = program(tmp_path, f"import os; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    starting = asyncio.create_task(start_server(command=command))
    await until(lambda: mark.exists() and mark.read_text(), 20)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not is_running(int(mark.read_text()))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"port": -1}, "port=-1: give a port"),
        ({"port": "80"}, "port='80': give a port"),
        ({"eviction_timeout": -3}, r"eviction_timeout=-3: give seconds, from 0\.1 to 3600"),
        ({"eviction_timeout": 12_000}, "eviction_timeout=12000: give seconds"),
        ({"profile": "kurrento"}, "no profile 'kurrento'. Did you mean 'kurento'"),
    ],
)
async def test_wrong_option_of_a_server_is_refused_with_what_is_accepted(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(WrongArgumentError, match=complaint):
        await start_server(**options)


@pytest.fixture
async def server(tmp_path: Path) -> Any:
    started = await start_server(command=program(tmp_path, READY + "time.sleep(60)"))
    yield started
    await started.kill()


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        ("silnet", {}, "There is no fault of a server 'silnet'. Did you mean 'silent'.*restart"),
        ("silent", {"seconds": -1}, "seconds=-1: give seconds, from 0 to 300"),
        ("silent", {"seconds": float("nan")}, "seconds=nan: give seconds"),
        ("slow", {"delay": 300}, "delay=300: give seconds, from 0 to 10"),
        ("slow", {}, "The fault 'slow' takes .*delay, jitter, plane"),
        ("silent", {"count": 1}, "The fault 'silent' takes seconds, participant"),
        ("silent", {"participant": None}, "The fault 'silent' takes seconds, participant"),
        ("lost-notification", {"count": 0}, "'count' is wrong"),
    ],
)
async def test_wrong_fault_is_refused_before_it_is_sent(
    server: Any, kind: str, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(WrongArgumentError, match=complaint):
        server.fault(kind, **{"participant": "con_x", **options})


async def test_fault_and_rest_call_without_a_server_say_so(server: Any) -> None:
    await server.kill()
    with pytest.raises(FaultRefusedError, match=r"(?s)No server answers.*fault_control=True"):
        await server.fault("restart")
    with pytest.raises(RestError, match="no server answers"):
        await server.create_token("room")


async def test_waiting_for_a_line_times_out_with_the_last_lines(server: Any) -> None:
    with pytest.raises(ServerError, match=r"(?s)no line like 'never' within 0\.05 s.*ready on"):
        await server.wait_for_line("never", timeout=0.05)
    with pytest.raises(WrongArgumentError, match="timeout=-1: give seconds"):
        await server.wait_for_line("never", timeout=-1)


def test_every_error_has_the_base_class_that_pytest_does_not_collect() -> None:
    from pyvidu.testing import errors

    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(classes) > 10
    assert all(issubclass(one, TestingKitError) for one in classes)
    assert not any(one.__test__ for one in classes)
