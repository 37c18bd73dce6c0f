"""The parts of the test kit that need no browser: its errors when something is missing, and how it runs a server."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvidu.testing import BrowserNotFoundError, PageLog, browser, chromium_flags, find_browser, network, start_server
from pyvidu.testing.server import ServerError


@pytest.fixture
def cleared_why_not() -> Iterator[None]:
    """Clear the cached answer of `why_not` before and after this test."""
    network.why_not.cache_clear()
    yield
    network.why_not.cache_clear()


def program(folder: Path, body: str) -> list[str]:
    """Return a command that stands in for `pyvidu`; its arguments are `serve --host H --port P ...`."""
    script = folder / "stand_in.py"
    script.write_text(
        "import signal, sys, time\nport = sys.argv[sys.argv.index('--port') + 1]\n" + textwrap.dedent(body)
    )
    return [sys.executable, str(script)]


def test_missing_browser_is_an_error_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYVIDU_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(browser.sys, "platform", "linux")
    with pytest.raises(BrowserNotFoundError, match="apt-get install chromium"):
        find_browser()


def test_browser_command_that_fails_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYVIDU_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, exit_code in (("chromium", 1), ("google-chrome", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {exit_code}\n")
        (tmp_path / name).chmod(0o755)
    assert find_browser() == tmp_path / "google-chrome"


def test_browser_of_the_environment_variable_is_used_or_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYVIDU_BROWSER", str(tmp_path / "mine"))
    with pytest.raises(BrowserNotFoundError, match="PYVIDU_BROWSER names"):
        find_browser()
    (tmp_path / "mine").write_text("#!/bin/sh\n")
    (tmp_path / "mine").chmod(0o755)
    assert find_browser() == tmp_path / "mine"


def test_chromium_flags_contain_the_secure_origins() -> None:
    flags = chromium_flags(secure_origins=["http://10.0.0.1:1/", "http://10.0.0.1:2"], fake_video=Path("clip.mjpeg"))
    assert "--unsafely-treat-insecure-origin-as-secure=http://10.0.0.1:1,http://10.0.0.1:2" in flags
    assert "--use-file-for-fake-video-capture=clip.mjpeg" in flags


def test_page_log_lists_requests_to_other_origins() -> None:
    log = PageLog(requests=["http://h:1/x", "data:,", "blob:http://h:1/2", "http://h:12/x", "https://h:1/", "stun:h"])
    assert log.leaving("http://h:1/") == ["http://h:12/x", "https://h:1/", "stun:h"]


@pytest.mark.usefixtures("cleared_why_not")
def test_lab_without_root_gives_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert network.why_not() == "real network drops need root (network namespaces): run the tests as root"


@pytest.mark.usefixtures("cleared_why_not")
def test_lab_without_its_tools_names_the_packages_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install iproute2 nftables" in (network.why_not() or "")


async def test_server_is_ready_when_it_prints_its_url_and_stops_on_sigterm(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print("getting ready"); print(f"open http://localhost:{port}/"); print("a late line")
        time.sleep(60)
        """,
    )
    server = await start_server(command=command)
    assert server.url == f"http://127.0.0.1:{server.port}/"
    assert await server.wait_for_line("a late") == "a late line"
    assert await server.stop() == 0
    assert server.log == ["getting ready", f"open http://localhost:{server.port}/", "a late line"]


async def test_server_that_exits_at_start_is_an_error_with_its_output(tmp_path: Path) -> None:
    command = program(tmp_path, "sys.exit('the port is taken')")
    with pytest.raises(ServerError, match=r"(?s)ended before.*the port is taken"):
        await start_server(command=command)


async def test_server_that_does_not_stop_is_killed_and_raises_server_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyvidu.testing.server._STOP_WITHIN", 0.2)
    command = program(
        tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(f'http://localhost:{port}/'); time.sleep(60)"
    )
    server = await start_server(command=command)
    with pytest.raises(ServerError, match="did not stop within"):
        await server.stop()
    assert server.process.returncode is not None


def test_pytest_plugin_loads_without_playwright() -> None:
    hidden = (
        "import sys; sys.modules['playwright'] = None; import pyvidu.testing.plugin as p; print(hasattr(p, 'chromium'))"
    )
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
