"""Functions that find a Chromium and start it with a fake camera, outside or inside a network lab.

`python -m pyvidu.testing` prints which browser the tests would use.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserType, Page

    from pyvidu.testing.network import NetworkLab

_SYSTEM_NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chrome", "chromium-browser")
_MAC_APPLICATIONS = ("Google Chrome.app/Contents/MacOS/Google Chrome", "Chromium.app/Contents/MacOS/Chromium")
_PLAYWRIGHT_EXECUTABLES = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
    "chromium-*/chrome-win*/chrome.exe",
)

# Names of its vendor's servers that Chromium looks up whatever its flags. Only these are blocked: a page that looks up any
# other name (a public STUN server, say) is still detected.
_OWN_ERRANDS = ("*.googleapis.com", "*.gvt1.com", "accounts.google.com", "clients*.google.com", "www.google.com")

# Chromium 156 samples the heap of one browser in a hundred or so. Its profiler walks frame pointers off the end of the stack
# that Pyodide's coroutines run on (WebAssembly's stack switching), and the page crashes. With all probabilities at 1 the
# first call crashes for certain, with these it does not. (The second name is Playwright's, whose list this one replaces.)
_NO_HEAP_PROFILER = (
    "--enable-features=HeapProfilerReporting:stable-probability/0/nonstable-probability/0,CDPScreenshotNewSurface"
)

# A fake camera without permission prompts, sound without a click, and no background requests to the browser's vendor.
FLAGS = (
    "--no-sandbox",  # the sandbox refuses root, and the pages are ours
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    _NO_HEAP_PROFILER,
    "--host-resolver-rules=" + ", ".join(f"MAP {name} ~NOTFOUND" for name in _OWN_ERRANDS),
)


class BrowserNotFoundError(Exception):
    """No Chromium or Chrome was found; the message states how to get one."""


def find_browser() -> Path:
    """Return a working Chromium or Chrome: `$PYVIDU_BROWSER`, a system one, or one that Playwright has installed.

    Raises BrowserNotFoundError.
    """
    if chosen := os.environ.get("PYVIDU_BROWSER"):
        if not _works(Path(chosen)):
            raise BrowserNotFoundError(f"PYVIDU_BROWSER names {chosen}, which does not start.")
        return Path(chosen)
    for candidate in _candidates():
        if _works(candidate):
            return candidate
    raise BrowserNotFoundError(
        "No Chromium or Chrome was found. Install one (Debian: apt-get install chromium; anywhere: playwright install "
        "chromium) or name its executable in PYVIDU_BROWSER."
    )


def chromium_flags(*, secure_origins: Iterable[str] = (), fake_video: Path | None = None) -> list[str]:
    """Return command line flags for a page that makes calls.

    `secure_origins` ("http://10.0.0.1:4443") are given the camera though they are neither https nor localhost;
    `fake_video` (.mjpeg or .y4m) is the camera's picture.
    """
    flags = list(FLAGS)
    if origins := ",".join(origin.rstrip("/") for origin in secure_origins):
        flags.append(f"--unsafely-treat-insecure-origin-as-secure={origins}")
    if fake_video is not None:
        flags.append(f"--use-file-for-fake-video-capture={fake_video}")
    return flags


async def launch_chromium(
    chromium: BrowserType,
    executable: Path | None = None,
    *,
    lab: NetworkLab | None = None,
    secure_origins: Iterable[str] = (),
    fake_video: Path | None = None,
    args: Iterable[str] = (),
    **options: Any,
) -> Browser:
    """Launch a headless Chromium by Playwright (`chromium` is `playwright.chromium`), in the guest of `lab` if given.

    Origins on the lab's host address need to be in `secure_origins`, or their pages get no camera. `options` go to
    Playwright's `launch`.
    """
    executable = executable or find_browser()
    flags = chromium_flags(secure_origins=secure_origins, fake_video=fake_video)
    return await chromium.launch(
        executable_path=lab.wrap(executable) if lab else executable, args=[*flags, *args], **options
    )


@dataclass
class PageLog:
    """Console lines, errors and requested URLs of a page, from the call of `watch` on."""

    console: list[str] = field(default_factory=list)
    """Every console line, as `type: text`."""
    errors: list[str] = field(default_factory=list)
    """Console errors and warnings, uncaught exceptions, and answers of 400 and up."""
    requests: list[str] = field(default_factory=list)

    @classmethod
    def watch(cls, page: Page) -> PageLog:
        """Start to record `page`."""
        log = cls()
        page.on("console", lambda message: log._said(message.type, message.text))
        page.on("pageerror", lambda error: log.errors.append(f"uncaught: {error}"))
        page.on("request", lambda request: log.requests.append(request.url))
        page.on("response", lambda answer: log._answered(answer.status, answer.url))
        page.on("requestfailed", lambda request: log.errors.append(f"failed: {request.url} {request.failure}"))
        return log

    def leaving(self, *origins: str) -> list[str]:
        """Return the requests that went to none of `origins`."""
        allowed = {origin.rstrip("/") for origin in origins}
        return [
            url
            for url in self.requests
            if not url.startswith(("data:", "blob:")) and "://".join(urlsplit(url)[:2]) not in allowed
        ]

    def _said(self, kind: str, text: str) -> None:
        self.console.append(f"{kind}: {text}")
        if kind in {"error", "warning"}:
            self.errors.append(f"{kind}: {text}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.errors.append(f"{status}: {url}")


def _candidates() -> Iterable[Path]:
    for name in _SYSTEM_NAMES:
        if found := shutil.which(name):
            yield Path(found)
    if sys.platform == "darwin":
        for application in _MAC_APPLICATIONS:
            yield Path("/Applications", application)
    for pattern in _PLAYWRIGHT_EXECUTABLES:
        yield from sorted(_playwright_folder().glob(pattern), reverse=True)


def _playwright_folder() -> Path:
    if chosen := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(chosen)
    caches = {"darwin": Path.home() / "Library" / "Caches", "win32": Path.home() / "AppData" / "Local"}
    return caches.get(sys.platform, Path.home() / ".cache") / "ms-playwright"


def _works(executable: Path) -> bool:
    """Return whether it starts: distributions also ship a launcher that only prints where to get the browser."""
    try:
        done = subprocess.run([executable, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
