"""Where a Chromium or Chrome is found, and the flags with which it has a fake camera."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from pyvidu.testing.errors import BrowserNotFoundError
from pyvidu.testing.executables import chosen_by, on_path, works

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


def find_executable() -> Path:
    """Return a working Chromium or Chrome: `$PYVIDU_BROWSER`, a system one, or one that Playwright has installed.

    Raises BrowserNotFoundError.
    """
    if chosen := chosen_by("PYVIDU_BROWSER"):
        return chosen
    for candidate in _candidates():
        if works(candidate):
            return candidate
    raise BrowserNotFoundError(
        "No Chromium or Chrome was found. Install one, on Debian with `apt-get install chromium`, anywhere with "
        f"`{sys.executable} -m playwright install --with-deps chromium`, or name its executable in PYVIDU_BROWSER."
    )


def chromium_flags(*, secure_origins: Iterable[str] = (), fake_video: Path | None = None) -> list[str]:
    """Return the flags with which a Chromium has a fake camera, for a test that starts it by itself.

    Args:
        secure_origins: origins that get a camera although they are neither https nor on localhost.
        fake_video: a .mjpeg or .y4m file, the camera's picture.

    Source: measured.
    """
    flags = list(FLAGS)
    if origins := ",".join(origin.rstrip("/") for origin in secure_origins):
        flags.append(f"--unsafely-treat-insecure-origin-as-secure={origins}")
    if fake_video is not None:
        flags.append(f"--use-file-for-fake-video-capture={fake_video}")
    return flags


def _candidates() -> Iterable[Path]:
    yield from on_path(_SYSTEM_NAMES)
    if sys.platform == "darwin":
        for application in _MAC_APPLICATIONS:
            yield Path("/Applications", application)
    for folder in _playwright_folders():
        for pattern in _PLAYWRIGHT_EXECUTABLES:
            yield from sorted(folder.glob(pattern), reverse=True)


def _playwright_folders() -> Iterable[Path]:
    if chosen := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        yield Path(chosen)
        return
    # Under sudo, which tests with a network lab may need, the browser is that of the user who called it.
    users = ("~", f"~{os.environ['SUDO_USER']}") if "SUDO_USER" in os.environ else ("~",)
    for home in (Path(user).expanduser() for user in users):
        caches = {"darwin": home / "Library" / "Caches", "win32": home / "AppData" / "Local"}
        yield caches.get(sys.platform, home / ".cache") / "ms-playwright"
