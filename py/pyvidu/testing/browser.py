"""Browsers by name: where one is found, and how one is started with a fake camera, outside or inside a network lab.

A browser is an entry of `_BROWSERS`; what differs between them is in a module of its own (`chromium.py`, `firefox.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pyvidu.testing import chromium, firefox
from pyvidu.testing.arguments import check_file, check_name, origins
from pyvidu.testing.errors import BrowserStartError, WrongArgumentError

if TYPE_CHECKING:
    from playwright.async_api import Browser, Playwright

    from pyvidu.testing.network import NetworkLab

BrowserName = Literal["chromium", "firefox"]
"""The browsers that can be opened."""


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """How a browser is to be started, inside `lab` if there is one."""

    executable: Path
    lab: NetworkLab | None = None
    headless: bool = True
    secure_origins: list[str] = field(default_factory=list)
    fake_video: Path | None = None
    args: list[str] = field(default_factory=list)
    playwright: dict[str, Any] = field(default_factory=dict)
    """Further options of Playwright's `launch`, which has types for them."""


class _Kind(Protocol):
    """What a browser's module offers."""

    def find_executable(self) -> Path:
        """Return a browser that works. Raises BrowserNotFoundError."""

    async def launch(self, playwright: Playwright, options: LaunchOptions, /) -> Browser:
        """Start it. Raises Playwright's Error."""


class _Chromium:
    def find_executable(self) -> Path:
        return chromium.find_executable()

    async def launch(self, playwright: Playwright, options: LaunchOptions, /) -> Browser:
        flags = chromium.chromium_flags(secure_origins=options.secure_origins, fake_video=options.fake_video)
        return await playwright.chromium.launch(
            executable_path=options.lab.wrap(options.executable) if options.lab is not None else options.executable,
            headless=options.headless,
            args=[*flags, *options.args],
            **options.playwright,
        )


class _Firefox:
    def find_executable(self) -> Path:
        return firefox.find_executable()

    async def launch(self, playwright: Playwright, options: LaunchOptions, /) -> Browser:
        if options.fake_video is not None:
            raise WrongArgumentError(
                "fake_video: Firefox has no camera that plays a file; leave it out, or open Chromium"
            )
        preferences = firefox.firefox_preferences(secure_origins=options.secure_origins)
        given: dict[str, Any] = {"headless": options.headless, "args": options.args, **options.playwright}
        given["firefox_user_prefs"] = {**preferences, **given.get("firefox_user_prefs", {})}
        if options.lab is not None:
            return await firefox.launch_inside(options.lab.wrap, options.executable, **given)
        return await firefox.launch(playwright, options.executable, **given)


_BROWSERS: dict[BrowserName, _Kind] = {"chromium": _Chromium(), "firefox": _Firefox()}


def find_browser(name: BrowserName = "chromium") -> Path:
    """Return the executable of a browser that works.

    A Chromium or Chrome is the one named in `$PYVIDU_BROWSER`, a system one, or Playwright's; a Firefox the one named in
    `$PYVIDU_FIREFOX`, or a system one.

    Args:
        name: of the browser.

    Raises:
        BrowserNotFoundError: there is none; the message has the command that installs one.
        WrongArgumentError: `name` is unknown.

    Source: pyvidu's own.
    """
    check_name("browser", name, _BROWSERS)
    return _BROWSERS[name].find_executable()


async def launch_browser(
    playwright: Playwright,
    name: BrowserName = "chromium",
    *,
    executable: Path | None = None,
    lab: NetworkLab | None = None,
    secure_origins: str | Iterable[str] = (),
    fake_video: Path | None = None,
    headless: bool = True,
    args: Iterable[str] = (),
    **options: Any,  # those of Playwright's `launch`
) -> Browser:
    """Start a browser with a fake camera and microphone, which it opens without asking. The caller closes it.

    Args:
        playwright: Playwright's driver.
        name: of the browser.
        executable: runs in place of the one that `find_browser` finds.
        lab: it runs in the guest of this lab.
        secure_origins: one or more that get a camera although they are neither https nor on localhost, such as
            `http://10.213.0.1:4443`: every page in a lab.
        fake_video: a .mjpeg or .y4m file, the camera's picture; in Chromium only.
        headless: False shows it.
        args: further arguments of the browser.
        **options: those of Playwright's `launch`, whose times are milliseconds.

    Raises:
        BrowserNotFoundError: the browser is not installed.
        BrowserStartError: it did not start; the message has its output.
        WrongArgumentError: an argument is wrong.

    Source: Playwright's `BrowserType.launch`; the flags are measured.
    """
    from playwright.async_api import Error as PlaywrightError

    check_name("browser", name, _BROWSERS)
    check_file("fake_video", fake_video)
    found = executable or find_browser(name)
    wanted = LaunchOptions(
        executable=found,
        lab=lab,
        headless=headless,
        secure_origins=origins(secure_origins),
        fake_video=fake_video,
        args=list(args),
        playwright=options,
    )
    try:
        return await _BROWSERS[name].launch(playwright, wanted)
    except PlaywrightError as error:
        where = f" inside network lab {lab.namespace}" if lab is not None else ""
        raise BrowserStartError(
            f"{found} did not start{where}. If it lacks libraries, `playwright install-deps {name}` installs them; without "
            f"a display it has to be headless. Its last output:\n{_said(error.message)}"
        ) from None


def _said(message: str) -> str:
    """Return what the browser printed, of Playwright's message: that also has its long command line, twice."""
    printed = dict.fromkeys(
        line.strip(" -").partition("[err] ")[2] for line in message.splitlines() if "[err] " in line
    )
    return "\n".join([message.partition("\n")[0], *list(printed)[-20:]])
