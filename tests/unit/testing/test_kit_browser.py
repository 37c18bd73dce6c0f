"""How the test kit finds and starts browsers; without one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from pyvidu.testing import (
    BrowserNotFoundError,
    BrowserStartError,
    PageLog,
    WrongArgumentError,
    chromium,
    chromium_flags,
    find_browser,
    firefox,
    launch_browser,
)


def executable(path: Path, script: str = "") -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_missing_browser_is_an_error_with_the_commands_that_install_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYVIDU_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(chromium.sys, "platform", "linux")
    with pytest.raises(
        BrowserNotFoundError, match=r"(?s)apt-get install chromium.*-m playwright install --with-deps chromium"
    ):
        find_browser()


def test_browser_command_that_fails_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYVIDU_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    executable(tmp_path / "chromium", "exit 1")
    executable(tmp_path / "google-chrome")
    assert find_browser() == tmp_path / "google-chrome"


def test_browser_of_the_environment_variable_is_used_or_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYVIDU_BROWSER", str(tmp_path / "mine"))
    with pytest.raises(BrowserNotFoundError, match="PYVIDU_BROWSER names"):
        find_browser()
    mine = executable(tmp_path / "mine")
    assert find_browser() == mine


def test_missing_firefox_is_an_error_with_the_command_that_installs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYVIDU_FIREFOX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(firefox.sys, "platform", "linux")
    with pytest.raises(BrowserNotFoundError, match=r"apt-get install firefox-esr.*PYVIDU_FIREFOX"):
        find_browser("firefox")


def test_firefox_of_the_environment_variable_or_of_the_system_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYVIDU_FIREFOX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    system = executable(tmp_path / "firefox")
    assert find_browser("firefox") == system
    monkeypatch.setenv("PYVIDU_FIREFOX", str(tmp_path / "mine"))
    with pytest.raises(BrowserNotFoundError, match="PYVIDU_FIREFOX names"):
        find_browser("firefox")
    mine = executable(tmp_path / "mine")
    assert find_browser("firefox") == mine


def test_browser_that_playwright_installed_for_the_user_of_sudo_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYVIDU_BROWSER", "PLAYWRIGHT_BROWSERS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(chromium.sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SUDO_USER", "ada")
    homes = {"~": tmp_path / "root", "~ada": tmp_path / "ada"}
    monkeypatch.setattr(Path, "expanduser", lambda path: homes[str(path)])
    folder = homes["~ada"] / ".cache" / "ms-playwright" / "chromium-1" / "chrome-linux"
    folder.mkdir(parents=True)
    chrome = executable(folder / "chrome")
    assert find_browser() == chrome


def test_firefox_preferences_allow_the_hosts_of_the_secure_origins() -> None:
    preferences = firefox.firefox_preferences(secure_origins=["http://10.0.0.1:1", "http://10.0.0.1:2", "http://app"])
    assert preferences["dom.securecontext.allowlist"] == "10.0.0.1,app"


def test_chromium_flags_contain_the_secure_origins() -> None:
    flags = chromium_flags(secure_origins=["http://10.0.0.1:1/", "http://10.0.0.1:2"], fake_video=Path("clip.mjpeg"))
    assert "--unsafely-treat-insecure-origin-as-secure=http://10.0.0.1:1,http://10.0.0.1:2" in flags
    assert "--use-file-for-fake-video-capture=clip.mjpeg" in flags


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("chromiun", {}, "There is no browser 'chromiun'. Did you mean 'chromium'"),
        ("chromium", {"fake_video": Path("/no/clip.mjpeg")}, "fake_video='/no/clip.mjpeg': there is no such file"),
        ("firefox", {"fake_video": Path(__file__)}, "fake_video: Firefox has no camera that plays a file"),
        ("chromium", {"secure_origins": "10.0.0.1:4443"}, "'10.0.0.1:4443' is no origin"),
        ("chromium", {"secure_origins": ["http://10.0.0.1:4443/app"]}, "'http://10.0.0.1:4443/app' is no origin"),
    ],
)
async def test_wrong_option_of_a_browser_is_refused_with_what_is_accepted(
    name: Any, options: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    driver: Any = None  # not used: arguments are checked before
    with pytest.raises(WrongArgumentError, match=complaint):
        await launch_browser(driver, name, executable=tmp_path, **options)


async def test_browser_that_does_not_start_is_an_error_with_its_output(tmp_path: Path) -> None:
    broken = executable(tmp_path / "chromium", "echo 'libnss3.so: cannot open' >&2; exit 127")
    async with async_playwright() as driver:
        with pytest.raises(BrowserStartError, match=r"(?s)chromium did not start.*install-deps.*libnss3\.so"):
            await launch_browser(driver, executable=broken)


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ("x is not defined", "uncaught: x is not defined"),
        (
            "Firefox can’t establish a connection to the server at ws://h:1/.",
            "failed: Firefox can’t establish a connection to the server at ws://h:1/.",
        ),
        (
            "The connection to ws://h:1/ was interrupted while the page was loading.",
            "failed: The connection to ws://h:1/ was interrupted while the page was loading.",
        ),
    ],
)
def test_page_log_distinguishes_exceptions_from_failed_sockets_of_firefox(said: str, recorded: str) -> None:
    handlers: dict[str, Any] = {}
    page: Any = SimpleNamespace(on=handlers.__setitem__)
    log = PageLog.watch(page)
    handlers["pageerror"](said)
    assert log.errors == [recorded]


def test_page_log_lists_requests_to_other_origins() -> None:
    log = PageLog(requests=["http://h:1/x", "data:,", "blob:http://h:1/2", "http://h:12/x", "https://h:1/", "stun:h"])
    assert log.leaving("http://h:1/") == ["http://h:12/x", "https://h:1/", "stun:h"]


async def test_firefox_in_which_playwright_cannot_open_a_page_is_an_error_with_the_version_that_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = []

    class Browser:
        version = "1.0"

        async def new_page(self) -> None:
            raise PlaywrightError("unknown command emulation.setMediaFeaturesOverride")

        async def close(self) -> None:
            closed.append(self)

    async def launch(**_options: Any) -> Browser:
        return Browser()

    driver: Any = SimpleNamespace(firefox=SimpleNamespace(launch=launch))
    with pytest.raises(BrowserStartError, match=r"setMediaFeaturesOverride.*pip install 'playwright<1\.65'"):
        await launch_browser(driver, "firefox", executable=Path("/usr/bin/firefox"))
    assert closed, "it is not left running"
